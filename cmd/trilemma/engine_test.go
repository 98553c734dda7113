package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/trilemma-dev/trilemma/internal/engine"
	"github.com/trilemma-dev/trilemma/runtime"
)

// TestNoCompiler checks what a platform without a native engine does: the machine serves, and a note says so.
func TestNoCompiler(t *testing.T) {
	var errs bytes.Buffer
	dir := t.TempDir()
	a := &app{streams: streams{err: &errs, getenv: func(string) string { return dir }}}
	unsupported := func(context.Context, runtime.Config) (*runtime.Engine, error) {
		return nil, fmt.Errorf("%w: no SSE 4.1", runtime.ErrUnsupported)
	}
	r, err := a.engine(t.Context(), engineNative, unsupported)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if _, ok := r.Runner.(*engine.Machine); !ok || r.name != engine.NameMachine {
		t.Errorf("%T %q serves", r.Runner, r.name)
	}
	if !strings.Contains(errs.String(), "the machine runs the tasks") {
		t.Errorf("note: %q", errs.String())
	}
	broken := func(context.Context, runtime.Config) (*runtime.Engine, error) { return nil, runtime.ErrHost }
	if _, err := a.engine(t.Context(), engineNative, broken); err == nil {
		t.Error("a native engine that fails for another reason was replaced")
	}
}
