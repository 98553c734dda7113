package prover

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"math/bits"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/pedersen"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"
)

// Generator makes proving and verifying keys. It keeps tables of some 6 MiB, so that one serves many circuits. It is not safe for
// concurrent use; it uses all processors by itself.
type Generator struct {
	random io.Reader
	g1     *table[fp.Element, *fp.Element]
	g2     *table[bn254.E2, *bn254.E2]

	references map[uint64]*Reference // made so far, by size
}

// NewGenerator makes a generator that draws secrets from random, which must be a source that nobody else reads. Whoever knows what it gave can
// prove anything under the keys.
func NewGenerator(random io.Reader) *Generator {
	return &Generator{random: random, references: make(map[uint64]*Reference)}
}

// secrets is what a key is made of, to be forgotten (Groth, eprint 2016/260, section 3.2).
type secrets struct{ t, alpha, beta, gamma, delta fr.Element }

// Generate makes the keys of a circuit: under the same randomness they are, bit for bit, those of gnark's groth16.Setup, which draws in the same
// order. Where gnark multiplies each point by itself, and those of a commitment by double-and-add on one core, points here are sums from
// tables of the two generators' multiples.
func (g *Generator) Generate(ctx context.Context, r *cs.R1CS) (*groth16.ProvingKey, *groth16.VerifyingKey, error) {
	var s secrets
	for _, e := range []*fr.Element{&s.t, &s.alpha, &s.beta, &s.gamma, &s.delta} {
		for e.IsZero() {
			if err := draw(g.random, e); err != nil {
				return nil, nil, fmt.Errorf("generate keys: %w", err)
			}
		}
	}
	pk, vk := new(groth16.ProvingKey), new(groth16.VerifyingKey)
	domain := fft.NewDomain(uint64(r.GetNbConstraints()))
	pk.Domain = *domain
	q := evaluate(r, domain, &s.t)
	k := split(r, q, &s)

	if err := g.points1(ctx, pk, vk, q, k, &s); err != nil {
		return nil, nil, err
	}
	if err := g.commitmentKeys(ctx, pk, vk, k); err != nil {
		return nil, nil, err
	}
	if err := g.points2(ctx, pk, vk, q, &s); err != nil {
		return nil, nil, err
	}
	cm := r.CommitmentInfo.(constraint.Groth16Commitments)
	vk.PublicAndCommitmentCommitted = cm.GetPublicAndCommitmentCommitted(cm.CommitmentIndexes(), r.GetNbPublicVariables())
	if err := vk.Precompute(); err != nil {
		return nil, nil, fmt.Errorf("generate keys: %w", err)
	}
	return pk, vk, nil
}

// draw reads a field element as gnark-crypto's SetRandom does: 254 bits, again if they are not below the order.
func draw(r io.Reader, e *fr.Element) error {
	var b [fr.Bytes]byte
	for {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return err
		}
		b[len(b)-1] &= 1<<(fr.Bits%8) - 1
		var limbs [fr.Limbs]uint64
		for i := range limbs {
			limbs[i] = binary.LittleEndian.Uint64(b[8*i:])
		}
		if less(limbs, modulus()) {
			*e = limbs // the number times 2⁻²⁵⁶, which is as random
			return nil
		}
	}
}

func modulus() (limbs [fr.Limbs]uint64) {
	m := fr.Modulus().FillBytes(make([]byte, fr.Bytes))
	for i := range limbs {
		limbs[i] = binary.BigEndian.Uint64(m[fr.Bytes-8*(i+1):])
	}
	return limbs
}

func less(a, b [fr.Limbs]uint64) bool {
	var borrow uint64
	for i := range a {
		_, borrow = bits.Sub64(a[i], b[i], borrow)
	}
	return borrow == 1
}

// polynomials is each wire's polynomials of the three matrices at the secret point.
type polynomials struct{ a, b, c []fr.Element }

func evaluate(r *cs.R1CS, domain *fft.Domain, t *fr.Element) polynomials {
	internal, secret, public := r.GetNbVariables()
	n := internal + secret + public
	q := polynomials{make([]fr.Element, n), make([]fr.Element, n), make([]fr.Element, n)}
	lagrange := lagrangeAt(domain, r.GetNbConstraints(), t)
	row := 0
	add := func(to []fr.Element, l constraint.LinearExpression) {
		for _, term := range l {
			var v fr.Element
			v.Mul(&r.Coefficients[term.CoeffID()], &lagrange[row])
			to[term.WireID()].Add(&to[term.WireID()], &v)
		}
	}
	it := r.GetR1CIterator()
	for c := it.Next(); c != nil; c = it.Next() {
		add(q.a, c.L)
		add(q.b, c.R)
		add(q.c, c.O)
		row++
	}
	return q
}

// lagrangeAt is the first n Lagrange polynomials of the domain at t: w^i·(t^N − 1) / (N·(t − w^i)).
func lagrangeAt(domain *fft.Domain, n int, t *fr.Element) []fr.Element {
	diff, root := make([]fr.Element, n), fr.One()
	for i := range diff {
		diff[i].Sub(t, &root)
		root.Mul(&root, &domain.Generator)
	}
	l := fr.BatchInvert(diff)
	f := vanishing(domain, t)
	f.Mul(&f, &domain.CardinalityInv)
	for i := range l {
		l[i].Mul(&l[i], &f)
		f.Mul(&f, &domain.Generator)
	}
	return l
}

// vanishing is t^N − 1.
func vanishing(domain *fft.Domain, t *fr.Element) (z fr.Element) {
	one := fr.One()
	z.Exp(*t, new(big.Int).SetUint64(domain.Cardinality))
	return *z.Sub(&z, &one)
}

// shares is each wire's β·a + α·b + c, by who multiplies it: the verifier (over γ), the prover (over δ), the commitments (over γ).
type shares struct {
	verifier, prover []fr.Element
	committed        [][]fr.Element
}

func split(r *cs.R1CS, q polynomials, s *secrets) shares {
	var gammaInv, deltaInv fr.Element
	gammaInv.Inverse(&s.gamma)
	deltaInv.Inverse(&s.delta)
	cm := r.CommitmentInfo.(constraint.Groth16Commitments)
	k := shares{committed: make([][]fr.Element, len(cm))}
	const mine, value = -1, -2 // of the prover; a commitment's value
	owner := make([]int, len(q.a))
	for i := range owner {
		owner[i] = mine
		if i < r.GetNbPublicVariables() {
			owner[i] = value
		}
	}
	for i := range cm {
		owner[cm[i].CommitmentIndex] = value
		for _, w := range cm[i].PrivateCommitted {
			owner[w] = i
		}
	}
	for i := range owner {
		var v, w fr.Element
		v.Mul(&q.a[i], &s.beta)
		w.Mul(&q.b[i], &s.alpha)
		v.Add(&v, &w)
		v.Add(&v, &q.c[i])
		switch owner[i] {
		case mine:
			k.prover = append(k.prover, *v.Mul(&v, &deltaInv))
		case value:
			k.verifier = append(k.verifier, *v.Mul(&v, &gammaInv))
		default:
			k.committed[owner[i]] = append(k.committed[owner[i]], *v.Mul(&v, &gammaInv))
		}
	}
	return k
}

// powers is t^i·(t^N − 1)/δ for i < N − 1, each at its bit-reversed place but for the last place, which is cut off.
func powers(domain *fft.Domain, s *secrets) []fr.Element {
	z := make([]fr.Element, domain.Cardinality)
	f := vanishing(domain, &s.t)
	var deltaInv fr.Element
	f.Mul(&f, deltaInv.Inverse(&s.delta))
	n := bits.Len(uint(len(z))) - 1
	for i := range z {
		z[reversed(i, n)] = f
		f.Mul(&f, &s.t)
	}
	return z[:len(z)-1]
}

// nonzero returns the elements that are not zero, and where zeros were.
func nonzero(v []fr.Element) (some []fr.Element, zero []bool) {
	zero = make([]bool, len(v))
	some = make([]fr.Element, 0, len(v))
	for i := range v {
		if zero[i] = v[i].IsZero(); !zero[i] {
			some = append(some, v[i])
		}
	}
	return some, zero
}

func (g *Generator) points1(ctx context.Context, pk *groth16.ProvingKey, vk *groth16.VerifyingKey, q polynomials, k shares, s *secrets) error {
	a, infA := nonzero(q.a)
	b, infB := nonzero(q.b)
	pk.InfinityA, pk.InfinityB = infA, infB
	pk.NbInfinityA, pk.NbInfinityB = uint64(len(q.a)-len(a)), uint64(len(q.b)-len(b))
	var fixed []bn254.G1Affine
	for _, p := range []struct {
		scalars []fr.Element
		out     *[]bn254.G1Affine
	}{
		{[]fr.Element{s.alpha, s.beta, s.delta}, &fixed}, {a, &pk.G1.A}, {b, &pk.G1.B},
		{powers(&pk.Domain, s), &pk.G1.Z}, {k.verifier, &vk.G1.K}, {k.prover, &pk.G1.K},
	} {
		var err error
		if *p.out, err = g.multiply1(ctx, p.scalars); err != nil {
			return err
		}
	}
	pk.G1.Alpha, pk.G1.Beta, pk.G1.Delta = fixed[0], fixed[1], fixed[2]
	vk.G1.Alpha, vk.G1.Beta, vk.G1.Delta = fixed[0], fixed[1], fixed[2]
	return nil
}

// commitmentKeys makes the Pedersen keys, with one point of G2 for all.
func (g *Generator) commitmentKeys(ctx context.Context, pk *groth16.ProvingKey, vk *groth16.VerifyingKey, k shares) error {
	var seed [fr.Bytes]byte
	if _, err := io.ReadFull(g.random, seed[:]); err != nil {
		return fmt.Errorf("generate keys: %w", err)
	}
	base, err := bn254.HashToG2(seed[:], []byte("random on g2"))
	if err != nil {
		return fmt.Errorf("generate keys: %w", err)
	}
	for _, scalars := range k.committed {
		limit := new(big.Int).Sub(fr.Modulus(), big.NewInt(1))
		n, err := rand.Int(g.random, limit)
		if err != nil {
			return fmt.Errorf("generate keys: %w", err)
		}
		n.Add(n, big.NewInt(1))
		var key pedersen.ProvingKey
		if key.Basis, err = g.multiply1(ctx, scalars); err != nil {
			return err
		}
		var sigma fr.Element
		sigma.SetBigInt(n)
		shifted := make([]fr.Element, len(scalars))
		for i := range shifted {
			shifted[i].Mul(&scalars[i], &sigma)
		}
		if key.BasisExpSigma, err = g.multiply1(ctx, shifted); err != nil {
			return err
		}
		check := pedersen.VerifyingKey{G: base}
		check.GSigmaNeg.ScalarMultiplication(&base, n.Neg(n))
		pk.CommitmentKeys, vk.CommitmentKeys = append(pk.CommitmentKeys, key), append(vk.CommitmentKeys, check)
	}
	return nil
}

func (g *Generator) points2(ctx context.Context, pk *groth16.ProvingKey, vk *groth16.VerifyingKey, q polynomials, s *secrets) error {
	b, _ := nonzero(q.b)
	points, err := g.multiply2(ctx, append(b, s.beta, s.delta, s.gamma))
	if err != nil {
		return err
	}
	n := len(b)
	pk.G2.B, pk.G2.Beta, pk.G2.Delta = points[:n:n], points[n], points[n+1]
	vk.G2.Beta, vk.G2.Delta, vk.G2.Gamma = points[n], points[n+1], points[n+2]
	return nil
}
