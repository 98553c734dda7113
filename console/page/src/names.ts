// A workflow document names modules and files by path; the service knows content by CID alone. Names are replaced in the text itself, so that it stays in the author's
// hand, and mistakes that the service finds are told for the places where the author wrote.

export interface Name {
  key: "mod" | "file"
  path: string
  start: number // of the piece that is replaced
  end: number
}

// A key, quoted or not, its colon, and a scalar, quoted or plain: JSON, and YAML in either style.
const mention = /(["']?)\b(mod|file)\1[ \t]*:[ \t]*(?:"([^"\n]*)"|'([^'\n]*)'|([^\s,"'{}[\]#][^,{}[\]\n#]*))/g

const isCID = (s: string) => /^(ipfs:\/\/)?b[a-z2-7]{50,}$/.test(s)

// names finds what a document mentions by path.
export function names(text: string): Name[] {
  const out: Name[] = []
  for (const m of text.matchAll(mention)) {
    const path = (m[3] ?? m[4] ?? m[5].trimEnd()).trim()
    if (path === "" || isCID(path)) continue
    const end = m.index + m[0].trimEnd().length
    out.push({ key: m[2] as Name["key"], path, start: m.index, end })
  }
  return out
}

export interface Replaced {
  text: string
  place: (line: number, column: number) => { line: number; column: number } // of the service's text, in the author's
}

// replace puts CIDs in the place of paths. A path without a CID stays.
export function replace(text: string, cids: Map<string, string>): Replaced {
  const edits: { start: number; end: number; by: string }[] = []
  for (const n of names(text)) {
    const cid = cids.get(n.path)
    if (cid) edits.push({ start: n.start, end: n.end, by: n.key === "mod" ? `"mod": "${cid}"` : `"/": "${cid}"` })
  }
  let out = ""
  let at = 0
  for (const e of edits) {
    out += text.slice(at, e.start) + e.by
    at = e.end
  }
  out += text.slice(at)
  return {
    text: out,
    place: (line, column) => {
      // No piece spans lines, so that only columns move.
      const begin = lineStart(text, line)
      let shift = 0
      for (const e of edits) {
        if (e.start < begin || e.start >= begin + lengthOfLine(text, begin)) continue
        const from = e.start - begin + 1 + shift // column of the piece in the service's text
        if (column < from) break
        if (column < from + e.by.length) return { line, column: e.start - begin + 1 }
        shift += e.by.length - (e.end - e.start)
      }
      return { line, column: column - shift }
    },
  }
}

// lineStart is where a line, counted from 1, begins.
export function lineStart(text: string, line: number): number {
  let at = 0
  for (let n = 1; n < line; n++) {
    const next = text.indexOf("\n", at)
    if (next < 0) return text.length
    at = next + 1
  }
  return at
}

function lengthOfLine(text: string, begin: number): number {
  const end = text.indexOf("\n", begin)
  return (end < 0 ? text.length : end) - begin
}

// effectsIn are the tasks of a JSON document that ask for effects, by label; empty if it is no such document.
export function effectsIn(text: string): Map<string, string> {
  const out = new Map<string, string>()
  try {
    for (const [label, t] of Object.entries<any>(JSON.parse(text).tasks ?? {})) {
      if (typeof t?.effect?.cmd === "string") out.set(label, t.effect.cmd)
    }
  } catch {
    // The service will say what is wrong with it.
  }
  return out
}

// without leaves tasks out of a JSON document.
export function without(text: string, labels: Iterable<string>): string {
  const doc = JSON.parse(text)
  for (const l of labels) delete doc.tasks[l]
  return JSON.stringify(doc, null, 2) + "\n"
}
