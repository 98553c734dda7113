package circuits

import (
	"maps"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// local decides about a change of one row of an honest filling. Everything else is as it was and balances, so that the change is accepted exactly if the row's
// laws hold, what it looks up is in the tables, and it sends and receives what it did.
type local struct {
	sys      *System
	contents Contents
}

func newLocal(s *System) *local { return &local{sys: s} }

// columns changes each column of a row.
func (l *local) columns(t *testing.T, r *Run, c *Chip, row int) {
	t.Helper()
	l.contents = r.Contents
	v := make([]fr.Element, len(c.Columns))
	r.Filling.values(c, row, v)
	was := l.exchange(c, v)
	if was == nil {
		t.Fatalf("%s row %d: refused: %v", c.Name, row, r.Filling.Rows[c.Name][row])
	}
	for col := range c.Columns {
		if c.Columns[col].Given {
			continue
		}
		honest, n := v[col], r.Filling.Rows[c.Name][row][col]
		var all []fr.Element
		for _, w := range changes(n, c.Columns[col].Bits) {
			all = append(all, fr.NewElement(w))
		}
		for _, w := range append(all, wideChanges(n)...) {
			v[col] = w
			if now := l.exchange(c, v); now != nil && maps.Equal(was, now) {
				t.Errorf("%s row %d: %s may be %s, not %#x: %v", c.Name, row, c.Columns[col].Name, w.String(), n, r.Filling.Rows[c.Name][row])
			}
		}
		v[col] = honest
	}
}

// exchanged names a tuple on a bus.
type exchanged struct {
	bus BusID
	key tuple
}

// exchange is what a row sends and receives beside lookups, or nil if it is refused by itself.
func (l *local) exchange(c *Chip, v []fr.Element) map[exchanged]balance {
	k := l.sys.compiled()[c.Name]
	for n := range c.Constraints {
		if x := k.constraint(n, v); !x.IsZero() {
			return nil
		}
	}
	for n := range k.nonZero {
		if x := k.nonZero[n].at(v); x.IsZero() && !v[On].IsZero() {
			return nil
		}
	}
	all := make(map[exchanged]balance)
	for n := range c.Messages {
		m := &c.Messages[n]
		mult := v[m.Mult]
		if mult.IsZero() {
			continue
		}
		bus := &l.sys.Buses[m.Bus]
		if bus.Kind == Plain && !m.Send && m.Bus != BusFetch && m.Bus != BusPages {
			var given []uint64
			for j := range k.messages[n].lanes {
				x := k.messages[n].lanes[j].at(v)
				if !x.IsUint64() {
					return nil
				}
				given = append(given, x.Uint64())
			}
			if !l.contents[l.sys.table(m.Bus)].contains(given) {
				return nil
			}
			continue
		}
		if m.Bus == BusOutput {
			var given []uint64
			for j := range k.messages[n].lanes {
				x := k.messages[n].lanes[j].at(v)
				if !x.IsUint64() {
					return nil
				}
				given = append(given, x.Uint64())
			}
			x := k.messages[n].value[0].at(v)
			if !l.contents[nameOutput].contains(append(append([]uint64{1}, given...), x.Uint64())) {
				return nil
			}
		}
		if !m.Send {
			mult.Neg(&mult)
		}
		key := exchanged{m.Bus, k.tuple(n, v)}
		sum := all[key]
		if bus.Kind != Sum {
			sum.count.Add(&sum.count, &mult)
		}
		for j := range k.messages[n].value {
			x := k.messages[n].value[j].at(v)
			x.Mul(&x, &mult)
			sum.values[j].Add(&sum.values[j], &x)
		}
		if all[key] = sum; sum == (balance{}) {
			delete(all, key)
		}
	}
	return all
}

// table is the name of the table behind a bus.
func (s *System) table(bus BusID) string {
	for _, c := range s.Chips {
		if c.Table && c.Messages[0].Bus == bus {
			return c.Name
		}
	}
	return ""
}
