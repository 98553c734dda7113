// Package programtest builds programs for tests and runs them as a user would.
package programtest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Build compiles a Go package, for env if it says GOOS and the like.
func Build(t testing.TB, out, pkg string, env ...string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-ldflags=-s", "-o", out, pkg)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
}

// BuildWASI compiles a Go package to a WASI command and returns its file.
func BuildWASI(t testing.TB, pkg string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), filepath.Base(pkg)+".wasm")
	Build(t, file, pkg, "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=")
	return file
}

// Result is what a process left.
type Result struct {
	Stdout, Stderr string
	Status         int
}

// Program is a built trilemma with a home of its own.
type Program struct{ bin, home string }

// New builds trilemma.
func New(t testing.TB) *Program {
	t.Helper()
	p := &Program{bin: filepath.Join(t.TempDir(), "trilemma"), home: t.TempDir()}
	Build(t, p.bin, "github.com/trilemma-dev/trilemma/cmd/trilemma")
	return p
}

// At is the same program with another home.
func (p *Program) At(home string) *Program { return &Program{p.bin, home} }

// File is the program's file.
func (p *Program) File() string { return p.bin }

// Home is the program's TRILEMMA_HOME.
func (p *Program) Home() string { return p.home }

// Command is the program, to be started. It ends with the test.
func (p *Program) Command(t testing.TB, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), p.bin, args...)
	cmd.Env = append(os.Environ(), "TRILEMMA_HOME="+p.home)
	return cmd
}

// Run runs the program to its end, whatever its status.
func (p *Program) Run(t testing.TB, stdin string, args ...string) Result {
	t.Helper()
	cmd := p.Command(t, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	return Result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}
