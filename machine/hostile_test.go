package machine_test

import (
	gort "runtime"
	"testing"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/link/linktest"
	"github.com/trilemma-dev/trilemma/wasm"
)

// TestHostile: what is meant to exhaust an engine ends as it does natively, and asks for memory in proportion to what it may use.
func TestHostile(t *testing.T) {
	const plenty = 50_000_000
	e := newEngines(t)
	check := func(t *testing.T, l *link.Linked, streams [][]byte, lim link.Limits, want link.OutcomeKind, most uint64) {
		if r := e.agree(t, l, streams, lim); r.Outcome.Kind != want {
			t.Errorf("outcome %+v, want %s", r.Outcome, want)
		}
		var before, after gort.MemStats
		gort.ReadMemStats(&before)
		if _, err := e.machine.Run(t.Context(), l, streams, lim); err != nil {
			t.Fatal(err)
		}
		gort.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > most {
			t.Errorf("the run allocates %d bytes, at most %d were expected", got, most)
		}
	}
	for _, c := range linktest.Hostile() {
		t.Run(c.Name, func(t *testing.T) {
			check(t, mustLink(t, c.Module, link.Entry{Func: "f"}), params(), link.Limits{Fuel: plenty}, c.Want, 40<<20)
		})
	}
	m := linktest.Wat(t, "../runtime/testdata/hostile.wat", false)
	for _, c := range []struct {
		fun    string
		params []link.Kind
		args   []uint64
		result []link.Kind
		lim    link.Limits
		want   link.OutcomeKind
	}{
		{"spin", nil, nil, nil, link.Limits{Fuel: plenty, Memory: 1}, link.OutOfFuel},
		{"spin_table", nil, nil, nil, link.Limits{Fuel: plenty, Memory: 1}, link.OutOfFuel},
		{"fills", nil, nil, nil, link.Limits{Fuel: plenty, Memory: 1024}, link.OutOfFuel},
		{"forever", nil, nil, nil, link.Limits{Fuel: plenty, Memory: 1}, link.TooDeep},
		{"indirect_forever", []link.Kind{link.I32}, []uint64{1 << 30}, []link.Kind{link.I32}, link.Limits{Fuel: plenty, Memory: 1}, link.TooDeep},
		{"bomb", nil, nil, []link.Kind{link.I32}, link.Limits{Fuel: plenty, Memory: 1024, Output: 8}, link.OK},
		{"flood", nil, nil, nil, link.Limits{Fuel: plenty, Memory: 2, Output: 1 << 20}, link.OutputFull},
	} {
		t.Run(c.fun, func(t *testing.T) {
			l := mustLink(t, m, link.Entry{Func: c.fun, Params: c.params, Results: c.result})
			check(t, l, params(c.args...), c.lim, c.want, 40<<20+4*uint64(c.lim.Memory)*link.PageSize)
		})
	}
}

func mustLink(t testing.TB, m *wasm.Module, e link.Entry) *link.Linked {
	t.Helper()
	l, err := link.Link(m, e)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
