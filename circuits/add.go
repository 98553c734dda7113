package circuits

import "github.com/trilemma-dev/trilemma/machine"

// additions are the chips of addition and subtraction. One number is what the others make it, with a carry of one bit: no constraint but that the
// carry is a bit, and that the result is as wide as it should be. The operands are below 2⁶⁴; where they are 32 bits wide the carry suffices for these
// only, and what it gives is right for all.
func additions() (all []*step) {
	for _, c := range []struct {
		op   machine.Op
		name string
		bits uint
	}{{machine.OpAdd32, "add32", 32}, {machine.OpAdd64, "add64", 64}} {
		all = append(all, addition(c.op, c.name, c.bits), additionI(c.op+1, c.name+"i", c.bits))
	}
	for _, c := range []struct {
		op   machine.Op
		name string
		bits uint
	}{{machine.OpSub32, "sub32", 32}, {machine.OpSub64, "sub64", 64}} {
		all = append(all, subtraction(c.op, c.name, c.bits), subtractionI(c.op+1, c.name+"i", c.bits))
	}
	return all
}

// binary begins a chip of an operation on two registers with a result.
func binary(name string, op machine.Op) (s *step, d, a, b Lin) {
	s = newStep(name, format{code: entry(op, 0), lanes: []operand{opD, opA, opB}})
	d, a, b = s.index("d"), s.index("a"), s.index("b")
	s.fetch([]Lin{d, a, b})
	s.goOn()
	s.fill = func(x *execution, r row) {
		r.set(d, uint64(x.in.D))
		r.set(a, uint64(x.in.A))
		r.set(b, uint64(x.in.B))
	}
	return s, d, a, b
}

// binaryI begins a chip of an operation on a register and a constant with a result. The constant is bounded by the operation.
func binaryI(name string, op machine.Op) (s *step, d, a Lin) {
	s = newStep(name, format{code: entry(op, 0), lanes: []operand{opD, opA, opImm}})
	d, a = s.index("d"), s.index("a")
	s.goOn()
	s.fill = func(x *execution, r row) {
		r.set(d, uint64(x.in.D))
		r.set(a, uint64(x.in.A))
	}
	return s, d, a
}

// also adds to what fills the columns.
func (s *step) also(fill func(x *execution, r row)) {
	first := s.fill
	s.fill = func(x *execution, r row) {
		first(x, r)
		fill(x, r)
	}
}

// addition: a + b = result + 2^bits·carry.
func addition(op machine.Op, name string, bits uint) *step {
	s, d, a, b := binary(name, op)
	v, result, carry := s.column("x", 64), s.limbs("result", int(bits/16)), s.bit("carry")
	s.read(opA, a, slotA, v)
	s.read(opB, b, slotB, result.Plus(carry.Shl(bits)).Minus(v))
	s.result(d, result)
	s.also(func(x *execution, r row) {
		r.set(v, x.a)
		r.limbs(result, x.d)
		r.set(carry, carried(x.a, x.b, bits))
	})
	return s
}

func additionI(op machine.Op, name string, bits uint) *step {
	s, d, a := binaryI(name, op)
	v, result, carry := s.column("x", 64), s.limbs("result", int(bits/16)), s.bit("carry")
	s.read(opA, a, slotA, v)
	s.result(d, result)
	s.fetch([]Lin{d, a, result.Plus(carry.Shl(bits)).Minus(v)})
	s.also(func(x *execution, r row) {
		r.set(v, x.a)
		r.limbs(result, x.d)
		r.set(carry, carried(x.a, x.in.Imm, bits))
	})
	return s
}

// subtraction: a + 2^bits·borrow = result + b.
func subtraction(op machine.Op, name string, bits uint) *step {
	s, d, a, b := binary(name, op)
	v, result, borrow := s.column("x", 64), s.limbs("result", int(bits/16)), s.bit("borrow")
	s.read(opA, a, slotA, v)
	s.read(opB, b, slotB, v.Plus(borrow.Shl(bits)).Minus(result))
	s.result(d, result)
	s.also(func(x *execution, r row) {
		r.set(v, x.a)
		r.limbs(result, x.d)
		r.set(borrow, bit(x.a < x.b))
	})
	return s
}

// subtractionI takes the register from the constant: imm + 2^bits·borrow = result + a.
func subtractionI(op machine.Op, name string, bits uint) *step {
	s, d, a := binaryI(name, op)
	v, result, borrow := s.column("x", 64), s.limbs("result", int(bits/16)), s.bit("borrow")
	s.read(opA, a, slotA, v)
	s.result(d, result)
	s.fetch([]Lin{d, a, result.Plus(v).Minus(borrow.Shl(bits))})
	s.also(func(x *execution, r row) {
		r.set(v, x.a)
		r.limbs(result, x.d)
		r.set(borrow, bit(x.in.Imm < x.a))
	})
	return s
}

// carried is the carry of a + b beyond a number of bits.
func carried(a, b uint64, bits uint) uint64 {
	if bits == 64 {
		return bit(a+b < a)
	}
	return (a + b) >> bits
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
