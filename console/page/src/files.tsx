import type { ComponentChildren } from "preact"
import { useEffect, useState } from "preact/hooks"

// Files lets files be dropped anywhere on the page.
export function Files({ take, children }: { take: (files: File[]) => void; children: ComponentChildren }) {
  const [over, setOver] = useState(false)
  useEffect(() => {
    const drag = (e: DragEvent) => {
      if (!e.dataTransfer?.types.includes("Files")) return
      e.preventDefault()
      setOver(true)
    }
    const leave = (e: DragEvent) => e.relatedTarget === null && setOver(false)
    const drop = (e: DragEvent) => {
      if (!e.dataTransfer?.types.includes("Files")) return
      e.preventDefault()
      setOver(false)
      take([...e.dataTransfer.files])
    }
    addEventListener("dragover", drag)
    addEventListener("dragleave", leave)
    addEventListener("drop", drop)
    return () => {
      removeEventListener("dragover", drag)
      removeEventListener("dragleave", leave)
      removeEventListener("drop", drop)
    }
  }, [])
  return (
    <>
      {children}
      {over && (
        <div class="drop" aria-hidden="true">
          <p>A workflow and its files to submit them, a .car file to verify it here</p>
        </div>
      )}
    </>
  )
}

// Choose is a button that opens the file dialog.
export function Choose({ take, accept, many, children }: { take: (files: File[]) => void; accept?: string; many?: boolean; children: ComponentChildren }) {
  return (
    <label class="button">
      {children}
      <input
        type="file"
        class="hidden"
        accept={accept}
        multiple={many}
        onChange={(e) => {
          take([...(e.currentTarget.files ?? [])])
          e.currentTarget.value = ""
        }}
      />
    </label>
  )
}

// bytesOf reads a file.
export const bytesOf = async (f: File) => new Uint8Array(await f.arrayBuffer())

// save offers bytes as a download.
export function save(name: string, data: Uint8Array | string, type = "application/octet-stream") {
  const url = URL.createObjectURL(new Blob([data as BlobPart], { type }))
  const a = document.createElement("a")
  a.href = url
  a.download = name
  a.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
