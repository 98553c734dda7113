package prover

import (
	"crypto/sha256"
	"errors"
	"math/big"
	"slices"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/kzg"
	fiatshamir "github.com/consensys/gnark-crypto/fiat-shamir"
	gnarkplonk "github.com/consensys/gnark/backend/plonk/bn254"
	cs "github.com/consensys/gnark/constraint/bn254"
)

// gnark's PLONK prover draws the blinding of the commitment to columns in the middle of solving, when the public inputs are fixed already; here these are
// challenges that depend on that commitment, of all parts. So the prover is ours, after the paper (eprint 2019/953, section 8.3) with the commitment of BSB22; what it
// makes is a proof as gnark's verifier wants it.

// plonkProof is a proof in the making. All polynomials but those of values are lists of coefficients, the lowest first.
type plonkProof struct {
	grid   *grid
	ref    *Reference
	vk     *gnarkplonk.VerifyingKey
	fixed  fixed
	public []fr.Element // and the commitment's value
	proof  gnarkplonk.Proof
	fs     *fiatshamir.Transcript

	values  [3][]fr.Element // L, R, O on the rows
	lro     [3][]fr.Element
	columns []fr.Element // committed to
	z       []fr.Element
	h       [3][]fr.Element

	gamma, beta, alpha, zeta fr.Element
}

// fixed is what a circuit is: selectors and permutation. Of the permutation and the constants the values on the rows are there too.
type fixed struct {
	ql, qr, qm, qo, qk, qcp []fr.Element
	s                       [3][]fr.Element
	sValues                 [3][]fr.Element
	constants               []fr.Element
}

func newFixed(system *cs.SparseR1CS, g *grid) fixed {
	t := gnarkplonk.NewTrace(system, g.rows)
	f := fixed{constants: t.Qk.Coefficients(), sValues: [3][]fr.Element{t.S1.Coefficients(), t.S2.Coefficients(), t.S3.Coefficients()}}
	f.ql, f.qr, f.qm = g.interpolate(t.Ql.Coefficients()), g.interpolate(t.Qr.Coefficients()), g.interpolate(t.Qm.Coefficients())
	f.qo, f.qk, f.qcp = g.interpolate(t.Qo.Coefficients()), g.interpolate(f.constants), g.interpolate(t.Qcp[0].Coefficients())
	for i := range f.s {
		f.s[i] = g.interpolate(f.sValues[i])
	}
	return f
}

// newPlonkProof begins a proof of a solution. columns is what commitment commits to, on the rows; public are the public inputs, and behind them the commitment's value.
func newPlonkProof(system *cs.SparseR1CS, solution *cs.SparseR1CSSolution, ref *Reference, vk *gnarkplonk.VerifyingKey, columns []fr.Element, commitment bn254.G1Affine,
	public []fr.Element) *plonkProof {
	p := &plonkProof{grid: newGrid(ref.size), ref: ref, vk: vk, public: public,
		fs: fiatshamir.NewTranscript(sha256.New(), "gamma", "beta", "alpha", "zeta")}
	p.fixed = newFixed(system, p.grid)
	p.values = [3][]fr.Element{solution.L, solution.R, solution.O}
	p.proof.Bsb22Commitments = []bn254.G1Affine{commitment}
	p.columns = p.grid.interpolate(columns)
	return p
}

// finish makes the proof.
func (p *plonkProof) finish() (*gnarkplonk.Proof, error) {
	for _, step := range []func() error{p.wires, p.product, p.divide, p.open} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return &p.proof, nil
}

// commitBlinded commits to values on the rows, and to what blinds their polynomial: b(X)·(Xⁿ − 1).
func (r *Reference) commitBlinded(values, by []fr.Element) (bn254.G1Affine, error) {
	c, err := kzg.Commit(values, r.lagrange)
	if err != nil || len(by) == 0 {
		return c, err
	}
	points, scalars := make([]bn254.G1Affine, 0, 2*len(by)), make([]fr.Element, 0, 2*len(by))
	for i := range by {
		points = append(points, r.powers.G1[int(r.size)+i], r.powers.G1[i])
		scalars = append(scalars, by[i], *new(fr.Element).Neg(&by[i]))
	}
	var b bn254.G1Affine
	if _, err := b.MultiExp(points, scalars, ecc.MultiExpConfig{}); err != nil {
		return c, err
	}
	return *c.Add(&c, &b), nil
}

// challenge binds points and derives a challenge, as gnark's verifier does.
func (p *plonkProof) challenge(name string, out *fr.Element, points ...*bn254.G1Affine) error {
	for _, g := range points {
		b := g.RawBytes()
		if err := p.fs.Bind(name, b[:]); err != nil {
			return err
		}
	}
	b, err := p.fs.ComputeChallenge(name)
	out.SetBytes(b)
	return err
}

// wires commits to L, R and O (round 1).
func (p *plonkProof) wires() error {
	for i := range p.values {
		by, err := random(2)
		if err != nil {
			return err
		}
		if p.proof.LRO[i], err = p.ref.commitBlinded(p.values[i], by); err != nil {
			return err
		}
		p.lro[i] = p.grid.blind(p.grid.interpolate(p.values[i]), by)
	}
	vk := p.vk
	points := []*bn254.G1Affine{&vk.S[0], &vk.S[1], &vk.S[2], &vk.Ql, &vk.Qr, &vk.Qm, &vk.Qo, &vk.Qk, &vk.Qcp[0]}
	for _, g := range points {
		if err := p.fs.Bind("gamma", g.Marshal()); err != nil {
			return err
		}
	}
	for i := range p.public[:len(p.public)-1] {
		if err := p.fs.Bind("gamma", p.public[i].Marshal()); err != nil {
			return err
		}
	}
	if err := p.challenge("gamma", &p.gamma, &p.proof.LRO[0], &p.proof.LRO[1], &p.proof.LRO[2]); err != nil {
		return err
	}
	return p.challenge("beta", &p.beta)
}

// product commits to Z, the running product of the copy constraints (round 2).
func (p *plonkProof) product() error {
	n := p.grid.n
	s := p.fixed.sValues
	num, den := make([]fr.Element, n), make([]fr.Element, n)
	roots := make([]fr.Element, n)
	roots[0].SetOne()
	for i := range n - 1 {
		roots[i+1].Mul(&roots[i], &p.grid.rows.Generator)
	}
	shift := [3]fr.Element{fr.One(), p.vk.CosetShift, *new(fr.Element).Square(&p.vk.CosetShift)}
	evenly(n, func(i int) {
		num[i].SetOne()
		den[i].SetOne()
		for k := range s {
			var id, t fr.Element
			id.Mul(&roots[i], &shift[k])
			num[i].Mul(&num[i], p.factor(&t, &p.values[k][i], &id))
			den[i].Mul(&den[i], p.factor(&t, &p.values[k][i], &s[k][i]))
		}
	})
	den = fr.BatchInvert(den)
	z := make([]fr.Element, n)
	z[0].SetOne()
	for i := range n - 1 {
		z[i+1].Mul(&z[i], &num[i])
		z[i+1].Mul(&z[i+1], &den[i])
	}
	by, err := random(3)
	if err != nil {
		return err
	}
	if p.proof.Z, err = p.ref.commitBlinded(z, by); err != nil {
		return err
	}
	p.z = p.grid.blind(p.grid.interpolate(z), by)
	return p.challenge("alpha", &p.alpha, &p.proof.Bsb22Commitments[0], &p.proof.Z)
}

// factor is value + β·id + γ.
func (p *plonkProof) factor(out, value, id *fr.Element) *fr.Element {
	out.Mul(id, &p.beta)
	out.Add(out, value)
	return out.Add(out, &p.gamma)
}

// divide commits to the quotient (round 3).
func (p *plonkProof) divide() error {
	h := p.quotient()
	for i := 3 * (p.grid.n + 2); i < len(h); i++ {
		if !h[i].IsZero() {
			return errors.New("the constraints are not satisfied")
		}
	}
	return p.thirds(h)
}

// quotient is h: with all constraints on the rows as polynomials,
//
//	gate + α·(Z(ωX)·Π(wire + β·S + γ) − Z·Π(wire + β·shift·X + γ)) + α²·L₁·(Z − 1) = h·(Xⁿ − 1)
func (p *plonkProof) quotient() []fr.Element {
	g, f := p.grid, &p.fixed
	l, r, o, z := g.evaluate(p.lro[0]), g.evaluate(p.lro[1]), g.evaluate(p.lro[2]), g.evaluate(p.z)
	next := g.evaluate(scaled(p.z, &g.rows.Generator))

	sum := g.evaluate(g.interpolate(p.constants()))
	for _, gate := range []struct{ q, a, b []fr.Element }{
		{f.ql, l, nil}, {f.qr, r, nil}, {f.qo, o, nil}, {f.qm, l, r}, {f.qcp, g.evaluate(p.columns), nil},
	} {
		q := g.evaluate(gate.q)
		evenly(len(sum), func(i int) {
			q[i].Mul(&q[i], &gate.a[i])
			if gate.b != nil {
				q[i].Mul(&q[i], &gate.b[i])
			}
			sum[i].Add(&sum[i], &q[i])
		})
	}
	first := make([]fr.Element, g.n)
	first[0].SetOne()
	first = g.evaluate(g.interpolate(first))
	s := [3][]fr.Element{g.evaluate(f.s[0]), g.evaluate(f.s[1]), g.evaluate(f.s[2])}
	wires := [3][]fr.Element{l, r, o}
	one := fr.One()
	evenly(len(sum), func(i int) {
		copied, id, e, x := next[i], z[i], fr.Element{}, g.x[i]
		for k := range s {
			copied.Mul(&copied, p.factor(&e, &wires[k][i], &s[k][i]))
			id.Mul(&id, p.factor(&e, &wires[k][i], &x))
			x.Mul(&x, &p.vk.CosetShift)
		}
		e.Sub(&z[i], &one)
		e.Mul(&e, &first[i])
		e.Mul(&e, &p.alpha)
		copied.Sub(&copied, &id)
		copied.Add(&copied, &e)
		copied.Mul(&copied, &p.alpha)
		sum[i].Add(&sum[i], &copied)
	})
	return g.quotient(sum)
}

// thirds commits to the quotient in three parts, each blinded against the next.
func (p *plonkProof) thirds(h []fr.Element) error {
	part := p.grid.n + 2
	by, err := random(2)
	if err != nil {
		return err
	}
	for i := range p.h {
		p.h[i] = append(make([]fr.Element, 0, part+1), h[i*part:(i+1)*part]...)
		if i > 0 {
			p.h[i][0].Sub(&p.h[i][0], &by[i-1])
		}
		if i < 2 {
			p.h[i] = append(p.h[i], by[i])
		}
		if p.proof.H[i], err = kzg.Commit(p.h[i], p.ref.powers); err != nil {
			return err
		}
	}
	return p.challenge("zeta", &p.zeta, &p.proof.H[0], &p.proof.H[1], &p.proof.H[2])
}

// constants are what is added in each row: the circuit's constants, public inputs, and the commitment's value.
func (p *plonkProof) constants() []fr.Element {
	c := slices.Clone(p.fixed.constants)
	n := len(p.public) - 1
	copy(c, p.public[:n])
	c[n+int(p.vk.CommitmentConstraintIndexes[0])] = p.public[n]
	return c
}

// open opens all polynomials that the verifier needs at ζ, and Z at the next row's ωζ (rounds 4 and 5).
func (p *plonkProof) open() (err error) {
	g, c := p.grid, &p.fixed
	var next fr.Element
	next.Mul(&p.zeta, &g.rows.Generator)
	if p.proof.ZShiftedOpening, err = kzg.Open(p.z, next, p.ref.powers); err != nil {
		return err
	}
	zu := p.proof.ZShiftedOpening.ClaimedValue
	l, r, o := at(p.lro[0], &p.zeta), at(p.lro[1], &p.zeta), at(p.lro[2], &p.zeta)
	v1, v2, vq := at(c.s[0], &p.zeta), at(c.s[1], &p.zeta), at(c.qcp, &p.zeta)

	var f, copied, id, lr, zn, vanishing, shifted fr.Element
	lr.Mul(&l, &r)
	copied.Mul(&p.alpha, &p.beta)
	copied.Mul(&copied, &zu)
	copied.Mul(&copied, p.factor(&f, &l, &v1))
	copied.Mul(&copied, p.factor(&f, &r, &v2)) // α·β·Z(ωζ)·(l + β·s1 + γ)·(r + β·s2 + γ)
	id.Set(&p.alpha)
	shifted.Set(&p.zeta)
	for _, w := range []*fr.Element{&l, &r, &o} {
		id.Mul(&id, p.factor(&f, w, &shifted))
		shifted.Mul(&shifted, &p.vk.CosetShift)
	}
	one := fr.One()
	vanishing.Exp(p.zeta, big.NewInt(int64(g.n)))
	vanishing.Sub(&vanishing, &one)
	var lagrange fr.Element // α²·L₁(ζ)
	lagrange.Sub(&p.zeta, &one)
	lagrange.Div(&vanishing, &lagrange)
	lagrange.Mul(&lagrange, &g.rows.CardinalityInv)
	lagrange.Mul(&lagrange, &p.alpha)
	lagrange.Mul(&lagrange, &p.alpha)
	id.Sub(&lagrange, &id)
	vanishing.Neg(&vanishing)
	zn.Exp(p.zeta, big.NewInt(int64(g.n)+2))
	var second, third fr.Element
	second.Mul(&vanishing, &zn)
	third.Mul(&second, &zn)

	linear := make([]fr.Element, g.n+blinds)
	var points []bn254.G1Affine
	var scalars []fr.Element
	for _, term := range []struct {
		by    fr.Element
		of    []fr.Element
		point bn254.G1Affine
	}{
		{vq, p.columns, p.proof.Bsb22Commitments[0]}, {l, c.ql, p.vk.Ql}, {r, c.qr, p.vk.Qr},
		{lr, c.qm, p.vk.Qm}, {o, c.qo, p.vk.Qo}, {one, c.qk, p.vk.Qk}, {copied, c.s[2], p.vk.S[2]}, {id, p.z, p.proof.Z},
		{vanishing, p.h[0], p.proof.H[0]}, {second, p.h[1], p.proof.H[1]}, {third, p.h[2], p.proof.H[2]},
	} {
		evenly(len(term.of), func(i int) {
			var e fr.Element
			linear[i].Add(&linear[i], e.Mul(&term.of[i], &term.by))
		})
		points, scalars = append(points, term.point), append(scalars, term.by)
	}
	var digest bn254.G1Affine
	if _, err := digest.MultiExp(points, scalars, ecc.MultiExpConfig{}); err != nil {
		return err
	}
	p.proof.BatchedProof, err = kzg.BatchOpenSinglePoint([][]fr.Element{linear, p.lro[0], p.lro[1], p.lro[2], c.s[0], c.s[1], c.qcp},
		[]kzg.Digest{digest, p.proof.LRO[0], p.proof.LRO[1], p.proof.LRO[2], p.vk.S[0], p.vk.S[1], p.vk.Qcp[0]}, p.zeta, sha256.New(), p.ref.powers, zu.Marshal())
	return err
}
