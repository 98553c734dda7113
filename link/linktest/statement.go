package linktest

import (
	"slices"

	"github.com/trilemma-dev/trilemma/wasm"
)

// statements generates until the block has enough, or the function has.
func (b *body) statements(depth int) {
	for n := 1 + b.below(12); n > 0 && b.left > 0; n-- {
		b.statement(depth)
	}
}

// statement generates something that may leave operands, or take some.
func (b *body) statement(depth int) {
	switch b.below(16) {
	case 0, 1:
		b.operation(pick(&b.source, operations[0]), 2)
	case 2, 3:
		b.value(pick(&b.source, values), 3)
	case 4, 5:
		b.assign()
	case 6:
		b.spare()
	case 7, 8, 9:
		if depth > 0 {
			b.block(depth)
		}
	case 10, 11:
		b.branch()
	case 12, 13:
		b.call()
	case 14:
		b.table()
	case 15:
		if b.one(3) {
			b.dead()
		}
	}
}

// assign writes a local or a global.
func (b *body) assign() {
	t := pick(&b.source, values)
	b.need(2, t)
	l, ok := b.local(t)
	switch {
	case !ok || b.one(4):
		b.emit(wasm.Instr{Op: wasm.OpGlobalSet, Index: b.global(t)})
		b.pop(1)
	case b.one(3):
		b.emit(wasm.Instr{Op: wasm.OpLocalTee, Index: l})
	default:
		b.emit(wasm.Instr{Op: wasm.OpLocalSet, Index: l})
		b.pop(1)
	}
}

// spare drops an operand, or one of two.
func (b *body) spare() {
	if b.one(2) && len(b.stack) > b.top().height {
		b.emit(wasm.Instr{Op: wasm.OpDrop})
		b.pop(1)
		return
	}
	t := pick(&b.source, values)
	b.need(2, t, t)
	b.need(2, wasm.I32)
	if !b.has([]wasm.ValueType{t, t, wasm.I32}) { // the condition was taken from the two
		b.value(t, 0)
		b.value(t, 0)
		b.value(wasm.I32, 0)
	}
	if t.IsRef() || b.one(3) {
		b.emit(wasm.Instr{Op: wasm.OpSelectT, Types: []wasm.ValueType{t}})
	} else {
		b.emit(wasm.Instr{Op: wasm.OpSelect})
	}
	b.pop(2)
}

// blockType draws a block's type.
func (b *body) blockType() wasm.BlockType {
	switch b.below(3) {
	case 0:
		return wasm.BlockEmpty
	case 1:
		return wasm.BlockResult(pick(&b.source, values))
	}
	return wasm.BlockType(typeDrawn + b.below(genTypes))
}

// block generates a block, loop or if. A loop goes round a few times by a counter of its own, if there is one left.
func (b *body) block(depth int) {
	in := wasm.Instr{Op: pick(&b.source, []wasm.Opcode{wasm.OpBlock, wasm.OpLoop, wasm.OpIf}), Block: b.blockType()}
	t := in.Block.Signature(b.m)
	b.need(2, t.Params...)
	counter := uint32(0)
	if in.Op == wasm.OpLoop && b.used < len(b.count) {
		counter = b.count[b.used]
		b.used++
		b.emit(wasm.Instr{Op: wasm.OpI32Const, Const: uint64(1 + b.below(5))})
		b.emit(wasm.Instr{Op: wasm.OpLocalSet, Index: counter})
	}
	if in.Op == wasm.OpIf {
		b.value(wasm.I32, 2)
		b.pop(1)
	}
	l := label{height: len(b.stack) - len(t.Params), takes: t.Results, results: t.Results}
	if in.Op == wasm.OpLoop {
		l.takes, l.loop = t.Params, true
	}
	b.emit(in)
	b.open = append(b.open, l)
	b.statements(depth - 1)
	if counter != 0 {
		b.need(1, t.Params...)
		b.emit(wasm.Instr{Op: wasm.OpLocalGet, Index: counter})
		b.emit(wasm.Instr{Op: wasm.OpI32Const, Const: 1})
		b.emit(wasm.Instr{Op: wasm.OpI32Sub})
		b.emit(wasm.Instr{Op: wasm.OpLocalTee, Index: counter})
		b.emit(wasm.Instr{Op: wasm.OpBrIf})
	}
	if in.Op == wasm.OpIf && (b.one(2) || !slices.Equal(t.Params, t.Results)) {
		b.finish()
		b.code = b.code[:len(b.code)-1] // the end becomes an else
		b.emit(wasm.Instr{Op: wasm.OpElse})
		b.stack = append(b.stack[:l.height], t.Params...)
		b.open = append(b.open, l)
		b.statements(depth - 1)
	}
	b.finish()
}

// target draws a label: rarely one of a loop, which could go on for ever.
func (b *body) target() (index uint32, takes []wasm.ValueType) {
	i := b.below(len(b.open))
	for k := range b.open {
		l := &b.open[len(b.open)-1-(i+k)%len(b.open)]
		if !l.loop || b.one(8) {
			return uint32((i + k) % len(b.open)), l.takes
		}
	}
	return uint32(len(b.open) - 1), b.open[0].takes
}

// branch generates a conditional branch, or a table that is reached on a condition.
func (b *body) branch() {
	index, takes := b.target()
	if b.one(4) {
		b.branchTable(index, takes)
		return
	}
	b.need(2, takes...)
	b.value(wasm.I32, 2)
	b.emit(wasm.Instr{Op: wasm.OpBrIf, Index: index})
	b.pop(1)
}

func (b *body) branchTable(index uint32, takes []wasm.ValueType) {
	targets := []uint32{index}
	for range b.below(5) {
		if i, t := b.target(); slices.Equal(t, takes) {
			targets = append(targets, i)
		}
	}
	b.value(wasm.I32, 1)
	b.pop(1)
	b.emit(wasm.Instr{Op: wasm.OpIf, Block: wasm.BlockEmpty})
	b.open = append(b.open, label{height: len(b.stack)})
	for i := range targets {
		targets[i]++
	}
	if len(takes) == 0 {
		targets = append(targets, 0)
	}
	for _, t := range takes {
		b.value(t, 1)
	}
	b.value(wasm.I32, 2)
	if b.one(2) {
		b.emit(wasm.Instr{Op: wasm.OpI32Const, Const: 3})
		b.emit(wasm.Instr{Op: wasm.OpI32And})
	}
	b.emit(wasm.Instr{Op: wasm.OpBrTable, Targets: targets})
	b.end(*b.top())
}

// dead generates a few instructions that are never reached, in a block of their own, behind one that does not go on.
func (b *body) dead() {
	b.value(wasm.I32, 1)
	b.pop(1)
	b.emit(wasm.Instr{Op: wasm.OpIf, Block: wasm.BlockEmpty})
	switch b.below(3) {
	case 0:
		b.emit(wasm.Instr{Op: wasm.OpUnreachable})
	case 1:
		for _, t := range b.open[0].results {
			b.emit(Constant(t, b.number()))
		}
		b.emit(wasm.Instr{Op: wasm.OpReturn})
	default:
		b.emit(wasm.Instr{Op: wasm.OpBr})
	}
	for range b.below(6) {
		t := pick(&b.source, numbers)
		switch b.below(4) {
		case 0:
			b.emit(Constant(t, b.number()))
			b.emit(wasm.Instr{Op: wasm.OpDrop})
		case 1:
			op := pick(&b.source, operations[t])
			in := wasm.Instr{Op: op}
			b.emit(in)
			b.emit(wasm.Instr{Op: wasm.OpDrop})
		case 2:
			b.emit(wasm.Instr{Op: wasm.OpBlock, Block: wasm.BlockEmpty})
			b.emit(wasm.Instr{Op: wasm.OpBr, Index: 1})
			b.emit(wasm.Instr{Op: wasm.OpEnd})
		case 3:
			b.emit(wasm.Instr{Op: wasm.OpBrIf})
		}
	}
	b.emit(wasm.Instr{Op: wasm.OpEnd})
}

// call generates a call of a later function, or rarely of any, directly or through a table.
func (b *body) call() {
	if b.one(3) {
		typ := uint32(typeDrawn + b.below(genTypes))
		if b.below(4) > 0 {
			typ = b.funcs[b.below(genFuncs)]
		}
		t := b.m.Types[typ]
		b.need(1, t.Params...)
		b.value(wasm.I32, 1)
		if b.below(8) > 0 {
			b.emit(wasm.Instr{Op: wasm.OpI32Const, Const: genTable - 1})
			b.emit(wasm.Instr{Op: wasm.OpI32And})
		}
		b.emit(wasm.Instr{Op: wasm.OpCallIndirect, Index: typ, Index2: uint32(2 * b.below(2))})
		b.pop(1 + len(t.Params))
		b.push(t.Results...)
		return
	}
	f := b.index + 1 + b.below(genFuncs)
	if f >= genFuncs {
		if f = genFuncs - 1; b.index == f && !b.one(4) {
			return
		}
	}
	t := b.m.Types[b.funcs[f]]
	b.need(2, t.Params...)
	b.emit(wasm.Instr{Op: wasm.OpCall, Index: uint32(f)})
	b.pop(len(t.Params))
	b.push(t.Results...)
}

// table generates an operation on tables. Indices are within bounds more often than not.
func (b *body) table() {
	x := uint32(b.below(len(b.m.Tables)))
	elem := b.m.Tables[x].Elem
	index := func(most uint64) {
		b.value(wasm.I32, 1)
		if b.below(12) > 0 {
			b.emit(wasm.Instr{Op: wasm.OpI32Const, Const: most})
			b.emit(wasm.Instr{Op: wasm.OpI32And})
		}
	}
	switch b.below(8) {
	case 0, 1:
		index(7)
		b.emit(wasm.Instr{Op: wasm.OpTableGet, Index: x})
		b.pop(1)
		b.push(elem)
	case 2:
		index(7)
		b.value(elem, 1)
		b.emit(wasm.Instr{Op: wasm.OpTableSet, Index: x})
		b.pop(2)
	case 3:
		b.emit(wasm.Instr{Op: wasm.OpTableSize, Index: x})
		b.push(wasm.I32)
	case 4:
		index(3)
		index(3)
		index(7)
		from := x
		if elem == wasm.FuncRef && b.one(2) {
			from = 2 - x
		}
		b.emit(wasm.Instr{Op: wasm.OpTableCopy, Index: x, Index2: from})
		b.pop(3)
	case 5:
		index(3)
		b.value(elem, 1)
		index(7)
		b.emit(wasm.Instr{Op: wasm.OpTableFill, Index: x})
		b.pop(3)
	case 6:
		seg := uint32(2)
		if elem == wasm.FuncRef {
			seg = uint32(b.below(2))
		}
		index(3)
		index(3)
		index(3)
		b.emit(wasm.Instr{Op: wasm.OpTableInit, Index: seg, Index2: x})
		b.pop(3)
	case 7:
		if b.one(4) {
			b.emit(wasm.Instr{Op: wasm.OpElemDrop, Index: uint32(b.below(3))})
			return
		}
		b.need(1, pick(&b.source, values[len(numbers):]))
		b.emit(wasm.Instr{Op: wasm.OpRefIsNull})
		b.pop(1)
		b.push(wasm.I32)
	}
}
