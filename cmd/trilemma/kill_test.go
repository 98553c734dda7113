//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a trilemma that runs in a directory of its own, with a home below it.
type process struct {
	*exec.Cmd
	dir    string
	stderr bytes.Buffer
}

func start(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command("trilemma", args...), dir: dir}
	p.Dir, p.Stderr = dir, &p.stderr
	p.Env = append(os.Environ(), "TRILEMMA_HOME="+filepath.Join(dir, "home"))
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill() }) // it has ended by now if all is well
	return p
}

// until waits for something that the process does.
func (p *process) until(t *testing.T, what string, seen func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !seen(); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(end) {
			t.Fatalf("%s was never seen: %s", what, &p.stderr)
		}
	}
}

// check sends a signal and looks at what the process leaves: no bundle, and unless it was killed nothing else either.
func (p *process) check(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	err := p.Wait()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		t.Fatalf("after %v: %v, %s", s, err, &p.stderr)
	}
	if _, err := os.Stat(filepath.Join(p.dir, "run.car")); err == nil {
		t.Error("there is a bundle")
	}
	if s == syscall.SIGKILL {
		return
	}
	if exit.ExitCode() != exitFailed || !strings.Contains(p.stderr.String(), "trilemma: interrupted") {
		t.Errorf("status %d, %s", exit.ExitCode(), &p.stderr)
	}
	if left := p.parts(t); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func (p *process) parts(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(p.dir, ".*.part"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var signals = []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL}

func put(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func module(t *testing.T, dir, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, filepath.Base(path)), data)
}

// TestKilledWhileRunning ends a run whose task never does.
func TestKilledWhileRunning(t *testing.T) {
	for _, s := range signals {
		t.Run(s.String(), func(t *testing.T) {
			dir := t.TempDir()
			module(t, dir, filepath.Join("..", "..", "runtime", "testdata", "hostile.wasm"))
			put(t, filepath.Join(dir, "w.json"), []byte(`{"trilemma": "workflow/1", "tasks": {"a": {"fuel": 9000000000000000000, "run": {"mod": "hostile.wasm", "fun": "spin"}}}}`))
			p := start(t, dir, "run", "w.json", "-o", "run.car")
			p.until(t, "the compiled module", func() bool {
				files, err := filepath.Glob(filepath.Join(dir, "home", "compiled", "*", "*"))
				return err == nil && len(files) > 0
			})
			p.check(t, s)
		})
	}
}

// TestKilledWhileWriting ends a run that has begun to write a bundle of 120 MB.
func TestKilledWhileWriting(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: writes 120 MB several times")
	}
	var tasks []string
	inputs := make([][]byte, 3)
	for i := range inputs {
		r := rand.NewChaCha8([32]byte{byte(i)})
		inputs[i] = make([]byte, 40<<20)
		if _, err := io.ReadFull(r, inputs[i]); err != nil {
			t.Fatal(err)
		}
		tasks = append(tasks, fmt.Sprintf(`"t%d": {"run": {"mod": "values.wasm", "fun": "length", "params": [{"file": "%d"}]}}`, i, i))
	}
	for _, s := range signals {
		t.Run(s.String(), func(t *testing.T) {
			dir := t.TempDir()
			module(t, dir, filepath.Join("testdata", "values.wasm"))
			for i, data := range inputs {
				put(t, filepath.Join(dir, fmt.Sprint(i)), data)
			}
			put(t, filepath.Join(dir, "w.json"), []byte(`{"trilemma": "workflow/1", "tasks": {`+strings.Join(tasks, ",")+`}}`))
			p := start(t, dir, "run", "w.json", "-o", "run.car")
			p.until(t, "a part of the bundle", func() bool {
				for _, f := range p.parts(t) {
					if info, err := os.Stat(f); err == nil && info.Size() > 0 {
						return true
					}
				}
				return false
			})
			p.check(t, s)
		})
	}
}

// TestWriteInterrupted ends the context in the middle of a write: the old file stays.
func TestWriteInterrupted(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "out")
	put(t, name, []byte("old"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	a := &app{}
	err := a.write(ctx, output{name: name}, func(w io.Writer) error {
		if _, err := w.Write(make([]byte, 4<<20)); err != nil {
			return err
		}
		cancel()
		_, err := w.Write(make([]byte, 4<<20))
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("write = %v", err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("files: %v, %v", files, err)
	}
	if data, err := os.ReadFile(name); err != nil || string(data) != "old" {
		t.Errorf("the file holds %.20q, %v", data, err)
	}
}

// TestInterruptible reads from something that never answers.
func TestInterruptible(t *testing.T) {
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	in := &interruptible{ctx: ctx, r: r}
	go func() { _, _ = w.Write([]byte("hello")) }() // the reader below sees what came
	p := make([]byte, 3)
	var got []byte
	for {
		n, err := in.Read(p)
		if got = append(got, p[:n]...); len(got) == 5 {
			cancel()
		}
		if errors.Is(err, context.Canceled) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if string(got) != "hello" {
		t.Errorf("read %q", got)
	}
	_ = w.Close()
	whole, err := io.ReadAll(&interruptible{ctx: t.Context(), r: strings.NewReader(strings.Repeat("x", 10_000))})
	if err != nil || len(whole) != 10_000 {
		t.Errorf("%d bytes, %v", len(whole), err)
	}
}
