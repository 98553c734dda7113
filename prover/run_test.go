package prover

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"testing"

	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/circuits/emit"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

var runLimits = link.Limits{Fuel: 1 << 40, Memory: 16, Output: 1 << 20}

// smallScheme is a scheme with two shapes: a head that holds little, and one for the rest.
func smallScheme() (*proof.Scheme, error) {
	s := &proof.Scheme{Chips: circuits.New()}
	s.System = emit.New(s.Chips)
	head, rest := map[string]int{"statement": 1, "range": 1 << 16}, map[string]int{}
	for _, c := range s.Chips.Chips {
		if !c.Once && c.Name != "range" {
			head[c.Name], rest[c.Name] = 2, 6
		}
	}
	for _, sh := range []struct {
		name  string
		block int
		rows  map[string]int
	}{{"head", 1, head}, {"rest", 3, rest}} {
		shape, err := s.System.Shape(sh.name, sh.block, sh.rows)
		if err != nil {
			return nil, err
		}
		s.Shapes = append(s.Shapes, shape)
	}
	return s, nil
}

type runProver struct {
	scheme *proof.Scheme
	prover *Prover
}

// smallKeys are made once.
var smallKeys = sync.OnceValues(func() (*runProver, error) {
	s, err := smallScheme()
	if err != nil {
		return nil, err
	}
	g := NewGenerator(rand.Reader)
	var keys []Keys
	for _, sh := range s.Shapes {
		k, err := g.keys(context.Background(), sh, s.System.Labels())
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	p, err := New(s.System.Labels(), keys)
	return &runProver{s, p}, err
})

func smallProgram() *machine.Program {
	code := []machine.Instr{{Op: machine.OpConst, D: 1, Imm: 5, W: 3}, {Op: machine.OpConst, D: 2, Imm: 7}}
	for i := range 6 {
		code = append(code, machine.Instr{Op: machine.OpAdd32, D: uint16(3 + i), A: uint16(1 + i), B: uint16(2 + i), W: 1})
	}
	return &machine.Program{Code: append(code, machine.Instr{Op: machine.OpHalt})}
}

// TestProveRun: a run is proved in several parts, and verified from bytes; nothing else is.
func TestProveRun(t *testing.T) {
	r, err := smallKeys()
	if err != nil {
		t.Fatal(err)
	}
	program := smallProgram()
	run, err := r.scheme.Chips.Fill(program, nil, runLimits)
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.prover.ProveRun(t.Context(), &RunJob{Scheme: r.scheme, Program: program, Run: run, Seed: Seed{1}})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Parts) < 2 {
		t.Errorf("%d parts", len(p.Parts))
	}
	b, err := p.Block()
	if err != nil {
		t.Fatal(err)
	}
	read := func() *proof.Proof {
		q, err := proof.Read(b.Data)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	f := r.prover.Family()
	if err := r.scheme.Verify(f, program, read()); err != nil {
		t.Fatal(err)
	}
	other := smallProgram()
	other.Code[2].B = 1
	for name, c := range map[string]struct {
		program *machine.Program
		forge   func(q *proof.Proof)
		want    error
	}{
		"another program":     {other, func(q *proof.Proof) {}, proof.ErrStatement},
		"its root changed":    {other, func(q *proof.Proof) { root := other.Root(); q.Statement.Program = root[:] }, parts.ErrProof},
		"more fuel":           {program, func(q *proof.Proof) { q.Statement.Fuel++ }, parts.ErrProof},
		"another end":         {program, func(q *proof.Proof) { q.Statement.End++ }, parts.ErrProof},
		"another family":      {program, func(q *proof.Proof) { q.Family[0]++ }, proof.ErrStatement},
		"the head left out":   {program, func(q *proof.Proof) { q.Parts = q.Parts[1:] }, parts.ErrProof},
		"two statements":      {program, func(q *proof.Proof) { q.Parts = append(q.Parts, q.Parts[0]) }, parts.ErrProof},
		"a part left out":     {program, func(q *proof.Proof) { q.Parts = q.Parts[:len(q.Parts)-1] }, parts.ErrProof},
		"another profile":     {program, func(q *proof.Proof) { q.Statement.Profile = "tm/2" }, proof.ErrStatement},
		"a kind out of range": {program, func(q *proof.Proof) { q.Parts[1].Kind = 7 }, parts.ErrProof},
	} {
		q := read()
		c.forge(q)
		if err := r.scheme.Verify(f, c.program, q); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
