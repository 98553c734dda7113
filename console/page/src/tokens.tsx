import { useState } from "preact/hooks"
import { type Token, tokens } from "./checker"
import { Choose, bytesOf } from "./files"
import { Id, Outcome, Trouble } from "./words"

interface FieldProps {
  label: string
  verb: string
  busy?: string // what happens at the moment; empty for nothing
  take: (data: Uint8Array) => void
}

// TokenField takes tokens, pasted or as a file.
export function TokenField({ label, verb, busy, take }: FieldProps) {
  const [text, setText] = useState("")
  return (
    <>
      <textarea class="tokens" aria-label={label} rows={3} spellcheck={false} value={text} onInput={(e) => setText(e.currentTarget.value)} />
      <div class="row">
        <button type="button" disabled={!!busy || text.trim() === ""} onClick={() => take(new TextEncoder().encode(text.trim()))}>
          {verb}
        </button>
        <Choose take={async ([f]) => f && take(await bytesOf(f))}>Open a file…</Choose>
        <span role="status">{busy}</span>
      </div>
    </>
  )
}

// ReadTokens puts capabilities into words, in this browser.
export function ReadTokens() {
  const [found, setFound] = useState<Token[]>()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const read = async (data: Uint8Array) => {
    setBusy(true)
    setError(undefined)
    setFound(undefined)
    try {
      setFound(await tokens(data))
    } catch (e) {
      setError(e)
    } finally {
      setBusy(false)
    }
  }
  return (
    <section aria-label="Read a token">
      <p>What does a token allow, and to whom? It is read here, and sent nowhere.</p>
      <TokenField label="Tokens, as trilemma delegate writes them" verb="Read" busy={busy ? "Loading the verifier…" : ""} take={read} />
      {error !== undefined && <Trouble error={error} />}
      {found && (
        <ul class="notes" aria-label="What the tokens say">
          {found.map((t) => (
            <li key={t.cid}>
              {t.refused ? <Outcome of="error">refused</Outcome> : <Outcome of="ok">holds</Outcome>} <b>{t.kind}</b> <Id id={t.cid} />: {t.says}
              {t.refused && ` Refused: ${t.refused}`}
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
