import { useEffect, useState } from "preact/hooks"
import { CheckHere } from "./check"
import { blockOf } from "./checker"
import { Dispute } from "./dispute"
import { Choose, bytesOf } from "./files"
import { useOpened } from "./opened"
import { Source } from "./value"
import { TaskGraph } from "./tasks"
import { Id, Trouble, bytes, plural } from "./words"

// VerifyPage checks a file that never leaves this browser.
export function VerifyPage({ dropped }: { dropped: File[] }) {
  const [name, setName] = useState("")
  const { opened, error, busy, from } = useOpened()
  const take = async ([f]: File[]) => {
    if (!f) return
    setName(f.name)
    await from(() => bytesOf(f))
  }
  useEffect(() => void take(dropped.filter((f) => f.name.endsWith(".car")).slice(0, 1)), [dropped])
  return (
    <>
      <h1>Verify a file</h1>
      <p>A bundle, a ruling or a refutation. It stays in this browser: nothing is sent anywhere, and it works without a server once the page is loaded.</p>
      <div class="row">
        <Choose take={take}>Open a file…</Choose>
        <span role="status">{busy ? "Reading the file, and loading the verifier if this is the first one…" : ""}</span>
      </div>
      {error !== undefined && <Trouble error={error} />}
      {!opened && !busy && error === undefined && <p class="empty">No file yet: drop one anywhere on this page.</p>}
      {opened && (
        <Source.Provider value={(cid) => blockOf(opened.file, cid)}>
          <h2>
            {name}: {opened.kind}
          </h2>
          <p class="muted">
            {bytes(opened.bytes)}
            {opened.blocks ? `, ${plural(opened.blocks, "block")}` : ""} {opened.root && <Id id={opened.root} />}
          </p>
          {opened.note && <p class="note warn">{opened.note}</p>}
          <CheckHere opened={opened} />
          {opened.run && opened.workflow && (
            <>
              <h2>What it says</h2>
              <TaskGraph run={opened.run} workflow={opened.workflow} />
            </>
          )}
          {opened.kind === "bundle" && <Dispute mine={opened} />}
        </Source.Provider>
      )}
    </>
  )
}
