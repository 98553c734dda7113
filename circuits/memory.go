package circuits

import (
	"fmt"

	"github.com/trilemma-dev/trilemma/machine"
)

// window is a memory access of some bytes at a place within a word of four: the words that it touches, and what of them it leaves alone.
type window struct {
	size, offset uint // in bytes
}

// words is how many words the access touches.
func (w window) words() uint { return (w.offset + w.size + 3) / 4 }

// part is the bits of word i that the access covers: from … to.
func (w window) part(i uint) (from, to uint) {
	first, last := int(w.offset)-4*int(i), int(w.offset+w.size)-4*int(i)
	return uint(max(first, 0)) * 8, uint(min(last, 4)) * 8
}

// parts are the columns of one word: what lies below the access, what is covered, and what lies above.
type parts struct{ below, inside, above Lin }

// split adds columns for the parts of word i. A word that is covered whole is one column, if it is received and needs no limbs.
func (w window) split(s builder, i uint, limbs bool) (p parts) {
	from, to := w.part(i)
	name := fmt.Sprintf("word%d ", i)
	if from > 0 {
		p.below = s.piece(name+"below", from)
	}
	if to-from == 32 && !limbs {
		p.inside = s.column(name+"whole", 32)
	} else {
		p.inside = s.piece(name+"inside", to-from)
	}
	if to < 32 {
		p.above = s.piece(name+"above", 32-to)
	}
	return p
}

// word is word i with another number in the part that is covered.
func (w window) word(i uint, p parts, inside Lin) Lin {
	from, to := w.part(i)
	return p.below.Plus(inside.Shl(from), p.above.Shl(to))
}

// fill fills the parts' columns.
func (w window) fill(r Row, i uint, p parts, word uint64) {
	from, to := w.part(i)
	r.limbs(p.below, word&(1<<from-1))
	inside := word >> from & (1<<(to-from) - 1)
	if len(p.inside.Terms) == 1 {
		r.set(p.inside, inside)
	} else {
		r.limbs(p.inside, inside)
	}
	r.limbs(p.above, word>>to)
}

// value is the number that the covered parts make.
func (w window) value(inside []Lin) (v Lin) {
	at := uint(0)
	for i, l := range inside {
		from, to := w.part(uint(i))
		v = v.Plus(l.Shl(at))
		at += to - from
	}
	return v
}

// place is where an access goes: the address is a register and an offset, or a constant.
type place struct {
	window
	absolute bool
}

// lanes are the operands of the address.
func (p place) lanes() []operand {
	if p.absolute {
		return []operand{opWord}
	}
	return []operand{opA, opT}
}

// use makes the use of an operation for this place.
func (p place) use(op machine.Op, before ...operand) use {
	u := use{op: op, lanes: append(before, p.lanes()...), takes: func(x *execution) bool { return !x.ended && p.address(x)%4 == uint64(p.offset) }}
	if p.absolute {
		u.when = func(in *machine.Instr) bool { return in.T%4 == uint32(p.offset) }
	}
	return u
}

// address is the address of the first byte.
func (p place) address(x *execution) uint64 {
	if p.absolute {
		return uint64(x.in.T)
	}
	return x.reg(opA) + uint64(x.in.T)
}

// find adds what makes out the first word, with the address's operands in lanes from at on. A word's index is bounded by its key, which is in the image,
// so that address and offset cannot be traded: 4·index is the address only if it is.
func (p place) find(s *step, at int) (word Lin, lanes []Lin) {
	if p.absolute {
		word = s.lane(at, "word")
		return word, []Lin{word}
	}
	a, t := s.lane(at, "a"), s.lane(at+1, "t")
	word = s.column("word", 28)
	s.read(at, a, slotA, word.Shl(2).Plus(Int(int64(p.offset))).Minus(t))
	s.fill = func(x *execution, r Row) { r.set(word, p.address(x)/4) }
	return word, []Lin{a, t}
}

// also adds to what fills a chip's own columns.
func (s *step) also(fill func(x *execution, r Row)) {
	first := s.fill
	s.fill = func(x *execution, r Row) {
		first(x, r)
		fill(x, r)
	}
}

// cell is where word i of the access lies.
func (p place) cell(i uint) func(x *execution) uint64 {
	return func(x *execution) uint64 { return p.address(x)/4 + uint64(i) }
}

// each calls f for all offsets and both kinds of address, with a name for them.
func each(size uint, f func(p place, name string)) {
	for _, absolute := range []bool{false, true} {
		for offset := range uint(4) {
			name := fmt.Sprintf(" +%d", offset)
			if absolute {
				name += " absolute"
			}
			f(place{window{size, offset}, absolute}, name)
		}
	}
}

// loads makes the chips of loads.
func (m *maker) loads() {
	for _, l := range []struct {
		op     machine.Op
		size   uint
		extend uint // bits to extend the sign to, or 0
	}{
		{machine.OpLoad8U, 1, 0}, {machine.OpLoad8S32, 1, 32}, {machine.OpLoad8S64, 1, 64},
		{machine.OpLoad16U, 2, 0}, {machine.OpLoad16S32, 2, 32}, {machine.OpLoad16S64, 2, 64},
		{machine.OpLoad32U, 4, 0}, {machine.OpLoad32S64, 4, 64}, {machine.OpLoad64, 8, 0},
	} {
		each(l.size, func(p place, name string) {
			op := l.op
			if p.absolute {
				op++
			}
			m.load(l.op.String()+name, op, p, l.extend)
		})
	}
}

func (m *maker) load(name string, op machine.Op, p place, extend uint) {
	s := m.step(name, p.use(op, opD))
	d := s.lane(0, "d")
	word, lanes := p.find(s, 1)
	s.fetch(append([]Lin{d}, lanes...))
	s.goOn()
	var inside []Lin
	for i := range p.words() {
		parts := p.split(s.builder, i, extend != 0)
		w := p.word(i, parts, parts.inside)
		s.use(BusMemory, word.Plus(Int(int64(i))), 0, w, w, p.cell(i), nil)
		inside = append(inside, parts.inside)
		s.also(func(x *execution, r Row) { p.fill(r, i, parts, x.spaces[BusMemory].value(p.cell(i)(x))) })
	}
	v := p.value(inside)
	if extend != 0 {
		negative := s.sign(inside[len(inside)-1])
		v = v.Plus(negative.Shl(extend)).Minus(negative.Shl(8 * p.size))
		s.also(func(x *execution, r Row) { r.set(negative, x.d>>(extend-1)&1) })
	}
	s.write(0, d, v, nil)
}

// sign adds a bit that is the highest one of a piece.
func (b builder) sign(piece Lin) Lin {
	top := column(piece.Terms[len(piece.Terms)-1].Column)
	bits, bus := uint(16), BusRange
	if b.Columns[top.Terms[0].Column].Bits == 8 {
		bits, bus = 8, BusByte
	}
	negative := b.bit("negative")
	b.receive(bus, Field{{Of: top.Minus(negative.Shl(bits - 1)).Times(2), Width: bits}})
	return negative
}
