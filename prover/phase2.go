package prover

import (
	"context"
	"fmt"
	"math/big"
	"math/bits"
	"runtime"
	"slices"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	"github.com/consensys/gnark/backend/groth16/bn254/mpcsetup"
	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"
	"golang.org/x/sync/errgroup"
)

// How the second phase begins for a circuit. gnark has it too (Phase2.Initialize), with two differences: there each circuit's domain is that of the
// powers, here it is the circuit's own, so that a small circuit of a family has a small key; and what depends on the size alone, which is nearly all of the
// work, is done once for all circuits of a size.

// bases are the Lagrange polynomials of a domain at τ, in the multiples that keys are made of.
type bases struct {
	commons          mpcsetup.SrsCommons // cut to the size
	tau, alpha, beta []bn254.G1Affine
	tau2             []bn254.G2Affine
}

// of returns the bases for circuits of so many constraints.
func (p *Powers) of(constraints int) (*bases, error) {
	n := PowersFor(constraints)
	if n > p.size {
		return nil, fmt.Errorf("%w: powers of size %d are for no circuit of %d constraints", ErrCeremony, p.size, constraints)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.bases[n]; b != nil {
		return b, nil
	}
	b := &bases{commons: p.commons}
	b.commons.G1.Tau = p.commons.G1.Tau[: 2*n-1 : 2*n-1]
	b.commons.G1.AlphaTau, b.commons.G1.BetaTau = p.commons.G1.AlphaTau[:n:n], p.commons.G1.BetaTau[:n:n]
	b.commons.G2.Tau = p.commons.G2.Tau[:n:n]
	b.tau, b.alpha, b.beta = lagrange(b.commons.G1.Tau[:n]), lagrange(b.commons.G1.AlphaTau), lagrange(b.commons.G1.BetaTau)
	b.tau2 = lagrange(b.commons.G2.Tau)
	p.bases[n] = b
	return b, nil
}

// group is a group of points.
type group[T any] interface {
	*T
	Add(a, b *T) *T
	Sub(a, b *T) *T
	ScalarMultiplication(a *T, s *big.Int) *T
}

// lagrange turns the powers of τ, in some multiple, into the Lagrange polynomials at τ of the domain that has as many elements: an inverse Fourier
// transform, by decimation in frequency.
func lagrange[T any, P group[T]](powers []T) []T {
	n := len(powers)
	domain := fft.NewDomain(uint64(n))
	a, out := slices.Clone(powers), make([]T, n)
	roots := make([]big.Int, n/2)
	root := fr.One()
	for i := range roots {
		root.BigInt(&roots[i])
		root.Mul(&root, &domain.GeneratorInv)
	}
	for half := n / 2; half > 0; half /= 2 {
		evenly(n/2, func(k int) {
			i := k/half*2*half + k%half
			t := a[i]
			P(&a[i]).Add(&a[i], &a[i+half])
			P(&a[i+half]).Sub(&t, &a[i+half])
			if k%half > 0 {
				P(&a[i+half]).ScalarMultiplication(&a[i+half], &roots[k%half*(n/2/half)])
			}
		})
	}
	var scale big.Int
	domain.CardinalityInv.BigInt(&scale)
	size := bits.TrailingZeros(uint(n))
	evenly(n, func(i int) { P(&out[reversed(i, size)]).ScalarMultiplication(&a[i], &scale) })
	return out
}

// evenly calls f for 0, …, n−1, on all processors.
func evenly(n int, f func(i int)) {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	stretch := stretch(n)
	for from := 0; from < n; from += stretch {
		g.Go(func() error {
			for i := from; i < min(from+stretch, n); i++ {
				f(i)
			}
			return nil
		})
	}
	_ = g.Wait() // none of them fails
}

// sumsOf are sums of multiples of points, by wire.
func sumsOf[J any](wires int, r *cs.R1CS, sides func(*constraint.R1C) []constraint.LinearExpression, add func(sum *J, t constraint.Term, side, i int)) []J {
	sums := make([]J, wires)
	it := r.GetR1CIterator()
	i := 0
	for c := it.Next(); c != nil; c = it.Next() {
		for side, l := range sides(c) {
			for _, t := range l {
				if t.CoeffID() != constraint.CoeffIdZero {
					add(&sums[t.WireID()], t, side, i)
				}
			}
		}
		i++
	}
	return sums
}

// beginning is what the second phase for a circuit begins with.
type beginning struct {
	step        *mpcsetup.Phase2
	evaluations *mpcsetup.Phase2Evaluations // what no contribution changes
	commons     *mpcsetup.SrsCommons        // as far as the circuit needs them
}

func (p *Powers) begin(c *Circuit) (*beginning, error) {
	r, err := c.compile()
	if err != nil {
		return nil, err
	}
	b, err := p.of(r.GetNbConstraints())
	if err != nil {
		return nil, err
	}
	ph, err := blank(c)
	if err != nil {
		return nil, err
	}
	internal, secret, public := r.GetNbVariables()
	wires := internal + secret + public
	one := func(base []bn254.G1Affine) func(*bn254.G1Jac, constraint.Term, int, int) {
		return func(sum *bn254.G1Jac, t constraint.Term, _, i int) { add(sum, r, t, &base[i]) }
	}
	left := func(c *constraint.R1C) []constraint.LinearExpression { return []constraint.LinearExpression{c.L} }
	right := func(c *constraint.R1C) []constraint.LinearExpression { return []constraint.LinearExpression{c.R} }
	e := new(mpcsetup.Phase2Evaluations)
	var k []bn254.G1Affine // βA + αB + C
	g, _ := errgroup.WithContext(context.Background())
	g.SetLimit(runtime.GOMAXPROCS(0))
	g.Go(func() error { e.G1.A = bn254.BatchJacobianToAffineG1(sumsOf(wires, r, left, one(b.tau))); return nil })
	g.Go(func() error { e.G1.B = bn254.BatchJacobianToAffineG1(sumsOf(wires, r, right, one(b.tau))); return nil })
	g.Go(func() error {
		sums := sumsOf(wires, r, right, func(sum *bn254.G2Jac, t constraint.Term, _, i int) { add(sum, r, t, &b.tau2[i]) })
		e.G2.B = make([]bn254.G2Affine, wires)
		for i := range sums {
			e.G2.B[i].FromJacobian(&sums[i])
		}
		return nil
	})
	g.Go(func() error {
		of := [][]bn254.G1Affine{b.beta, b.alpha, b.tau}
		k = bn254.BatchJacobianToAffineG1(sumsOf(wires, r, func(c *constraint.R1C) []constraint.LinearExpression {
			return []constraint.LinearExpression{c.L, c.R, c.O}
		}, func(sum *bn254.G1Jac, t constraint.Term, side, i int) { add(sum, r, t, &of[side][i]) }))
		return nil
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}

	_, _, g1, g2 := bn254.Generators()
	q := &ph.Parameters
	q.G1.Delta, q.G2.Delta, q.G2.Sigma[0] = g1, g2, g2
	n := len(q.G1.Z) + 1
	size := bits.TrailingZeros(uint(n))
	for i := range q.G1.Z { // τⁱ(τⁿ − 1), where gnark has it; the last one, which there is not, is in its own place
		at := reversed(i, size)
		q.G1.Z[i].Sub(&b.commons.G1.Tau[at+n], &b.commons.G1.Tau[at])
	}
	commitments := r.CommitmentInfo.(constraint.Groth16Commitments)
	committed := make(map[int]bool)
	for _, w := range commitments[0].PrivateCommitted {
		committed[w] = true
	}
	q.G1.PKK = q.G1.PKK[:0]
	var ckk []bn254.G1Affine
	for w := range k {
		switch {
		case committed[w]:
			ckk = append(ckk, k[w])
		case w < public || w == commitments[0].CommitmentIndex:
			e.G1.VKK = append(e.G1.VKK, k[w])
		default:
			q.G1.PKK = append(q.G1.PKK, k[w])
		}
	}
	e.G1.CKK, q.G1.SigmaCKK = [][]bn254.G1Affine{ckk}, [][]bn254.G1Affine{slices.Clone(ckk)}
	e.PublicAndCommitmentCommitted = commitments.GetPublicAndCommitmentCommitted(commitments.CommitmentIndexes(), public)
	return &beginning{ph, e, &b.commons}, nil
}

// jacobian is a group of points as sums are best made.
type jacobian[J, A any] interface {
	*J
	FromAffine(a *A) *J
	AddMixed(a *A) *J
	AddAssign(a *J) *J
	SubAssign(a *J) *J
	ScalarMultiplication(a *J, s *big.Int) *J
}

// add adds a term's multiple of a point.
func add[J, A any, P jacobian[J, A]](sum *J, r *cs.R1CS, t constraint.Term, base *A) {
	if t.CoeffID() == constraint.CoeffIdOne {
		P(sum).AddMixed(base)
		return
	}
	var j J
	P(&j).FromAffine(base)
	k := r.Coefficients[t.CoeffID()]
	minus := k.LexicographicallyLargest() // many are small with one sign
	if minus {
		k.Neg(&k)
	}
	if !k.IsOne() {
		P(&j).ScalarMultiplication(&j, k.BigInt(new(big.Int)))
	}
	if minus {
		P(sum).SubAssign(&j)
	} else {
		P(sum).AddAssign(&j)
	}
}
