package machine

import (
	"github.com/trilemma-dev/trilemma/link"
)

// slow does one step of an operation above firstSlow, or as many steps of one bulk operation as left allows: the first was counted
// already. It returns how many are left then, and a trap. The program counter is that of the instruction before, and the next
// one after.
func (m *Machine) slow(in *Instr, r *frame, left uint64) (uint64, uint64) {
	if in.Op.IsFloat() {
		if t := float(in, r); t != trapNone {
			return left, t
		}
		m.pc++
		return left, trapNone
	}
	switch in.Op {
	case OpMemorySize:
		r[in.D] = uint64(m.pages())
	case OpMemoryGrow:
		r[in.D] = m.grow(uint32(r[in.A]))
	case OpMemoryCopyCheck, OpMemoryFillCheck, OpMemoryInitCheck, OpTableCopyCheck, OpTableFillCheck, OpTableInitCheck:
		n, trap := m.check(in, r)
		if trap != trapNone {
			return left, trap
		}
		if charge := (n + 7) / 8; charge > m.fuel {
			m.fuel = 0
			m.end(link.Outcome{Kind: link.OutOfFuel})
			return left, trapNone
		} else {
			m.fuel -= charge
		}
	case OpMemoryCopy, OpMemoryFill, OpMemoryInit, OpTableCopy, OpTableFill, OpTableInit:
		return m.bulk(in, r, left+1), trapNone
	case OpTableGet, OpTableSet:
		t := m.program.tables[in.B]
		i := r[in.A]
		if i >= uint64(t.size) {
			return left, trapTable
		}
		at := uint64(t.base) + i
		if in.Op == OpTableGet {
			r[in.D] = m.tables[at]
			m.tablesSeen[at/pageCells] |= pageRead
		} else {
			m.tables[at] = r[in.D]
			m.tablesSeen[at/pageCells] |= pageWritten
		}
	case OpSegmentDrop:
		m.globals[in.T] = 0
		m.globalsSeen[in.T/pageCells] |= pageWritten
	case OpInLen:
		r[in.D] = m.input.size(r[in.A])
	case OpInWord:
		if r[in.B]*8 >= m.input.size(r[in.A]) {
			return left, trapTape
		}
		v, err := m.input.word(r[in.A], r[in.B])
		if err != nil {
			m.err = err
			return left, trapNone
		}
		r[in.D] = v
	case OpOutWord:
		o := m.outWord(r[in.A], r[in.B], r[uint16(in.T)])
		switch o.Kind {
		case "":
		case link.Trap:
			return left, trapCode(o.Trap)
		default:
			m.end(o)
			return left, trapNone
		}
	default:
		m.err = ErrAbsent
		return left, trapNone
	}
	m.pc++
	return left, trapNone
}

// grow is memory.grow.
func (m *Machine) grow(delta uint32) uint64 {
	old := m.pages()
	most := min(m.limits.Memory, m.program.most())
	if delta > most-old {
		return 1<<32 - 1
	}
	m.resize(old + delta)
	return uint64(old)
}

// check finds whether a bulk operation stays within bounds, and returns its size.
func (m *Machine) check(in *Instr, r *frame) (n, trap uint64) {
	to, from, n := r[in.A], r[in.A+1], r[in.A+2]
	outside := func(at, size uint64) bool { return at+n > size } // both are below 2³²
	memory := uint64(len(m.mem))
	var table uint64
	if int(in.B) < len(m.program.tables) {
		table = uint64(m.program.tables[in.B].size)
	}
	switch in.Op {
	case OpMemoryCopyCheck:
		if outside(to, memory) || outside(from, memory) {
			return 0, trapMemory
		}
	case OpMemoryFillCheck:
		if outside(to, memory) {
			return 0, trapMemory
		}
	case OpMemoryInitCheck:
		m.globalsSeen[in.T/pageCells] |= pageRead
		if outside(to, memory) || outside(from, m.globals[in.T]) {
			return 0, trapMemory
		}
	case OpTableCopyCheck:
		if outside(to, table) || outside(from, uint64(m.program.tables[in.T].size)) {
			return 0, trapTable
		}
	case OpTableFillCheck:
		if outside(to, table) {
			return 0, trapTable
		}
	case OpTableInitCheck:
		m.globalsSeen[in.T/pageCells] |= pageRead
		if outside(to, table) || outside(from, m.globals[in.T]) {
			return 0, trapTable
		}
	}
	return n, trapNone
}

// bulk takes up to n steps of a bulk operation on to, from (or a value) and a count in the cells a, a+1, a+2, and returns how many it
// did not take. A step moves up to eight bytes, or one element; the last one finds nothing left and goes on. It goes upward from
// both beginnings, or if it would overwrite what it has still to read, downward from both ends.
func (m *Machine) bulk(in *Instr, r *frame, n uint64) uint64 {
	to, from, count := r[in.A], r[in.A+1], r[in.A+2]
	unit := uint64(8)
	if in.Op >= OpTableCopyCheck {
		unit = 1
	}
	steps := (count + unit - 1) / unit
	some := min(steps, n)
	size := min(some*unit, count)
	down := (in.Op == OpMemoryCopy || in.Op == OpTableCopy && uint32(in.B) == in.T) && to > from
	at, source := to, from
	if down { // the whole pieces end at the end, and the last one is what is left at the beginning
		at, source = to+count-size, from+count-size
	} else {
		r[in.A] = to + size
		if in.Op != OpMemoryFill && in.Op != OpTableFill {
			r[in.A+1] = from + size
		}
	}
	r[in.A+2] = count - size
	m.transfer(in, at, source, size)
	if n > some { // the step that finds nothing left
		m.pc++
		return n - some - 1
	}
	return 0
}

// transfer moves size bytes or elements at once.
func (m *Machine) transfer(in *Instr, to, from, size uint64) {
	if size == 0 {
		return
	}
	if in.Op < OpTableCopyCheck {
		mark(m.touched, to, size, pageWritten)
	} else {
		mark(m.tablesSeen, (uint64(m.program.tables[in.B].base)+to)*8, size*8, pageWritten)
	}
	switch in.Op {
	case OpMemoryCopy:
		mark(m.touched, from, size, pageRead)
		copy(m.mem[to:to+size], m.mem[from:])
	case OpMemoryFill:
		b := m.mem[to : to+size]
		for i := range b {
			b[i] = byte(from)
		}
	case OpMemoryInit:
		mark(m.dataSeen, in.Imm+from, size, pageRead)
		copy(m.mem[to:to+size], m.program.segments[in.Imm+from:])
	case OpTableCopy:
		mark(m.tablesSeen, (uint64(m.program.tables[in.T].base)+from)*8, size*8, pageRead)
		copy(m.table(in.B)[to:to+size], m.table(uint16(in.T))[from:])
	case OpTableFill:
		t := m.table(in.B)[to : to+size]
		for i := range t {
			t[i] = from
		}
	case OpTableInit:
		mark(m.elemsSeen, (in.Imm+from)*8, size*8, pageRead)
		copy(m.table(in.B)[to:to+size], m.program.elems[in.Imm+from:])
	}
}

// table is the cells of a table.
func (m *Machine) table(i uint16) []uint64 {
	t := m.program.tables[i]
	return m.tables[t.base : t.base+t.size]
}

// mark notes that bytes were touched. size is not 0.
func mark(touched []byte, at, size uint64, how byte) {
	for p := at >> pageBits; p <= (at+size-1)>>pageBits; p++ {
		touched[p] |= how
	}
}
