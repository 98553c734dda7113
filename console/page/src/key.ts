// The browser's own key, and what was delegated to it. The private key is made here and cannot be read, by scripts of this page neither: they can have it sign as long as the page is open.

import { type Asked, type Delegation, chainOf, commandOf, didOf, readDelegations, tokenFor } from "./token"

export interface Held {
  did: string
  delegations: Delegation[]
}

interface Kept extends Held {
  key: CryptoKey
}

const place = "key"

function database(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const r = indexedDB.open("trilemma", 1)
    r.onupgradeneeded = () => r.result.createObjectStore("access")
    r.onsuccess = () => resolve(r.result)
    r.onerror = () => reject(r.error)
  })
}

async function inStore<T>(mode: IDBTransactionMode, ask: (s: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const db = await database()
  try {
    return await new Promise<T>((resolve, reject) => {
      const t = db.transaction("access", mode)
      const r = ask(t.objectStore("access"))
      t.oncomplete = () => resolve(r.result)
      t.onabort = () => reject(t.error ?? r.error)
    })
  } finally {
    db.close()
  }
}

// read asks the storage each time: other pages of this browser change what lies there.
const read = () => inStore<Kept | undefined>("readonly", (s) => s.get(place))

async function write(k: Kept): Promise<Held> {
  await inStore("readwrite", (s) => s.put(k, place))
  return k
}

export const held = (): Promise<Held | undefined> => read().catch(() => undefined) // a browser that keeps nothing has no key

// make makes a key, unless there is one. It throws an Error where the browser has none to offer.
export async function make(): Promise<Held> {
  const there = await read()
  if (there) return there
  if (!crypto.subtle) throw new Error("browsers make keys only for pages that came over HTTPS, or from this machine")
  const pair = (await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"])) as CryptoKeyPair
  const did = didOf(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)))
  return write({ did, key: pair.privateKey, delegations: [] })
}

// take adds delegations. It throws an Error if none of them is for the browser's key.
export async function take(data: Uint8Array): Promise<Held> {
  const k = await read()
  if (!k) throw new Error("there is no key yet")
  const found = await readDelegations(data)
  if (!found.some((d) => d.audience === k.did)) throw new Error(`these delegations are for ${found.at(-1)!.audience}, not for this browser's key`)
  const known = new Map([...k.delegations, ...found].map((d) => [d.cid, d]))
  return write({ ...k, delegations: [...known.values()] })
}

// drop removes a delegation: one that was revoked would else be used in place of one that holds.
export async function drop(cid: string): Promise<Held | undefined> {
  const k = await read()
  return k && write({ ...k, delegations: k.delegations.filter((d) => d.cid !== cid) })
}

// forget removes the key, and what was delegated to it.
export const forget = (): Promise<undefined> => inStore("readwrite", (s) => s.delete(place))

// authorization is the header field of a request; undefined if it needs none, or if nothing allows the browser's key to ask: then the service says what it thinks of that.
export async function authorization(asked: Asked, subject: () => Promise<string>): Promise<string | undefined> {
  const command = commandOf(asked.method, asked.path)
  const k = command === "" ? undefined : await read().catch(() => undefined)
  if (!k || k.delegations.length === 0) return
  const now = Math.floor(Date.now() / 1000)
  const to = await subject()
  const chain = chainOf(k.delegations, k.did, to, command, now)
  if (!chain) return
  const sign = async (data: Uint8Array) => new Uint8Array(await crypto.subtle.sign("Ed25519", k.key, data as BufferSource))
  return "Bearer " + (await tokenFor({ did: k.did, sign }, to, chain, command, asked, now))
}
