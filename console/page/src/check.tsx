import { useEffect, useState } from "preact/hooks"
import type { Report } from "./api"
import { type Opened, stop, verify } from "./checker"
import { Verdicts } from "./report"
import type { Measured } from "./trilemma"
import { Bar, Trouble, seconds, short } from "./words"

// What each mode establishes, in a line. The verdict says what it established here.
export const modes: { mode: string; says: string }[] = [
  { mode: "attest", says: "this executor signed this result" },
  { mode: "rerun", says: "the result is what the module computes: it is run again, here" },
  { mode: "spot", says: "random segments of the transcript are right" },
  { mode: "zk", says: "a proof shows the result, without running it" },
  { mode: "all", says: "everything that the evidence allows" },
]

// CheckHere verifies an opened file in this browser.
export function CheckHere({ opened, tell }: { opened: Opened; tell?: (m: Measured) => void }) {
  const [mode, setMode] = useState("rerun")
  const [samples, setSamples] = useState(20)
  const [executor, setExecutor] = useState("")
  const [keys, setKeys] = useState<string[]>([])
  const [report, setReport] = useState<Report>()
  const [done, setDone] = useState<number>()
  const [error, setError] = useState<unknown>()
  const [took, setTook] = useState(0)
  useEffect(() => setReport(undefined), [opened.file])
  const bundle = opened.kind === "bundle"
  const total = opened.workflow?.tasks.length ?? 0
  const families = opened.families ?? []

  const check = async () => {
    setReport(undefined)
    setError(undefined)
    setDone(0)
    const began = performance.now()
    try {
      const dev = families.some((f) => keys.includes(f.family) && f.setup === "dev")
      const r = await verify(opened.file, { mode: bundle ? mode : "attest", executor: executor.trim(), ...(mode === "spot" && { samples }), families: keys, allow_dev_setup: dev }, setDone)
      setTook((performance.now() - began) / 1000)
      setReport(r)
      tell?.({ mode, report: r })
    } catch (e) {
      setError(e)
    } finally {
      setDone(undefined)
    }
  }
  return (
    <section aria-label="Verify in this browser" class="check">
      <p class="note good">
        This check runs in your browser, on the bytes of the evidence alone: the server was not trusted, and nothing that it says counts. What remains is this page's own code, which came from{" "}
        {location.host}. Whoever doubts that too saves the file and checks it with a copy of his own: <code>trilemma verify</code>, or this page of <code>trilemma serve</code>.
      </p>
      {bundle && (
        <fieldset class="modes">
          <legend>How to check</legend>
          {modes.map((m) => (
            <label key={m.mode}>
              <input type="radio" name="mode" value={m.mode} checked={mode === m.mode} onChange={() => setMode(m.mode)} />
              <span>
                <b>{m.mode}</b> {m.says}
              </span>
            </label>
          ))}
        </fieldset>
      )}
      <div class="row">
        {bundle && mode === "spot" && (
          <label>
            Segments to draw <input type="number" min={1} max={4096} value={samples} onInput={(e) => setSamples(e.currentTarget.valueAsNumber || 1)} />
          </label>
        )}
        <label class="grow">
          Expected signer{" "}
          <input type="text" class="wide" placeholder="did:key:… (empty: whoever signed, which the verdict then says)" value={executor} onInput={(e) => setExecutor(e.currentTarget.value)} />
        </label>
      </div>
      {bundle && (mode === "zk" || mode === "all") && (
        <fieldset>
          <legend>Keys that you trust</legend>
          {families.length === 0 && <p class="muted">The file carries no keys, and so no proof that could be checked.</p>}
          {families.map((f) => (
            <label key={f.family}>
              <input type="checkbox" checked={keys.includes(f.family)} onChange={(e) => setKeys(e.currentTarget.checked ? [...keys, f.family] : keys.filter((k) => k !== f.family))} />
              <span>
                family {short(f.family)},{" "}
                {f.setup === "dev" ? "development keys: whoever made them can prove anything" : `from the ceremony ${short(f.setup)}: sound if one of its contributors forgot what he drew`}. The
                file's maker chose them: tick only if you know them.
              </span>
            </label>
          ))}
        </fieldset>
      )}
      <div class="row">
        <button type="button" class="main" onClick={check} disabled={done !== undefined}>
          Verify here
        </button>
        {done !== undefined && (
          <>
            <Bar done={done} total={total} label="Tasks that are checked" />
            <span role="status">{done === 0 ? "checking…" : `${done} of ${total}`}</span>
            <button type="button" onClick={stop}>
              Stop
            </button>
          </>
        )}
      </div>
      {error !== undefined && <Trouble error={error} />}
      {report && (
        <div class="result">
          <p class="muted">Checked here in {seconds(took)}.</p>
          <Verdicts report={report} />
        </div>
      )}
    </section>
  )
}
