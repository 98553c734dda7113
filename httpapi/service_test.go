package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/guests"
	"github.com/trilemma-dev/trilemma/httpapi"
	"github.com/trilemma-dev/trilemma/internal/engine"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/internal/work"
)

// service is a service of this process, with an engine that forgets.
type service struct {
	t      testing.TB
	key    *capability.Key
	engine *memory
	api    *httpapi.Server
	url    string
	log    *logs
}

// logs keeps what the service logs.
type logs struct{ bytes.Buffer }

// serve starts a service; change may be nil.
func serve(t testing.TB, change func(*httpapi.Config)) *service {
	t.Helper()
	key, err := capability.GenerateKey("ed25519")
	if err != nil {
		t.Fatal(err)
	}
	m := newMemory()
	runner := &engine.Machine{}
	m.worker = &work.Worker{Signer: key, Native: runner, Machine: runner, Blocks: m, Records: m, Memo: m, Now: time.Now}
	s := &service{t: t, key: key, engine: m, log: &logs{}}
	cfg := httpapi.Config{Signer: key, Engine: m, News: m, Blocks: m, Records: m, Open: true, Version: "test", Log: slog.New(slog.NewTextHandler(s.log, nil))}
	if change != nil {
		change(&cfg)
	}
	if s.api, err = httpapi.New(cfg); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s.api)
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
		m.wg.Wait()
		if t.Failed() {
			t.Log(s.log.String())
		}
	})
	s.url = srv.URL
	return s
}

// request is a request that is about to be sent.
type request struct {
	method, path string
	body         []byte
	header       http.Header
}

func (s *service) send(r request) (*http.Response, []byte) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), r.method, s.url+r.path, bytes.NewReader(r.body))
	if err != nil {
		s.t.Fatal(err)
	}
	for k, v := range r.header {
		req.Header[k] = v
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, data
}

// call sends a request, wants a status, and reads the answer.
func call[A any](s *service, r request, status int) (out A) {
	s.t.Helper()
	resp, data := s.send(r)
	if resp.StatusCode != status {
		s.t.Fatalf("%s %s: %d %s, want %d", r.method, r.path, resp.StatusCode, data, status)
	}
	if err := json.Unmarshal(data, &out); err != nil {
		s.t.Fatalf("%s %s: %v in %s", r.method, r.path, err, data)
	}
	return out
}

// refused sends a request that must end in a problem of a code.
func (s *service) refused(r request, code httpapi.Code) *httpapi.Problem {
	s.t.Helper()
	resp, data := s.send(r)
	var p httpapi.Problem
	if err := json.Unmarshal(data, &p); err != nil || p.Code != code || p.Status != resp.StatusCode || resp.Header.Get("Content-Type") != "application/problem+json" || !strings.HasSuffix(p.Type, "#"+string(code)) {
		s.t.Fatalf("%s %s: %d %s %s, want %s (%v)", r.method, r.path, resp.StatusCode, resp.Header.Get("Content-Type"), data, code, err)
	}
	return &p
}

func post(path, body string) request {
	return request{method: http.MethodPost, path: path, body: []byte(body), header: http.Header{"Content-Type": {"application/json"}}}
}

func get(path string) request { return request{method: http.MethodGet, path: path} }

// module puts a sample guest and returns its CID.
func (s *service) module(name string) string {
	s.t.Helper()
	data, err := guests.Module(name)
	if err != nil {
		s.t.Fatal(err)
	}
	c := block.Raw(data).CID.String()
	call[wire.Module](s, request{method: http.MethodPut, path: "/v1/modules/" + c, body: data}, http.StatusCreated)
	return c
}

// fib compiles a workflow of one task, fib(n).
func (s *service) fib(n int) wire.Workflow {
	s.t.Helper()
	return call[wire.Workflow](s, post("/v1/workflows", fmt.Sprintf(`{"trilemma": "workflow/1", "tasks": {"f": {"fuel": 1000000, "run": {"mod": %q, "fun": "fib", "params": [%d]}}}}`,
		s.module("fib"), n)), http.StatusCreated)
}

// run runs a workflow to its end.
func (s *service) run(w wire.Workflow) *wire.Run {
	s.t.Helper()
	r := post("/v1/runs", fmt.Sprintf(`{"workflow": %q}`, w.Workflow))
	r.header.Set("Prefer", "wait=20")
	j := call[wire.Job](s, r, http.StatusOK)
	if j.Run == nil {
		s.t.Fatalf("no run in %+v", j)
	}
	return j.Run
}

// TestWhole goes the way of a client: put, submit, watch, fetch, verify.
func TestWhole(t *testing.T) {
	s := serve(t, nil)
	w := s.fib(10)
	if len(w.Tasks) != 1 || w.Fuel != 1_000_000 || w.Executor != s.key.DID() {
		t.Errorf("workflow %+v", w)
	}
	r := s.run(w)
	f := r.Tasks["f"]
	if r.Outcome != "ok" || string(f.Out) != "55" || r.Executor != s.key.DID() {
		t.Errorf("run %+v", r)
	}
	if again := call[wire.Run](s, get("/v1/runs/"+r.Run), http.StatusOK); again.Receipt != r.Receipt || string(again.Tasks["f"].Out) != "55" {
		t.Errorf("the run read again is %+v", again)
	}
	if rec := call[wire.Receipt](s, get("/v1/receipts/"+f.Receipt), http.StatusOK); rec.Issuer != s.key.DID() || rec.Task.Task != f.Task {
		t.Errorf("receipt %+v", rec)
	}
	v := post("/v1/verifications", fmt.Sprintf(`{"run": %q, "mode": "rerun"}`, r.Run))
	v.header.Set("Prefer", "wait=20")
	j := call[wire.Job](s, v, http.StatusOK)
	if j.Report == nil || j.Report.Outcome != "valid" || len(j.Report.Verdicts) != 1 || j.Report.Verdicts[0].Mode != "rerun" {
		t.Errorf("verdict %+v", j.Report)
	}
	feed := call[wire.Receipts](s, get("/v1/receipts"), http.StatusOK)
	if len(feed.Entries) != 1 || len(feed.Entries[0].Receipts) != 2 || feed.Entries[0].Receipts[1] != r.Receipt || feed.Next != 1 {
		t.Errorf("feed %+v", feed)
	}
	if list := call[wire.Jobs](s, get("/v1/jobs?limit=1"), http.StatusOK); len(list.Jobs) != 1 || list.Jobs[0].Kind != "verify" || list.Next == "" {
		t.Errorf("jobs %+v", list)
	} else if rest := call[wire.Jobs](s, get("/v1/jobs?cursor="+list.Next), http.StatusOK); len(rest.Jobs) != 1 || rest.Jobs[0].Kind != "run" || rest.Next != "" {
		t.Errorf("the rest of the jobs is %+v", rest)
	}
}

// TestExecution calls a module without a receipt.
func TestExecution(t *testing.T) {
	s := serve(t, nil)
	r := post("/v1/executions", fmt.Sprintf(`{"module": %q, "invoke": "fib", "params": [12], "fuel": 100000}`, s.module("fib")))
	r.header.Set("Prefer", "wait=20")
	j := call[wire.Job](s, r, http.StatusOK)
	if j.Exec == nil || j.Exec.Outcome != "ok" || len(j.Exec.Values) != 1 || j.Exec.Values[0] != "144" || j.Exec.Fuel == 0 {
		t.Errorf("%+v", j.Exec)
	}
}
