package wasm_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trilemma-dev/trilemma/wasm"
)

// TestProposals reads the suites of later proposals. What is valid there is either valid here, or refused with the name of
// a feature: never called malformed or invalid.
func TestProposals(t *testing.T) {
	var out strings.Builder
	for _, dir := range []string{"exception-handling", "extended-const", "tail-call", "threads", "typed-function-references"} {
		n := map[string]int{}
		for name, commands := range scripts(t, filepath.Join(specDir(t), dir)) {
			for _, c := range commands {
				if c.Type != "module" {
					continue
				}
				b, err := os.ReadFile(filepath.Join(specDir(t), dir, "testdata", c.Filename))
				if err != nil {
					t.Fatal(err)
				}
				_, err = accept(b)
				var e *wasm.Error
				switch {
				case err == nil:
					n["valid"]++
				case errors.As(err, &e) && e.Kind == wasm.Refused:
					n["refused:"+e.Feature]++
				default:
					t.Errorf("%s/%s.wast:%d: %v", dir, name, c.Line, err)
				}
			}
		}
		fmt.Fprintf(&out, "%s %s\n", dir, counts(n))
	}
	golden(t, "testdata/proposals.golden", out.String())
}
