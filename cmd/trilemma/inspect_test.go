package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzInspect inspects hostile bytes: whatever they are, there is a view or an error with a status, and neither can play
// with a terminal. Files that a workflow names are looked for in an empty directory.
func FuzzInspect(f *testing.F) {
	for _, pattern := range []string{"testdata/*.wasm", "../../docs/examples/*", "testdata/script/*.txt"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatal(pattern, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Add([]byte("\x82\x58\x40"))
	f.Add([]byte("\x3a\xa2\x65roots"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		var out, errs bytes.Buffer
		a := &app{streams: streams{in: bytes.NewReader(nil), out: &out, err: &errs, getenv: func(string) string { return dir }}}
		v, err := a.inspectFile(t.Context(), filepath.Join(dir, "x.json"), bufio.NewReader(bytes.NewReader(data)), inspectFlags{program: isModule(data)})
		if err != nil {
			if _, ok := err.(*status); !ok {
				t.Fatalf("an error without a status: %T %v", err, err)
			}
			return
		}
		for _, a.json = range []bool{false, true} {
			out.Reset()
			_ = a.show(v) // its error is the status
			if strings.ContainsFunc(out.String(), func(r rune) bool { return r != '\n' && unsafeRune(r) }) {
				t.Errorf("%q", out.String())
			}
		}
		if !json.Valid(out.Bytes()) {
			t.Errorf("no JSON: %q", out.String())
		}
	})
}
