package wasm_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/trilemma-dev/trilemma/wasm"
)

var update = flag.Bool("update", false, "rewrite golden files")

// specDir is where wazero's module keeps the official suite, converted to command files and binary modules.
func specDir(t testing.TB) string {
	t.Helper()
	dir, err := findSpec()
	if err != nil {
		t.Fatalf("the official suite lies in wazero's module, which go list does not find: %v", err)
	}
	return dir
}

var findSpec = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	return filepath.Join(strings.TrimSpace(string(out)), "internal/integration_test/spectest"), err
})

// command is one line of a suite's script; wabt's wast2json writes them.
type command struct {
	Type       string `json:"type"`
	Line       int    `json:"line"`
	Filename   string `json:"filename"`
	Text       string `json:"text"`
	ModuleType string `json:"module_type"`
}

// scripts returns the commands that carry a module, by file.
func scripts(t testing.TB, dir string) map[string][]command {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "testdata", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts in %s: %v", dir, err)
	}
	all := make(map[string][]command, len(files))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var s struct{ Commands []command }
		if err := json.Unmarshal(b, &s); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		name := strings.TrimSuffix(filepath.Base(f), ".json")
		for _, c := range s.Commands {
			if c.Filename != "" {
				all[name] = append(all[name], c)
			}
		}
	}
	return all
}

// accept decodes and validates b. The module is nil if it does not decode.
func accept(b []byte) (*wasm.Module, error) {
	m, err := wasm.Decode(b)
	if err != nil {
		return nil, err
	}
	return m, wasm.Validate(m)
}

// since2 lists the modules that the 1.0 suite calls invalid and 2.0 allows, by what made them valid.
var since2 = map[string]string{
	"v1/func.20.wasm":              "multi-value",
	"v1/func.21.wasm":              "multi-value",
	"v1/type.3.wasm":               "multi-value",
	"v1/type.4.wasm":               "multi-value",
	"v1/imports.47.wasm":           "multi-table",
	"v1/imports.48.wasm":           "multi-table",
	"v1/imports.49.wasm":           "multi-table",
	"v1/unreached-invalid.87.wasm": "br_table-in-dead-code", // relaxed by the reference types proposal
}

func TestSpecSuite(t *testing.T) {
	root := specDir(t)
	var out strings.Builder
	total := map[string]int{}
	for _, version := range []string{"v1", "v2"} {
		all := scripts(t, filepath.Join(root, version))
		names := make([]string, 0, len(all))
		for name := range all {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			n := map[string]int{}
			for _, c := range all[name] {
				n[specCommand(t, root, version, name, c)]++
			}
			fmt.Fprintf(&out, "%s/%s %s\n", version, name, counts(n))
			for k, v := range n {
				total[k] += v
			}
		}
	}
	fmt.Fprintf(&out, "total %s\n", counts(total))
	golden(t, "testdata/spec.golden", out.String())
	t.Log(counts(total))
}

// specCommand checks one command and says how it is counted.
func specCommand(t *testing.T, root, version, name string, c command) string {
	where := fmt.Sprintf("%s/%s.wast:%d (%s)", version, name, c.Line, c.Filename)
	if c.ModuleType == "text" {
		return "skip:text-format"
	}
	b, err := os.ReadFile(filepath.Join(root, version, "testdata", c.Filename))
	if err != nil {
		t.Fatal(err)
	}
	m, err := accept(b)
	var e *wasm.Error
	if err != nil && !errors.As(err, &e) {
		t.Fatalf("%s: %v is not a *wasm.Error", where, err)
	}
	switch c.Type {
	case "assert_invalid", "assert_malformed":
		if err == nil {
			if why := since2[version+"/"+c.Filename]; why != "" {
				return "valid-since-2.0:" + why
			}
			t.Errorf("%s: accepted, want %s", where, c.Text)
			return "failed"
		}
		want := strings.TrimPrefix(c.Type, "assert_")
		if e.Kind == wasm.Refused {
			return want + "-refused:" + e.Feature
		}
		if e.Kind.String() != want {
			t.Logf("%s: %s; %v", where, c.Text, err)
			return want + "-as-" + e.Kind.String()
		}
		return want
	default:
		if err != nil && e.Kind == wasm.Refused && e.Feature == "simd" {
			return "valid-refused:simd"
		}
		if err != nil {
			t.Errorf("%s: %v", where, err)
			return "failed"
		}
		enc := m.Encode()
		again, err := accept(enc)
		if err != nil {
			t.Errorf("%s: encoded again: %v", where, err)
		} else if !bytes.Equal(again.Encode(), enc) {
			t.Errorf("%s: encoding is not a fixed point", where)
		}
		return "valid"
	}
}

func counts(n map[string]int) string {
	keys := make([]string, 0, len(n))
	for k := range n {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var parts []string
	for _, k := range keys {
		parts = append(parts, fmt.Sprintf("%s=%d", k, n[k]))
	}
	return strings.Join(parts, " ")
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (run with -update and look at the change):\n%s", path, got)
	}
}
