import type { RefObject } from "preact"
import { useRef } from "preact/hooks"
import type { Mistake } from "./api"
import { lineStart } from "./names"

// Editor is a field for a document, with the numbers of its lines, and with mistakes marked and told where they are.
export function Editor({ field, text, change, mistakes }: { field: RefObject<HTMLTextAreaElement>; text: string; change: (t: string) => void; mistakes: Mistake[] }) {
  const gutter = useRef<HTMLDivElement>(null)
  const lines = text.split("\n").length
  const wrong = new Set(mistakes.map((m) => m.line))
  const show = (m: Mistake) => {
    const f = field.current
    if (!f || !m.line) return
    const at = lineStart(text, m.line) + Math.max(0, (m.column ?? 1) - 1)
    f.focus()
    f.setSelectionRange(at, Math.min(at + 1, text.length))
    f.scrollTop = Math.max(0, (m.line - 4) * parseFloat(getComputedStyle(f).lineHeight))
  }
  return (
    <>
      <div class="editor">
        <div class="gutter" aria-hidden="true">
          <div ref={gutter}>
          {Array.from({ length: lines }, (_, i) => (
            <div key={i} class={wrong.has(i + 1) ? "wrong" : ""}>
              {i + 1}
            </div>
          ))}
          </div>
        </div>
        <textarea
          ref={field}
          aria-label="Workflow, as JSON or YAML"
          aria-invalid={mistakes.length > 0}
          aria-describedby={mistakes.length > 0 ? "mistakes" : undefined}
          spellcheck={false}
          wrap="off"
          rows={Math.min(26, Math.max(10, lines + 1))}
          placeholder={'Paste a workflow, or drop its files here.\n\n{"trilemma": "workflow/1", "tasks": {…}}'}
          value={text}
          onInput={(e) => change(e.currentTarget.value)}
          onScroll={(e) => gutter.current && (gutter.current.scrollTop = e.currentTarget.scrollTop)}
        />
      </div>
      {mistakes.length > 0 && (
        <ol class="mistakes" id="mistakes" aria-label="Mistakes">
          {mistakes.map((m, i) => (
            <li key={i}>
              {m.line ? (
                <button type="button" class="link" onClick={() => show(m)}>
                  Line {m.line}, column {m.column ?? 1}
                </button>
              ) : null}{" "}
              {m.in && <code>{m.in}</code>} {m.message}
            </li>
          ))}
        </ol>
      )}
    </>
  )
}
