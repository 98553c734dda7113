// Package emit turns chips into rank-1 constraints: a shape is a circuit that holds fixed numbers of rows of each chip, and what it leaves on the
// buses is the sum that package circuits defines (see [circuits.Kind]), at challenges that were fixed after the rows. A filling is cut into
// parts of given shapes; any part may hold any rows.
//
// The same description of a message makes the circuit and computes the sum natively, so that the two cannot differ.
package emit

import (
	"math/big"
	"slices"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/trilemma-dev/trilemma/circuits"
)

// message is what a row adds to a bus.
type message struct {
	bus   circuits.BusID
	kind  circuits.Kind
	send  bool
	key   []lin
	value []lin
	mult  int // wire
}

// plan is a chip as a backend of rank-1 constraints has it: the wires of a row, which are columns, sums of given columns, and inverses.
type plan struct {
	chip        *circuits.Chip
	wires       []wire // the first one says whether the row counts, but in tables
	given       []int  // wires that the verifier knows
	laws        []law
	messages    []message
	permutation *permutation // nil: none
	bits        []int        // of each wire, in an honest filling
	numbers     int          // of a table of numbers, how many: what the verifier knows of a row takes no wire, and stands behind them in a row's values
	number      func(i int) uint64
}

// wire says how a wire's value follows from the columns of a row: it is a sum of columns, or the inverse of one where there is one.
type wire struct {
	of      lin // over columns
	inverse bool
}

// column is the wire that a column is, or −1.
func (p *plan) column(c int) int {
	for i, w := range p.wires {
		if !w.inverse && w.of.k.IsZero() && len(w.of.terms) == 1 && w.of.terms[0].wire == c && w.of.terms[0].coef.IsOne() {
			return i
		}
	}
	return -1
}

// newPlan plans a chip of a system.
func newPlan(s *circuits.System, c *circuits.Chip) *plan {
	p := &plan{chip: c}
	p.numbers, p.number = c.Numbers()
	keep := p.columns()
	for i, k := range keep {
		if k {
			p.add(circuits.Lin{Terms: []circuits.Term{{Column: i, Coef: big.NewInt(1)}}}, c.Columns[i].Bits, c.Columns[i].Given)
		}
	}
	for i := range c.Messages {
		m := &c.Messages[i]
		out := message{bus: m.Bus, kind: s.Buses[m.Bus].Kind, send: m.Send, mult: p.column(m.Mult)}
		for _, f := range m.Key {
			out.key = append(out.key, p.over(f.Lin(), keep))
		}
		for _, v := range m.Value {
			out.value = append(out.value, p.over(v, keep))
		}
		p.messages = append(p.messages, out)
	}
	for i := range c.Constraints {
		if !p.concerns(&c.Constraints[i], keep) {
			continue
		}
		p.laws = append(p.laws, p.law(c.Constraints[i].Sum, keep))
	}
	if c.Permutation != nil {
		in := c.Permutation.In()
		p.permutation = &permutation{}
		for i := range in {
			p.permutation.in[i], p.permutation.out[i] = p.over(in[i], keep), p.over(c.Permutation.Out[i], keep)
		}
	}
	for i := range c.NonZero {
		of := p.over(c.NonZero[i].Of, keep)
		p.wires = append(p.wires, wire{of: compileLin(c.NonZero[i].Of), inverse: true})
		p.bits = append(p.bits, fr.Bits)
		inverse := lin{terms: []term{{len(p.wires) - 1, fr.One()}}}
		var minus fr.Element
		minus.SetInt64(-1)
		p.laws = append(p.laws, law{linear: lin{terms: []term{{0, minus}}}, products: [][]lin{{inverse, of}}})
	}
	for i := range p.messages {
		for k := range p.messages[i].key {
			for j := range p.messages[i].key[k].terms {
				if t := &p.messages[i].key[k].terms[j]; t.wire == numberWire {
					t.wire = len(p.wires)
				}
			}
		}
	}
	return p
}

// numberWire stands for the number of a row until it is known how many wires there are.
const numberWire = -2

// columns says which columns of a chip become wires. Those of a table that the verifier knows, and that only messages use, do not: the sums in
// which messages use them do, which are fewer. Columns of a table that no message uses say nothing.
func (p *plan) columns() []bool {
	c := p.chip
	keep := make([]bool, len(c.Columns))
	if !c.Table {
		for i := range keep {
			keep[i] = true
		}
		return keep
	}
	for i := range c.Messages {
		keep[c.Messages[i].Mult] = true
	}
	for i := range c.Messages {
		m := &c.Messages[i]
		for _, l := range append(slices.Clone(m.Value), lins(m.Key)...) {
			for _, t := range l.Terms {
				keep[t.Column] = keep[t.Column] || !c.Columns[t.Column].Given
			}
		}
	}
	if c.Permutation != nil {
		in := c.Permutation.In()
		for _, l := range append(in[:], c.Permutation.Out[:]...) {
			for _, t := range l.Terms {
				keep[t.Column] = true
			}
		}
	}
	for again := true; again; { // a constraint about a column that is kept keeps its others
		again = false
		for i := range c.Constraints {
			if !p.concerns(&c.Constraints[i], keep) {
				continue
			}
			for _, product := range c.Constraints[i].Sum {
				for _, f := range product {
					for _, t := range f.Terms {
						again = again || !keep[t.Column]
						keep[t.Column] = true
					}
				}
			}
		}
	}
	return keep
}

func lins(fs []circuits.Field) (ls []circuits.Lin) {
	for _, f := range fs {
		ls = append(ls, f.Lin())
	}
	return ls
}

// concerns reports whether a constraint is about columns that are kept.
func (p *plan) concerns(c *circuits.Constraint, keep []bool) bool {
	for _, product := range c.Sum {
		for _, f := range product {
			for _, t := range f.Terms {
				if keep[t.Column] {
					return true
				}
			}
		}
	}
	return false
}

// add adds a wire.
func (p *plan) add(of circuits.Lin, bits int, given bool) int {
	p.wires = append(p.wires, wire{of: compileLin(of)})
	p.bits = append(p.bits, bits)
	if given {
		p.given = append(p.given, len(p.wires)-1)
	}
	return len(p.wires) - 1
}

// over writes l over wires. What it has of columns that are no wires is a wire of its own.
func (p *plan) over(l circuits.Lin, keep []bool) lin {
	var kept, rest circuits.Lin
	kept.Const = l.Const
	for _, t := range l.Terms {
		if keep[t.Column] {
			kept.Terms = append(kept.Terms, t)
		} else {
			rest.Terms = append(rest.Terms, t)
		}
	}
	out := compileLin(kept)
	for i := range out.terms {
		out.terms[i].wire = p.column(out.terms[i].wire)
	}
	if len(rest.Terms) == 0 {
		return out
	}
	if p.numbers > 0 {
		for i := range rest.Terms {
			var c fr.Element
			c.SetBigInt(rest.Terms[i].Coef)
			out.terms = append(out.terms, term{numberWire, c})
		}
		return out
	}
	r := compileLin(rest)
	at := slices.IndexFunc(p.wires, func(w wire) bool { return !w.inverse && sameLin(&w.of, &r) })
	if at < 0 {
		at = p.add(rest, fr.Bits, true)
	}
	out.terms = append(out.terms, term{at, fr.One()})
	return out
}
