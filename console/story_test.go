package console_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/forge"
	"github.com/trilemma-dev/trilemma/internal/programtest"
	"github.com/trilemma-dev/trilemma/receipts"
)

// TestStory tells the whole story in a browser: page/test/story.mjs says what happens and must be seen. Screenshots stay in page/shots.
func TestStory(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser and a build of the verifier take minutes")
	}
	without := t.Skip
	if os.Getenv("CONSOLE_STORY") == "required" {
		without = t.Fatal
	}
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		without("there is no Chromium here")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		without("there is no Node.js here")
	}
	if _, err := os.Stat("page/node_modules/playwright-core"); err != nil {
		without("npm ci was not run in console/page")
	}
	if out, err := exec.Command("./verifier.sh").CombinedOutput(); err != nil {
		t.Fatalf("verifier.sh: %v\n%s", err, out)
	}
	p, dir := programtest.New(t), t.TempDir()
	key, _, err := capability.LoadOrCreateKey(filepath.Join(p.Home(), "key"))
	check(t, err)
	other, _, err := capability.LoadOrCreateKey(filepath.Join(dir, "other.key"))
	check(t, err)
	honest, theirs := filepath.Join(dir, "honest.car"), filepath.Join(dir, "theirs.car")
	for _, args := range [][]string{{"-o", honest}, {"-o", theirs, "--key", filepath.Join(dir, "other.key")}} {
		if r := p.Run(t, "", append([]string{"run", "../examples/image.json", "--transcript", "--files", t.TempDir()}, args...)...); r.Status != 0 {
			t.Fatal(r.Stderr)
		}
	}
	for _, lie := range []struct {
		from, to, label string
		key             capability.Signer
		change          func(*receipts.Bundle, *receipts.Claim) error
	}{{honest, "forged.car", "grey", key, forge.Costlier}, {theirs, "bent.car", "blur", other, forge.Flip}} {
		data, err := os.ReadFile(lie.from)
		check(t, err)
		forged, err := forge.Claim(data, lie.key, lie.label, lie.change)
		check(t, err)
		check(t, os.WriteFile(filepath.Join(dir, lie.to), forged, 0o644))
	}
	if r := p.Run(t, "", "delegate", "--to", "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp", "--cmd", "/wasm/run", "--expires", "24h", "-o", filepath.Join(dir, "alice.ucan")); r.Status != 0 {
		t.Fatal(r.Stderr)
	}

	owner := p.At(t.TempDir())
	url, locked := serve(t, p), serve(t, owner, "--tokens")
	story := exec.CommandContext(t.Context(), node, "test/story.mjs")
	story.Dir = "page"
	story.Env = append(os.Environ(), "SERVICE="+url, "LOCKED="+locked, "OWNER="+owner.Home(), "TRILEMMA="+p.File(), "BROWSER="+browser, "EVIDENCE="+dir)
	out, err := story.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

// serve starts a service, and returns its URL.
func serve(t *testing.T, p *programtest.Program, more ...string) (url string) {
	t.Helper()
	cmd := p.Command(t, append([]string{"serve", "--listen", "127.0.0.1:0", "--files", t.TempDir(), "--log-level", "error"}, more...)...)
	said, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(said)
	for url == "" && lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "serving "); ok {
			url, _, _ = strings.Cut(rest, " ")
		}
	}
	if url == "" {
		t.Fatal("serve did not say where")
	}
	go func() { // what it says further must not fill the pipe
		for lines.Scan() {
		}
	}()
	return url
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
