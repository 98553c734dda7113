package preflight

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/trilemma-dev/trilemma/internal/proving"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/machine/tally"
)

// Report puts what was counted into words. kind is module or workflow.
func (p *Predictor) Report(kind string, all []Run, effects []string) (*wire.Preflight, error) {
	out := &wire.Preflight{Kind: kind, Provable: true, Scheme: []string{}, Tasks: make([]wire.Counted, 0, len(all)), Effects: effects}
	for _, sh := range p.Scheme.Shapes {
		out.Scheme = append(out.Scheme, sh.Name())
	}
	for i := range all {
		one, err := countedOf(&all[i], p)
		if err != nil {
			return nil, err
		}
		out.Provable = out.Provable && !one.Stopped()
		out.Tasks = append(out.Tasks, one)
	}
	return out, nil
}

// HeadOf is what there is to say of a program in one line.
func HeadOf(p *machine.Program) wire.ProgramHead {
	root := p.Root()
	return wire.ProgramHead{Invoke: p.Linked.Entry.Func, Program: hex.EncodeToString(root[:]), Instructions: len(p.Code)}
}

func (p *Predictor) of(t *proving.Traced) *wire.Predicted {
	out := &wire.Predicted{Parts: t.Parts, Constraints: t.Constraints, Used: t.Used, Bytes: t.Bytes, Memory: t.Needs(runtime.GOMAXPROCS(0))}
	if s := t.Seconds(p.Rate); s > 0 {
		out.Seconds = &s
	}
	return out
}

// GuestIndex is a function's index in the guest's file, if it is the guest's.
func GuestIndex(o link.Origin) *uint32 {
	if o.Kind != link.FromGuest {
		return nil
	}
	return &o.Func
}

func share(n, of uint64) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// countedOf puts a tally into words.
func countedOf(c *Run, pre *Predictor) (wire.Counted, error) {
	out := wire.Counted{Label: c.label, Classes: []wire.Class{}, Functions: []wire.Hot{}, UnreachedFloat: []wire.Floats{}}
	out.Outcome, out.Error = wire.OutcomeOf(c.out)
	t := c.tally
	if t == nil {
		out.Reason = "it did not run: there is nothing to prove"
		return out, nil
	}
	out.Ran, out.ProgramHead = true, HeadOf(t.Program)
	out.Steps, out.Fuel, out.StepsPerFuel, out.Seconds = t.Steps, t.Result.Fuel, share(t.Steps, t.Result.Fuel), c.seconds
	out.MemoryPages, out.TouchedBytes = t.Pages, t.Touched
	for _, class := range t.Classes() {
		out.Classes = append(out.Classes, wire.Class{Class: class.Class.String(), Steps: class.Steps, Share: share(class.Steps, t.Steps)})
	}
	stands, err := t.Obstacle(c.guest)
	if err != nil {
		return out, err
	}
	provable := stands == nil
	out.Provable = &provable
	if stands != nil {
		out.Obstacle = &wire.Place{Function: GuestIndex(stands.Origin), Name: tally.Name(stands.Origin), Wasm: stands.Source.Text, PC: stands.PC, Step: stands.Step}
		at := ""
		if stands.Source.Offset != 0 {
			out.Obstacle.Offset = &stands.Source.Offset
			at = fmt.Sprintf(" at byte %#x", stands.Source.Offset)
		}
		out.Reason = fmt.Sprintf("it computes with floating-point numbers, which no proof covers: %s in %s%s, after %d steps", stands.Op, out.Obstacle.Name, at, stands.Step)
	}
	switch u, ok := errors.AsType[*proving.Unprovable](c.refused); {
	case c.run != nil:
		out.Proof = pre.of(c.run)
	case c.refused != nil && stands == nil:
		no := false
		out.Provable, out.Reason = &no, c.refused.Error()
		if ok {
			out.Obstacle = &wire.Place{Function: GuestIndex(u.Origin), Name: tally.Name(u.Origin), Wasm: u.Source.Text, PC: u.PC, Step: u.Step}
			if u.Source.Offset != 0 {
				out.Obstacle.Offset = &u.Source.Offset
			}
		}
	}
	functions(&out, t)
	return out, nil
}

// functions lists where the steps went, and what floats were not reached.
func functions(out *wire.Counted, t *tally.Tally) {
	for _, f := range t.Functions() {
		if f.Steps > 0 {
			out.Functions = append(out.Functions, wire.Hot{Origin: f.Origin.Kind.String(), Function: GuestIndex(f.Origin), Name: tally.Name(f.Origin),
				Steps: f.Steps, Share: share(f.Steps, t.Steps), Instructions: f.Instructions})
		}
		if f.Floats > 0 && !f.Floated {
			out.UnreachedFloat = append(out.UnreachedFloat, wire.Floats{Function: GuestIndex(f.Origin), Name: tally.Name(f.Origin), Floats: f.Floats})
		}
	}
	slices.SortStableFunc(out.Functions, func(a, b wire.Hot) int { return cmp.Compare(b.Steps, a.Steps) })
}
