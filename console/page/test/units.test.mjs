// The page's parts that need no browser.
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { after, test } from "node:test"
import { createServer } from "vite"

const vite = await createServer({ server: { middlewareMode: true, hmr: false, watch: null }, appType: "custom", logLevel: "error", optimizeDeps: { noDiscovery: true } })
after(() => vite.close())
const load = (name) => vite.ssrLoadModule(`/src/${name}`)

const { names, replace, effectsIn, without } = await load("names.ts")
const { Link, base32, cidOf, decode, encode, fromJSON } = await load("cbor.ts")
const { chainOf, commandOf, covers, didOf, readDelegations, tokenFor } = await load("token.ts")
const { parse } = await load("events.ts")
const { columns } = await load("graph.tsx")
const { badCounts, detection } = await load("transcript.tsx")
const { hex, netpbm, pictureType, textOf } = await load("value.tsx")
const { taskEnds } = await load("jobs.tsx")
const { rowsOf } = await load("trilemma.tsx")
const { bytes, round, seconds } = await load("words.tsx")

const cid = "bafkreidzshannzaip3lhufypu2jp67mhpkkokhiaepxorlap2tlzjjtdau"

test("names of files are found in JSON and in both styles of YAML", () => {
  const paths = (text) => names(text).map((n) => `${n.key}=${n.path}`)
  assert.deepEqual(paths('{"mod": "a b.wasm", "params": [{"file" :"x/p.png"}], "model": "no"}'), ["mod=a b.wasm", "file=x/p.png"])
  assert.deepEqual(paths("run: {mod: ../g/fib.wasm, params: [{file: o.txt}, 0]}"), ["mod=../g/fib.wasm", "file=o.txt"])
  assert.deepEqual(paths("mod: 'it.wasm'\nfile: plain.txt # why\n"), ["mod=it.wasm", "file=plain.txt"])
  assert.deepEqual(paths(`{"mod": "${cid}", "x": {"mod": "ipfs://${cid}"}}`), [])
})

test("paths become CIDs, and places lead back to what the author wrote", () => {
  const text = '{\n "a": {"mod": "m.wasm", "p": {"file": "f"}, "z": 1}\n}'
  const { text: sent, place } = replace(text, new Map([["m.wasm", cid], ["f", cid]]))
  assert.deepEqual(JSON.parse(sent), { a: { mod: cid, p: { "/": cid }, z: 1 } })
  const lines = [text, sent].map((t) => t.split("\n")[1])
  for (const mark of ['"a"', '"p"', '"z"']) {
    assert.deepEqual(place(2, lines[1].indexOf(mark) + 1), { line: 2, column: lines[0].indexOf(mark) + 1 }, mark)
  }
  assert.deepEqual(place(2, lines[1].indexOf(cid) + 5), { line: 2, column: lines[0].indexOf('"mod"') + 1 })
  assert.deepEqual(place(3, 1), { line: 3, column: 1 })
  assert.equal(replace(text, new Map()).text, text)
})

test("effects can be left out", () => {
  const text = JSON.stringify({ tasks: { a: { run: {} }, b: { effect: { cmd: "/file/write" } } } })
  assert.deepEqual([...effectsIn(text)], [["b", "/file/write"]])
  assert.deepEqual(Object.keys(JSON.parse(without(text, ["b"])).tasks), ["a"])
  assert.equal(effectsIn("trilemma: workflow/1").size, 0)
})

test("DAG-CBOR", async () => {
  const read = (h) => decode(Uint8Array.from(Buffer.from(h, "hex")))
  assert.equal(read("1903e8"), 1000)
  assert.equal(read("3903e7"), -1000)
  assert.equal(read("1bffffffffffffffff"), 18446744073709551615n)
  assert.equal(read("fb3ff8000000000000"), 1.5)
  assert.deepEqual({ ...read("a2616101616282f5f6") }, { a: 1, b: [true, null] })
  assert.deepEqual(read("43010203"), Uint8Array.of(1, 2, 3))
  const id = await cidOf(new TextEncoder().encode("hello"))
  assert.equal(id, "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq") // as any IPFS client computes it
  const raw = Buffer.from("0155122" + "02cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", "hex")
  assert.equal("b" + base32(raw), id)
  assert.equal(read("d82a582500" + raw.toString("hex")).cid, id)
  for (const bad of ["", "19ff", "43ff", "5f", "c100", "f97e00", "0000", "a10101", "81".repeat(100) + "00", "9affffffff", "61ff"]) assert.throws(() => read(bad), bad)
})

test("DAG-JSON", () => {
  assert.deepEqual(fromJSON({ "/": { bytes: "AQI" } }), Uint8Array.of(1, 2))
  assert.deepEqual(fromJSON([{ "/": cid }, { a: null }]), [new Link(cid), { a: null }])
})

test("server-sent events, whatever the pieces they come in", async () => {
  const text = 'retry: 2000\n\n:\n\nid: 7\nevent: job\ndata: {"a":1}\n\nid: 8\r\ndata: x\r\ndata: y\r\n\r\ndata: cut'
  for (const size of [1, 7, 1000]) {
    const pieces = new ReadableStream({
      start(c) {
        for (let i = 0; i < text.length; i += size) c.enqueue(new TextEncoder().encode(text.slice(i, i + size)))
        c.close()
      },
    })
    const got = []
    for await (const e of parse(pieces)) got.push(e)
    assert.deepEqual(got, [{ id: "7", data: '{"a":1}' }, { id: "8", data: "x\ny" }])
  }
})

test("each task stands to the right of what it awaits, effects behind all", () => {
  const t = (label, awaits, effect) => ({ label, awaits, effect })
  assert.deepEqual([...columns([t("a", []), t("b", ["a"]), t("c", ["a", "b"]), t("d", []), t("e", ["d"], "/file/write")])], [["a", 0], ["b", 1], ["c", 2], ["d", 0], ["e", 3]])
})

test("how surely a drawing finds something", () => {
  assert.equal(detection(10, 0, 3), 0)
  assert.ok(Math.abs(detection(115, 1, 20) - 20 / 115) < 1e-12)
  assert.ok(Math.abs(detection(115, 10, 20) - 0.8644) < 5e-5) // as the verifier says it
  assert.equal(detection(5, 3, 3), 1)
  assert.deepEqual(badCounts(5), [1, 2, 3, 5])
})

test("what bytes are", () => {
  assert.equal(pictureType(Uint8Array.of(0x89, 0x50, 0x4e, 0x47)), "image/png")
  assert.equal(pictureType(Uint8Array.of(1, 2)), "")
  const ascii = (s) => new TextEncoder().encode(s)
  assert.deepEqual(netpbm(ascii("P5\n2 1\n255\nab")), { width: 2, height: 1, rgba: Uint8ClampedArray.of(97, 97, 97, 255, 98, 98, 98, 255) })
  assert.deepEqual([...netpbm(ascii("P6\n1 1\n255\nabc")).rgba], [97, 98, 99, 255])
  for (const no of ["P5\n2 1\n255\na", "P6\n0 1\n255\n", "P4\n1 1\n"]) assert.equal(netpbm(ascii(no)), undefined)
  assert.equal(textOf(ascii("a\tb\nä")), "a\tb\nä")
  assert.equal(textOf(Uint8Array.of(0xff)), undefined)
  assert.equal(textOf(Uint8Array.of(0)), undefined)
  assert.equal(hex(ascii("AB\n")), "000000  41 42 0a                                         AB.\n")
})

test("a run's log tells which tasks ended", () => {
  assert.deepEqual(taskEnds(["ok a", "error b.c", "took a while", "ok"]), [["a", "ok"], ["b.c", "error"]])
})

test("what is not measured has no number", () => {
  const verdict = (task, mode) => ({ task, mode, outcome: "valid", cost: { wall_seconds: 1, bytes_read: 10 }, revealed: { input_bytes: 1, state_bytes: 0, output_bytes: 2 } })
  const report = { outcome: "valid", verdicts: [verdict("a", "rerun"), verdict("b", "attest"), verdict("", "rerun")] }
  const rows = rowsOf({ tasks: { a: { segments: 4 }, b: {} } }, [{ mode: "rerun", report }, { mode: "attest", report: { ...report, outcome: "invalid" } }], undefined)
  assert.deepEqual(rows.map((r) => [r.mode, r.check, r.reveals]), [["attest", undefined, undefined], ["rerun", 2, 6], ["spot", undefined, undefined], ["zk", undefined, undefined]])
  assert.match(rowsOf({ tasks: { a: {} } }, [], undefined)[2].note, /no transcript/)
})

test("numbers for people", () => {
  assert.deepEqual([1023, 1024, 1 << 20].map(bytes), ["1023 B", "1.0 KiB", "1.0 MiB"])
  assert.deepEqual([1, 1e3, 1e5, 1e9].map(round), ["1 B", "1 kB", "100 kB", "1 GB"])
  assert.deepEqual([5e-6, 0.002, 0.5, 30, 600].map(seconds), ["5 µs", "2.0 ms", "500 ms", "30 s", "10 min"])
})

test("DAG-CBOR is written as it is read, keys in order", async () => {
  const hexOf = (v) => Buffer.from(encode(v)).toString("hex")
  for (const [v, want] of [
    [0, "00"], [23, "17"], [24, "1818"], [255, "18ff"], [256, "190100"], [1000, "1903e8"], [65536, "1a00010000"], [2 ** 32, "1b0000000100000000"], [-1, "20"], [-1000, "3903e7"],
    [18446744073709551615n, "1bffffffffffffffff"], [null, "f6"], [true, "f5"], ["é", "62c3a9"], [Uint8Array.of(1, 2, 3), "43010203"], [[1, []], "820180"],
    [{ bb: 1, a: 2, c: 3 }, "a361610261630362626201"],
  ]) {
    assert.equal(hexOf(v), want)
  }
  const link = new Link(await cidOf(new TextEncoder().encode("hello"), 0x71))
  assert.equal(decode(encode({ x: link })).x.cid, link.cid)
  assert.throws(() => encode(1.5), /no integer/)
  assert.throws(() => encode(2 ** 60), /no integer/)
})

test("every request has the command that the service asks for", () => {
  const { paths } = JSON.parse(readFileSync("../../docs/openapi.json", "utf8"))
  let seen = 0
  for (const [path, item] of Object.entries(paths)) {
    for (const [method, op] of Object.entries(item)) {
      const [, needs = ""] = /Needs the command `([^`]+)`/.exec(op.description ?? "") ?? []
      assert.equal(commandOf(method.toUpperCase(), path.replace(/{[^}]*}/, "x") + "?a=b"), needs, `${method} ${path}`)
      seen++
    }
  }
  assert.ok(seen > 30)
  assert.equal(commandOf("GET", "/metrics"), "")
  assert.equal(commandOf("GET", "/console/samples/examples/image.json"), "")
})

test("a public key has the did:key of the method's own example", () => {
  // https://w3c-ccg.github.io/did-key-spec/#ed25519-x25519, whose key is given there in base58.
  const key = Buffer.from("2e6fcce36701dc791488e0d0b1745cc1e33a4c1c9fcc41c63bd343dbbe0970e6", "hex")
  assert.equal(didOf(key), "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK")
})

test("delegations are read, and chains of them found", async () => {
  const given = await readDelegations(readFileSync("test/given.ucan"))
  const on = await readDelegations(readFileSync("test/given-on.ucan"))
  const [service, alice, bob] = [given[0].issuer, given[0].audience, on.find((d) => d.cid !== given[0].cid).audience]
  const find = (who, command, now = 2e9) => chainOf(on, who, service, command, now)?.map((d) => d.audience)
  assert.deepEqual(find(bob, "/wasm/run"), [alice, bob])
  assert.deepEqual(find(alice, "/wasm/run"), [alice])
  assert.equal(find(bob, "/prove"), undefined, "it was not delegated")
  assert.equal(find(bob, "/wasm/run", 5e9), undefined, "it has expired")
  assert.equal(find("did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", "/wasm/run"), undefined)
  assert.ok(on.some((d) => d.capped) && !given[0].capped)
  // A ring of delegations leads nowhere, and comes to an end.
  const ring = Array.from({ length: 400 }, (_, i) => ({ ...given[0], subject: null, issuer: "k" + ((i + 1) % 20), audience: "k" + (i % 20) }))
  assert.equal(chainOf(ring, "k0", service, "/wasm/run", 2e9), undefined)
  const made = (issuer, audience, command, more) => ({ ...given[0], cid: issuer + audience + command, issuer, audience, command, subject: service, capped: false, ...more })
  const way = (...known) => chainOf(known, bob, service, "/wasm/run", 2e9)?.map((d) => d.cid)
  const narrow = made(service, alice, "/wasm/run")
  assert.equal(way(narrow, made(alice, bob, "/")), undefined, "nobody gives on more than was given")
  assert.deepEqual(way(narrow, made(alice, bob, "/", { subject: null }))?.length, 2, "but as a powerline")
  assert.deepEqual(way(narrow, made(alice, "k", "/"), made("k", bob, "/"), made(service, "k", "/wasm")), undefined)
  assert.equal(way(narrow, made(service, alice, "/", { cid: "wide" }), made(alice, bob, "/wasm"))[0], "wide")
  assert.equal(way(made(service, bob, "/wasm/run", { subject: null })), undefined, "a powerline is no root")
  assert.equal(way(made(service, bob, "/", { capped: true }), narrow, made(alice, bob, "/wasm/run")).length, 2, "one without policies is preferred, if longer")
  assert.equal(way(made(service, bob, "/", { capped: true, subject: service })).length, 1)
  assert.ok(covers("/", "/x/y") && covers("/x", "/x/y") && !covers("/x", "/xy") && !covers("/x/y", "/x"))
  const many = Buffer.from(encode({ "ctn-v1": Array(1025).fill(given[0].token) })).toString("base64url")
  for (const bad of ["", "hello", "C!!!", "Cgg", "C" + many, "C" + "A".repeat(6 << 20)]) await assert.rejects(readDelegations(new TextEncoder().encode(bad)))
})

test("a token is an envelope that its signer signed", async () => {
  const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"])
  const did = didOf(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)))
  const sign = async (data) => new Uint8Array(await crypto.subtle.sign("Ed25519", pair.privateKey, data))
  const [d] = await readDelegations(readFileSync("test/given.ucan"))
  const asked = { method: "POST", path: "/v1/runs?x=1", body: new TextEncoder().encode("{}"), use: { fuel: 5, memory: 1, modules: [cid] } }
  const text = await tokenFor({ did, sign }, d.issuer, [d], "/wasm/run", asked, 1000)
  assert.match(text, /^C[A-Za-z0-9_-]+$/)
  const tokens = decode(Uint8Array.from(Buffer.from(text.slice(1), "base64url")))["ctn-v1"]
  assert.equal(tokens.length, 2)
  assert.ok(tokens.some((t) => Buffer.from(t).equals(Buffer.from(d.token))))
  const [signature, content] = decode(tokens.find((t) => t.length !== d.token.length || !Buffer.from(t).equals(Buffer.from(d.token))))
  assert.ok(await crypto.subtle.verify("Ed25519", pair.publicKey, signature, encode(content)))
  const p = content["ucan/inv@1.0.0"]
  assert.deepEqual([p.iss, p.sub, p.cmd, p.iat, p.exp, p.nonce.length, p.prf[0].cid], [did, d.issuer, "/wasm/run", 1000, 1060, 16, d.cid])
  assert.deepEqual([p.args.http.method, p.args.http.path, p.args.fuel, p.args.modules[0]], ["POST", "/v1/runs?x=1", 5, cid])
})

test("what a block says of its lengths takes no memory", () => {
  const bomb = new Uint8Array(4 << 20)
  for (let i = 0; i < 60; i++) bomb.set([0x9a, 0x00, 0x3f, 0xff, 0x00], 5 * i)
  const before = process.memoryUsage()
  bomb[300] = 0xff
  assert.throws(() => decode(bomb), /does not have/)
  const after = process.memoryUsage()
  assert.ok(after.heapUsed + after.external - before.heapUsed - before.external < 100e6)
})

test("a file that is read when its worker is stopped, or when it is closed, leaves nothing behind", async () => {
  const workers = []
  globalThis.Worker = class {
    ops = []
    constructor() {
      workers.push(this)
    }
    postMessage({ id, op }) {
      this.ops.push(op)
      queueMicrotask(() => this.onmessage({ data: { id, out: { kind: "bundle" } } }))
    }
    terminate() {}
  }
  const { close, open, stop, verify } = await load("checker.ts")
  await open(Uint8Array.of(1))
  assert.deepEqual(workers.map((w) => w.ops), [["open"]])
  stop()
  const asked = verify(1, {})
  await Promise.resolve()
  stop()
  await assert.rejects(asked, { code: "stopped" })
  assert.equal(workers.length, 1, "no worker begins after the stop")
  await verify(1, {})
  assert.deepEqual(workers.map((w) => w.ops), [["open"], ["open", "verify"]])
  const opened = open(Uint8Array.of(2))
  await Promise.all([close(2), opened])
  assert.deepEqual(workers[1].ops, ["open", "verify", "open", "close"])
  stop()
  await close(1)
  assert.equal(workers.length, 2, "nor one that has nothing to close")
  delete globalThis.Worker
})
