package linktest

import (
	"slices"

	"github.com/trilemma-dev/trilemma/wasm"
)

// source draws numbers from bytes, the same from the same. When they run out it draws zeros.
type source struct{ b []byte }

// below draws a number from 0 to n−1.
func (s *source) below(n int) int {
	v := 0
	for k := 1; k < n && len(s.b) > 0; k <<= 8 {
		v, s.b = v<<8|int(s.b[0]), s.b[1:]
	}
	return v % n
}

// one is true once in n draws, and never when the bytes have run out.
func (s *source) one(n int) bool { return s.below(n) == n-1 }

// Shape says what a generated module is like beside what its bytes say.
type Shape struct {
	Locals uint32 // i64 locals that stand before those in use
	Wide   int    // calls at a function's beginning that leave a thousand operands each
}

// pick chooses one of a list.
func pick[T any](s *source, list []T) T { return list[s.below(len(list))] }

var (
	numbers = []wasm.ValueType{wasm.I32, wasm.I64, wasm.F32, wasm.F64}
	values  = append(slices.Clone(numbers), wasm.FuncRef, wasm.ExternRef)
)

// Parts of a generated module.
const (
	genFuncs  = 4 // called "f", "f1" …; function i calls those after it, and rarely any
	genTypes  = 6 // random types of blocks and indirect calls
	genTable  = 8 // elements of each table
	typeEntry = 0 // (i64) → (i64, f64)
	typeWide  = 1 // () → a thousand numbers
	typeDrawn = 2
)

// Generate makes a valid module within the profile from any bytes: a function "f", (i64) → (i64, f64), and what it calls, with every
// operation of the profile. It does something for most bytes, ends by itself for many, and traps for some.
func Generate(b []byte, shape Shape) *wasm.Module {
	g := &generator{source: source{b}, shape: shape, m: &wasm.Module{}}
	g.types()
	g.state()
	for i := range genFuncs {
		g.function(i)
	}
	m := g.m
	m.Funcs = append(m.Funcs, typeWide)
	var wide []byte
	for i, t := range m.Types[typeWide].Results {
		wide = wasm.AppendInstr(wide, Constant(t, uint64(i)*0x9e3779b97f4a7c15))
	}
	m.Code = append(m.Code, wasm.Code{Body: wasm.AppendInstr(wide, wasm.Instr{Op: wasm.OpEnd})})
	m.Exports = []wasm.Export{{Name: "f", Kind: wasm.ExternFunc}}
	return m
}

type generator struct {
	source
	shape Shape
	m     *wasm.Module
	funcs []uint32 // types of the functions f, f1 …
}

// types draws the signatures.
func (g *generator) types() {
	list := func(most int) (ts []wasm.ValueType) {
		for range g.below(most + 1) {
			ts = append(ts, pick(&g.source, values))
		}
		return ts
	}
	wide := make([]wasm.ValueType, wasm.MaxTypeArity)
	for i := range wide {
		wide[i] = numbers[i%len(numbers)]
	}
	g.m.Types = []wasm.FuncType{{Params: []wasm.ValueType{wasm.I64}, Results: []wasm.ValueType{wasm.I64, wasm.F64}}, {Results: wide}}
	for i := range genTypes {
		t := wasm.FuncType{Params: list(3), Results: list(3)}
		if i == 0 && g.one(3) { // more results than a frame has room for before its link
			t.Results = append(t.Results, wide[:11+g.below(4)]...)
		}
		g.m.Types = append(g.m.Types, t)
	}
	g.funcs = []uint32{typeEntry}
	for range genFuncs - 1 {
		g.funcs = append(g.funcs, uint32(typeDrawn+g.below(genTypes)))
	}
}

// state makes memory, tables, globals and segments.
func (g *generator) state() {
	m := g.m
	m.Memories = []wasm.Limits{{Min: 1, Max: 1 + uint32(g.below(3)), HasMax: true}}
	for _, t := range []wasm.ValueType{wasm.FuncRef, wasm.ExternRef, wasm.FuncRef} {
		m.Tables = append(m.Tables, wasm.TableType{Elem: t, Limits: wasm.Limits{Min: genTable, Max: genTable, HasMax: true}})
	}
	for i := range 2 * len(values) { // two of each type
		t := values[i%len(values)]
		m.Globals = append(m.Globals, wasm.Global{Type: wasm.GlobalType{Type: t, Mutable: true}, Init: g.constExpr(t)})
	}
	n := uint32(3)
	m.DataCount = &n
	for i := range n {
		d := wasm.Data{Mode: wasm.Passive, Init: make([]byte, g.below(40))}
		for k := range d.Init {
			d.Init[k] = byte(k*7 + g.below(4))
		}
		if i == 0 {
			d.Mode, d.Place = wasm.Active, wasm.Word32(uint32(g.below(1<<16)))
		}
		m.Datas = append(m.Datas, d)
	}
	for i, t := range []wasm.ValueType{wasm.FuncRef, wasm.FuncRef, wasm.ExternRef} {
		e := wasm.Elem{Mode: wasm.Passive, Type: t}
		for range genTable - 2 {
			e.Init = append(e.Init, g.constExpr(t))
		}
		if i == 0 {
			e.Mode, e.Place = wasm.Active, wasm.Word32(uint32(g.below(3)))
		}
		m.Elems = append(m.Elems, e)
	}
	all := wasm.Elem{Mode: wasm.Declarative, Type: wasm.FuncRef} // so that every function may be referred to
	for i := range genFuncs {
		all.Init = append(all.Init, wasm.ConstExpr{Op: wasm.OpRefFunc, Value: uint64(i)})
	}
	m.Elems = append(m.Elems, all)
}

func (g *generator) constExpr(t wasm.ValueType) wasm.ConstExpr {
	if t == wasm.FuncRef && g.below(4) > 0 {
		return wasm.ConstExpr{Op: wasm.OpRefFunc, Value: uint64(g.below(genFuncs))}
	}
	in := Constant(t, g.number())
	if t.IsRef() {
		return wasm.ConstExpr{Op: in.Op, Value: uint64(t)}
	}
	return wasm.ConstExpr{Op: in.Op, Value: in.Const}
}

// Constant is the instruction that pushes a constant of type t: a number by the bits of v, or null.
func Constant(t wasm.ValueType, v uint64) wasm.Instr {
	switch t {
	case wasm.I32:
		return wasm.Instr{Op: wasm.OpI32Const, Const: uint64(uint32(v))}
	case wasm.I64:
		return wasm.Instr{Op: wasm.OpI64Const, Const: v}
	case wasm.F32:
		return wasm.Instr{Op: wasm.OpF32Const, Const: v >> 32}
	case wasm.F64:
		return wasm.Instr{Op: wasm.OpF64Const, Const: v}
	}
	return wasm.Instr{Op: wasm.OpRefNull, Index: uint32(t)}
}

// edges are numbers that operations treat in ways of their own: for integers of either width, and as bits of floats of either width.
var edges = []uint64{0, 1, 2, 7, 31, 32, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32,
	1<<63 - 1, 1 << 63, 1<<64 - 1, 1<<64 - 2, 0xffffffff80000000,
	0x3ff0000000000000, 0xbff0000000000000, 0x3fe0000000000000, 0x41dfffffffc00000, 0x41e0000000000000, 0xc1e0000000200000, 0x43e0000000000000,
	0x43f0000000000000, 0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000, 0xfff8000000000001, 0x7ff0000000000001, 0x8000000000000000,
	0x3f80000000000000, 0xbf80000000000000, 0x4f00000000000000, 0xcf00000100000000, 0x5f00000000000000, 0x7f80000000000000, 0xff80000000000000,
	0x7fc0000000000000, 0xffc0000100000000, 0x7f80000100000000, 0x0000000100000000, 0x4b00000100000000, 0x3f00000000000000}

// number draws a number: an edge, a small one, or any.
func (g *generator) number() uint64 {
	switch g.below(4) {
	case 0, 1:
		return pick(&g.source, edges)
	case 2:
		return uint64(int64(g.below(256) - 128))
	}
	return uint64(g.below(1<<31))<<33 ^ uint64(g.below(1<<31))<<13 ^ uint64(g.below(1<<16))
}
