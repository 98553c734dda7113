package prover

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/kzg"
	gnarkplonk "github.com/consensys/gnark/backend/plonk/bn254"
	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/constraint/solver"
	"github.com/consensys/gnark/frontend"
	fcs "github.com/consensys/gnark/frontend/cs"
	"github.com/consensys/gnark/frontend/cs/scs"

	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/plonk"
)

// sparseness is about how many constraints PLONK takes for one that Groth16 takes, since its sums have two terms: 4 to 5.
const sparseness = 5

// compileSparse returns the compiled circuit of PLONK, which keeps the rules: else the error wraps ErrCircuit.
func (c *Circuit) compileSparse() (system *cs.SparseR1CS, err error) {
	quiet()
	defer caught("compile "+c.Name(), &err)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sparse != nil {
		return c.sparse, nil
	}
	if !c.plonk {
		return nil, fmt.Errorf("%w: %s is for Groth16", ErrCircuit, c.Name())
	}
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), scs.NewBuilder, c.definition())
	if err != nil {
		return nil, fmt.Errorf("compile %s: %w", c.Name(), err)
	}
	system = compiled.(*cs.SparseR1CS)
	if err := lintSparse(system); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name(), err)
	}
	c.sparse, c.compiled = system, digestOfSparse(system)
	return system, nil
}

// PlonkRows is about how large the domain of a circuit for PLONK is that has so many constraints for Groth16.
func PlonkRows(constraints int) int { return int(PowersFor(constraints * sparseness)) }

// Domain is the size of the domain that a circuit for PLONK has. The circuit is compiled.
func (c *Circuit) Domain() (uint64, error) {
	system, err := c.compileSparse()
	if err != nil {
		return 0, err
	}
	_, _, public := system.GetNbVariables()
	return PowersFor(system.GetNbConstraints() + public), nil
}

// PlonkKeys makes the keys of a circuit for PLONK from a reference string of its domain. Nothing is drawn: whoever does it gets the same.
func PlonkKeys(c *Circuit, r *Reference) (k Keys, err error) {
	defer caught("keys of "+c.Name(), &err)
	system, err := c.compileSparse()
	if err != nil {
		return k, err
	}
	_, vk, err := gnarkplonk.Setup(system, kzg.SRS{Pk: r.powers, Vk: r.vk}, kzg.SRS{Pk: r.lagrange, Vk: r.vk})
	if err != nil {
		return k, fmt.Errorf("keys of %s: %w", c.Name(), err)
	}
	key, err := plonk.NewKey(vk)
	if err != nil {
		return k, fmt.Errorf("keys of %s: %w", c.Name(), err)
	}
	return Keys{Circuit: c, Key: key, reference: func() (*Reference, error) { return r, nil }}, nil
}

// readyPlonk returns what it takes to prove with PLONK.
func (k *Keys) readyPlonk() (system *cs.SparseR1CS, r *Reference, key *plonk.Key, err error) {
	key, ok := k.Key.(*plonk.Key)
	if !ok {
		return nil, nil, nil, fmt.Errorf("%w: the key of %s is not for PLONK", parts.ErrKey, k.Circuit.Name())
	}
	if system, err = k.Circuit.compileSparse(); err != nil {
		return nil, nil, nil, err
	}
	if r, err = k.reference(); err != nil {
		return nil, nil, nil, err
	}
	if n, err := k.Circuit.Domain(); err != nil || n != r.size {
		return nil, nil, nil, fmt.Errorf("%w: the reference string of %s is for another size", parts.ErrKey, k.Circuit.Name())
	}
	return system, r, key, nil
}

// columnsPlonk commits to what a part commits to: a polynomial that has these values in the rows in which the circuit says so, blinded in two that it does not look at.
func (u *Unit) columnsPlonk(system *cs.SparseR1CS, r *Reference) (values []fr.Element, c bn254.G1Affine, err error) {
	info, committed := system.CommitmentInfo.(constraint.PlonkCommitments)[0], u.committed()
	if len(committed) != len(info.Committed) {
		return nil, c, fmt.Errorf("%w: %d columns instead of %d", ErrUnit, len(committed), len(info.Committed))
	}
	_, _, public := system.GetNbVariables()
	values = make([]fr.Element, r.size)
	for at, row := range info.Committed {
		values[public+row] = committed[at]
	}
	blind := u.Blind.Bytes()
	second, err := fr.Hash(blind[:], []byte("trilemma/masks/1/commitment/2"), 1)
	if err != nil {
		return nil, c, err
	}
	values[public+info.CommitmentIndex], values[public+system.GetNbConstraints()-1] = u.Blind, second[0]
	c, err = r.commitBlinded(values, nil)
	return values, c, err
}

// commitPlonk computes what a part commits to.
func (k *Keys) commitPlonk(u *Unit) (c parts.Commitment, err error) {
	system, r, _, err := k.readyPlonk()
	if err != nil {
		return c, err
	}
	_, point, err := u.columnsPlonk(system, r)
	return parts.Commitment{Kind: u.Kind, Point: point.Bytes()}, err
}

// provePlonk proves a part.
func (k *Keys) provePlonk(u *Unit, a *Asked) (*plonk.Proof, error) {
	p, err := k.solvePlonk(u, a)
	if err != nil {
		return nil, err
	}
	made, err := p.finish()
	if err != nil {
		return nil, err
	}
	return plonk.NewProof(made)
}

// solvePlonk begins the proof of a part.
func (k *Keys) solvePlonk(u *Unit, a *Asked) (*plonkProof, error) {
	system, r, key, err := k.readyPlonk()
	if err != nil {
		return nil, err
	}
	values, point, err := u.columnsPlonk(system, r)
	if err != nil {
		return nil, err
	}
	solved, err := system.Solve(&inputs{vector: assign(a.Public, u.committed())}, solver.OverrideHint(solver.GetHintID(fcs.Bsb22CommitmentComputePlaceholder),
		func(_ *big.Int, _, out []*big.Int) error {
			a.Mask.BigInt(out[0])
			return nil
		}))
	if err != nil {
		return nil, err
	}
	vk := key.Gnark()
	return newPlonkProof(system, solved.(*cs.SparseR1CSSolution), r, &vk, values, point, append(slices.Clip(a.Public), a.Mask)), nil
}
