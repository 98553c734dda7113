package circuits

import (
	"slices"
	"testing"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// limits are more than enough.
var limits = link.Limits{Fuel: 1 << 40, Memory: 16, Output: 1 << 20}

// grid are numbers at the edges of 32 bits; those beyond are at the edges of 64.
var grid = []uint64{0, 1, 2, 7, 31, 32, 33, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000, 0x12345678, 1<<31 - 1, 1 << 31, 1<<31 + 1, 1<<32 - 2, 1<<32 - 1,
	1 << 32, 1<<32 + 1, 0x0123456789abcdef, 1<<63 - 1, 1 << 63, 1<<63 + 1, 1<<64 - 1<<31, 1<<64 - 2, 1<<64 - 1}

// numbers are those of the grid that fit.
func numbers(bits uint) []uint64 {
	return slices.DeleteFunc(slices.Clone(grid), func(v uint64) bool { return bits < 64 && v>>bits != 0 })
}

// binary is the operations on two numbers, with the form that takes a constant following where there is one.
var binaries = []struct {
	first, last machine.Op
	step        machine.Op // from one to the next
	bits        func(op machine.Op) uint
}{
	{machine.OpAdd32, machine.OpSub64, 2, alternating(machine.OpAdd32)},
	{machine.OpAnd32, machine.OpXor64, 2, alternating(machine.OpAdd32)},
	{machine.OpShl32, machine.OpRotl64, 2, alternating(machine.OpAdd32)},
	{machine.OpMul32, machine.OpMul64, 2, alternating(machine.OpAdd32)},
	{machine.OpDivS32, machine.OpRemU64, 2, alternating(machine.OpAdd32)},
	{machine.OpEq32, machine.OpGeU64, 2, func(op machine.Op) uint {
		if op < machine.OpEq64 {
			return 32
		}
		return 64
	}},
}

// alternating is the width of operations of which every second one, without the constant forms, is of 64 bits.
func alternating(first machine.Op) func(machine.Op) uint {
	return func(op machine.Op) uint { return 32 << ((op - first) >> 1 & 1) }
}

// binaryCode is a program that does an operation on two numbers in every form that it has.
func binaryCode(op machine.Op, a, b uint64) (code []machine.Instr) {
	code = append(code, machine.Instr{Op: machine.OpConst, D: 1, Imm: a}, machine.Instr{Op: machine.OpConst, D: 2, Imm: b, W: 7})
	code = append(code, machine.Instr{Op: op, D: 3, A: 1, B: 2}, machine.Instr{Op: op + 1, D: 4, A: 1, Imm: b}, machine.Instr{Op: op, D: 5, A: 1, B: 1})
	if op >= machine.OpEq32 && op <= machine.OpGeU64I {
		br := op - machine.OpEq32 + machine.OpBrEq32
		pc := uint32(len(code))
		code = append(code, machine.Instr{Op: br, A: 1, B: 2, T: pc + 2}, machine.Instr{Op: machine.OpCharge}, machine.Instr{Op: br + 1, A: 1, Imm: b, T: pc + 4}, machine.Instr{Op: machine.OpCharge})
	}
	// In place, of the first, of the second, of both.
	code = append(code, machine.Instr{Op: op, D: 1, A: 2, B: 1}, machine.Instr{Op: machine.OpConst, D: 1, Imm: a}, machine.Instr{Op: op, D: 1, A: 1, B: 2},
		machine.Instr{Op: machine.OpConst, D: 1, Imm: a}, machine.Instr{Op: op + 1, D: 1, A: 1, Imm: b}, machine.Instr{Op: op, D: 2, A: 2, B: 2})
	return code
}

// trapping reports whether some form of an operation traps on two numbers.
func trapping(op machine.Op, a, b uint64, bits uint) bool {
	if op < machine.OpDivS32 || op > machine.OpRemU64I {
		return false
	}
	signed := op < machine.OpDivU32
	return a == 0 || b == 0 || signed && (a == 1<<(bits-1) || b == 1<<(bits-1))
}

// honest fills the chips and checks them.
func honest(t testing.TB, s *System, p *machine.Program, streams [][]byte) *Run {
	t.Helper()
	r, err := s.Fill(p, streams, limits)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(r.Filling, r.Contents); err != nil {
		t.Fatal(err)
	}
	return r
}

// gridPrograms do every operation on two numbers, in every form, on edges.
func gridPrograms() (all []*machine.Program) {
	for _, list := range binaries {
		for op := list.first; op <= list.last; op += list.step {
			var code []machine.Instr
			for _, a := range numbers(list.bits(op)) {
				for _, b := range numbers(list.bits(op)) {
					if code := binaryCode(op, a, b); trapping(op, a, b, list.bits(op)) {
						// each form on its own
						for _, in := range code[2:4] {
							all = append(all, &machine.Program{Code: []machine.Instr{code[0], code[1], in, {Op: machine.OpHalt}}})
						}
						continue
					}
					at := uint32(len(code))
					for _, in := range binaryCode(op, a, b) {
						if in.T != 0 {
							in.T += at
						}
						code = append(code, in)
					}
				}
			}
			all = append(all, &machine.Program{Code: append(code, machine.Instr{Op: machine.OpHalt})})
		}
	}
	return all
}

// TestGrid checks that the chips accept what the machine does on edges.
func TestGrid(t *testing.T) {
	s := New()
	for _, p := range gridPrograms() {
		honest(t, s, p, nil)
	}
}

// touchesMemory reports whether op is a load or a store.
func touchesMemory(op machine.Op) bool {
	return op.Class() == machine.ClassLoad || op.Class() == machine.ClassStore
}
