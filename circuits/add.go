package circuits

import "github.com/trilemma-dev/trilemma/machine"

// additions makes the chips of addition and subtraction. One number is what the others make it, with a carry of one bit: no constraint but that the
// carry is a bit, and that the result is as wide as it should be. The operands are below 2⁶⁴; where they are 32 bits wide the carry suffices for these
// only, and what it gives is right for all.
func (m *maker) additions() {
	for _, w := range []struct {
		bits     uint
		add, sub machine.Op
	}{{32, machine.OpAdd32, machine.OpSub32}, {64, machine.OpAdd64, machine.OpSub64}} {
		// a + b = result + 2^bits·carry
		m.sum(name("add", w.bits), w.add, w.bits, func(a, result, carry Lin) Lin { return result.Plus(carry).Minus(a) }, func(a, b uint64) bool {
			return a+b < a || w.bits == 32 && (a+b)>>32 != 0
		})
		// a + 2^bits·borrow = result + b; with a constant, constant + 2^bits·borrow = result + a
		m.sum(name("sub", w.bits), w.sub, w.bits, func(a, result, borrow Lin) Lin { return a.Plus(borrow).Minus(result) }, func(a, b uint64) bool { return a < b })
	}
}

// sum makes the chips of one operation, on two registers and with a constant, each in place and not: other is what the second operand must be, carries whether
// the bit is set. A subtraction takes the register from the constant.
func (m *maker) sum(name string, op machine.Op, bits uint, other func(a, result, carry Lin) Lin, carries func(a, b uint64) bool) {
	minus := op == machine.OpSub32 || op == machine.OpSub64
	for _, inPlace := range []bool{false, true} {
		s, i := m.binary(name, op, inPlace, !minus)
		s.fetch(i)
		s.goOn()
		v, result, carry := s.column("x", 64), s.limbs("result", int(bits/16)), s.bit("carry")
		s.read(2, i[2], slotB, other(v, result, carry.Shl(bits)))
		s.replace(i, inPlace, v, result)
		s.fill = func(x *execution, r Row) {
			r.set(v, x.at(1))
			r.limbs(result, x.d)
			r.set(carry, bit(carries(x.at(1), x.at(2))))
		}
		m.sumConstant(name, op+1, bits, inPlace, minus, other, carries)
	}
}

// sumConstant makes the chip of the form with a constant, which the others bound.
func (m *maker) sumConstant(name string, op machine.Op, bits uint, inPlace, minus bool, other func(a, result, carry Lin) Lin, carries func(a, b uint64) bool) {
	s, i := m.constant(name, use{op: op, lanes: []operand{opD, opA, opImm}}, inPlace)
	s.goOn()
	v, result, carry := s.column("x", 64), s.limbs("result", int(bits/16)), s.bit("carry")
	s.replace(i, inPlace, v, result)
	if minus {
		s.fetch(append(i, result.Plus(v).Minus(carry.Shl(bits))))
	} else {
		s.fetch(append(i, other(v, result, carry.Shl(bits))))
	}
	s.fill = func(x *execution, r Row) {
		a, b := x.at(1), x.in.Imm
		if minus {
			a, b = b, a
		}
		r.set(v, x.at(1))
		r.limbs(result, x.d)
		r.set(carry, bit(carries(a, b)))
	}
}

// name is the name of an operation of a width.
func name(op string, bits uint) string {
	if bits == 32 {
		return op + "32"
	}
	return op + "64"
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
