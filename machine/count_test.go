package machine_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ipld/go-ipld-prime/node/basicnode"
	"pgregory.net/rapid"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/link/linktest"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/wasm"
)

// TestCountsAreThoseOfSteps compares a counter with single steps of a machine, for random programs and for runs that end in every way: the
// counts are the program counters that steps began at, in whatever portions the counter goes on.
func TestCountsAreThoseOfSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := linktest.Draw(t).Module()
		if err := wasm.Validate(m); err != nil {
			t.Fatal(err)
		}
		l, err := link.Link(m, link.Entry{Func: "f", Params: []link.Kind{link.I32}})
		if err != nil {
			t.Fatal(err)
		}
		p, err := machine.Lower(l)
		if err != nil {
			t.Fatal(err)
		}
		lim := link.Limits{Fuel: rapid.Uint64Range(0, 3000).Draw(t, "fuel"), Output: 100}
		compareCounts(t, p, params(uint64(rapid.Uint32().Draw(t, "argument"))), lim, rapid.Uint64Range(1, 50).Draw(t, "portion"))
	})
	_, p := sample(t)
	for arg := range uint64(4) {
		for _, fuel := range []uint64{0, 20, 60, 1 << 20} {
			compareCounts(t, p, params(arg), link.Limits{Fuel: fuel, Memory: 1, Output: 8}, 3)
		}
	}
	compareCounts(t, p, params(1), link.Limits{Fuel: 1000}, 1000)
}

func compareCounts(t interface {
	Errorf(string, ...any)
	Fatalf(string, ...any)
	Fatal(...any)
}, p *machine.Program, streams [][]byte, lim link.Limits, portion uint64) {
	m := machine.New(p, streams, lim)
	want := make([]uint64, len(p.Code))
	for !m.Ended() {
		pc := m.PC()
		took, err := m.Run(1)
		if err != nil {
			t.Fatal(err)
		}
		want[pc] += took
	}
	c := machine.NewCounter(p, streams, lim)
	total := uint64(0)
	for !c.Machine().Ended() {
		took, err := c.Run(portion)
		if err != nil || took == 0 && !c.Machine().Ended() {
			t.Fatalf("%d steps: %v", took, err)
		}
		total += took
	}
	if diff := cmp.Diff(m.Result(), c.Machine().Result()); diff != "" || total != m.Steps() {
		t.Errorf("%d steps, %d counted; results (-steps +counter):\n%s", m.Steps(), total, diff)
	}
	if diff := cmp.Diff(want, c.Counts()); diff != "" {
		t.Errorf("counts (-steps +counter):\n%s", diff)
	}
}

// TestFirstFloat checks that the first executed float is found, and none where none is executed.
func TestFirstFloat(t *testing.T) {
	m, p := sample(t)
	for arg, want := range []string{"", "f64.convert_i32_u"} {
		c := machine.NewCounter(p, params(uint64(arg)), limits)
		if _, err := c.Run(1 << 20); err != nil || !c.Machine().Ended() {
			t.Fatal(err)
		}
		pc, steps, ok := c.FirstFloat()
		if ok != (want != "") {
			t.Fatalf("argument %d: a float: %v", arg, ok)
		}
		if !ok {
			continue
		}
		s, err := p.Source(pc, m)
		if err != nil || s.Text != want || s.Offset != 0x88 {
			t.Errorf("argument %d: %+v, %v", arg, s, err)
		}
		one := machine.New(p, params(uint64(arg)), limits)
		if _, err := one.Run(steps); err != nil || one.PC() != pc {
			t.Errorf("argument %d: after %d steps comes instruction %d, not %d", arg, steps, one.PC(), pc)
		}
	}
}

// BenchmarkCounter runs a sample with and without counting: steps/s of each.
func BenchmarkCounter(b *testing.B) {
	l, streams := guest(b, "fib", "fib_loop", "", basicnode.NewInt(1<<22))
	p, err := machine.Lower(l)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("plain", func(b *testing.B) {
		steps := uint64(0)
		for b.Loop() {
			m := machine.New(p, streams, limits)
			if _, err := m.Run(1 << 40); err != nil {
				b.Fatal(err)
			}
			steps += m.Steps()
		}
		b.ReportMetric(float64(steps)/b.Elapsed().Seconds(), "steps/s")
	})
	b.Run("counting", func(b *testing.B) {
		steps := uint64(0)
		for b.Loop() {
			c := machine.NewCounter(p, streams, limits)
			if _, err := c.Run(1 << 40); err != nil {
				b.Fatal(err)
			}
			steps += c.Machine().Steps()
		}
		b.ReportMetric(float64(steps)/b.Elapsed().Seconds(), "steps/s")
	})
}
