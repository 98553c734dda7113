package circuits

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// mutant is an honest filling with some changes.
type mutant struct {
	*Filling
	rng   *rand.Rand
	chips []*Chip // that have rows which the verifier does not give
	notes []string
}

// note says what was changed.
func (m *mutant) note(format string, args ...any) {
	m.notes = append(m.notes, fmt.Sprintf(format, args...))
}

// row draws a row.
func (m *mutant) row() (c *Chip, i int) {
	c = m.chips[m.rng.IntN(len(m.chips))]
	if n := len(m.Rows[c.Name]); n > 0 {
		return c, m.rng.IntN(n)
	}
	return c, -1
}

// column draws a column that the verifier does not know.
func (m *mutant) column(c *Chip) int {
	for {
		if k := m.rng.IntN(len(c.Columns)); !c.Columns[k].Given {
			return k
		}
	}
}

// change makes one change.
func (m *mutant) change() {
	c, i := m.row()
	d, j := m.row()
	if i < 0 || j < 0 {
		return
	}
	rows := m.Rows[c.Name]
	r, s := rows[i], m.Rows[d.Name][j]
	k, l := m.column(c), m.column(d)
	switch m.rng.IntN(9) {
	case 0: // another number
		all := changes(r[k], c.Columns[k].Bits)
		v := all[m.rng.IntN(len(all))]
		m.note("%s %d: %s is %#x, not %#x", c.Name, i, c.Columns[k].Name, v, r[k])
		r[k] = v
	case 1: // numbers change places
		m.note("%s %d: %s and %s %d: %s change places", c.Name, i, c.Columns[k].Name, d.Name, j, d.Columns[l].Name)
		r[k], s[l] = s[l], r[k]
	case 2: // one number more, another one less
		by := uint64(1) << m.rng.IntN(23)
		m.note("%s %d: %s more by %#x, %s %d: %s less", c.Name, i, c.Columns[k].Name, by, d.Name, j, d.Columns[l].Name)
		r[k] += by
		s[l] -= by
	case 3: // a row is left out
		m.note("%s %d left out", c.Name, i)
		m.Rows[c.Name] = slices.Delete(slices.Clone(rows), i, i+1)
	case 4: // a row comes twice
		m.note("%s %d twice", c.Name, i)
		m.Rows[c.Name] = append(slices.Clone(rows), slices.Clone(r))
	case 5: // a row is no longer padding, or becomes it
		m.note("%s %d counts or not", c.Name, i)
		if !c.Columns[On].Given {
			r[On] ^= 1
		}
	case 6: // a column of two rows changes places, or two columns
		q := rows[m.rng.IntN(len(rows))]
		m.note("%s %d: %s changes places with another row's", c.Name, i, c.Columns[k].Name)
		r[k], q[k] = q[k], r[k]
		if m.rng.IntN(2) == 0 {
			n := m.column(c)
			r[n], q[n] = q[n], r[n]
		}
	case 7: // a row is one of another chip
		if len(c.Columns) == len(d.Columns) && !c.Table && !d.Table {
			m.note("%s %d becomes %s", c.Name, i, d.Name)
			m.Rows[c.Name] = slices.Delete(slices.Clone(rows), i, i+1)
			m.Rows[d.Name] = append(slices.Clone(m.Rows[d.Name]), r)
		}
	case 8: // a padding row that holds something
		p := make(Row, len(c.Columns))
		p[k] = 1 + m.rng.Uint64()>>m.rng.IntN(64)
		m.note("a row of padding of %s has %s %#x", c.Name, c.Columns[k].Name, p[k])
		if !c.Columns[On].Given {
			m.Rows[c.Name] = append(slices.Clone(rows), p)
		}
	}
}

// settleProgram makes the program's multiplicities what is fetched.
func (s *System) settleProgram(f *Filling, contents Contents) {
	uses := make(map[entryKey]uint64)
	for _, c := range s.Chips {
		if !c.IsStep() {
			continue
		}
		var fetch *Message
		for i := range c.Messages {
			if c.Messages[i].Bus == BusFetch {
				fetch = &c.Messages[i]
			}
		}
		for _, r := range f.Rows[c.Name] {
			if r[On] != 0 {
				uses[entryKey{uint32(fetch.Key[0][0].Of.of(r)), uint16(fetch.Key[0][1].Of.of(r))}]++
			}
		}
	}
	for _, k := range programKinds() {
		f.Rows[k.name] = nil
		for _, given := range contents[k.name].Rows {
			if n := uses[entryKey{uint32(given[0]), uint16(given[1])}]; n > 0 {
				f.Rows[k.name] = append(f.Rows[k.name], append(append(Row{1}, given...), n))
			}
		}
	}
}

// essence is the rows of a filling that count, in an order of their own. Those that only make registers younger are no part of the run.
func (s *System) essence(f *Filling) map[string][]string {
	all := make(map[string][]string)
	for _, c := range s.Chips {
		if c.Name == nameRefresh || c.Table && !c.Columns[On].Given {
			continue
		}
		var rows []string
		for _, r := range f.Rows[c.Name] {
			if r[On] != 0 {
				rows = append(rows, fmt.Sprint(r))
			}
		}
		slices.SortFunc(rows, cmp.Compare)
		all[c.Name] = rows
	}
	return all
}

// mutate makes some changes to an honest run, and says what is wrong if the outcome is accepted and another run.
func (s *System) mutate(r *Run, seed uint64) error {
	m := &mutant{Filling: r.Filling.clone(), rng: rand.New(rand.NewPCG(seed, 1))}
	for _, c := range s.Chips {
		if !c.isLookup() && !c.isProgram() && !c.Columns[On].Given && len(r.Filling.Rows[c.Name]) > 0 {
			m.chips = append(m.chips, c)
		}
	}
	for range 1 + m.rng.IntN(3) {
		m.change()
	}
	s.settle(m.Filling, r.Contents)
	s.settleProgram(m.Filling, r.Contents)
	switch err := s.Check(m.Filling, r.Contents); {
	case errors.Is(err, ErrRefused):
		return nil
	case err != nil:
		return err
	}
	was, now := s.essence(r.Filling), s.essence(m.Filling)
	for name := range was {
		if !slices.Equal(was[name], now[name]) {
			return fmt.Errorf("accepted, with other rows of %s: %q", name, m.notes)
		}
	}
	return nil
}

// mutable are honest runs to change: short ones, that use a variety of chips.
func mutable(t testing.TB, s *System) (all []*Run) {
	rng := rand.New(rand.NewPCG(5, 6))
	ps := samples(t)
	rng.Shuffle(len(ps), func(i, j int) { ps[i], ps[j] = ps[j], ps[i] })
	for _, p := range ps[:60] {
		all = append(all, honest(t, s, p, nil))
	}
	for _, w := range limited(t) {
		r, err := s.Fill(w.program, w.streams, w.limits)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	for _, n := range []int{3, 50, 100} {
		all = append(all, taped{in: bytesOf(n), reads: allOf(n), asks: true, out: bytesOf(n / 2)}.run(t, s))
	}
	return slices.DeleteFunc(append(all, generatedRuns(t, s, 40)...), func(r *Run) bool { return r.Steps > 200 })
}

// TestMutants changes honest runs at random: each mutant is refused, or is the same run.
func TestMutants(t *testing.T) {
	s := New()
	all := mutable(t, s)
	for seed := range uint64(4000) {
		if err := s.mutate(all[seed%uint64(len(all))], seed); err != nil {
			t.Errorf("%d: %v", seed, err)
		}
	}
}

// FuzzMutants is TestMutants without an end.
func FuzzMutants(f *testing.F) {
	s := New()
	all := mutable(f, s)
	f.Add(uint64(1), uint64(1))
	f.Fuzz(func(t *testing.T, which, seed uint64) {
		if err := s.mutate(all[which%uint64(len(all))], seed); err != nil {
			t.Error(err)
		}
	})
}
