import { useState } from "preact/hooks"
import type { Report, Run, Workflow } from "./api"
import { ask } from "./asking"
import { type Challenge, type Opened, type Segment, segment, verify } from "./checker"
import { Verdicts } from "./report"
import type { Measured } from "./trilemma"
import { Outcome, Trouble, bytes, count, percent, plural, seconds } from "./words"

const most = 400 // segments of a task that are drawn one by one

// detection is the probability that k of n segments, drawn without replacement, have one of b bad ones: 1−C(n−b,k)/C(n,k).
export function detection(n: number, b: number, k: number): number {
  if (b === 0) return 0
  if (k + b > n) return 1
  let miss = 1
  for (let i = 0; i < k; i++) miss *= (n - b - i) / (n - i)
  return 1 - miss
}

// badCounts are numbers of bad segments to show probabilities for.
export const badCounts = (n: number) => [...new Set([1, 2, 5, Math.ceil(n / 100), Math.ceil(n / 10), Math.ceil(n / 2)])].filter((b) => b <= n).sort((a, b) => a - b)

interface Props {
  run: Run
  workflow: Workflow
  here: (show: (o: Opened) => preact.ComponentChildren) => preact.ComponentChildren
  tell: (m: Measured) => void
}

export function Transcript({ run, workflow, here, tell }: Props) {
  const tasks = workflow.tasks.filter((t) => (run.tasks[t.label]?.segments ?? 0) > 0)
  if (tasks.length === 0) {
    return <p class="empty">This run kept no transcript, so that there is nothing to draw segments from. Submit the workflow again with “Keep a transcript”.</p>
  }
  return <>{here((o) => <Strips run={run} labels={tasks.map((t) => t.label)} opened={o} tell={tell} />)}</>
}

function Strips({ run, labels, opened, tell }: { run: Run; labels: string[]; opened: Opened; tell: (m: Measured) => void }) {
  const [checked, setChecked] = useState(new Map<string, Segment>()) // by task and number
  const [shown, setShown] = useState<Segment>()
  const [busy, setBusy] = useState("")
  const [error, setError] = useState<unknown>()
  const [samples, setSamples] = useState(20)
  const [report, setReport] = useState<Report>()
  const [asked, setAsked] = useState(true)
  const [drawn, setDrawn] = useState<Challenge>()
  const total = labels.reduce((n, l) => n + run.tasks[l].segments!, 0)
  const k = Math.min(Math.max(1, samples), total)

  const one = async (task: string, n: number) => {
    const known = checked.get(task + "/" + n)
    if (known) return setShown(known)
    setBusy(`Opening segment ${n} of ${task}`)
    setError(undefined)
    try {
      const s = await segment(opened.file, task, n)
      setChecked((m) => new Map(m).set(task + "/" + n, s))
      setShown(s)
    } catch (e) {
      setError(e)
    } finally {
      setBusy("")
    }
  }
  const draw = async () => {
    setBusy(asked ? "Asking the executor for what was drawn, and replaying it" : `Drawing ${k} of ${total} segments, opening and replaying them`)
    setError(undefined)
    setReport(undefined)
    setDrawn(undefined)
    try {
      const r = asked ? await ask(opened, run.run, k, setDrawn) : await verify(opened.file, { mode: "spot", samples: k })
      setReport(r)
      tell({ mode: "spot", report: r })
    } catch (e) {
      setError(e)
    } finally {
      setBusy("")
    }
  }
  return (
    <section aria-label="Transcript">
      <p>
        {plural(total, "segment")} of the run were committed to before anyone knew which would be looked at. Choose one to check it, here: the task is run up to it, and then the segment is replayed
        from its opening alone.
      </p>
      {labels.map((l) => (
        <Strip key={l} label={l} run={run} checked={checked} drawn={drawn} choose={(n) => one(l, n)} shown={shown} />
      ))}
      <p role="status">{busy && busy + "…"}</p>
      {error !== undefined && <Trouble error={error} />}
      {shown && <Replayed s={shown} />}
      <h3>Draw at random</h3>
      <div class="row">
        <label>
          Segments{" "}
          <input type="range" min={1} max={Math.min(total, 4096)} value={k} onInput={(e) => setSamples(e.currentTarget.valueAsNumber)} aria-valuetext={`${k} of ${total}`} /> {k} of {count(total)}
        </label>
        <label>
          Opened{" "}
          <select value={asked ? "asked" : "here"} onChange={(e) => setAsked(e.currentTarget.value === "asked")}>
            <option value="asked">by the executor, who is asked now</option>
            <option value="here">here, by running the tasks</option>
          </select>
        </label>
        <button type="button" class="main" disabled={busy !== ""} onClick={draw}>
          Draw and check
        </button>
      </div>
      <table class="small">
        <caption>How surely that finds something wrong</caption>
        <thead>
          <tr>
            <th>Bad segments</th>
            <th>Found with</th>
          </tr>
        </thead>
        <tbody>
          {badCounts(total).map((b) => (
            <tr key={b}>
              <td class="number">
                {count(b)} of {count(total)}
              </td>
              <td class="number">{percent(detection(total, b, k))}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {drawn && (
        <p class="muted">
          {drawn.again ? "A challenge was still open, and is never drawn anew: " : "Drawn with a nonce of this browser, now that the receipt is here: "}
          {drawn.drawn.map((d) => `${d.task} ${d.segment}`).join(", ")}.{" "}
          {report ? "" : error !== undefined ? "It stays open: the same segments are asked for next time." : ""}
        </p>
      )}
      {report && <Verdicts report={report} />}
    </section>
  )
}

interface StripProps {
  label: string
  run: Run
  checked: Map<string, Segment>
  drawn?: Challenge
  choose: (n: number) => void
  shown?: Segment
}

function Strip({ label, run, checked, drawn, choose, shown }: StripProps) {
  const n = run.tasks[label].segments!
  const [at, setAt] = useState(0)
  const each = Math.max(1, Math.ceil(n / most))
  const cells = Math.ceil(n / each)
  const asked = new Set(drawn?.drawn.filter((d) => d.task === label).map((d) => Math.floor(d.segment / each)))
  const go = (e: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -at, End: cells - 1 - at }[e.key]
    if (step === undefined) return
    e.preventDefault()
    const next = Math.min(cells - 1, Math.max(0, at + step))
    setAt(next)
    ;(e.currentTarget as HTMLElement).querySelectorAll<HTMLButtonElement>("button")[next]?.focus()
  }
  return (
    <div class="task-strip">
      <h3>
        {label} <span class="muted">{plural(n, "segment")}</span>
      </h3>
      <div class="strip" role="group" aria-label={`Segments of ${label}: arrow keys move, Enter checks`} onKeyDown={go}>
        {Array.from({ length: cells }, (_, i) => {
          const s = i * each
          const c = checked.get(label + "/" + s)
          const on = shown?.task === label && shown.segment === s
          return (
            <button
              type="button"
              key={i}
              class={[c?.outcome, on && "on", asked.has(i) && "drawn"].filter(Boolean).join(" ")}
              tabIndex={i === at ? 0 : -1}
              aria-label={`Segment ${s}${c ? ", " + c.outcome : ""}${asked.has(i) ? ", drawn" : ""}`}
              title={`Segment ${s}`}
              onClick={() => (setAt(i), choose(s))}
            />
          )
        })}
      </div>
    </div>
  )
}

function Replayed({ s }: { s: Segment }) {
  const shows = s.revealed.input_bytes + s.revealed.state_bytes
  return (
    <div class="panel" role="status">
      <h3>
        Segment {s.segment} of {s.task} <Outcome of={s.outcome} />
      </h3>
      {s.outcome === "valid" ? (
        <p>
          From the state that the transcript has before it, its steps lead to the state that it has after it. Nothing is said of the other {plural(s.segments - 1, "segment")}: one forged among them is
          found by looking at a single one with probability {percent(1 / s.segments)}.
        </p>
      ) : (
        <p>{s.reason}</p>
      )}
      {s.opening_bytes > 0 && (
        <dl class="facts">
          <div>
            <dt>opening</dt>
            <dd>{bytes(s.opening_bytes)}</dd>
          </div>
          <div>
            <dt>reveals</dt>
            <dd>
              {bytes(shows)}: {bytes(s.revealed.state_bytes)} of state, {bytes(s.revealed.input_bytes)} of input
            </dd>
          </div>
          <div>
            <dt>replaying it</dt>
            <dd>{seconds(s.replay_seconds)}</dd>
          </div>
          <div>
            <dt>making it, here</dt>
            <dd>{seconds(s.run_seconds)}</dd>
          </div>
        </dl>
      )}
    </div>
  )
}
