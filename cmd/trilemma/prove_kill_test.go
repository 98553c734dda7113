//go:build unix

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/trilemma-dev/trilemma/internal/wire"
)

// TestProveKilled: a prover that is stopped ends at once and says so; one that is killed leaves its seed where nobody else can read it; the next one goes on where
// they were, and leaves nothing.
func TestProveKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("keys take a while to make")
	}
	dir := t.TempDir()
	module, err := os.ReadFile(filepath.Join(modules[3], "text.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"text.wasm": module,
		"w.json": []byte(`{"trilemma": "workflow/1", "tasks": {"fib": {"run": {"mod": "text.wasm", "fun": "fib", "params": [6]}}}}`)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	trilemma := func(args ...string) []byte {
		t.Helper()
		c := exec.Command("trilemma", args...)
		c.Dir, c.Env, c.Stderr = dir, append(os.Environ(), "TRILEMMA_HOME="+filepath.Join(dir, "home")), os.Stderr
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return out
	}
	trilemma("run", "w.json", "-o", "in.car")
	trilemma("setup", "generate", "--scheme", "small")
	session := filepath.Join(dir, "home", "proving", "*")
	kept := func() (n int64) { // bytes of finished parts
		files, _ := filepath.Glob(filepath.Join(session, "parts"))
		for _, f := range files {
			if info, err := os.Stat(f); err == nil {
				n += info.Size()
			}
		}
		return n
	}
	before := int64(0)
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		p := start(t, dir, "prove", "in.car", "--scheme", "small", "--parts", "1", "-o", "run.car")
		p.until(t, "a finished part", func() bool { return kept() > before })
		before = kept()
		p.check(t, s)
	}
	seeds, err := filepath.Glob(filepath.Join(session, "seed"))
	if err != nil || len(seeds) != 1 {
		t.Fatalf("seeds %v: %v", seeds, err)
	}
	if info, err := os.Stat(seeds[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the seed: %v, %v", info.Mode(), err)
	}
	var made wire.Proofs
	if err := json.Unmarshal(trilemma("prove", "in.car", "--scheme", "small", "-o", "run.car", "--json"), &made); err != nil {
		t.Fatal(err)
	}
	if p := made.Tasks["fib"]; p.Resumed < 2 || p.Proofs <= p.Resumed {
		t.Errorf("%d of %d parts were there", p.Resumed, p.Proofs)
	}
	trilemma("verify", "run.car", "--mode", "zk", "--allow-dev-setup")
	if left, err := filepath.Glob(session); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}
