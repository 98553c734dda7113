package prover

import (
	"crypto/rand"
	"io"
	"math/big"
	"math/bits"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	"github.com/consensys/gnark-crypto/utils"
)

// grid is where a PLONK prover evaluates: the domain of n rows, and a coset of one four times as large, on which quotients are computed.
type grid struct {
	n     int
	rows  *fft.Domain
	coset *fft.Domain

	x         []fr.Element  // points of the coset, in the order of its transform, which is bit-reversed
	vanishing [4]fr.Element // 1/(xⁿ − 1), which has four values, by the natural index modulo 4
}

func newGrid(n uint64) *grid {
	g := &grid{n: int(n), rows: fft.NewDomain(n), coset: fft.NewDomain(4 * n)}
	g.x = make([]fr.Element, 4*n)
	x := g.coset.FrMultiplicativeGen
	size, one := bits.TrailingZeros64(4*n), fr.One()
	for i := range g.x {
		g.x[reversed(i, size)] = x
		if i < 4 {
			g.vanishing[i].Exp(x, new(big.Int).SetUint64(n))
			g.vanishing[i].Sub(&g.vanishing[i], &one)
			g.vanishing[i].Inverse(&g.vanishing[i])
		}
		x.Mul(&x, &g.coset.Generator)
	}
	return g
}

// interpolate is the polynomial that has these values on the rows, with room for what blinds it.
func (g *grid) interpolate(values []fr.Element) []fr.Element {
	p := make([]fr.Element, g.n, g.n+blinds)
	copy(p, values)
	g.rows.FFTInverse(p, fft.DIF)
	utils.BitReverse(p)
	return p
}

// blind adds a random multiple of Xⁿ − 1 of a degree below that many numbers.
func (g *grid) blind(p []fr.Element, by []fr.Element) []fr.Element {
	for i := range by {
		p[i].Sub(&p[i], &by[i])
	}
	return append(p, by...)
}

// evaluate is the values of a polynomial on the coset, in the order of g.x.
func (g *grid) evaluate(p []fr.Element) []fr.Element {
	v := make([]fr.Element, 4*g.n)
	copy(v, p)
	g.coset.FFT(v, fft.DIF, fft.OnCoset())
	return v
}

// quotient divides what has these values on the coset by Xⁿ − 1, and returns the polynomial, in the place of the values.
func (g *grid) quotient(v []fr.Element) []fr.Element {
	size := bits.TrailingZeros(uint(len(v)))
	evenly(len(v), func(i int) { v[i].Mul(&v[i], &g.vanishing[reversed(i, size)%4]) })
	g.coset.FFTInverse(v, fft.DIT, fft.OnCoset())
	return v
}

// at evaluates a polynomial.
func at(p []fr.Element, x *fr.Element) (y fr.Element) {
	for i := len(p) - 1; i >= 0; i-- {
		y.Mul(&y, x)
		y.Add(&y, &p[i])
	}
	return y
}

// scaled is p(k·X).
func scaled(p []fr.Element, k *fr.Element) []fr.Element {
	out, power := make([]fr.Element, len(p)), fr.One()
	for i := range p {
		out[i].Mul(&p[i], &power)
		power.Mul(&power, k)
	}
	return out
}

// random draws numbers from the system's random source.
func random(n int) ([]fr.Element, error) {
	out := make([]fr.Element, n)
	for i := range out {
		if err := draw(io.Reader(rand.Reader), &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}
