package machine_test

import (
	"bytes"
	gort "runtime"
	"slices"
	"sync"
	"testing"

	"github.com/ipld/go-ipld-prime/node/basicnode"
	"pgregory.net/rapid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/link/linktest"
	"github.com/trilemma-dev/trilemma/machine"
)

// TestStopAnywhere: a run that stops after any step and goes on comes by the same states to the same end, wherever else it stopped and
// was committed to: bulk operations, tables and growing memory included.
func TestStopAnywhere(t *testing.T) {
	lim := link.Limits{Fuel: 600, Memory: 4, Output: 100}
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(t, "module")
		l := generated(t, b, linktest.Shape{})
		p, err := machine.Lower(l)
		if err != nil {
			t.Fatal(err)
		}
		streams := params(rapid.Uint64().Draw(t, "argument"))
		const most = 3000 // steps
		single := machine.New(p, streams, lim)
		c := machine.NewCommitment(single)
		roots := []machine.Digest{c.Root()}
		for !single.Ended() && len(roots) <= most {
			if took, err := single.Run(1); took != 1 || err != nil {
				t.Fatalf("one step took %d: %v", took, err)
			}
			roots = append(roots, c.Root())
		}
		other := machine.New(p, streams, lim)
		oc := machine.NewCommitment(other)
		for at := 0; at < len(roots)-1; {
			n := rapid.OneOf(rapid.IntRange(1, 5), rapid.IntRange(1, most)).Draw(t, "steps")
			took, err := other.Run(uint64(min(n, len(roots)-1-at)))
			if err != nil {
				t.Fatal(err)
			}
			if at += int(took); int(other.Steps()) != at || took < uint64(n) && at != len(roots)-1 {
				t.Fatalf("%d steps of %d, now %d of %d", took, n, at, len(roots)-1)
			}
			if rapid.Bool().Draw(t, "commit") && oc.Root() != roots[at] {
				t.Fatalf("the state after %d steps depends on where the run stopped", at)
			}
		}
		if oc.Root() != roots[len(roots)-1] {
			t.Fatalf("the state after %d steps depends on where the run stopped", len(roots)-1)
		}
		if single.Ended() {
			if !other.Ended() {
				t.Fatal("one run ended, the other did not")
			}
			same(t, "step by step", other.Result(), single.Result())
		}
	})
}

// TestLimits gives small programs every limit of fuel around their basic blocks, and every small one of memory and output: the engines end
// alike. What ends within a limit ends the same within a greater one.
func TestLimits(t *testing.T) {
	e := newEngines(t)
	ends := make(map[link.OutcomeKind]int)
	for i := range 16 {
		l := generated(t, seed(i, 300), linktest.Shape{})
		run := func(lim link.Limits) link.Result {
			r := e.agree(t, l, params(uint64(i)), lim)
			ends[r.Outcome.Kind]++
			return r
		}
		full := run(small)
		for fuel := range min(full.Fuel+2, small.Fuel) {
			if fuel > 60 && fuel+20 < full.Fuel {
				continue
			}
			r := run(link.Limits{Fuel: fuel, Memory: small.Memory, Output: small.Output})
			if r.Fuel > fuel || fuel >= full.Fuel && (r.Outcome != full.Outcome || r.Fuel != full.Fuel) {
				t.Errorf("module %d with fuel %d of %d: %v with fuel %d", i, fuel, full.Fuel, r.Outcome, r.Fuel)
			}
		}
		for n := range uint32(4) {
			run(link.Limits{Fuel: small.Fuel, Memory: n, Output: small.Output})
		}
		for n := range uint64(17) {
			run(link.Limits{Fuel: small.Fuel, Memory: small.Memory, Output: n})
		}
	}
	t.Log(ends)
	for _, kind := range []link.OutcomeKind{link.OK, link.Trap, link.OutOfFuel, link.OutOfMem, link.OutputFull} {
		if ends[kind] == 0 {
			t.Errorf("nothing ended in %s", kind)
		}
	}
}

// TestRecordsAreEqual: transcripts are the same to the byte, whatever else runs, on however many processors.
func TestRecordsAreEqual(t *testing.T) {
	l := generated(t, seed(3, 900), linktest.Shape{})
	spin, streams := guest(t, "fib", "fib", "", basicnode.NewInt(22))
	record := func(e *machine.Engine, l *link.Linked, streams [][]byte) (all []byte) {
		_, tr, err := e.Record(t.Context(), l, streams, limits, func(b block.Block) error {
			all = append(all, b.Data...)
			return nil
		})
		if err != nil {
			t.Error(err)
			return nil
		}
		b, err := tr.Block()
		if err != nil {
			t.Error(err)
		}
		return append(all, b.Data...)
	}
	defer gort.GOMAXPROCS(gort.GOMAXPROCS(1))
	var first [2][]byte
	for _, procs := range []int{1, 2, 8} {
		gort.GOMAXPROCS(procs)
		var e machine.Engine
		var got [6][2][]byte
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() {
				got[i] = [2][]byte{record(&e, l, params(7)), record(&e, spin, streams)}
			})
		}
		wg.Wait()
		if first[0] == nil {
			first = got[0]
		}
		for i := range got {
			if !slices.EqualFunc(got[i][:], first[:], bytes.Equal) {
				t.Errorf("run %d on %d processors left another transcript", i, procs)
			}
		}
	}
}
