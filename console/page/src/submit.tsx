import { useEffect, useMemo, useRef, useState } from "preact/hooks"
import { type Mistake, Problem, type Service, type Workflow, fresh, get, post, put, request, useOf, work } from "./api"
import { cidOf } from "./cbor"
import { Editor } from "./editor"
import { Choose, bytesOf } from "./files"
import { Graph } from "./graph"
import { effectsIn, names, replace, without } from "./names"
import { Trouble, bytes, count, plural } from "./words"

const samples = [
  { name: "A picture: crop, grey, blur, encode", path: "examples/image.json" },
  { name: "A diamond of integers", path: "examples/integers.yaml" },
  { name: "One call", path: "" },
]

const oneCall = `{
  "trilemma": "workflow/1",
  "tasks": {
    "fib": {"run": {"mod": "../guests/wasm/fib.wasm", "fun": "fib", "params": [18]}}
  }
}
`

const isModule = (b: Uint8Array) => b.length > 4 && b[0] === 0 && b[1] === 0x61 && b[2] === 0x73 && b[3] === 0x6d
const isDocument = (f: File) => /\.(json|ya?ml)$/.test(f.name)
const base = (path: string) => path.slice(path.lastIndexOf("/") + 1)
const typeOf = (text: string) => (text.trimStart().startsWith("{") ? "application/json" : "application/yaml")

// kept is what the page remembers of the form while other pages are shown.
const kept = { text: "", files: new Map<string, Uint8Array>() }

export function SubmitPage({ dropped }: { dropped: File[] }) {
  const [text, setText] = useState(kept.text)
  const [files, setFiles] = useState(kept.files)
  const [mistakes, setMistakes] = useState<Mistake[]>([])
  const [trouble, setTrouble] = useState<unknown>()
  const [compiled, setCompiled] = useState<Workflow>()
  const [busy, setBusy] = useState("")
  const [options, setOptions] = useState({ engine: "native", transcript: true, fresh: false })
  const [service, setService] = useState<Service>()
  const editor = useRef<HTMLTextAreaElement>(null)

  const change = (t: string) => {
    kept.text = t
    setText(t)
    setMistakes([])
    setTrouble(undefined)
    setCompiled(undefined)
  }
  const add = (more: [string, Uint8Array][]) => {
    kept.files = new Map([...kept.files, ...more])
    setFiles(kept.files)
    setTrouble(undefined)
  }
  const take = async (list: File[]) => {
    for (const f of list) {
      if (isDocument(f) && f.size < 1 << 24 && (list.length === 1 || /trilemma|tasks/.test(await f.text()))) change(await f.text())
      else add([[f.name, await bytesOf(f)]])
    }
  }
  useEffect(() => void get<Service>("/v1/service").then(setService, setTrouble), [])
  useEffect(() => void take(dropped), [dropped])

  const mentioned = useMemo(() => [...new Map(names(text).map((n) => [n.path, n])).values()], [text])
  const bytesFor = (path: string) => files.get(path) ?? files.get(base(path))
  const missing = mentioned.filter((n) => !bytesFor(n.path))
  const refused = service ? [...effectsIn(text)].filter(([, cmd]) => !service.effects.includes(cmd)) : []

  const sample = async (path: string) => {
    if (path === "") change(oneCall)
    const at = new URL("/console/samples/" + (path || "examples/"), location.href)
    try {
      const doc = path === "" ? oneCall : await (await request(at.pathname)).text()
      change(doc)
      for (const n of names(doc)) {
        const res = await fetch(new URL(n.path, at))
        if (res.ok) add([[n.path, new Uint8Array(await res.arrayBuffer())]])
      }
    } catch (e) {
      setTrouble(e)
    }
  }

  // send puts what the document mentions, and then the document, with CIDs in the place of paths.
  const send = async (path: string): Promise<Workflow | undefined> => {
    setMistakes([])
    setTrouble(undefined)
    const cids = new Map<string, string>()
    let place = (line: number, column: number) => ({ line, column })
    try {
      for (const n of mentioned) {
        const data = bytesFor(n.path)
        if (!data) continue
        setBusy(`Sending ${base(n.path)}, ${bytes(data.length)}`)
        const cid = await cidOf(data)
        const to = n.key === "mod" && isModule(data) ? "modules" : "blocks"
        await put(`/v1/${to}/${cid}`, data)
        cids.set(n.path, cid)
      }
      setBusy("Compiling")
      const made = replace(text, cids)
      place = made.place
      const w = await post<Workflow>(path, typeOf(made.text), made.text)
      setCompiled(w)
      return w
    } catch (e) {
      setCompiled(undefined)
      if (e instanceof Problem && e.errors.length > 0) {
        const found = e.errors.map((m) => (m.line ? { ...m, ...place(m.line, m.column ?? 1) } : m))
        setMistakes(found)
      }
      setTrouble(e)
    } finally {
      setBusy("")
    }
  }
  const run = async () => {
    const w = await send("/v1/workflows")
    if (!w) return
    try {
      const native = !options.transcript
      const job = await work("/v1/runs", {
        workflow: w.workflow,
        ...(native && { engine: options.engine }),
        ...(options.transcript && { transcript: true }),
        ...(options.fresh && { fresh: fresh() }),
      }, useOf(w))
      location.hash = "#/job/" + encodeURIComponent(job.id)
    } catch (e) {
      setTrouble(e)
    }
  }

  return (
    <>
      <h1>Submit a workflow</h1>
      <div class="row">
        <Choose many take={take}>
          Open files…
        </Choose>
        <span class="muted">or an example:</span>
        {samples.map((s) => (
          <button type="button" key={s.path} class="quiet" onClick={() => sample(s.path)}>
            {s.name}
          </button>
        ))}
      </div>
      <Editor field={editor} text={text} change={change} mistakes={mistakes} />
      {mentioned.length > 0 && (
        <ul class="names" aria-label="Files that the workflow names">
          {mentioned.map((n) => {
            const data = bytesFor(n.path)
            return (
              <li key={n.path} class={data ? "" : "lack"}>
                <code>{n.path}</code> {data ? bytes(data.length) : <Choose take={async ([f]) => f && add([[n.path, await bytesOf(f)]])}>Choose the file…</Choose>}
              </li>
            )
          })}
        </ul>
      )}
      {refused.length > 0 && (
        <div class="note warn">
          <p>
            This service does not allow {plural(refused.length, "effect")} of the workflow: {refused.map(([l, cmd]) => `${l} (${cmd})`).join(", ")}.
          </p>
          <button type="button" onClick={() => change(without(text, refused.map(([l]) => l)))}>
            Leave out
          </button>
        </div>
      )}
      <fieldset class="row options">
        <legend>How to run it</legend>
        <label>
          <input type="checkbox" checked={options.transcript} onChange={(e) => setOptions({ ...options, transcript: e.currentTarget.checked })} /> Keep a transcript
          (spot-checks and disputes need it)
        </label>
        <label>
          Engine{" "}
          <select disabled={options.transcript} value={options.transcript ? "machine" : options.engine} onChange={(e) => setOptions({ ...options, engine: e.currentTarget.value })}>
            {(service?.engines ?? ["native", "machine"]).map((e) => (
              <option key={e}>{e}</option>
            ))}
          </select>
        </label>
        <label>
          <input type="checkbox" checked={options.fresh} onChange={(e) => setOptions({ ...options, fresh: e.currentTarget.checked })} /> Run it even if the results are known
        </label>
      </fieldset>
      <div class="row">
        <button type="button" class="main" disabled={busy !== "" || text.trim() === "" || missing.length > 0} onClick={run}>
          Run
        </button>
        <button type="button" disabled={busy !== "" || text.trim() === ""} onClick={() => send("/v1/workflows/validate")}>
          Check only
        </button>
        <span role="status">{busy || (missing.length > 0 && `${plural(missing.length, "file")} to choose`)}</span>
      </div>
      {trouble !== undefined && mistakes.length === 0 && <Trouble error={trouble} />}
      {compiled && (
        <section aria-label="The compiled workflow">
          <h2>{plural(compiled.tasks.length, "task")}</h2>
          <p class="muted">
            Together at most {count(compiled.fuel)} instructions; {plural(compiled.modules.length, "module")}.
          </p>
          <Graph tasks={compiled.tasks} />
        </section>
      )}
    </>
  )
}
