import type { Report, Verdict } from "./api"
import { Id, Outcome, Wide, bytes, percent, plural, seconds } from "./words"

export const revealed = (v: Verdict) => v.revealed.input_bytes + v.revealed.state_bytes + v.revealed.output_bytes

const nameOf = (v: Verdict) => v.task || (v.mode === "dispute" ? "a finding" : "the run")

// Verdicts shows what a check found: each verdict with what it is worth, what it took and what it revealed.
export function Verdicts({ report }: { report: Report }) {
  const drawn = report.verdicts.find((v) => v.task === "" && v.outcome === "valid" && v.sampling)?.sampling
  // What a verdict is worth is said once, for all tasks of which it is the same. Of samples it is said of the run, which has them all.
  const notes = new Map<string, { of: string; mode: string; outcome: string; tasks: string[] }>()
  for (const v of report.verdicts) {
    if (drawn && v.task !== "" && v.sampling && v.outcome === "valid") continue
    const of = v.outcome !== "valid" ? v.reason : v.mode === "dispute" ? `${v.reason} (${v.soundness})` : v.soundness
    const key = v.mode + v.outcome + of
    const n = notes.get(key) ?? { of, mode: v.mode, outcome: v.outcome, tasks: [] }
    n.tasks.push(nameOf(v))
    notes.set(key, n)
  }
  return (
    <>
      <p class={"verdict " + report.outcome} role="status">
        <Outcome of={report.outcome} /> {report.reason}
      </p>
      {report.signer && (
        <p class="muted">
          Signed by <Id id={report.signer} />
        </p>
      )}
      <Wide label="Verdicts">
        <table>
          <thead>
            <tr>
              <th>Task</th>
              <th>Mode</th>
              <th>Verdict</th>
              <th>Took</th>
              <th>Read</th>
              <th>Revealed</th>
            </tr>
          </thead>
          <tbody>
            {report.verdicts.map((v, i) => (
              <tr key={i}>
                <td>{nameOf(v)}</td>
                <td>{v.mode}</td>
                <td>
                  <Outcome of={v.outcome} />
                </td>
                <td class="number">{seconds(v.cost.wall_seconds)}</td>
                <td class="number">{bytes(v.cost.bytes_read)}</td>
                <td class="number">{bytes(revealed(v))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      <ul class="notes" aria-label="What that is worth">
        {[...notes.values()].map((n, i) => (
          <li key={i}>
            <b>{n.tasks.join(", ")}</b>, {n.mode} <Outcome of={n.outcome} />: {n.of}
          </li>
        ))}
      </ul>
      {drawn && (
        <section aria-label="What the samples are worth">
          <p>
            {drawn.samples} of {plural(drawn.segments, "segment")} were drawn. A single forged one is found with probability {percent(drawn.single)}; the openings showed{" "}
            {bytes(drawn.opened_state_bytes)} of state and {bytes(drawn.opened_input_bytes)} of input.
          </p>
        </section>
      )}
    </>
  )
}
