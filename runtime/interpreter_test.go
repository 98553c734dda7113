package runtime_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/link/linktest"
	"github.com/trilemma-dev/trilemma/runtime"
)

// TestInterpreter compares what it is for, runs that end in ok, with metered native runs.
func TestInterpreter(t *testing.T) {
	e := newEngine(t, runtime.Config{})
	i, err := runtime.NewInterpreter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := i.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	m := linktest.Wat(t, "testdata/outcomes.wat", *update)
	for _, c := range []struct {
		entry link.Entry
		args  []uint64
	}{
		{link.Entry{Func: "down", Params: []link.Kind{link.I32}, Results: []link.Kind{link.I32}}, []uint64{1000}},
		{link.Entry{Func: "say", Params: []link.Kind{link.I32, link.I32}}, []uint64{1, 100}},
	} {
		l := mustLink(t, m, c.entry)
		want, err := e.Run(t.Context(), l, params(c.args...), link.Limits{Fuel: plenty, Memory: link.DefaultPages, Output: link.DefaultOutput})
		if err != nil {
			t.Fatal(err)
		}
		got, err := i.Bare(t.Context(), l, params(c.args...))
		if got.Fuel = want.Fuel; err != nil || want.Outcome.Kind != link.OK || !cmp.Equal(got, want) {
			t.Errorf("%s: %+v, %v, want %+v", c.entry.Func, got, err, want)
		}
	}
}
