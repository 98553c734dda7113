package prover

import (
	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"
)

// Costs of a wire to whoever proves, in multiples of one with a small value that is in neither matrix's products: a value of full size
// costs about as many windows of a multi-exponentiation more, and a wire of the matrix B has a point in G1 and one in G2, where
// arithmetic is about three times dearer.
const (
	smallWire = 1
	fullWire  = 8
	inA       = 1
	inB       = 1 + 3
)

// swapSides chooses the sides of each constraint's product, L·R = R·L, so that the wires of the matrix B are few and small. gnark puts the
// shorter side into B, which in inverse·(X − small fields) = 1 is the inverse. It changes compiled constraints in place, before
// keys are made; what they say stays the same.
func swapSides(r *cs.R1CS) {
	cost := wireCosts(r)
	a, b := make([]bool, len(cost)), make([]bool, len(cost))
	add := func(terms []uint32, in []bool) {
		for k := 1; k < len(terms); k += 2 {
			in[terms[k]] = true
		}
	}
	price := func(terms []uint32, in []bool, factor int) (sum int) {
		for k := 1; k < len(terms); k += 2 {
			if !in[terms[k]] {
				sum += factor * cost[terms[k]]
			}
		}
		return sum
	}
	for pass := range 2 { // the second time it is known what else is in B
		if pass == 1 {
			clear(a)
		}
		for i := range r.Instructions {
			c := calldata(r, i)
			if c == nil {
				continue
			}
			left, right := 2*int(c[1]), 2*int(c[2])
			l, m := c[4:4+left], c[4+left:4+left+right]
			if price(m, a, inA)+price(l, b, inB) < price(l, a, inA)+price(m, b, inB) {
				swapped := append(append(make([]uint32, 0, left+right), m...), l...)
				copy(c[4:], swapped)
				c[1], c[2] = c[2], c[1]
				l, m = c[4:4+right], c[4+right:4+left+right]
			}
			add(l, a)
			add(m, b)
		}
	}
}

// calldata is instruction i as gnark keeps a constraint: size, lengths of the three sides, then their terms as coefficient and wire. It is nil for any
// other instruction.
func calldata(r *cs.R1CS, i int) []uint32 {
	in := r.Instructions[i]
	if _, ok := r.Blueprints[in.BlueprintID].(*constraint.BlueprintGenericR1C); !ok {
		return nil
	}
	return in.Unpack(&r.System).Calldata
}

// wireCosts tells small wires, which are committed ones and what is linear in them, from full-size ones, which are products with
// challenges and quotients. Public wires are few and count nothing.
func wireCosts(r *cs.R1CS) []int {
	internal, secret, public := r.GetNbVariables()
	cost := make([]int, public+secret+internal)
	for w := range cost {
		if w >= public {
			cost[w] = fullWire
		}
	}
	for _, w := range r.CommitmentInfo.(constraint.Groth16Commitments)[0].PrivateCommitted {
		cost[w] = smallWire
	}
	return cost
}
