import { useEffect, useState } from "preact/hooks"
import { type Job, type Preflight, Problem, type Run, type Service, type Workflow, type Proofs, final, get, useOf, work } from "./api"
import { Progress, useJob } from "./jobs"
import { PreflightTable } from "./preflight"
import { Outcome, Trouble, bytes, count, plural, seconds } from "./words"

export function Prove({ run, workflow }: { run: Run; workflow: Workflow }) {
  const [schemes, setSchemes] = useState<string[]>()
  const [scheme, setScheme] = useState("")
  const [preflight, setPreflight] = useState<Preflight>()
  const [counting, setCounting] = useState<string>()
  const [proving, setProving] = useState<string>()
  const [chosen, setChosen] = useState<string[]>([])
  const [error, setError] = useState<unknown>()
  const counted = useJob(counting)
  const proof = useJob(proving)
  useEffect(() => {
    get<Service>("/v1/service").then((s) => {
      setSchemes(s.schemes ?? [])
      setScheme(s.schemes?.[0] ?? "")
    }, setError)
  }, [])
  useEffect(() => setPreflight(counted.job?.preflight), [counted.job])
  const begin = (f: () => Promise<Job>, then: (id: string) => void) => {
    setError(undefined)
    f().then((j) => then(j.id), setError)
  }
  const pure = workflow.tasks.filter((t) => !t.effect)
  const made = proof.job?.proofs
  const busy = proving !== undefined && (proof.job === undefined || !final(proof.job)) && proof.error === undefined
  return (
    <>
      <p>
        A proof shows that the module gives this result, to whoever has the proof and the verifying keys: nobody runs the task again. To make one takes minutes and gigabytes.
      </p>
      <div class="row">
        <button type="button" onClick={() => begin(() => work("/v1/preflights", { workflow: run.workflow }, useOf(workflow)), setCounting)}>
          What would it take?
        </button>
        {counted.job && <Progress job={counted.job} />}
      </div>
      {counted.job?.error && <Trouble error={new Problem("job/failed", counted.job.error)} />}
      {preflight && <PreflightTable preflight={preflight} />}
      {error !== undefined && <Trouble error={error} />}
      {schemes?.length === 0 && (
        <p class="empty">
          This service does not offer to prove. With the bundle on a machine of your own: <code>trilemma prove RUN.car</code>, and then verify the file here.
        </p>
      )}
      {schemes && schemes.length > 0 && (
        <>
          <fieldset class="row">
            <legend>What to prove</legend>
            {pure.map((t) => (
              <label key={t.label}>
                <input type="checkbox" checked={chosen.includes(t.label)} onChange={(e) => setChosen(e.currentTarget.checked ? [...chosen, t.label] : chosen.filter((l) => l !== t.label))} />{" "}
                {t.label}
              </label>
            ))}
            <label>
              Circuits{" "}
              <select value={scheme} onChange={(e) => setScheme(e.currentTarget.value)}>
                {schemes.map((s) => (
                  <option key={s}>{s}</option>
                ))}
              </select>
            </label>
          </fieldset>
          <p class="muted">The service sees what it proves. Keys that are not there yet are made first, which takes minutes; they are development keys, whose maker can prove anything.</p>
          <button type="button" class="main" disabled={chosen.length === 0 || busy} onClick={() => begin(() => work("/v1/proofs", { run: run.run, tasks: chosen, scheme }, useOf(workflow, "zk")), setProving)}>
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
      {made && <ProofsMade proofs={made} />}
    </>
  )
}

// ProofsMade says what proofs there are now, and where they are checked.
export function ProofsMade({ proofs: made }: { proofs: Proofs }) {
  return (
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
  )
}
