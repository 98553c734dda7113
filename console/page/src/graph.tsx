import type { Task, WorkflowTask } from "./api"
import { count } from "./words"

// Graph shows tasks as boxes, each to the right of what it awaits.

const width = 132
const height = 46
const gapX = 44
const gapY = 18

// columns says how many tasks come before each one, on the longest way.
export function columns(tasks: WorkflowTask[]): Map<string, number> {
  const out = new Map<string, number>()
  for (const t of tasks) {
    // Tasks come after what they await.
    out.set(t.label, Math.max(-1, ...t.awaits.map((a) => out.get(a) ?? -1)) + 1)
  }
  const last = Math.max(0, ...tasks.filter((t) => !t.effect).map((t) => out.get(t.label)!))
  for (const t of tasks) if (t.effect) out.set(t.label, Math.max(out.get(t.label)!, last + 1)) // effects come when all else has succeeded
  return out
}

export interface GraphProps {
  tasks: WorkflowTask[]
  state?: (label: string) => string // waiting, running, ok, error
  results?: Record<string, Task>
  chosen?: string
  choose?: (label: string) => void
}

export function Graph({ tasks, state, results, chosen, choose }: GraphProps) {
  const column = columns(tasks)
  const rows: string[][] = []
  for (const t of tasks) (rows[column.get(t.label)!] ??= []).push(t.label)
  const tallest = Math.max(1, ...rows.map((r) => r?.length ?? 0))
  const at = new Map<string, { x: number; y: number }>()
  rows.forEach((labels, i) => {
    const top = ((tallest - labels.length) * (height + gapY)) / 2
    labels.forEach((l, j) => at.set(l, { x: 4 + i * (width + gapX), y: 4 + top + j * (height + gapY) }))
  })
  const w = rows.length * (width + gapX) - gapX + 8
  const h = tallest * (height + gapY) - gapY + 8
  return (
    <div class="graph" role="group" aria-label="Tasks" tabIndex={choose ? undefined : 0}>
      <div class="canvas" style={{ width: w, height: h }}>
        <svg width={w} height={h} aria-hidden="true">
          {tasks.flatMap((t) =>
            t.awaits.map((a) => {
              const from = at.get(a)
              const to = at.get(t.label)!
              if (!from) return null
              const x1 = from.x + width
              const y1 = from.y + height / 2
              const y2 = to.y + height / 2
              const mid = (x1 + to.x) / 2
              return <path key={a + ">" + t.label} class={"edge " + (state?.(a) ?? "")} d={`M${x1} ${y1}C${mid} ${y1} ${mid} ${y2} ${to.x} ${y2}`} />
            }),
          )}
        </svg>
        {tasks.map((t) => {
          const { x, y } = at.get(t.label)!
          const s = state?.(t.label) ?? ""
          const r = results?.[t.label]
          const below = t.effect ?? (r?.fuel !== undefined ? `${count(r.fuel)} fuel` : (t.function ?? "command"))
          return (
            <button
              type="button"
              key={t.label}
              class={`node ${s} ${t.effect ? "effect" : ""}`}
              style={{ left: x, top: y, width, height }}
              aria-pressed={choose ? chosen === t.label : undefined}
              onClick={() => choose?.(t.label)}
              disabled={!choose}
            >
              <span class="label">{t.label}</span>
              <span class="below">{below}</span>
              <span class="hidden">{[s, t.awaits.length > 0 && "awaits " + t.awaits.join(", ")].filter(Boolean).join(", ")}</span>
            </button>
          )
        })}
      </div>
    </div>
  )
}
