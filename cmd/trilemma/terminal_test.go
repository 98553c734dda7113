//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"golang.org/x/sys/unix"
)

// onTerminal runs the program with its stdout and stderr on a terminal, and returns what came there.
func onTerminal(t *testing.T, dir string, env []string, args ...string) (out string, status int) {
	t.Helper()
	host, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close() // nothing was written to it
	fd := int(host.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	guest, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("trilemma", args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, guest, guest
	cmd.Env = append(append(os.Environ(), "TRILEMMA_HOME="+filepath.Join(dir, "home"), "TERM=xterm", "NO_COLOR="), env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := guest.Close(); err != nil {
		t.Fatal(err)
	}
	var seen bytes.Buffer
	_, _ = seen.ReadFrom(host) // ends with an error when the last process has closed the terminal
	if err := cmd.Wait(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return seen.String(), cmd.ProcessState.ExitCode()
}

// TestTerminal looks at what only a terminal gets: colours, a bar, and nothing that would play with it.
func TestTerminal(t *testing.T) {
	dir := t.TempDir()
	module(t, dir, filepath.Join("..", "..", "docs", "examples", "text.wasm"))
	module(t, dir, filepath.Join("testdata", "values.wasm"))
	module(t, dir, filepath.Join("testdata", "echo.wasm"))
	put(t, filepath.Join(dir, "w.json"), []byte(`{"trilemma": "workflow/1", "tasks": {"a": {"run": {"mod": "text.wasm", "fun": "fib", "params": [30]}}}}`))
	put(t, filepath.Join(dir, "escape"), []byte("\x1b]0;title\x07\u009b31m"))
	const escape = `\x1b|\x{9b}|\x07`
	tests := []struct {
		name   string
		env    []string
		args   []string
		status int
		want   string
		not    string
	}{
		{"bar", nil, []string{"run", "w.json", "-o", "run.car"}, exitOK, `tasks.*0/1`, ``},
		{"bar of verify", nil, []string{"verify", "run.car"}, exitOK, `tasks.*0/1`, ``},
		{"colour", nil, []string{"verify", "run.car"}, exitOK, `\x1b\[32mvalid\x1b\[0m`, ``},
		{"no colour", []string{"NO_COLOR=1"}, []string{"verify", "run.car"}, exitOK, `valid`, escape},
		{"dumb", []string{"TERM=dumb"}, []string{"verify", "run.car"}, exitOK, `valid`, escape},
		{"bundle", nil, []string{"run", "w.json", "-o", "-"}, exitUsage, `the bundle is binary, and stdout is a terminal`, ``},
		{"module", nil, []string{"exec", "values.wasm", "--invoke", "escape", "--result", "string"}, exitOK, `red`, escape},
		{"command", nil, []string{"exec", "echo.wasm", "--stdin", "escape"}, exitOK, `title`, escape},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, status := onTerminal(t, dir, tt.env, tt.args...)
			if status != tt.status || !regexp.MustCompile(tt.want).MatchString(out) {
				t.Errorf("status %d, %q", status, out)
			}
			if tt.not != "" && regexp.MustCompile(tt.not).MatchString(out) {
				t.Errorf("it holds %s: %q", tt.not, out)
			}
		})
	}
}
