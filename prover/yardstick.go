package prover

import (
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/pedersen"
	"github.com/consensys/gnark/backend"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"

	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/proof"
)

// GnarkSetup makes keys of the circuit as gnark does, and forgets them: what [Generator] is measured against. It takes minutes for a large circuit.
func (c *Circuit) GnarkSetup() (err error) {
	defer caught("gnark's set-up of "+c.Name(), &err)
	var pk groth16.ProvingKey
	var vk groth16.VerifyingKey
	return groth16.Setup(c.system, &pk, &vk)
}

// VerifySingly verifies a proof as [proof.Family.Verify] does, but for the sum of deltas, with gnark's own verifier, part by part: what checking all parts together is
// measured against.
func VerifySingly(f *proof.Family, c *proof.Claim, p *proof.Proof) (err error) {
	defer caught("gnark's verifier", &err)
	quiet()
	challenged, given, err := f.Prepare(c, p)
	if err != nil {
		return err
	}
	cs := make([]parts.Commitment, len(p.Parts))
	for i := range p.Parts {
		cs[i] = p.Parts[i].Commitment()
	}
	ch, err := f.Keys.Challenges(challenged, cs)
	if err != nil {
		return err
	}
	for i := range p.Parts {
		g, err := given(i, ch)
		if err != nil {
			return err
		}
		if err := verifyOne(f.Keys.Kinds()[p.Parts[i].Kind].Key, &p.Parts[i], ch, g); err != nil {
			return err
		}
	}
	return nil
}

// verifyOne verifies one part with gnark's verifier.
func verifyOne(of parts.VerifyingKey, part *parts.Part, ch *parts.Challenges, given []fr.Element) error {
	key, ok := of.(*parts.Key)
	proof, is := part.Proof.(*parts.Proof)
	if !ok || !is {
		return fmt.Errorf("%w: not Groth16", parts.ErrProof)
	}
	k, q := key.Points(), proof.Points()
	var vk groth16.VerifyingKey
	vk.G1.Alpha, vk.G1.K = k.Alpha, k.K
	vk.G2.Beta, vk.G2.Gamma, vk.G2.Delta = k.Beta, k.Gamma, k.Delta
	vk.CommitmentKeys = []pedersen.VerifyingKey{{G: k.G, GSigmaNeg: k.GSigmaNeg}}
	vk.PublicAndCommitmentCommitted = [][]int{{}}
	if err := vk.Precompute(); err != nil {
		return err
	}
	made := &groth16.Proof{Ar: q.Ar, Krs: q.Krs, Bs: q.Bs, Commitments: []bn254.G1Affine{q.Commitment}, CommitmentPok: q.Knowledge}
	return groth16.Verify(made, &vk, ch.Inputs(part.Delta, given), backend.WithVerifierHashToFieldFunction(parts.FixedHash(ch.Mask)))
}
