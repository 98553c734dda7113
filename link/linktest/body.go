package linktest

import (
	"slices"

	"github.com/trilemma-dev/trilemma/wasm"
)

// body is a function as it is generated: the types on the operand stack are followed, so that whatever comes next is valid.
type body struct {
	*generator
	index  int
	locals []wasm.ValueType // parameters first; those of the shape are left out
	extra  uint32           // how many those are: they stand between the parameters and the rest
	params uint32
	code   []byte
	stack  []wasm.ValueType
	floor  int // operands below it are spoken for
	open   []label
	left   int // instructions before the function is closed
	count  []uint32
	used   int // of count: loop counters
}

// label is an open block.
type label struct {
	height  int              // operands below the block's own
	takes   []wasm.ValueType // of a branch to it
	results []wasm.ValueType
	loop    bool
}

// function generates defined function i.
func (g *generator) function(i int) {
	t := g.m.Types[g.funcs[i]]
	b := &body{generator: g, index: i, extra: g.shape.Locals, params: uint32(len(t.Params)), left: 20 + g.below(200)}
	groups := []wasm.LocalGroup{{Count: b.extra, Type: wasm.I64}}
	b.locals = slices.Clone(t.Params)
	for range 4 + g.below(8) {
		t := pick(&g.source, values)
		groups = append(groups, wasm.LocalGroup{Count: 1, Type: t})
		b.locals = append(b.locals, t)
	}
	const counters = 6
	groups = append(groups, wasm.LocalGroup{Count: counters, Type: wasm.I32})
	for k := range uint32(counters) {
		b.count = append(b.count, uint32(len(b.locals))+b.extra+k)
	}
	b.open = []label{{takes: t.Results, results: t.Results}}
	for range g.shape.Wide {
		b.emit(wasm.Instr{Op: wasm.OpCall, Index: genFuncs})
		b.push(g.m.Types[typeWide].Results...)
	}
	b.statements(5)
	b.finish()
	g.m.Funcs = append(g.m.Funcs, g.funcs[i])
	g.m.Code = append(g.m.Code, wasm.Code{Locals: groups, Body: b.code})
}

func (b *body) emit(in wasm.Instr) { b.code, b.left = wasm.AppendInstr(b.code, in), b.left-1 }

func (b *body) push(ts ...wasm.ValueType) { b.stack = append(b.stack, ts...) }

func (b *body) pop(n int) { b.stack = b.stack[:len(b.stack)-n] }

// top is the innermost block.
func (b *body) top() *label { return &b.open[len(b.open)-1] }

// has reports whether the highest operands of the innermost block have these types.
func (b *body) has(ts []wasm.ValueType) bool {
	at := len(b.stack) - len(ts)
	return at >= max(b.top().height, b.floor) && slices.Equal(b.stack[at:], ts)
}

// local draws a local of type t.
func (b *body) local(t wasm.ValueType) (index uint32, ok bool) {
	from := b.below(len(b.locals))
	for i := range b.locals {
		if k := (from + i) % len(b.locals); b.locals[k] == t {
			index = uint32(k)
			if index >= b.params {
				index += b.extra
			}
			return index, true
		}
	}
	return 0, false
}

// global draws a global of type t.
func (b *body) global(t wasm.ValueType) uint32 {
	return uint32(slices.Index(values, t) + len(values)*b.below(2))
}

// need pushes operands of these types, unless such are there already and the draw is to take them.
func (b *body) need(depth int, ts ...wasm.ValueType) {
	if b.has(ts) && b.below(3) > 0 {
		return
	}
	for _, t := range ts {
		b.value(t, depth)
	}
}

// value pushes an operand of type t, and takes none.
func (b *body) value(t wasm.ValueType, depth int) {
	defer func(floor int) { b.floor = floor }(b.floor)
	b.floor = len(b.stack)
	switch b.below(8) {
	case 0, 1:
	case 2, 3, 4:
		if l, ok := b.local(t); ok {
			b.emit(wasm.Instr{Op: wasm.OpLocalGet, Index: l})
			b.push(t)
			return
		}
	case 5:
		b.emit(wasm.Instr{Op: wasm.OpGlobalGet, Index: b.global(t)})
		b.push(t)
		return
	default:
		if ops := operations[t]; depth > 0 && len(ops) > 0 && b.left > 0 {
			b.operation(pick(&b.source, ops), depth-1)
			return
		}
	}
	if t == wasm.FuncRef && b.one(2) {
		b.emit(wasm.Instr{Op: wasm.OpRefFunc, Index: uint32(b.below(genFuncs))})
	} else {
		b.emit(Constant(t, b.number()))
	}
	b.push(t)
}

// operations are those of fixed type by what they push; under 0 those that push nothing.
var operations = func() map[wasm.ValueType][]wasm.Opcode {
	all := make(map[wasm.ValueType][]wasm.Opcode)
	for op := wasm.OpI32Load; op < 0xfc20; op++ {
		_, results, ok := op.Signature()
		switch {
		case !ok, op >= wasm.OpI32Const && op <= wasm.OpF64Const, op >= wasm.OpTableInit:
		case len(results) == 0:
			all[0] = append(all[0], op)
		default:
			all[results[0]] = append(all[results[0]], op)
		}
	}
	return all
}()

// operation emits an operation of fixed type with its operands. Addresses and sizes are small more often than not, and divisors not zero.
func (b *body) operation(op wasm.Opcode, depth int) {
	params, results, _ := op.Signature()
	in := wasm.Instr{Op: op}
	memory := op >= wasm.OpI32Load && op <= wasm.OpI64Store32
	bulk := op >= wasm.OpMemoryInit && op <= wasm.OpMemoryFill
	if memory && b.one(2) {
		in.MemOffset = uint32(b.below(1 << (4 + 7*b.below(5))))
	}
	if bulk {
		in.Index = uint32(b.below(len(b.m.Datas)))
	}
	tame := b.below(16) > 0
	switch {
	case tame && (memory && len(params) > 0 || bulk && len(params) == 3):
		for i, t := range params {
			b.value(t, depth)
			if i == 0 || bulk && (i == 1 && op != wasm.OpMemoryFill || i == 2) {
				mask := uint64(0xffff)
				if bulk && (i == 2 || i == 1 && op == wasm.OpMemoryInit) {
					mask = 0x1f
				}
				b.emit(Constant(wasm.I32, mask))
				b.emit(wasm.Instr{Op: wasm.OpI32And})
			}
		}
	case tame && (op >= wasm.OpI32DivS && op <= wasm.OpI32RemU || op >= wasm.OpI64DivS && op <= wasm.OpI64RemU):
		b.need(depth, params[0])
		b.value(params[1], depth)
		or := wasm.OpI32Or
		if params[1] == wasm.I64 {
			or = wasm.OpI64Or
		}
		b.emit(Constant(params[1], 1))
		b.emit(wasm.Instr{Op: or})
	case tame && op >= wasm.OpI32TruncF32S && op <= wasm.OpI64TruncF64U && op != wasm.OpI64ExtendI32S && op != wasm.OpI64ExtendI32U:
		if params[0] == wasm.F32 {
			b.need(depth, wasm.I32)
			b.emit(wasm.Instr{Op: wasm.OpF32ConvertI32U})
		} else {
			b.need(depth, wasm.I32)
			b.emit(wasm.Instr{Op: wasm.OpF64ConvertI32U})
		}
		b.pop(1)
		b.push(params[0])
	default:
		b.need(depth, params...)
	}
	b.emit(in)
	b.pop(len(params))
	b.push(results...)
}

// finish closes the innermost block, with its results on the stack.
func (b *body) finish() {
	l := *b.top()
	if surplus := len(b.stack) - l.height - len(l.results); !b.has(l.results) || surplus != 0 {
		for len(b.stack) > l.height && len(b.stack)-l.height < 20 && !b.has(l.results) && b.one(2) {
			b.emit(wasm.Instr{Op: wasm.OpDrop})
			b.pop(1)
		}
		if !b.has(l.results) {
			for _, t := range l.results {
				b.value(t, 0)
			}
		}
		if len(b.stack)-l.height != len(l.results) { // a branch leaves the rest behind
			b.leave(l)
		}
	}
	b.end(l)
}

// leave goes to the end of the innermost block with its results.
func (b *body) leave(l label) {
	switch {
	case len(b.open) == 1 && b.one(2):
		b.emit(wasm.Instr{Op: wasm.OpReturn})
	case l.loop: // its label is its beginning
		for i := len(l.results) - 1; i >= 0; i-- {
			b.emit(wasm.Instr{Op: wasm.OpGlobalSet, Index: b.global(l.results[i])})
		}
		for n := len(b.stack) - len(l.results); n > l.height; n-- {
			b.emit(wasm.Instr{Op: wasm.OpDrop})
		}
		for _, t := range l.results {
			b.emit(wasm.Instr{Op: wasm.OpGlobalGet, Index: b.global(t)})
		}
	default:
		b.emit(wasm.Instr{Op: wasm.OpBr})
	}
}

func (b *body) end(l label) {
	b.emit(wasm.Instr{Op: wasm.OpEnd})
	b.stack = append(b.stack[:l.height], l.results...)
	b.open = b.open[:len(b.open)-1]
}
