import { useContext, useEffect, useState } from "preact/hooks"
import type { Run, Task, Workflow, WorkflowTask } from "./api"
import { Link, type Value, decode, fromJSON, isMap } from "./cbor"
import { Graph } from "./graph"
import { Show, Source } from "./value"
import { Id, Outcome, Trouble, count } from "./words"

// TaskGraph is a finished run as a graph, with what there is to say of the task that is chosen.
export function TaskGraph({ run, workflow }: { run: Run; workflow: Workflow }) {
  const [chosen, setChosen] = useState(workflow.tasks.find((t) => run.tasks[t.label]?.outcome === "error")?.label ?? workflow.tasks.findLast((t) => !t.effect)?.label ?? "")
  const task = workflow.tasks.find((t) => t.label === chosen)
  return (
    <>
      <Graph tasks={workflow.tasks} state={(l) => run.tasks[l]?.outcome ?? "waiting"} results={run.tasks} chosen={chosen} choose={setChosen} />
      {task && run.tasks[chosen] && <TaskPanel key={chosen} task={task} said={run.tasks[chosen]} run={run} workflow={workflow} />}
    </>
  )
}

function TaskPanel({ task, said, run, workflow }: { task: WorkflowTask; said: Task; run: Run; workflow: Workflow }) {
  const source = useContext(Source)
  const [params, setParams] = useState<Value>()
  const [error, setError] = useState<unknown>()
  useEffect(() => {
    source(task.task).then((data) => {
      const node = decode(data)
      const args = isMap(node) ? node.args : undefined
      setParams(isMap(args) ? (task.effect ? args : (args.params ?? [])) : null)
    }, setError)
  }, [task.task])
  const facts: [string, preact.ComponentChildren][] = [
    ["outcome", <Outcome of={said.outcome} />],
    ["receipt", <Id id={said.receipt} />],
  ]
  if (said.fuel !== undefined) facts.push(["fuel", count(said.fuel)])
  if (said.steps !== undefined) facts.push(["steps", count(said.steps)])
  if (said.segments !== undefined) facts.push(["segments", count(said.segments)])
  if (task.module) facts.push(["module", <Id id={task.module} />])
  if (task.function) facts.push(["function", <code>{task.function}</code>])
  if (task.effect) facts.push(["effect", <code>{task.effect}</code>])
  if (said.memoised) facts.push(["known", "from an earlier run"])
  return (
    <section class="panel" aria-label={"Task " + task.label}>
      <h3>{task.label}</h3>
      <dl class="facts">
        {facts.map(([k, v]) => (
          <div key={k}>
            <dt>{k}</dt>
            <dd>{v}</dd>
          </div>
        ))}
      </dl>
      {said.error && (
        <p class="note bad">
          <code>{said.error.kind}</code> {said.error.message}
        </p>
      )}
      <div class="ports">
        <div>
          <h4>Input</h4>
          {error !== undefined && <Trouble error={error} />}
          {params !== undefined && <Show value={resolve(params, run, workflow)} />}
        </div>
        <div>
          <h4>Output</h4>
          {said.out !== undefined ? <Show value={fromJSON(said.out)} /> : <p class="muted">{said.outcome === "ok" ? "Not told." : "None: the task failed."}</p>}
        </div>
      </div>
    </section>
  )
}

// resolve puts results in the place of promises, which name computations.
export function resolve(v: Value, run: Run, workflow: Workflow): Value {
  if (Array.isArray(v)) return v.map((x) => resolve(x, run, workflow))
  if (!isMap(v)) return v
  const [[key, to] = ["", null], ...others] = Object.entries(v)
  if (others.length === 0 && key.startsWith("await/") && to instanceof Link) {
    const label = workflow.tasks.find((t) => t.computation === to.cid)?.label
    const said = label === undefined ? undefined : run.tasks[label]
    const result = said?.out !== undefined && key !== "await/error" ? fromJSON(said.out) : (said?.error?.kind ?? null)
    return { [`${key === "await/error" ? "failure" : "result"} of ${label ?? to.cid}`]: result }
  }
  return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, resolve(x, run, workflow)]))
}
