package prover

import (
	"fmt"
	"hash/fnv"

	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/constraint/solver"
	fcs "github.com/consensys/gnark/frontend/cs"
)

// Names of the two hints that a commitment takes: gnark knows a hint by the FNV-1a of its function's full name. The first one draws the
// mask that makes the commitment hiding (without it, guesses could be tested: CVE-2024-45040 of gnark), and is internal to gnark.
const maskHint = "github.com/consensys/gnark/internal/hints.Randomize"

func maskHintID() solver.HintID {
	h := fnv.New32a()
	h.Write([]byte(maskHint))
	return solver.HintID(h.Sum32())
}

// lint checks, on the compiled system, that nothing in a proof is chosen after the challenges:
//
//   - there is exactly one commitment, with no public wire in it (several commitments were unsound once, CVE-2024-45039);
//   - it commits to every secret input and to its own mask, and there are no other hints than its two;
//   - every other wire follows from committed wires and public inputs: going through the constraints in order, each has at most
//     one wire that is new, once and in a linear place. Where it is a factor, the other factor depends on a challenge, so that it is
//     zero, and the new wire free, with negligible probability only.
//
// So tuples, multiplicities, selectors and masks are functions of what was committed to.
func lint(r *cs.R1CS) error {
	cm, ok := r.CommitmentInfo.(constraint.Groth16Commitments)
	if !ok || len(cm) != 1 {
		return fmt.Errorf("%w: it has %d commitments instead of one", ErrCircuit, len(cm))
	}
	if n := len(cm[0].PublicAndCommitmentCommitted); n > 0 {
		return fmt.Errorf("%w: it commits to %d public wires", ErrCircuit, n)
	}
	internal, secret, public := r.GetNbVariables()
	l := linter{system: r, value: cm[0].CommitmentIndex, wires: make([]state, public+secret+internal)}
	for w := range public {
		l.wires[w] = known | (fromPublic * b2s(w > 0))
	}
	for _, w := range cm[0].PrivateCommitted {
		l.wires[w] = known | committed
	}
	for w := public; w < public+secret; w++ {
		if l.wires[w]&committed == 0 {
			return fmt.Errorf("%w: it does not commit to its secret input %d", ErrCircuit, w-public)
		}
	}
	if got := len(cm[0].PrivateCommitted); got != secret+1 {
		return fmt.Errorf("%w: it commits to %d wires instead of its %d secret inputs and a mask", ErrCircuit, got, secret)
	}
	for i := range r.Instructions {
		if err := l.instruction(i); err != nil {
			return err
		}
	}
	for w := range l.wires {
		if l.wires[w]&known == 0 {
			return fmt.Errorf("%w: wire %d follows from nothing", ErrCircuit, w)
		}
	}
	return nil
}

// state is what is known of a wire.
type state uint8

const (
	known      state = 1 << iota // it follows from what was committed to and what is public
	committed                    // it was committed to
	fromPublic                   // it may depend on a challenge
)

func b2s(b bool) state {
	if b {
		return 1
	}
	return 0
}

type linter struct {
	system *cs.R1CS
	value  int // the wire of the commitment's value
	wires  []state
	r1c    constraint.R1C
	hint   constraint.HintMapping
}

func (l *linter) instruction(i int) error {
	in := l.system.Instructions[i]
	switch b := l.system.Blueprints[in.BlueprintID].(type) {
	case constraint.BlueprintR1C:
		b.DecompressR1C(&l.r1c, in.Unpack(&l.system.System))
		return l.constraint(i)
	case constraint.BlueprintHint:
		b.DecompressHint(&l.hint, in.Unpack(&l.system.System))
		return l.hinted(i)
	default:
		return fmt.Errorf("%w: instruction %d is a %T", ErrCircuit, i, b)
	}
}

func (l *linter) hinted(i int) error {
	from, to := int(l.hint.OutputRange.Start), int(l.hint.OutputRange.End)
	switch l.hint.HintID {
	case maskHintID():
		if to == from+1 && l.wires[from]&committed != 0 {
			return nil
		}
	case solver.GetHintID(fcs.Bsb22CommitmentComputePlaceholder):
		if to == from+1 && from == l.value {
			l.wires[from] |= known | fromPublic
			return nil
		}
	}
	return fmt.Errorf("%w: instruction %d is a hint", ErrCircuit, i)
}

// constraint goes on with the constraint in r1c.
func (l *linter) constraint(i int) error {
	fresh, where, times := -1, 0, 0
	var depends [3]state
	for side, terms := range []constraint.LinearExpression{l.r1c.L, l.r1c.R, l.r1c.O} {
		for _, t := range terms {
			if t.CoeffID() == constraint.CoeffIdZero {
				continue
			}
			if w := t.WireID(); l.wires[w]&known == 0 {
				fresh, where = w, side
				times++
			} else {
				depends[side] |= l.wires[w] & fromPublic
			}
		}
	}
	if times == 0 {
		return nil
	}
	if times > 1 {
		return fmt.Errorf("%w: constraint %d has more than one wire that follows from nothing before", ErrCircuit, i)
	}
	if where < 2 && depends[1-where] == 0 {
		return fmt.Errorf("%w: constraint %d divides by what may be zero", ErrCircuit, i)
	}
	l.wires[fresh] = known | depends[0] | depends[1] | depends[2]
	return nil
}
