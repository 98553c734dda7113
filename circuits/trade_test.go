package circuits

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// everyRow calls f for rows of all chips but tables, in honest fillings of all samples and of generated runs: at most so many of each chip.
func everyRow(t *testing.T, s *System, most int, f func(r *Run, c *Chip, row int)) {
	t.Helper()
	seen := make(map[string]int)
	try := func(r *Run) {
		for _, c := range s.Chips {
			for i := range r.Filling.Rows[c.Name] {
				if seen[c.Name]++; seen[c.Name] > most || c.Table {
					break
				}
				f(r, c, i)
			}
		}
	}
	for _, p := range samples(t) {
		try(honest(t, s, p, nil))
	}
	try(honest(t, s, old(), nil))
	for _, w := range limited(t) {
		r, err := s.Fill(w.program, w.streams, w.limits)
		if err != nil {
			t.Fatalf("%s: %v", w.name, err)
		}
		if err := s.Check(r.Filling, r.Contents); err != nil {
			t.Fatalf("%s: %v", w.name, err)
		}
		if !r.Statement.Of(r.Result.Outcome, r.Result.Fuel, w.limits) {
			t.Errorf("%s: %+v does not state %s", w.name, r.Statement, r.Result.Outcome)
		}
		try(r)
	}
	for _, r := range generatedRuns(t, s, 100) {
		try(r)
	}
	for _, c := range s.Chips {
		if seen[c.Name] == 0 && !c.Table {
			t.Errorf("no sample uses the chip %s", c.Name)
		}
	}
}

// TestTrades shifts numbers between each two columns that some expression of a row has in common, so that the expression stays: between the lanes of a program word,
// an address and its offset, an index and a time, limbs, the parts of a word, a remainder and what it is less than. Nothing of it is accepted.
func TestTrades(t *testing.T) {
	s := New()
	l := newLocal(s)
	everyRow(t, s, 4, func(r *Run, c *Chip, row int) {
		if c.Once {
			return // it may write the number of registers in two ways
		}
		l.contents = r.Contents
		v := make([]fr.Element, len(c.Columns))
		r.Filling.values(c, row, v)
		was := l.exchange(c, v)
		for _, e := range c.expressions() {
			for i := range e.Terms {
				for j := range e.Terms {
					a, b := e.Terms[i], e.Terms[j]
					if i == j || c.Columns[a.Column].Given || c.Columns[b.Column].Given {
						continue
					}
					for _, by := range []int64{1, -1, 1 << 16} {
						x, y := v[a.Column], v[b.Column]
						trade(v, a, b, by)
						if now := l.exchange(c, v); now != nil && maps.Equal(was, now) {
							t.Errorf("%s row %d: %s may be %d more for %s", c.Name, row, c.Columns[a.Column].Name, by, c.Columns[b.Column].Name)
						}
						v[a.Column], v[b.Column] = x, y
					}
				}
			}
		}
	})
}

// expressions are those of a chip that have more than one column.
func (c *Chip) expressions() (all []Lin) {
	for i := range c.Messages {
		m := &c.Messages[i]
		for _, f := range m.Key {
			all = append(all, f.Lin())
		}
		all = append(all, m.Value...)
	}
	for i := range c.Constraints {
		for _, p := range c.Constraints[i].Sum {
			all = append(all, p...)
		}
	}
	return slices.DeleteFunc(all, func(l Lin) bool { return len(l.Terms) < 2 })
}

// TestGuards shows each step of the samples by every other chip that has an entry for its instruction: the row is refused by itself, whatever its bits are, since the
// guards of the entries at one pc exclude each other. The exceptions are loads and stores that trap, which the memory's image refuses, see TestAcrossTheEnd; and ends for want of
// fuel or output, which the statement refuses, see TestStatement.
func TestGuards(t *testing.T) {
	s := New()
	l := newLocal(s)
	tried := make(map[string]int)
	check := func(x *execution) *candidate {
		chosen := (&filler{sys: s}).choose(x)
		if wants(chosen.Name) {
			return nil
		}
		for i := range s.byOp[x.in.Op] {
			c := &s.byOp[x.in.Op][i]
			if x.use = c.use; c.step == chosen || !c.use.fits(x.program, x.pc) || general(c.step.Name) || wants(c.step.Name) || touchesMemory(x.in.Op) && x.ended {
				continue
			}
			if a, b := chosen.ending(), c.step.ending(); a.equal(b) && len(a.Terms) == 0 && a.Const != nil {
				continue // they end alike
			}
			if tried[c.step.Name]++; tried[c.step.Name] < 1000 && l.holds(c, x) {
				t.Errorf("%s: %s holds too, beside %s", x.in, c.step.Name, chosen.Name)
			}
		}
		return nil
	}
	for _, p := range append(samples(t), gridPrograms()...) {
		l.contents = honest(t, s, p, nil).Contents
		if _, err := s.fill(p, nil, limits, check); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range limited(t) {
		r, err := s.Fill(w.program, w.streams, w.limits)
		if err != nil {
			t.Fatal(err)
		}
		l.contents = r.Contents
		if _, err := s.fill(w.program, w.streams, w.limits, check); err != nil {
			t.Fatal(err)
		}
	}
}

// wants reports whether a chip ends a run for want of something that only the statement knows.
func wants(name string) bool {
	return name == nameNoFuel || strings.HasSuffix(name, " without fuel") || strings.HasSuffix(name, " does not fit")
}

// ending is how a chip ends the run, 0 if it does not.
func (s *step) ending() Lin {
	for i := range s.Messages {
		if m := &s.Messages[i]; m.Bus == BusEnd {
			return m.Value[0]
		}
	}
	return Lin{}
}

// holds reports whether a step fits into a chip, by the row alone.
func (l *local) holds(c *candidate, x *execution) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false // it cannot even be filled
		}
	}()
	r := make(Row, len(c.step.Columns))
	r[On] = 1
	r.set(c.step.clock, uint64(x.fp)+1<<stepBits)
	r.set(c.step.pc, uint64(x.pc))
	c.step.operandsOf(x, r)
	c.step.fill(x, r)
	for i := range c.step.accesses {
		if a := &c.step.accesses[i]; len(a.old.Terms) > 0 {
			r.set(a.old, x.spaces[a.bus].value(a.at(x)))
		}
	}
	var bits []int
	for i, col := range c.step.Columns {
		if col.Bits == 1 && i != On {
			bits = append(bits, i)
		}
	}
	f := &Filling{Rows: map[string][]Row{c.step.Name: {r}}}
	v := make([]fr.Element, len(r))
	for set := range 1 << len(bits) {
		for i, col := range bits {
			r[col] = uint64(set >> i & 1)
		}
		f.values(c.step.Chip, 0, v)
		if l.exchange(c.step.Chip, v) == nil || !l.fetches(c, x, v) {
			continue
		}
		same := true // what is read is what was there, whatever the row says
		for i := range c.step.accesses {
			same = same && l.readsRight(c, &c.step.accesses[i], x, v)
		}
		if same {
			return true
		}
	}
	return false
}

// fetches reports whether a row fetches the entry that the instruction has for the chip.
func (l *local) fetches(c *candidate, x *execution, v []fr.Element) bool {
	table, given := tableOf(c.use.row(x.program, x.pc, c.step.code))
	want := l.sys.fetched(table, append(append(Row{1}, given...), 1))
	for n := range c.step.Messages {
		if c.step.Messages[n].Bus == BusFetch {
			return l.sys.compiled()[c.step.Name].tuple(n, v) == want
		}
	}
	return false
}

// readsRight reports whether a row receives from a cell what is there.
func (l *local) readsRight(c *candidate, a *access, x *execution, v []fr.Element) bool {
	k := l.sys.compiled()[c.step.Name]
	for n := range c.step.Messages {
		m := &c.step.Messages[n]
		if m.Bus == a.bus && !m.Send && m.Value[0].equal(a.was) {
			want := fr.NewElement(x.spaces[a.bus].value(a.at(x)))
			got := k.messages[n].value[0].at(v)
			return got.Equal(&want)
		}
	}
	return false
}

// trade makes one column more and another less, so that their sum with coefficients stays.
func trade(v []fr.Element, a, b Term, by int64) {
	var more, ratio, less fr.Element
	more.SetInt64(by)
	ratio.SetBigInt(b.Coef)
	ratio.Inverse(&ratio)
	less.SetBigInt(a.Coef)
	less.Mul(&less, &ratio).Mul(&less, &more)
	v[a.Column].Add(&v[a.Column], &more)
	v[b.Column].Sub(&v[b.Column], &less)
}
