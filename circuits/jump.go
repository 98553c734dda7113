package circuits

import "github.com/trilemma-dev/trilemma/machine"

// jumps makes the chips of jumps without a condition.
func (m *maker) jumps() {
	s := m.step("jump", use{op: machine.OpJump, extra: []operand{opTarget}})
	t := s.extra(0, "target")
	s.fetch(nil, t)
	s.next(t, Lin{})

	// Within its table a jump goes on by the register, beyond it by the constant. Either is at most the constant and so less than 2¹⁶: it stays a program counter.
	within := func(x *execution) bool { return x.reg(opA) <= x.in.Imm }
	in := m.step("jump_table", use{op: machine.OpJumpTable, lanes: []operand{opA, opJumps}, takes: within})
	a, v, more := in.lane(0, "a"), in.column("x", 64), in.limbs("more", 1)
	in.fetch([]Lin{a, v.Plus(more)})
	in.read(0, a, slotA, v)
	in.next(in.pc.Plus(Int(1), v), Lin{})
	in.fill = func(x *execution, r Row) {
		r.set(v, x.at(0))
		r.limbs(more, x.in.Imm-x.at(0))
	}

	out := m.step("jump_table beyond", use{op: machine.OpJumpTable, lanes: []operand{opA}, extra: []operand{opJumps}, takes: func(x *execution) bool { return !within(x) }})
	i := out.registers("a")
	last, beyond := out.extra(0, "last"), out.limbs("beyond", 4)
	out.fetch(i, last)
	out.read(0, i[0], slotA, last.Plus(beyond, Int(1)))
	out.next(out.pc.Plus(Int(1), last), Lin{})
	out.fill = func(x *execution, r Row) { r.limbs(beyond, x.at(0)-x.in.Imm-1) }
}
