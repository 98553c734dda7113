package machine_test

import (
	"testing"

	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/machine"
)

// BenchmarkReplay replays a segment of the profile's length from its opening.
func BenchmarkReplay(b *testing.B) {
	l, streams := guest(b, "sort", "sort_random", "", basicnode.NewInt(20000), basicnode.NewInt(1))
	var e machine.Engine
	os, err := e.Open(b.Context(), l, streams, limits, []uint64{2})
	if err != nil {
		b.Fatal(err)
	}
	blk, err := os[0].Block()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := os[0].Replay(limits, machine.SegmentSteps); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(blk.Data)), "bytes/opening")
}
