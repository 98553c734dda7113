package emit

import (
	"slices"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/trilemma-dev/trilemma/circuits"
)

// lin is a polynomial of degree 1 over the wires of a row.
type lin struct {
	k     fr.Element
	terms []term
}

type term struct {
	wire int
	coef fr.Element
}

func (l *lin) constant() bool { return len(l.terms) == 0 }

// compileLin turns a Lin over columns into a lin over columns.
func compileLin(l circuits.Lin) (out lin) {
	out.k.SetBigInt(l.K())
	for _, t := range l.Terms {
		var c fr.Element
		c.SetBigInt(t.Coef)
		out.terms = append(out.terms, term{t.Column, c})
	}
	return out
}

func sameLin(a, b *lin) bool {
	return a.k == b.k && slices.Equal(a.terms, b.terms)
}

// law is a sum that is zero: a linear part, and products of two or three factors that are no constants.
type law struct {
	linear   lin
	products [][]lin
}

// law writes a constraint over wires.
func (p *plan) law(sum []circuits.Product, keep []bool) (l law) {
	for _, product := range sum {
		k := fr.One()
		var factors []lin
		for _, f := range product {
			if o := p.over(f, keep); o.constant() {
				k.Mul(&k, &o.k)
			} else {
				factors = append(factors, o)
			}
		}
		switch len(factors) {
		case 0:
			l.linear.k.Add(&l.linear.k, &k)
		case 1:
			f := factors[0].times(&k)
			l.linear = l.linear.plus(&f)
		default:
			factors[0] = factors[0].times(&k)
			l.products = append(l.products, factors)
		}
	}
	return l
}

// only reports whether a law is about one wire.
func (l *law) only(wire int) bool {
	is := func(x *lin) bool {
		return !slices.ContainsFunc(x.terms, func(t term) bool { return t.wire != wire })
	}
	for _, p := range l.products {
		for i := range p {
			if !is(&p[i]) {
				return false
			}
		}
	}
	return is(&l.linear)
}

func (l *lin) times(k *fr.Element) (out lin) {
	out.k.Mul(&l.k, k)
	for _, t := range l.terms {
		t.coef.Mul(&t.coef, k)
		out.terms = append(out.terms, t)
	}
	return out
}

func (l *lin) plus(m *lin) (out lin) {
	out.k.Add(&l.k, &m.k)
	out.terms = append(slices.Clone(l.terms), m.terms...)
	return out
}
