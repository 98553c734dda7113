package circuits

import (
	"math/big"
	"slices"
	"strings"
	"testing"
)

// determined finds which columns of a row follow from what the row is given: the state, its instruction, what cells hold and when they were used last, what another row
// tells it to do. It knows how numbers are made of parts, which tables are functions, sums, known factors, and quotients with what they leave.
type determined struct {
	*linter
	known []bool
}

// value reports whether the value of l follows.
func (d *determined) value(l Lin) bool { return len(d.open(l).Terms) == 0 }

// open is l's terms that are not known.
func (d *determined) open(l Lin) (out Lin) {
	for _, t := range l.Terms {
		if !d.known[t.Column] {
			out.Terms = append(out.Terms, t)
		}
	}
	return out
}

// parts takes note of the columns of l, whose value follows but for less than step: they do too if all sums of such columns lie further apart.
func (d *determined) parts(l Lin, step *big.Int) (news bool) {
	open := slices.Clone(d.open(l).Terms)
	slices.SortFunc(open, func(a, b Term) int { return a.Coef.CmpAbs(b.Coef) })
	span := new(big.Int).Sub(step, big.NewInt(1))
	for _, t := range open {
		v := d.b.cols[t.Column]
		if t.Coef.CmpAbs(span) <= 0 || !v.known() && (len(open) > 1 || step.Cmp(big.NewInt(1)) > 0) {
			return false
		}
		if v.known() {
			span.Add(span, new(big.Int).Mul(new(big.Int).Abs(t.Coef), new(big.Int).Sub(v.hi, v.lo)))
		}
	}
	if span.BitLen() > wrap {
		return false
	}
	for _, t := range open {
		d.known[t.Column], news = true, true
	}
	return news
}

// exactly is parts of a value that follows.
func (d *determined) exactly(all ...Lin) (news bool) {
	for _, l := range all {
		news = d.parts(l, big.NewInt(1)) || news
	}
	return news
}

// message takes note of what a message says.
func (d *determined) message(m *Message) bool {
	all := m.parts()
	switch {
	case m.Bus == BusState && !m.Send, m.Bus == BusFetch, m.Bus == BusStreams, m.Bus == BusMost: // the last two have one row
		return d.exactly(append(all, m.Value...)...)
	case (m.Bus == BusLoadAt || m.Bus == BusStoreAt) && !m.Send: // what is loaded is for this row to say
		return d.exactly(append(all, m.Value[:map[BusID]int{BusLoadAt: 2, BusStoreAt: 3}[m.Bus]]...)...)
	case m.Bus == BusLoadAt: // and here it is given
		return d.exactly(m.Value[2])
	case m.Bus == BusRange || m.Bus == BusByte:
		return d.parts(all[0], pow2(map[BusID]uint{BusRange: 16, BusByte: 8}[m.Bus]))
	case d.sys.Buses[m.Bus].Kind == Plain && d.value(all[0]): // the tables are functions of their first numbers
		return d.exactly(all...)
	case !m.Send && d.sys.Buses[m.Bus].Kind != Plain && d.value(m.firstKey()):
		return d.exactly(m.Value...)
	}
	return false
}

// law takes note of what a constraint says.
func (d *determined) law(c *Constraint) bool {
	var sum Lin
	var open []Product
	for _, p := range c.Sum {
		switch {
		case len(p) == 1:
			sum = sum.Plus(p[0])
		case slices.ContainsFunc(p, func(l Lin) bool { return !d.value(l) }):
			open = append(open, p)
		}
	}
	switch {
	case len(open) == 0:
		return d.exactly(sum)
	case len(open) == 1 && len(open[0]) == 2 && d.value(open[0][1]):
		return d.quotient(open[0][0], open[0][1], d.open(sum))
	}
	return false
}

// quotient takes note of the parts of a sum q·b + rest that is known, where b is known: if another constraint says that b exceeds the rest, which is
// no number below 0, there is one quotient.
func (d *determined) quotient(q, b, rest Lin) bool {
	if !d.positive(rest) || !d.b.of(q).known() {
		return false
	}
	for i := range d.c.Constraints {
		if c := &d.c.Constraints[i]; len(c.Sum) == 1 && len(c.Sum[0]) == 1 {
			if more := d.b.of(b.Minus(rest).Minus(c.Sum[0][0])); more.known() && more.lo.Sign() > 0 {
				return d.exactly(q, rest)
			}
		}
	}
	return false
}

// positive reports whether l is no number below 0, also if that takes a look at both values of a bit, of which 0 makes other columns 0.
func (d *determined) positive(l Lin) bool {
	if v := d.b.of(l); !v.known() || v.lo.Sign() >= 0 {
		return v.known()
	}
	for _, t := range l.Terms {
		for i := range d.c.Constraints {
			c := &d.c.Constraints[i]
			if len(c.Sum) != 1 || len(c.Sum[0]) != 2 || !c.Sum[0][1].equal(column(On).Minus(column(t.Column))) {
				continue
			}
			rest := Lin{Const: l.Const} // with the bit 1
			rest = rest.Plus(constant(t.Coef))
			zero := Lin{Const: l.Const} // with the bit 0, and what the constraint makes 0
			for _, u := range l.Terms {
				if u.Column != t.Column {
					rest = rest.Plus(column(u.Column).scale(u.Coef))
				}
				if !slices.ContainsFunc(append(slices.Clone(c.Sum[0][0].Terms), t), func(w Term) bool { return w.Column == u.Column }) {
					zero = zero.Plus(column(u.Column).scale(u.Coef))
				}
			}
			a, b := d.b.of(rest), d.b.of(zero)
			if d.exactlyZero(c.Sum[0][0]) && a.known() && a.lo.Sign() >= 0 && b.known() && b.lo.Sign() >= 0 {
				return true
			}
		}
	}
	return false
}

// exactlyZero reports whether all columns of l are 0 if l is: none is below 0, and all are added.
func (d *determined) exactlyZero(l Lin) bool {
	return !slices.ContainsFunc(l.Terms, func(t Term) bool {
		v := d.b.cols[t.Column]
		return t.Coef.Sign() < 0 || !v.known() || v.lo.Sign() < 0
	})
}

// undetermined are the messages of a chip that do not follow from what it is given.
func (s *System) undetermined(c *Chip) (all []string) {
	l := &linter{sys: s, c: c, b: &bounds{cols: make([]interval, len(c.Columns))}}
	l.infer()
	l.b.cols[On] = interval{big.NewInt(1), big.NewInt(1)}
	d := &determined{l, make([]bool, len(c.Columns))}
	for i, col := range c.Columns {
		d.known[i] = i == On || strings.HasPrefix(col.Name, "since")
	}
	for news := true; news; {
		news = false
		for i := range c.Messages {
			news = d.message(&c.Messages[i]) || news
		}
		for i := range c.Constraints {
			news = d.law(&c.Constraints[i]) || news
		}
	}
	for i := range c.Messages {
		m := &c.Messages[i]
		if s.Buses[m.Bus].Kind == Plain && m.Bus != BusInput {
			continue
		}
		for _, l := range append(m.parts(), m.Value...) {
			if !d.value(l) {
				all = append(all, s.Buses[m.Bus].Name+": "+l.text(c.Columns))
			}
		}
	}
	return all
}

// TestDetermined checks that a row of a step, or of a helper, can do one thing: what it leaves in cells, sends on and charges follows from its instruction and from what cells hold. It
// leaves to argument, and to other tests, spread digits and the place of the highest and the lowest bit.
func TestDetermined(t *testing.T) {
	s := New()
	argued := func(name string) bool {
		return slices.ContainsFunc([]string{"and", "or", "xor", "clz", "ctz"}, func(op string) bool {
			rest, ok := strings.CutPrefix(name, op)
			return ok && (strings.HasPrefix(rest, "32") || strings.HasPrefix(rest, "64")) && !strings.HasSuffix(rest, " of 0")
		})
	}
	n := 0
	for _, c := range s.Chips {
		helps := slices.ContainsFunc(c.Messages, func(m Message) bool { return (m.Bus == BusLoadAt || m.Bus == BusStoreAt) && !m.Send })
		if !c.IsStep() && !helps {
			continue
		}
		n++
		switch all := s.undetermined(c); {
		case all != nil && !argued(c.Name):
			t.Errorf("%s: %q", c.Name, all)
		case all == nil && argued(c.Name):
			t.Errorf("%s needs no argument", c.Name)
		}
	}
	t.Logf("%d chips", n)
}
