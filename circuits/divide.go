package circuits

import (
	"math/bits"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// bits64 is the product of two numbers.
func bits64(x, y uint64) (hi, lo uint64) { return bits.Mul64(x, y) }

// A division is one of magnitudes: A = Q·B + R with R < B. Signed operations have a chip for each pair of signs, which says how the magnitudes are
// the operands', and the result's.

// division is one chip of a division.
type division struct {
	op        machine.Op
	bits      uint
	signed    bool
	negA      bool // the sign of a signed operand
	negB      bool
	remainder bool
}

// divisions makes the chips of divisions and remainders, and of what they trap on.
func (m *maker) divisions() {
	for i, op := range []machine.Op{machine.OpDivS32, machine.OpDivU32, machine.OpRemS32, machine.OpRemU32} {
		for wide := range 2 {
			d := division{op: op + 2*machine.Op(wide), bits: uint(32 << wide), signed: i%2 == 0, remainder: i >= 2}
			m.divideByZero(d.op)
			if !d.signed {
				m.divide(d, "")
				continue
			}
			for signs, name := range []string{" + +", " − +", " + −", " − −"} {
				d.negA, d.negB = signs&1 == 1, signs&2 == 2
				m.divide(d, name)
			}
			if !d.remainder {
				m.overflow(d)
			}
		}
	}
}

// negative reports whether a number of some bits is, as a signed one.
func negative(v uint64, bits uint) bool { return v>>(bits-1)&1 == 1 }

// magnitude is the absolute value of a number.
func magnitude(v uint64, bits uint, neg bool) uint64 {
	if neg {
		return -v & mask(bits)
	}
	return v
}

// magnitude adds the magnitude of an operand, and returns what is read of it.
func (d *division) magnitude(s *step, name string, neg bool) (size, read Lin, fill func(v uint64, r Row)) {
	if !d.signed {
		v := s.column(name+" size", 64)
		return v, v, func(x uint64, r Row) { r.set(v, x) }
	}
	v := s.limbs(name+" size", int(d.bits/16))
	s.half(v)
	if neg { // 1 … 2^(bits−1)
		size = v.Plus(column(On))
		return size, Pow(d.bits).Minus(size), func(x uint64, r Row) { r.limbs(v, magnitude(x, d.bits, true)-1) }
	}
	return v, v, func(x uint64, r Row) { r.limbs(v, x) }
}

// half says that the highest bit of limbs is not set.
func (b builder) half(limbs Lin) {
	b.below16(column(limbs.Terms[len(limbs.Terms)-1].Column).Times(2))
}

// result adds a number of magnitude size, which is negative or 0 if neg, as a register has it.
func (d *division) result(s *step, name string, neg bool) (number, size Lin, fill func(size uint64, r Row)) {
	v := s.limbs(name, int(d.bits/16))
	if !neg {
		return v, v, func(n uint64, r Row) { r.limbs(v, n) }
	}
	some := s.bit(name + " is not 0")
	s.law(name+" is 0 or negative", Product{v, column(On).Minus(some)}) // else its size could be below 0
	return v, some.Shl(d.bits).Minus(v), func(n uint64, r Row) {
		r.limbs(v, -n&mask(d.bits))
		r.set(some, bit(n != 0))
	}
}

// divide makes the chips of a division, by a register and by a constant.
func (m *maker) divide(d division, name string) {
	for _, constant := range []bool{false, true} {
		m.divideBy(d, name, constant)
	}
}

func (m *maker) divideBy(d division, name string, constant bool) {
	signs := func(a, b uint64) bool {
		return b != 0 && (!d.signed || negative(a, d.bits) == d.negA && negative(b, d.bits) == d.negB)
	}
	var s *step
	var i []Lin
	var divisor Lin
	size := func(v uint64) uint64 { return magnitude(v, d.bits, d.negB) }
	var fillB func(v uint64, r Row)
	divides := func(x *execution) uint64 { return x.in.Imm }
	if constant {
		o := opImm
		if d.negB {
			o = map[uint]operand{32: opMinus32, 64: opMinus64}[d.bits]
		}
		u := use{op: d.op + 1, lanes: []operand{opD, opA}, extra: []operand{o}, takes: func(x *execution) bool { return !x.ended && signs(x.reg(opA), x.in.Imm) }}
		u.when = func(in *machine.Instr) bool {
			return in.Imm != 0 && (!d.signed || negative(in.Imm, d.bits) == d.negB)
		}
		s = m.step(d.op.String()+" constant"+name, u)
		i = s.registers("d", "a")
		divisor = s.extra(0, "b")
		s.fetch(i, divisor)
		fillB = func(uint64, Row) {}
	} else {
		s = m.step(d.op.String()+name, use{op: d.op, lanes: []operand{opD, opA, opB}, takes: func(x *execution) bool { return !x.ended && signs(x.reg(opA), x.reg(opB)) }})
		i = s.registers("d", "a", "b")
		s.fetch(i)
		var read Lin
		divisor, read, fillB = d.magnitude(s, "b", d.negB)
		s.read(2, i[2], slotB, read)
		divides = func(x *execution) uint64 { return x.at(2) }
	}
	s.goOn()
	dividend, read, fillA := d.magnitude(s, "a", d.negA)
	s.read(1, i[1], slotA, read)
	negQ := d.signed && d.negA != d.negB
	quotient, q, fillQ := d.result(s, "quotient", negQ && !d.remainder)
	remainder, rest, fillR := d.result(s, "remainder", d.signed && d.negA && d.remainder)
	if d.signed && !negQ && !d.remainder {
		s.half(quotient) // else it is the one that traps
	}
	more := s.limbs("more", int(d.bits/16))
	s.law("the division", Product{q, divisor}, Product{rest.Minus(dividend)})
	s.law("the remainder is less", Product{divisor.Minus(rest).Minus(more).Minus(column(On))})
	if d.remainder {
		s.write(0, i[0], remainder, nil)
	} else {
		s.write(0, i[0], quotient, nil)
	}
	s.fill = func(x *execution, r Row) {
		a, b := magnitude(x.at(1), d.bits, d.negA), size(divides(x))
		fillA(x.at(1), r)
		fillB(divides(x), r)
		if b == 0 { // nothing makes such a row right
			return
		}
		fillQ(a/b, r)
		fillR(a%b, r)
		r.limbs(more, b-a%b-1)
	}
}

// traps ends the run in a trap.
func (s *step) traps(k link.TrapKind) {
	s.stop(Int(int64(endTrapped | machine.TrapNumber(k)<<endTrap)))
}

// divideByZero makes the chips of a division by 0.
func (m *maker) divideByZero(op machine.Op) {
	s := m.step(op.String()+" by 0", use{op: op, lanes: []operand{opB}, takes: func(x *execution) bool { return x.reg(opB) == 0 }})
	i := s.registers("b")
	s.fetch(i)
	s.read(0, i[0], slotB, Lin{})
	s.traps(link.TrapDivideByZero)

	zero := func(in *machine.Instr) bool { return in.Imm == 0 }
	c := m.step(op.String()+" by constant 0", use{op: op + 1, when: zero})
	c.fetch(nil)
	c.traps(link.TrapDivideByZero)
}

// overflow makes the chips of the division of the least number by −1.
func (m *maker) overflow(d division) {
	least, minus := uint64(1)<<(d.bits-1), mask(d.bits)
	s := m.step(d.op.String()+" overflow", use{op: d.op, lanes: []operand{opA, opB}, takes: func(x *execution) bool { return x.reg(opA) == least && x.reg(opB) == minus }})
	i := s.registers("a", "b")
	s.fetch(i)
	s.read(0, i[0], slotA, Pow(d.bits-1))
	s.read(1, i[1], slotB, Pow(d.bits).Minus(Int(1)))
	s.traps(link.TrapOverflow)

	c := m.step(d.op.String()+" constant overflow", use{op: d.op + 1, lanes: []operand{opA}, takes: func(x *execution) bool { return x.reg(opA) == least },
		when: func(in *machine.Instr) bool { return in.Imm == minus }})
	i = c.registers("a")
	c.fetch(i)
	c.read(0, i[0], slotA, Pow(d.bits-1))
	c.traps(link.TrapOverflow)
}
