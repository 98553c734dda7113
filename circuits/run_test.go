package circuits_test

import (
	"testing"

	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// limits are more than enough.
var limits = link.Limits{Fuel: 1 << 40, Memory: 16, Output: 1 << 20}

// TestSmall runs a few instructions.
func TestSmall(t *testing.T) {
	p := &machine.Program{Code: []machine.Instr{
		{Op: machine.OpConst, D: 1, Imm: 5, W: 3},
		{Op: machine.OpConst, D: 2, Imm: 7},
		{Op: machine.OpAdd32, D: 3, A: 1, B: 2},
		{Op: machine.OpAdd32, D: 1, A: 1, B: 1, W: 1},
		{Op: machine.OpHalt},
	}}
	s := circuits.New()
	r, err := s.Fill(p, nil, limits)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(r.Filling, r.Contents); err != nil {
		t.Error(err)
	}
}
