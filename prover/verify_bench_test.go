package prover

import (
	"testing"
	"time"
)

// BenchmarkVerify verifies a proof of 18 parts at once and reports how many times faster that is than gnark's verifier, part by part.
func BenchmarkVerify(b *testing.B) {
	p := toyProver(b)
	j := toyJob(1)
	for range 5 {
		j.Work = append(j.Work, toyJob(1).Work...)
	}
	ps := toyProof(b, j)
	ch := toyChallenges(b, p, j, ps)
	start := time.Now()
	const rounds = 5
	for range rounds {
		for i := range ps {
			if err := gnarkVerify(b, p, &ps[i], ch, j.Work[i]); err != nil {
				b.Fatal(err)
			}
		}
	}
	single := time.Since(start).Seconds() / rounds
	for b.Loop() {
		if err := p.family.Verify(j.Statement, ps, j.given); err != nil {
			b.Fatal(err)
		}
	}
	batch := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(batch*1e3/float64(len(ps)), "ms/part")
	b.ReportMetric(single*1e3/float64(len(ps)), "gnark-ms/part")
	b.ReportMetric(single/batch, "speedup")
}
