import { useState } from "preact/hooks"
import { bundle } from "./api"
import { type Opened, type Settled, close, open, settle } from "./checker"
import { Choose, bytesOf } from "./files"
import { Outcome, Trouble, bytes, plural, seconds, short } from "./words"

// Dispute settles what another bundle of the same computations contradicts.
export function Dispute({ mine }: { mine: Opened }) {
  const [found, setFound] = useState<Settled[]>()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const [cid, setCid] = useState("")
  const against = async (fetched: () => Promise<Uint8Array>) => {
    setBusy(true)
    setError(undefined)
    setFound(undefined)
    try {
      const other = await open(await fetched())
      try {
        setFound(await settle(mine.file, other.file))
      } finally {
        await close(other.file)
      }
    } catch (e) {
      setError(e)
    } finally {
      setBusy(false)
    }
  }
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
          Settle
        </button>
        <span role="status">{busy ? "Settling…" : ""}</span>
      </div>
      {error !== undefined && <Trouble error={error} />}
      {found && (
        <ol class="settled">
          {found.map((s) => (
            <li key={s.task}>
              <h3>
                {s.task} <Outcome of={{ agreed: "ok", settled: "error", follows: "waiting", open: "undecided" }[s.state]}>{s.state}</Outcome>
              </h3>
              <Story s={s} />
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}

// Story tells how a dispute went.
function Story({ s }: { s: Settled }) {
  if (s.state === "agreed") return <p>Both say the same.</p>
  return (
    <ol class="story">
      {s.differ && <li>The receipts of {s.executors.map(short).join(" and ")} contradict each other: {s.differ}.</li>}
      {s.rounds > 0 && (
        <li>
          The list of up to {plural(s.segments, "segment")} was cut into {s.arity} parts, {plural(s.rounds, "time")}, each time keeping the part in which they first differ:
          <Narrowing s={s} />
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
      {s.rounds > 0 && (
        <li>
          The referee spent {seconds(s.referee.wall_seconds)}, both sides together {seconds(s.sides.wall_seconds)}.
        </li>
      )}
    </ol>
  )
}

// Narrowing draws what was left of the transcript after each round, around the segment where the sides part.
function Narrowing({ s }: { s: Settled }) {
  const at = s.wrong.find((w) => w.segment !== undefined)?.segment ?? 0
  const total = Math.max(1, s.segments)
  return (
    <svg class="narrowing" viewBox={`0 0 300 ${s.rounds * 8 + 8}`} role="img" aria-label={`What is left after each of ${s.rounds} rounds`} preserveAspectRatio="none">
      {Array.from({ length: s.rounds + 1 }, (_, i) => {
        const left = Math.max(1 / total, 1 / s.arity ** i)
        const from = Math.floor(at / total / left) * left
        return <rect key={i} x={Math.min(from, 1 - left) * 300} y={i * 8} width={Math.max(1, left * 300)} height={6} />
      })}
    </svg>
  )
}
