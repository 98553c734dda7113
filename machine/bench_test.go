package machine_test

import (
	"testing"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// benches are calls that load the machine in different ways: calls, arithmetic, scattered memory.
var benches = []struct {
	guest, fun, result string
	args               []datamodel.Node
}{
	{"fib", "fib", "", []datamodel.Node{basicnode.NewInt(27)}},
	{"sha256", "sha256", "bytes", []datamodel.Node{basicnode.NewBytes(make([]byte, 100_000))}},
	{"sort", "sort_random", "", []datamodel.Node{basicnode.NewInt(500_000), basicnode.NewInt(1)}},
}

// BenchmarkRun is the interpreter alone.
func BenchmarkRun(b *testing.B) {
	bench(b, func(e *machine.Engine, l *link.Linked, streams [][]byte) (link.Result, error) {
		return e.Run(b.Context(), l, streams, limits)
	})
}

// BenchmarkRecord is the interpreter with a transcript.
func BenchmarkRecord(b *testing.B) {
	bench(b, func(e *machine.Engine, l *link.Linked, streams [][]byte) (link.Result, error) {
		r, _, err := e.Record(b.Context(), l, streams, limits, func(block.Block) error { return nil })
		return r, err
	})
}

func bench(b *testing.B, run func(*machine.Engine, *link.Linked, [][]byte) (link.Result, error)) {
	for _, c := range benches {
		b.Run(c.guest, func(b *testing.B) {
			l, streams := guest(b, c.guest, c.fun, c.result, c.args...)
			var e machine.Engine
			fuel := uint64(0)
			for b.Loop() {
				r, err := run(&e, l, streams)
				if err != nil || r.Outcome.Kind != link.OK {
					b.Fatal(r.Outcome, err)
				}
				fuel += r.Fuel
			}
			b.ReportMetric(float64(fuel)/b.Elapsed().Seconds()/1e6, "Minstr/s")
		})
	}
}

// BenchmarkLower lowers every guest's module.
func BenchmarkLower(b *testing.B) {
	for _, c := range benches {
		b.Run(c.guest, func(b *testing.B) {
			l, _ := guest(b, c.guest, c.fun, c.result, c.args...)
			for b.Loop() {
				if _, err := machine.Lower(l); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(l.Bytes)), "ns/byte")
		})
	}
}
