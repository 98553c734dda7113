package circuits

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/trilemma-dev/trilemma/internal/hidden"
)

// permutation checks a chip's permutation: it holds in a row of zeros, what is absorbed says which numbers it is made of, and the state is one that the row received, in the
// same order, or a first one in a row that the verifier gives.
func (l *linter) permutation() {
	p := l.c.Permutation
	if p == nil {
		return
	}
	var s hidden.State
	for i, in := range p.In() {
		s[i].SetBigInt(in.K())
	}
	s.Permute()
	for i := range s {
		if p.Out[i].K().Cmp(s[i].BigInt(new(big.Int))) != 0 {
			l.fail("%s: does not hold in a row of zeros", p.Name)
			break
		}
	}
	for _, f := range p.Absorb {
		for i, lane := range f {
			room := wrap - lane.Shift
			if i+1 < len(f) {
				room = f[i+1].Shift - lane.Shift
			}
			if v := l.b.of(lane.Of); lane.Width > room || !v.within(upTo(pow2(lane.Width))) {
				l.fail("absorbs %s, which is %s, in a lane of %d bits", lane.Of.text(l.c.Columns), v, room)
			}
		}
	}
	if l.sponge() == nil {
		l.fail("what comes out of its permutation is not what it sends on, of a state that it received or that the verifier lets begin")
	}
}

// sponge is the message by which the row sends what comes out of its permutation to whoever goes on; nil if it does not.
func (l *linter) sponge() *Message {
	p := l.c.Permutation
	if p == nil {
		return nil
	}
	for i := range l.c.Messages {
		m := &l.c.Messages[i]
		if !m.Send || l.sys.Buses[m.Bus].Kind != Stepping || len(m.Value) < hidden.Width {
			continue
		}
		sends := true
		for k, out := range p.Out {
			sends = sends && counted(out).equal(m.Value[k])
		}
		begins := m.Role == Source && l.c.Columns[On].Given
		if sends && (begins || l.receivesState(m.Bus, p)) {
			return m
		}
	}
	return nil
}

// receivesState reports whether the row received the state that its permutation takes.
func (l *linter) receivesState(bus BusID, p *Permutation) bool {
	return slices.ContainsFunc(l.c.Messages, func(m Message) bool {
		return m.Bus == bus && !m.Send && m.Role == Step && len(m.Value) > hidden.Width && slices.EqualFunc(p.State[:], m.Value[:hidden.Width], Lin.equal) &&
			m.Value[hidden.Width].equal(Lin{}) // nobody goes on from a state that is closed
	})
}

// counted is l in a row that counts.
func counted(l Lin) Lin {
	for _, t := range l.Terms {
		if t.Column == On {
			return l.Minus(column(On).scale(t.Coef)).Plus(constant(t.Coef))
		}
	}
	return l
}

// absorbed reports whether a column is a part of what goes into a sponge that ends in what the verifier knows.
func (l *linter) absorbed(col int) bool {
	if l.sponge() == nil {
		return false
	}
	for _, f := range l.c.Permutation.Absorb {
		for _, lane := range f {
			if slices.ContainsFunc(lane.Of.Terms, func(t Term) bool { return t.Column == col }) {
				return true
			}
		}
	}
	return false
}

// node reports whether l is a key that the row received on a stepping bus, and a multiple of the bus's unit: then it is a number below 2^Origin and another such multiple. It
// returns the bus.
func (l *linter) node(of Lin) *Bus {
	for i := range l.c.Messages {
		m := &l.c.Messages[i]
		if b := &l.sys.Buses[m.Bus]; b.Origin > 0 && !m.Send && m.Role == Step {
			if d := of.Minus(m.firstKey()); len(d.Terms) == 0 && new(big.Int).Mod(d.K(), b.Unit).Sign() == 0 {
				return b
			}
		}
	}
	return nil
}

// bounded reports whether what a table says on a bus can be relied on by whoever asks: it is a table of a plain bus, or one of those that receive what
// others send.
func (b *Bus) bounded(c *Chip, m *Message) bool {
	return b.Kind == Plain && m.Send || b.Tabled && c.Table && !m.Send
}

// lintLanes checks that all tables of a bus say the same with their numbers: who asks relies on the lanes of the first one.
func (s *System) lintLanes() (errs []error) {
	first := make(map[BusID]*Message)
	for _, c := range s.Chips {
		l := &linter{sys: s, c: c}
		for i := range c.Messages {
			m := &c.Messages[i]
			if b := &s.Buses[m.Bus]; !b.bounded(c, m) {
				continue
			}
			if first[m.Bus] == nil {
				first[m.Bus] = m
			}
			for k, f := range m.Key {
				if !l.lanes(f, first[m.Bus].Key[k]) {
					errs = append(errs, fmt.Errorf("circuits: chip %s: has other lanes on %s than its first table", c.Name, s.Buses[m.Bus].Name))
				}
			}
		}
	}
	return errs
}

// lanes reports whether a field has the lanes of another one, or a key of a path in place of the first two.
func (l *linter) lanes(f, of Field) bool {
	same := func(a, b Lane) bool { return a.Shift == b.Shift && a.Width <= b.Width }
	if slices.EqualFunc(f, of, same) {
		return true
	}
	if len(f) == 0 || len(f)+1 != len(of) || !slices.EqualFunc(f[1:], of[2:], same) {
		return false
	}
	b := l.node(f[0].Of)
	return b != nil && f[0].Shift == 0 && f[0].Width <= of[1].Shift+of[1].Width && b.Unit.Cmp(pow2(of[1].Shift)) == 0 && b.Origin <= of[0].Width
}

// origin checks a first key of a bus that relies on where paths begin: it is a number of the verifier's.
func (l *linter) origin(b *Bus, m *Message) {
	given := l.c.Columns[On].Given
	for _, t := range m.firstKey().Terms {
		given = given && l.c.Columns[t.Column].Given
	}
	if v := l.b.of(m.firstKey()); !given || !v.within(upTo(pow2(b.Origin))) {
		l.fail("sends the first key %s on %s, which is %s", m.firstKey().text(l.c.Columns), b.Name, v)
	}
}
