package link

import (
	"github.com/trilemma-dev/trilemma/wasm"
)

// roots calls guest and shim with every function that the stub calls.
func (p *plan) roots(guest func(uint32), shim func(string)) {
	if p.trap != "" {
		return
	}
	for _, f := range p.before {
		guest(f)
	}
	guest(p.call)
	if p.realloc != nil {
		guest(*p.realloc)
		shim(shimCopyIn)
	}
	if p.post != nil {
		guest(*p.post)
	}
	if p.bytesOut() {
		shim(shimCopyOut)
	}
}

func (p *plan) bytesOut() bool {
	r := p.entry.Results
	return len(r) == 1 && (r[0] == Bytes || r[0] == String)
}

// linked resolves the functions that a stub calls to their indices in the linked module.
type linked struct {
	guest func(uint32) uint32
	shim  func(string) uint32
	flush bool // output may be buffered in the shim
}

// stub writes the function start.
func (p *plan) stub(to linked) wasm.Code {
	var a assembler
	switch p.trap {
	case TrapTable:
		a.outOfTable()
	case TrapMemory: // four bytes at 2³²−1 end beyond every memory
		a.const32(1<<32 - 1)
		a.op(wasm.OpI32Load)
		a.op(wasm.OpDrop)
	default:
		for _, f := range p.before {
			a.index(wasm.OpCall, to.guest(f))
		}
		p.params(&a, to)
		a.index(wasm.OpCall, to.guest(p.call))
		p.results(&a, to)
		if to.flush {
			a.index(wasm.OpCall, to.shim(shimFlush))
		}
	}
	a.op(wasm.OpEnd)
	return wasm.Code{Locals: a.locals, Body: a.body}
}

// params leaves the arguments of the call on the operand stack. Bytes are copied in first, in order.
func (p *plan) params(a *assembler, to linked) {
	type slice struct{ ptr, len uint32 }
	slices := make([]slice, len(p.entry.Params))
	for i, k := range p.entry.Params {
		if k != Bytes && k != String {
			continue
		}
		s := slice{a.local(wasm.I32), a.local(wasm.I32)}
		stream := uint32(StreamParam + i)
		a.const32(stream)
		a.index(wasm.OpCall, FuncInLen)
		a.index(wasm.OpLocalSet, s.len)
		a.const32(0)
		a.const32(0)
		a.const32(1)
		a.index(wasm.OpLocalGet, s.len)
		a.index(wasm.OpCall, to.guest(*p.realloc))
		a.index(wasm.OpLocalSet, s.ptr)
		a.const32(stream)
		a.index(wasm.OpLocalGet, s.ptr)
		a.index(wasm.OpLocalGet, s.len)
		a.index(wasm.OpCall, to.shim(shimCopyIn))
		slices[i] = s
	}
	for i, k := range p.entry.Params {
		if k == Bytes || k == String {
			a.index(wasm.OpLocalGet, slices[i].ptr)
			a.index(wasm.OpLocalGet, slices[i].len)
			continue
		}
		a.const32(uint32(StreamParam + i))
		a.const32(0)
		a.index(wasm.OpCall, FuncInWord)
		switch k {
		case I32:
			a.op(wasm.OpI32WrapI64)
		case F32:
			a.op(wasm.OpI32WrapI64)
			a.op(wasm.OpF32ReinterpretI32)
		case F64:
			a.op(wasm.OpF64ReinterpretI64)
		}
	}
}

// results writes what the call left on the operand stack to OutResult.
func (p *plan) results(a *assembler, to linked) {
	if p.bytesOut() {
		pair := a.local(wasm.I32)
		a.index(wasm.OpLocalSet, pair)
		a.const32(OutResult)
		a.index(wasm.OpLocalGet, pair)
		a.load32(0)
		a.index(wasm.OpLocalGet, pair)
		a.load32(4)
		a.index(wasm.OpCall, to.shim(shimCopyOut))
		if p.post != nil {
			a.index(wasm.OpLocalGet, pair)
			a.index(wasm.OpCall, to.guest(*p.post))
		}
		return
	}
	locals := make([]uint32, len(p.signature.Results))
	for i, t := range p.signature.Results {
		locals[i] = a.local(t)
	}
	for i := len(locals) - 1; i >= 0; i-- {
		a.index(wasm.OpLocalSet, locals[i])
	}
	for i, k := range p.entry.Results {
		a.const32(OutResult)
		a.index(wasm.OpLocalGet, locals[i])
		switch k {
		case I32:
			a.op(wasm.OpI64ExtendI32U)
		case F32:
			a.op(wasm.OpI32ReinterpretF32)
			a.op(wasm.OpI64ExtendI32U)
		case F64:
			a.op(wasm.OpI64ReinterpretF64)
		}
		a.const32(8)
		a.index(wasm.OpCall, FuncOutWord)
	}
}

// assembler writes one function body.
type assembler struct {
	body   []byte
	params uint32
	locals []wasm.LocalGroup
}

// local declares a local variable and returns its index.
func (a *assembler) local(t wasm.ValueType) uint32 {
	a.locals = append(a.locals, wasm.LocalGroup{Count: 1, Type: t})
	n := a.params - 1
	for _, g := range a.locals {
		n += g.Count
	}
	return n
}

func (a *assembler) emit(in wasm.Instr)             { a.body = wasm.AppendInstr(a.body, in) }
func (a *assembler) op(op wasm.Opcode)              { a.emit(wasm.Instr{Op: op}) }
func (a *assembler) index(op wasm.Opcode, i uint32) { a.emit(wasm.Instr{Op: op, Index: i}) }
func (a *assembler) const32(v uint32)               { a.emit(wasm.Instr{Op: wasm.OpI32Const, Const: uint64(v)}) }
func (a *assembler) const64(v uint64)               { a.emit(wasm.Instr{Op: wasm.OpI64Const, Const: v}) }
func (a *assembler) load32(offset uint32) {
	a.emit(wasm.Instr{Op: wasm.OpI32Load, Align: 2, MemOffset: offset})
}
