// A spot-check by its messages: the page draws, the executor opens what was drawn, the page replays that and nothing else.

import { type Job, Problem, type Report, type Workflow, final, put, request, useOf, work } from "./api"
import { type Challenge, type Opened, answered, challenge } from "./checker"
import { watch } from "./events"

// A challenge that is not answered stays open, over the page's end too: silence must not buy another drawing.
const openKey = (receipt: string) => "challenge/" + receipt

const toText = (b: Uint8Array) => btoa(String.fromCharCode(...b))
export const fromText = (t: string) => Uint8Array.from(atob(t), (c) => c.charCodeAt(0))

// ended waits for a job.
function ended(job: Job): Promise<Job> {
  if (final(job)) return Promise.resolve(job)
  return new Promise((resolve, reject) =>
    watch(`/v1/jobs/${encodeURIComponent(job.id)}/events`, {
      event: (data) => {
        const j = data as Job
        if (final(j)) resolve(j)
        return final(j)
      },
      failed: reject,
    }),
  )
}

// done waits for a job that must have an answer: any other end is an error.
async function done(job: Job): Promise<Job> {
  const j = await ended(job)
  if (j.state === "done") return j
  throw new Problem("job/" + j.state, j.error ?? `the job was ${j.state}`)
}

// ask challenges the executor of a run that is at the service. drawn is told what was drawn before the answer is there.
export async function ask(opened: Opened, run: string, samples: number, drawn: (c: Challenge) => void): Promise<Report> {
  const key = openKey(opened.run!.receipt)
  const open = localStorage.getItem(key)
  const c = await challenge(opened.file, samples, open ? fromText(open) : undefined)
  const block = fromText(c.block)
  localStorage.setItem(key, toText(block))
  drawn(c)
  await put("/v1/blocks/" + c.challenge, block)
  const job = await done(await work("/v1/answers", { run, challenge: c.challenge }, useOf(opened.workflow, "spot"), 5))
  const answer = new Uint8Array(await (await request("/v1/answers/" + job.answer!.answer)).arrayBuffer())
  const report = await answered(opened.file, block, answer)
  if (report.outcome !== "undecided") localStorage.removeItem(key)
  return report
}

// arity is into how many parts a round of a dispute divides what is left: few, so that there is something to watch.
export const arity = 4

// rule lets the service settle a dispute between two runs that are there, the first of which is of a workflow.
export const rule = async (a: string, b: string, of: Workflow | undefined) => (await done(await work("/v1/disputes", { a, b, arity }, useOf(of, "dispute"), 5))).dispute!
