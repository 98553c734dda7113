import { useEffect, useState } from "preact/hooks"
import { type Issued, type Job, type Receipt, type Run, get } from "./api"
import { fromJSON } from "./cbor"
import { watch } from "./events"
import { Show } from "./value"
import { Id, Outcome, Trouble, count, short, when } from "./words"

const most = 200 // entries that are shown

// ReceiptsPage is the feed of receipts, as it grows, the newest first.
export function ReceiptsPage() {
  const [entries, setEntries] = useState<Issued[]>([])
  const [up, setUp] = useState<boolean>()
  const [error, setError] = useState<unknown>()
  useEffect(
    () =>
      watch("/v1/receipts/events", {
        event: (data) => {
          setEntries((e) => [data as Issued, ...e].slice(0, most))
          return false
        },
        line: setUp,
        failed: setError,
      }),
    [],
  )
  return (
    <>
      <h1>Receipts</h1>
      <p class="muted" role="status">
        {up === undefined ? "Connecting…" : up ? "What is issued here appears at once, the newest first." : "The connection is gone. Trying again…"}
      </p>
      {error !== undefined && <Trouble error={error} />}
      {up && entries.length === 0 && <p class="empty">No receipt was issued yet.</p>}
      <ol class="feed" reversed>
        {entries.map((e) => (
          <Entry key={e.number} entry={e} />
        ))}
      </ol>
    </>
  )
}

// Entry is what was issued for a job: each receipt with what it is about, if the job still tells.
function Entry({ entry }: { entry: Issued }) {
  const [run, setRun] = useState<Run>()
  useEffect(() => void get<Job>("/v1/jobs/" + encodeURIComponent(entry.job)).then((j) => setRun(j.run), () => undefined), [entry.job])
  const tasks = new Map(Object.entries(run?.tasks ?? {}).map(([label, t]) => [t.receipt, { label, outcome: t.outcome, fuel: t.fuel }]))
  if (run) tasks.set(run.receipt, { label: "the run", outcome: run.outcome, fuel: undefined })
  return (
    <li>
      <time dateTime={entry.at}>{when(entry.at)}</time> {run ? <a href={"#/run/" + run.run}>the run</a> : <a href={"#/job/" + encodeURIComponent(entry.job)}>the job</a>}
      <ul>
        {entry.receipts.map((r) => {
          const t = tasks.get(r)
          return (
            <li key={r}>
              <a href={"#/receipt/" + r}>{short(r)}</a>{" "}
              {t && (
                <>
                  {t.label} <Outcome of={t.outcome} /> {t.fuel !== undefined && `${count(t.fuel)} fuel`}
                </>
              )}
            </li>
          )
        })}
      </ul>
    </li>
  )
}

export function ReceiptPage({ id }: { id: string }) {
  const [receipt, setReceipt] = useState<Receipt>()
  const [error, setError] = useState<unknown>()
  useEffect(() => void get<Receipt>("/v1/receipts/" + id).then(setReceipt, setError), [id])
  if (error !== undefined) return <Trouble error={error} />
  if (!receipt) return <p role="status">Fetching the receipt…</p>
  return (
    <>
      <h1>
        Receipt <Outcome of={receipt.outcome} />
      </h1>
      <ReceiptView receipt={receipt} />
    </>
  )
}

// ReceiptView is what a receipt says. That its signature holds is the service's word here.
export function ReceiptView({ receipt: r }: { receipt: Receipt }) {
  const rows: [string, preact.ComponentChildren][] = [
    ["signed by", <Id id={r.issuer} />],
    ["receipt", <Id id={r.receipt} />],
    ["task", <Id id={r.task} />],
    ["computation", <Id id={r.computation} />],
  ]
  if (r.module) rows.push(["module", <Id id={r.module} />])
  if (r.fuel !== undefined) rows.push(["fuel", count(r.fuel)])
  if (r.steps !== undefined) rows.push(["steps", count(r.steps)])
  if (r.transcript) rows.push(["transcript", <Id id={r.transcript} />], ["segments", count(r.segments ?? 0)])
  return (
    <>
      <dl class="facts">
        {rows.map(([k, v]) => (
          <div key={k}>
            <dt>{k}</dt>
            <dd>{v}</dd>
          </div>
        ))}
      </dl>
      {r.error && (
        <div class="note bad">
          <p>
            <code>{r.error.kind}</code> {r.error.message}
          </p>
        </div>
      )}
      {r.out !== undefined && <Show value={fromJSON(r.out)} />}
      {r.tasks && (
        <ul>
          {Object.entries(r.tasks).map(([label, cid]) => (
            <li key={label}>
              {label}: <a href={"#/receipt/" + cid}>{short(cid)}</a>
            </li>
          ))}
        </ul>
      )}
    </>
  )
}
