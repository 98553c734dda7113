import { useEffect, useState } from "preact/hooks"
import { type Hearing, type Run, get, post, useOf } from "./api"
import { arity, fromText } from "./asking"
import { decode, isMap } from "./cbor"
import { type Opened, respond } from "./checker"
import { Trouble, plural } from "./words"

// Asked is a round of a hearing, as the page tells it.
export interface Asked {
  round: number
  sides: string[]
  states: number[]
  opening?: number
}

// askedOf reads the questions of one moment. Both sides are asked the same, unless one has answered.
export function askedOf(h: Hearing): Asked | undefined {
  const [first] = h.asks
  const ask = first && decode(fromText(first.ask))
  if (!isMap(ask) || !Array.isArray(ask.roots)) return
  return { round: h.round, sides: h.asks.map((a) => a.side), states: ask.roots.map(Number), ...(typeof ask.opening === "number" && { opening: ask.opening }) }
}

// differing are the tasks that two runs have in common and say different things of.
export const differing = (a: Run, b: Run) =>
  Object.keys(a.tasks).filter((l) => {
    const other = Object.values(b.tasks).find((t) => t.computation === a.tasks[l].computation)
    return other && (other.transcript !== a.tasks[l].transcript || other.fuel !== a.tasks[l].fuel || JSON.stringify(other.out) !== JSON.stringify(a.tasks[l].out))
  })

interface Props {
  mine: Opened
  other: Opened
  end: (h: Hearing) => void
}

// Hear leads a hearing at the service to its end: this browser speaks for both sides, from their bundles, and shows what is asked.
export function Hear({ mine, other, end }: Props) {
  const [rounds, setRounds] = useState<Asked[]>([])
  const [over, setOver] = useState(false)
  const [error, setError] = useState<unknown>()
  const task = differing(mine.run!, other.run!)[0]
  useEffect(() => {
    let gone = false
    const lead = async () => {
      let h = await post<Hearing>("/v1/hearings", "application/json", JSON.stringify({ a: mine.root, b: other.root, task, arity }), {}, useOf(undefined, "dispute"))
      while (!h.done && !gone) {
        const asked = askedOf(h)
        if (asked) setRounds((all) => [...all.filter((r) => r.round !== asked.round), asked])
        for (const a of h.asks) {
          const reply = await respond((a.side === "A" ? mine : other).file, mine.run!.tasks[task].computation, fromText(a.ask))
          h = await post<Hearing>(`/v1/hearings/${h.id}/replies`, "application/json", JSON.stringify({ side: a.side, reply }))
        }
        if (h.asks.length === 0 && !h.done) h = await get<Hearing>("/v1/hearings/" + h.id)
      }
      if (gone) return
      setOver(true)
      end(h)
    }
    if (task !== undefined) lead().catch((e) => gone || setError(e))
    return () => void (gone = true)
  }, [mine.file, other.file])
  if (task === undefined) return <p class="empty">The two runs say the same of all that they have in common.</p>
  const total = Math.max(1, mine.run!.tasks[task].segments ?? 1)
  return (
    <section aria-label="Hearing">
      <h3>The hearing about {task}</h3>
      <p class="muted">The service is the referee. This browser answers for both sides, each from its own bundle.</p>
      <div role="log">
        <ol class="story">
          {rounds.map((r) => (
            <li key={r.round}>
              {r.opening !== undefined ? `Open segment ${r.opening}, where you part.` : `Show ${plural(r.states.length, "state")}: ${r.states.join(", ")}.`}
              <svg class="narrowing" viewBox="0 0 300 8" role="img" aria-label={`Asked about, of ${total} segments`} preserveAspectRatio="none">
                <rect class="all" x={0} y={0} width={300} height={8} />
                {(r.opening !== undefined ? [r.opening] : r.states).map((s) => (
                  <rect key={s} x={(s / (total + 1)) * 300} y={0} width={Math.max(1.5, 300 / (total + 1))} height={8} />
                ))}
              </svg>
            </li>
          ))}
        </ol>
      </div>
      {over && rounds.length === 0 && <p>Nothing was asked: what the two runs say as such decides it.</p>}
      {error !== undefined && <Trouble error={error} />}
    </section>
  )
}
