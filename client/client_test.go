package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace/noop"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/client"
	"github.com/trilemma-dev/trilemma/cluster"
	"github.com/trilemma-dev/trilemma/guests"
	"github.com/trilemma-dev/trilemma/httpapi"
	"github.com/trilemma-dev/trilemma/internal/engine"
	"github.com/trilemma-dev/trilemma/internal/jobs"
	"github.com/trilemma-dev/trilemma/internal/work"
	"github.com/trilemma-dev/trilemma/store"
)

// service starts a service in this process, with the durable engine in a directory of its own.
func service() (url string, stop func()) {
	url, _, stop = serviceAs(nil)
	return url, stop
}

func serviceAs(change func(*httpapi.Config)) (url string, key *capability.Key, stop func()) {
	fatal := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	dir, err := os.MkdirTemp("", "client")
	fatal(err)
	e, err := cluster.Open(context.Background(), cluster.Config{Dir: filepath.Join(dir, "engine")})
	fatal(err)
	key, err = capability.GenerateKey("ed25519")
	fatal(err)
	runner := &engine.Machine{}
	h := &jobs.Handler{Engine: e, Tracer: noop.NewTracerProvider().Tracer(""),
		Worker: &work.Worker{Signer: key, Native: runner, Machine: runner, Blocks: e, Records: e, Memo: &store.Memory{}, Now: time.Now}}
	cfg := httpapi.Config{Signer: key, Engine: jobs.Engine{Engine: e}, News: jobs.Engine{Engine: e}, Blocks: e, Records: e, Open: true}
	if change != nil {
		change(&cfg)
	}
	api, err := httpapi.New(cfg)
	fatal(err)
	ctx, cancel := context.WithCancel(context.Background())
	var working sync.WaitGroup
	working.Go(func() { fatal(e.Work(ctx, cluster.WorkerConfig{Handlers: h.Handlers()})) })
	srv := httptest.NewServer(api)
	return srv.URL, key, func() {
		api.Drain()
		srv.Close()
		cancel()
		working.Wait()
		fatal(errors.Join(e.Close(), os.RemoveAll(dir)))
	}
}

// TestProblems checks that what a service says comes through.
func TestProblems(t *testing.T) {
	url, stop := service()
	defer stop()
	c, err := client.New(client.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Job(t.Context(), "none")
	if p, ok := errors.AsType[*client.Problem](err); !ok || p.Code != "job/missing" || p.Status != http.StatusNotFound || p.Request == "" {
		t.Errorf("%v", err)
	}
	if _, err := c.Get(t.Context(), block.Raw([]byte("absent")).CID); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("%v", err)
	}
	for _, bad := range []string{"", "nonsense", "ftp://x", "http://u:p@x", "http://"} {
		if _, err := client.New(client.Config{URL: bad}); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// TestLies serves another block or hearing than the one that is asked for, and no JSON.
func TestLies(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/service" {
			_, _ = w.Write([]byte("<html>")) // the client's reading is what is tested
			return
		}
		if strings.HasPrefix(r.URL.Path, "/v1/hearings/") {
			_, _ = w.Write([]byte(`{"id": "../jobs/another"}`)) // likewise
			return
		}
		_, _ = w.Write([]byte("another"))
	}))
	defer srv.Close()
	c, err := client.New(client.Config{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(t.Context(), block.Raw([]byte("one")).CID); !errors.Is(err, block.ErrMismatch) {
		t.Errorf("another block: %v", err)
	}
	if _, err := c.Service(t.Context()); !errors.Is(err, client.ErrAnswer) {
		t.Errorf("no JSON: %v", err)
	}
	if _, err := c.Bundle(t.Context(), block.Raw([]byte("run")).CID.String()); !errors.Is(err, block.ErrNotCAR) {
		t.Errorf("no bundle: %v", err)
	}
	if _, err := c.Hearing(t.Context(), "one"); !errors.Is(err, client.ErrAnswer) {
		t.Errorf("another hearing: %v", err)
	}
	if _, err := c.Reply(t.Context(), "one", client.HearingReply{}); !errors.Is(err, client.ErrAnswer) {
		t.Errorf("another hearing's answer: %v", err)
	}
}

// TestEvents has a service that tells of another job, and one that never ends an event.
func TestEvents(t *testing.T) {
	line := "data: " + strings.Repeat("x", 1<<20) + "\n"
	for name, send := range map[string]func(io.Writer){
		"another job": func(w io.Writer) { _, _ = io.WriteString(w, "id: 1\ndata: {\"state\": \"done\"}\n\n") },
		"no end": func(w io.Writer) {
			for range 100 {
				if _, err := io.WriteString(w, line); err != nil {
					return // the client has had enough
				}
			}
		},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			send(w)
		}))
		c, err := client.New(client.Config{URL: srv.URL})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Wait(t.Context(), &client.Job{ID: "execute-1", State: "queued"}, nil); !errors.Is(err, client.ErrAnswer) {
			t.Errorf("%s: %v", name, err)
		}
		srv.Close()
	}
}

// TestTokens runs by a delegation that caps the fuel, over a service that wants tokens and has just begun: it takes none of its first second.
func TestTokens(t *testing.T) {
	url, root, stop := serviceAs(func(c *httpapi.Config) { c.Open = false })
	defer stop()
	key, err := capability.GenerateKey("p256")
	if err != nil {
		t.Fatal(err)
	}
	proofs := &capability.Container{}
	for i, grant := range []struct{ command, policy string }{{capability.CommandPut, `[]`}, {capability.CommandGet, `[]`}, {"/job", `[]`}, {capability.CommandRun, `[["<=", ".fuel", 1000000]]`}} {
		n, err := block.DecodeJSON([]byte(grant.policy))
		if err != nil {
			t.Fatal(err)
		}
		policy, err := capability.ParsePolicy(n)
		if err != nil {
			t.Fatal(err)
		}
		token, err := (&capability.Delegation{Issuer: root.DID(), Audience: key.DID(), Subject: root.DID(), Command: grant.command, Policy: policy, Nonce: []byte{byte(i)}}).Seal(root)
		if err == nil {
			_, err = proofs.Add(token)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	c, err := client.New(client.Config{URL: url, Key: key, Proofs: proofs})
	if err != nil {
		t.Fatal(err)
	}
	module, err := guests.Module("fib")
	if err != nil {
		t.Fatal(err)
	}
	b := block.Raw(module)
	if err := c.Put(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	run := func(fuel int) error {
		w, err := c.Compile(t.Context(), "application/json", fmt.Appendf(nil,
			`{"trilemma": "workflow/1", "tasks": {"f": {"fuel": %d, "run": {"mod": %q, "fun": "fib", "params": [8]}}}}`, fuel, b.CID))
		if err != nil {
			return err
		}
		j, err := c.Run(t.Context(), client.RunRequest{Workflow: w.Workflow})
		if err == nil {
			_, err = c.Wait(t.Context(), j, nil)
		}
		return err
	}
	if err := run(500_000); err != nil {
		t.Errorf("within the policy: %v", err)
	}
	if p, ok := errors.AsType[*client.Problem](run(2_000_000)); !ok || p.Code != "capability/policy" {
		t.Errorf("beyond the policy: %v", p)
	}
	if _, err := c.Verify(t.Context(), client.VerifyRequest{Run: b.CID.String(), Mode: "attest"}); !errors.Is(err, capability.ErrCommand) {
		t.Errorf("what nobody gave: %v", err)
	}
}
