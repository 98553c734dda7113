package main

import (
	"bufio"
	"errors"
	"fmt"
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

// theService is the key of a script's service.
type theService struct{}

// startService starts trilemma serve with an environment and waits until it serves.
func startService(env []string, args ...string) (*served, error) {
	cmd, rest, err := saying(env, "serving ", append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	if err != nil {
		return nil, err
	}
	return &served{Cmd: cmd, url: strings.Fields(rest)[0]}, nil
}

// saying starts trilemma with an environment and waits until a line on stderr begins with prefix; it returns the rest of that line.
func saying(env []string, prefix string, args ...string) (cmd *exec.Cmd, rest string, err error) {
	cmd = exec.Command("trilemma", args...)
	cmd.Env = append(os.Environ(), env...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	found := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if rest, ok := strings.CutPrefix(lines.Text(), prefix); ok {
				select {
				case found <- rest:
				default: // it says so more often
				}
			}
		}
		close(found)
	}()
	select {
	case rest = <-found:
	case <-time.After(30 * time.Second):
	}
	if rest == "" {
		return nil, "", errors.Join(fmt.Errorf("%v never says %q", args, prefix), (&served{Cmd: cmd}).stop())
	}
	return cmd, rest, nil
}

// startSaying starts trilemma with a home in dir for as long as a test takes: see [saying].
func startSaying(t *testing.T, dir, prefix string, args ...string) (cmd *exec.Cmd, rest string) {
	t.Helper()
	cmd, rest, err := saying([]string{"TRILEMMA_HOME=" + filepath.Join(dir, "home")}, prefix, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = (&served{Cmd: cmd}).stop() })
	return cmd, rest
}

// stop tells the service to end, and waits until it has.
func (s *served) stop() error {
	if s.Cmd == nil || s.ProcessState != nil {
		return nil
	}
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.Wait()
}

// serveCmd starts a service in the script's home and sets URL: serve ARG...
func serveCmd(ts *testscript.TestScript, neg bool, args []string) {
	argc(ts, neg, args, 0, "serve ARG...")
	s, err := startService([]string{"HOME=" + ts.Getenv("HOME"), "TRILEMMA_HOME=" + ts.Getenv("TRILEMMA_HOME"), "XDG_DATA_HOME="}, args...)
	ts.Check(err)
	*ts.Value(theService{}).(*served) = *s
	ts.Defer(func() { _ = ts.Value(theService{}).(*served).stop() })
	ts.Setenv("URL", s.url)
}

// servedCmd ends the script's service, which must end well.
func servedCmd(ts *testscript.TestScript, neg bool, args []string) {
	argc(ts, neg, args, 0, "served")
	ts.Check(ts.Value(theService{}).(*served).stop())
}

// TestRemoteScripts runs the scripts again, with a service that does the work.
func TestRemoteScripts(t *testing.T) {
	s, err := startService([]string{"TRILEMMA_HOME=" + filepath.Join(t.TempDir(), "home")}, "--fuel-limit", "18446744073709551615", "--log-level", "error")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	testscript.Run(t, scriptParams(s.url))
}
