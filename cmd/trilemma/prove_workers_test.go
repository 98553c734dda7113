//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/trilemma-dev/trilemma/client"
	"github.com/trilemma-dev/trilemma/cluster"
	"github.com/trilemma-dev/trilemma/internal/wire"
)

// proofFault is a place where proofs are made that something is about to happen to.
type proofFault struct {
	dir, data string // directory of all processes, with their home below it, and of the service's data
	url       string // of the NATS servers; empty: the service has an engine of its own
	listen    string
	service   *served
	client    *client.Client
}

// newProofFault starts a service in a directory whose home has keys.
func newProofFault(t *testing.T, dir string, nats bool) *proofFault {
	t.Helper()
	f := &proofFault{dir: dir, data: t.TempDir()}
	if nats {
		f.url = natsServer(t)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.listen = l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	f.serve(t)
	if f.client, err = client.New(client.Config{URL: "http://" + f.listen}); err != nil {
		t.Fatal(err)
	}
	return f
}

// serve starts the service, again on the same port.
func (f *proofFault) serve(t *testing.T) {
	t.Helper()
	args := []string{"--listen", f.listen, "--data", f.data, "--scheme", "tiny", "--parts", "1"}
	if f.url != "" {
		args = append(args, "--nats", f.url, "--parts", "-1")
	}
	var err error
	if f.service, err = startService([]string{"TRILEMMA_HOME=" + filepath.Join(f.dir, "home")}, args...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.service.stop() })
}

func (f *proofFault) worker(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd, _ := startSaying(t, f.dir, "working on ", "worker", "--nats", f.url, "--classes", "prove", "--scheme", "tiny", "--parts", "1")
	return cmd
}

// prove asks for a proof of fib(8), of some dozens of parts, and returns the job.
func (f *proofFault) prove(t *testing.T) *client.Job {
	t.Helper()
	module(t, f.dir, filepath.Join(modules[3], "text.wasm"))
	put(t, filepath.Join(f.dir, "w.json"), []byte(`{"trilemma": "workflow/1", "tasks": {"fib": {"run": {"mod": "text.wasm", "fun": "fib", "params": [8]}}}}`))
	code, out, errs := trilemma(t, f.dir, "run", "w.json", "--remote", "http://"+f.listen, "--json")
	var run wire.Run
	if err := json.Unmarshal([]byte(out), &run); err != nil || code != exitOK {
		t.Fatalf("%d, %v, %s", code, err, errs)
	}
	j, err := f.client.Prove(t.Context(), client.ProveRequest{Run: run.Run, Fresh: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// until waits until so many parts of a job are proved.
func (f *proofFault) until(t *testing.T, j *client.Job, parts int64) {
	t.Helper()
	waitFor(t, fmt.Sprintf("%d parts that are proved", parts), func() bool {
		got, err := f.client.Job(t.Context(), j.ID)
		if err == nil && got.Final() {
			t.Fatalf("it ended too soon: %s %s", got.State, got.Error)
		}
		return err == nil && got.Stage == "prove fib" && got.Done >= parts
	})
}

// proved waits for the proof, and checks it.
func (f *proofFault) proved(t *testing.T, j *client.Job) *wire.Proved {
	t.Helper()
	j, err := f.client.Wait(t.Context(), j, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.client.Bundle(t.Context(), j.Proofs.Run)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(f.dir, "proved.car"))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Write(file); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := trilemma(t, f.dir, "verify", "proved.car", "--mode", "zk", "--allow-dev-setup"); code != exitOK {
		t.Errorf("verify: %d, %s%s", code, out, errs)
	}
	if left, err := filepath.Glob(filepath.Join(f.data, "proving", "*")); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
	one := j.Proofs.Tasks["fib"]
	return &one
}

// kill kills the service and starts it again.
func (f *proofFault) kill(t *testing.T) {
	t.Helper()
	if err := f.service.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = f.service.Wait() // killed
	f.serve(t)
}

// engine joins the NATS servers.
func (f *proofFault) engine(t *testing.T) *cluster.Engine {
	t.Helper()
	e, err := cluster.Open(t.Context(), cluster.Config{URL: f.url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// partJobs counts the jobs of parts that have ended, and those that ended otherwise than done or had more than one attempt.
func (f *proofFault) partJobs(t *testing.T) (ended, odd int) {
	t.Helper()
	e := f.engine(t)
	for cursor := ""; ; {
		page, next, err := e.List(t.Context(), cluster.ListConfig{Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page {
			switch {
			case s.Job.Mode != "part-commit" && s.Job.Mode != "part-prove":
			case s.State == cluster.Done && s.Attempt == 1:
				ended++
			default:
				odd++
			}
		}
		if cursor = next; next == "" {
			return ended, odd
		}
	}
}

// TestProvingFaults does to processes that prove what happens to them, and prints what became of the proofs: go test ./cmd/trilemma -run TestProvingFaults -v.
func TestProvingFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: keys take a while to make")
	}
	dir := t.TempDir()
	if code, _, errs := trilemma(t, dir, "setup", "generate", "--scheme", "tiny"); code != exitOK {
		t.Fatal(errs)
	}
	for _, f := range []struct {
		name string
		do   func(*testing.T, string)
	}{{"worker killed", provingWorkerKilled}, {"service killed", provingServiceKilled}, {"service with workers killed", spreadingServiceKilled}, {"cancelled", proofCancelled}} {
		t.Run(f.name, func(t *testing.T) { f.do(t, dir) })
	}
}

// provingWorkerKilled: the part that a killed worker had on its hands is proved by another one, and no other part is proved again.
func provingWorkerKilled(t *testing.T, dir string) {
	f := newProofFault(t, dir, true)
	victim := f.worker(t)
	j := f.prove(t)
	f.until(t, j, 1)
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // killed
	f.worker(t)
	p := f.proved(t, j)
	if ended, odd := f.partJobs(t); ended != 2*p.Proofs || odd > 0 {
		t.Errorf("%d parts: %d jobs of parts ended, %d oddly", p.Proofs, ended, odd)
	}
	t.Logf("| `kill -9` of the only worker that proves, after the first of %d parts; another one joins | the proof is finished, and holds: %d jobs of parts, each ended once |", p.Proofs, 2*p.Proofs)
}

// provingServiceKilled: a proof is finished after its service was killed and started again, and finished parts are not proved again.
func provingServiceKilled(t *testing.T, dir string) {
	f := newProofFault(t, dir, false)
	j := f.prove(t)
	f.until(t, j, 2)
	f.kill(t)
	p := f.proved(t, j)
	if p.Resumed < 2 {
		t.Errorf("%d of %d parts were there", p.Resumed, p.Proofs)
	}
	t.Logf("| `kill -9` of the service, its engine in it, after 2 of %d parts of a proof | started again, the proof is finished, and holds: %d parts were there |", p.Proofs, p.Resumed)
}

// spreadingServiceKilled is the same where a worker proves: no part of it is proved again at all.
func spreadingServiceKilled(t *testing.T, dir string) {
	f := newProofFault(t, dir, true)
	f.worker(t)
	j := f.prove(t)
	f.until(t, j, 2)
	f.kill(t)
	p := f.proved(t, j)
	if ended, odd := f.partJobs(t); p.Resumed < 2 || ended != 2*p.Proofs || odd > 0 {
		t.Errorf("%d parts, of which %d were there: %d jobs of parts ended, %d oddly", p.Proofs, p.Resumed, ended, odd)
	}
	t.Logf("| `kill -9` of the service after 2 of %d parts of a proof that a worker proves | started again, the proof is finished, and holds: %d parts were there; %d jobs of parts, each ended once |",
		p.Proofs, p.Resumed, 2*p.Proofs)
}

// proofCancelled: a proof that is cancelled stops, its parts too, and leaves no seed.
func proofCancelled(t *testing.T, dir string) {
	f := newProofFault(t, dir, true)
	f.worker(t)
	j := f.prove(t)
	f.until(t, j, 1)
	if _, err := f.client.Cancel(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "no seed", func() bool {
		left, err := filepath.Glob(filepath.Join(f.data, "proving", "*"))
		return err == nil && len(left) == 0
	})
	e := f.engine(t)
	waitFor(t, "no part that is queued or runs", func() bool {
		for _, state := range []cluster.State{cluster.Queued, cluster.Running} {
			if page, _, err := e.List(t.Context(), cluster.ListConfig{State: state}); err != nil || len(page) > 0 {
				return false
			}
		}
		return true
	})
	if got, err := f.client.Job(t.Context(), j.ID); err != nil || got.State != "cancelled" {
		t.Errorf("%+v, %v", got, err)
	}
	t.Log("| a proof is cancelled after its first part | its seed is removed, and no part of it is queued or runs |")
}
