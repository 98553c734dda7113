package prover

import (
	"context"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// usual is how many multiplications a table is made for when a generator is first used: those of a circuit of 2¹⁷ constraints.
const usual = 1 << 17

func (g *Generator) multiply1(ctx context.Context, scalars []fr.Element) ([]bn254.G1Affine, error) {
	if g.g1 == nil {
		_, _, base, _ := bn254.Generators()
		g.g1 = newTable[fp.Element, *fp.Element](point[fp.Element](base), 3*usual)
	}
	points := make([]point[fp.Element], len(scalars))
	if err := g.g1.multiply(ctx, scalars, points); err != nil {
		return nil, err
	}
	out := make([]bn254.G1Affine, len(points))
	for i := range points {
		out[i] = bn254.G1Affine(points[i])
	}
	return out, nil
}

func (g *Generator) multiply2(ctx context.Context, scalars []fr.Element) ([]bn254.G2Affine, error) {
	if g.g2 == nil {
		_, _, _, base := bn254.Generators()
		g.g2 = newTable[bn254.E2, *bn254.E2](point[bn254.E2](base), usual/4)
	}
	points := make([]point[bn254.E2], len(scalars))
	if err := g.g2.multiply(ctx, scalars, points); err != nil {
		return nil, err
	}
	out := make([]bn254.G2Affine, len(points))
	for i := range points {
		out[i] = bn254.G2Affine(points[i])
	}
	return out, nil
}
