package circuits

import "github.com/trilemma-dev/trilemma/machine"

// guard is what holds of two registers, or of a register and a constant. A comparison or a branch has two guards, one for each outcome, of which
// exactly one holds.
type guard struct {
	name    string
	sources []source
	// hold makes a row satisfy the guard: at is the first of its lanes, i their columns.
	hold func(s *step, at int) (lanes []Lin, extra []Lin)
	more []operand // extra operands
}

// source is an outcome of a comparison of which a guard decides.
type source struct {
	op    machine.Op // in the form without an immediate
	holds bool       // the outcome
	lanes []operand
	when  func(in *machine.Instr) bool
}

// conditions makes the chips of comparisons and of branches on them: for each guard one that goes on as the outcome says, and one that writes it. What the
// outcome means is in the entry, so that one chip serves operations that want the guard to hold and those that want the opposite.
func (m *maker) conditions() {
	for _, g := range guards() {
		m.branch(g)
		m.set(g)
	}
}

// uses are the uses of a guard: for each source, what the outcome that the guard decides means is the last extra operand.
func (g *guard) uses(first []operand, op func(machine.Op) machine.Op, yes, no operand) (all []use) {
	for _, src := range g.sources {
		u := use{op: op(src.op), lanes: append(first[:len(first):len(first)], src.lanes...), extra: append(g.more[:len(g.more):len(g.more)], no), when: src.when,
			takes: func(x *execution) bool { return compare(x, src.op) == src.holds }}
		if src.holds {
			u.extra[len(g.more)] = yes
		}
		all = append(all, u)
	}
	return all
}

// branch makes the chip of a guard that decides where a branch goes.
func (m *maker) branch(g guard) {
	s := m.step("branch if "+g.name, g.uses(nil, func(op machine.Op) machine.Op { return op - machine.OpEq32 + machine.OpBrEq32 }, opTarget, opNext)...)
	lanes, extra := g.hold(s, 0)
	to := s.extra(len(g.more), "to")
	s.fetch(lanes, append(extra, to)...)
	s.next(to, Lin{})
}

// set makes the chip of a guard that writes the outcome.
func (m *maker) set(g guard) {
	s := m.step("set if "+g.name, g.uses([]operand{opD}, func(op machine.Op) machine.Op { return op }, opYes, opNo)...)
	d := s.lane(0, "d")
	lanes, extra := g.hold(s, 1)
	outcome := s.extra(len(g.more), "outcome")
	s.fetch(append([]Lin{d}, lanes...), append(extra, outcome)...)
	s.goOn()
	s.write(0, d, outcome, nil)
}

// compare is the outcome of a comparison in a step that executes it, or branches on it.
func compare(x *execution, op machine.Op) bool {
	if x.in.Op == op {
		return x.d == 1
	}
	a, b := x.reg(opA), x.reg(opB)
	rel := op - machine.OpEq32
	if rel&1 == 1 {
		b = x.in.Imm
	}
	var less bool
	switch wide := rel >= 12; rel % 12 >> 2 {
	case 0:
		return (a == b) == (rel&2 == 0)
	case 1:
		less = int32(a) < int32(b)
		if wide {
			less = int64(a) < int64(b)
		}
	default:
		less = a < b
	}
	return less == (rel&2 == 0)
}

// guards lists them all. Those of 32 bits are about the numbers in the low half of registers whose high half is 0, which is how the machine keeps
// them; for other contents they may fail to hold, never hold wrongly.
func guards() (all []guard) {
	pair := []operand{opA, opB}
	turned := []operand{opB, opA}
	zero := func(in *machine.Instr) bool { return in.Imm == 0 }
	other := func(in *machine.Instr) bool { return in.Imm != 0 }
	both := func(eq machine.Op, holds bool, lanes []operand, when func(*machine.Instr) bool) (out []source) {
		for _, op := range []machine.Op{eq, eq - machine.OpEq32 + machine.OpEq64} {
			out = append(out, source{op, holds, lanes, when}, source{op + 2, !holds, lanes, when}) // the negation follows two further on
		}
		return out
	}
	all = append(all,
		guard{name: "equal", sources: both(machine.OpEq32, true, pair, nil), hold: equal},
		guard{name: "equal to constant", sources: both(machine.OpEq32I, true, []operand{opA, opImm}, nil), hold: equalConstant},
		guard{name: "different", sources: both(machine.OpEq32, false, pair, nil), hold: different},
		guard{name: "different from constant", sources: both(machine.OpEq32I, false, []operand{opA}, other), hold: differentConstant, more: []operand{opImm}},
		guard{name: "not 0", sources: both(machine.OpEq32I, false, []operand{opA}, zero), hold: notZero},
	)
	for _, o := range []struct {
		name         string
		less         machine.Op
		bits         uint
		signed       bool
		lower, upper operand // the constant itself, and less 1
	}{
		{"32", machine.OpLtU32, 32, false, opImm, opLess}, {"64", machine.OpLtU64, 64, false, opImm, opLess},
		{"32 signed", machine.OpLtS32, 32, true, opFlip32, opFlipLess32}, {"64 signed", machine.OpLtS64, 64, true, opFlip64, opFlipLess64},
	} {
		ge := o.less + 2
		least := func(in *machine.Instr) bool { return o.lower.of(in) != 0 } // nothing is less than the least
		all = append(all,
			guard{name: "less " + o.name, sources: []source{{o.less, true, pair, nil}, {ge, false, pair, nil}}, hold: ordered(o.bits, o.signed, 1)},
			guard{name: "not greater " + o.name, sources: []source{{ge, true, turned, nil}, {o.less, false, turned, nil}}, hold: ordered(o.bits, o.signed, 0)},
			guard{name: "at most constant " + o.name, sources: []source{{o.less + 1, true, []operand{opA, o.upper}, least}, {ge + 1, false, []operand{opA, o.upper}, least}},
				hold: bounded(o.bits, o.signed, 1)},
			guard{name: "at least constant " + o.name, sources: []source{{ge + 1, true, []operand{opA, o.lower}, nil}, {o.less + 1, false, []operand{opA, o.lower}, nil}},
				hold: bounded(o.bits, o.signed, -1)})
	}
	return all
}
