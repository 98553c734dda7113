package parts

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// Given computes, from what the verifier knows and never from the proof, the inputs that the verifier gives to part i of a proof: as many
// as the part's kind takes. They may depend on the challenges: a public column is bound by its value as a polynomial at one of them.
type Given func(i int, ch *Challenges) ([]fr.Element, error)

// Verify checks a proof: every part under its kind's key, every proof of knowledge of what was committed to, and that all deltas
// add up to zero. The error wraps ErrProof if the proof does not hold, and names the first part that does not; else it is one of given.
//
// Groth16 proofs are checked in one product of pairings, in which each has a random factor of 128 bits, derived from the complete proof.
func (f *Family) Verify(statement []byte, ps []Part, given Given) error {
	if len(ps) > MaxParts {
		return fmt.Errorf("%w: %d parts", ErrProof, len(ps))
	}
	cs := make([]Commitment, len(ps))
	var sum fr.Element
	for i := range ps {
		if ps[i].Proof == nil {
			return fmt.Errorf("%w: part %d has no points", ErrProof, i)
		}
		cs[i] = ps[i].Commitment()
		sum.Add(&sum, &ps[i].Delta)
	}
	ch, err := f.Challenges(statement, cs)
	if err != nil {
		return err
	}
	if !sum.IsZero() {
		return fmt.Errorf("%w: the deltas do not add up to zero", ErrProof)
	}
	inputs := make([][]fr.Element, len(ps))
	h := newHash("batch")
	h.Write(ch.Digest[:])
	for i := range ps {
		g, err := given(i, ch)
		if err != nil {
			return err
		}
		if want := f.kinds[ps[i].Kind].Given; len(g) != want {
			return fmt.Errorf("part %d was given %d inputs instead of %d", i, len(g), want)
		}
		inputs[i] = append(ch.Inputs(ps[i].Delta, g), ch.Mask)
		h.Write(ps[i].Bytes())
		for _, e := range g {
			b := e.Bytes()
			h.Write(b[:])
		}
	}
	bad, err := f.backend.FirstBad(&Batch{Family: f, Parts: ps, Inputs: inputs, Seed: Digest(h.Sum(nil))})
	if err != nil || bad < 0 {
		return err
	}
	return fmt.Errorf("%w: part %d, %s", ErrProof, bad, f.kinds[ps[bad].Kind].Name)
}

// batch is parts to be checked together: Groth16 proofs under Groth16 keys.
type batch struct {
	keys   []*Key // by kind
	parts  []Part
	proofs []*Points
	inputs [][]fr.Element // with the commitment's value
	seed   Digest
}

func (b *Batch) groth16() (*batch, error) {
	out := &batch{parts: b.Parts, inputs: b.Inputs, seed: b.Seed}
	for _, k := range b.Family.kinds {
		out.keys = append(out.keys, k.Key.(*Key)) // NewFamily has seen to it
	}
	for i := range b.Parts {
		p, ok := b.Parts[i].Proof.(*Proof)
		if !ok {
			return nil, fmt.Errorf("%w: part %d is no Groth16 proof", ErrProof, i)
		}
		out.proofs = append(out.proofs, &p.p)
	}
	return out, nil
}

// firstBad is the first part from, ..., to−1 that does not verify, or −1. It costs one product if all do, and about two if one does not.
func (b *batch) firstBad(from, to int) (int, error) {
	ok, err := b.check(from, to)
	if err != nil || ok {
		return -1, err
	}
	for to-from > 1 {
		mid := from + (to-from)/2
		ok, err := b.check(from, mid)
		if err != nil {
			return -1, err
		}
		if ok {
			from = mid
		} else {
			to = mid
		}
	}
	return from, nil
}

// factor is the random factor of a check: 128 bits, for part i's equation or its proof of knowledge.
func (b *batch) factor(i, which int) fr.Element {
	var in [len(b.seed) + 9]byte
	copy(in[:], b.seed[:])
	binary.LittleEndian.PutUint64(in[len(b.seed):], uint64(i))
	in[len(in)-1] = byte(which)
	sum := sha256.Sum256(in[:])
	var e fr.Element
	e.SetBytes(sum[:16])
	return e
}

// check reports whether the parts from, ..., to−1 verify. Of each part with the factor ρ, with the key's α, β, γ, δ and with L, the sum of
// public points times inputs plus the commitment:
//
//	e(ρAr, Bs) = e(ρα, β) · e(ρL, γ) · e(ρKrs, δ)
//
// and with the factor τ of its proof of knowledge: e(τ·commitment, −σG) · e(τ·knowledge, G) = 1. Parts of one kind share the points of G2.
func (b *batch) check(from, to int) (bool, error) {
	type terms struct {
		rho        fr.Element   // Σρ
		scalars    []fr.Element // Σρ·inputs
		com, krs   []bn254.G1Affine
		pok        []bn254.G1Affine
		rhos, taus []fr.Element
	}
	byKind := make([]terms, len(b.keys))
	var g1 []bn254.G1Affine
	var g2 []bn254.G2Affine
	for i := from; i < to; i++ {
		p, t := b.proofs[i], &byKind[b.parts[i].Kind]
		rho, tau := b.factor(i, 0), b.factor(i, 1)
		t.rho.Add(&t.rho, &rho)
		if t.scalars == nil {
			t.scalars = make([]fr.Element, len(b.inputs[i]))
		}
		for j := range b.inputs[i] {
			var e fr.Element
			t.scalars[j].Add(&t.scalars[j], e.Mul(&rho, &b.inputs[i][j]))
		}
		t.rhos, t.taus = append(t.rhos, rho), append(t.taus, tau)
		t.com, t.krs, t.pok = append(t.com, p.Commitment), append(t.krs, p.Krs), append(t.pok, p.Knowledge)
		g1, g2 = append(g1, *new(bn254.G1Affine).ScalarMultiplication(&p.Ar, rho.BigInt(new(big.Int)))), append(g2, p.Bs)
	}
	for k := range byKind {
		t := &byKind[k]
		if t.rhos == nil {
			continue
		}
		key := &b.keys[k].k
		sums := []struct {
			points  []bn254.G1Affine
			scalars []fr.Element
			neg     bool
			with    *bn254.G2Affine
		}{
			{[]bn254.G1Affine{key.Alpha}, []fr.Element{t.rho}, true, &key.Beta},
			{append(append([]bn254.G1Affine{}, key.K...), t.com...), append(append([]fr.Element{t.rho}, t.scalars...), t.rhos...), true, &key.Gamma},
			{t.krs, t.rhos, true, &key.Delta},
			{t.com, t.taus, false, &key.GSigmaNeg},
			{t.pok, t.taus, false, &key.G},
		}
		for _, s := range sums {
			var g bn254.G1Affine
			if _, err := g.MultiExp(s.points, s.scalars, ecc.MultiExpConfig{NbTasks: 1}); err != nil {
				return false, err
			}
			if s.neg {
				g.Neg(&g)
			}
			g1, g2 = append(g1, g), append(g2, *s.with)
		}
	}
	return bn254.PairingCheck(g1, g2)
}
