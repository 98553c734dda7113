import { type JSX, render } from "preact"
import { useEffect, useState } from "preact/hooks"
import "./style.css"
import "./parts.css"
import { Files } from "./files"
import { JobPage, JobsPage } from "./jobs"
import { ReceiptPage, ReceiptsPage } from "./receipts"
import { RunPage } from "./run"
import { ServicePage } from "./service"
import { SubmitPage } from "./submit"
import { VerifyPage } from "./verify"

interface Route {
  page: string
  id: string
  part: string
}

const readRoute = (): Route => {
  const [page = "", id = "", part = ""] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent)
  return { page, id, part }
}

const tabs = [
  ["", "Submit"],
  ["jobs", "Jobs"],
  ["receipts", "Receipts"],
  ["verify", "Verify a file"],
  ["service", "Service"],
]

const near: Record<string, string> = { job: "jobs", run: "jobs", receipt: "receipts" }

function Theme() {
  const [theme, set] = useState(localStorage.getItem("theme") ?? "auto")
  useEffect(() => {
    document.documentElement.dataset.theme = theme
    localStorage.setItem("theme", theme)
  }, [theme])
  const next = { auto: "light", light: "dark", dark: "auto" }[theme] ?? "auto"
  return (
    <button type="button" class="quiet" onClick={() => set(next)} aria-label={`Colours: ${theme}. Change to ${next}`}>
      {{ auto: "◐", light: "☀", dark: "☾" }[theme] ?? "◐"}
    </button>
  )
}

function App() {
  const [route, setRoute] = useState(readRoute)
  const [dropped, setDropped] = useState<File[]>([])
  useEffect(() => {
    const changed = () => {
      setRoute(readRoute())
      document.getElementById("main")?.focus({ preventScroll: true })
      scrollTo(0, 0)
    }
    addEventListener("hashchange", changed)
    return () => removeEventListener("hashchange", changed)
  }, [])
  const take = (files: File[]) => {
    setDropped(files)
    location.hash = files.some((f) => f.name.endsWith(".car")) ? "#/verify" : "#/"
  }
  const { page, id, part } = route
  const pages: Record<string, () => JSX.Element> = {
    "": () => <SubmitPage dropped={dropped} />,
    jobs: () => <JobsPage />,
    job: () => <JobPage key={id} id={id} />,
    run: () => <RunPage key={id} id={id} part={part} />,
    receipts: () => <ReceiptsPage />,
    receipt: () => <ReceiptPage key={id} id={id} />,
    verify: () => <VerifyPage dropped={dropped} />,
    service: () => <ServicePage />,
  }
  return (
    <Files take={take}>
      <a class="skip" href="#main" onClick={(e) => (e.preventDefault(), document.getElementById("main")?.focus())}>
        Skip to the content
      </a>
      <header>
        <a class="brand" href="#/">
          <img src="/console/icon.svg" alt="" width="28" height="28" /> Trilemma
        </a>
        <nav aria-label="Pages">
          {tabs.map(([to, name]) => (
            <a key={to} href={"#/" + to} aria-current={(near[page] ?? page) === to ? "page" : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <Theme />
      </header>
      <main id="main" tabIndex={-1}>
        {Object.hasOwn(pages, page) ? pages[page]() : (
          <p class="empty">
            There is no such page. <a href="#/">Submit a workflow</a>
          </p>
        )}
      </main>
      <footer>
        What this page shows is the service's word, unless it says that it was checked here. <a href="/docs">HTTP interface</a>
      </footer>
    </Files>
  )
}

document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "auto"
document.getElementById("app")!.replaceChildren()
render(<App />, document.getElementById("app")!)
