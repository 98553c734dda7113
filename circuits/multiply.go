package circuits

import "github.com/trilemma-dev/trilemma/machine"

// multiplications makes the chips of products: x·y = low + 2^bits·high.
func (m *maker) multiplications() {
	for wide, op := range []machine.Op{machine.OpMul32, machine.OpMul64} {
		bits := uint(32 << wide)
		for _, constant := range []bool{false, true} {
			m.multiplication(op, bits, constant)
		}
	}
}

func (m *maker) multiplication(op machine.Op, bits uint, constant bool) {
	s, i, y, other := m.second(op, "", constant, opImm, use{})
	s.goOn()
	x, low, high := s.column("x", 64), s.limbs("low", int(bits/16)), s.limbs("high", int(bits/16))
	s.law("the product", Product{x, y}, Product{low.Plus(high.Shl(bits)).Times(-1)})
	s.read(1, i[1], slotA, x)
	s.write(0, i[0], low, nil)
	s.also(func(e *execution, r Row) {
		r.set(x, e.at(1))
		hi, lo := bits64(e.at(1), other(e))
		if bits == 32 {
			hi, lo = lo>>32, lo&mask(32)
		}
		r.limbs(low, lo)
		r.limbs(high, hi)
	})
}

// second begins a chip of an operation on register a and another number: register b, or a constant, which is fetched whole. u says when the chip
// is used. It returns the columns of d and a, that of the number, and what the number is.
func (m *maker) second(op machine.Op, suffix string, constant bool, o operand, u use) (s *step, i []Lin, y Lin, other func(x *execution) uint64) {
	u.op, u.lanes = op, []operand{opD, opA, opB}
	if constant {
		u.op, u.lanes, u.extra = op+1, u.lanes[:2], []operand{o}
		s = m.step(op.String()+" constant"+suffix, u)
		i = s.registers("d", "a")
		y = s.extra(0, "y")
		s.fetch(i, y)
		return s, i, y, func(x *execution) uint64 { return o.of(x.in) }
	}
	s = m.step(op.String()+suffix, u)
	i = s.registers("d", "a", "b")
	s.fetch(i)
	y = s.column("y", 64)
	s.read(2, i[2], slotB, y)
	other = func(x *execution) uint64 { return x.at(2) }
	s.fill = func(x *execution, r Row) { r.set(y, other(x)) }
	return s, i, y, other
}
