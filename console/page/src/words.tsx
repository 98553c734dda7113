import type { ComponentChildren } from "preact"
import { Problem } from "./api"

// Numbers and names in words, for people.

export const count = (n: number) => n.toLocaleString("en")

export const plural = (n: number, what: string) => `${count(n)} ${what}${n === 1 ? "" : "s"}`

export function bytes(n: number): string {
  if (n < 1024) return `${n} B`
  const units = ["KiB", "MiB", "GiB", "TiB"]
  let i = -1
  do {
    n /= 1024
    i++
  } while (n >= 1024 && i < units.length - 1)
  return `${n.toFixed(n < 10 ? 1 : 0)} ${units[i]}`
}

// round is a power of ten bytes, in decimal units.
export function round(n: number): string {
  const i = Math.max(0, Math.floor(Math.log10(n) / 3 + 1e-9))
  return `${+(n / 1000 ** i).toPrecision(3)} ${["B", "kB", "MB", "GB", "TB"][i]}`
}

export function seconds(s: number): string {
  if (s < 1e-3) return `${(s * 1e6).toFixed(0)} µs`
  if (s < 1) return `${(s * 1e3).toFixed(s < 0.01 ? 1 : 0)} ms`
  if (s < 120) return `${s.toFixed(s < 10 ? 1 : 0)} s`
  return `${(s / 60).toFixed(s < 600 ? 1 : 0)} min`
}

export const percent = (p: number) => `${(p * 100).toLocaleString("en", { maximumSignificantDigits: 3 })} %`

// short is a CID or a DID with its middle left out.
export const short = (id: string) => (id.length > 24 ? `${id.slice(0, id.startsWith("did:key:") ? 14 : 8)}…${id.slice(-6)}` : id)

export const when = (t: string | number) => new Date(t).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" })

// Id shows a CID or a DID, and copies it when it is clicked.
export function Id({ id }: { id: string }) {
  return (
    <button type="button" class="id" title={id} onClick={() => navigator.clipboard?.writeText(id)}>
      <span class="hidden">Copy </span>
      {short(id)}
    </button>
  )
}

// Outcome is a word with its colour.
export function Outcome({ of, children }: { of: string; children?: string }) {
  return <span class={"outcome " + of}>{children ?? of}</span>
}

// Trouble says what went wrong, and what to do about it.
export function Trouble({ error, again }: { error: unknown; again?: () => void }) {
  const p = error instanceof Problem ? error : new Problem("page", error instanceof Error ? error.message : String(error))
  const token = p.status === 401 || p.status === 403 && p.code.startsWith("capability/")
  return (
    <div class="note bad" role="alert">
      <p>{p.detail}</p>
      {p.hint && <p>{p.hint}</p>}
      {token && (
        <p>
          This service lets in only who has a token. <a href="#/service">Give this browser a key</a>, and have somebody delegate to it what you need.
        </p>
      )}
      <p class="muted">
        <code>{p.code}</code>
      </p>
      {again && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  )
}

// Bar shows how far something is.
export function Bar({ done, total, label }: { done: number; total: number; label: string }) {
  return <progress aria-label={label} value={total > 0 ? done : undefined} max={total > 0 ? total : undefined} />
}

// Wide is what may be wider than the screen: it scrolls by itself, with the keyboard too.
export function Wide({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div class="wide" role="region" aria-label={label} tabIndex={0}>
      {children}
    </div>
  )
}
