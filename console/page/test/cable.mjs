// A cable between the browser and the service, which can be cut.
import net from "node:net"

export async function cable(service) {
  const { hostname, port } = new URL(service)
  const ends = new Set()
  let cut = false
  const server = net.createServer((a) => {
    if (cut) return a.destroy()
    const b = net.connect(Number(port), hostname)
    for (const [from, to] of [
      [a, b],
      [b, a],
    ]) {
      ends.add(from)
      from.on("error", () => {})
      from.on("close", () => (ends.delete(from), to.destroy()))
      from.pipe(to)
    }
  })
  await new Promise((r) => server.listen(0, "127.0.0.1", r))
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut() {
      cut = true
      for (const e of ends) e.destroy()
    },
    mend: () => (cut = false),
    close: () => (server.close(), ends.forEach((e) => e.destroy())),
  }
}
