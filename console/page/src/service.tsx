import { useEffect, useState } from "preact/hooks"
import { type Keys, type Service, get } from "./api"
import { Access } from "./access"
import { ReadTokens } from "./tokens"
import { Id, Trouble, bytes, count, plural, short } from "./words"

// What each command lets whoever holds it do, in words. docs/api.md has the table.
const commands: [string, string][] = [
  ["/wasm/run", "run workflows, call modules, count what they do"],
  ["/challenge", "ask for verifications"],
  ["/prove", "ask for proofs"],
  ["/block/put", "put content: blocks, modules, workflows"],
  ["/block/get", "read content: blocks, bundles, receipts"],
  ["/job/read", "see jobs and follow them"],
  ["/job/cancel", "cancel jobs, for everybody who asked for them"],
]

const limits: [string, string, (n: number) => string][] = [
  ["fuel", "instructions of one request", count],
  ["memory", "memory of one task", (n) => bytes(n * 65536)],
  ["block_bytes", "a block", bytes],
  ["car_bytes", "an imported archive", bytes],
  ["rate", "requests a second from one address", count],
  ["concurrency", "requests at a time", count],
  ["watchers", "event streams at a time", count],
]

export function ServicePage() {
  const [service, setService] = useState<Service>()
  const [keys, setKeys] = useState<Keys>()
  const [ready, setReady] = useState<boolean>()
  const [error, setError] = useState<unknown>()
  const load = () => {
    setError(undefined)
    get<Service>("/v1/service").then(setService, setError)
    get<Keys>("/v1/keys").then(setKeys, () => setKeys(undefined)) // it takes a right that the page may not have
    fetch("/readyz").then((r) => setReady(r.ok), () => setReady(false))
  }
  useEffect(load, [])
  if (error !== undefined) return <Trouble error={error} again={load} />
  if (!service) return <p role="status">Asking the service…</p>
  return (
    <>
      <h1>Service</h1>
      <dl class="facts">
        <div>
          <dt>who</dt>
          <dd>
            <Id id={service.did} />
          </dd>
        </div>
        <div>
          <dt>version</dt>
          <dd>{service.version}</dd>
        </div>
        <div>
          <dt>profile</dt>
          <dd>{service.profile}</dd>
        </div>
        <div>
          <dt>takes work</dt>
          <dd>{ready === undefined ? "…" : ready ? "yes" : "not now"}</dd>
        </div>
        <div>
          <dt>engines</dt>
          <dd>{service.engines.join(", ")}</dd>
        </div>
      </dl>
      <h2>Who may do what</h2>
      <p>
        {service.development
          ? "Development mode: whoever uses the service's own machine may do everything below without a token, and so may this page. All others need one."
          : "Every request needs a token: a chain of delegations that begins with the service's key and leads to whoever asks. This page asks with the key below."}
        {service.public && " Content can be read by everybody."}
      </p>
      <dl class="commands">
        {commands.map(([c, what]) => (
          <div key={c}>
            <dt>
              <code>{c}</code>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p>
        Effects that workflows may have here: {service.effects.length === 0 ? "none" : <code>{service.effects.join(", ")}</code>}. What is delegated is narrowed by policies, and ends by
        time or by revocation: <code>trilemma delegate</code>, <code>trilemma revoke</code>.
      </p>
      <Access service={service} commands={commands.map(([c]) => c)} changed={load} />
      <h2>Read a token</h2>
      <ReadTokens />
      <h2>Limits</h2>
      <dl class="facts">
        {limits.map(([k, what, f]) => (
          <div key={k}>
            <dt>{what}</dt>
            <dd>{service.limits[k] === undefined ? "–" : f(service.limits[k])}</dd>
          </div>
        ))}
      </dl>
      <h2>Keys for proofs</h2>
      {!keys && <p class="muted">Not told.</p>}
      {keys && keys.families.length === 0 && <p class="empty">None: this service neither proves nor trusts any proof.</p>}
      {keys && keys.families.length > 0 && (
        <ul>
          {keys.families.map((f) => (
            <li key={f.family}>
              family {short(f.family)}, {plural(f.shapes.length, "shape")}, {f.setup === "dev" ? "development keys: whoever made them can prove anything" : `ceremony ${short(f.setup)}`}
            </li>
          ))}
        </ul>
      )}
    </>
  )
}
