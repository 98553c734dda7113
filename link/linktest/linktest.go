// Package linktest loads the small modules that tests of linking and running are about.
package linktest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trilemma-dev/trilemma/wasm"
)

// Load reads a module that must be valid and within the profile.
func Load(t testing.TB, path string) *wasm.Module {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return Parse(t, b)
}

// Parse decodes a module that must be valid and within the profile.
func Parse(t testing.TB, b []byte) *wasm.Module {
	t.Helper()
	m, err := wasm.Load(b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Wat loads the module whose text is path (.wat), which must be valid and within the profile. See [Binary].
func Wat(t testing.TB, path string, update bool) *wasm.Module {
	t.Helper()
	return Parse(t, Binary(t, path, update))
}

// Binary returns the file that stands beside the text path (.wat) as .wasm. Where wabt's wat2wasm is installed, it must be what
// that makes of the text; with update it is written anew.
func Binary(t testing.TB, path string, update bool) []byte {
	t.Helper()
	binary := strings.TrimSuffix(path, ".wat") + ".wasm"
	fresh := build(t, path)
	if fresh != nil && update {
		if err := os.WriteFile(binary, fresh, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.ReadFile(binary)
	switch {
	case err != nil:
		t.Fatal(err)
	case fresh == nil:
		t.Logf("wat2wasm is not installed: %s is used as it is", binary)
	case !bytes.Equal(old, fresh):
		t.Fatalf("%s is not what %s says: run the test with -update", binary, path)
	}
	return old
}

func build(t testing.TB, path string) []byte {
	t.Helper()
	tool, err := exec.LookPath("wat2wasm")
	if err != nil {
		return nil
	}
	out := filepath.Join(t.TempDir(), "out.wasm")
	if msg, err := exec.Command(tool, "--debug-names", path, "-o", out).CombinedOutput(); err != nil {
		t.Fatalf("wat2wasm %s: %v\n%s", path, err, msg)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
