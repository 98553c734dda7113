package runtime_test

import (
	"math"
	"slices"
	"testing"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/link/linktest"
	"github.com/trilemma-dev/trilemma/runtime"
)

// TestSegments: after instantiation active segments are empty, and passive ones are not, those of externref included, until they are dropped.
func TestSegments(t *testing.T) {
	e := newEngine(t, runtime.Config{})
	m := linktest.Wat(t, "testdata/segments.wat", *update)
	for _, c := range []struct {
		fun  string
		args []uint64
		want link.TrapKind
	}{
		{"applied", []uint64{0}, ""},
		{"applied", []uint64{1}, link.TrapMemory},
		{"kept", []uint64{7}, ""},
		{"kept", []uint64{8}, link.TrapMemory},
		{"set", []uint64{0}, ""},
		{"set", []uint64{1}, link.TrapTable},
		{"init", []uint64{1, 0, 3}, ""},
		{"init", []uint64{4, 3, 0}, ""},
		{"init", []uint64{0, 1, 3}, link.TrapTable},
		{"init", []uint64{2, 0, 3}, link.TrapTable},
		{"init", []uint64{0, math.MaxUint32, 1}, link.TrapTable},
		{"init", []uint64{0, 1, math.MaxUint32}, link.TrapTable},
		{"dropped", []uint64{0}, ""},
		{"dropped", []uint64{1}, link.TrapTable},
	} {
		l := mustLink(t, m, link.Entry{Func: c.fun, Params: slices.Repeat([]link.Kind{link.I32}, len(c.args))})
		r, err := e.Run(t.Context(), l, params(c.args...), link.Limits{Fuel: plenty, Memory: 1})
		if err != nil {
			t.Fatal(err)
		}
		want := link.Outcome{Kind: link.OK}
		if c.want != "" {
			want = link.Outcome{Kind: link.Trap, Trap: c.want}
		}
		if r.Outcome != want {
			t.Errorf("%s%v: %v, want %v", c.fun, c.args, r.Outcome, want)
		}
	}
}
