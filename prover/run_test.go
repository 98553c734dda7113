package prover

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/circuits/emit"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

var runLimits = link.Limits{Fuel: 1 << 40, Memory: 16, Output: 1 << 20}

// smallScheme is a scheme with three shapes: a head that holds little, one for the rest, and one for a table that not every run uses.
func smallScheme() (*proof.Scheme, error) {
	s := &proof.Scheme{Chips: circuits.New()}
	s.System = emit.New(s.Chips)
	head, rest := map[string]int{"statement": 1, "range": 1 << 16, "byte": 1 << 8}, map[string]int{}
	known := s.Chips.Contents(&machine.Program{}, circuits.Statement{})
	for _, c := range s.Chips.Chips {
		if !c.Once && !s.System.Constant(c.Name) {
			head[c.Name], rest[c.Name] = 2, 6
			if strings.HasPrefix(c.Name, "program") {
				rest[c.Name] = 60
			}
			if n := len(known[c.Name].Rows); n > 2 { // what is the same for all programs
				head[c.Name] = n
			}
		}
	}
	for _, sh := range []struct {
		name  string
		block int
		rows  map[string]int
	}{{"head", 1, head}, {"rest", 3, rest}, {"spread", 1, map[string]int{"spread": 1 << 16}}} {
		shape, err := s.System.Shape(sh.name, sh.block, sh.rows)
		if err != nil {
			return nil, err
		}
		s.Shapes = append(s.Shapes, shape)
	}
	return s, nil
}

// smallKeys are made once.
var smallKeys = sync.OnceValues(func() (*Runs, error) {
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
	return NewRuns(s, keys, cid.Undef)
})

func smallProgram() *machine.Program {
	code := []machine.Instr{{Op: machine.OpConst, D: 1, Imm: 5, W: 3}, {Op: machine.OpConst, D: 2, Imm: 7}}
	for i := range 6 {
		code = append(code, machine.Instr{Op: machine.OpAdd32, D: uint16(3 + i), A: uint16(1 + i), B: uint16(2 + i), W: 1})
	}
	return &machine.Program{Code: append(code, machine.Instr{Op: machine.OpHalt})}
}

// claimOf is what a run of a program is said to be.
func claimOf(p *machine.Program, res link.Result) *proof.Claim {
	return &proof.Claim{Computation: block.Raw([]byte("a computation")).CID, Program: p, Limits: runLimits, Result: res}
}

// TestProveRun: a run is proved in several parts, two at once, and verified from bytes; nothing else is.
func TestProveRun(t *testing.T) {
	r, err := smallKeys()
	if err != nil {
		t.Fatal(err)
	}
	program := smallProgram()
	run, err := r.Family().Scheme.Chips.Fill(program, nil, runLimits)
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Prove(t.Context(), &RunJob{Claim: claimOf(program, run.Result), Run: run, Seed: Seed{1}, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Parts) < 2 || p.Setup != proof.Dev {
		t.Errorf("%d parts, setup %q", len(p.Parts), p.Setup)
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
	fb, err := r.Family().Block()
	if err != nil {
		t.Fatal(err)
	}
	f, err := proof.ReadFamily(fb.Data)
	if err != nil || f.ID() != r.Family().ID() || !f.Dev() {
		t.Fatalf("the family does not come back as it was written: %v", err)
	}
	if err := f.Verify(claimOf(program, run.Result), read()); err != nil {
		t.Fatal(err)
	}
	other := smallProgram()
	other.Code[2].B = 1
	// What is forged in the claim is told in the proof too, so that the proof itself has to fail.
	same := func(q *proof.Proof, c *proof.Claim) {
		st, err := c.Statement(&circuits.Statement{End: uint64(q.Statement.End), Fuel: uint64(q.Statement.Used)})
		if err != nil {
			t.Fatal(err)
		}
		q.Statement = st
	}
	for name, c := range map[string]struct {
		forge func(q *proof.Proof, c *proof.Claim)
		want  error
	}{
		"another program":  {func(_ *proof.Proof, c *proof.Claim) { c.Program = other }, proof.ErrStatement},
		"its root changed": {func(q *proof.Proof, c *proof.Claim) { c.Program = other; same(q, c) }, parts.ErrProof},
		"more fuel":        {func(q *proof.Proof, c *proof.Claim) { c.Result.Fuel++; q.Statement.Used++; same(q, c) }, parts.ErrProof},
		"fuel in words":    {func(q *proof.Proof, _ *proof.Claim) { q.Statement.Used++ }, proof.ErrStatement},
		"another end": {func(q *proof.Proof, c *proof.Claim) {
			c.Result.Outcome, q.Statement.End = link.Outcome{Kind: link.Exit, Code: 3}, 2|3<<16
			same(q, c)
		}, parts.ErrProof},
		"an end without chip": {func(_ *proof.Proof, c *proof.Claim) { c.Result.Outcome = link.Outcome{Kind: "other"} }, proof.ErrStatement},
		"another limit":       {func(q *proof.Proof, c *proof.Claim) { c.Limits.Memory++; same(q, c) }, parts.ErrProof},
		"another input":       {func(q *proof.Proof, c *proof.Claim) { c.Streams = [][]byte{[]byte("x")}; same(q, c) }, parts.ErrProof},
		"another computation": {func(q *proof.Proof, c *proof.Claim) { c.Computation = block.Raw(nil).CID; same(q, c) }, parts.ErrProof},
		"another family":      {func(q *proof.Proof, _ *proof.Claim) { q.Family[0]++ }, proof.ErrStatement},
		"the head left out":   {func(q *proof.Proof, _ *proof.Claim) { q.Parts = q.Parts[1:] }, parts.ErrProof},
		"two statements":      {func(q *proof.Proof, _ *proof.Claim) { q.Parts = append(q.Parts, q.Parts[0]) }, parts.ErrProof},
		"a part left out":     {func(q *proof.Proof, _ *proof.Claim) { q.Parts = q.Parts[:len(q.Parts)-1] }, parts.ErrProof},
		"another profile":     {func(q *proof.Proof, _ *proof.Claim) { q.Statement.Profile = "tm/2" }, proof.ErrStatement},
		"a kind out of range": {func(q *proof.Proof, _ *proof.Claim) { q.Parts[1].Kind = 7 }, parts.ErrProof},
	} {
		q, claim := read(), claimOf(program, run.Result)
		c.forge(q, claim)
		if err := f.Verify(claim, q); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
