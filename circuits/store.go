package circuits

import "github.com/trilemma-dev/trilemma/machine"

// stores makes the chips of stores: of a register that is no wider than what is stored, of a wider one, and of a constant. What is stored is
// checked to be as wide as it is, whatever the register is, since words are what others rely on.
func (m *maker) stores() {
	for _, st := range []struct {
		op   machine.Op
		size uint
	}{{machine.OpStore8, 1}, {machine.OpStore16, 2}, {machine.OpStore32, 4}, {machine.OpStore64, 8}} {
		each(st.size, func(p place, name string) {
			op := st.op
			if p.absolute {
				op += 2
			}
			m.store(st.op.String()+name, op, p, false)
			if st.size < 8 {
				m.store(st.op.String()+" wide"+name, op, p, true)
			}
			m.storeConstant(st.op.String()+" constant"+name, op+1, p)
		})
	}
}

// put makes a chip's words hold the pieces of what is stored, one for each word.
func (p place) put(s *step, word Lin, pieces []Lin, value func(x *execution) uint64) {
	below := uint(0)
	for i := range p.words() {
		from, to := p.part(i)
		bit := below
		parts := p.split(s.builder, i, false)
		now := func(x *execution) uint64 {
			mask := uint64(1<<(to-from) - 1)
			return x.spaces[BusMemory].value(p.cell(i)(x))&^(mask<<from) | value(x)>>bit&mask<<from
		}
		s.use(BusMemory, word.Plus(Int(int64(i))), 0, p.word(i, parts, parts.inside), p.word(i, parts, pieces[i]), p.cell(i), now)
		s.also(func(x *execution, r Row) { p.fill(r, i, parts, x.spaces[BusMemory].value(p.cell(i)(x))) })
		below += to - from
	}
}

// pieces adds columns for what goes into each word.
func (p place) pieces(s *step) (all []Lin) {
	for i := range p.words() {
		from, to := p.part(i)
		all = append(all, s.piece("stored"+string(rune('0'+i)), to-from))
	}
	return all
}

// fillPieces fills the columns of pieces.
func (p place) fillPieces(r Row, pieces []Lin, v uint64) {
	for i, l := range pieces {
		from, to := p.part(uint(i))
		r.limbs(l, v&(1<<(to-from)-1))
		v >>= to - from
	}
}

// store makes the chip of a store of a register.
func (m *maker) store(name string, op machine.Op, p place, wide bool) {
	u := p.use(op, opB)
	takes := u.takes
	u.takes = func(x *execution) bool { return takes(x) && (p.size < 8 && x.reg(opB)>>(8*p.size) != 0) == wide }
	s := m.step(name, u)
	b := s.lane(0, "b")
	word, lanes := p.find(s, 1)
	s.fetch(append([]Lin{b}, lanes...))
	s.goOn()
	pieces := p.pieces(s)
	v := p.value(pieces)
	if wide {
		rest := s.piece("rest", 64-8*p.size)
		v = v.Plus(rest.Shl(8 * p.size))
		s.also(func(x *execution, r Row) { r.limbs(rest, x.reg(opB)>>(8*p.size)) })
	}
	s.read(0, b, slotB, v)
	stored := func(x *execution) uint64 { return x.reg(opB) }
	s.also(func(x *execution, r Row) { p.fillPieces(r, pieces, stored(x)) })
	p.put(s, word, pieces, stored)
}

// storeConstant makes the chip of a store of a constant, which is fetched whole.
func (m *maker) storeConstant(name string, op machine.Op, p place) {
	u := p.use(op)
	u.extra = []operand{[...]operand{1: opImm8, 2: opImm16, 4: opImm32, 8: opImm}[p.size]}
	s := m.step(name, u)
	word, lanes := p.find(s, 0)
	s.goOn()
	var pieces []Lin
	var constant Lin
	if p.words() == 1 {
		constant = s.extra(0, "constant")
		pieces = []Lin{constant}
	} else {
		pieces = p.pieces(s)
		constant = p.value(pieces)
		s.also(func(x *execution, r Row) { p.fillPieces(r, pieces, x.in.Imm) })
	}
	s.fetch(lanes, constant)
	p.put(s, word, pieces, func(x *execution) uint64 { return x.in.Imm })
}
