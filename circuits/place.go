package circuits

import "github.com/trilemma-dev/trilemma/machine"

// An operation whose result replaces its first operand takes one access to the register instead of two: what is received is the operand, what is sent the result.
// Such instructions have entries of their own, and none of the others.

// binary begins a chip of an operation on two registers. In place the result goes where the first is, or if they can change places, where one of them is. It returns the
// columns of d and of both operands.
func (m *maker) binary(name string, op machine.Op, inPlace, commutes bool) (s *step, i []Lin) {
	straight, turned := []operand{opD, opA, opB}, []operand{opD, opB, opA}
	if !inPlace {
		s = m.step(name, use{op: op, lanes: straight, when: func(in *machine.Instr) bool { return in.D != in.A && (in.D != in.B || !commutes) }})
		return s, s.registers("d", "a", "b")
	}
	uses := []use{{op: op, lanes: straight, when: replacesA}}
	if commutes {
		uses = append(uses, use{op: op, lanes: turned, when: func(in *machine.Instr) bool { return in.D != in.A && in.D == in.B }})
	}
	s = m.step(name+" in place", uses...)
	d := s.lane(0, "d")
	return s, []Lin{d, d, s.lane(2, "b")}
}

// replacesA reports whether an instruction's result goes where its first operand is.
func replacesA(in *machine.Instr) bool { return in.D == in.A }

// constant begins a chip of an operation on a register and a constant. It returns the columns of d and of the register.
func (m *maker) constant(name string, u use, inPlace bool) (s *step, i []Lin) {
	if inPlace {
		u.when = replacesA
		s = m.step(name+" constant in place", u)
		d := s.lane(0, "d")
		return s, []Lin{d, d}
	}
	u.when = func(in *machine.Instr) bool { return !replacesA(in) }
	s = m.step(name+" constant", u)
	return s, s.registers("d", "a")
}

// replace reads v from the register in lane 1 and writes the result to that in lane 0; in place in one access.
func (s *step) replace(i []Lin, inPlace bool, v, result Lin) {
	if inPlace {
		s.register(0, i[0], slotD, v, result, func(x *execution) uint64 { return x.d })
		return
	}
	s.read(1, i[1], slotA, v)
	s.write(0, i[0], result, nil)
}
