package emit_test

import (
	"slices"
	"testing"

	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/circuits/emit"
)

// TestStandard: shapes are no larger than they may be, have room for every chip, and fit runs that are like no mix: what a long run of a guest takes is
// not much more than its rows.
func TestStandard(t *testing.T) {
	const size, long = 1 << 17, 50
	chips := circuits.New()
	sys := emit.New(chips)
	shapes, err := sys.Standard(size, emit.Mix{"add32": 1})
	if err != nil {
		t.Fatal(err)
	}
	room := make(map[string]bool)
	names := make(map[string]bool)
	again := make(map[string]bool) // in a circuit that a proof may have more than once
	fixed := 0                     // what a run takes that is not in its rows
	for _, sh := range shapes {
		if sh.Constraints() > size {
			t.Errorf("%s has %d constraints", sh.Name(), sh.Constraints())
		}
		if names[sh.Name()] {
			t.Errorf("%s is there twice", sh.Name())
		}
		names[sh.Name()] = true
		for _, c := range chips.Chips {
			room[c.Name] = room[c.Name] || sh.Rows(c.Name) > 0
			again[c.Name] = again[c.Name] || sh.Rows(c.Name) > 0 && sh.Constraints() <= size/2
		}
		if sh.Constraints() > size/2 {
			fixed += sh.Constraints()
		}
	}
	for _, c := range chips.Chips {
		if !room[c.Name] {
			t.Errorf("no shape has room for %s", c.Name)
		}
		if goesOn := slices.ContainsFunc(c.Messages, func(m circuits.Message) bool { return m.Bus == circuits.BusState && m.Send }); goesOn && !c.Once && !again[c.Name] {
			t.Errorf("no shape has room for many rows of %s", c.Name)
		}
	}
	for _, w := range works(t, chips) {
		rows, err := sys.Rows(w.run.Filling, w.run.Contents)
		if err != nil {
			t.Fatal(err)
		}
		counts, used := rows.Counts(), 0
		for chip, n := range counts {
			c := chips.Chip(chip)
			if !c.Table && !c.Once && n > long {
				counts[chip] = n * long
			}
			used += sys.Cost(chip) * counts[chip]
		}
		chosen, err := sys.Choose(shapes, counts)
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for _, sh := range chosen {
			total += sh.Constraints()
		}
		if total > used*5/4+fixed {
			t.Errorf("%s: %d constraints for rows of %d", w.name, total, used)
		}
	}
}
