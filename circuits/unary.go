package circuits

import (
	"math/bits"

	"github.com/trilemma-dev/trilemma/machine"
)

// unaries makes the chips of operations on one number.
func (m *maker) unaries() {
	m.low("wrap", machine.OpWrap, 32, 64, 0)
	m.low("extend8_s32", machine.OpExtend8S32, 8, 32, 32)
	m.low("extend16_s32", machine.OpExtend16S32, 16, 32, 32)
	m.low("extend8_s64", machine.OpExtend8S64, 8, 64, 64)
	m.low("extend16_s64", machine.OpExtend16S64, 16, 64, 64)
	m.low("extend32_s64", machine.OpExtend32S64, 32, 64, 64)
	for wide := range 2 {
		m.leading(machine.OpClz32+machine.Op(wide), uint(32<<wide))
		m.trailing(machine.OpCtz32+machine.Op(wide), uint(32<<wide))
		m.count(machine.OpPopcnt32+machine.Op(wide), uint(32<<wide))
	}
}

// single begins a chip of an operation on register a.
func (m *maker) single(name string, op machine.Op, takes func(x *execution) bool) (s *step, i []Lin) {
	s = m.step(name, use{op: op, lanes: []operand{opD, opA}, takes: takes})
	i = s.registers("d", "a")
	s.fetch(i)
	s.goOn()
	return s, i
}

// low makes the chips of what keeps the low bits of a number, and extends their sign or not: one where no others are set, and one where some are.
func (m *maker) low(name string, op machine.Op, keep, of, extend uint) {
	for _, more := range []bool{false, true} {
		if more {
			name += " of more"
		}
		s, i := m.single(name, op, func(x *execution) bool { return x.reg(opA)>>keep != 0 == more })
		v := s.piece("low", keep)
		read, result := v, v
		if more {
			high := s.piece("high", of-keep)
			read = v.Plus(high.Shl(keep))
			s.also(func(x *execution, r Row) { r.limbs(high, x.at(1)>>keep) })
		}
		if extend > 0 {
			sign := s.sign(v)
			result = v.Plus(sign.Shl(extend)).Minus(sign.Shl(keep))
			s.also(func(x *execution, r Row) { r.set(sign, x.at(1)>>(keep-1)&1) })
		}
		s.read(1, i[1], slotA, read)
		s.write(0, i[0], result, nil)
		s.also(func(x *execution, r Row) { r.limbs(v, x.at(1)&mask(keep)) })
	}
}

// ofZero makes the chip of an operation on 0.
func (m *maker) ofZero(op machine.Op, result uint) {
	s, i := m.single(op.String()+" of 0", op, func(x *execution) bool { return x.reg(opA) == 0 })
	s.read(1, i[1], slotA, Lin{})
	s.write(0, i[0], Int(int64(result)), nil)
}

func notOfZero(x *execution) bool { return x.reg(opA) != 0 }

// powerOf adds a power of two below 2^bits, and its exponent.
func (s *step) powerOf(width uint) (power, exponent Lin, fill func(k uint64, r Row)) {
	k, p := s.column("exponent", 6), s.column("power", 64)
	s.message(Message{Bus: powerBus(width, false), Key: []Field{{{Of: k, Width: amountBits(width)}}, {{Of: p, Width: 64}}}})
	return p.Plus(Int(1)), k, func(n uint64, r Row) {
		r.set(k, n)
		r.set(p, 1<<n-1)
	}
}

// leading counts the zeros before the highest bit: x is a power of two and something less.
func (m *maker) leading(op machine.Op, width uint) {
	m.ofZero(op, width)
	s, i := m.single(op.String(), op, notOfZero)
	power, exponent, fill := s.powerOf(width)
	rest, more := s.limbs("rest", int(width/16)), s.limbs("more", int(width/16))
	s.law("the rest is less", Product{power.Minus(Int(1)).Minus(rest).Minus(more)})
	s.read(1, i[1], slotA, power.Plus(rest))
	s.write(0, i[0], Int(int64(width)-1).Minus(exponent), nil)
	s.fill = func(x *execution, r Row) {
		k := uint64(bits.Len64(x.at(1)) - 1)
		fill(k, r)
		r.limbs(rest, x.at(1)-1<<k)
		r.limbs(more, 1<<(k+1)-1-x.at(1))
	}
}

// trailing counts the zeros behind the lowest bit: x is a power of two times an odd number.
func (m *maker) trailing(op machine.Op, width uint) {
	m.ofZero(op, width)
	s, i := m.single(op.String(), op, notOfZero)
	power, exponent, fill := s.powerOf(width)
	v, half := s.column("x", 64), s.limbs("half", int(width/16))
	p := power.Minus(Int(1))
	s.law("the odd part", Product{p, half.Times(2)}, Product{half.Times(2).Plus(p, column(On)).Minus(v)})
	s.read(1, i[1], slotA, v)
	s.write(0, i[0], exponent, nil)
	s.fill = func(x *execution, r Row) {
		k := bits.TrailingZeros64(x.at(1))
		fill(uint64(k), r)
		r.set(v, x.at(1))
		r.limbs(half, x.at(1)>>k>>1)
	}
}

// count counts bits, byte by byte in a table.
func (m *maker) count(op machine.Op, width uint) {
	s, i := m.single(op.String(), op, nil)
	var v, sum Lin
	var all [][2]Lin
	for k := range width / 8 {
		b, n := s.column("byte"+string(rune('0'+k)), 8), s.column("ones"+string(rune('0'+k)), 4)
		s.message(Message{Bus: BusOnes, Key: []Field{{{Of: b, Width: 8}}, {{Of: n, Width: 4}}}})
		v, sum = v.Plus(b.Shl(8*k)), sum.Plus(n)
		all = append(all, [2]Lin{b, n})
	}
	s.read(1, i[1], slotA, v)
	s.write(0, i[0], sum, nil)
	s.fill = func(x *execution, r Row) {
		for k, c := range all {
			b := x.at(1) >> (8 * k) & 0xff
			r.set(c[0], b)
			r.set(c[1], uint64(bits.OnesCount64(b)))
		}
	}
}
