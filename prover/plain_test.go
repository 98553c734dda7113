package prover

import (
	"crypto/rand"
	"testing"
)

// TestPlain checks that plain circuits have the constraints that were asked for, and that their proofs verify under their own keys only.
func TestPlain(t *testing.T) {
	var ps []*Plain
	for _, n := range []int{2, 64, 64} {
		p, err := NewPlain(t.Context(), rand.Reader, n)
		if err != nil {
			t.Fatal(err)
		}
		if p.Constraints() != n {
			t.Errorf("%d constraints, want %d", p.Constraints(), n)
		}
		if err := p.Verify(); err == nil {
			t.Error("verified before there was a proof")
		}
		if _, _, err := p.Sizes(); err == nil {
			t.Error("a proof that is not there has a size")
		}
		if err := p.Prove(); err != nil {
			t.Fatal(err)
		}
		if err := p.Verify(); err != nil {
			t.Error(err)
		}
		if proof, key, err := p.Sizes(); err != nil || proof < 128 || proof > 400 || key < int64(n)*32 {
			t.Errorf("sizes %d, %d, %v", proof, key, err)
		}
		ps = append(ps, p)
	}
	ps[1].proof = ps[2].proof
	if err := ps[1].Verify(); err == nil {
		t.Error("a proof under other keys verified")
	}
	if p, err := NewPlain(t.Context(), rand.Reader, 1); err == nil {
		t.Errorf("%d constraints", p.Constraints())
	}
}
