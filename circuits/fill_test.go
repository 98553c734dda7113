package circuits

import (
	"testing"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// BenchmarkFill fills and checks a run: steps/s of each.
func BenchmarkFill(b *testing.B) {
	s := New()
	w := works(b)[2]
	b.Run("fill", func(b *testing.B) {
		steps := uint64(0)
		for b.Loop() {
			r, err := s.Fill(w.program, w.streams, w.limits)
			if err != nil {
				b.Fatal(err)
			}
			steps += r.Steps
		}
		b.ReportMetric(float64(steps)/b.Elapsed().Seconds(), "steps/s")
	})
	r, err := s.Fill(w.program, w.streams, w.limits)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("check", func(b *testing.B) {
		for b.Loop() {
			if err := s.Check(r.Filling, r.Contents); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(r.Steps)*float64(b.N)/b.Elapsed().Seconds(), "steps/s")
	})
}

// fill is [System.Fill] with a look at each step.
func (s *System) fill(p *machine.Program, streams [][]byte, lim link.Limits, look look) (*Run, error) {
	return s.follow(p, streams, lim, look, nil)
}
