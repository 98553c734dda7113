package circuits

import (
	"testing"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// callSamples call and return, near and far, through tables, and where none is to be called.
func callSamples(t testing.TB) (all []*machine.Program) {
	call := machine.Instr{Op: machine.OpCall, D: 1, Imm: 20<<32 | 5}
	var c code
	c.set(2, 9, 3)
	far := call
	far.Imm = 70000<<32 | 70000
	call.T, far.T = 5, 5
	c.add(call, far, machine.Instr{Op: machine.OpHalt}, machine.Instr{Op: machine.OpReturn, A: 1, Imm: 20})
	all = append(all, withState(t, c...))

	for _, v := range []uint64{0, 1, 2, 3, 1 << 40} {
		var c code
		c.set(1, v)
		c.add(machine.Instr{Op: machine.OpJumpTable, A: 1, Imm: 2}, machine.Instr{Op: machine.OpCharge}, machine.Instr{Op: machine.OpCharge}, machine.Instr{Op: machine.OpCharge})
		all = append(all, withState(t, c...))
	}
	for _, v := range []uint64{5, 31, 64 + 3, 1 << 40} {
		var c code
		c.set(1, 0x89abcdef, v)
		c.add(machine.Instr{Op: machine.OpRotr32, D: 3, A: 1, B: 2}, machine.Instr{Op: machine.OpRotr64, D: 3, A: 1, B: 2})
		all = append(all, withState(t, c...))
	}

	// Frames do not fit.
	deep := machine.Instr{Op: machine.OpCall, D: 1, Imm: (1<<20 + 1) << 32, T: 1}
	all = append(all, withState(t, deep))

	// Through a table: the elements are references to the module's function; the entry's code begins where the reference says.
	p := withState(t)
	ref := p.Elements()[2]
	typ := uint32(ref >> machine.RefType)
	for _, v := range []struct {
		index uint64
		table uint16
		typ   uint32
	}{{2, 0, typ}, {3, 0, typ}, {0, 0, typ}, {7, 0, typ}, {8, 0, typ}, {1 << 50, 0, typ}, {2, 0, typ + 1}, {0, 1, typ}, {9, 1, typ}} {
		var c code
		c.set(2, v.index)
		c.add(machine.Instr{Op: machine.OpCallTable, D: 1, A: 2, B: v.table, T: v.typ, Imm: 3}, machine.Instr{Op: machine.OpHalt})
		for len(c) < int(ref&(1<<machine.RefCells-1)) {
			c.add(machine.Instr{Op: machine.OpCharge})
		}
		c.add(machine.Instr{Op: machine.OpReturn, A: 1, Imm: ref >> machine.RefCells & (1<<17 - 1)})
		all = append(all, withState(t, c...))
	}
	var full code // nothing is left for the callee's frame
	full.add(machine.Instr{Op: machine.OpCall, D: 1, Imm: 1<<20<<32 | 5, T: 1})
	full.set(2, 2)
	full.add(machine.Instr{Op: machine.OpCallTable, D: 1, A: 2, T: typ, Imm: 3})
	return append(all, withState(t, full...))
}

// limited are samples that end for want of something, or read tapes.
func limited(t testing.TB) (all []work) {
	data, elem := segmentCells(t)
	for _, op := range []machine.Op{machine.OpMemoryCopyCheck, machine.OpMemoryFillCheck, machine.OpMemoryInitCheck, machine.OpTableCopyCheck, machine.OpTableFillCheck, machine.OpTableInitCheck} {
		var c code
		c.set(1, 1, 1, 2)
		c.add(machine.Instr{Op: op, A: 1, W: 3, T: map[bool]uint32{true: elem}[op == machine.OpTableInitCheck] + map[bool]uint32{true: data}[op == machine.OpMemoryInitCheck]})
		all = append(all, work{"no fuel for " + op.String(), withState(t, c...), nil, link.Limits{Fuel: 3, Memory: 4}})
	}
	all = append(all, work{"no fuel", withState(t, machine.Instr{Op: machine.OpCharge, W: 2}, machine.Instr{Op: machine.OpCharge, W: 2}), nil, link.Limits{Fuel: 3, Memory: 4}})
	for n := uint64(1); n <= 8; n++ {
		var c code
		c.set(1, 1, 200, n)
		c.add(machine.Instr{Op: machine.OpOutWord, A: 1, B: 2, T: 3})
		all = append(all, work{"no room", withState(t, c...), nil, link.Limits{Fuel: 30, Memory: 4, Output: n - 1}})
	}
	streams := [][]byte{[]byte("one"), nil, []byte("the third stream")}
	for _, at := range [][2]uint64{{0, 0}, {2, 1}, {2, 2}, {0, 1}, {1, 0}, {0, 1 << 50}} {
		var c code
		c.set(1, at[:]...)
		c.add(machine.Instr{Op: machine.OpInLen, D: 3, A: 1}, machine.Instr{Op: machine.OpInWord, D: 3, A: 1, B: 2})
		all = append(all, work{"input", withState(t, c...), streams, limits})
	}
	return all
}

// tapeSamples read and write tapes, as they may and as they may not. There are no input streams here: see the guests.
func tapeSamples(t testing.TB) (all []*machine.Program) {
	for _, args := range [][3]uint64{{0, 0x1122334455667788, 8}, {1, 7, 1}, {1, 0x1ff, 1}, {2, 5, 0}, {0, 5, 9}, {3, 5, 8}, {1 << 40, 5, 8}} {
		for n := args[2]; n < 9 && args[2] == 1 || n == args[2]; n++ {
			var c code
			c.set(1, 0, 42, 8)
			c.add(machine.Instr{Op: machine.OpOutWord, A: 1, B: 2, T: 3}, machine.Instr{Op: machine.OpOutWord, A: 1, B: 2, T: 3})
			v := args[1]
			if v == 0x1ff {
				v = 1 << (8 * n)
			}
			c.set(1, args[0], v, n)
			c.add(machine.Instr{Op: machine.OpOutWord, A: 1, B: 2, T: 3}, machine.Instr{Op: machine.OpOutWord, A: 1, B: 2, T: 3})
			all = append(all, withState(t, c...))
		}
	}
	var c code
	c.set(1, 3)
	c.add(machine.Instr{Op: machine.OpInLen, D: 2, A: 1}, machine.Instr{Op: machine.OpInWord, D: 2, A: 1, B: 2})
	return append(all, withState(t, c...))
}
