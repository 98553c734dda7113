package emit

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/consensys/gnark/constraint"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/std/permutation/poseidon2"
)

// Shape is a circuit that holds so many rows of each chip. It is a Shape for package prover.
//
// Rows may stand in blocks that count or are padding as a whole: they share the column that says so, the constraint that it is a bit and the one
// by which it selects what they send. Tables and chips of one row are not in blocks.
type Shape struct {
	sys   *System
	name  string
	rows  []int // by chip
	from  []int // of a table of numbers, the first one that the shape holds, by chip
	block []int // rows in a block, by chip
}

// Shape makes a shape that holds so many rows of the chips of these names, in blocks of so many rows; of a chip whose rows do not make whole
// blocks there are fewer.
func (s *System) Shape(name string, block int, rows map[string]int) (*Shape, error) {
	return s.Slice(name, block, rows, nil)
}

// Slice makes a shape as [System.Shape] does, which of tables of numbers holds a part: as many rows as it is said to, from the one of that number on.
func (s *System) Slice(name string, block int, rows, from map[string]int) (*Shape, error) {
	if block < 1 {
		return nil, fmt.Errorf("shape %s: blocks of %d rows", name, block)
	}
	sh := &Shape{sys: s, name: name, rows: make([]int, len(s.plans)), from: make([]int, len(s.plans)), block: make([]int, len(s.plans))}
	for i, p := range s.plans {
		sh.block[i] = 1
		if !p.chip.Table && !p.chip.Once {
			sh.block[i] = block
		}
	}
	for chip, n := range rows {
		i, err := s.index(chip)
		if err != nil {
			return nil, fmt.Errorf("shape %s: %w", name, err)
		}
		p := s.plans[i]
		switch {
		case n < 0:
			return nil, fmt.Errorf("shape %s: %d rows of %s", name, n, chip)
		case p.chip.Once && n > 1:
			return nil, fmt.Errorf("shape %s: %s has one row", name, chip)
		case from[chip] < 0 || from[chip] > 0 && (p.numbers == 0 || n == 0) || p.numbers > 0 && n > p.numbers-from[chip]:
			return nil, fmt.Errorf("shape %s: %d rows of %s from %d on, which has %d numbers", name, n, chip, from[chip], p.numbers)
		}
		sh.rows[i], sh.from[i] = n-n%sh.block[i], from[chip]
	}
	return sh, nil
}

// Name is the shape's name.
func (sh *Shape) Name() string { return sh.name }

// Rows is how many rows of a chip the shape holds.
func (sh *Shape) Rows(chip string) int {
	i, err := sh.sys.index(chip)
	if err != nil {
		return 0
	}
	return sh.rows[i]
}

// From is the first number that the shape holds of a table of numbers.
func (sh *Shape) From(chip string) int {
	i, err := sh.sys.index(chip)
	if err != nil {
		return 0
	}
	return sh.from[i]
}

// Columns is how many wires the circuit commits to: those of all rows, chip by chip and row by row.
func (sh *Shape) Columns() (n int) {
	for i, p := range sh.sys.plans {
		n += sh.rows[i]/sh.block[i] + sh.rows[i]*(len(p.wires)-1)
	}
	return n
}

// each calls f with each row of the shape in order, in the order of its wires. columns are all of the shape. first says that the row begins a block.
func each[V any](sh *Shape, columns []V, f func(chip, number int, row []V, first bool)) {
	for i, p := range sh.sys.plans {
		n := len(p.wires)
		row := make([]V, n)
		for r := range sh.rows[i] {
			first := r%sh.block[i] == 0
			if first { // the wire that says whether the block counts is the first one
				row[0], columns = columns[0], columns[1:]
			}
			copy(row[1:], columns[:n-1])
			columns = columns[n-1:]
			f(i, r, row, first)
		}
	}
}

// Given is 1 if the shape has columns that the verifier knows: their value as one polynomial.
func (sh *Shape) Given() int {
	for i, p := range sh.sys.plans {
		if sh.rows[i] > 0 && len(p.given) > 0 {
			return 1
		}
	}
	return 0
}

// Define constrains the rows and returns what they leave on the buses.
func (sh *Shape) Define(api frontend.API, columns, shared, given []frontend.Variable) (frontend.Variable, error) {
	e := &emitter{api: api, sums: make([][]frontend.Variable, len(sh.sys.sys.Buses)), at: 0}
	if b, ok := api.Compiler().(constraint.CustomizableSystem); ok && api.Compiler().Field().BitLen() == 254 && sums(api.Compiler(), columns[0]) {
		e.gate, e.direct = b.AddBlueprint(&constraint.BlueprintGenericR1C{}), true
	}
	e.challenge = newChallenge(algebra[frontend.Variable](e), sh.sys, shared)
	each(sh, columns, func(chip, number int, row []frontend.Variable, first bool) {
		p := sh.sys.plans[chip]
		if p.numbers > 0 {
			row = append(slices.Clone(row), p.number(sh.from[chip]+number))
		}
		e.row(p, row, first, (number+1)%sh.block[chip] == 0)
	})
	if e.err != nil {
		return nil, e.err
	}
	if sh.Given() > 0 {
		api.AssertIsEqual(e.at, given[0])
	}
	for b, values := range e.sums {
		if len(values) > 0 {
			e.total = append(e.total, api.Mul(e.challenge.g[b][0], e.many(values)))
		}
	}
	return e.many(e.total), nil
}

// sums reports whether the constraints of a builder are products of sums of wires, and not of wires.
func sums(c frontend.Compiler, wire frontend.Variable) bool {
	_, ok := c.ToCanonicalVariable(wire).(constraint.LinearExpression)
	return ok
}

// emitter emits the constraints of a shape.
type emitter struct {
	api       frontend.API
	gate      constraint.BlueprintID
	direct    bool // constraints of any form can be added
	challenge *challenge[frontend.Variable]
	sponge    *poseidon2.Permutation // nil: not needed yet
	counted   []frontend.Variable    // messages of the rows of a block, if it counts
	total     []frontend.Variable    // what rows leave on buses with keys
	sums      [][]frontend.Variable  // on buses without, by bus, still to be multiplied by γ
	at        frontend.Variable      // the polynomial of given columns, as far as it is evaluated
	err       error                  // the first one
}

// many is the sum of many terms.
func (e *emitter) many(v []frontend.Variable) frontend.Variable {
	switch len(v) {
	case 0:
		return 0
	case 1:
		return v[0]
	}
	return e.api.Add(v[0], v[1], v[2:]...)
}

// The arithmetic of variables.

func (e *emitter) lin(l *lin, row []frontend.Variable) frontend.Variable {
	terms := make([]frontend.Variable, 0, len(l.terms)+1)
	if !l.k.IsZero() || len(l.terms) == 0 {
		terms = append(terms, l.k.BigInt(new(big.Int)))
	}
	for i := range l.terms {
		t := &l.terms[i]
		if t.coef.IsOne() {
			terms = append(terms, row[t.wire])
		} else {
			terms = append(terms, e.api.Mul(row[t.wire], t.coef.BigInt(new(big.Int))))
		}
	}
	return e.many(terms)
}

func (e *emitter) add(a, b frontend.Variable) frontend.Variable { return e.api.Add(a, b) }
func (e *emitter) sub(a, b frontend.Variable) frontend.Variable { return e.api.Sub(a, b) }
func (e *emitter) mul(a, b frontend.Variable) frontend.Variable { return e.api.Mul(a, b) }
func (e *emitter) one() frontend.Variable                       { return 1 }

// row emits a row: its laws, its messages, and its share of the polynomial of given columns. first and last say where it is in its block.
func (e *emitter) row(p *plan, row []frontend.Variable, first, last bool) {
	for _, l := range p.laws {
		if first || !l.only(0) {
			e.law(l, row)
		}
	}
	e.permute(p.permutation, row)
	if p.chip.Once {
		e.api.AssertIsEqual(row[0], 1)
	}
	for _, g := range p.given {
		e.at = e.api.Add(e.api.Mul(e.at, e.challenge.point), row[g])
	}
	for i := range p.messages {
		m := &p.messages[i]
		counts := m.mult == 0 && !p.chip.Table && !p.chip.Once
		switch {
		case m.sum() && p.chip.Once:
			e.sums[m.bus] = append(e.sums[m.bus], e.signed(m, e.lin(&m.value[0], row)))
		case m.sum():
			e.sums[m.bus] = append(e.sums[m.bus], e.signed(m, e.api.Mul(row[m.mult], e.lin(&m.value[0], row))))
		case counts:
			e.counted = append(e.counted, e.signed(m, e.quotient(m, row, nil)))
		case p.chip.Once:
			e.total = append(e.total, e.signed(m, e.quotient(m, row, nil)))
		default:
			e.total = append(e.total, e.signed(m, e.quotient(m, row, row[m.mult])))
		}
	}
	if last && len(e.counted) > 0 {
		e.total = append(e.total, e.api.Mul(row[0], e.many(e.counted)))
		e.counted = e.counted[:0]
	}
}

func (e *emitter) signed(m *message, v frontend.Variable) frontend.Variable {
	if m.send {
		return v
	}
	return e.api.Neg(v)
}

// quotient is a message's fraction, times a multiplicity if there is one.
func (e *emitter) quotient(m *message, row []frontend.Variable, times frontend.Variable) frontend.Variable {
	num, den, unit := fraction(algebra[frontend.Variable](e), m, row, e.challenge)
	switch {
	case times == nil && unit:
		return e.api.Inverse(den)
	case times == nil:
		return e.api.DivUnchecked(num, den)
	case unit:
		return e.api.DivUnchecked(times, den)
	}
	return e.api.DivUnchecked(e.api.Mul(times, num), den)
}

// law says that a sum of products is zero: one constraint for each product of two factors and two for each of three, the sum included.
func (e *emitter) law(l law, row []frontend.Variable) {
	sum := []frontend.Variable{e.lin(&l.linear, row)}
	if len(l.products) == 0 {
		e.api.AssertIsEqual(sum[0], 0)
		return
	}
	last := len(l.products) - 1
	for i := range last {
		sum = append(sum, e.product(l.products[i], row))
	}
	factors := l.products[last]
	n := len(factors) - 1
	e.assertProduct(e.product(factors[:n], row), e.lin(&factors[n], row), e.api.Neg(e.many(sum)))
}

func (e *emitter) product(factors []lin, row []frontend.Variable) frontend.Variable {
	p := e.lin(&factors[0], row)
	for i := range factors[1:] {
		p = e.api.Mul(p, e.lin(&factors[1+i], row))
	}
	return p
}

// assertProduct says that a·b = c, in one constraint where the builder allows.
func (e *emitter) assertProduct(a, b, c frontend.Variable) {
	if !e.direct {
		e.api.AssertIsEqual(e.api.Mul(a, b), c)
		return
	}
	data := []uint32{0, 0, 0, 0}
	for i, v := range []frontend.Variable{a, b, c} {
		terms := e.api.Compiler().ToCanonicalVariable(v).(constraint.LinearExpression)
		data[1+i] = uint32(len(terms))
		for _, t := range terms {
			data = append(data, uint32(t.CoeffID()), uint32(t.WireID()))
		}
	}
	data[0] = uint32(len(data))
	e.api.Compiler().AddInstruction(e.gate, data)
}
