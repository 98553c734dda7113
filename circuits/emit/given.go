package emit

import (
	"errors"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/trilemma-dev/trilemma/circuits"
)

// ErrLayout says that parts of some shapes cannot hold what a verifier knows.
var ErrLayout = errors.New("the parts do not fit the statement")

// Givens computes the public inputs of the parts of a proof from what the verifier knows.
type Givens struct {
	sys      *System
	shapes   []*Shape
	contents circuits.Contents
	from     [][]int // by part and chip
}

// Givens prepares the public inputs for parts of these shapes. The error wraps [ErrLayout] if they have no room for a row that has
// to be there, or if a chip that has exactly one row does not. Of tables of free multiplicity no row has to be there.
func (s *System) Givens(shapes []*Shape, contents circuits.Contents) (*Givens, error) {
	g := &Givens{sys: s, shapes: shapes, contents: contents}
	next := make([]int, len(s.plans))
	for _, sh := range shapes {
		g.from = append(g.from, append([]int{}, next...))
		for i := range next {
			next[i] += sh.rows[i]
		}
	}
	for i, p := range s.plans {
		if p.chip.Once && next[i] != 1 {
			return nil, fmt.Errorf("%w: %d rows of %s instead of one", ErrLayout, next[i], p.chip.Name)
		}
		if n := len(contents[p.chip.Name].Rows); len(p.given) > 0 && !p.free() && next[i] < n {
			return nil, fmt.Errorf("%w: room for %d of %d rows of %s", ErrLayout, next[i], n, p.chip.Name)
		}
	}
	return g, nil
}

// Of is the given inputs of a part, at challenges in the order of [System.Labels]: none, or the value of the polynomial whose coefficients are the given wires of
// all rows, the first one the highest.
func (g *Givens) Of(part int, shared []fr.Element) []fr.Element {
	sh := g.shapes[part]
	if sh.Given() == 0 {
		return nil
	}
	var at fr.Element
	var a numbersAlgebra
	x := &shared[g.sys.point]
	for i, p := range g.sys.plans {
		if len(p.given) == 0 {
			continue
		}
		content := g.contents[p.chip.Name]
		row, columns := make([]uint64, len(p.chip.Columns)), make([]fr.Element, len(p.chip.Columns))
		pad := make([]fr.Element, len(p.wires))
		p.pad(pad, content)
		for k := range sh.rows[i] {
			n := g.from[part][i] + k
			known := n < len(content.Rows)
			if known {
				p.scatter(row, content, n)
				for c := range row {
					columns[c].SetUint64(row[c])
				}
			}
			for _, w := range p.given {
				at.Mul(&at, x)
				v := pad[w]
				if known {
					v = a.lin(&p.wires[w].of, columns)
				}
				at.Add(&at, &v)
			}
		}
	}
	return []fr.Element{at}
}
