package circuits

import (
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// The link that a call leaves is the way back: a program counter, and from linkFrame on what the call added to the frame pointer.
const linkFrame = 32

// calls makes the chips of calls and returns.
func (m *maker) calls() {
	s := m.step("call", use{op: machine.OpCall, lanes: []operand{opD, opCells}, extra: []operand{opFrame, opTarget}, takes: goes})
	d, cells := s.lane(0, "d"), s.depth(false)
	frame, target := s.extra(0, "frame"), s.extra(1, "target")
	s.fetch([]Lin{d, cells}, frame, target)
	s.enter(d, frame, target)
	m.callTable()
	m.callTraps()
	for _, far := range []bool{false, true} {
		m.returns(far)
	}
}

// goes takes what does not end the run.
func goes(x *execution) bool { return !x.ended }

// depth goes on from the cells that frames may still take, to fewer in a call, and to more in a return. It returns how many it takes or gives: that is bounded,
// since what is left is checked to be a small number.
func (s *step) depth(back bool) (cells Lin) {
	old, now := s.column("depth", 32), s.limbs("depth left", 2)
	s.use(BusCells, Int(cellDepth), 0, old, now, func(*execution) uint64 { return cellDepth }, func(x *execution) uint64 { return x.depth })
	s.also(func(x *execution, r Row) { r.limbs(now, x.depth) })
	if back {
		return now.Minus(old)
	}
	return old.Minus(now)
}

// enter writes the link into cell d of the callee's frame, and goes there.
func (s *step) enter(d, frame, target Lin) {
	s.next(target, frame)
	back := s.pc.Plus(Int(1), frame.Shl(linkFrame))
	step := func(x *execution) uint64 { return opFrame.of(x.in) }
	s.use(BusRegisters, d.Plus(frame), slotD, s.column("old", 64), back,
		func(x *execution) uint64 { return uint64(x.fp) + step(x) + uint64(x.in.D) },
		func(x *execution) uint64 { return uint64(x.pc) + 1 + step(x)<<linkFrame })
}

// element is what a call through a table needs to know of it: the index, which register a has, the table's size and place, and the type that is called.
type element struct{ i, typ, base Lin }

// element adds what finds the table's element; lanes come before those of a and of the size. Type and place are two parts of one number, bounded by limbs
// and by the element's key.
func (s *step) element(lanes []Lin, frame []Field) (e element) {
	a := s.lane(len(lanes), "a")
	e.i = s.column("i", 32)
	more := s.limbs("more", 2)
	e.typ, e.base = s.piece("type", 24), s.column("table", 30)
	s.fetchFields(s.word(append(lanes, a, e.i.Plus(more, Int(1)))), append(frame, Field{{Of: e.typ, Width: 24}, {Of: e.base, Shift: typeBase, Width: 30}})...)
	s.read(len(lanes), a, slotA, e.i)
	s.also(func(x *execution, r Row) {
		base, size := x.program.Table(x.in.B)
		r.set(e.i, x.reg(opA))
		r.limbs(more, uint64(size)-x.reg(opA)-1)
		r.limbs(e.typ, uint64(x.in.T))
		r.set(e.base, cellElements+uint64(base))
	})
	return e
}

// elementCell is where the element lies that a call goes through.
func elementCell(x *execution) uint64 {
	base, _ := x.program.Table(x.in.B)
	return cellElements + uint64(base) + x.reg(opA)
}

// callTable makes the chip of a call through a table: the element is there, is a reference, and of the right type. A reference is the place of the code, the
// cells of its frame and its type.
func (m *maker) callTable() {
	s := m.step("call_table", use{op: machine.OpCallTable, lanes: []operand{opD, opA, opTableSize}, extra: []operand{opFrame, opTypeBase}, takes: goes})
	d, frame := s.lane(0, "d"), s.extra(0, "frame")
	e := s.element([]Lin{d}, []Field{{{Of: frame, Width: slotBits}}})
	target, cells := s.piece("target", machine.RefCells), s.limbs("cells", 1).Plus(s.bit("cells1").Shl(16))
	ref := target.Plus(cells.Shl(machine.RefCells), e.typ.Shl(machine.RefType))
	s.use(BusCells, e.base.Plus(e.i), 0, ref, ref, elementCell, nil)
	s.nonZero("the element is a reference", ref)
	s.law("the callee's cells", Product{s.depth(false).Minus(cells)})
	s.also(func(x *execution, r Row) {
		v := x.spaces[BusCells].value(elementCell(x))
		r.limbs(target, v&(1<<machine.RefCells-1))
		r.limbs(cells, v>>machine.RefCells&(1<<(machine.RefType-machine.RefCells)-1))
	})
	s.enter(d, frame, target)
}

// typeBase is where a table's place begins in an operand that has a type below it.
const typeBase = 32

// ending takes what ends the run so.
func ending(o link.Outcome) func(x *execution) bool {
	want := endOf(o)
	return func(x *execution) bool { return x.ended && x.end == want }
}

// callTraps makes the chips of calls that end the run: through a table beyond its end, through an element that is null, or of another type, and where
// the frame would be too large.
func (m *maker) callTraps() {
	table := func(name string, k link.TrapKind, takes func(x *execution) bool) *step {
		end := ending(link.Outcome{Kind: link.Trap, Trap: k})
		return m.step(name, use{op: machine.OpCallTable, lanes: []operand{opA, opTableSize}, extra: []operand{opTypeBase}, takes: func(x *execution) bool { return end(x) && takes(x) }})
	}
	within := func(x *execution) bool { _, size := x.program.Table(x.in.B); return x.reg(opA) < uint64(size) }

	null := table("call of null", link.TrapTable, within)
	e := null.element(nil, nil)
	null.use(BusCells, e.base.Plus(e.i), 0, Lin{}, Lin{}, elementCell, nil)
	null.traps(link.TrapTable)

	other := table("call of another type", link.TrapSignature, within)
	f := other.element(nil, nil)
	low, typ := other.piece("cells and target", 40).Plus(other.bit("cells above").Shl(40)), other.piece("its type", 24)
	ref := low.Plus(typ.Shl(machine.RefType))
	other.use(BusCells, f.base.Plus(f.i), 0, ref, ref, elementCell, nil)
	other.nonZero("the element is a reference", ref)
	other.nonZero("the types differ", typ.Minus(f.typ))
	other.traps(link.TrapSignature)
	other.also(func(x *execution, r Row) {
		v := x.spaces[BusCells].value(elementCell(x))
		r.limbs(low, v&(1<<machine.RefType-1))
		r.limbs(typ, v>>machine.RefType)
	})

	var uses []use
	for _, op := range []machine.Op{machine.OpCallTable, machine.OpTableGet, machine.OpTableSet} {
		uses = append(uses, use{op: op, lanes: []operand{opA, opTableSize}, takes: func(x *execution) bool { return x.ended && !within(x) }})
	}
	beyond := m.step("beyond the table", uses...)
	a, i, more := beyond.lane(0, "a"), beyond.column("i", 64), beyond.limbs("more", 4)
	beyond.fetch([]Lin{a, i.Minus(more)})
	beyond.read(0, a, slotA, i)
	beyond.traps(link.TrapTable)
	beyond.fill = func(x *execution, r Row) {
		_, size := x.program.Table(x.in.B)
		r.set(i, x.reg(opA))
		r.limbs(more, x.reg(opA)-uint64(size))
	}
	m.tooDeep()
}

// tooDeep makes the chips of calls whose frame takes more cells than are left.
func (m *maker) tooDeep() {
	deep := ending(link.Outcome{Kind: link.TooDeep})
	s := m.step("call too deep", use{op: machine.OpCall, lanes: []operand{opCells}, takes: deep})
	s.fetch([]Lin{s.lacking()})
	s.stop(Int(endDepth))

	t := m.step("call_table too deep", use{op: machine.OpCallTable, lanes: []operand{opA, opTableSize}, extra: []operand{opTypeBase}, takes: deep})
	e := t.element(nil, nil)
	target, cells := t.piece("target", machine.RefCells), t.limbs("cells", 1).Plus(t.bit("cells1").Shl(16))
	ref := target.Plus(cells.Shl(machine.RefCells), e.typ.Shl(machine.RefType))
	t.use(BusCells, e.base.Plus(e.i), 0, ref, ref, elementCell, nil)
	t.nonZero("the element is a reference", ref)
	t.law("the callee's cells", Product{t.lacking().Minus(cells)})
	t.stop(Int(endDepth))
	t.also(func(x *execution, r Row) {
		v := x.spaces[BusCells].value(elementCell(x))
		r.limbs(target, v&(1<<machine.RefCells-1))
		r.limbs(cells, v>>machine.RefCells&(1<<(machine.RefType-machine.RefCells)-1))
	})
}

// lacking is a number of cells that is more than are left.
func (s *step) lacking() Lin {
	left, more := s.column("depth", 32), s.limbs("lacking", 2)
	s.use(BusCells, Int(cellDepth), 0, left, left, func(*execution) uint64 { return cellDepth }, nil)
	s.also(func(x *execution, r Row) { r.limbs(more, x.cells()-x.spaces[BusCells].value(cellDepth)-1) })
	return left.Plus(more, column(On))
}

// cells is what a call takes.
func (x *execution) cells() uint64 {
	if x.in.Op == machine.OpCall {
		return opCells.of(x.in)
	}
	return x.spaces[BusCells].value(elementCell(x)) >> machine.RefCells & (1<<(machine.RefType-machine.RefCells) - 1)
}

// returns makes the chip of a return: the link is taken apart, and the frame pointer goes back by what it says; by less than 2¹⁶ unless far.
func (m *maker) returns(far bool) {
	name := "return"
	step := func(x *execution) uint64 { return x.at(0) >> linkFrame }
	if far {
		name += " far"
	}
	s := m.step(name, use{op: machine.OpReturn, lanes: []operand{opA, opImm32}, takes: func(x *execution) bool { return step(x)>>16 != 0 == far }})
	a, cells := s.lane(0, "a"), s.depth(true)
	back, frame := s.piece("back", programBits), s.limbs("frame", 1)
	if far {
		frame = frame.Plus(s.small("frame1", slotBits-16).Shl(16))
	}
	s.fetch([]Lin{a, cells})
	s.read(0, a, slotA, back.Plus(frame.Shl(linkFrame)))
	s.next(back, frame.Times(-1))
	s.also(func(x *execution, r Row) {
		r.limbs(back, uint64(uint32(x.at(0))))
		r.limbs(frame, step(x))
	})
}
