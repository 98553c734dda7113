import { useEffect, useState } from "preact/hooks"
import { type Job, type Keys, type Preflight, Problem, type Run, type Workflow, get, work } from "./api"
import { Progress, useJob } from "./jobs"
import { PreflightTable } from "./preflight"
import { Outcome, Trouble, bytes, count, plural, seconds, short } from "./words"

// offered asks the service's own description whether it proves.
async function offered(): Promise<boolean> {
  const api = await get<{ paths: Record<string, unknown> }>("/openapi.json")
  return "/v1/proofs" in api.paths
}

export function Prove({ run, workflow }: { run: Run; workflow: Workflow }) {
  const [can, setCan] = useState<boolean>()
  const [keys, setKeys] = useState<Keys>()
  const [preflight, setPreflight] = useState<Preflight>()
  const [counting, setCounting] = useState<string>()
  const [proving, setProving] = useState<string>()
  const [chosen, setChosen] = useState<string[]>([])
  const [error, setError] = useState<unknown>()
  const counted = useJob(counting)
  const proof = useJob(proving)
  useEffect(() => {
    offered().then(setCan, setError)
    get<Keys>("/v1/keys").then(setKeys, setError)
  }, [])
  useEffect(() => setPreflight(counted.job?.preflight), [counted.job])
  const begin = (f: () => Promise<Job>, then: (id: string) => void) => {
    setError(undefined)
    f().then((j) => then(j.id), setError)
  }
  const pure = workflow.tasks.filter((t) => !t.effect)
  const made = proof.job?.proofs
  return (
    <>
      <p>
        A proof shows that the module gives this result, to whoever has the proof and the verifying keys: nobody runs the task again. To make one takes minutes and gigabytes.
      </p>
      <div class="row">
        <button type="button" onClick={() => begin(() => work("/v1/preflights", { workflow: run.workflow }), setCounting)}>
          What would it take?
        </button>
        {counted.job && <Progress job={counted.job} />}
      </div>
      {counted.job?.error && <Trouble error={new Problem("job/failed", counted.job.error)} />}
      {preflight && <PreflightTable preflight={preflight} />}
      {error !== undefined && <Trouble error={error} />}
      {can === false && (
        <p class="empty">
          This service does not offer to prove. With the bundle on a machine of your own: <code>trilemma prove RUN.car</code>, and then verify the file here.
        </p>
      )}
      {can && keys && keys.families.length === 0 && <p class="note warn">The service has no keys to prove with yet: whoever runs it makes them with trilemma setup.</p>}
      {can && keys && keys.families.length > 0 && (
        <>
          <p class="muted">
            Keys: {keys.families.map((f) => `${short(f.family)} (${f.setup === "dev" ? "development: whoever made them can prove anything" : "ceremony " + short(f.setup)})`).join(", ")}
          </p>
          <fieldset class="row">
            <legend>Tasks to prove</legend>
            {pure.map((t) => (
              <label key={t.label}>
                <input type="checkbox" checked={chosen.includes(t.label)} onChange={(e) => setChosen(e.currentTarget.checked ? [...chosen, t.label] : chosen.filter((l) => l !== t.label))} />{" "}
                {t.label}
              </label>
            ))}
          </fieldset>
          <button type="button" class="main" disabled={chosen.length === 0 || (proof.job !== undefined && proof.job.ended === undefined)} onClick={() => begin(() => work("/v1/proofs", { run: run.run, tasks: chosen }), setProving)}>
            Prove
          </button>
        </>
      )}
      {proof.job && (
        <section aria-label="Proving">
          <h3>
            Proof <Outcome of={proof.job.state} />
          </h3>
          {!proof.up && <p class="note warn">The connection is gone; proving goes on.</p>}
          <Progress job={proof.job} />
          {proof.job.log.length > 0 && <pre class="log">{proof.job.log.join("\n")}</pre>}
          {proof.job.error && <Trouble error={new Problem("job/failed", proof.job.error)} />}
        </section>
      )}
      {made && (
        <>
          <table>
            <thead>
              <tr>
                <th>Task</th>
                <th>Steps</th>
                <th>Parts</th>
                <th>Proof</th>
                <th>Took</th>
              </tr>
            </thead>
            <tbody>
              {Object.entries(made.tasks).map(([label, p]) => (
                <tr key={label}>
                  <td>{label}</td>
                  <td class="number">{count(p.steps)}</td>
                  <td class="number">{p.proofs}</td>
                  <td class="number">{bytes(p.bytes)}</td>
                  <td class="number">{seconds(p.seconds)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <p>
            <a href={`#/run/${made.run}/check`}>Verify the {plural(Object.keys(made.tasks).length, "proof")} in this browser</a>
          </p>
        </>
      )}
    </>
  )
}
