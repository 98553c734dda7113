package circuits

import (
	"fmt"

	"github.com/trilemma-dev/trilemma/machine"
)

// A step of a bulk operation says what it loads and stores, and where; rows of their own, one for each place within a word and number of bytes, do it. They
// are told over a bus whose key is the step's clock.

// windows makes the chips that load and store for bulk operations.
func (m *maker) windows() (all []*helper) {
	for size := uint(1); size <= 8; size++ {
		for offset := range uint(4) {
			w := window{size, offset}
			all = append(all, w.helper(BusLoadAt, "load"), w.helper(BusStoreAt, "store"))
		}
	}
	return all
}

// helper is a chip that does a part of a step.
type helper struct {
	builder
	window
	bus             BusID
	clock, word     Lin
	value           []Lin
	since           []Lin
	parts, replaced []parts
}

// helper makes the chip of one window: it receives the number of bytes, the address and the value.
func (w window) helper(bus BusID, name string) *helper {
	h := &helper{builder: build(fmt.Sprintf("%s of %d at +%d", name, w.size, w.offset)), window: w, bus: bus}
	h.clock, h.word = h.column("clock", clockBits), h.column("word", 28)
	clock := h.clock
	if bus == BusStoreAt { // later, since a step may store where it loads
		clock = clock.Plus(Int(1))
	}
	for i := range w.words() {
		p := w.split(h.builder, i, bus == BusStoreAt)
		old := w.word(i, p, p.inside)
		now := old
		h.parts = append(h.parts, p)
		if bus == BusStoreAt {
			from, to := w.part(i)
			was := h.piece(fmt.Sprintf("word%d was", i), to-from)
			h.replaced = append(h.replaced, parts{inside: was})
			old = w.word(i, p, was)
		}
		h.value = append(h.value, p.inside)
		since := h.limbs(fmt.Sprintf("since%d_", i), 3)
		h.since = append(h.since, since)
		index := h.word.Plus(Int(int64(i)))
		h.edge(BusMemory, index.Plus(clock.Minus(since).Minus(Int(1)).Shl(wideBits)), index.Plus(clock.Shl(wideBits)), []Lin{old}, []Lin{now})
	}
	h.receive(bus, alone(h.clock), Int(int64(w.size)), h.word.Shl(2).Plus(Int(int64(w.offset))), w.value(h.value))
	return h
}

// bulk makes the chips of bulk operations on memory.
func (m *maker) bulk() {
	m.bulkChecks()
	for n := uint(1); n <= 8; n++ {
		for _, down := range []bool{false, true} {
			m.copyStep(n, down)
		}
		m.fillStep(n)
		m.initStep(n)
	}
	for _, op := range []machine.Op{machine.OpMemoryCopy, machine.OpMemoryFill, machine.OpMemoryInit, machine.OpTableCopy, machine.OpTableFill, machine.OpTableInit} {
		s := m.step(op.String()+" done", use{op: op, lanes: []operand{opA}, takes: func(x *execution) bool { return x.counter(2) == 0 }})
		i := s.registers("a")
		s.fetch(i)
		s.goOn()
		s.use(BusRegisters, i[0].Plus(Int(2)), 2, Lin{}, Lin{}, counterCell(2), nil)
	}
}

// counter is register a + i before the step.
func (x *execution) counter(i uint64) uint64 { return x.spaces[BusRegisters].value(counterCell(i)(x)) }

// counterCell is where it lies.
func counterCell(i uint64) func(x *execution) uint64 {
	return func(x *execution) uint64 { return uint64(x.fp) + uint64(x.in.A) + i }
}

// count goes on from one content of register a + i to the next.
func (s *step) count(a Lin, i uint, old, now Lin, by int64) {
	fresh := func(x *execution) uint64 { return x.counter(uint64(i)) + uint64(by) }
	s.use(BusRegisters, a.Plus(Int(int64(i))), i, old, now, counterCell(uint64(i)), fresh)
}

// left takes n bytes off what is left: all of it, or if there are eight, of eight or more. It returns what was left.
func (s *step) left(a Lin, n uint) (before Lin) {
	if n < 8 {
		s.count(a, 2, Int(int64(n)), Lin{}, -int64(n))
		return Int(int64(n))
	}
	after := s.limbs("left", 2)
	before = after.Plus(Int(8))
	s.count(a, 2, before, after, -8)
	s.also(func(x *execution, r Row) { r.limbs(after, x.counter(2)-8) })
	return before
}

// piecewise takes a step of n bytes.
func piecewise(n uint) func(x *execution) bool {
	return func(x *execution) bool { return x.counter(2) == uint64(n) || n == 8 && x.counter(2) > 8 }
}

// tell sends the helpers of a step what to do.
func (s *step) tell(bus BusID, n uint, address, value Lin, at, what func(x *execution) uint64) {
	s.send(bus, alone(s.clock), Int(int64(n)), address, value)
	s.helps = append(s.helps, help{bus, n, at, what})
}

// inMemory argues that an address plus a step is a cell: the helper accesses words there, and words have image rows below 2²⁸ only.
func (s *step) inMemory(address Lin) {
	s.Argued = append(s.Argued, Argument{"an address in memory", address, pow2(64)})
}

// help is what a helper is told.
type help struct {
	bus      BusID
	size     uint
	at, what func(x *execution) uint64 // the address; what is stored
}

// copyStep makes the chip of a step of memory.copy: upward from the beginnings, or if the target lies behind the source, downward from the ends.
func (m *maker) copyStep(n uint, down bool) {
	name := fmt.Sprintf("memory.copy of %d up", n)
	if down {
		name = fmt.Sprintf("memory.copy of %d down", n)
	}
	sized := piecewise(n)
	s := m.step(name, use{op: machine.OpMemoryCopy, lanes: []operand{opA}, takes: func(x *execution) bool { return sized(x) && (x.counter(0) > x.counter(1)) == down }})
	i := s.registers("a")
	s.fetch(i)
	s.next(s.pc, Lin{})
	to, value, apart := s.column("to", 64), s.column("value", 64), s.limbs("apart", 2)
	before := s.left(i[0], n)
	at := func(k uint64) func(x *execution) uint64 {
		return func(x *execution) uint64 {
			if down {
				return x.counter(k) + x.counter(2) - uint64(n)
			}
			return x.counter(k)
		}
	}
	from, past := to.Plus(apart), Lin{}
	if down {
		from, past = to.Minus(apart).Minus(Int(1)), before.Minus(Int(int64(n)))
		s.count(i[0], 0, to, to, 0)
		s.count(i[0], 1, from, from, 0)
	} else {
		s.inMemory(to.Plus(Int(int64(n))))
		s.inMemory(from.Plus(Int(int64(n))))
		s.count(i[0], 0, to, to.Plus(Int(int64(n))), int64(n))
		s.count(i[0], 1, from, from.Plus(Int(int64(n))), int64(n))
	}
	what := func(x *execution) uint64 { return x.bytes(at(1)(x), n) }
	s.tell(BusLoadAt, n, from.Plus(past), value, at(1), what)
	s.tell(BusStoreAt, n, to.Plus(past), value, at(0), what)
	s.also(func(x *execution, r Row) {
		r.set(to, x.counter(0))
		if down {
			r.limbs(apart, x.counter(0)-x.counter(1)-1)
		} else {
			r.limbs(apart, x.counter(1)-x.counter(0))
		}
		r.set(value, what(x))
	})
}

// bytes is what n bytes of memory hold before the step.
func (x *execution) bytes(at uint64, n uint) (v uint64) {
	for k := range uint64(n) {
		v |= x.spaces[BusMemory].value((at+k)/4) >> ((at + k) % 4 * 8) & 0xff << (8 * k)
	}
	return v
}

// fillStep makes the chip of a step of memory.fill.
func (m *maker) fillStep(n uint) {
	s := m.step(fmt.Sprintf("memory.fill of %d", n), use{op: machine.OpMemoryFill, lanes: []operand{opA}, takes: piecewise(n)})
	i := s.registers("a")
	s.fetch(i)
	s.next(s.pc, Lin{})
	to, b, rest := s.column("to", 64), s.byte("byte"), s.piece("rest", 56)
	v := b.Plus(rest.Shl(8))
	s.left(i[0], n)
	s.count(i[0], 0, to, to.Plus(Int(int64(n))), int64(n))
	s.count(i[0], 1, v, v, 0)
	all := Lin{}
	for k := range n {
		all = all.Plus(b.Shl(8 * k))
	}
	s.inMemory(to.Plus(Int(int64(n))))
	target := func(x *execution) uint64 { return x.counter(0) }
	s.tell(BusStoreAt, n, to, all, target, func(x *execution) uint64 { return x.counter(1) & 0xff * 0x0101010101010101 })
	s.also(func(x *execution, r Row) {
		r.set(to, x.counter(0))
		r.set(b, x.counter(1)&0xff)
		r.limbs(rest, x.counter(1)>>8)
	})
}

// initStep makes the chip of a step of memory.init: each byte is looked up in the program's segments.
func (m *maker) initStep(n uint) {
	s := m.step(fmt.Sprintf("memory.init of %d", n), use{op: machine.OpMemoryInit, lanes: []operand{opA}, extra: []operand{opImm}, takes: piecewise(n)})
	a, base := s.lane(0, "a"), s.extra(0, "base")
	s.fetch([]Lin{a}, base)
	s.next(s.pc, Lin{})
	to, from := s.column("to", 64), s.column("from", 64)
	s.left(a, n)
	s.count(a, 0, to, to.Plus(Int(int64(n))), int64(n))
	s.count(a, 1, from, from.Plus(Int(int64(n))), int64(n))
	all := Lin{}
	var bytes []Lin
	for k := range n {
		b := s.column(fmt.Sprintf("byte%d", k), 8)
		s.message(Message{Bus: BusSegments, Key: []Field{{{Of: base.Plus(from, Int(int64(k)+1)), Width: 32}}, {{Of: b, Width: 8}}}})
		all, bytes = all.Plus(b.Shl(8*k)), append(bytes, b)
	}
	s.inMemory(to.Plus(Int(int64(n))))
	target := func(x *execution) uint64 { return x.counter(0) }
	s.tell(BusStoreAt, n, to, all, target, func(x *execution) (v uint64) {
		for k, b := range x.program.Segments()[x.in.Imm+x.counter(1):][:n] {
			v |= uint64(b) << (8 * k)
		}
		return v
	})
	s.also(func(x *execution, r Row) {
		r.set(to, x.counter(0))
		r.set(from, x.counter(1))
		for k, b := range bytes {
			r.set(b, uint64(x.program.Segments()[x.in.Imm+x.counter(1)+uint64(k)]))
		}
	})
}

// help fills the row of a helper that a step needs.
func (f *filler) help(told help, x *execution) {
	at := told.at(x)
	h := f.sys.helpers[windowKey{told.bus, window{told.size, uint(at % 4)}}]
	r := f.add(h.Chip)
	clock := f.clock
	if told.bus == BusStoreAt {
		clock++
	}
	r.set(h.clock, f.clock)
	r.set(h.word, at/4)
	value := told.what(x)
	for i := range h.words() {
		c := f.cell(BusMemory, at/4+uint64(i))
		from, to := h.part(i)
		h.fill(r, i, h.parts[i], c.value)
		if told.bus == BusStoreAt {
			was, cut := c.value>>from&mask(to-from), value&mask(to-from)
			r.limbs(h.replaced[i].inside, was)
			r.limbs(h.parts[i].inside, cut)
			c.value = c.value&^(mask(to-from)<<from) | cut<<from
			value >>= to - from
		}
		r.limbs(h.since[i], clock-c.last-1)
		c.last = clock
	}
}
