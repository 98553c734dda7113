import { useState } from "preact/hooks"
import { type Preflight, Problem, type Report, type Run, type Workflow, useOf, work } from "./api"
import { type Opened, verify } from "./checker"
import { useJob } from "./jobs"
import { revealed } from "./report"
import { Trouble, Wide, bytes, percent, plural, round, seconds } from "./words"
import { detection } from "./transcript"

const samples = 20

// Row is one mode for this run: what it costs, establishes and reveals.
interface Row {
  mode: string
  establishes: string
  sure: string
  produce: string
  check?: number // seconds in this browser; of zk, as the service measured
  reads?: number
  reveals?: number
  note?: string
}

// Measured is a check that was made here, by the mode that was asked for.
export interface Measured {
  mode: string
  report: Report
}

const sum = (r: Report, of: (v: Report["verdicts"][number]) => number) => r.verdicts.filter((v) => v.task !== "").reduce((n, v) => n + of(v), 0)

// rowsOf joins what is known of the run, what was measured here, and what the service predicts.
export function rowsOf(run: Run, measured: Measured[], preflight: Preflight | undefined): Row[] {
  const total = Object.values(run.tasks).reduce((n, t) => n + (t.segments ?? 0), 0)
  const last = (mode: string) => measured.findLast((m) => m.mode === mode && m.report.outcome === "valid")?.report
  const known = (mode: string): Partial<Row> => {
    const r = last(mode)
    return r ? { check: sum(r, (v) => v.cost.wall_seconds), reads: sum(r, (v) => v.cost.bytes_read), reveals: sum(r, revealed) } : {}
  }
  const rows: Row[] = [
    { mode: "attest", establishes: "this executor signed this result", sure: "trust in the signer", produce: "one signature", ...known("attest") },
    { mode: "rerun", establishes: "the result is what the module computes", sure: "exact", produce: "nothing more", ...known("rerun") },
  ]
  if (total > 0) {
    const k = Math.min(samples, total)
    rows.push({
      mode: "spot",
      establishes: `${k} random of ${total} segments are right`,
      sure: `one forged segment: ${percent(detection(total, 1, k))}; a tenth forged: ${percent(detection(total, Math.ceil(total / 10), k))}`,
      produce: "a run on the machine, and openings",
      ...known("spot"),
    })
  } else rows.push({ mode: "spot", establishes: "random segments are right", sure: "", produce: "", note: "this run kept no transcript" })
  const ran = preflight?.tasks.filter((t) => t.ran) ?? []
  const proofs = ran.flatMap((t) => (t.proof ? [t.proof] : []))
  const zk: Row = { mode: "zk", establishes: "the result is what the module computes, without running it", sure: "cryptographic, and as good as the keys", produce: "", ...known("zk") }
  if (!preflight) zk.note = "ask the service to count the run"
  else if (proofs.length < ran.length) zk.note = `no proof covers ${ran.filter((t) => !t.proof).map((t) => t.label).join(", ")}`
  if (proofs.length > 0) {
    const known = proofs.every((p) => p.seconds !== undefined)
    const time = known ? seconds(proofs.reduce((s, p) => s + p.seconds!, 0)) : "a time that was not measured here yet"
    zk.produce = `${time}, ${bytes(Math.max(...proofs.map((p) => p.memory_bytes)))} of memory, ${plural(proofs.reduce((s, p) => s + p.parts, 0), "part")}`
    zk.reads ??= proofs.reduce((s, p) => s + p.bytes, 0)
  }
  return [...rows, zk]
}

interface Props {
  run: Run
  workflow: Workflow
  measured: Measured[]
  tell: (m: Measured) => void
  here: (show: (o: Opened) => preact.ComponentChildren) => preact.ComponentChildren
}

export function Trilemma({ run, workflow, measured, tell, here }: Props) {
  const [counting, setCounting] = useState<string>()
  const [error, setError] = useState<unknown>()
  const [busy, setBusy] = useState("")
  const counted = useJob(counting)
  const rows = rowsOf(run, measured, counted.job?.preflight)
  const measure = async (o: Opened) => {
    setError(undefined)
    try {
      for (const mode of ["attest", "rerun", ...(rows[2].note ? [] : ["spot"])]) {
        setBusy(`Measuring ${mode}`)
        tell({ mode, report: await verify(o.file, { mode, ...(mode === "spot" && { samples }) }) })
      }
    } catch (e) {
      setError(e)
    } finally {
      setBusy("")
    }
  }
  const waiting = counting !== undefined && counted.job?.ended === undefined
  return (
    <>
      <p>One execution, and every way of checking it: what it costs to check, what the checker learns, and how sure he is. No mode is best in all three.</p>
      {here((o) => (
        <div class="row">
          <button type="button" class="main" disabled={busy !== ""} onClick={() => measure(o)}>
            Measure here
          </button>
          <button type="button" disabled={waiting} onClick={() => work("/v1/preflights", { workflow: workflow.workflow }, useOf(workflow)).then((j) => setCounting(j.id), setError)}>
            Count it, for a proof
          </button>
          <span role="status">{busy || (waiting && "The service counts the run")}</span>
        </div>
      ))}
      {error !== undefined && <Trouble error={error} />}
      {counted.job?.error && <Trouble error={new Problem("job/failed", counted.job.error)} />}
      <Plot rows={rows} />
      <Wide label="Modes">
        <table>
          <thead>
            <tr>
              <th>Mode</th>
              <th>Establishes</th>
              <th>How surely</th>
              <th>To produce</th>
              <th>To check</th>
              <th>Reads</th>
              <th>Learns</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((r) => (
              <tr key={r.mode}>
                <th scope="row">{r.mode}</th>
                <td class="prose">{r.establishes}</td>
                <td class="prose">{r.sure}</td>
                <td class="prose">{r.note ?? r.produce}</td>
                <td class="number">{r.check === undefined ? "–" : seconds(r.check)}</td>
                <td class="number">{r.reads === undefined ? "–" : bytes(r.reads)}</td>
                <td class="number">{r.reveals === undefined ? "–" : bytes(r.reveals)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      <p class="muted">Times are of this browser, where the verifier is several times slower than the native one. What is not measured is not shown.</p>
    </>
  )
}

const width = 560
const height = 260
const pad = { left: 74, right: 30, top: 14, bottom: 44 }

// scale maps a value to a length, by its logarithm.
function scale(from: number, to: number, length: number) {
  const [a, b] = [Math.floor(Math.log10(from)), Math.max(Math.floor(Math.log10(from)) + 1, Math.ceil(Math.log10(to)))]
  return { at: (v: number) => ((Math.log10(v) - a) / (b - a)) * length, ticks: Array.from({ length: b - a + 1 }, (_, i) => 10 ** (a + i)) }
}

// Plot has a point for each mode that was measured: cheap to the left, discreet below.
function Plot({ rows }: { rows: Row[] }) {
  const points = rows.flatMap((r) => (r.check !== undefined && r.reveals !== undefined ? [{ mode: r.mode, x: Math.max(1e-5, r.check), y: Math.max(1, r.reveals) }] : []))
  if (points.length === 0) return <p class="empty">Nothing was measured yet: measure, or verify the run here in some mode.</p>
  const [w, h] = [width - pad.left - pad.right, height - pad.top - pad.bottom]
  const x = scale(Math.min(...points.map((p) => p.x)), Math.max(...points.map((p) => p.x)), w)
  const y = scale(Math.min(...points.map((p) => p.y)), Math.max(...points.map((p) => p.y)), h)
  const px = (v: number) => pad.left + x.at(v)
  const py = (v: number) => pad.top + h - y.at(v)
  return (
    <figure class="plot">
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={"Cost against what is learnt: " + points.map((p) => `${p.mode} ${seconds(p.x)}, ${bytes(p.y)}`).join("; ")}>
        {x.ticks.map((t) => (
          <g key={t}>
            <line class="grid" x1={px(t)} x2={px(t)} y1={pad.top} y2={pad.top + h} />
            <text x={px(t)} y={pad.top + h + 16} text-anchor="middle">
              {seconds(t)}
            </text>
          </g>
        ))}
        {y.ticks.map((t) => (
          <g key={t}>
            <line class="grid" x1={pad.left} x2={pad.left + w} y1={py(t)} y2={py(t)} />
            <text x={pad.left - 6} y={py(t) + 4} text-anchor="end">
              {(t === 1 ? "≤ " : "") + round(t)}
            </text>
          </g>
        ))}
        <text x={pad.left + w / 2} y={height - 6} text-anchor="middle">
          time to check
        </text>
        <text transform={`translate(12 ${pad.top + h / 2}) rotate(-90)`} text-anchor="middle">
          what the checker learns
        </text>
        {points.map((p) => (
          <g key={p.mode} class={"point " + p.mode}>
            <circle cx={px(p.x)} cy={py(p.y)} r={7} />
            <text x={px(p.x) + (px(p.x) > width / 2 ? -12 : 12)} y={py(p.y) + 4} text-anchor={px(p.x) > width / 2 ? "end" : "start"}>
              {p.mode}
            </text>
          </g>
        ))}
      </svg>
    </figure>
  )
}
