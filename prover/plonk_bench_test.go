package prover

import (
	"crypto/rand"
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/hash_to_field"
	"github.com/consensys/gnark-crypto/ecc/bn254/kzg"
	gnarkplonk "github.com/consensys/gnark/backend/plonk/bn254"
	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/constraint/solver"
	"github.com/consensys/gnark/frontend"
	fcs "github.com/consensys/gnark/frontend/cs"
	"github.com/consensys/gnark/frontend/cs/scs"
)

// squares commits to X and squares it, and the commitment's value, so often.
type squares struct {
	Y frontend.Variable `gnark:",public"`
	X frontend.Variable
	n int
}

func (c *squares) Define(api frontend.API) error {
	v, err := api.(frontend.Committer).Commit(c.X)
	if err != nil {
		return err
	}
	x := c.X
	for range c.n {
		x = api.Mul(x, x)
	}
	api.AssertIsDifferent(v, 0)
	api.AssertIsEqual(x, c.Y)
	return nil
}

// plainPlonk is a circuit for PLONK that gnark can prove too, since its commitment's value is gnark's.
type plainPlonk struct {
	system *cs.SparseR1CS
	ref    *Reference
	pk     *gnarkplonk.ProvingKey
	vk     *gnarkplonk.VerifyingKey
	inputs fr.Vector
}

func newPlainPlonk(tb testing.TB, n int) *plainPlonk {
	tb.Helper()
	system := must(frontend.Compile(ecc.BN254.ScalarField(), scs.NewBuilder, &squares{n: n})).(*cs.SparseR1CS)
	p := &plainPlonk{system: system, inputs: fr.Vector{fr.One(), fr.One()}}
	_, _, public := system.GetNbVariables()
	p.ref = must(NewGenerator(rand.Reader).Reference(tb.Context(), PowersFor(system.GetNbConstraints()+public)))
	var err error
	p.pk, p.vk, err = gnarkplonk.Setup(system, kzg.SRS{Pk: p.ref.powers, Vk: p.ref.vk}, kzg.SRS{Pk: p.ref.lagrange, Vk: p.ref.vk})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// ours proves as this package does.
func (p *plainPlonk) ours() (*gnarkplonk.Proof, error) {
	info := p.system.CommitmentInfo.(constraint.PlonkCommitments)[0]
	values := make([]fr.Element, p.ref.size)
	values[1+info.Committed[0]] = p.inputs[1]
	point, err := p.ref.commitBlinded(values, nil)
	if err != nil {
		return nil, err
	}
	h := hash_to_field.New([]byte("BSB22-Plonk"))
	h.Write(point.Marshal())
	var mask fr.Element
	mask.SetBytes(h.Sum(nil))
	solved, err := p.system.Solve(&inputs{vector: p.inputs}, solver.OverrideHint(solver.GetHintID(fcs.Bsb22CommitmentComputePlaceholder),
		func(_ *big.Int, _, out []*big.Int) error {
			mask.BigInt(out[0])
			return nil
		}))
	if err != nil {
		return nil, err
	}
	return newPlonkProof(p.system, solved.(*cs.SparseR1CSSolution), p.ref, p.vk, values, point, []fr.Element{p.inputs[0], mask}).finish()
}

// TestPlonkAgreesWithGnark: for one circuit, gnark's verifier as it is takes our proofs and gnark's, and neither with another input.
func TestPlonkAgreesWithGnark(t *testing.T) {
	quiet()
	p := newPlainPlonk(t, 100)
	for name, prove := range map[string]func() (*gnarkplonk.Proof, error){
		"ours":    p.ours,
		"gnark's": func() (*gnarkplonk.Proof, error) { return gnarkplonk.Prove(p.system, p.pk, &inputs{vector: p.inputs}) },
	} {
		proof, err := prove()
		if err != nil {
			t.Fatal(err)
		}
		if err := gnarkplonk.Verify(proof, p.vk, p.inputs[:1]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if gnarkplonk.Verify(proof, p.vk, fr.Vector{fr.NewElement(2)}) == nil {
			t.Errorf("%s verifies with another input", name)
		}
	}
}

// BenchmarkPlonk proves one circuit of 2¹⁵ rows as this package does, and as gnark does.
func BenchmarkPlonk(b *testing.B) {
	quiet()
	p := newPlainPlonk(b, 1<<15-100)
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			if _, err := p.ours(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("gnark", func(b *testing.B) {
		for b.Loop() {
			if _, err := gnarkplonk.Prove(p.system, p.pk, &inputs{vector: p.inputs}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
