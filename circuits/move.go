package circuits

import "github.com/trilemma-dev/trilemma/machine"

// moves makes the chips of what copies.
func (m *maker) moves() {
	m.constants()
	m.move("move", machine.OpMove, opD, opA)
	m.move("move far", machine.OpMoveFar, opFarTo, opFarFrom)
	s := m.step("charge", use{op: machine.OpCharge})
	s.fetch(nil)
	s.goOn()
	m.choice("select first", opA)
	m.choice("select second", opB)
}

// constants writes a number, which is fetched whole.
func (m *maker) constants() {
	s := m.step("const", use{op: machine.OpConst, lanes: []operand{opD}, extra: []operand{opImm}})
	d, v := s.lane(0, "d"), s.extra(0, "x")
	s.fetch([]Lin{d}, v)
	s.goOn()
	s.write(0, d, v, nil)
}

// move copies a cell, whatever it holds.
func (m *maker) move(name string, op machine.Op, to, from operand) {
	s := m.step(name, use{op: op, lanes: []operand{to, from}})
	i := s.registers("d", "a")
	v := s.column("x", 64)
	s.fetch(i)
	s.goOn()
	s.read(1, i[1], slotA, v)
	s.write(0, i[0], v, nil)
	s.fill = func(x *execution, r Row) { r.set(v, x.at(1)) }
}

// choice is a select that takes the operand o: the first if the condition is not 0. The other operand is no part of the entry, since nothing
// would bound it.
func (m *maker) choice(name string, o operand) {
	s := m.step(name, use{op: machine.OpSelect, lanes: []operand{opD, opC, o}, takes: func(x *execution) bool { return (x.reg(opC) != 0) == (o == opA) }})
	i := s.registers("d", "c", "i")
	v := s.column("x", 64)
	s.fetch(i)
	s.goOn()
	condition := Lin{}
	if o == opA {
		condition = s.column("condition", 64)
		s.nonZero("the condition is not 0", condition)
	}
	s.read(1, i[1], slotA, condition)
	s.read(2, i[2], slotB, v)
	s.write(0, i[0], v, nil)
	s.fill = func(x *execution, r Row) {
		r.set(v, x.at(2))
		if o == opA {
			r.set(condition, x.at(1))
		}
	}
}

// globals makes the chips of global variables.
func (m *maker) globals() {
	cell := func(x *execution) uint64 { return cellGlobals + uint64(x.in.T) }
	get := m.step("global get", use{op: machine.OpGlobalGet, lanes: []operand{opD, opCell}})
	i := get.registers("d", "g")
	v := get.column("x", 64)
	get.fetch(i)
	get.goOn()
	get.use(BusCells, i[1], 0, v, v, cell, nil)
	get.write(0, i[0], v, nil)

	set := m.step("global set", use{op: machine.OpGlobalSet, lanes: []operand{opA, opCell}})
	i = set.registers("a", "g")
	w, old := set.column("x", 64), set.column("was", 64)
	set.fetch(i)
	set.goOn()
	set.read(0, i[0], slotA, w)
	set.use(BusCells, i[1], 0, old, w, cell, func(x *execution) uint64 { return x.at(0) })
}
