// Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) over fetch, so that the page knows and says when the line is down. A stream that
// breaks is taken up again after the last event that came.

import { Problem, request } from "./api"

export interface Watch {
  event: (data: unknown) => boolean // true: that was the last one
  line?: (up: boolean) => void
  failed?: (p: Problem) => void // it makes no sense to try again
}

const longest = 8000 // ms between two attempts
const silence = 45_000 // ms after which a line is dead: the service says something every 15 s

// watch follows a stream until its last event came, or the function that it returns is called.
export function watch(path: string, w: Watch): () => void {
  const stop = new AbortController()
  void follow(path, w, stop.signal)
  return () => stop.abort()
}

async function follow(path: string, w: Watch, signal: AbortSignal) {
  let last = ""
  let pause = 500
  while (!signal.aborted) {
    try {
      const res = await request(path, { signal, cache: "no-store", headers: { Accept: "text/event-stream", ...(last && { "Last-Event-ID": last }) } })
      w.line?.(true)
      for await (const e of parse(res.body!)) {
        pause = 500
        if (e.id) last = e.id
        if (e.data && w.event(JSON.parse(e.data))) return
      }
    } catch (e) {
      if (signal.aborted) return
      // Who asks too often may ask later, and so may a browser whose clock is behind that of a service that has just begun.
      if (e instanceof Problem && e.status >= 400 && e.status < 500 && e.status !== 429 && e.code !== "token/replay") return w.failed?.(e)
    }
    if (signal.aborted) return
    w.line?.(false)
    await new Promise((r) => setTimeout(r, pause))
    pause = Math.min(pause * 2, longest)
  }
}

// parse splits a stream into events.
export async function* parse(body: ReadableStream<Uint8Array>): AsyncGenerator<{ id: string; data: string }> {
  const reader = body.getReader()
  const text = new TextDecoder()
  let rest = ""
  let id = ""
  let data: string[] = []
  try {
    for (;;) {
      const { done, value } = await inTime(reader.read())
      if (done) return
      rest += text.decode(value, { stream: true })
      for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
        const line = rest.slice(0, end).replace(/\r$/, "")
        rest = rest.slice(end + 1)
        if (line === "") {
          if (data.length > 0) yield { id, data: data.join("\n") }
          data = []
          continue
        }
        const [, field, content] = /^([^:]*):? ?(.*)$/.exec(line)!
        if (field === "id") id = content
        if (field === "data") data.push(content)
      }
    }
  } finally {
    void reader.cancel().catch(() => undefined) // whoever stopped listening needs no reason
  }
}

// inTime fails when a promise takes too long.
function inTime<T>(p: Promise<T>): Promise<T> {
  let timer = 0
  const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error("silence")), silence) as unknown as number))
  return Promise.race([p, late]).finally(() => clearTimeout(timer))
}
