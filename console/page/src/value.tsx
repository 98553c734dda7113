import { createContext } from "preact"
import { useContext, useEffect, useRef, useState } from "preact/hooks"
import { block } from "./api"
import { Link, type Value, isMap } from "./cbor"
import { save } from "./files"
import { Id, Trouble, bytes } from "./words"

// Values as what they are: pictures as pictures, text as text, other bytes in hexadecimal.

// Source is where blocks come from: the service, or a file that was opened here.
export const Source = createContext<(cid: string) => Promise<Uint8Array>>((cid) => block(cid))

const shown = 2048 // bytes of text or hexadecimal that are shown at once

export function Show({ value }: { value: Value }) {
  if (value instanceof Uint8Array) return <Bytes data={value} />
  if (value instanceof Link) return <Linked cid={value.cid} />
  if (Array.isArray(value)) {
    return value.length === 0 ? (
      <span class="muted">nothing</span>
    ) : (
      <ol class="values" start={0}>
        {value.map((v, i) => (
          <li key={i}>
            <Show value={v} />
          </li>
        ))}
      </ol>
    )
  }
  if (isMap(value)) {
    return (
      <dl class="values">
        {Object.entries(value).map(([k, v]) => (
          <div key={k}>
            <dt>{k}</dt>
            <dd>
              <Show value={v} />
            </dd>
          </div>
        ))}
      </dl>
    )
  }
  if (typeof value === "string") return <span class="text">{value}</span>
  return <code>{String(value)}</code>
}

// Linked is the content of a block, which is fetched when it is wanted.
export function Linked({ cid, size }: { cid: string; size?: number }) {
  const [data, setData] = useState<Uint8Array>()
  const [error, setError] = useState<unknown>()
  const [wanted, setWanted] = useState(size === undefined || size <= 1 << 20)
  const source = useContext(Source)
  useEffect(() => {
    if (!wanted) return
    let gone = false
    setData(undefined)
    source(cid).then(
      (d) => gone || setData(d),
      (e) => gone || setError(e),
    )
    return () => void (gone = true)
  }, [cid, wanted])
  if (error !== undefined) return <Trouble error={error} />
  if (data) return <Bytes data={data} cid={cid} />
  return wanted ? (
    <span role="status">Fetching…</span>
  ) : (
    <button type="button" onClick={() => setWanted(true)}>
      Fetch {bytes(size!)}
    </button>
  )
}

const starts = (data: Uint8Array, ...magic: number[]) => magic.every((b, i) => data[i] === b)

// pictureType is the media type of a picture that browsers show; empty if it is none.
export function pictureType(data: Uint8Array): string {
  if (starts(data, 0x89, 0x50, 0x4e, 0x47)) return "image/png"
  if (starts(data, 0xff, 0xd8, 0xff)) return "image/jpeg"
  if (starts(data, 0x47, 0x49, 0x46, 0x38)) return "image/gif"
  if (starts(data, 0x52, 0x49, 0x46, 0x46) && data[8] === 0x57 && data[9] === 0x45) return "image/webp"
  return ""
}

export interface Pixels {
  width: number
  height: number
  rgba: Uint8ClampedArray
}

// netpbm reads a PGM or PPM of one byte for each sample (https://netpbm.sourceforge.net/doc/); undefined if it is none.
export function netpbm(data: Uint8Array): Pixels | undefined {
  const m = /^P([56])\s+(\d{1,4})\s+(\d{1,4})\s+255\s/.exec(String.fromCharCode(...data.subarray(0, 32)))
  if (!m) return
  const [width, height, samples] = [Number(m[2]), Number(m[3]), m[1] === "6" ? 3 : 1]
  const pixels = data.subarray(m[0].length)
  if (width === 0 || height === 0 || pixels.length !== width * height * samples) return
  const rgba = new Uint8ClampedArray(width * height * 4)
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) rgba[4 * i + c] = pixels[i * samples + (samples === 3 ? c : 0)]
    rgba[4 * i + 3] = 255
  }
  return { width, height, rgba }
}

// textOf is text if bytes are that; undefined if not.
export function textOf(data: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(data)
    return /[\x00-\x08\x0e-\x1f\x7f]/.test(text) ? undefined : text
  } catch {
    return
  }
}

export function hex(data: Uint8Array): string {
  let out = ""
  for (let at = 0; at < data.length; at += 16) {
    const row = data.subarray(at, at + 16)
    const digits = [...row].map((b) => b.toString(16).padStart(2, "0")).join(" ")
    out += `${at.toString(16).padStart(6, "0")}  ${digits.padEnd(47)}  ${[...row].map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : ".")).join("")}\n`
  }
  return out
}

function Bytes({ data, cid }: { data: Uint8Array; cid?: string }) {
  const type = pictureType(data)
  const pixels = type ? undefined : netpbm(data)
  const text = type || pixels ? undefined : textOf(data)
  const cut = !type && !pixels && data.length > shown
  const what = type ? type.slice(6).toUpperCase() : pixels ? (data[1] === 0x36 ? "PPM" : "PGM") : text !== undefined ? "text" : "bytes"
  return (
    <figure class="bytes">
      {type && <Picture data={data} type={type} />}
      {pixels && <Canvas pixels={pixels} />}
      {text !== undefined && <pre tabIndex={0}>{text.slice(0, shown)}</pre>}
      {!type && !pixels && text === undefined && data.length > 0 && <pre tabIndex={0}>{hex(data.subarray(0, shown))}</pre>}
      <figcaption>
        {what}, {bytes(data.length)}
        {cut && `, the first ${bytes(shown)} of it`} {cid && <Id id={cid} />}{" "}
        <button type="button" class="link" onClick={() => save(`${cid ?? "value"}.${type ? type.slice(6) : pixels ? what.toLowerCase() : text !== undefined ? "txt" : "bin"}`, data)}>
          Save
        </button>
      </figcaption>
    </figure>
  )
}

function Picture({ data, type }: { data: Uint8Array; type: string }) {
  const [url, setUrl] = useState("")
  useEffect(() => {
    const u = URL.createObjectURL(new Blob([data as BlobPart], { type }))
    setUrl(u)
    return () => URL.revokeObjectURL(u)
  }, [data, type])
  return url ? <img class="picture" src={url} alt={`A picture of ${bytes(data.length)}`} /> : null
}

function Canvas({ pixels }: { pixels: Pixels }) {
  const ref = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    ref.current!.getContext("2d")!.putImageData(new ImageData(pixels.rgba as Uint8ClampedArray<ArrayBuffer>, pixels.width, pixels.height), 0, 0)
  }, [pixels])
  return <canvas ref={ref} class="picture" width={pixels.width} height={pixels.height} role="img" aria-label={`A picture of ${pixels.width} by ${pixels.height} pixels`} />
}
