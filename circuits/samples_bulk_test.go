package circuits

import (
	"testing"

	"github.com/trilemma-dev/trilemma/machine"
)

// code is a program in the making.
type code []machine.Instr

// set puts numbers into registers from d on.
func (c *code) set(d uint16, values ...uint64) {
	for i, v := range values {
		*c = append(*c, machine.Instr{Op: machine.OpConst, D: d + uint16(i), Imm: v})
	}
}

func (c *code) add(in ...machine.Instr) { *c = append(*c, in...) }

// Cells behind the globals of [withState], and the globals that the linker adds: lengths of its segments.
func segmentCells(t testing.TB) (data, elem uint32) {
	p := withState(t)
	for i, v := range p.Globals() {
		switch v {
		case 29:
			data = uint32(i)
		case 3:
			elem = uint32(i)
		}
	}
	return data, elem
}

// bulkSamples move pieces of every size between all places in words, and go beyond every bound.
func bulkSamples(t testing.TB) (all []*machine.Program) {
	data, _ := segmentCells(t)
	for place := range uint64(4) {
		for size := uint64(0); size <= 9; size++ {
			var c code
			for _, to := range []uint64{61 + place, 70 - place} {
				c.set(1, to, 64+(to+size)%4, size)
				c.add(machine.Instr{Op: machine.OpMemoryCopyCheck, A: 1, W: 2}, machine.Instr{Op: machine.OpMemoryCopy, A: 1})
				c.set(1, to, 0x1a7, size)
				c.add(machine.Instr{Op: machine.OpMemoryFillCheck, A: 1}, machine.Instr{Op: machine.OpMemoryFill, A: 1})
			}
			c.set(1, 90+place, 3, size)
			c.add(machine.Instr{Op: machine.OpMemoryInitCheck, A: 1, T: data}, machine.Instr{Op: machine.OpMemoryInit, A: 1, T: data})
			all = append(all, withState(t, c...))
		}
	}
	for _, op := range []machine.Op{machine.OpMemoryCopyCheck, machine.OpMemoryFillCheck, machine.OpMemoryInitCheck} {
		for _, args := range [][3]uint64{{1<<16 - 3, 2, 4}, {2, 1<<16 - 3, 4}, {1<<16 + 1, 0, 0}, {0, 1<<16 + 1, 0}, {1<<32 - 1, 3, 1<<32 - 1}} {
			var c code
			c.set(1, args[:]...)
			c.add(machine.Instr{Op: op, A: 1, T: data}, machine.Instr{Op: machine.OpSegmentDrop, T: data}, machine.Instr{Op: machine.OpMemoryInitCheck, A: 1, T: data})
			all = append(all, withState(t, c...))
		}
	}
	for op := machine.OpDivS32; op <= machine.OpRemU64; op += 2 {
		bits := alternating(machine.OpAdd32)(op)
		for _, pair := range [][2]uint64{{1 << (bits - 1), 1<<bits - 1}, {1<<bits - 7, 1<<bits - 2}, {5, 0}} {
			for form := range machine.Op(2) {
				var c code
				c.set(1, pair[:]...)
				c.add(machine.Instr{Op: op + form, D: 3, A: 1, B: 2, Imm: pair[1]})
				all = append(all, withState(t, c...))
			}
		}
	}
	for size := uint32(1); size <= 8; size *= 2 {
		for op := machine.OpLoad8U; op <= machine.OpStore64AI; op++ {
			var c code
			c.set(1, 1<<16-uint64(size)+1)
			c.add(machine.Instr{Op: op, D: 2, A: 1, B: 1}, machine.Instr{Op: op, D: 2, A: 1, T: 1<<16 - size + 1})
			all = append(all, withState(t, c...))
		}
	}
	return all
}

// elementSamples use tables in every way.
func elementSamples(t testing.TB) (all []*machine.Program) {
	_, elem := segmentCells(t)
	get := func(table uint16, i uint64) (c code) {
		c.set(1, i)
		c.add(machine.Instr{Op: machine.OpTableGet, D: 2, A: 1, B: table}, machine.Instr{Op: machine.OpTableSet, D: 2, A: 1, B: table})
		return c
	}
	for _, i := range []uint64{0, 2, 4, 5, 8, 1 << 40} {
		all = append(all, withState(t, get(0, i)...), withState(t, get(1, i)...))
	}
	for _, table := range []uint32{0, 1} {
		for _, args := range [][3]uint64{{1, 2, 2}, {2, 1, 3}, {0, 0, 1}, {3, 3, 0}, {4, 1, 2}, {1, 4, 2}, {9, 0, 0}, {0, 9, 0}} {
			for _, op := range []machine.Op{machine.OpTableCopyCheck, machine.OpTableFillCheck, machine.OpTableInitCheck} {
				var c code
				c.set(1, args[:]...)
				in := machine.Instr{Op: op, A: 1, B: 1, T: table}
				if op == machine.OpTableInitCheck {
					in.T = elem
				}
				c.add(in)
				in.Op++
				c.add(in)
				all = append(all, withState(t, c...))
			}
		}
	}
	return all
}

// unarySamples are the operations on one number.
func unarySamples() (all []*machine.Program) {
	var c code
	for op := machine.OpClz32; op <= machine.OpWrap; op++ {
		bits := uint(64)
		switch op {
		case machine.OpClz32, machine.OpCtz32, machine.OpPopcnt32, machine.OpExtend8S32, machine.OpExtend16S32:
			bits = 32
		}
		for _, v := range numbers(bits) {
			c.set(1, v)
			c.add(machine.Instr{Op: op, D: 2, A: 1})
		}
	}
	return []*machine.Program{{Code: append(c, machine.Instr{Op: machine.OpHalt})}}
}
