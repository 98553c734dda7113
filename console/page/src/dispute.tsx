import { useEffect, useState } from "preact/hooks"
import { type Dispute as Found, type Hearing, type Report, type Settlement, bundle, request } from "./api"
import { arity, rule } from "./asking"
import { type Opened, close, open, settle, verify } from "./checker"
import { Choose, bytesOf } from "./files"
import { Hear } from "./hearing"
import { Verdicts } from "./report"
import { Outcome, Trouble, bytes, plural, seconds, short } from "./words"

// Dispute settles what another bundle of the same computations contradicts.
export function Dispute({ mine, served }: { mine: Opened; served?: boolean }) {
  const [found, setFound] = useState<Found>()
  const [rulings, setRulings] = useState<Report[]>([])
  const [heard, setHeard] = useState<Opened>()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const [cid, setCid] = useState("")
  useEffect(() => () => heard && void close(heard.file).catch(() => undefined), [heard]) // it may have been stopped
  const busily = async (f: () => Promise<void>) => {
    setBusy(true)
    setError(undefined)
    setFound(undefined)
    setRulings([])
    setHeard(undefined)
    try {
      await f()
    } catch (e) {
      setError(e)
    } finally {
      setBusy(false)
    }
  }
  const against = (fetched: () => Promise<Uint8Array>) =>
    busily(async () => {
      const other = await open(await fetched())
      try {
        setFound(await settle(mine.file, other.file, arity))
      } finally {
        await close(other.file)
      }
    })
  const hear = () => busily(async () => setHeard(await open(await bundle(cid))))
  const heardOut = async (h: Hearing) => {
    setFound({ outcome: h.settlement.outcome, tasks: [h.settlement] })
    if (h.settlement.ruling) setRulings([await checkRuling(h.settlement.ruling)])
  }
  const ruled = () =>
    busily(async () => {
      const d = await rule(mine.root!, cid, mine.workflow)
      setFound(d)
      for (const s of d.tasks) {
        if (!s.ruling) continue
        const r = await checkRuling(s.ruling)
        setRulings((all) => [...all, r])
      }
    })
  return (
    <section aria-label="Dispute">
      <h2>Dispute</h2>
      <p>
        If another executor's bundle says something else about the same computation, the referee in this browser finds the one segment where they part, and replays it. This run is side A, the other
        one side B.
      </p>
      <div class="row">
        <Choose accept=".car" take={([f]) => f && against(() => bytesOf(f))}>
          Open the other bundle…
        </Choose>
        <label class="grow">
          or a run at this service <input type="text" placeholder="its CID" value={cid} onInput={(e) => setCid(e.currentTarget.value.trim())} />
        </label>
        <button type="button" disabled={busy || cid === ""} onClick={() => against(() => bundle(cid))}>
          Settle here
        </button>
        {served && (
          <>
            <button type="button" disabled={busy || cid === ""} onClick={ruled}>
              Let the service rule
            </button>
            <button type="button" disabled={busy || cid === ""} onClick={hear}>
              Hold a hearing
            </button>
          </>
        )}
        <span role="status">{busy ? "Settling…" : ""}</span>
      </div>
      {error !== undefined && <Trouble error={error} />}
      {heard && <Hear mine={mine} other={heard} end={(h) => void heardOut(h).catch(setError)} />}
      {found && (
        <ol class="settled">
          {found.tasks.map((s) => (
            <li key={s.task}>
              <h3>
                {s.task} <Outcome of={{ agreed: "ok", settled: "error", follows: "waiting", open: "undecided" }[s.outcome]}>{s.outcome}</Outcome>
              </h3>
              <Story s={s} segments={mine.run?.tasks[s.task]?.segments ?? 0} />
            </li>
          ))}
        </ol>
      )}
      {rulings.map((r, i) => (
        <section key={i} aria-label="The ruling, checked here">
          <h3>The service's ruling, checked here</h3>
          <Verdicts report={r} />
        </section>
      ))}
    </section>
  )
}

// checkRuling verifies a ruling of the service in this browser.
async function checkRuling(cid: string): Promise<Report> {
  const r = await open(new Uint8Array(await (await request("/v1/rulings/" + cid)).arrayBuffer()))
  try {
    return await verify(r.file, { mode: "attest" })
  } finally {
    await close(r.file)
  }
}

// Story tells how a dispute went.
function Story({ s, segments }: { s: Settlement; segments: number }) {
  if (s.outcome === "agreed") return <p>Both say the same.</p>
  return (
    <ol class="story">
      {s.differ && <li>The receipts of {short(s.executor_a)} and {short(s.executor_b)} contradict each other: {s.differ}.</li>}
      {s.messages > 0 && (
        <li>
          The list of {plural(segments, "segment")} was cut into {arity} parts, {plural(s.rounds, "time")}, each time keeping the part in which they first differ:
          <Narrowing s={s} segments={segments} />
          {plural(s.messages, "message")}, {bytes(s.bytes)} in all.
        </li>
      )}
      {s.wrong.map((w, i) => (
        <li key={i}>
          <b>
            Side {w.side} is wrong ({w.ground}
            {w.segment !== undefined && `, segment ${w.segment}`})
          </b>
          : {w.reason}
        </li>
      ))}
      {s.reason && <li>{s.reason}</li>}
      {s.messages > 0 && (
        <li>
          The referee spent {seconds(s.referee.wall_seconds)}, both sides together {seconds(s.sides.wall_seconds)}.
        </li>
      )}
    </ol>
  )
}

// Narrowing draws what was left of the transcript after each round, around the segment where the sides part.
function Narrowing({ s, segments }: { s: Settlement; segments: number }) {
  const at = s.wrong.find((w) => w.segment !== undefined)?.segment ?? 0
  const total = Math.max(1, segments)
  return (
    <svg class="narrowing" viewBox={`0 0 300 ${s.rounds * 8 + 8}`} role="img" aria-label={`What is left after each of ${s.rounds} rounds`} preserveAspectRatio="none">
      {Array.from({ length: s.rounds + 1 }, (_, i) => {
        const left = Math.max(1 / total, 1 / arity ** i)
        const from = Math.floor(at / total / left) * left
        return <rect key={i} x={Math.min(from, 1 - left) * 300} y={i * 8} width={Math.max(1, left * 300)} height={6} />
      })}
    </svg>
  )
}
