import type { Preflight } from "./api"
import { Outcome, Wide, bytes, count, seconds } from "./words"

// PreflightTable shows what counting a run found out.
export function PreflightTable({ preflight }: { preflight: Preflight }) {
  return (
    <Wide label="What it takes">
      <table>
        <thead>
          <tr>
            <th>Task</th>
            <th>Steps</th>
            <th>Touched</th>
            <th>Provable</th>
            <th>Proof</th>
            <th>Memory</th>
            <th>Predicted time</th>
          </tr>
        </thead>
        <tbody>
          {preflight.tasks.map((t) => (
            <tr key={t.label}>
              <td>{t.label}</td>
              <td class="number">{count(t.steps)}</td>
              <td class="number">{bytes(t.touched_bytes)}</td>
              <td>{t.provable === undefined ? "it did not run" : <Outcome of={t.provable ? "ok" : "error"}>{t.provable ? "yes" : "no"}</Outcome>} {t.reason}</td>
              <td class="number">{t.proof && `${t.proof.parts} parts, ${bytes(t.proof.bytes)}`}</td>
              <td class="number">{t.proof && bytes(t.proof.memory_bytes)}</td>
              <td class="number">{t.proof && (t.proof.seconds === undefined ? "not measured here yet" : seconds(t.proof.seconds))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  )
}
