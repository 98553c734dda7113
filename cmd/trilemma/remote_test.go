package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// served is a service in a process of its own.
type served struct {
	*exec.Cmd
	url string
}

// startService starts trilemma serve in dir and waits until it serves.
func startService(t *testing.T, dir string, args ...string) *served {
	t.Helper()
	s := &served{Cmd: exec.Command("trilemma", append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)}
	s.Env = append(os.Environ(), "TRILEMMA_HOME="+filepath.Join(dir, "home"))
	stderr, err := s.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.ProcessState == nil {
			_ = s.Process.Signal(syscall.SIGTERM)
			_ = s.Wait()
		}
	})
	found := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if rest, ok := strings.CutPrefix(lines.Text(), "serving "); ok {
				found <- strings.Fields(rest)[0]
			}
		}
		close(found)
	}()
	select {
	case s.url = <-found:
	case <-time.After(30 * time.Second):
	}
	if s.url == "" {
		t.Fatal("the service does not serve")
	}
	return s
}

// TestRemoteScripts runs the scripts again, with a service that does the work.
func TestRemoteScripts(t *testing.T) {
	s := startService(t, t.TempDir(), "--fuel-limit", "18446744073709551615", "--log-level", "error")
	p := scriptParams(t, s.url)
	testscript.Run(t, p)
}
