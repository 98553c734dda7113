package wasm_test

import (
	"math/rand"
	"testing"

	"github.com/trilemma-dev/trilemma/wasm"
)

// stage is a module with something of everything for bodies to use; its one own function is the last.
func stage(body []byte) *wasm.Module {
	const i32, i64, f32, f64, fn, ext = wasm.I32, wasm.I64, wasm.F32, wasm.F64, wasm.FuncRef, wasm.ExternRef
	zero := wasm.ConstExpr{Op: wasm.OpI32Const}
	ref := func(i uint64) wasm.ConstExpr { return wasm.ConstExpr{Op: wasm.OpRefFunc, Value: i} }
	null := wasm.ConstExpr{Op: wasm.OpRefNull, Value: uint64(ext)}
	one, two := uint32(1), uint32(2)
	type ts = []wasm.ValueType
	return &wasm.Module{
		Types: []wasm.FuncType{
			{}, {Params: ts{i32}}, {Results: ts{i64}}, {Params: ts{i32, i64}, Results: ts{f32}},
			{Params: ts{f64}, Results: ts{i32, i32}}, {Params: ts{i32}, Results: ts{i32}}, {Params: ts{fn, ext}, Results: ts{ext}},
			{Params: ts{i32, i64, f32, f64, fn, ext}, Results: ts{i32}},
		},
		Imports: []wasm.Import{
			{Module: "m", Name: "f", Kind: wasm.ExternFunc, Func: 4},
			{Module: "m", Name: "g", Kind: wasm.ExternGlobal, Global: wasm.GlobalType{Type: i64}},
			{Module: "m", Name: "h", Kind: wasm.ExternFunc, Func: 6},
		},
		Funcs:    []uint32{7},
		Tables:   []wasm.TableType{{Elem: fn, Limits: wasm.Limits{Min: 3}}, {Elem: ext}, {Elem: fn, Limits: wasm.Limits{Min: 1, Max: 2, HasMax: true}}},
		Memories: []wasm.Limits{{Min: 1}},
		Globals: []wasm.Global{
			{Type: wasm.GlobalType{Type: i32, Mutable: true}, Init: zero},
			{Type: wasm.GlobalType{Type: fn, Mutable: true}, Init: ref(1)},
			{Type: wasm.GlobalType{Type: i64}, Init: wasm.ConstExpr{Op: wasm.OpGlobalGet}},
		},
		Elems: []wasm.Elem{
			{Mode: wasm.Active, Place: zero, Type: fn, Init: []wasm.ConstExpr{ref(0)}},
			{Mode: wasm.Passive, Type: ext, Init: []wasm.ConstExpr{null}},
		},
		DataCount: &two,
		Code:      []wasm.Code{{Locals: []wasm.LocalGroup{{Count: one, Type: f64}, {Count: two, Type: i32}}, Body: body}},
		Datas:     []wasm.Data{{Mode: wasm.Active, Place: zero, Init: []byte("data")}, {Mode: wasm.Passive}},
	}
}

// opcodes are all instructions of the format.
func opcodes() (ops []wasm.Opcode) {
	for op := wasm.Opcode(0); op < 0xfc20; op++ {
		if op.String() != "unknown" {
			ops = append(ops, op)
		}
	}
	return ops
}

// randomInstr draws an instruction whose immediates are near what the stage has.
func randomInstr(r *rand.Rand, ops []wasm.Opcode) wasm.Instr {
	types := []wasm.ValueType{wasm.I32, wasm.I64, wasm.F32, wasm.F64, wasm.FuncRef, wasm.ExternRef}
	in := wasm.Instr{Op: ops[r.Intn(len(ops))], Index: uint32(r.Intn(4)), Align: uint32(r.Intn(4)), Const: uint64(r.Intn(100))}
	if r.Intn(3) > 0 { // the instructions that shape the stack, more often than there are of them
		shape := []wasm.Opcode{wasm.OpBlock, wasm.OpLoop, wasm.OpIf, wasm.OpElse, wasm.OpEnd, wasm.OpBr, wasm.OpBrIf, wasm.OpBrTable, wasm.OpReturn,
			wasm.OpUnreachable, wasm.OpCall, wasm.OpCallIndirect, wasm.OpDrop, wasm.OpSelect, wasm.OpSelectT, wasm.OpRefIsNull, wasm.OpRefFunc,
			wasm.OpI32Const, wasm.OpI64Const, wasm.OpF32Const, wasm.OpF64Const, wasm.OpRefNull, wasm.OpLocalGet, wasm.OpI32Add}
		in.Op = shape[r.Intn(len(shape))]
	}
	switch in.Op {
	case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
		switch r.Intn(3) {
		case 0:
			in.Block = wasm.BlockEmpty
		case 1:
			in.Block = wasm.BlockResult(types[r.Intn(len(types))])
		default:
			in.Block = wasm.BlockType(r.Intn(9))
		}
	case wasm.OpBrTable:
		for range 1 + r.Intn(4) {
			in.Targets = append(in.Targets, uint32(r.Intn(4)))
		}
	case wasm.OpSelectT:
		in.Types = types[r.Intn(len(types)):][:1]
	case wasm.OpRefNull:
		in.Index = uint32(types[4+r.Intn(2)])
	case wasm.OpLocalGet, wasm.OpLocalSet, wasm.OpLocalTee:
		in.Index = uint32(r.Intn(10))
	case wasm.OpCallIndirect:
		in.Index, in.Index2 = uint32(r.Intn(9)), uint32(r.Intn(4))
	case wasm.OpTableInit, wasm.OpTableCopy:
		in.Index2 = uint32(r.Intn(4))
	}
	return in
}

// TestAgreeOnBodies grows random bodies, instruction by instruction, and compares the verdicts after each try. What is valid
// is kept, so that bodies reach far into blocks and dead code. A body is closed by unreachable and end, which fit any stack.
func TestAgreeOnBodies(t *testing.T) {
	oracle := newOracle(t)
	ops := opcodes()
	n := map[string]int{}
	for seed := range int64(60) {
		r := rand.New(rand.NewSource(seed))
		var body []byte
		var open []wasm.Opcode // blocks
		for range 400 {
			in := randomInstr(r, ops)
			next := wasm.AppendInstr(body[:len(body):len(body)], in)
			blocks := append([]wasm.Opcode{}, open...)
			switch in.Op {
			case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
				blocks = append(blocks, in.Op)
			case wasm.OpElse, wasm.OpEnd:
				if len(blocks) == 0 {
					continue
				}
				blocks = blocks[:len(blocks)-1]
				if in.Op == wasm.OpElse {
					blocks = append(blocks, wasm.OpElse)
				}
			}
			whole := append([]byte{}, next...)
			for i := len(blocks) - 1; i >= 0; i-- {
				if whole = append(whole, byte(wasm.OpUnreachable)); blocks[i] == wasm.OpIf {
					whole = append(whole, byte(wasm.OpElse), byte(wasm.OpUnreachable))
				}
				whole = append(whole, byte(wasm.OpEnd))
			}
			whole = append(whole, byte(wasm.OpUnreachable), byte(wasm.OpEnd))
			b := stage(whole).Encode()
			if x := agree(t, oracle, b); x != "" {
				n[x]++
				continue // the two disagree on what follows as well
			}
			if _, err := accept(b); err != nil {
				n["refused"]++
				continue
			}
			n["accepted"]++
			body, open = next, blocks
		}
		n["bytes kept"] += len(body)
	}
	t.Log(counts(n))
	if n["accepted"] < 2000 || n["refused"] < 2000 {
		t.Errorf("the bodies are one-sided: %s", counts(n))
	}
}
