package circuits

import "github.com/trilemma-dev/trilemma/machine"

// A spread number has bits at even places only. A number of 32 bits is even + 2·odd for exactly one pair of spread numbers, and the sum of two
// spread numbers is xor + 2·and, both spread, without a carry: so bitwise operations are sums, and lookups of spread numbers.

// spreadMask is the places of a spread number.
const spreadMask = 0x55555555

// spreadBits bounds spread numbers.
const spreadBits = 31

// spread adds a column for a spread number.
func (b builder) spread(name string) Lin {
	l := b.column(name, spreadBits)
	b.isSpread(l)
	return l
}

// isSpread says that l is a spread number.
func (b builder) isSpread(l Lin) { b.receive(BusSpread, Field{{Of: l, Width: spreadBits}}) }

// digits are the even and the odd bits of two numbers of 32 bits, and of what they make. b is what the others make it.
type digits struct{ a, b, and, xor [2]Lin }

// meet adds the digits of word i of two operands. With a constant, b is bounded by the others, and found in the program.
func (s *step) meet(i int, constant bool) (d digits) {
	name := []string{"low ", "high "}[i]
	for odd, which := range []string{"even", "odd"} {
		d.a[odd] = s.spread(name + which + " a")
		d.and[odd] = s.spread(name + which + " and")
		d.xor[odd] = s.spread(name + which + " xor")
		d.b[odd] = d.xor[odd].Plus(d.and[odd].Times(2)).Minus(d.a[odd])
		if !constant {
			s.isSpread(d.b[odd])
		}
	}
	return d
}

// joined is even + 2·odd.
func joined(d [2]Lin) Lin { return d[0].Plus(d[1].Times(2)) }

// fill fills the digits of two numbers of 32 bits.
func (d *digits) fill(r Row, a, b uint64) {
	for odd := range 2 {
		x, y := a>>odd&spreadMask, b>>odd&spreadMask
		r.set(d.a[odd], x)
		r.set(d.and[odd], x&y)
		r.set(d.xor[odd], x^y)
	}
}

// bitwise makes the chips of and, or and exclusive or.
func (m *maker) bitwise() {
	for _, op := range []struct {
		op     machine.Op
		result func(and, xor Lin) Lin
	}{
		{machine.OpAnd32, func(and, _ Lin) Lin { return and }},
		{machine.OpOr32, func(and, xor Lin) Lin { return and.Plus(xor) }},
		{machine.OpXor32, func(_, xor Lin) Lin { return xor }},
	} {
		for words := range 2 {
			o := op.op + 2*machine.Op(words)
			for _, inPlace := range []bool{false, true} {
				m.meeting(o, words+1, inPlace, op.result)
				m.meetingConstant(o+1, words+1, inPlace, op.result)
			}
		}
	}
}

// total is the number that words of 32 bits make.
func total(words []Lin) (v Lin) {
	for i, w := range words {
		v = v.Plus(w.Shl(uint(32 * i)))
	}
	return v
}

// disjoint argues that a result has as many bits as the operands: where and has a one, xor has none, since their digits make a sum of two
// digits, xor + 2·and.
func (s *step) disjoint(result Lin, words int) {
	s.Argued = append(s.Argued, Argument{"digits of a sum", result, pow2(uint(32 * words))})
}

// meeting makes the chip of an operation on two registers.
func (m *maker) meeting(op machine.Op, words int, inPlace bool, result func(and, xor Lin) Lin) {
	s, i := m.binary(op.String(), op, inPlace, true)
	s.fetch(i)
	s.goOn()
	all := make([]digits, words)
	var a, b, out []Lin
	for k := range all {
		d := s.meet(k, false)
		all[k] = d
		a, b = append(a, joined(d.a)), append(b, joined(d.b))
		out = append(out, joined([2]Lin{result(d.and[0], d.xor[0]), result(d.and[1], d.xor[1])}))
	}
	s.read(2, i[2], slotB, total(b))
	s.disjoint(total(out), words)
	s.replace(i, inPlace, total(a), total(out))
	s.fill = func(x *execution, r Row) {
		for k := range all {
			all[k].fill(r, x.at(1)>>(32*k), x.at(2)>>(32*k))
		}
	}
}

// meetingConstant makes the chip of an operation with a constant. The program holds the digits of its low half in the last lane, and those of the high half
// in a field of their own.
func (m *maker) meetingConstant(op machine.Op, words int, inPlace bool, result func(and, xor Lin) Lin) {
	u := use{op: op, lanes: []operand{opD, opA, opSpread}}
	if words == 2 {
		u.extra = []operand{opSpreadHigh}
	}
	s, i := m.constant(op.String(), u, inPlace)
	s.goOn()
	all := make([]digits, words)
	var a, out []Lin
	var halves [][]Lane
	for k := range all {
		d := s.meet(k, true)
		all[k] = d
		a = append(a, joined(d.a))
		out = append(out, joined([2]Lin{result(d.and[0], d.xor[0]), result(d.and[1], d.xor[1])}))
		halves = append(halves, []Lane{{Of: d.b[0], Width: spreadBits}, {Of: d.b[1], Shift: spreadGap, Width: spreadBits}})
	}
	word := s.word(i)
	for _, lane := range halves[0] {
		lane.Shift += laneShift[2]
		word = append(word, lane)
	}
	if words == 2 {
		s.fetchFields(word, Field(halves[1]))
	} else {
		s.fetchFields(word)
	}
	s.disjoint(total(out), words)
	s.replace(i, inPlace, total(a), total(out))
	s.fill = func(x *execution, r Row) {
		for k := range all {
			all[k].fill(r, x.at(1)>>(32*k), x.in.Imm>>(32*k))
		}
	}
}

// spreadGap is where the odd digits lie in an operand of digits.
const spreadGap = 33

// spreadOf is the digits of a number of 32 bits, as an operand.
func spreadOf(v uint64) uint64 { return v&spreadMask | v>>1&spreadMask<<spreadGap }

// spreadOut puts the bits of a number of 16 bits at even places.
func spreadOut(v uint64) uint64 {
	v = (v | v<<8) & 0x00ff00ff
	v = (v | v<<4) & 0x0f0f0f0f
	v = (v | v<<2) & 0x33333333
	return (v | v<<1) & spreadMask
}
