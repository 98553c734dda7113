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
  const fail = (why: string) => ended(w, new Problem("verifier", why))
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

// A file outlives the worker that read it: one that is stopped, or came to an end, is followed by another, which reads the file again when it is next asked about it. Files have
// numbers of the page's own, so that no worker ever takes one for another.
interface File {
  data: Blob
  there?: Promise<Opened> // in the worker that there is now
}

const files = new Map<number, File>()
let lastFile = 0
let ends = 0 // of workers, until now

// there has the worker read a file that it does not have.
async function there(file: number): Promise<Opened> {
  const f = files.get(file)
  if (!f) throw new Problem("verifier", "the file was closed")
  const before = ends
  const reading = (f.there ??= f.data.arrayBuffer().then((b) => {
    if (ends !== before) throw stopped()
    return call<Opened>("open", [new Uint8Array(b), file])
  }))
  try {
    return await reading
  } catch (e) {
    if (f.there === reading) f.there = undefined
    throw e
  }
}

async function about<T>(op: string, file: number, args: unknown[], done?: (n: number) => void): Promise<T> {
  await there(file)
  return call<T>(op, [file, ...args], done)
}

export async function open(data: Uint8Array): Promise<Opened> {
  const file = ++lastFile
  files.set(file, { data: new Blob([data as BlobPart]) })
  try {
    return await there(file)
  } catch (e) {
    files.delete(file)
    throw e
  }
}

export async function close(file: number): Promise<void> {
  const there = files.get(file)?.there
  const before = ends
  files.delete(file)
  const opened = await there?.catch(() => undefined)
  if (opened && ends === before) await call<null>("close", [file]) // else it went with its worker
}

export const blockOf = (file: number, cid: string) => about<Uint8Array>("block", file, [cid])
export const verify = (file: number, ask: Ask, done?: (n: number) => void) => about<Report>("verify", file, [JSON.stringify(ask)], done)
export const segment = (file: number, task: string, n: number) => about<Segment>("segment", file, [task, n])
export const settle = async (a: number, b: number, arity: number) => {
  await there(b)
  return about<Dispute>("settle", a, [b, arity])
}
export const challenge = (file: number, samples: number, open?: Uint8Array) => about<Challenge>("challenge", file, [samples, open ?? null])
export const answered = (file: number, challenge: Uint8Array, answer: Uint8Array) => about<Report>("answered", file, [challenge, answer])

// respond is the answer, in base64, of a file's executor to a referee's question.
export const respond = (file: number, computation: string, ask: Uint8Array) => about<string>("respond", file, [computation, ask])
export const tokens = (data: Uint8Array) => call<Token[]>("tokens", [data])

// ended leaves the worker behind, with whatever waits for it.
function ended(w: Worker | undefined, why: Problem) {
  if (worker !== w) return
  worker = undefined
  ends++
  for (const f of files.values()) f.there = undefined
  for (const p of waiting.values()) p.reject(why)
  waiting.clear()
}

const stopped = () => new Problem("stopped", "it was stopped: nothing was established")

// stop ends whatever the verifier is at.
export function stop() {
  worker?.terminate()
  ended(worker, stopped())
}
