import { useEffect, useState } from "preact/hooks"
import { type Run, type Workflow, bundle, get } from "./api"
import { CheckHere } from "./check"
import type { Opened } from "./checker"
import { Dispute } from "./dispute"
import { save } from "./files"
import { useOpened } from "./opened"
import { Prove } from "./prove"
import { TaskGraph } from "./tasks"
import { Transcript } from "./transcript"
import { type Measured, Trilemma } from "./trilemma"
import { Id, Outcome, Trouble, bytes } from "./words"

export function RunPage({ id, part }: { id: string; part: string }) {
  const [run, setRun] = useState<Run>()
  const [workflow, setWorkflow] = useState<Workflow>()
  const [error, setError] = useState<unknown>()
  useEffect(() => {
    void (async () => {
      try {
        const r = await get<Run>("/v1/runs/" + id)
        setWorkflow(await get<Workflow>("/v1/workflows/" + r.workflow))
        setRun(r)
      } catch (e) {
        setError(e)
      }
    })()
  }, [id])
  if (error !== undefined) return <Trouble error={error} />
  if (!run || !workflow) return <p role="status">Fetching the run…</p>
  return <RunView run={run} workflow={workflow} part={part} />
}

const parts = [
  ["", "Tasks"],
  ["check", "Verify here"],
  ["transcript", "Transcript"],
  ["prove", "Prove"],
  ["trilemma", "Trilemma"],
  ["dispute", "Dispute"],
]

// evidence is a run's bundle, opened in this browser when it is first wanted.
export interface Evidence {
  opened?: Opened
  error?: unknown
  want: () => void
}

function useEvidence(run: string): Evidence {
  const { opened, error, busy, from } = useOpened()
  return { opened, error, want: () => void (opened || busy || from(() => bundle(run))) }
}

export function RunView({ run, workflow, part }: { run: Run; workflow: Workflow; part: string }) {
  const [at, setAt] = useState(part)
  const [measured, setMeasured] = useState<Measured[]>([])
  const tell = (m: Measured) => setMeasured((all) => [...all, m])
  const [error, setError] = useState<unknown>()
  const evidence = useEvidence(run.run)
  useEffect(() => setAt(part), [part])
  useEffect(() => {
    history.replaceState(null, "", `#/run/${run.run}${at && "/" + at}`)
    if (["check", "transcript", "trilemma", "dispute"].includes(at)) evidence.want()
  }, [at, run.run])
  const here = (show: (o: Opened) => preact.ComponentChildren) =>
    evidence.error !== undefined ? (
      <Trouble error={evidence.error} again={evidence.want} />
    ) : evidence.opened ? (
      show(evidence.opened)
    ) : (
      <p role="status">Fetching the bundle, and loading the verifier…</p>
    )
  const arrow = (e: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key]
    if (!step) return
    const next = parts[(parts.findIndex(([p]) => p === at) + step + parts.length) % parts.length][0]
    setAt(next)
    document.getElementById("tab-" + next)?.focus()
  }
  return (
    <>
      <h1>
        Run <Outcome of={run.outcome} />
      </h1>
      <p class="muted">
        <Id id={run.run} /> signed by <Id id={run.executor} />{" "}
        <button
          type="button"
          class="link"
          onClick={() => bundle(run.run).then((b) => save(run.run + ".car", b, "application/vnd.ipld.car"), setError)}
        >
          Save the bundle
        </button>
      </p>
      {error !== undefined && <Trouble error={error} />}
      {run.error && (
        <p class="note bad">
          <code>{run.error.kind}</code> {run.error.message}
        </p>
      )}
      <div class="tabs" role="tablist" aria-label="Parts of the run" onKeyDown={arrow}>
        {parts.map(([p, name]) => (
          <button type="button" key={p} role="tab" id={"tab-" + p} aria-selected={at === p} aria-controls="part" tabIndex={at === p ? 0 : -1} onClick={() => setAt(p)}>
            {name}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="part" aria-labelledby={"tab-" + at}>
        {at === "" && <TaskGraph run={run} workflow={workflow} />}
        {at === "check" &&
          here((o) => (
            <>
              <p class="muted">The bundle has {bytes(o.bytes)}: all that it takes to check this run, here or anywhere.</p>
              <CheckHere opened={o} tell={tell} />
            </>
          ))}
        {at === "transcript" && <Transcript run={run} workflow={workflow} here={here} tell={tell} />}
        {at === "prove" && <Prove run={run} workflow={workflow} />}
        {at === "trilemma" && <Trilemma run={run} workflow={workflow} measured={measured} tell={tell} here={here} />}
        {at === "dispute" && here((o) => <Dispute mine={o} served />)}
      </div>
    </>
  )
}
