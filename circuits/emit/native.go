package emit

import (
	"fmt"
	"slices"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/trilemma-dev/trilemma/circuits/parts"
)

// numbersAlgebra is the arithmetic of field elements.
type numbersAlgebra struct{}

func (numbersAlgebra) lin(l *lin, row []fr.Element) (sum fr.Element) {
	sum = l.k
	for i := range l.terms {
		t := &l.terms[i]
		if t.coef.IsOne() {
			sum.Add(&sum, &row[t.wire])
			continue
		}
		var p fr.Element
		p.Mul(&t.coef, &row[t.wire])
		sum.Add(&sum, &p)
	}
	return sum
}

func (numbersAlgebra) add(a, b fr.Element) fr.Element { return *a.Add(&a, &b) }
func (numbersAlgebra) sub(a, b fr.Element) fr.Element { return *a.Sub(&a, &b) }
func (numbersAlgebra) mul(a, b fr.Element) fr.Element { return *a.Mul(&a, &b) }
func (numbersAlgebra) one() fr.Element                { return fr.One() }

// Sum is what rows leave on the buses: what the circuit of the shape returns. The columns are all the shape's.
func (sh *Shape) Sum(columns []fr.Element, ch *parts.Challenges) (sum fr.Element, err error) {
	if len(columns) != sh.Columns() {
		return sum, fmt.Errorf("shape %s has %d columns, not %d", sh.name, sh.Columns(), len(columns))
	}
	var a numbersAlgebra
	c := newChallenge(algebra[fr.Element](a), sh.sys, ch.Shared)
	var nums, dens []fr.Element // put off, so that one inversion serves all
	buses := make([]fr.Element, len(sh.sys.sys.Buses))
	each(sh, columns, func(chip, number int, row []fr.Element, _ bool) {
		p := sh.sys.plans[chip]
		if p.numbers > 0 {
			row = append(slices.Clone(row), *new(fr.Element).SetUint64(p.number(sh.from[chip] + number)))
		}
		for k := range p.messages {
			m := &p.messages[k]
			times := row[m.mult]
			if times.IsZero() {
				continue
			}
			if !m.send {
				times.Neg(&times)
			}
			if m.sum() {
				v := a.lin(&m.value[0], row)
				buses[m.bus].Add(&buses[m.bus], v.Mul(&v, &times))
				continue
			}
			num, den, unit := fraction(algebra[fr.Element](a), m, row, c)
			if unit {
				num = times
			} else {
				num.Mul(&num, &times)
			}
			nums, dens = append(nums, num), append(dens, den)
		}
	})
	dens = fr.BatchInvert(dens)
	for i := range nums {
		sum.Add(&sum, nums[i].Mul(&nums[i], &dens[i]))
	}
	for b := range buses {
		if !buses[b].IsZero() {
			sum.Add(&sum, buses[b].Mul(&buses[b], &c.g[b][0]))
		}
	}
	return sum, nil
}
