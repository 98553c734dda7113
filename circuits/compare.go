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

// conditions makes the chips of comparisons and of branches on them: for each guard one that goes to the target, one that goes on, one that
// writes 1 and one that writes 0.
func (m *maker) conditions() {
	for _, g := range guards() {
		m.branches(g)
		m.sets(g)
	}
}

// branches makes the chips of a guard that decide where a branch goes.
func (m *maker) branches(g guard) {
	for _, taken := range []bool{true, false} {
		var uses []use
		for _, src := range g.sources {
			if src.holds != taken {
				continue
			}
			u := use{op: src.op - machine.OpEq32 + machine.OpBrEq32, lanes: src.lanes, extra: g.more, when: src.when}
			u.takes = func(x *execution) bool { return compare(x, src.op) == taken }
			if taken {
				u.extra = append(u.extra[:len(u.extra):len(u.extra)], opTarget)
			}
			uses = append(uses, u)
		}
		if !taken {
			s := m.step("go on if "+g.name, uses...)
			lanes, extra := g.hold(s, 0)
			s.fetch(lanes, extra...)
			s.goOn()
			continue
		}
		s := m.step("jump if "+g.name, uses...)
		lanes, extra := g.hold(s, 0)
		t := s.extra(len(g.more), "target")
		s.fetch(lanes, append(extra, t)...)
		s.next(t, Lin{})
	}
}

// sets makes the chips of a guard that write the outcome.
func (m *maker) sets(g guard) {
	for v, name := range []string{"no: ", "yes: "} {
		var uses []use
		for _, src := range g.sources {
			if src.holds != (v == 1) {
				continue
			}
			uses = append(uses, use{op: src.op, lanes: append([]operand{opD}, src.lanes...), extra: g.more, when: src.when,
				takes: func(x *execution) bool { return compare(x, src.op) == (v == 1) }})
		}
		s := m.step(name+g.name, uses...)
		d := s.lane(0, "d")
		lanes, extra := g.hold(s, 1)
		s.fetch(append([]Lin{d}, lanes...), extra...)
		s.goOn()
		s.write(0, d, Int(int64(v)), nil)
	}
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
