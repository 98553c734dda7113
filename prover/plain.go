package prover

import (
	"context"
	"errors"
	"io"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/backend/groth16"
	bn254 "github.com/consensys/gnark/backend/groth16/bn254"
	"github.com/consensys/gnark/backend/witness"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
)

// Plain is a circuit of multiplications and nothing else, with keys: what a proof system's speed is usually quoted for, and what proofs of runs
// are compared with. Its proofs show nothing that anybody would want to know. It is not safe for concurrent use.
type Plain struct {
	system *cs.R1CS
	pk     *bn254.ProvingKey
	vk     *bn254.VerifyingKey
	full   witness.Witness
	public witness.Witness
	proof  groth16.Proof
}

// chain says that Y is X, squared as often as the circuit is long.
type chain struct {
	X, Y frontend.Variable `gnark:",public"`
	n    int
}

func (c *chain) Define(api frontend.API) error {
	x := c.X
	for range c.n {
		x = api.Mul(x, x)
	}
	api.AssertIsEqual(x, c.Y)
	return nil
}

// NewPlain makes the circuit of so many constraints, at least 2, and its keys.
func NewPlain(ctx context.Context, random io.Reader, constraints int) (p *Plain, err error) {
	defer caught("plain circuit", &err)
	quiet()
	if constraints < 2 {
		return nil, errors.New("a plain circuit has at least 2 constraints")
	}
	field := ecc.BN254.ScalarField()
	compiled, err := frontend.Compile(field, r1cs.NewBuilder, &chain{n: constraints - 1})
	if err != nil {
		return nil, err
	}
	p = &Plain{system: compiled.(*cs.R1CS)}
	if p.pk, p.vk, err = NewGenerator(random).Generate(ctx, p.system); err != nil {
		return nil, err
	}
	var x fr.Element
	if err := draw(random, &x); err != nil { // a number of full size, as its squares are: ones would cost next to nothing
		return nil, err
	}
	y := x
	for range constraints - 1 {
		y.Square(&y)
	}
	if p.full, err = frontend.NewWitness(&chain{X: x, Y: y}, field); err != nil {
		return nil, err
	}
	p.public, err = p.full.Public()
	return p, err
}

// Constraints is how many there are.
func (p *Plain) Constraints() int { return p.system.GetNbConstraints() }

// Prove makes a proof.
func (p *Plain) Prove() (err error) {
	defer caught("prove a plain circuit", &err)
	p.proof, err = groth16.Prove(p.system, p.pk, p.full)
	return err
}

// Verify checks the proof that was made last.
func (p *Plain) Verify() (err error) {
	defer caught("verify a plain circuit", &err)
	if p.proof == nil {
		return errors.New("there is no proof yet")
	}
	return groth16.Verify(p.proof, p.vk, p.public)
}

// Sizes are those of the proof that was made last and of the proving key, in bytes, as gnark writes them.
func (p *Plain) Sizes() (proof, key int64, err error) {
	if p.proof == nil {
		return 0, 0, errors.New("there is no proof yet")
	}
	for _, w := range []struct {
		from io.WriterTo
		size *int64
	}{{p.proof, &proof}, {p.pk, &key}} {
		b, err := written(w.from)
		if err != nil {
			return 0, 0, err
		}
		*w.size = int64(len(b))
	}
	return proof, key, nil
}
