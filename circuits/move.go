package circuits

import "github.com/trilemma-dev/trilemma/machine"

// moves are the chips of what copies.
func moves() []*step {
	return []*step{constants(), move("move", machine.OpMove, opD, opA), move("move far", machine.OpMoveFar, opFarTo, opFarFrom), charge(),
		choice("select first", 0, opA), choice("select second", 1, opB)}
}

// constants writes a number, which is fetched whole.
func constants() *step {
	s := newStep("const", format{code: entry(machine.OpConst, 0), lanes: []operand{opD}, extra: []operand{opImm}})
	d, v := s.index("d"), s.column("x", 64)
	s.fetch([]Lin{d}, v)
	s.goOn()
	s.result(d, v)
	s.fill = func(x *execution, r row) {
		r.set(d, uint64(x.in.D))
		r.set(v, x.in.Imm)
	}
	return s
}

// move copies a cell, whatever it holds.
func move(name string, op machine.Op, to, from operand) *step {
	s := newStep(name, format{code: entry(op, 0), lanes: []operand{to, from}})
	d, a, v := s.index("d"), s.index("a"), s.column("x", 64)
	s.fetch([]Lin{d, a})
	s.goOn()
	s.read(from, a, slotA, v)
	s.write(to, d, v, func(x *execution) uint64 { return x.from })
	s.fill = func(x *execution, r row) {
		r.set(d, to.of(x.in))
		r.set(a, from.of(x.in))
		r.set(v, x.from)
	}
	return s
}

// charge does nothing.
func charge() *step {
	s := newStep("charge", format{code: entry(machine.OpCharge, 0)})
	s.fetch(nil)
	s.goOn()
	return s
}

// choice is a select that takes the operand o: the first if the condition is not 0. The other operand is no part of the entry, since nothing
// would bound it.
func choice(name string, variant uint16, o operand) *step {
	s := newStep(name, format{code: entry(machine.OpSelect, variant), lanes: []operand{opD, opC, o}})
	d, c, i, v := s.index("d"), s.index("c"), s.index("i"), s.column("x", 64)
	s.fetch([]Lin{d, c, i})
	s.goOn()
	condition := Lin{}
	if variant == 0 {
		condition = s.column("condition", 64)
		s.nonZero("the condition is not 0", condition)
	}
	s.read(opC, c, slotA, condition)
	s.read(o, i, slotB, v)
	s.result(d, v)
	s.takes = func(x *execution) bool { return (x.c != 0) == (variant == 0) }
	s.fill = func(x *execution, r row) {
		r.set(d, uint64(x.in.D))
		r.set(c, opC.of(x.in))
		r.set(i, o.of(x.in))
		r.set(v, x.d)
		if variant == 0 {
			r.set(condition, x.c)
		}
	}
	return s
}

// globals are the chips of global variables.
func globals() []*step {
	get := newStep("global get", format{code: entry(machine.OpGlobalGet, 0), lanes: []operand{opD, opCell}})
	d, g, v := get.index("d"), get.column("g", 28), get.column("x", 64)
	get.fetch([]Lin{d, g})
	get.goOn()
	at := func(x *execution) uint64 { return cellGlobals + uint64(x.in.T) }
	get.wide(BusCells, g, 0, v, v, at, nil)
	get.result(d, v)
	get.fill = func(x *execution, r row) {
		r.set(d, uint64(x.in.D))
		r.set(g, uint64(x.in.T))
		r.set(v, x.d)
	}

	set := newStep("global set", format{code: entry(machine.OpGlobalSet, 0), lanes: []operand{opA, opCell}})
	a, to, w, old := set.index("a"), set.column("g", 28), set.column("x", 64), set.column("was", 64)
	set.fetch([]Lin{a, to})
	set.goOn()
	set.read(opA, a, slotA, w)
	set.wide(BusCells, to, 0, old, w, at, func(x *execution, _ uint64) uint64 { return x.a })
	set.fill = func(x *execution, r row) {
		r.set(a, uint64(x.in.A))
		r.set(to, uint64(x.in.T))
		r.set(w, x.a)
	}
	return []*step{get, set}
}
