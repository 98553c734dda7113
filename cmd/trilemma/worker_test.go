//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/cluster"
)

// natsServer is a NATS server on a port of the loopback interface.
func natsServer(t *testing.T) (url string) {
	t.Helper()
	ns, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, SyncAlways: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	t.Cleanup(func() {
		ns.Shutdown()
		ns.WaitForShutdown()
	})
	if !ns.ReadyForConnections(30 * time.Second) {
		t.Fatal("NATS is not ready")
	}
	return ns.ClientURL()
}

// trilemma runs the program to its end.
func trilemma(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command("trilemma", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TRILEMMA_HOME="+filepath.Join(dir, "home"))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// TestWorkers has a service without hands, and workers that join, are killed and drain.
func TestWorkers(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: a worker that was killed is missed after 15 seconds")
	}
	dir, url := t.TempDir(), natsServer(t)
	s, err := startService([]string{"TRILEMMA_HOME=" + filepath.Join(dir, "home")}, "--nats", url, "--jobs", "-1", "--checks", "-1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.stop() })
	module(t, dir, filepath.Join("..", "..", "runtime", "testdata", "hostile.wasm"))
	put(t, filepath.Join(dir, "w.json"), []byte(`{"trilemma": "workflow/1", "tasks": {"a": {"run": {"mod": "hostile.wasm", "fun": "twice", "params": [28]}}}}`))
	victim, did := startSaying(t, dir, "working on check, execute as ", "worker", "--nats", url)
	type ran struct {
		code           int
		stdout, stderr string
	}
	done := make(chan ran, 1)
	go func() {
		var r ran
		r.code, r.stdout, r.stderr = trilemma(t, dir, "run", "w.json", "-o", "run.car", "--remote", s.url)
		done <- r
	}()
	e, err := cluster.Open(t.Context(), cluster.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	waitFor(t, "a job that runs", func() bool {
		page, _, err := e.List(t.Context(), cluster.ListConfig{State: cluster.Running})
		return err == nil && len(page) == 1
	})
	for _, from := range [][]string{{"--nats", url}, {"--remote", s.url}} {
		code, stdout, stderr := trilemma(t, dir, append([]string{"worker", "list"}, from...)...)
		if code != 0 || !strings.Contains(stdout, fmt.Sprintf("/%d ", victim.Process.Pid)) || !strings.Contains(stdout, "execute 1 of ") {
			t.Errorf("the workers, from %v: %d\n%s%s", from, code, stdout, stderr)
		}
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // killed
	heir, _ := startSaying(t, dir, "working on ", "worker", "--nats", url)
	if r := <-done; r.code != exitOK {
		t.Fatalf("the run that a killed worker had: %d, %s%s", r.code, r.stdout, r.stderr)
	}
	if code, out, errs := trilemma(t, dir, "verify", "run.car", "--mode", "rerun", "--executor", strings.TrimSpace(did)); code != exitOK {
		t.Errorf("verify: %d, %s%s", code, out, errs)
	}
	// A job that no worker understands is given up, read and submitted again.
	st, err := e.Submit(t.Context(), cluster.Job{Class: cluster.ClassExecute, Mode: "nonsense", Subject: block.Raw(nil).CID, Params: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, "a dead letter", func() bool {
		got, err := e.Job(t.Context(), st.ID)
		return err == nil && got.State == cluster.Failed
	})
	code, out, errs := trilemma(t, dir, "worker", "letters", "--nats", url, "--json", "--requeue-all")
	var got lettersJSON
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitOK || len(got.Letters) != 1 || len(got.Requeued) != 1 || got.Letters[0].Kind != "nonsense" {
		t.Errorf("letters: %d, %s%s, %v", code, out, errs, err)
	}
	waitFor(t, "the second attempt", func() bool {
		again, err := e.Job(t.Context(), st.ID)
		return err == nil && again.State == cluster.Failed && again.Attempt == 2
	})
	if code, out, _ := trilemma(t, dir, "worker", "letters", "--nats", url); code != exitOK || !strings.Contains(out, string(st.ID)) {
		t.Errorf("letters: %d, %s", code, out)
	}
	if err := heir.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := heir.Wait(); err != nil {
		t.Errorf("a worker that was told to stop: %v", err)
	}
	for _, bad := range []struct {
		name, dir, want string
		args            []string
	}{
		{"another key", t.TempDir(), "addressed to another executor", []string{"--nats", url}},
		{"no engine", dir, "--nats is required", nil},
		{"a class that is not there", dir, "none of check, execute, prove", []string{"--nats", url, "--classes", "check,proof"}},
		{"nobody there", dir, "no servers available", []string{"--nats", "nats://127.0.0.1:1"}},
	} {
		if code, _, errs := trilemma(t, bad.dir, append([]string{"worker"}, bad.args...)...); code != exitUsage || !strings.Contains(errs, bad.want) {
			t.Errorf("%s: %d, %s", bad.name, code, errs)
		}
	}
}

func waitFor(t *testing.T, what string, seen func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !seen(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s was never seen", what)
		}
	}
}
