// Tokens for requests: UCAN 1.0 invocations (https://github.com/ucan-wg/spec) that are bound to one HTTP request, with the delegations that allow them, as docs/api.md has it. What
// is read here is not checked: the service does that.

import { Link, type Value, cborCodec, cidOf, compare, decode, encode, isMap, sha256 } from "./cbor"

// Use is what a request that runs something may use, stated so that policies can cap it.
export interface Use {
  fuel: number
  memory: number
  modules: string[]
  check?: string
}

export interface Delegation {
  token: Uint8Array
  cid: string
  issuer: string
  audience: string
  subject: string | null // null: whatever the issuer is given
  command: string
  from: number // Unix seconds
  until: number // Infinity: never
  capped: boolean // it has a policy
}

// Signer signs as a did:key with Ed25519.
export interface Signer {
  did: string
  sign: (data: Uint8Array) => Promise<Uint8Array>
}

const longest = 256 // delegations of a chain
const life = 60 // seconds that an invocation holds
const header = Uint8Array.of(0x34, 0x01, 0xed, 0x01, 0xed, 0x01, 0x13, 0x71) // varsig: Ed25519 over DAG-CBOR

// commandOf is the command that a request needs; empty if it needs none.
export function commandOf(method: string, path: string): string {
  const [, version, what] = path.split(/[/?]/)
  if (version !== "v1" || what === "service" || what === "revocations") return ""
  if (what === "jobs" || what === "queues") return method === "DELETE" ? "/job/cancel" : "/job/read"
  if (method === "GET") return "/block/get"
  if (["runs", "executions", "preflights"].includes(what)) return "/wasm/run"
  if (["verifications", "challenges", "answers", "disputes", "hearings"].includes(what)) return "/challenge"
  return what === "proofs" ? "/prove" : "/block/put"
}

// covers reports whether a command is allowed by one that is the same or above it.
export const covers = (allowed: string, command: string) => allowed === "/" || command === allowed || command.startsWith(allowed + "/")

// readDelegations reads what trilemma delegate writes: a UCAN container in one of its text forms, or as bytes. It throws an Error for anything else.
export async function readDelegations(data: Uint8Array): Promise<Delegation[]> {
  if (data.length > (largest / 3) * 4 + 5) throw new Error("the container is too large")
  const form = String.fromCharCode(data[0] ?? 0)
  let bytes = data.subarray(1)
  if ("BCOP".includes(form)) {
    const text = new TextDecoder().decode(bytes).trim()
    bytes = Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0))
  } else if (!"@M".includes(form)) throw new Error("this is no container of tokens")
  if ("MOP".includes(form)) bytes = await unzip(bytes)
  const content = decode(bytes)
  const tokens = isMap(content) ? content["ctn-v1"] : undefined
  if (!Array.isArray(tokens) || tokens.length === 0) throw new Error("there are no tokens in it")
  if (tokens.length > most) throw new Error("there are too many tokens in it")
  return Promise.all(tokens.map(readDelegation))
}

// Bounds of a container.
const largest = 4 << 20 // bytes
const most = 1024 // tokens

async function unzip(data: Uint8Array): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  const reader = new Blob([data as BlobPart]).stream().pipeThrough(new DecompressionStream("gzip")).getReader()
  for (let r = await reader.read(); !r.done; r = await reader.read()) {
    if ((size += r.value.length) > largest) throw new Error("the container is too large")
    parts.push(r.value)
  }
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer())
}

async function readDelegation(token: Value): Promise<Delegation> {
  if (!(token instanceof Uint8Array)) throw new Error("a token that is no bytes")
  const envelope = decode(token)
  const signed = Array.isArray(envelope) ? envelope[1] : undefined
  const p = isMap(signed) ? (signed["ucan/dlg@1.0.0"] ?? signed["ucan/dlg@1.0.0-rc.1"]) : undefined
  if (!isMap(p) || typeof p.iss !== "string" || typeof p.aud !== "string" || typeof p.cmd !== "string") throw new Error("a token that is no delegation")
  return {
    token,
    cid: await cidOf(token, cborCodec),
    issuer: p.iss,
    audience: p.aud,
    subject: typeof p.sub === "string" ? p.sub : null,
    command: p.cmd,
    from: typeof p.nbf === "number" ? p.nbf : 0,
    until: typeof p.exp === "number" ? p.exp : Infinity,
    capped: Array.isArray(p.pol) && p.pol.length > 0,
  }
}

// chainOf finds delegations that lead from a subject to a holder and allow a command, root first, as the service will have them: nobody gives on more than was given, but for a
// powerline, which says "whatever I have". It is undefined if there are none. Chains without policies are preferred, and of these the shortest.
export function chainOf(known: Delegation[], holder: string, subject: string, command: string, now: number): Delegation[] | undefined {
  const usable = known.filter((d) => covers(d.command, command) && d.from <= now && now < d.until && (d.subject === subject || (d.subject === null && d.issuer !== subject)))
  return way(usable.filter((d) => !d.capped), holder, subject) ?? way(usable, holder, subject)
}

// way finds the shortest chain. All commands are above the one that is asked for, so that of two one covers the other.
function way(usable: Delegation[], holder: string, subject: string): Delegation[] | undefined {
  const ways: { at: string; command: string; chain: Delegation[] }[] = [{ at: subject, command: "/", chain: [] }]
  const seen = new Set<string>()
  for (const { at, command, chain } of ways) {
    for (const d of usable) {
      const narrower = covers(command, d.command)
      if (d.issuer !== at || (!narrower && d.subject !== null)) continue
      if (d.audience === holder) return [...chain, d]
      const next = narrower ? d.command : command
      if (seen.has(d.audience + next) || chain.length + 1 >= longest) continue
      seen.add(d.audience + next)
      ways.push({ at: d.audience, command: next, chain: [...chain, d] })
    }
  }
}

export interface Asked {
  method: string
  path: string // with the query
  body: Uint8Array
  use?: Use
}

// tokenFor signs an invocation that allows one request, once, and returns it with its delegations as the text of a container.
export async function tokenFor(signer: Signer, subject: string, chain: Delegation[], command: string, asked: Asked, now: number): Promise<string> {
  const { fuel, memory, modules, check } = asked.use ?? {}
  const args: { [key: string]: Value } = { http: { method: asked.method, path: asked.path, digest: await sha256(asked.body) } }
  if (Number.isSafeInteger(fuel)) args.fuel = fuel!
  if (memory !== undefined) args.memory = memory
  if (modules) args.modules = modules
  if (check) args.check = check
  const payload = {
    iss: signer.did,
    sub: subject,
    cmd: command,
    args,
    nonce: crypto.getRandomValues(new Uint8Array(16)),
    prf: chain.map((d) => new Link(d.cid)),
    iat: now,
    exp: now + life,
  }
  const content = { h: header, "ucan/inv@1.0.0": payload }
  const invocation = encode([await signer.sign(encode(content)), content])
  const tokens = [invocation, ...chain.map((d) => d.token)].sort(compare)
  return "C" + base64url(encode({ "ctn-v1": tokens }))
}

const base64url = (data: Uint8Array) => btoa(Array.from(data, (b) => String.fromCharCode(b)).join("")).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "")

const digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// didOf is the did:key of a public key of Ed25519 (https://w3c-ccg.github.io/did-key-spec/).
export function didOf(key: Uint8Array): string {
  let n = 0n
  for (const b of [0xed, 0x01, ...key]) n = (n << 8n) | BigInt(b)
  let out = ""
  for (; n > 0n; n /= 58n) out = digits[Number(n % 58n)] + out
  return "did:key:z" + out
}
