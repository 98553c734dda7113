package circuits

import (
	"testing"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/wasm"
)

// withState makes a program of this code with a memory of a page, some of it filled, and two globals.
func withState(t testing.TB, code ...machine.Instr) *machine.Program {
	t.Helper()
	return withPages(t, 1, code...)
}

// withPages is withState with a memory of some pages.
func withPages(t testing.TB, pages uint32, code ...machine.Instr) *machine.Program {
	t.Helper()
	m := &wasm.Module{
		Types:    []wasm.FuncType{{}},
		Funcs:    []uint32{0},
		Code:     []wasm.Code{{Body: wasm.AppendInstr(nil, wasm.Instr{Op: wasm.OpEnd})}},
		Memories: []wasm.Limits{{Min: pages, Max: 3, HasMax: true}},
		Globals: []wasm.Global{{Type: wasm.GlobalType{Type: wasm.I64, Mutable: true}, Init: wasm.ConstExpr{Op: wasm.OpI64Const, Value: 1 << 40}},
			{Type: wasm.GlobalType{Type: wasm.I64, Mutable: true}, Init: wasm.ConstExpr{Op: wasm.OpI64Const}}},
		Datas:   []wasm.Data{{Mode: wasm.Active, Place: wasm.ConstExpr{Op: wasm.OpI32Const, Value: 62}, Init: []byte("\xf1\x82\x93\x84\xf5\x86\x97\x88\xf9\x8a\x9b\x8c")}},
		Exports: []wasm.Export{{Name: "f", Kind: wasm.ExternFunc}},
		Tables:  []wasm.TableType{{Elem: wasm.FuncRef, Limits: wasm.Limits{Min: 8, Max: 8, HasMax: true}}, {Elem: wasm.FuncRef, Limits: wasm.Limits{Min: 5, Max: 5, HasMax: true}}},
		Elems: []wasm.Elem{{Mode: wasm.Active, Place: wasm.ConstExpr{Op: wasm.OpI32Const, Value: 2}, Type: wasm.FuncRef, Init: []wasm.ConstExpr{{Op: wasm.OpRefFunc}, {Op: wasm.OpRefFunc}}},
			{Mode: wasm.Passive, Type: wasm.FuncRef, Init: []wasm.ConstExpr{{Op: wasm.OpRefFunc}, {Op: wasm.OpRefNull, Value: uint64(wasm.FuncRef)}, {Op: wasm.OpRefFunc}}}},
	}
	m.Datas = append(m.Datas, wasm.Data{Mode: wasm.Passive, Init: []byte("passive bytes for memory.init")})
	if err := wasm.Validate(m); err != nil {
		t.Fatal(err)
	}
	p := lowered(t, m, link.Entry{Func: "f"})
	p.Code = append(code, machine.Instr{Op: machine.OpHalt})
	return p
}

// lowered links a module and makes its program.
func lowered(t testing.TB, m *wasm.Module, e link.Entry) *machine.Program {
	t.Helper()
	l, err := link.Link(m, e)
	if err != nil {
		t.Fatal(err)
	}
	p, err := machine.Lower(l)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// samples are programs that use every chip, each instruction at most once.
func samples(t testing.TB) (all []*machine.Program) {
	add := func(code ...machine.Instr) {
		all = append(all, &machine.Program{Code: append(code, machine.Instr{Op: machine.OpHalt})})
	}
	for _, list := range binaries {
		for op := list.first; op <= list.last; op += list.step {
			bits := list.bits(op)
			for _, pair := range [][2]uint64{{5, 7}, {7, 5}, {1<<bits - 3, 9}, {9, 1<<bits - 3}, {6, 6}, {0, 1 << (bits - 1)}, {0, 0}, {4, 0}} {
				code := binaryCode(op, pair[0], pair[1])
				for pc := range code {
					if code[pc].T != 0 {
						code[pc].T = uint32(pc) + 1
					}
				}
				add(code...)
			}
		}
	}
	add(machine.Instr{Op: machine.OpJump, T: 2}, machine.Instr{Op: machine.OpTrap, Imm: 1}, machine.Instr{Op: machine.OpCharge, W: 9})
	add(machine.Instr{Op: machine.OpTrap, Imm: 1})
	for _, c := range []uint64{0, 3, 5 << 32, 5<<32 + 4} {
		add(machine.Instr{Op: machine.OpConst, D: 1, Imm: c}, machine.Instr{Op: machine.OpSelect, D: 3, A: 1, B: 2, T: 1}, machine.Instr{Op: machine.OpMove, D: 2, A: 1},
			machine.Instr{Op: machine.OpMoveFar, T: 70000, Imm: 1}, machine.Instr{Op: machine.OpExit, A: 1})
	}
	all = append(all, withState(t, machine.Instr{Op: machine.OpGlobalGet, D: 1, T: 0}, machine.Instr{Op: machine.OpGlobalSet, A: 1, T: 1}, machine.Instr{Op: machine.OpGlobalSet, A: 1, T: 0}))
	for _, more := range [][]*machine.Program{memorySamples(t), bulkSamples(t), unarySamples(), callSamples(t), tapeSamples(t), elementSamples(t)} {
		all = append(all, more...)
	}
	return all
}

// memorySamples load and store everything everywhere.
func memorySamples(t testing.TB) (all []*machine.Program) {
	const at = 64
	for op := machine.OpLoad8U; op <= machine.OpLoad32S64; op += 2 {
		var code []machine.Instr
		for offset := range uint32(4) {
			code = append(code, machine.Instr{Op: machine.OpConst, D: 1, Imm: uint64(at + offset - 20)}, machine.Instr{Op: op, D: 2, A: 1, T: 20},
				machine.Instr{Op: op + 1, D: 2, T: at + offset}, machine.Instr{Op: op + 1, D: 2, T: 200 + offset})
		}
		all = append(all, withState(t, code...))
	}
	for op := machine.OpStore8; op <= machine.OpStore64; op += 4 {
		var code []machine.Instr
		for offset := range uint32(4) {
			for _, v := range []uint64{0x9a, 0xa1b2c3d4e5f60718} {
				code = append(code, machine.Instr{Op: machine.OpConst, D: 1, Imm: uint64(at + offset)}, machine.Instr{Op: machine.OpConst, D: 2, Imm: v},
					machine.Instr{Op: op, A: 1, B: 2, T: 1 << 8}, machine.Instr{Op: op + 1, A: 1, Imm: v + 1, T: 1}, machine.Instr{Op: op + 2, B: 2, T: at + offset},
					machine.Instr{Op: op + 3, Imm: v, T: at + offset + 300}, machine.Instr{Op: machine.OpLoad64A, D: 3, T: at + 4})
			}
		}
		all = append(all, withState(t, code...))
	}
	var code []machine.Instr
	set := func(d uint16, v uint64) { code = append(code, machine.Instr{Op: machine.OpConst, D: d, Imm: v}) }
	for _, by := range []uint64{1, 0, 5, 1} { // of 3 pages at most
		set(1, by)
		code = append(code, machine.Instr{Op: machine.OpMemoryGrow, D: 2, A: 1}, machine.Instr{Op: machine.OpMemorySize, D: 3},
			machine.Instr{Op: machine.OpLoad32UA, D: 4, T: 100}, machine.Instr{Op: machine.OpStore32AI, T: 1<<16 - 4, Imm: 9})
		if by == 1 {
			code = append(code, machine.Instr{Op: machine.OpStore32AI, T: uint32(1+len(code)/8)<<16 + 12, Imm: 7})
		}
	}
	return append(all, withState(t, code...))
}

// old is a program that uses a register after more steps than a read reaches back.
func old() *machine.Program {
	return &machine.Program{Code: []machine.Instr{{Op: machine.OpConst, D: 1, Imm: 17000 / 2}, {Op: machine.OpConst, D: 2, Imm: 3}, {Op: machine.OpAdd32I, D: 1, A: 1, Imm: 1<<32 - 1},
		{Op: machine.OpBrNe32I, A: 1, T: 2}, {Op: machine.OpMove, D: 2, A: 2}, {Op: machine.OpHalt}}}
}
