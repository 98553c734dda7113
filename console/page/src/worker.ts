// The verifier runs here, off the page's thread. It is the Go program of the directory browser, and asks nobody for anything but its own two files.

declare const Go: new () => { importObject: WebAssembly.Imports; run: (i: WebAssembly.Instance) => Promise<void> }

type Offered = Record<string, (...args: unknown[]) => Promise<unknown>>

const scope = self as unknown as { trilemma: Offered; trilemmaReady: () => void; postMessage: (m: unknown, transfer?: Transferable[]) => void }

const starting = start()

async function start(): Promise<Offered> {
  const at = "/console/"
  const [, res] = await Promise.all([import(/* @vite-ignore */ at + "wasm_exec.js"), fetch(at + "verifier.wasm")])
  if (!res.ok) throw new Error("missing")
  const go = new Go()
  const { instance } = await WebAssembly.instantiateStreaming(res, go.importObject)
  const ready = new Promise<void>((r) => (scope.trilemmaReady = r))
  void go.run(instance).then(() => scope.postMessage({ ended: true }))
  await ready
  return scope.trilemma
}

addEventListener("message", async (e: MessageEvent<{ id: number; op: string; args: unknown[] }>) => {
  const { id, op, args } = e.data
  try {
    const offered = await starting
    const more = op === "verify" ? [(done: number) => scope.postMessage({ id, done })] : []
    const out = op === "start" ? null : await offered[op](...args, ...more)
    scope.postMessage({ id, out: typeof out === "string" ? JSON.parse(out) : out })
  } catch (error) {
    scope.postMessage({ id, error: error instanceof Error ? error.message : String(error) })
  }
})
