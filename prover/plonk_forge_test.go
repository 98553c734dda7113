package prover

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/plonk"
	"github.com/trilemma-dev/trilemma/circuits/proof"
)

// plonkTinyKeys are keys for PLONK of the scheme tiny, made once, from one reference string for each size.
var plonkTinyKeys = sync.OnceValues(func() (*Runs, error) {
	s, err := proof.Named(proof.Tiny)
	if err != nil {
		return nil, err
	}
	g, references := NewGenerator(rand.Reader), map[uint64]*Reference{}
	var keys []Keys
	for _, sh := range s.Shapes {
		c, err := PlanPlonk(sh, s.System.Labels())
		if err != nil {
			return nil, err
		}
		n, err := c.Domain()
		if err != nil {
			return nil, err
		}
		if references[n] == nil {
			if references[n], err = g.Reference(context.Background(), n); err != nil {
				return nil, err
			}
		}
		k, err := PlonkKeys(c, references[n])
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return NewRuns(s, keys, cid.Undef)
})

// forger works as it should, but for one part, to whose solution it does something before it makes the proof of that, unsatisfied constraints or not.
type forger struct {
	Hands
	keys []Keys
	part int
	edit func(values *[3][]fr.Element)
}

func (f *forger) Prove(ctx context.Context, i int, u *Unit, a *Asked) (parts.Part, error) {
	out, err := f.Hands.Prove(ctx, i, u, a)
	if err != nil || i != f.part {
		return out, err
	}
	p, err := f.keys[u.Kind].solvePlonk(u, a)
	if err != nil {
		return out, err
	}
	f.edit(&p.values)
	for _, step := range []func() error{p.wires, p.product, func() error { return p.thirds(p.quotient()) }, p.open} {
		if err := step(); err != nil {
			return out, err
		}
	}
	out.Proof, err = plonk.NewProof(&p.proof)
	return out, err
}

// TestPlonkForgedSolution: whoever makes proofs in PLONK of what does not satisfy the circuits of a run, and cares for nothing but the proof's form, is refused by the verifier: with a
// value changed in one place, in all places where it stands, or traded for another one.
func TestPlonkForgedSolution(t *testing.T) {
	if testing.Short() {
		t.Skip("keys and proofs in PLONK take a minute")
	}
	r, err := plonkTinyKeys()
	if err != nil {
		t.Fatal(err)
	}
	program := smallProgram()
	run, err := r.Family().Scheme.Chips.Fill(program, nil, runLimits)
	if err != nil {
		t.Fatal(err)
	}
	job := RunJob{Claim: claimOf(program, run.Result), Run: run, Seed: Seed{1}, Workers: 2}
	honest, err := r.Prove(t.Context(), &job)
	if err != nil {
		t.Fatal(err)
	}
	one := fr.One()
	for name, edit := range map[string]func(values *[3][]fr.Element){
		"a left value":   func(v *[3][]fr.Element) { v[0][700].Add(&v[0][700], &one) },
		"a right value":  func(v *[3][]fr.Element) { v[1][701].Add(&v[1][701], &one) },
		"an output":      func(v *[3][]fr.Element) { v[2][702].Add(&v[2][702], &one) },
		"a public input": func(v *[3][]fr.Element) { v[0][0].Add(&v[0][0], &one) },
		"the last row":   func(v *[3][]fr.Element) { v[0][len(v[0])-1].Add(&v[0][len(v[0])-1], &one) },
		"two values traded": func(v *[3][]fr.Element) {
			for k := 701; k < len(v[0]); k++ {
				if v[0][k] != v[0][700] {
					v[0][k], v[0][700] = v[0][700], v[0][k]
					return
				}
			}
		},
		"a value everywhere":     everywhere(700),
		"another one everywhere": everywhere(1500),
	} {
		forging := job
		forging.Have = map[int]parts.Part{}
		part := len(honest.Parts) - 1
		for i := range honest.Parts[:part] {
			forging.Have[i] = honest.Parts[i]
		}
		forging.Hands = &forger{Hands: r.Here(), keys: r.prover.keys, part: part, edit: func(v *[3][]fr.Element) {
			before := [3][]fr.Element{append([]fr.Element{}, v[0]...), append([]fr.Element{}, v[1]...), append([]fr.Element{}, v[2]...)}
			edit(v)
			for i := range v {
				for k := range v[i] {
					if v[i][k] != before[i][k] {
						return
					}
				}
			}
			t.Errorf("%s: nothing is changed", name)
		}}
		if _, err := r.Prove(t.Context(), &forging); !errors.Is(err, ErrHands) || !strings.Contains(err.Error(), "the proof just made") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// everywhere changes a value wherever it stands, so that no copy tells.
func everywhere(row int) func(v *[3][]fr.Element) {
	return func(v *[3][]fr.Element) {
		was := v[0][row]
		changed := was
		changed.Double(&changed)
		one := fr.One()
		changed.Add(&changed, &one)
		for i := range v {
			for k := range v[i] {
				if v[i][k] == was {
					v[i][k] = changed
				}
			}
		}
	}
}

// TestPlonkForgedRun: what the circuits refuse under Groth16 they refuse under PLONK.
func TestPlonkForgedRun(t *testing.T) {
	if os.Getenv("TRILEMMA_TEST_LONG") == "" {
		t.Skip("it takes two minutes of two cores: set TRILEMMA_TEST_LONG")
	}
	r, err := plonkTinyKeys()
	if err != nil {
		t.Fatal(err)
	}
	forgedHiddenRun(t, r)
}
