package emit_test

import (
	"testing"

	cs "github.com/consensys/gnark/constraint/bn254"

	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/circuits/emit"
	"github.com/trilemma-dev/trilemma/internal/guesttest"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/wasm"
)

// work is a call of a guest.
type work struct {
	name string
	run  *circuits.Run
}

// works are runs of the guests.
func works(t *testing.T, chips *circuits.System) (all []work) {
	t.Helper()
	for _, w := range guesttest.Works(t) {
		run, err := chips.Fill(w.Program, w.Streams, limits)
		if err != nil {
			t.Fatalf("%s: %v", w.Name, err)
		}
		all = append(all, work{w.Name, run})
	}
	return all
}

// TestGuests: the runs of the guests satisfy the circuits, and what they leave on the buses is nothing: each in one part that is as large as the run.
func TestGuests(t *testing.T) {
	chips := circuits.New()
	sys := emit.New(chips)
	for _, w := range works(t, chips) {
		e := &example{sys: sys, run: w.run, compiled: make(map[*emit.Shape]*cs.R1CS)}
		e.arrange(t)
		shape, err := sys.Shape("all", 1, e.rows.Counts())
		if err != nil {
			t.Fatal(err)
		}
		e.shapes, e.compiled[shape] = []*emit.Shape{shape}, compile(t, sys, shape)
		if err := e.check(t); err != nil {
			t.Errorf("%s: %v", w.name, err)
		}
	}
}

// TestGrowth: memory that grows and is used, whose pages are a table that the verifier does not know.
func TestGrowth(t *testing.T) {
	m := &wasm.Module{
		Types: []wasm.FuncType{{}}, Funcs: []uint32{0}, Code: []wasm.Code{{Body: wasm.AppendInstr(nil, wasm.Instr{Op: wasm.OpEnd})}},
		Memories: []wasm.Limits{{Min: 1, Max: 4, HasMax: true}}, Exports: []wasm.Export{{Name: "f", Kind: wasm.ExternFunc}},
	}
	if err := wasm.Validate(m); err != nil {
		t.Fatal(err)
	}
	l, err := link.Link(m, link.Entry{Func: "f"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := machine.Lower(l)
	if err != nil {
		t.Fatal(err)
	}
	p.Code = []machine.Instr{
		{Op: machine.OpConst, D: 1, Imm: 2}, {Op: machine.OpMemoryGrow, D: 2, A: 1}, {Op: machine.OpConst, D: 3, Imm: 2*link.PageSize + 8},
		{Op: machine.OpStore32, A: 3, B: 1}, {Op: machine.OpLoad32U, D: 4, A: 3}, {Op: machine.OpHalt},
	}
	chips := circuits.New()
	e := &example{sys: emit.New(chips), compiled: make(map[*emit.Shape]*cs.R1CS)}
	if e.run, err = chips.Fill(p, nil, limits); err != nil {
		t.Fatal(err)
	}
	if len(e.run.Filling.Rows["page"]) != 2 {
		t.Fatalf("%d pages grew", len(e.run.Filling.Rows["page"]))
	}
	e.arrange(t)
	rows := e.rows.Counts()
	for chip := range rows {
		if !e.sys.Constant(chip) && chip != "statement" {
			rows[chip]++
		}
	}
	shape, err := e.sys.Shape("all", 1, rows)
	if err != nil {
		t.Fatal(err)
	}
	e.shapes, e.compiled[shape] = []*emit.Shape{shape}, compile(t, e.sys, shape)
	if err := e.check(t); err != nil {
		t.Error(err)
	}
}
