package linktest

import (
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/wasm"
)

// Case is a module that is large in one dimension, within the profile. Its function f, () → (), ends as Want says, given fuel.
type Case struct {
	Name   string
	Module *wasm.Module
	Want   link.OutcomeKind
}

// Hostile returns what an engine has to take, in bounded time and memory.
func Hostile() []Case {
	return []Case{
		{"nested blocks", function(nest(wasm.OpBlock, 10_000)), link.OK},
		{"nested loops", function(nest(wasm.OpLoop, 10_000)), link.OK},
		{"nested ifs", function(nest(wasm.OpIf, 2000)), link.OK},
		{"10000 functions", chain(10_000), link.OK},
		{"50000 locals", function(one(nil, wasm.OpEnd, 0), wasm.LocalGroup{Count: wasm.MaxLocals, Type: wasm.I64}), link.OK},
		{"recursion of small frames", recursion(0), link.TooDeep},
		{"recursion of large frames", recursion(1000), link.TooDeep},
		{"recursion of the largest frames", recursion(wasm.MaxLocals), link.TooDeep},
		{"100000 instructions", function(repeat(100_000, wasm.Instr{Op: wasm.OpNop})), link.OK},
		{"a table of 100000 targets", targets(100_000), link.OK},
	}
}

// function makes a module whose one function f, () → (), has this body and these locals.
func function(body []byte, locals ...wasm.LocalGroup) *wasm.Module {
	return &wasm.Module{
		Types:   []wasm.FuncType{{}},
		Funcs:   []uint32{0},
		Code:    []wasm.Code{{Locals: locals, Body: body}},
		Exports: []wasm.Export{{Name: "f", Kind: wasm.ExternFunc}},
	}
}

func one(b []byte, op wasm.Opcode, index uint32) []byte {
	return wasm.AppendInstr(b, wasm.Instr{Op: op, Index: index, Block: wasm.BlockEmpty})
}

func nest(op wasm.Opcode, n int) (b []byte) {
	for range n {
		if op == wasm.OpIf {
			b = wasm.AppendInstr(b, wasm.Instr{Op: wasm.OpI32Const, Const: 1})
		}
		b = one(b, op, 0)
	}
	for range n + 1 {
		b = one(b, wasm.OpEnd, 0)
	}
	return b
}

func repeat(n int, in wasm.Instr) (b []byte) {
	for range n {
		b = wasm.AppendInstr(b, in)
	}
	return one(b, wasm.OpEnd, 0)
}

// recursion calls itself for ever.
func recursion(locals uint32) *wasm.Module {
	return function(one(one(nil, wasm.OpCall, 0), wasm.OpEnd, 0), wasm.LocalGroup{Count: locals, Type: wasm.I64})
}

// chain is a module of n functions and one, each of which calls the one before.
func chain(n uint32) *wasm.Module {
	m := function(one(nil, wasm.OpEnd, 0))
	for i := range n {
		m.Funcs = append(m.Funcs, 0)
		m.Code = append(m.Code, wasm.Code{Body: one(one(nil, wasm.OpCall, i), wasm.OpEnd, 0)})
	}
	m.Exports[0].Index = n
	return m
}

// targets branches by the last of n entries of a table, out of the inner one of two blocks, all others being the outer one.
func targets(n int) *wasm.Module {
	table := wasm.Instr{Op: wasm.OpBrTable, Targets: make([]uint32, n+1)}
	for i := range n - 1 {
		table.Targets[i] = 1
	}
	table.Targets[n] = 1
	b := one(one(nil, wasm.OpBlock, 0), wasm.OpBlock, 0)
	b = wasm.AppendInstr(b, wasm.Instr{Op: wasm.OpI32Const, Const: uint64(n - 1)})
	b = one(wasm.AppendInstr(b, table), wasm.OpEnd, 0)
	b = one(b, wasm.OpBr, 0)
	b = one(b, wasm.OpEnd, 0)
	return function(one(b, wasm.OpEnd, 0))
}
