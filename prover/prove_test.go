package prover

import (
	"testing"
)

func TestProve(t *testing.T) {
	j := toyJob(1)
	ps := toyProof(t, j)
	if err := toyProver(t).Family().Verify(j.Statement, ps, j.given); err != nil {
		t.Fatal(err)
	}
}
