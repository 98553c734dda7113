import { useEffect, useState } from "preact/hooks"
import { type Job, type Queues as Found, type Worker, type Workflow, cancel, final, get } from "./api"
import { watch } from "./events"
import { Graph } from "./graph"
import { PreflightTable } from "./preflight"
import { ProofsMade } from "./prove"
import { Verdicts } from "./report"
import { RunView } from "./run"
import { Bar, Id, Outcome, Trouble, Wide, plural, seconds, when } from "./words"

// useJob follows a job until it has ended. up is false while the line is down.
export function useJob(id: string | undefined): { job?: Job; ended: Map<string, string>; up: boolean; error?: unknown } {
  const [job, setJob] = useState<Job>()
  const [ended, setEnded] = useState(new Map<string, string>())
  const [up, setUp] = useState(true)
  const [error, setError] = useState<unknown>()
  useEffect(() => {
    setJob(undefined)
    setEnded(new Map())
    setError(undefined)
    if (!id) return
    return watch(`/v1/jobs/${encodeURIComponent(id)}/events`, {
      event: (data) => {
        const j = data as Job
        setJob(j)
        // A job's log has its newest lines only: what earlier events told stays.
        setEnded((e) => new Map([...e, ...taskEnds(j.log)]))
        return final(j)
      },
      line: setUp,
      failed: setError,
    })
  }, [id])
  return { job, ended, up, error }
}

// taskEnds reads the lines that a run's log has of its tasks: "ok LABEL" or "error LABEL".
export const taskEnds = (log: string[]) => log.flatMap((l) => (/^(ok|error) \S+$/.test(l) ? [[l.slice(l.indexOf(" ") + 1), l.slice(0, l.indexOf(" "))] as [string, string]] : []))

export function JobPage({ id }: { id: string }) {
  const { job, ended, up, error } = useJob(id)
  const [workflow, setWorkflow] = useState<Workflow>()
  const [failed, setFailed] = useState<unknown>()
  const about = job?.kind === "run" ? job.subject : undefined
  useEffect(() => {
    if (about) get<Workflow>("/v1/workflows/" + about).then(setWorkflow, setFailed)
  }, [about])
  if (error !== undefined) return <Trouble error={error} />
  if (!job) return <p role="status">{up ? "Asking for the job…" : "The service does not answer. Trying again…"}</p>
  if (job.run && workflow) return <RunView run={job.run} workflow={workflow} part="" />
  const state = (label: string) => {
    const t = workflow?.tasks.find((t) => t.label === label)
    if (ended.has(label)) return ended.get(label)!
    const ready = t?.awaits.every((a) => ended.has(a)) && (!t.effect || workflow!.tasks.every((u) => u.effect || ended.has(u.label)))
    return job.state === "running" && ready ? "running" : "waiting"
  }
  return (
    <>
      <h1>
        {title(job)} <Outcome of={job.state} />
      </h1>
      {!up && (
        <p class="note warn" role="status">
          The connection is gone. What happens meanwhile is told when it is back.
        </p>
      )}
      <Progress job={job} />
      {workflow && <Graph tasks={workflow.tasks} state={state} />}
      {failed !== undefined && <Trouble error={failed} />}
      {job.error && (
        <div class="note bad" role="alert">
          <p>{job.error}</p>
        </div>
      )}
      {job.report && (
        <>
          <p class="note">These verdicts are the service's word. To check for yourself, verify the run here, or its bundle with the command line.</p>
          <Verdicts report={job.report} />
        </>
      )}
      {job.proofs && <ProofsMade proofs={job.proofs} />}
      {job.preflight && <PreflightTable preflight={job.preflight} />}
      <p class="muted">
        {job.accepted && `Accepted ${when(job.accepted)}. `}
        {job.ended && `Ended ${when(job.ended)}.`} About <Id id={job.subject} />
      </p>
    </>
  )
}

const title = (j: Job) => ({ run: "Run", verify: "Verification", preflight: "Preflight", exec: "Call", prove: "Proof", answer: "Answer to a challenge", dispute: "Dispute" })[j.kind] ?? j.kind

// Progress shows how far a job is, with what there is to do about it.
export function Progress({ job }: { job: Job }) {
  const [error, setError] = useState<unknown>()
  if (final(job)) return null
  const stage = job.state === "queued" ? "waiting for its turn" : (job.stage ?? "running")
  return (
    <div class="row">
      <Bar done={job.done} total={job.total} label={stage} />
      <span role="status">
        {stage}
        {job.total > 0 && `: ${job.done} of ${job.total}`}
        {(job.left_seconds ?? 0) >= 1 ? `, about ${seconds(job.left_seconds!)} left` : ""}
      </span>
      <button type="button" onClick={() => cancel(job.id).catch(setError)}>
        Cancel
      </button>
      {error !== undefined && <Trouble error={error} />}
    </div>
  )
}

export function JobsPage() {
  const [jobs, setJobs] = useState<Job[]>()
  const [next, setNext] = useState("")
  const [error, setError] = useState<unknown>()
  const load = (cursor = "") =>
    get<{ jobs: Job[]; next?: string }>("/v1/jobs?limit=50" + (cursor && "&cursor=" + encodeURIComponent(cursor))).then((p) => {
      setJobs((old = []) => (cursor ? [...old, ...p.jobs] : [...p.jobs, ...old.filter((o) => p.jobs.every((j) => j.id !== o.id))]))
      if (cursor || !jobs) setNext(p.next ?? "") // the newest, fetched again, leave older pages where they are
      setError(undefined)
    }, setError)
  useEffect(() => void load(), [])
  const busy = jobs?.slice(0, 50).some((j) => !final(j))
  useEffect(() => {
    if (!busy) return
    const t = setTimeout(load, 1500)
    return () => clearTimeout(t)
  }, [jobs])
  return (
    <>
      <h1>Jobs</h1>
      {error !== undefined && <Trouble error={error} again={() => load()} />}
      {jobs && <Queues jobs={jobs} />}
      {jobs?.length === 0 && (
        <p class="empty">
          Nobody has asked for anything yet. <a href="#/">Submit a workflow</a>
        </p>
      )}
      {jobs && jobs.length > 0 && (
        <Wide label="Jobs">
          <table>
            <thead>
              <tr>
                <th>Job</th>
                <th>State</th>
                <th>About</th>
                <th>Accepted</th>
                <th>Took</th>
              </tr>
            </thead>
            <tbody>
              {jobs.map((j) => (
                <tr key={j.id}>
                  <td>
                    <a href={"#/job/" + encodeURIComponent(j.id)}>{title(j)}</a>
                  </td>
                  <td>
                    <Outcome of={j.state} /> {j.state === "running" && j.total > 0 && `${j.done} of ${j.total}`}
                  </td>
                  <td>
                    <Id id={j.subject} />
                  </td>
                  <td>{j.accepted && when(j.accepted)}</td>
                  <td class="number">{j.started && j.ended && seconds(Math.max(0, (Date.parse(j.ended) - Date.parse(j.started)) / 1000))}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      )}
      {next && (
        <button type="button" onClick={() => load(next)}>
          Older ones
        </button>
      )}
    </>
  )
}

// Queues says how much waits and is worked at, and who works.
function Queues({ jobs }: { jobs: Job[] }) {
  const [said, setSaid] = useState<Found>()
  useEffect(() => {
    const gone = new AbortController()
    get<Found>("/v1/queues", gone.signal).then(setSaid, () => gone.signal.aborted || setSaid(undefined)) // what the page may not see it does without
    return () => gone.abort()
  }, [jobs])
  if (!said) return null
  const busy = said.queues.flatMap((q) => [q.waiting > 0 && `${q.class}: ${plural(q.waiting, "job")} waiting`, q.running > 0 && `${q.class}: ${plural(q.running, "job")} running`]).filter(Boolean)
  return (
    <>
      <p role="status" class="muted">
        {busy.length === 0 ? "Nothing waits, and no worker is busy." : busy.join("; ")}
      </p>
      <Workers workers={said.workers} />
    </>
  )
}

function Workers({ workers }: { workers: Worker[] }) {
  if (workers.length === 0) return <p class="note warn">No worker answers: jobs wait until one does.</p>
  return (
    <details>
      <summary>{plural(workers.length, "worker")}</summary>
      <Wide label="Workers">
        <table>
          <thead>
            <tr>
              <th>Worker</th>
              <th>Since</th>
              <th>Does</th>
            </tr>
          </thead>
          <tbody>
            {workers.map((w, i) => (
              <tr key={i}>
                <td>{w.host}</td>
                <td>{when(w.since)}</td>
                <td>{w.posts.map((p) => `${p.class}: ${p.busy} of ${p.slots}`).join(", ")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </details>
  )
}
