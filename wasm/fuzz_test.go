package wasm_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// seeds adds small modules of the official suite.
func seeds(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(specDir(f), "v2", "testdata", "*.wasm"))
	if err != nil {
		f.Fatal(err)
	}
	for i, name := range files {
		if i%7 != 0 || bytes.Contains([]byte(name), []byte("simd")) {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 400 {
			f.Add(b)
		}
	}
}
