package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/client"
	"github.com/trilemma-dev/trilemma/httpapi"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
)

// unaskedCmd gives an answer that nobody asked for in a hearing at the service URL, which must refuse it: unasked HEARING.
func unaskedCmd(ts *testscript.TestScript, neg bool, args []string) {
	argc(ts, neg, args, 1, "unasked HEARING")
	c, err := client.New(client.Config{URL: ts.Getenv("URL")})
	ts.Check(err)
	_, err = c.Reply(context.Background(), args[0], client.HearingReply{Side: "A", Reply: []byte{0}})
	if p, ok := errors.AsType[*client.Problem](err); !ok || p.Status >= http.StatusInternalServerError {
		ts.Fatalf("an answer that nobody asked for: %v", err)
	}
}

// heardRun is a run with a transcript, in a bundle, and the program in its home.
func heardRun(t *testing.T) (call func(args ...string) (code int, out, said string), bundle string, ran wire.Run) {
	t.Helper()
	dir := t.TempDir()
	getenv := func(name string) string { return map[string]string{"TRILEMMA_HOME": dir}[name] }
	call = func(args ...string) (code int, out, said string) {
		t.Helper()
		var o, e bytes.Buffer
		code = run(t.Context(), args, streams{in: strings.NewReader(""), out: &o, err: &e, getenv: getenv})
		return code, o.String(), e.String()
	}
	module(t, dir, filepath.Join(modules[3], "text.wasm"))
	work, bundle := filepath.Join(dir, "w.json"), filepath.Join(dir, "a.car")
	put(t, work, []byte(`{"trilemma": "workflow/1", "tasks": {"fib": {"run": {"mod": "text.wasm", "fun": "fib", "params": [8]}}}}`))
	code, out, said := call("run", work, "--transcript", "-o", bundle, "--json")
	if err := json.Unmarshal([]byte(out), &ran); code != 0 || err != nil {
		t.Fatal(code, err, said)
	}
	return call, bundle, ran
}

// TestHearingWithoutEnd: a service that asks again and again is left.
func TestHearingWithoutEnd(t *testing.T) {
	call, bundle, ran := heardRun(t)
	ask, err := (&spotcheck.Ask{Trilemma: spotcheck.AskVersion, Dispute: receipts.Link(block.Raw(nil).CID), Round: 1, Roots: []int64{0}}).Block()
	if err != nil {
		t.Fatal(err)
	}
	answers := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer any = wire.Service{DID: ran.Executor, Development: true}
		if r.URL.Path != "/v1/service" {
			if r.Method == http.MethodPost {
				answers++
			}
			h := wire.Hearing{ID: "h", Round: answers, Asks: []wire.Asked{{Side: "A", Ask: ask.Data}}}
			h.Settlement.ExecutorA, h.Settlement.Computation = ran.Executor, ran.Tasks["fib"].Computation
			answer = h
		}
		_ = json.NewEncoder(w).Encode(answer) // whoever asked may have gone
	}))
	defer s.Close()
	code, _, said := call("hearing", "answer", "h", bundle, "--remote", s.URL)
	if code != exitUndecided || answers != mostQuestions || !strings.Contains(said, "the service has not ruled") {
		t.Errorf("status %d after %d answers: %s", code, answers, said)
	}
}

// TestHearingServiceAway: a side that waits for the other one outlives a service that is away for a while, and none that is gone when the time is over.
func TestHearingServiceAway(t *testing.T) {
	call, bundle, ran := heardRun(t)
	for _, c := range []struct {
		left time.Duration // until the deadline
		away int           // times that the service is away
		code int
	}{{time.Minute, 3, 0}, {-time.Second, 3, 1}} {
		asked := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var answer any = wire.Service{DID: ran.Executor, Development: true}
			if r.URL.Path != "/v1/service" {
				asked++
				h := wire.Hearing{ID: "h", Done: asked > 1+c.away, Deadline: time.Now().Add(c.left).Format(time.RFC3339Nano)}
				h.Settlement.ExecutorA, h.Settlement.Outcome = ran.Executor, "settled"
				answer = h
			}
			switch {
			case asked < 2 || asked > 1+c.away:
				_ = json.NewEncoder(w).Encode(answer) // whoever asked may have gone
			case asked == 2:
				w.WriteHeader(http.StatusBadGateway)
			case asked == 3:
				w.WriteHeader(http.StatusUnauthorized)
				_ = json.NewEncoder(w).Encode(client.Problem{Code: string(httpapi.CodeReplay)}) // likewise
			default:
				panic(http.ErrAbortHandler)
			}
		}))
		code, _, said := call("hearing", "answer", "h", bundle, "--remote", s.URL)
		s.Close()
		if code != c.code {
			t.Errorf("with %v left: status %d, not %d: %s", c.left, code, c.code, said)
		}
		if waited := strings.Count(said, "the service is waited for"); waited != 1-c.code {
			t.Errorf("with %v left it is said %d times that the service is waited for", c.left, waited)
		}
	}
}
