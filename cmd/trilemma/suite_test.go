//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/client"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/receipts"
)

// user does what users do, one way or another. Bundles are files.
type user interface {
	run(t *testing.T, tasks string, transcript bool, to string) *wire.Run
	exec(t *testing.T, invoke string, arg int) *wire.Exec
	preflight(t *testing.T, invoke string, arg int) *wire.Preflight
	verify(t *testing.T, bundle string, ask client.VerifyRequest) *wire.Report
	prove(t *testing.T, bundle, to string) *wire.Proofs
	dispute(t *testing.T, a, b string) *wire.Dispute
}

// byCommand uses the command line, with what flags there are beside a command's own.
type byCommand struct {
	dir   string
	flags []string
}

// call runs a command, whose status must be one of those that come with an answer, and decodes that.
func (u *byCommand) call(t *testing.T, v any, args ...string) {
	t.Helper()
	code, out, errs := trilemma(t, u.dir, append(append(args, "--json"), u.flags...)...)
	if code == exitUsage || code == exitDenied {
		t.Fatalf("%v: status %d: %s", args, code, errs)
	}
	if err := json.Unmarshal([]byte(out), v); err != nil {
		t.Fatalf("%v: status %d: %v: %s%s", args, code, err, out, errs)
	}
}

func (u *byCommand) run(t *testing.T, tasks string, transcript bool, to string) (out *wire.Run) {
	put(t, filepath.Join(u.dir, "w.json"), fmt.Appendf(nil, `{"trilemma": "workflow/1", "tasks": {%s}}`, strings.ReplaceAll(tasks, "MODULE", "text.wasm")))
	u.call(t, &out, "run", "w.json", "-o", to, fmt.Sprint("--transcript=", transcript))
	return out
}

func (u *byCommand) exec(t *testing.T, invoke string, arg int) (out *wire.Exec) {
	u.call(t, &out, "exec", "text.wasm", "--invoke", invoke, fmt.Sprint(arg))
	return out
}

func (u *byCommand) preflight(t *testing.T, invoke string, arg int) (out *wire.Preflight) {
	u.call(t, &out, "preflight", "text.wasm", "--invoke", invoke, fmt.Sprint(arg))
	return out
}

func (u *byCommand) verify(t *testing.T, bundle string, ask client.VerifyRequest) (out *wire.Report) {
	args := []string{"verify", bundle, "--mode", ask.Mode, fmt.Sprint("--allow-dev-setup=", ask.AllowDev)}
	if ask.Open {
		args = append(args, "--open", "--samples", fmt.Sprint(ask.Samples))
	}
	u.call(t, &out, args...)
	return out
}

func (u *byCommand) prove(t *testing.T, bundle, to string) (out *wire.Proofs) {
	u.call(t, &out, "prove", bundle, "--scheme", "tiny", "-o", to)
	return out
}

func (u *byCommand) dispute(t *testing.T, a, b string) (out *wire.Dispute) {
	u.call(t, &out, "dispute", a, b)
	return out
}

// byClient uses the Go client.
type byClient struct {
	dir string
	c   *client.Client
}

// done waits for a job.
func (u *byClient) done(t *testing.T, j *client.Job, err error) *client.Job {
	t.Helper()
	if err == nil {
		j, err = u.c.Wait(t.Context(), j, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func (u *byClient) module(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(u.dir, "text.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	b := block.Raw(data)
	if err := u.c.Put(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	return b.CID.String()
}

// load puts the bundle of a file, and returns its run.
func (u *byClient) load(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(filepath.Join(u.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // it is only read
	b, err := receipts.ReadBundle(f, block.CARLimits{})
	if err != nil {
		t.Fatal(err)
	}
	if err := u.c.PutBundle(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	return b.Root.String()
}

// save fetches a run's bundle.
func (u *byClient) save(t *testing.T, run, name string) {
	t.Helper()
	b, err := u.c.Bundle(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(u.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Write(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func (u *byClient) run(t *testing.T, tasks string, transcript bool, to string) *wire.Run {
	doc := fmt.Sprintf(`{"trilemma": "workflow/1", "tasks": {%s}}`, strings.ReplaceAll(tasks, "MODULE", u.module(t)))
	w, err := u.c.Compile(t.Context(), "application/json", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	j, err := u.c.Run(t.Context(), client.RunRequest{Workflow: w.Workflow, Transcript: transcript})
	r := u.done(t, j, err).Run
	u.save(t, r.Run, to)
	return r
}

func (u *byClient) exec(t *testing.T, invoke string, arg int) *wire.Exec {
	j, err := u.c.Exec(t.Context(), client.ExecRequest{Call: u.call(t, invoke, arg)})
	return u.done(t, j, err).Exec
}

func (u *byClient) call(t *testing.T, invoke string, arg int) client.Call {
	return client.Call{Module: u.module(t), Invoke: invoke, Params: fmt.Appendf(nil, "[%d]", arg), Fuel: 1e9}
}

func (u *byClient) preflight(t *testing.T, invoke string, arg int) *wire.Preflight {
	call := u.call(t, invoke, arg)
	j, err := u.c.Preflight(t.Context(), client.PreflightRequest{Call: &call})
	return u.done(t, j, err).Preflight
}

func (u *byClient) verify(t *testing.T, bundle string, ask client.VerifyRequest) *wire.Report {
	ask.Run = u.load(t, bundle)
	j, err := u.c.Verify(t.Context(), ask)
	return u.done(t, j, err).Report
}

func (u *byClient) prove(t *testing.T, bundle, to string) *wire.Proofs {
	j, err := u.c.Prove(t.Context(), client.ProveRequest{Run: u.load(t, bundle), Scheme: "tiny"})
	p := u.done(t, j, err).Proofs
	u.save(t, p.Run, to)
	return p
}

func (u *byClient) dispute(t *testing.T, a, b string) *wire.Dispute {
	j, err := u.c.Dispute(t.Context(), client.DisputeRequest{A: u.load(t, a), B: u.load(t, b)})
	return u.done(t, j, err).Dispute
}

// TestEveryWay does the same by the command line, by the command line with a service, and by the client: what comes out is the same.
func TestEveryWay(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: keys take a while to make")
	}
	dir := t.TempDir()
	module(t, dir, filepath.Join(modules[3], "text.wasm"))
	if code, _, errs := trilemma(t, dir, "setup", "generate", "--scheme", "tiny"); code != exitOK {
		t.Fatal(errs)
	}
	s, err := startService([]string{"TRILEMMA_HOME=" + filepath.Join(dir, "home")}, "--log-level", "error")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.stop() })
	c, err := client.New(client.Config{URL: s.url})
	if err != nil {
		t.Fatal(err)
	}
	said := map[string][]string{}
	for name, u := range map[string]user{"command": &byCommand{dir: dir}, "remote": &byCommand{dir: dir, flags: []string{"--remote", s.url}}, "client": &byClient{dir: dir, c: c}} {
		t.Run(name, func(t *testing.T) { said[name] = suite(t, u) })
	}
	for name, got := range said {
		for i, line := range got {
			if want := said["command"][i]; line != want {
				t.Errorf("by %s: %s\nby command: %s", name, line, want)
			}
		}
	}
}

// suite does everything once, checks it, and says what came out: all but who signed, and when.
func suite(t *testing.T, u user) (said []string) {
	tell := func(what string, v ...any) { said = append(said, what+": "+fmt.Sprint(v...)) }
	runs := func(name string, r *wire.Run) {
		labels := []string{}
		for l := range r.Tasks {
			labels = append(labels, l)
		}
		slices.Sort(labels)
		for _, l := range labels {
			k := r.Tasks[l]
			tell(name+" "+l, k.Computation, " ", k.Outcome, " ", string(k.Out), " ", k.Fuel != nil && *k.Fuel > 0, " ", k.Transcript)
		}
	}
	verdicts := func(name string, r *wire.Report, want string) {
		t.Helper()
		if r.Outcome != want {
			t.Errorf("%s: %s, not %s: %s", name, r.Outcome, want, r.Reason)
		}
		for _, v := range r.Verdicts {
			tell(name+" "+v.Task, v.Mode, " ", v.Outcome, " ", v.Revealed)
		}
	}
	chain := u.run(t, `"a": {"run": {"mod": "MODULE", "fun": "fib", "params": [3]}}, "b": {"run": {"mod": "MODULE", "fun": "fib", "params": [{"await/ok": "a"}]}}`, true, "chain.car")
	if chain.Outcome != "ok" || string(chain.Tasks["b"].Out) != "1" {
		t.Errorf("the chain: %+v", chain)
	}
	runs("chain", chain)
	starved := u.run(t, `"a": {"fuel": 20, "run": {"mod": "MODULE", "fun": "fib", "params": [20]}}, "b": {"run": {"mod": "MODULE", "fun": "fib", "params": [{"await/ok": "a"}]}}`, false, "starved.car")
	if starved.Outcome != "error" || starved.Tasks["a"].Error.Kind != "fuel" || starved.Tasks["b"].Error.Kind != "mismatch" {
		t.Errorf("the starved one: %+v", starved)
	}
	runs("starved", starved)
	verdicts("attest", u.verify(t, "chain.car", client.VerifyRequest{Mode: "attest"}), "valid")
	verdicts("rerun", u.verify(t, "chain.car", client.VerifyRequest{Mode: "rerun"}), "valid")
	verdicts("rerun starved", u.verify(t, "starved.car", client.VerifyRequest{Mode: "rerun"}), "valid")
	verdicts("spot", u.verify(t, "chain.car", client.VerifyRequest{Mode: "spot", Open: true, Samples: 5}), "valid")
	verdicts("not proved", u.verify(t, "chain.car", client.VerifyRequest{Mode: "zk", AllowDev: true}), "undecided")
	e := u.exec(t, "fib", 10)
	tell("exec", e.Outcome, e.Values, e.Fuel)
	p := u.preflight(t, "fib", 3)
	tell("preflight", p.Provable, p.Tasks[0].Steps, p.Tasks[0].Fuel, p.Tasks[0].Proof.Parts)
	proofs := u.prove(t, "chain.car", "proved.car")
	for _, l := range []string{"a", "b"} {
		one := proofs.Tasks[l]
		tell("proof of "+l, one.Steps, one.Fuel, one.Proofs, one.Setup, one.Family)
	}
	verdicts("zk", u.verify(t, "proved.car", client.VerifyRequest{Mode: "zk", AllowDev: true}), "valid")
	verdicts("zk without leave", u.verify(t, "proved.car", client.VerifyRequest{Mode: "zk"}), "undecided")
	d := u.dispute(t, "chain.car", "proved.car")
	if d.Outcome != "agreed" {
		t.Errorf("a run with itself: %+v", d)
	}
	for _, s := range d.Tasks {
		tell("dispute "+s.Task, s.Outcome, s.Computation)
	}
	return said
}
