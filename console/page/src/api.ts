// The service's HTTP interface, as docs/openapi.json describes it.

import { authorization } from "./key"
import type { Use } from "./token"

export interface Mistake {
  message: string
  in?: string
  line?: number
  column?: number
}

export interface Failure {
  kind: string
  message: string
}

export interface Task {
  task: string
  receipt: string
  computation: string
  outcome: string
  error?: Failure
  out?: unknown
  fuel?: number
  steps?: number
  segments?: number
  transcript?: string
  memoised?: boolean
}

export interface Proved {
  proof: string
  steps: number
  proofs: number
  constraints: number
  bytes: number
  seconds: number
  execute_seconds: number
  verify_seconds: number
  setup: string
  family: string
}

export interface Proofs {
  run: string // the run's record with the proofs
  tasks: Record<string, Proved>
}

export interface Run {
  run: string
  workflow: string
  receipt: string
  executor: string
  outcome: string
  error?: Failure
  tasks: Record<string, Task>
  proofs?: Record<string, Proved>
}

export interface WorkflowTask {
  label: string
  task: string
  computation: string
  module?: string
  function?: string
  effect?: string
  awaits: string[]
  fuel: number
  memory: number
  check?: string
}

export interface Workflow {
  workflow: string
  executor: string
  tasks: WorkflowTask[]
  fuel: number
  memory: number
  modules: string[]
  check?: string // the mode that all tasks ask for
}

export interface Sampling {
  segments: number
  samples: number
  task_segments: number
  task_samples: number
  single: number
  curve: { bad: number; probability: number }[]
  seed: string
  opened_input_bytes: number
  opened_state_bytes: number
}

export interface Verdict {
  task: string
  mode: string
  outcome: string
  reason: string
  soundness: string
  cost: { wall_seconds: number; cpu_seconds: number; bytes_read: number }
  revealed: { input_bytes: number; state_bytes: number; output_bytes: number }
  sampling?: Sampling
  proof?: { family: string; setup: string; pinned: boolean; parts: number; bytes: number }
}

export interface Report {
  outcome: string
  reason: string
  run?: string
  signer: string
  verdicts: Verdict[]
}

export interface Counted {
  label?: string
  outcome: string
  ran: boolean
  provable?: boolean
  reason?: string
  proof?: { parts: number; constraints: number; bytes: number; memory_bytes: number; seconds?: number }
  steps: number
  fuel: number
  seconds: number
  touched_bytes: number
}

export interface Preflight {
  provable: boolean
  tasks: Counted[]
  effects: string[]
}

export interface Job {
  id: string
  kind: string
  state: string
  subject: string
  stage?: string
  done: number
  total: number
  left_seconds?: number
  log: string[]
  error?: string
  accepted?: string
  started?: string
  ended?: string
  run?: Run
  report?: Report
  preflight?: Preflight
  proofs?: Proofs
  answer?: { answer: string; openings: number; bytes: number }
  dispute?: Dispute
}

export interface Settlement {
  task: string
  outcome: "agreed" | "settled" | "follows" | "open"
  reason: string
  differ: string
  executor_a: string
  executor_b: string
  wrong: { side: string; executor: string; ground: string; reason: string; segment?: number }[]
  rounds: number
  messages: number
  bytes: number
  referee: { wall_seconds: number }
  sides: { wall_seconds: number }
  ruling?: string
}

export interface Hearing {
  id: string
  done: boolean
  round: number
  deadline?: string
  asks: { side: "A" | "B"; ask: string }[]
  settlement: Settlement
}

export interface Dispute {
  outcome: string
  tasks: Settlement[]
}

export interface Issued {
  number: number
  job: string
  receipts: string[]
  at: string
}

export interface Receipt extends Task {
  issuer: string
  module?: string
  tasks?: Record<string, string>
}

export interface Service {
  did: string
  version: string
  profile: string
  development: boolean
  public: boolean
  modes: string[]
  schemes?: string[]
  engines: string[]
  effects: string[]
  limits: Record<string, number>
}

export interface Worker {
  host: string
  since: string
  posts: { class: string; slots: number; busy: number }[]
}

export interface Queues {
  queues: { class: string; waiting: number; running: number }[]
  workers: Worker[]
}

export interface Keys {
  keys: { name: string; circuit: string; constraints: number; bytes: number; setup: string }[]
  families: { family: string; setup: string; shapes: string[] }[]
}

export const final = (j: Job) => j.state === "done" || j.state === "failed" || j.state === "cancelled"

// Problem is an error that the service answered with (RFC 9457), or that there was no answer.
export class Problem extends Error {
  constructor(
    readonly code: string,
    readonly detail: string,
    readonly status = 0,
    readonly hint = "",
    readonly errors: Mistake[] = [],
  ) {
    super(detail)
  }
}

// offline is the code of a request that got no answer.
export const offline = "offline"

export interface Ask extends RequestInit {
  body?: string | Uint8Array<ArrayBuffer>
  use?: Use // what the request may use, if it runs something
}

let subject: Promise<string> | undefined

// did is the service's, which tokens are for.
const did = () => (subject ??= get<Service>("/v1/service").then((s) => s.did, (e) => ((subject = undefined), Promise.reject(e))))

const resigned = 3 // times that a request is signed again

// request asks the service, with a token if this browser has a key that is allowed to ask; what is no success is thrown as a Problem.
export async function request(path: string, { use, ...init }: Ask = {}): Promise<Response> {
  const { pathname, search } = new URL(path, location.origin) // as it will be on the request line, which is what a token is for
  path = pathname + search
  const body = typeof init.body === "string" ? new TextEncoder().encode(init.body) : (init.body ?? new Uint8Array())
  for (let again = 0; ; again++) {
    const token = await authorization({ method: init.method ?? "GET", path, body, use }, did)
    let res: Response
    try {
      res = await fetch(path, token ? { ...init, headers: { ...init.headers, Authorization: token } } : init)
    } catch (e) {
      if (init.signal?.aborted) throw e
      throw new Problem(offline, "the service does not answer", 0, "is it still running, and is there a network?")
    }
    if (res.ok) return res
    const p = await res.json().catch(() => ({}))
    // A service that has just begun takes no token that could be a replay, and did nothing for it: the request is signed again a little later.
    if (!token || p.code !== "token/replay" || again === resigned) throw new Problem(p.code ?? "http", p.detail ?? p.title ?? res.statusText, res.status, p.hint, p.errors)
    await new Promise((r) => setTimeout(r, 1000))
  }
}

export const get = async <T>(path: string, signal?: AbortSignal): Promise<T> => (await request(path, { signal })).json()

export const post = async <T>(path: string, type: string, body: string, headers: Record<string, string> = {}, use?: Use): Promise<T> =>
  (await request(path, { method: "POST", body, headers: { "Content-Type": type, ...headers }, use })).json()

// put sends bytes to where their CID leads.
export const put = (path: string, body: Uint8Array) =>
  request(path, { method: "PUT", body: body as Uint8Array<ArrayBuffer>, headers: { "Content-Type": "application/octet-stream" } })

// work asks for a job, which may use so much. Short ones have ended when it returns.
export const work = (path: string, body: unknown, use: Use, wait = 0) =>
  post<Job>(path, "application/json", JSON.stringify(body), wait > 0 ? { Prefer: `wait=${wait}` } : {}, use)

// useOf is what a workflow may use, and what its check may that runs it again in some mode; without a workflow there is nothing to run.
export const useOf = (w: Workflow | undefined, check = w?.check): Use => ({ fuel: w?.fuel ?? 0, memory: w?.memory ?? 0, modules: w?.modules ?? [], ...(check && { check }) })

export const cancel = async (id: string): Promise<Job> => (await request("/v1/jobs/" + id, { method: "DELETE" })).json()

// block reads a block's bytes.
export const block = async (cid: string) => new Uint8Array(await (await request("/v1/blocks/" + cid)).arrayBuffer())

// bundle reads a run's bundle: all that it takes to check the run.
export const bundle = async (run: string) => new Uint8Array(await (await request(`/v1/runs/${run}/bundle`)).arrayBuffer())

// fresh is a text that makes a request another one.
export const fresh = () => crypto.randomUUID()
