// The story of a run, as somebody sees it in a browser: from submitting a workflow to checking it without trusting the service that ran it. Started by story_test.go.
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { mkdirSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { chromium } from "playwright-core"
import { cable } from "./cable.mjs"

const { SERVICE, LOCKED, OWNER, TRILEMMA, BROWSER, EVIDENCE } = process.env
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
const line = await cable(SERVICE)
const browser = await chromium.launch({ executablePath: BROWSER, args: ["--no-sandbox"] })
const context = await browser.newContext({ viewport: { width: 1100, height: 900 }, bypassCSP: false })
const page = await context.newPage()
page.setDefaultTimeout(120_000)
mkdirSync("shots", { recursive: true })

const trouble = []
const resumed = []
let offline = false
page.on("pageerror", (e) => trouble.push("error: " + e))
page.on("console", (m) => !offline && m.type() === "error" && !/status of 4\d\d/.test(m.text()) && trouble.push("console: " + m.text()))
context.on("request", (r) => {
  if (![line.url + "/", LOCKED + "/", "blob:"].some((u) => r.url().startsWith(u))) trouble.push("request to another host: " + r.url())
  if (r.headers()["last-event-id"]) resumed.push(r.url())
})

let shots = 0
const shot = (name) => page.screenshot({ path: `shots/${String(++shots).padStart(2, "0")}-${name}.png`, fullPage: true })
const step = (text) => console.log("-", text)
const button = (name) => page.getByRole("button", { name, exact: true })
const node = (label, state) => page.getByRole("button", { name: new RegExp(`^${label} .*\\b${state}\\b`) })
const tab = (name) => page.getByRole("tab", { name })
const verdict = (outcome) => page.locator(".verdict." + outcome).waitFor()

// accessible finds nothing serious with axe, in both colour schemes.
async function accessible(what) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" })
    const session = await context.newCDPSession(page)
    const { result } = await session.send("Runtime.evaluate", {
      // Through the debugger, since the page's policy lets nobody add a script.
      expression: `${axe}; axe.run(document, {resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations.map(v => ({id: v.id, impact: v.impact, nodes: v.nodes.map(n => n.html.slice(0, 160))}))))`,
      awaitPromise: true,
      returnByValue: true,
    })
    await session.detach()
    const found = JSON.parse(result.value).filter((v) => v.impact === "serious" || v.impact === "critical")
    assert.deepEqual(found, [], `axe on ${what}, ${colorScheme}`)
  }
  await page.emulateMedia({ colorScheme: "light" })
}

// dark takes a picture in the dark.
async function dark(name) {
  await page.emulateMedia({ colorScheme: "dark" })
  assert.match(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), /^rgb\((1|2|3)\d, /, "it is not dark")
  await shot(name + "-dark")
  await page.emulateMedia({ colorScheme: "light" })
}

// narrow checks that a page fits on a small screen.
async function narrow(what) {
  await page.setViewportSize({ width: 360, height: 740 })
  const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
  await shot(what + "-narrow")
  await accessible(what + " on a small screen")
  assert.ok(inner <= outer, `${what} is ${inner} pixels wide on a screen of ${outer}`)
  await page.setViewportSize({ width: 1100, height: 900 })
}

// submit runs calls of fib, a task for each.
const submit = (...params) => submitTo(line.url, ...params)

async function submitTo(url, ...params) {
  const tasks = Object.fromEntries(params.map((n) => ["fib" + n, { run: { mod: "fib.wasm", fun: "fib", params: [n] }, fuel: 1e10 }]))
  await page.goto(url + "/#/")
  await page.getByRole("heading", { name: "Submit a workflow" }).waitFor()
  await page.getByLabel("Workflow, as JSON or YAML").fill(JSON.stringify({ trilemma: "workflow/1", tasks }, null, 2))
  const needed = page.locator(".names input[type=file]")
  if (await needed.count()) await needed.setInputFiles("../../guests/wasm/fib.wasm")
  await button("Run").click()
}

// prove asks the service for a small proof.
async function prove(label) {
  await page.getByRole("heading", { name: "Run ok" }).waitFor()
  await tab("Prove").click()
  await page.getByLabel(label).check()
  await page.getByLabel("Circuits").selectOption("small")
  await button("Prove").click()
}

async function drop(...names) {
  const data = await page.evaluateHandle(
    (files) => {
      const d = new DataTransfer()
      for (const [name, text] of files) d.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name))
      return d
    },
    names.map((n) => [n.split("/").pop(), readFileSync(n).toString("base64")]),
  )
  await page.dispatchEvent("body", "dragover", { dataTransfer: data })
  await page.dispatchEvent("body", "drop", { dataTransfer: data })
}

try {
  step("the first load is small, and says how the page may be used")
  const session = await context.newCDPSession(page)
  await session.send("Network.enable")
  let loaded = 0
  session.on("Network.loadingFinished", (e) => (loaded += e.encodedDataLength))
  const first = await page.goto(line.url + "/")
  await page.getByRole("heading", { name: "Submit a workflow" }).waitFor()
  await page.waitForLoadState("networkidle")
  await session.detach()
  console.log(`  ${loaded} bytes`)
  assert.ok(loaded > 1000 && loaded <= 150 * 1024, `the first load took ${loaded} bytes`)
  assert.match(first.headers()["content-security-policy"], /default-src 'none'; script-src 'self' 'wasm-unsafe-eval';/)
  await accessible("submit, empty")

  step("a mistake is shown where it is")
  await page.getByLabel("Workflow, as JSON or YAML").fill('{\n  "trilemma": "workflow/1",\n  "tasks": {\n    "a": {"run": {"mod": "image.wasm", "fun": "f", "parms": [1]}}\n  }\n}\n')
  await page.setInputFiles(".names input[type=file]", "../../examples/image.wasm")
  await button("Check only").click()
  await page.getByRole("list", { name: "Mistakes" }).getByText("parms").first().waitFor()
  await button("Line 4, column 52").click()
  const at = await page.getByLabel("Workflow, as JSON or YAML").evaluate((f) => f.value.slice(f.selectionStart, f.selectionStart + 7))
  assert.equal(at, '"parms"', "the place of the mistake, though the service was sent a CID in the place of the path")
  await shot("mistake")
  await accessible("submit, with a mistake")

  step("the picture, dropped with its files")
  await drop("../../examples/image.json", "../../examples/image.wasm", "../../examples/picture.png")
  await page.getByText("29 KiB").waitFor()
  await button("Check only").click()
  await page.getByRole("heading", { name: "5 tasks" }).waitFor()
  await shot("submit")
  await narrow("submit")
  await button("Run").click()
  await page.getByRole("heading", { name: "Run ok" }).waitFor()
  await node("encode", "ok").click()
  const picture = page.getByLabel("Task encode").locator("img.picture")
  await picture.waitFor()
  assert.equal(await picture.evaluate((i) => i.decode().then(() => i.naturalWidth)), 72)
  await page.getByLabel("Task encode").locator("canvas").waitFor()
  await shot("run")
  await dark("run")
  await accessible("run")
  await narrow("run")

  const ran = page.url()

  step("verified in the browser")
  await tab("Verify here").click()
  await button("Verify here").click()
  await verdict("valid")
  await page.getByText("the server was not trusted").waitFor()
  assert.equal(await page.locator("td .outcome.valid").count(), 5)
  await shot("valid")
  await accessible("verdict")
  await narrow("verdict")

  step("a segment, and a drawing")
  await tab("Transcript").click()
  await page.getByRole("group", { name: /Segments of blur/ }).getByRole("button", { name: "Segment 1" }).click()
  await page.getByRole("heading", { name: "Segment 1 of blur valid" }).waitFor()
  await page.getByLabel(/^Segments/).last().fill("5")
  await page.getByLabel("Opened").selectOption("here")
  await button("Draw and check").click()
  await page.getByText(/made here, by running the tasks/).waitFor()
  await verdict("valid")
  await page.getByLabel("Opened").selectOption("asked")
  await button("Draw and check").click()
  await page.getByText("Drawn with a nonce of this browser").waitFor()
  assert.equal(await page.locator(".strip .drawn").count(), 5)
  await verdict("valid")
  assert.equal(await page.getByText(/made here, by running the tasks/).count(), 0, "the executor was asked")
  await page.getByText(/5 of \d+ segments were drawn/).waitFor()
  await shot("transcript")
  await accessible("transcript")

  step("an executor that does not answer is asked for the same again")
  offline = true
  line.cut()
  await button("Draw and check").click()
  await page.getByText("It stays open").waitFor()
  const open = await page.getByText("Drawn with a nonce").textContent()
  line.mend()
  await button("Draw and check").click()
  await page.getByText("A challenge was still open").waitFor()
  await verdict("valid")
  offline = false
  const segments = (text) => text.match(/: (.*?)\./)[1]
  assert.equal(segments(await page.getByText("A challenge was still open").textContent()), segments(open))

  step("the trilemma of the run")
  await tab("Trilemma").click()
  await button("Count it, for a proof").click()
  await button("Measure here").click()
  for (const mode of ["attest", "rerun", "spot"]) await page.locator(".point." + mode).waitFor()
  await page.getByText(/no proof covers/).waitFor()
  await shot("trilemma")
  await dark("trilemma")
  await accessible("trilemma")
  await narrow("trilemma")

  step("proving")
  await tab("Prove").click()
  await button("What would it take?").click()
  await page.getByRole("cell", { name: "encode" }).waitFor()
  await shot("prove")
  await accessible("prove")

  step("a small run, proved by the service, and the proof checked in the browser")
  await submit(10)
  await prove("fib10")
  await page.getByRole("progressbar").waitFor()
  await shot("proving")
  await page.getByRole("link", { name: /Verify the 1 proof/ }).click({ timeout: 400_000 })
  await page.getByRole("radio", { name: /^zk/ }).check()
  await button("Verify here").click()
  await verdict("undecided")
  await page.getByText("not pinned here").first().waitFor()
  await page.getByRole("checkbox", { name: /development keys/ }).check()
  await button("Verify here").click()
  await verdict("valid")
  await page.getByText("rests on trust in them").first().waitFor()
  console.log("  " + (await page.getByText(/^Checked here in/).textContent()))
  await shot("proof")
  await accessible("proof")

  step("a proof that is cancelled")
  await submit(16)
  await prove("fib16")
  await page.getByText(/prove: 0 of|commit|trace|execute/).first().waitFor()
  await button("Cancel").click()
  await page.getByRole("heading", { name: "Proof cancelled" }).waitFor()

  step("a dispute that the service rules, and the ruling checked in the browser")
  const roots = []
  for (const name of ["bent.car", "honest.car"]) {
    const res = await fetch(SERVICE + "/v1/car", { method: "POST", headers: { "Content-Type": "application/vnd.ipld.car" }, body: readFileSync(EVIDENCE + "/" + name) })
    roots.push((await res.json()).root)
  }
  await page.goto(`${line.url}/#/run/${roots[0]}/dispute`)
  await page.getByLabel("or a run at this service").fill(roots[1])
  await button("Let the service rule").click()
  await page.getByText(/Side A is wrong/).first().waitFor()
  await page.getByRole("region", { name: "The ruling, checked here" }).getByText("no trust in the referee").first().waitFor()
  await verdict("valid")
  await shot("ruling")
  await accessible("ruling")

  step("a hearing, message by message")
  await button("Hold a hearing").click()
  await page.getByText("Open segment 1, where you part.").waitFor()
  await page.getByText(/Side A is wrong/).first().waitFor()
  await page.getByRole("region", { name: "The ruling, checked here" }).waitFor()
  assert.ok((await page.getByRole("log").getByRole("listitem").count()) >= 2, "there was nothing to watch")
  await shot("hearing")
  await accessible("hearing")

  step("by keyboard alone")
  await page.goto(ran)
  await page.getByRole("heading", { name: "Run ok" }).waitFor()
  await tab("Prove").click()
  await tab("Prove").focus()
  await page.keyboard.press("ArrowLeft")
  assert.equal(await page.locator(":focus").textContent(), "Transcript")
  await page.getByRole("group", { name: /Segments of grey/ }).getByRole("button").first().focus()
  await page.keyboard.press("ArrowRight")
  await page.keyboard.press("Enter")
  await page.getByRole("heading", { name: "Segment 1 of grey valid" }).waitFor()

  step("receipts, jobs, the service")
  await page.goto(line.url + "/#/receipts")
  await page.locator(".feed a").first().waitFor()
  await shot("receipts")
  await accessible("receipts")
  await page.locator(".feed ul a").first().click()
  await page.getByText("signed by").waitFor()
  await accessible("receipt")
  await page.goto(line.url + "/#/jobs")
  await page.getByRole("link", { name: "Preflight" }).first().waitFor()
  await page.getByText(/^\d+ workers?$/).click()
  await page.getByRole("region", { name: "Workers" }).getByText(/execute: \d+ of \d+/).waitFor()
  await shot("jobs")
  await accessible("jobs")
  await page.goto(line.url + "/#/service")
  await page.getByText("Development mode").waitFor()
  await page.setInputFiles("section[aria-label='Read a token'] input[type=file]", EVIDENCE + "/alice.ucan")
  await page.getByRole("list", { name: "What the tokens say" }).getByText("/wasm/run").waitFor()
  await shot("service")
  await accessible("service")
  await narrow("service")

  step("a check that is stopped, and made again")
  await submit(38)
  await page.getByRole("heading", { name: "Run ok" }).waitFor()
  await tab("Verify here").click()
  await button("Verify here").click()
  await button("Stop").click()
  await page.getByText("nothing was established").waitFor()
  await page.getByRole("radio", { name: /^attest/ }).check()
  await button("Verify here").click()
  await verdict("valid")

  step("files, without a network: an honest bundle, a forged one, one with a bent transcript")
  await page.goto(line.url + "/#/verify")
  offline = true
  line.cut()
  await drop(EVIDENCE + "/honest.car")
  await button("Verify here").click()
  await verdict("valid")
  await drop(EVIDENCE + "/forged.car")
  await page.getByRole("heading", { name: "forged.car: bundle" }).waitFor()
  await button("Verify here").click()
  await verdict("invalid")
  await page.getByText(/its receipt says \d+ fuel/).first().waitFor()
  await shot("forged")
  await accessible("forged")
  // Of two files the one that was opened last counts, whichever is read first.
  await page.locator("main input[type=file]").first().setInputFiles(EVIDENCE + "/honest.car")
  await page.locator("main input[type=file]").first().setInputFiles({ name: "none.car", mimeType: "", buffer: Buffer.from("none") })
  await page.getByRole("alert").waitFor()
  assert.equal(await page.getByRole("heading", { name: "none.car" }).count(), 0)
  await drop(EVIDENCE + "/bent.car")
  await page.getByRole("heading", { name: "bent.car: bundle" }).waitFor()
  await button("Verify here").click()
  await verdict("invalid")

  step("a dispute between the bent one and the honest one")
  await page.setInputFiles("section[aria-label=Dispute] input[type=file]", EVIDENCE + "/honest.car")
  await page.getByText(/Side A is wrong/).first().waitFor()
  await page.getByText(/segment 1\)/).waitFor()
  await shot("dispute")
  await accessible("dispute")

  step("a service that does not answer")
  await page.goto(line.url + "/#/jobs")
  await page.getByText("the service does not answer").waitFor()
  await shot("gone")
  await accessible("gone")
  line.mend()
  await button("Try again").click()
  await page.getByRole("link", { name: "Run" }).first().waitFor()
  offline = false

  step("the network is cut in the middle of a run")
  await submit(20, 36, 37, 38) // some seconds
  await node("fib20", "ok").waitFor()
  assert.equal(await page.getByRole("heading", { name: "Run running" }).count(), 1, "the run is over before the cut")
  await shot("live")
  offline = true
  line.cut()
  await page.getByText("The connection is gone").waitFor()
  await shot("cut")
  await accessible("cut")
  const before = resumed.length
  const job = decodeURIComponent(page.url().split("#/job/")[1])
  for (let state = "running"; state === "running"; ) {
    await new Promise((r) => setTimeout(r, 300))
    state = (await (await fetch(`${SERVICE}/v1/jobs/${encodeURIComponent(job)}`)).json()).state
  }
  line.mend()
  await page.getByRole("heading", { name: "Run ok" }).waitFor()
  offline = false
  assert.ok(resumed.slice(before).some((u) => u.includes("/events")), "the stream was not taken up where it broke")
  assert.equal(await page.locator(".node.ok").count(), 4)
  await shot("resumed")

  step("a service that asks for tokens: a key of the browser's own, and what is delegated to it")
  await page.goto(LOCKED + "/#/jobs")
  await page.getByText("lets in only who has a token").waitFor()
  await accessible("locked")
  await page.getByRole("link", { name: "Give this browser a key" }).click()
  await button("Make a key").click()
  const command = await page.getByText(/^trilemma delegate --to/).textContent()
  const delegated = (...more) => execFileSync(TRILEMMA, [...command.split(" ").slice(1), ...more], { env: { ...process.env, TRILEMMA_HOME: OWNER }, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
  await page.getByLabel("What was delegated to this browser's key").fill(delegated("--cmd", "/job/read"))
  await button("Take").click()
  await page.getByText("It may do this here: /job/read.").waitFor()
  // As if the service had just begun: it takes no token of its first second.
  const signed = []
  const jobs = new RegExp("/v1/jobs(\\?|$)")
  await page.route(jobs, (route) => {
    signed.push(route.request().headers().authorization)
    return signed.length > 1 ? route.continue() : route.fulfill({ status: 401, contentType: "application/problem+json", body: '{"code": "token/replay", "status": 401}' })
  })
  await page.goto(LOCKED + "/#/jobs")
  await page.getByText("Nobody has asked for anything yet").waitFor()
  assert.ok(signed.length > 1 && signed[0] && signed[1] && signed[0] !== signed[1], "the request was signed again")
  await page.unroute(jobs)
  await page.goto(LOCKED + "/#/service")
  await page.setInputFiles("section[aria-label=\"This browser's key\"] input[type=file]", EVIDENCE + "/alice.ucan")
  await page.getByText("not for this browser's key").waitFor()
  await page.getByLabel("What was delegated to this browser's key").fill(delegated("--policy", '["<=", ".fuel", 100000000000]', "--cmd", "/wasm"))
  await button("Take").click()
  await page.getByText("It may do this here: /wasm/run, /job/read.").waitFor()
  await page.getByLabel("What was delegated to this browser's key").fill(delegated())
  await button("Take").click()
  await page.getByText("It may do everything here.").waitFor()
  assert.equal(await page.getByRole("list", { name: "What was delegated" }).getByRole("listitem").count(), 3)
  await shot("key")
  await accessible("key")
  await narrow("key")
  // Another page of this browser has the same key, and makes no other.
  const beside = await page.context().newPage()
  await beside.goto(LOCKED + "/#/service")
  await beside.getByText("It may do everything here.").waitFor()
  await beside.getByRole("button", { name: /^Remove what .* delegated: \/job\/read$/ }).click()
  await beside.getByRole("list", { name: "What was delegated" }).getByRole("listitem").nth(2).waitFor({ state: "detached" })
  assert.equal(await beside.getByRole("list", { name: "What was delegated" }).getByRole("listitem").count(), 2)
  await beside.close()
  await submitTo(LOCKED, 20)
  await page.getByRole("heading", { name: "Run ok" }).waitFor()
  await tab("Verify here").click()
  await button("Verify here").click()
  await verdict("valid")
  await tab("Transcript").click()
  await button("Draw and check").click()
  await page.getByText("Drawn with a nonce of this browser").waitFor()
  await verdict("valid")
  await page.reload()
  await page.getByRole("heading", { name: "Run ok" }).waitFor()
  await page.goto(LOCKED + "/#/receipts")
  await page.locator(".feed ul a").first().waitFor()
  await page.goto(LOCKED + "/#/service")
  await button("Forget the key, and what was delegated to it").click()
  await button("Make a key").waitFor()
  await page.goto(LOCKED + "/#/jobs")
  await page.getByText("lets in only who has a token").waitFor()

  assert.deepEqual(trouble, [])
  console.log("told")
} catch (e) {
  await shot("failed").catch(() => {})
  console.log(trouble.join("\n"))
  throw e
} finally {
  await browser.close()
  line.close()
}
