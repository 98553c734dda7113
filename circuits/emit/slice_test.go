package emit_test

import (
	"slices"
	"testing"

	cs "github.com/consensys/gnark/constraint/bn254"

	"github.com/trilemma-dev/trilemma/circuits/emit"
	"github.com/trilemma-dev/trilemma/circuits/proof"
)

// TestSlices: tables of numbers may lie in slices, each in a part of its own; a slice that is there twice is used once, one that is missing is missed.
func TestSlices(t *testing.T) {
	s, err := proof.Named(proof.Tiny)
	if err != nil {
		t.Fatal(err)
	}
	e := &example{sys: s.System, compiled: make(map[*emit.Shape]*cs.R1CS)}
	if e.run, err = s.Chips.Fill(program(), nil, limits); err != nil {
		t.Fatal(err)
	}
	e.arrange(t)
	if e.shapes, err = s.System.Choose(s.Shapes, e.rows.Counts()); err != nil {
		t.Fatal(err)
	}
	for _, sh := range e.shapes {
		if e.compiled[sh] == nil {
			e.compiled[sh] = compile(t, e.sys, sh)
		}
	}
	if err := e.check(t); err != nil {
		t.Error(err)
	}
	at := slices.IndexFunc(e.shapes, func(sh *emit.Shape) bool { return sh.From("range") > 0 })
	if at < 0 {
		t.Fatal("no shape has a slice")
	}
	honest := e.shapes
	e.shapes = slices.Insert(slices.Clone(honest), at, honest[at])
	if err := e.check(t); err != nil {
		t.Errorf("a slice that is there twice: %v", err)
	}
	if _, err := e.rows.Cut(slices.Delete(slices.Clone(honest), at, at+1)); err == nil {
		t.Error("a missing slice is not missed")
	}
	for name, bad := range map[string][2]int{"before the first number": {16, -1}, "past the last one": {16, 1<<16 - 15}} {
		if _, err := e.sys.Slice("bad", 1, map[string]int{"range": bad[0]}, map[string]int{"range": bad[1]}); err == nil {
			t.Errorf("a slice %s is not refused", name)
		}
	}
	if _, err := e.sys.Slice("bad", 1, map[string]int{"register": 1}, map[string]int{"register": 1}); err == nil {
		t.Error("a slice of what has no numbers is not refused")
	}
}
