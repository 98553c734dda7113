// The verifier in the browser, as the page sees it. It is loaded when it is first needed.

import { type Dispute, Problem, type Report, type Run, type Workflow } from "./api"

export interface Opened {
  file: number
  kind: "bundle" | "ruling" | "refutation" | "damaged"
  bytes: number
  root?: string
  blocks?: number
  run?: Run
  workflow?: Workflow
  families?: { family: string; setup: string }[]
  note?: string
}

export interface Ask {
  mode: string
  executor?: string
  tasks?: string[]
  samples?: number
  families?: string[]
  allow_dev_setup?: boolean
}

export interface Segment {
  task: string
  segment: number
  segments: number
  outcome: string
  reason?: string
  opening_bytes: number
  revealed: { input_bytes: number; state_bytes: number; output_bytes: number }
  run_seconds: number
  replay_seconds: number
}

export interface Challenge {
  challenge: string
  block: string // base64
  drawn: { task: string; segment: number }[]
  again: boolean // it was open already
}

export interface Token {
  cid: string
  kind: string
  says: string
  refused?: string
}

interface Waiting {
  resolve: (v: never) => void
  reject: (e: unknown) => void
  done?: (n: number) => void
}

let worker: Worker | undefined
let last = 0
const waiting = new Map<number, Waiting>()

function begin(): Worker {
  const w = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" })
  const fail = (why: string) => {
    for (const p of waiting.values()) p.reject(new Problem("verifier", why))
    waiting.clear()
    if (worker === w) worker = undefined
  }
  w.onmessage = (e: MessageEvent) => {
    const m = e.data as { id: number; out?: never; error?: string; done?: number; ended?: boolean }
    if (m.ended) return fail("the verifier came to an end")
    const p = waiting.get(m.id)
    if (m.done !== undefined) return p?.done?.(m.done)
    waiting.delete(m.id)
    if (m.error === "missing") {
      p?.reject(new Problem("verifier/missing", "this service was built without the verifier for browsers", 0, "verify the bundle with the command line: trilemma verify"))
    } else if (m.error !== undefined) p?.reject(new Problem("verifier", m.error))
    else p?.resolve(m.out!)
  }
  w.onerror = () => fail("the verifier could not be started, or came to an end")
  return w
}

function call<T>(op: string, args: unknown[], done?: (n: number) => void): Promise<T> {
  worker ??= begin()
  const id = ++last
  return new Promise<T>((resolve, reject) => {
    waiting.set(id, { resolve: resolve as (v: never) => void, reject, done })
    worker!.postMessage({ id, op, args })
  })
}

export const start = () => call<null>("start", [])
export const open = (data: Uint8Array) => call<Opened>("open", [data])
export const close = (file: number) => call<null>("close", [file])
export const blockOf = (file: number, cid: string) => call<Uint8Array>("block", [file, cid])
export const verify = (file: number, ask: Ask, done?: (n: number) => void) => call<Report>("verify", [file, JSON.stringify(ask)], done)
export const segment = (file: number, task: string, n: number) => call<Segment>("segment", [file, task, n])
export const settle = (a: number, b: number, arity: number) => call<Dispute>("settle", [a, b, arity])
export const challenge = (file: number, samples: number, open?: Uint8Array) => call<Challenge>("challenge", [file, samples, open ?? null])
export const answered = (file: number, challenge: Uint8Array, answer: Uint8Array) => call<Report>("answered", [file, challenge, answer])

// respond is the answer, in base64, of a file's executor to a referee's question.
export const respond = (file: number, computation: string, ask: Uint8Array) => call<string>("respond", [file, computation, ask])
export const tokens = (data: Uint8Array) => call<Token[]>("tokens", [data])

// stop ends whatever the verifier is at. Files must be opened again.
export function stop() {
  worker?.terminate()
  worker = undefined
  for (const p of waiting.values()) p.reject(new Problem("stopped", "it was stopped: nothing was established"))
  waiting.clear()
}
