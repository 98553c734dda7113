package circuits

import (
	"math/big"
	"slices"
)

// messages checks what chips send, and how fields are packed.
func (l *linter) messages() {
	for i := range l.c.Messages {
		m := &l.c.Messages[i]
		b := &l.sys.Buses[m.Bus]
		for _, f := range m.Key {
			if err := l.packed(f); err != nil {
				l.fail("packed on %s: %w", b.Name, err)
			}
			for _, lane := range f {
				if b.bounded(l.c, m) && !l.b.of(lane.Of).within(upTo(pow2(lane.Width))) {
					l.fail("the table of %s holds %s, which is %s", b.Name, lane.Of.text(l.c.Columns), l.b.of(lane.Of))
				}
			}
		}
		if !m.Send {
			if b.Kind == Plain && !l.sys.pads(m.Bus) && !l.asks(m) {
				l.fail("may look up the padding of %s", b.Name)
			}
			continue
		}
		if v := l.b.of(m.firstKey()); b.Kind == Keyed && b.KeyBelow != nil && !v.within(upTo(b.KeyBelow)) {
			l.fail("sends the key %s on %s", v, b.Name)
		}
		for k, v := range m.Value {
			if k < len(b.Below) && !l.received(m.Bus, k, v) && !l.argued(v, b.Below[k]) && !l.b.of(v).within(upTo(b.Below[k])) {
				l.fail("sends %s on %s, which is %s", v.text(l.c.Columns), b.Name, l.b.of(v))
			}
		}
	}
}

// pads reports whether the tables of a bus can be padded with zeros whatever is asked for: they are a row of its own, or have no uses.
func (s *System) pads(bus BusID) bool {
	for _, c := range s.Chips {
		for i := range c.Messages {
			if m := &c.Messages[i]; m.Bus == bus && m.Send {
				l := &linter{sys: s, c: c}
				if !c.Zeros && !l.counts(m.Mult) && !slices.ContainsFunc(c.Columns, func(col Column) bool { return col.Given && l.tells(c.Column(col.Name), m.Mult) }) {
					return false
				}
			}
		}
	}
	return true
}

// asks reports whether a message looks up something else than zeros: a part of it is not 0, and parts cannot be traded.
func (l *linter) asks(m *Message) bool {
	return slices.ContainsFunc(m.parts(), func(part Lin) bool {
		v := l.b.of(part)
		return v.known() && v.lo.Sign() > 0
	})
}

// received reports whether the row received v on a bus, as value k: then it was within bounds.
func (l *linter) received(bus BusID, k int, v Lin) bool {
	for i := range l.c.Messages {
		if m := &l.c.Messages[i]; m.Bus == bus && !m.Send && k < len(m.Value) && m.Value[k].equal(v) {
			return true
		}
	}
	return false
}

// argued reports whether an argument says that v is below a bound.
func (l *linter) argued(v Lin, below *big.Int) bool {
	for _, a := range l.c.Argued {
		if a.Of.equal(v) && a.Below.Cmp(below) <= 0 {
			return true
		}
	}
	return false
}

// edges checks the steps on stepping buses, and where their paths begin and end.
func (l *linter) edges() {
	for bus := range l.sys.Buses {
		b := &l.sys.Buses[bus]
		if b.Kind != Stepping {
			continue
		}
		var from, to []Lin
		for i := range l.c.Messages {
			m := &l.c.Messages[i]
			switch {
			case int(m.Bus) != bus:
			case m.Role == Source:
				l.source(b, m)
			case m.Role == Sink:
				l.sinkOf(b, m)
			case m.Send:
				to = append(to, m.Key[0].Lin())
			default:
				from = append(from, m.Key[0].Lin())
			}
		}
		if len(from) != len(to) {
			l.fail("%d keys are taken from %s, %d given", len(from), b.Name, len(to))
			continue
		}
		for i := range from {
			l.edge(b, to[i].Minus(from[i]))
		}
	}
}

// edge checks how far a step goes.
func (l *linter) edge(b *Bus, by Lin) {
	whole := func(k *big.Int) bool { return new(big.Int).Mod(k, b.Unit).Sign() == 0 }
	ok := whole(by.K())
	for _, t := range by.Terms {
		ok = ok && whole(t.Coef)
	}
	if v := l.b.of(by); !ok || !v.within(interval{b.Unit, b.Reach}) {
		l.fail("goes on by %s on %s, which is %s", by.text(l.c.Columns), b.Name, v)
	}
}

// chained are the buses on which image rows take their place. Where there are two, their addresses are apart: words that grew lie in pages that the memory did not
// have at first.
func chained(bus BusID) []BusID {
	switch bus {
	case BusRegisters:
		return []BusID{BusRegisterImage}
	case BusMemory:
		return []BusID{BusMemoryImage, BusGrownImage}
	case BusCells:
		return []BusID{BusCellImage}
	}
	return nil
}

// source checks a first key: it is the statement's, or that of an image row at the address that it takes on a chain, or of a growth at its step's clock.
func (l *linter) source(b *Bus, m *Message) {
	if b.Origin > 0 {
		l.origin(b, m)
		return
	}
	if l.c.Once && len(chained(m.Bus)) == 0 {
		return
	}
	if clock, ok := l.clock(); ok && m.Bus == BusGrowth {
		if v := l.b.of(m.firstKey().Minus(clock.Shl(32))); v.within(upTo(pow2(32))) {
			return
		}
	}
	for i := range l.c.Messages {
		chain := &l.c.Messages[i]
		if !slices.Contains(chained(m.Bus), chain.Bus) || !chain.Send || chain.Role != Step {
			continue
		}
		address := chain.firstKey().Minus(Int(1))
		later := m.firstKey().Minus(address)
		whole := new(big.Int).Mod(later.K(), b.Unit).Sign() == 0
		for _, t := range later.Terms {
			whole = whole && new(big.Int).Mod(t.Coef, b.Unit).Sign() == 0
		}
		if v := l.b.of(later); whole && v.known() && v.lo.Sign() >= 0 {
			return
		}
	}
	l.fail("sends a first key on %s that nothing makes the only one", b.Name)
}

// sinkOf checks a last key: it bounds the path.
func (l *linter) sinkOf(b *Bus, m *Message) {
	v := l.b.of(m.Key[0].Lin())
	switch {
	case m.Bus == BusState: // the statement bounds it on BusEnd
	case m.Bus == BusGrowth && v.known(): // where a growth ends its rows end
	case b.KeyBelow != nil && v.known() && v.hi.Cmp(b.KeyBelow) <= 0:
	case b.Index != nil && v.known() && v.hi.Cmp(b.Index) <= 0:
	default:
		l.fail("receives a last key on %s which is %s", b.Name, v)
	}
}
