import { useState } from "preact/hooks"
import { type Token, tokens } from "./checker"
import { Choose, bytesOf } from "./files"
import { Id, Outcome, Trouble } from "./words"

// ReadTokens puts capabilities into words, in this browser.
export function ReadTokens() {
  const [text, setText] = useState("")
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
    <>
      <p>What does a token allow, and to whom? It is read here, and sent nowhere.</p>
      <textarea class="tokens" aria-label="Tokens, as trilemma delegate writes them" rows={3} spellcheck={false} value={text} onInput={(e) => setText(e.currentTarget.value)} />
      <div class="row">
        <button type="button" disabled={busy || text.trim() === ""} onClick={() => read(new TextEncoder().encode(text.trim()))}>
          Read
        </button>
        <Choose take={async ([f]) => f && read(await bytesOf(f))}>Open a file…</Choose>
        <span role="status">{busy && "Loading the verifier…"}</span>
      </div>
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
    </>
  )
}
