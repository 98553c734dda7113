// DAG-CBOR (https://ipld.io/specs/codecs/dag-cbor/spec/), read to be shown: the service and the verifier check that it is canonical.

export class Link {
  constructor(readonly cid: string) {}
}

export type Value = null | boolean | number | bigint | string | Uint8Array | Link | Value[] | { [key: string]: Value }

const maxDepth = 64

// decode reads one value. It throws an Error for what is not DAG-CBOR.
export function decode(data: Uint8Array): Value {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  let at = 0
  const take = (n: number) => {
    if (at + n > data.length) throw new Error("the block ends early")
    at += n
    return at - n
  }
  const argument = (info: number): number | bigint => {
    if (info < 24) return info
    if (info === 24) return view.getUint8(take(1))
    if (info === 25) return view.getUint16(take(2))
    if (info === 26) return view.getUint32(take(4))
    if (info !== 27) throw new Error("a length that DAG-CBOR does not have")
    const n = view.getBigUint64(take(8))
    return n <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(n) : n
  }
  const length = (info: number) => {
    const n = Number(argument(info))
    if (n > data.length) throw new Error("the block ends early")
    return n
  }
  const bytes = (n: number) => data.subarray(take(n), at)
  const read = (depth: number): Value => {
    if (depth > maxDepth) throw new Error("the block is nested too deeply")
    const head = view.getUint8(take(1))
    const info = head & 31
    switch (head >> 5) {
      case 0:
        return argument(info)
      case 1: {
        const n = argument(info)
        return typeof n === "number" ? -1 - n : -1n - n
      }
      case 2:
        return bytes(length(info))
      case 3:
        return new TextDecoder("utf-8", { fatal: true }).decode(bytes(length(info)))
      case 4: {
        const out: Value[] = [] // what it says of its length takes no memory yet
        for (let n = length(info); n > 0; n--) out.push(read(depth + 1))
        return out
      }
      case 5: {
        const out: { [key: string]: Value } = Object.create(null)
        for (let n = length(info); n > 0; n--) {
          const key = read(depth + 1)
          if (typeof key !== "string") throw new Error("a key that is no string")
          out[key] = read(depth + 1)
        }
        return out
      }
      case 6: {
        const inner = argument(info) === 42 ? read(depth + 1) : null
        if (!(inner instanceof Uint8Array) || inner[0] !== 0) throw new Error("a tag that is no link")
        return new Link("b" + base32(inner.subarray(1)))
      }
    }
    if (head === 0xf4 || head === 0xf5) return head === 0xf5
    if (head === 0xf6) return null
    if (head === 0xfb) return view.getFloat64(take(8))
    throw new Error("a value that DAG-CBOR does not have")
  }
  const out = read(0)
  if (at !== data.length) throw new Error("something follows the value")
  return out
}

// encode writes one value as DAG-CBOR wants it: integers and lengths as short as they can be, keys by length and then by their bytes. It throws an Error for numbers that are no
// safe integers, which nobody here has to write.
export function encode(value: Value): Uint8Array {
  const out: number[] = []
  const head = (major: number, n: number | bigint) => {
    const big = BigInt(n)
    const size = big < 24n ? 0 : big < 1n << 8n ? 1 : big < 1n << 16n ? 2 : big < 1n << 32n ? 4 : 8
    out.push((major << 5) | (size === 0 ? Number(big) : 24 + Math.log2(size)))
    for (let i = size - 1; i >= 0; i--) out.push(Number((big >> BigInt(8 * i)) & 255n))
  }
  const raw = (major: number, data: Uint8Array) => {
    head(major, data.length)
    for (const b of data) out.push(b)
  }
  const write = (v: Value): void => {
    if (v === null) out.push(0xf6)
    else if (typeof v === "boolean") out.push(v ? 0xf5 : 0xf4)
    else if (typeof v === "number" || typeof v === "bigint") {
      if (typeof v === "number" && !Number.isSafeInteger(v)) throw new Error(`${v} is no integer that can be written`)
      if (v < 0) head(1, -1n - BigInt(v))
      else head(0, v)
    } else if (typeof v === "string") raw(3, utf8(v))
    else if (v instanceof Uint8Array) raw(2, v)
    else if (v instanceof Link) {
      head(6, 42)
      raw(2, Uint8Array.of(0, ...unbase32(v.cid.slice(1))))
    } else if (Array.isArray(v)) {
      head(4, v.length)
      v.forEach(write)
    } else {
      const entries = Object.entries(v).map(([k, x]) => [utf8(k), x] as const)
      entries.sort(([a], [b]) => a.length - b.length || compare(a, b))
      head(5, entries.length)
      for (const [k, x] of entries) {
        raw(3, k)
        write(x)
      }
    }
  }
  write(value)
  return Uint8Array.from(out)
}

const utf8 = (s: string) => new TextEncoder().encode(s)

// compare orders by the first byte that differs, and else by length.
export function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return a[i] - b[i]
  return a.length - b.length
}

const alphabet = "abcdefghijklmnopqrstuvwxyz234567"

// base32 is that of RFC 4648 in lower case, without padding.
export function base32(data: Uint8Array): string {
  let out = ""
  let bits = 0
  let held = 0
  for (const b of data) {
    held = (held << 8) | b
    bits += 8
    while (bits >= 5) {
      bits -= 5
      out += alphabet[(held >> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return bits > 0 ? out + alphabet[(held << (5 - bits)) & 31] : out
}

// unbase32 undoes base32. It throws an Error for other letters.
function unbase32(text: string): Uint8Array {
  const out: number[] = []
  let bits = 0
  let held = 0
  for (const c of text) {
    const digit = alphabet.indexOf(c)
    if (digit < 0) throw new Error("a CID in another base")
    held = (held << 5) | digit
    bits += 5
    if (bits >= 8) {
      bits -= 8
      out.push(held >> bits)
      held &= (1 << bits) - 1
    }
  }
  return Uint8Array.from(out)
}

// What a CID's bytes are.
export const rawCodec = 0x55
export const cborCodec = 0x71

// cidOf is the CID of a block's bytes: CIDv1, SHA2-256.
export async function cidOf(data: Uint8Array, codec = rawCodec): Promise<string> {
  return "b" + base32(Uint8Array.of(1, codec, 0x12, 0x20, ...(await sha256(data))))
}

export const sha256 = async (data: Uint8Array) => new Uint8Array(await crypto.subtle.digest("SHA-256", data as BufferSource))

// isMap tells a map from the other values.
export function isMap(v: Value | undefined): v is { [key: string]: Value } {
  return typeof v === "object" && v !== null && !Array.isArray(v) && !(v instanceof Uint8Array) && !(v instanceof Link)
}

// fromJSON turns DAG-JSON as JSON.parse reads it into the same values.
export function fromJSON(v: unknown): Value {
  if (Array.isArray(v)) return v.map(fromJSON)
  if (typeof v !== "object" || v === null) return v as Value
  const inner = (v as Record<string, unknown>)["/"]
  if (typeof inner === "string") return new Link(inner)
  if (typeof inner === "object" && inner !== null && typeof (inner as { bytes?: unknown }).bytes === "string") {
    return Uint8Array.from(atob((inner as { bytes: string }).bytes), (c) => c.charCodeAt(0))
  }
  return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, fromJSON(x)]))
}
