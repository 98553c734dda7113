package circuits

import "github.com/trilemma-dev/trilemma/machine"

// A shift is a product with a power of two, x·2ᵏ = low + 2^bits·high, cut where the width ends: to the left the result is low, to the right
// (k = bits − amount) high, and turned around it is low + high, which have no bit in common. Powers are kept less one, so that 2⁶⁴ has its place.

// shift is how a shift uses the product.
type shift uint8

const (
	shiftLeft shift = iota
	shiftRight
	shiftSigned
	turnLeft
	turnRight
)

// right reports whether the power is 2^(bits − amount).
func (k shift) right() bool { return k == shiftRight || k == shiftSigned || k == turnRight }

// shifts makes the chips of shifts and rotations.
func (m *maker) shifts() {
	for i, op := range []machine.Op{machine.OpShl32, machine.OpShrS32, machine.OpShrU32, machine.OpRotl32} {
		kind := []shift{shiftLeft, shiftSigned, shiftRight, turnLeft}[i]
		for wide := range 2 {
			bits := uint(32 << wide)
			o := op + 2*machine.Op(wide)
			m.shiftConstant(kind, o+1, bits)
			m.shiftRegister(kind, o, bits)
		}
	}
	m.shiftRegister(turnRight, machine.OpRotr32, 32)
	m.shiftRegister(turnRight, machine.OpRotr64, 64)
}

// shiftConstant makes the chip of a shift by a constant; the program has the power.
func (m *maker) shiftConstant(kind shift, op machine.Op, bits uint) {
	power := opPowerLeft32
	if kind.right() {
		power = opPowerRight32
	}
	if bits == 64 {
		power++
	}
	s := m.step(op.String()+" constant", use{op: op, lanes: []operand{opD, opA}, extra: []operand{power}})
	i := s.registers("d", "a")
	p := s.extra(0, "power")
	s.fetch(i, p)
	s.goOn()
	s.product(kind, bits, i[1], i[0], p, func(x *execution) uint64 { return x.in.Imm % uint64(bits) })
}

// shiftRegister makes the chips of a shift by a register: the amount and its power are in a table, and what the amount leaves of the register is a multiple
// of the width: a small one in the first chip, any in the second.
func (m *maker) shiftRegister(kind shift, op machine.Op, bits uint) {
	for _, limbs := range []int{1, 4} {
		name := ""
		if limbs > 1 {
			name = " far"
		}
		u := use{op: op, lanes: []operand{opD, opA, opB}, takes: func(x *execution) bool { return (x.reg(opB)/uint64(bits) < 1<<16) == (limbs == 1) }}
		s := m.step(op.String()+name, u)
		i := s.registers("d", "a", "b")
		s.fetch(i)
		s.goOn()
		amount, p, rest := s.column("amount", 6), s.column("power", 64), s.limbs("rest", limbs)
		s.read(2, i[2], slotB, amount.Plus(rest.Times(int64(bits))))
		s.message(Message{Bus: powerBus(bits, kind.right()), Key: []Field{{{Of: amount, Width: amountBits(bits)}}, {{Of: p, Width: 64}}}})
		s.fill = func(x *execution, r Row) {
			k := x.reg(opB) % uint64(bits)
			r.set(amount, k)
			r.set(p, power(k, bits, kind.right()))
			r.limbs(rest, x.reg(opB)/uint64(bits))
		}
		s.product(kind, bits, i[1], i[0], p, func(x *execution) uint64 { return x.reg(opB) % uint64(bits) })
	}
}

// powerBus is where the powers of a width and a direction are: each has a bus of its own, since an amount is bounded by nothing else.
func powerBus(bits uint, right bool) BusID {
	bus := BusPowerLeft32
	if right {
		bus++
	}
	if bits == 64 {
		bus += 2
	}
	return bus
}

// power is what a shift multiplies with, less 1.
func power(k uint64, bits uint, right bool) uint64 {
	if right {
		k = uint64(bits) - k
	}
	return 1<<k - 1 // 2⁶⁴ is 0 here
}

// amountBits is how many bits an amount has.
func amountBits(bits uint) uint {
	if bits == 64 {
		return 6
	}
	return 5
}

// powers is the table of powers behind a bus.
func powers(bus BusID) (c Content) {
	bits, right := uint(32), bus == BusPowerRight32 || bus == BusPowerRight64
	if bus >= BusPowerLeft64 {
		bits = 64
	}
	for i := range uint64(bits) {
		c.Rows = append(c.Rows, []uint64{i, power(i, bits, right), 1})
	}
	return c
}

// product reads register a, multiplies it with power + 1 and writes what the kind makes of it to d.
func (s *step) product(kind shift, bits uint, a, d, power Lin, amount func(x *execution) uint64) {
	n := int(bits / 16)
	low, high := s.limbs("low", n), s.limbs("high", n)
	if kind == shiftSigned {
		u, read, fill := number(s, 1, "x", bits, true)
		negative := column(len(s.Columns) - 1)
		x := u.Minus(column(On).Shl(bits - 1))
		result := high.Minus(negative.Shl(bits))
		s.law("the product", Product{x, power}, Product{x.Minus(low).Minus(result.Shl(bits))})
		s.read(1, a, slotA, read)
		s.write(0, d, high, nil)
		s.also(func(x *execution, r Row) {
			v := x.at(1)
			fill(v, r)
			r.limbs(high, x.d)
			r.limbs(low, v<<(uint64(bits)-amount(x))&mask(bits)) // what falls off
		})
		return
	}
	v := s.column("x", 64)
	s.law("the product", Product{v, power}, Product{v.Minus(low).Minus(high.Shl(bits))})
	s.read(1, a, slotA, v)
	switch kind {
	case shiftLeft:
		s.write(0, d, low, nil)
	case shiftRight:
		s.write(0, d, high, nil)
	default:
		s.Argued = append(s.Argued, Argument{"parts of a turn", low.Plus(high), pow2(bits)})
		s.write(0, d, low.Plus(high), nil)
	}
	s.also(func(x *execution, r Row) {
		n, k := x.at(1), amount(x)
		if kind.right() {
			k = uint64(bits) - k
		}
		r.set(v, n)
		r.limbs(low, n<<k&mask(bits))
		r.limbs(high, n>>(uint64(bits)-k))
	})
}

// mask is the numbers of so many bits.
func mask(bits uint) uint64 { return 1<<bits - 1 }
