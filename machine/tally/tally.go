// Package tally says where the steps of a run go, and what in it no proof covers.
package tally

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/wasm"
)

// Tally is a finished run, counted. The steps of its instructions, of its classes and of its functions each add up to Steps.
type Tally struct {
	Program *machine.Program
	Result  link.Result
	Steps   uint64
	Counts  []uint64 // steps by instruction
	Pages   uint32   // of 64 KiB: the memory's size at the end
	Touched uint64   // bytes of memory in pages that were read or written

	float   uint32
	floatAt uint64
	floated bool
}

// slice is how many steps are taken between two looks at the context: some milliseconds.
const slice = 1 << 20

// Run runs a program to its end and counts. ctx stops it within milliseconds; the error then wraps ctx.Err().
func Run(ctx context.Context, p *machine.Program, streams [][]byte, lim link.Limits) (*Tally, error) {
	c := machine.NewCounter(p, streams, lim)
	for !c.Machine().Ended() {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("tally: run stopped: %w", err)
		}
		if _, err := c.Run(slice); err != nil {
			return nil, err
		}
	}
	t := &Tally{Program: p, Result: c.Machine().Result(), Steps: c.Machine().Steps(), Counts: c.Counts(), Pages: c.Pages(), Touched: c.Touched()}
	t.float, t.floatAt, t.floated = c.FirstFloat()
	return t, nil
}

// Class is how many steps one class of operations took.
type Class struct {
	Class machine.Class
	Steps uint64
}

// Classes are the classes that took steps, the most first.
func (t *Tally) Classes() (out []Class) {
	var steps [machine.NumClasses]uint64
	for pc, n := range t.Counts {
		steps[t.Program.Code[pc].Op.Class()] += n
	}
	for c, n := range steps {
		if n > 0 {
			out = append(out, Class{machine.Class(c), n})
		}
	}
	slices.SortStableFunc(out, func(a, b Class) int { return cmp.Compare(b.Steps, a.Steps) })
	return out
}

// Function is what one function took, without those that it calls.
type Function struct {
	Index        int // among those of the linked module; −1 for the call of the first one and the halt behind it
	Origin       link.Origin
	Steps        uint64
	Instructions uint64 // of Wasm: the weights of the basic blocks that were entered
	Floats       int    // instructions on floating-point numbers that it holds
	Floated      bool   // one of them was executed
}

// Functions are all functions of the program in its order, behind the two instructions around them.
func (t *Tally) Functions() []Function {
	out := make([]Function, 1, t.Program.Functions()+1)
	out[0] = Function{Index: -1, Origin: link.Origin{Kind: link.FromStub, Name: "entry"}}
	for i := range t.Program.Functions() {
		out = append(out, Function{Index: i, Origin: t.Program.Linked.Origin[i]})
	}
	for pc, n := range t.Counts {
		in := &t.Program.Code[pc]
		f := &out[t.Program.Place(uint32(pc)).Func+1]
		f.Steps += n
		f.Instructions += n * uint64(in.W)
		if in.Op.IsFloat() {
			f.Floats++
			f.Floated = f.Floated || n > 0
		}
	}
	return out
}

// Obstacle is the first step of a run that no proof covers.
type Obstacle struct {
	PC     uint32
	Step   uint64 // how many steps came before it
	Op     machine.Op
	Origin link.Origin
	Source machine.Source
}

// Obstacle is what stands against a proof of the run, or nil. guest is the module that was linked.
func (t *Tally) Obstacle(guest *wasm.Module) (*Obstacle, error) {
	if !t.floated {
		return nil, nil
	}
	s, err := t.Program.Source(t.float, guest)
	if err != nil {
		return nil, err
	}
	return &Obstacle{PC: t.float, Step: t.floatAt, Op: t.Program.Code[t.float].Op,
		Origin: t.Program.Linked.Origin[t.Program.Place(t.float).Func], Source: s}, nil
}
