package circuits

import (
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// Lint finds what in a system does not follow the rules that its soundness stands on; docs/circuits.md says why each is needed. For every chip
// it works out how the columns are bounded, from what constrains them and from what is received, and from nothing else; declared widths count for
// nothing but in given columns.
//
//   - Constraints have degree 3 at most, and hold in a row of zeros.
//   - Messages fit their bus. Multiplicities are free only where a table sends on a plain bus; everywhere else it is the row's own bit.
//   - Tables are padded with zeros, which nobody can look up, unless they are a row of the table's own.
//   - A value that is sent is within the bus's bound, so that who receives may rely on it.
//   - Steps on a bus come in pairs, from a key to one that is greater by a bounded positive multiple of the bus's unit. First keys are sent
//     by the statement, and by image rows at the address that they take in the chain.
//   - Each step fetches one entry at the program counter that it received, by a code that no other chip has, and uses registers by what it fetched.
//   - A field is packed only if each part is bounded so that no part can be traded for another.
//   - What a permutation absorbs is packed so that one number is made of one choice of parts, and states go on from where they were received. Such rows
//     may be tables beside those that the verifier knows, with the same lanes.
func (s *System) Lint() error {
	errs := slices.Concat(s.lintTables(), s.lintLanes(), s.lintCodes())
	names := make(map[string]bool)
	for _, c := range s.Chips {
		if names[c.Name] {
			errs = append(errs, fmt.Errorf("circuits: two chips are called %q", c.Name))
		}
		names[c.Name] = true
		l := &linter{sys: s, c: c, b: &bounds{cols: make([]interval, len(c.Columns))}}
		l.shape()
		if l.errs == nil {
			l.step()
			l.infer()
			l.messages()
			l.edges()
			l.permutation()
		}
		for _, e := range l.errs {
			errs = append(errs, fmt.Errorf("circuits: chip %s: %w", c.Name, e))
		}
	}
	return errors.Join(errs...)
}

// lintTables checks that each plain bus has one table, the program's one of each kind, beside those whose rows a commitment binds.
func (s *System) lintTables() (errs []error) {
	tables := make([]int, len(s.Buses))
	for _, c := range s.Chips {
		for i := range c.Messages {
			if m := &c.Messages[i]; m.Send && c.Permutation == nil {
				tables[m.Bus]++
			}
		}
	}
	for i := range s.Buses {
		want := 1
		if BusID(i) == BusFetch {
			want = len(programKinds())
		}
		if b := &s.Buses[i]; b.Kind == Plain && tables[i] != want {
			errs = append(errs, fmt.Errorf("circuits: %s has %d tables", b.Name, tables[i]))
		}
	}
	return errs
}

// linter looks at one chip.
type linter struct {
	sys  *System
	c    *Chip
	b    *bounds
	errs []error
}

func (l *linter) fail(format string, args ...any) {
	l.errs = append(l.errs, fmt.Errorf(format, args...))
}

// shape checks what needs no bounds.
func (l *linter) shape() {
	c := l.c
	names := make(map[string]bool)
	for i := range c.Columns {
		col := &c.Columns[i]
		if names[col.Name] {
			l.fail("two columns are called %q", col.Name)
		}
		names[col.Name] = true
		if col.Bits < 1 || col.Bits > 64 && !col.Wide || col.Wide && (col.Bits != fr.Bits || col.Given) {
			l.fail("column %s has %d bits", col.Name, col.Bits)
		}
		if col.Given && !c.Table && !c.Once {
			l.fail("column %s is given, in a chip whose rows are not", col.Name)
		}
	}
	if !l.isBit(On) {
		l.fail("what says whether a row counts is not a bit")
	}
	for i := range c.Constraints {
		zero := new(big.Int)
		for _, p := range c.Constraints[i].Sum {
			if len(p) < 1 || len(p) > 3 {
				l.fail("%s: degree %d", c.Constraints[i].Name, len(p))
			}
			x := big.NewInt(1)
			for _, f := range p {
				x.Mul(x, f.K())
			}
			zero.Add(zero, x)
		}
		if zero.Sign() != 0 {
			l.fail("%s: does not hold in a row of zeros", c.Constraints[i].Name)
		}
	}
	for i := range c.Messages {
		l.message(&c.Messages[i])
	}
}

// message checks a message against its bus.
func (l *linter) message(m *Message) {
	b := &l.sys.Buses[m.Bus]
	if len(m.Key) != b.Keys || len(m.Value) != b.Values {
		l.fail("a message on %s has %d keys and %d values", b.Name, len(m.Key), len(m.Value))
	}
	free := m.Send && l.c.Table && (b.Kind == Plain || b.Kind == Sum)
	free = free || b.bounded(l.c, m) && !m.Send && l.isBit(m.Mult) && l.counts(m.Mult) // what a part of a row receives, if it is there
	if m.Mult != On && !free {
		l.fail("a message on %s has a free multiplicity", b.Name)
	}
	if b.Kind == Plain && m.Send {
		if !l.c.Table {
			l.fail("on %s tables send, and nobody else", b.Name)
		}
		counts := l.counts(m.Mult)
		for _, lane := range m.parts() {
			for _, t := range lane.Terms {
				if !l.c.Columns[t.Column].Given && (!counts || !l.passed(t.Column) && !l.absorbed(t.Column)) {
					l.fail("the table of %s holds %s, which nothing binds", b.Name, l.c.Columns[t.Column].Name)
				}
			}
		}
	}
	if b.Kind == Keyed && b.KeyBelow != nil && m.Send {
		if clock, ok := l.clock(); !ok || !m.firstKey().equal(clock) && m.Bus != BusEnd {
			l.fail("a message on %s whose key is not the step's clock", b.Name)
		}
		for k := range l.c.Messages {
			if other := &l.c.Messages[k]; other != m && other.Bus == m.Bus && other.Send {
				l.fail("two messages on %s with one key", b.Name)
			}
		}
	}
	if m.Role != Step && b.Kind != Stepping {
		l.fail("%s has no first and last keys", b.Name)
	}
}

// passed reports whether a column is a part of a key that the row receives on a stepping bus: then some path goes through it.
func (l *linter) passed(col int) bool {
	for i := range l.c.Messages {
		m := &l.c.Messages[i]
		if m.Send || m.Role != Step || l.sys.Buses[m.Bus].Kind != Stepping {
			continue
		}
		for _, t := range m.firstKey().Terms {
			if t.Column == col {
				return true
			}
		}
	}
	return false
}

// counts reports whether constraints make a column 0 in rows that do not count, where no message binds what they hold: it is 0 where others are, which are 0 where the row does
// not count.
func (l *linter) counts(col int) bool {
	reached := []int{On}
	for i := 0; i < len(reached); i++ {
		for next := range l.c.Columns {
			if !slices.Contains(reached, next) && l.tells(reached[i], next) {
				reached = append(reached, next)
			}
		}
	}
	return slices.Contains(reached[1:], col)
}

// tells reports whether a constraint makes a column 0 where another one is not 1.
func (l *linter) tells(by, col int) bool {
	for i := range l.c.Constraints {
		sum := l.c.Constraints[i].Sum
		if len(sum) == 1 && len(sum[0]) == 2 && sum[0][0].equal(column(col)) && sum[0][1].equal(column(by).Minus(Int(1))) {
			return true
		}
	}
	return false
}

// isBit reports whether a constraint makes a column 0 or 1.
func (l *linter) isBit(col int) bool {
	for i := range l.c.Constraints {
		sum := l.c.Constraints[i].Sum
		if len(sum) != 1 || len(sum[0]) != 2 {
			continue
		}
		zero, one := sum[0][0], sum[0][1]
		if zero.equal(column(col)) && one.equal(column(col).Minus(Int(1))) {
			return true
		}
	}
	return false
}

// equal reports whether two polynomials are the same.
func (l Lin) equal(m Lin) bool {
	d := l.Minus(m)
	return d.Const == nil && len(d.Terms) == 0
}

// infer works out how columns are bounded, until nothing new is learnt.
func (l *linter) infer() {
	for i := range l.c.Columns {
		if col := &l.c.Columns[i]; col.Given {
			l.b.refine(i, upTo(pow2(uint(col.Bits))))
		}
		if l.isBit(i) {
			l.b.refine(i, upTo(big.NewInt(2)))
		}
	}
	const rounds = 20 // bounds could creep forever
	l.b.news = true
	for n := 0; l.b.news && n < rounds; n++ {
		l.b.news = false
		for i := range l.c.Messages {
			l.learn(&l.c.Messages[i])
		}
		for i := range l.c.Constraints {
			var sum Lin
			linear := true
			for _, p := range l.c.Constraints[i].Sum {
				if linear = linear && len(p) == 1; linear {
					sum = sum.Plus(p[0])
				}
			}
			if linear {
				l.b.learn(sum, interval{new(big.Int), new(big.Int)})
			}
		}
	}
}

// learn takes from a message what it says of the columns.
func (l *linter) learn(m *Message) {
	b := &l.sys.Buses[m.Bus]
	if m.Mult != On && !m.Send { // it says something where it is sent only; elsewhere a constraint may
		for i, v := range m.Value {
			if col, ok := v.single(); ok && i < len(b.Below) && v.equal(column(col)) && l.tells(m.Mult, col) {
				l.b.learn(v, upTo(b.Below[i]))
			}
		}
		return
	}
	if _, ok := m.firstKey().single(); ok && b.KeyBelow != nil && m.Role == Step && (b.Kind == Stepping || !m.Send) {
		l.b.learn(m.firstKey(), upTo(b.KeyBelow)) // a node of the only path, or what somebody sent
	}
	if b.Index != nil && m.Role == Step && m.Send {
		if clock, ok := l.clock(); ok {
			l.b.learn(m.Key[0].Lin().Minus(clock.Shl(b.Clock)), interval{new(big.Int).Neg(b.Index), b.Index})
		}
	}
	for i, v := range m.Value {
		if i < len(b.Below) && !m.Send {
			l.b.learn(v, upTo(b.Below[i]))
		}
	}
	for _, f := range m.Key {
		if (b.Kind == Plain && !m.Send || b.Tabled && !l.c.Table) && l.packed(f) == nil {
			for _, lane := range f {
				l.b.learn(lane.Of, upTo(pow2(lane.Width)))
			}
		}
	}
}

// firstKey is the first field of a message's key.
func (m *Message) firstKey() Lin {
	if len(m.Key) == 0 {
		return Lin{}
	}
	return m.Key[0].Lin()
}

// clock is the step's clock, if the chip is one of steps or does a part of one.
func (l *linter) clock() (Lin, bool) {
	for i := range l.c.Messages {
		if m := &l.c.Messages[i]; !m.Send && (m.Bus == BusState || m.Bus == BusLoadAt || m.Bus == BusStoreAt) {
			return m.Key[0].Lin(), true
		}
	}
	return Lin{}, false
}

// packed returns why a field is not packed as it must be.
func (l *linter) packed(f Field) error {
	if len(f) == 1 {
		return nil // it is the table's number, whatever it is
	}
	for i, lane := range f {
		room := wrap - lane.Shift
		if i+1 < len(f) {
			room = f[i+1].Shift - lane.Shift
		}
		v := l.b.of(lane.Of)
		// The difference to a number of Width bits must be less than 2^room, up and down.
		least := new(big.Int).Sub(pow2(lane.Width), pow2(room))
		most := new(big.Int).Sub(pow2(room), big.NewInt(1))
		if !v.within(interval{least, most}) {
			return fmt.Errorf("%s is %s, in a lane of %d bits", lane.Of.text(l.c.Columns), v, room)
		}
	}
	return nil
}
