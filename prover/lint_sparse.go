package prover

import (
	"fmt"

	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/constraint/solver"
	fcs "github.com/consensys/gnark/frontend/cs"
)

// lintSparse checks of a system as PLONK has it what lint checks of one that Groth16 has: one commitment, to every secret input and nothing else; no hint but
// the one that gives the commitment's value; every other wire follows, constraint by constraint, from committed wires and public inputs, and by a
// division only if the divisor depends on a challenge.
func lintSparse(r *cs.SparseR1CS) error {
	cm, ok := r.CommitmentInfo.(constraint.PlonkCommitments)
	if !ok || len(cm) != 1 || cm[0].Width > 1 {
		return fmt.Errorf("%w: it has %d commitments instead of one", ErrCircuit, len(cm))
	}
	internal, secret, public := r.GetNbVariables()
	l := sparseLinter{system: r, commitment: cm[0], wires: make([]state, public+secret+internal), rows: make(map[int]bool), public: public}
	for w := range public {
		l.wires[w] = known | fromPublic
	}
	for w := range secret {
		l.wires[public+w] = known
	}
	for _, row := range cm[0].Committed {
		l.rows[row] = true
	}
	if len(l.rows) != secret || len(cm[0].Committed) != secret {
		return fmt.Errorf("%w: it commits to %d wires instead of its %d secret inputs", ErrCircuit, len(cm[0].Committed), secret)
	}
	for i, in := range r.Instructions {
		var err error
		switch b := r.Blueprints[in.BlueprintID].(type) {
		case constraint.BlueprintSparseR1C:
			var c constraint.SparseR1C
			b.DecompressSparseR1C(&c, in.Unpack(&r.System))
			err = l.constraint(int(in.ConstraintOffset), &c)
		case constraint.BlueprintHint:
			var h constraint.HintMapping
			b.DecompressHint(&h, in.Unpack(&r.System))
			err = l.hinted(&h)
		default:
			err = fmt.Errorf("is a %T", b)
		}
		if err != nil {
			return fmt.Errorf("%w: instruction %d %w", ErrCircuit, i, err)
		}
	}
	for w := range l.wires {
		switch {
		case l.wires[w]&known == 0:
			return fmt.Errorf("%w: wire %d follows from nothing", ErrCircuit, w)
		case w >= public && w < public+secret && l.wires[w]&committed == 0:
			return fmt.Errorf("%w: it does not commit to its secret input %d", ErrCircuit, w-public)
		}
	}
	if !l.valued {
		return fmt.Errorf("%w: nothing is bound to the commitment's value", ErrCircuit)
	}
	return nil
}

type sparseLinter struct {
	system     *cs.SparseR1CS
	commitment constraint.PlonkCommitment
	rows       map[int]bool // that commit
	public     int
	wires      []state
	value      int // the wire of the commitment's value
	valued     bool
}

func (l *sparseLinter) hinted(h *constraint.HintMapping) error {
	if h.HintID != solver.GetHintID(fcs.Bsb22CommitmentComputePlaceholder) || h.OutputRange.End != h.OutputRange.Start+1 || l.value != 0 {
		return fmt.Errorf("is a hint")
	}
	l.value = int(h.OutputRange.Start)
	l.wires[l.value] |= known | fromPublic
	return nil
}

// constraint goes on with a constraint, which stands in a row: qL·a + qR·b + qM·a·b + qO·c + qC = 0, where a committed wire, or the commitment's value, may be added.
func (l *sparseLinter) constraint(row int, c *constraint.SparseR1C) error {
	zero := func(coef uint32) bool { return l.system.Coefficients[coef].IsZero() }
	alone := zero(c.QR) && zero(c.QO) && zero(c.QM) && zero(c.QC) && !zero(c.QL)
	switch {
	case l.rows[row]:
		w := int(c.XA)
		if !alone || w < l.public || l.wires[w]&committed != 0 || c.Commitment != constraint.COMMITTED {
			return fmt.Errorf("commits to something else than a secret input")
		}
		l.wires[w] |= committed
		return nil
	case row == l.commitment.CommitmentIndex:
		if !alone || int(c.XA) != l.value || l.value == 0 || c.Commitment != constraint.COMMITMENT {
			return fmt.Errorf("binds something else to the commitment's value")
		}
		l.valued = true
		return nil
	case c.Commitment != constraint.NOT:
		return fmt.Errorf("belongs to no commitment")
	}
	product := !zero(c.QM)
	fresh, times, divides := -1, 0, false
	var depends state
	for side, t := range [...]struct {
		wire uint32
		used bool
	}{{c.XA, !zero(c.QL) || product}, {c.XB, !zero(c.QR) || product}, {c.XC, !zero(c.QO)}} {
		w := int(t.wire)
		switch {
		case !t.used:
		case l.wires[w]&known != 0:
			depends |= l.wires[w] & fromPublic
		default:
			fresh, divides = w, product && side < 2
			times++
		}
	}
	switch {
	case times == 0:
		return nil
	case times > 1:
		return fmt.Errorf("has more than one wire that follows from nothing before")
	case divides && l.other(c, fresh)&fromPublic == 0:
		return fmt.Errorf("divides by what may be zero")
	}
	l.wires[fresh] = known | depends
	return nil
}

// other is what is known of the wire by which the fresh one is multiplied.
func (l *sparseLinter) other(c *constraint.SparseR1C, fresh int) state {
	if int(c.XA) == fresh {
		return l.wires[c.XB]
	}
	return l.wires[c.XA]
}
