import { useEffect, useState } from "preact/hooks"
import type { Service } from "./api"
import { type Held, drop, forget, held, make, take } from "./key"
import { type Delegation, chainOf } from "./token"
import { TokenField } from "./tokens"
import { Id, Outcome, Trouble, short, when } from "./words"

// Access is how this browser is let in: its key, and what was delegated to it.
export function Access({ service, commands, changed }: { service: Service; commands: string[]; changed: () => void }) {
  const [mine, setMine] = useState<Held>()
  const [error, setError] = useState<unknown>()
  useEffect(() => void held().then(setMine, setError), [])
  const then = (p: Promise<Held | undefined>) => {
    setError(undefined)
    p.then((m) => (setMine(m), changed()), setError)
  }
  const now = Date.now() / 1000
  const open = commands.filter((c) => mine && chainOf(mine.delegations, mine.did, service.did, c, now))
  return (
    <section aria-label="This browser's key">
      <h3>This browser's key</h3>
      {!mine && (
        <>
          <p>
            {service.development ? "None is needed here. Elsewhere a" : "There is none yet, so that this page is refused most of what it asks for. A"} key that is made here signs what this page asks its
            service for. No script can read it, and it does not leave this browser; somebody who has the service's key, or was delegated something, decides what it is good for.
          </p>
          <button type="button" class={service.development ? "" : "main"} onClick={() => then(make())}>
            Make a key
          </button>
        </>
      )}
      {mine && (
        <>
          <p role="status">
            <Id id={mine.did} /> signs what this page asks for.{" "}
            {open.length === commands.length ? "It may do everything here." : open.length > 0 ? `It may do this here: ${open.join(", ")}.` : "It may do nothing here yet."}
          </p>
          {open.length < commands.length && (
            <>
              <p>To let it in, the service's owner runs this, or with less than everything, and gives you what it writes:</p>
              <pre tabIndex={0}>trilemma delegate --to {mine.did} --cmd / --expires 24h</pre>
            </>
          )}
          <TokenField label="What was delegated to this browser's key" verb="Take" take={(data) => then(take(data))} />
          {mine.delegations.length > 0 && (
            <ul class="notes" aria-label="What was delegated">
              {mine.delegations.map((d) => (
                <Delegated key={d.cid} d={d} service={service} now={now} drop={() => then(drop(d.cid))} />
              ))}
            </ul>
          )}
          <button type="button" onClick={() => then(forget())}>
            Forget the key, and what was delegated to it
          </button>
        </>
      )}
      {error !== undefined && <Trouble error={error} />}
    </section>
  )
}

function Delegated({ d, service, now, drop }: { d: Delegation; service: Service; now: number; drop: () => void }) {
  const on = d.subject === null ? "whatever its giver is given" : d.subject === service.did ? "this service" : short(d.subject)
  return (
    <li>
      {d.until <= now ? <Outcome of="error">expired</Outcome> : d.from > now ? <Outcome of="waiting">not yet</Outcome> : <Outcome of="ok">holds</Outcome>} <Id id={d.issuer} /> lets <Id id={d.audience} /> do{" "}
      <code>{d.command}</code> on {on}
      {d.capped && ", within bounds"}
      {Number.isFinite(d.until) ? `, until ${when(d.until * 1000)}` : ", with no end"}{" "}
      <button type="button" aria-label={`Remove what ${short(d.issuer)} delegated: ${d.command}`} onClick={drop}>
        Remove
      </button>
    </li>
  )
}
