import { useEffect, useRef, useState } from "preact/hooks"
import { type Opened, close, open } from "./checker"

interface State {
  opened?: Opened
  error?: unknown
  busy: boolean
}

// useOpened holds the file that was asked for last, whichever comes first, and closes it when another takes its place or nobody shows it any more.
export function useOpened(): State & { from: (data: () => Promise<Uint8Array>) => Promise<void> } {
  const [state, setState] = useState<State>({ busy: false })
  const last = useRef(0)
  const drop = (o?: Opened) => o && void close(o.file).catch(() => undefined) // it may have been stopped
  useEffect(() => () => void last.current++, [])
  useEffect(() => () => drop(state.opened), [state.opened])
  const from = async (data: () => Promise<Uint8Array>) => {
    const mine = ++last.current
    setState({ busy: true })
    try {
      const opened = await open(await data())
      if (last.current === mine) setState({ opened, busy: false })
      else drop(opened)
    } catch (error) {
      if (last.current === mine) setState({ error, busy: false })
    }
  }
  return { ...state, from }
}
