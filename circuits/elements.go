package circuits

import "github.com/trilemma-dev/trilemma/machine"

// elements makes the chips of operations on tables, but for calls through them.
func (m *maker) elements() {
	get := m.step("table.get", use{op: machine.OpTableGet, lanes: []operand{opD, opA, opTableSize}, extra: []operand{opTypeBase}, takes: goes})
	d := get.lane(0, "d")
	e := get.element([]Lin{d}, nil)
	v := get.column("x", 64)
	get.goOn()
	get.use(BusCells, e.base.Plus(e.i), 0, v, v, elementCell, nil)
	get.write(0, d, v, nil)

	set := m.step("table.set", use{op: machine.OpTableSet, lanes: []operand{opD, opA, opTableSize}, extra: []operand{opTypeBase}, takes: goes})
	d = set.lane(0, "d")
	e = set.element([]Lin{d}, nil)
	w, was := set.column("x", 64), set.column("was", 64)
	set.goOn()
	set.read(0, d, slotB, w)
	set.use(BusCells, e.base.Plus(e.i), 0, was, w, elementCell, func(x *execution) uint64 { return x.at(0) })
	set.also(func(x *execution, r Row) { r.set(w, x.at(0)) })

	drop := m.step("segment drop", use{op: machine.OpSegmentDrop, lanes: []operand{opCell}})
	i := drop.registers("segment")
	drop.fetch(i)
	drop.goOn()
	drop.use(BusCells, i[0], 0, drop.column("was", 64), Lin{}, func(x *execution) uint64 { return cellGlobals + uint64(x.in.T) }, func(*execution) uint64 { return 0 })

	one := func(in *machine.Instr) bool { return uint32(in.B) == in.T }
	m.moveElement("table.copy apart", func(in *machine.Instr) bool { return !one(in) }, false, false)
	m.moveElement("table.copy up", one, true, false)
	m.moveElement("table.copy down", one, true, true)
	m.fillElement()
	m.initElement()
}

// more goes on from one number of elements that are left to one less. It returns what was left.
func (s *step) more(a Lin) Lin {
	after := s.limbs("left", 2)
	before := after.Plus(Int(1))
	s.count(a, 2, before, after, -1)
	s.also(func(x *execution, r Row) { r.limbs(after, x.counter(2)-1) })
	return before
}

func some(x *execution) bool { return x.counter(2) != 0 }

// elementAt is the cell of an element of table B.
func elementAt(base operand, index func(x *execution) uint64) func(x *execution) uint64 {
	return func(x *execution) uint64 { return base.among(x.program, x.pc) + index(x) }
}

// moveElement makes the chip of a step of table.copy: upward from the beginnings, or within one table, if the target lies behind the source, downward from the
// ends.
func (m *maker) moveElement(name string, when func(in *machine.Instr) bool, one, down bool) {
	s := m.step(name, use{op: machine.OpTableCopy, lanes: []operand{opA}, extra: []operand{opBase, opOtherBase}, when: when,
		takes: func(x *execution) bool { return some(x) && (!one || (x.counter(0) > x.counter(1)) == down) }})
	a, base, other := s.lane(0, "a"), s.extra(0, "base"), s.extra(1, "other")
	s.fetch([]Lin{a}, base, other)
	s.next(s.pc, Lin{})
	to, v, was := s.limbs("to", 2), s.column("x", 64), s.column("was", 64)
	before := s.more(a)
	from, past := s.limbs("from", 2), Lin{}
	index := func(k uint64) func(x *execution) uint64 {
		return func(x *execution) uint64 {
			if down {
				return x.counter(k) + x.counter(2) - 1
			}
			return x.counter(k)
		}
	}
	switch {
	case down:
		s.below32("apart", to.Minus(from).Minus(Int(1)), func(x *execution) uint64 { return x.counter(0) - x.counter(1) - 1 })
		past = before.Minus(Int(1))
		s.count(a, 0, to, to, 0)
		s.count(a, 1, from, from, 0)
	case one:
		s.below32("apart", from.Minus(to), func(x *execution) uint64 { return x.counter(1) - x.counter(0) })
		fallthrough
	default:
		s.count(a, 0, to, to.Plus(Int(1)), 1)
		s.count(a, 1, from, from.Plus(Int(1)), 1)
	}
	source := elementAt(opOtherBase, index(1))
	s.use(BusCells, other.Plus(from, past), 0, v, v, source, nil)
	s.use(BusCells, base.Plus(to, past), 1, was, v, elementAt(opBase, index(0)), func(x *execution) uint64 { return x.spaces[BusCells].value(source(x)) })
	s.also(func(x *execution, r Row) {
		r.limbs(to, x.counter(0))
		r.limbs(from, x.counter(1))
	})
}

// below32 says that l is below 2³²: its high limb has a column, its low one is the rest.
func (s *step) below32(name string, l Lin, of func(x *execution) uint64) {
	high := s.highLimbs(name, l, 2)
	s.also(func(x *execution, r Row) { r.limbs(high, of(x)>>16) })
}

// fillElement makes the chip of a step of table.fill.
func (m *maker) fillElement() {
	s := m.step("table.fill", use{op: machine.OpTableFill, lanes: []operand{opA}, extra: []operand{opBase}, takes: some})
	a, base := s.lane(0, "a"), s.extra(0, "base")
	s.fetch([]Lin{a}, base)
	s.next(s.pc, Lin{})
	to, v := s.limbs("to", 2), s.column("x", 64)
	s.more(a)
	s.count(a, 0, to, to.Plus(Int(1)), 1)
	s.count(a, 1, v, v, 0)
	s.use(BusCells, base.Plus(to), 0, s.column("was", 64), v, elementAt(opBase, func(x *execution) uint64 { return x.counter(0) }), func(x *execution) uint64 { return x.counter(1) })
	s.also(func(x *execution, r Row) {
		r.limbs(to, x.counter(0))
		r.set(v, x.counter(1))
	})
}

// initElement makes the chip of a step of table.init: the element is looked up in the program's segments.
func (m *maker) initElement() {
	s := m.step("table.init", use{op: machine.OpTableInit, lanes: []operand{opA}, extra: []operand{opBase, opImm}, takes: some})
	a, base, begin := s.lane(0, "a"), s.extra(0, "base"), s.extra(1, "begin")
	s.fetch([]Lin{a}, base, begin)
	s.next(s.pc, Lin{})
	to, from, v := s.limbs("to", 2), s.limbs("from", 2), s.column("x", 64)
	s.more(a)
	s.count(a, 0, to, to.Plus(Int(1)), 1)
	s.count(a, 1, from, from.Plus(Int(1)), 1)
	s.message(Message{Bus: BusElements, Key: []Field{{{Of: begin.Plus(from, Int(1)), Width: 32}}, {{Of: v, Width: 64}}}})
	element := func(x *execution) uint64 { return x.program.ElementSegments()[x.in.Imm+x.counter(1)] }
	s.use(BusCells, base.Plus(to), 0, s.column("was", 64), v, elementAt(opBase, func(x *execution) uint64 { return x.counter(0) }), element)
	s.also(func(x *execution, r Row) {
		r.limbs(to, x.counter(0))
		r.limbs(from, x.counter(1))
		r.set(v, element(x))
	})
}
