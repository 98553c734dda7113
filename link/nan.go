package link

import (
	"math"

	"github.com/trilemma-dev/trilemma/wasm"
)

// The canonical NaNs (spec 3.0, deterministic profile).
const (
	nan32 = 0x7fc00000
	nan64 = 0x7ff8000000000000
)

// makesNaN reports whether op may produce a NaN whose bits the specification leaves open.
func makesNaN(op wasm.Opcode) bool {
	switch {
	case op >= wasm.OpF32Ceil && op <= wasm.OpF32Max, op >= wasm.OpF64Ceil && op <= wasm.OpF64Max,
		op == wasm.OpF32DemoteF64, op == wasm.OpF64PromoteF32:
		return true
	}
	return false
}

// seesNaN reports whether op tells one NaN from another: everything does that is not listed here.
func seesNaN(op wasm.Opcode) bool {
	switch {
	case makesNaN(op), op >= wasm.OpF32Eq && op <= wasm.OpF64Ge,
		op >= wasm.OpI32TruncF32S && op <= wasm.OpI32TruncF64U, op >= wasm.OpI64TruncF32S && op <= wasm.OpI64TruncF64U,
		op >= wasm.OpI32TruncSatF32S && op <= wasm.OpI64TruncSatF64U, op == wasm.OpDrop:
		return false
	}
	return true
}

// value is what is known of an operand. A value ≥ 0 is the ordinal of the instruction that pushed it: it is the result of arithmetic, or
// of a lazy local, and if it is a NaN its bits may still differ from the canonical ones.
type value int32

const (
	settled value = -1 // no NaN, or the canonical one
	exact   value = -2 // anything; its bits are what they must be, a NaN's too
)

// The classes of locals.
type class byte

const (
	raw   class = iota // may hold a NaN from outside of arithmetic: what is stored must be right to the bit
	eager              // holds arithmetic only, made canonical when stored
	lazy               // holds arithmetic only, made canonical where it is seen
)

// nanPlan says after which instructions of a function a NaN must be made canonical.
//
// NaNs are made canonical as late as possible: arithmetic, comparisons and conversions to integers do not see a NaN's bits, so that
// most results need nothing. A local that never holds anything but results of arithmetic may keep an open NaN, if it is seen
// less often than it is stored.
type nanPlan struct {
	need           []byte // per ordinal: bits of the result's type, or 0
	temp32, temp64 uint32 // locals
}

// nanAnalysis is the state of one walk over a body.
type nanAnalysis struct {
	m       *wasm.Module
	code    *wasm.Code
	sig     wasm.FuncType
	width   []byte  // per local: 32 or 64 if it is a float, else 0
	class   []class // per local
	bits    []byte  // per ordinal: width of the result if a value may name it
	need    []byte
	stored  []uint32         // per local: how often, by loop depth, something open is stored
	seen    []uint32         // per local: how often its bits are seen
	from    map[value]uint32 // local.get of lazy local → local
	stack   []value
	frames  []nanFrame
	loops   int
	demoted bool
}

type nanFrame struct {
	op   wasm.Opcode
	sig  wasm.FuncType
	base int // height of the operand stack below the parameters
}

// planNaNs returns nil if nothing in defined function i makes NaNs.
func planNaNs(m *wasm.Module, i int) *nanPlan {
	c := &m.Code[i]
	count, any := 0, false
	for r := wasm.NewReader(c.Body, c.Offset); r.More(); count++ {
		in, err := r.Next()
		if err != nil {
			return nil
		}
		any = any || makesNaN(in.Op)
	}
	if !any {
		return nil
	}
	a := &nanAnalysis{m: m, code: c, sig: m.Types[m.Funcs[i]], bits: make([]byte, count), need: make([]byte, count)}
	a.locals()
	for range 4 { // each walk may find locals that hold more than arithmetic
		if a.walk(); !a.demoted {
			break
		}
	}
	for l := range a.class {
		if a.demoted {
			a.class[l] = raw
		} else if a.class[l] == lazy && a.seen[l] >= a.stored[l] {
			a.class[l] = eager
		}
	}
	a.walk()
	return &nanPlan{need: a.need}
}

// after writes what must follow instruction k.
func (p *nanPlan) after(k uint32, a *assembler) {
	temp, nan, ge := p.temp64, wasm.Instr{Op: wasm.OpF64Const, Const: nan64}, wasm.OpF64Ge
	switch p.need[k] {
	case 0:
		return
	case 32:
		temp, nan, ge = p.temp32, wasm.Instr{Op: wasm.OpF32Const, Const: nan32}, wasm.OpF32Ge
	}
	a.index(wasm.OpLocalTee, temp)
	a.emit(nan)
	a.index(wasm.OpLocalGet, temp)
	a.index(wasm.OpLocalGet, temp)
	a.op(ge)
	a.op(wasm.OpSelect)
}

// locals gives every local its width and first class: parameters come from outside.
func (a *nanAnalysis) locals() {
	add := func(t wasm.ValueType, n uint32, c class) {
		w := byte(0)
		switch t {
		case wasm.F32:
			w = 32
		case wasm.F64:
			w = 64
		}
		for range n {
			a.width = append(a.width, w)
			a.class = append(a.class, c)
		}
	}
	for _, t := range a.sig.Params {
		add(t, 1, raw)
	}
	for _, g := range a.code.Locals {
		add(g.Type, g.Count, lazy)
	}
	a.stored, a.seen = make([]uint32, len(a.width)), make([]uint32, len(a.width))
}

// walk goes through the body once, by the classes that the locals have.
func (a *nanAnalysis) walk() {
	clear(a.need)
	clear(a.stored)
	clear(a.seen)
	a.from = map[value]uint32{}
	a.demoted, a.loops, a.stack = false, 0, a.stack[:0]
	a.frames = append(a.frames[:0], nanFrame{op: wasm.OpBlock, sig: wasm.FuncType{Results: a.sig.Results}})
	dead := 0 // blocks open in unreachable code, the one that became unreachable included
	r := wasm.NewReader(a.code.Body, a.code.Offset)
	for k := 0; r.More(); k++ {
		in, err := r.Next()
		if err != nil {
			return
		}
		if dead > 0 {
			switch in.Op {
			case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
				dead++
				continue
			case wasm.OpEnd:
				dead--
			case wasm.OpElse:
				if dead == 1 {
					dead = 0
				}
			}
			if dead > 0 || in.Op != wasm.OpEnd && in.Op != wasm.OpElse {
				continue
			}
			a.stack = a.stack[:a.frames[len(a.frames)-1].base]
			a.leave(in.Op, false)
			continue
		}
		a.step(value(k), &in)
		switch in.Op {
		case wasm.OpBr, wasm.OpBrTable, wasm.OpReturn, wasm.OpUnreachable:
			dead = 1
		}
	}
}

func (a *nanAnalysis) push(v value) { a.stack = append(a.stack, v) }

func (a *nanAnalysis) pop() value {
	v := a.stack[len(a.stack)-1]
	a.stack = a.stack[:len(a.stack)-1]
	return v
}

// weight is how much an instruction counts at the present depth of loops.
func (a *nanAnalysis) weight() uint32 { return 1 << (3 * min(a.loops, 8)) }

// see makes v canonical where it was pushed.
func (a *nanAnalysis) see(v value) {
	if v < 0 {
		return
	}
	a.need[v] = a.bits[v]
	if l, ok := a.from[v]; ok {
		a.seen[l] = add32(a.seen[l], a.weight())
	}
}

// seeTop makes the topmost n operands canonical: they leave this walk's sight.
func (a *nanAnalysis) seeTop(n int) {
	for _, v := range a.stack[len(a.stack)-n:] {
		a.see(v)
	}
}

func add32(x, y uint32) uint32 { return uint32(min(uint64(x)+uint64(y), math.MaxUint32)) }

func (a *nanAnalysis) step(k value, in *wasm.Instr) {
	switch in.Op {
	case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
		a.enter(in)
	case wasm.OpElse, wasm.OpEnd:
		a.leave(in.Op, true)
	case wasm.OpBrIf:
		a.pop()
		a.branch(in.Index)
	case wasm.OpBr:
		a.branch(in.Index)
	case wasm.OpBrTable:
		a.pop()
		a.branch(in.Targets[len(in.Targets)-1])
	case wasm.OpReturn:
		a.seeTop(len(a.sig.Results))
	case wasm.OpUnreachable:
	case wasm.OpCall, wasm.OpCallIndirect:
		t := wasm.FuncType{}
		if in.Op == wasm.OpCall {
			t, _ = a.m.TypeOfFunc(in.Index)
		} else {
			a.pop()
			t = a.m.Types[in.Index]
		}
		a.through(len(t.Params), len(t.Results))
	case wasm.OpDrop:
		a.pop()
	case wasm.OpSelect, wasm.OpSelectT:
		a.pop()
		x, y := a.pop(), a.pop()
		a.see(x)
		a.see(y)
		if x == exact || y == exact {
			a.push(exact)
		} else {
			a.push(settled)
		}
	case wasm.OpLocalGet, wasm.OpLocalSet, wasm.OpLocalTee:
		a.local(k, in)
	case wasm.OpGlobalGet, wasm.OpRefNull, wasm.OpRefFunc, wasm.OpTableSize:
		a.push(exact)
	case wasm.OpGlobalSet:
		a.through(1, 0)
	case wasm.OpRefIsNull, wasm.OpTableGet:
		a.through(1, 1)
	case wasm.OpTableSet:
		a.through(2, 0)
	case wasm.OpTableFill:
		a.through(3, 0)
	case wasm.OpF32Const:
		a.constant(in.Const&0x7fffffff > 0x7f800000 && in.Const != nan32)
	case wasm.OpF64Const:
		a.constant(in.Const&^(1<<63) > 0x7ff<<52 && in.Const != nan64)
	default:
		a.numeric(k, in.Op)
	}
}

func (a *nanAnalysis) constant(odd bool) {
	if odd {
		a.push(exact)
	} else {
		a.push(settled)
	}
}

// through replaces n operands, all seen, by results that are what they are.
func (a *nanAnalysis) through(n, results int) {
	a.seeTop(n)
	a.stack = a.stack[:len(a.stack)-n]
	for range results {
		a.push(exact)
	}
}

// numeric handles the instructions of fixed type.
func (a *nanAnalysis) numeric(k value, op wasm.Opcode) {
	params, results, _ := op.Signature()
	operand := value(exact)
	for range params {
		operand = a.pop()
		if seesNaN(op) {
			a.see(operand)
		}
	}
	if len(results) == 0 {
		return
	}
	switch {
	case makesNaN(op):
		a.bits[k] = 64
		if results[0] == wasm.F32 {
			a.bits[k] = 32
		}
		a.push(k)
	case op >= wasm.OpF32ConvertI32S && op <= wasm.OpF32ConvertI64U, op >= wasm.OpF64ConvertI32S && op <= wasm.OpF64ConvertI64U,
		(op == wasm.OpF32Abs || op == wasm.OpF64Abs) && operand != exact:
		a.push(settled)
	default:
		a.push(exact)
	}
}

func (a *nanAnalysis) local(k value, in *wasm.Instr) {
	l := in.Index
	if in.Op == wasm.OpLocalGet {
		switch {
		case a.width[l] == 0 || a.class[l] == raw:
			a.push(exact)
		case a.class[l] == eager:
			a.push(settled)
		default:
			a.bits[k] = a.width[l]
			a.from[k] = l
			a.push(k)
		}
		return
	}
	v := a.pop()
	if v >= 0 {
		a.stored[l] = add32(a.stored[l], a.weight())
	}
	if v == exact && a.class[l] != raw && a.width[l] != 0 {
		a.class[l], a.demoted = raw, true
	}
	if a.class[l] != lazy && v >= 0 {
		a.see(v)
		v = settled
	}
	if in.Op == wasm.OpLocalTee {
		a.push(v)
	}
}

// enter opens a block. Its parameters leave sight.
func (a *nanAnalysis) enter(in *wasm.Instr) {
	if in.Op == wasm.OpIf {
		a.pop()
	}
	f := nanFrame{op: in.Op, sig: in.Block.Signature(a.m)}
	n := len(f.sig.Params)
	a.through(n, n)
	f.base = len(a.stack) - n
	a.frames = append(a.frames, f)
	if in.Op == wasm.OpLoop {
		a.loops++
	}
}

// leave ends a block's arm, reached or not.
func (a *nanAnalysis) leave(op wasm.Opcode, reached bool) {
	f := a.frames[len(a.frames)-1]
	if reached {
		a.seeTop(len(f.sig.Results))
	}
	a.stack = a.stack[:f.base]
	next := len(f.sig.Params)
	if op == wasm.OpEnd {
		next = len(f.sig.Results)
		a.frames = a.frames[:len(a.frames)-1]
		if f.op == wasm.OpLoop {
			a.loops--
		}
	}
	for range next {
		a.push(exact)
	}
}

func (a *nanAnalysis) branch(label uint32) {
	f := &a.frames[len(a.frames)-1-int(label)]
	if f.op == wasm.OpLoop {
		a.seeTop(len(f.sig.Params))
	} else {
		a.seeTop(len(f.sig.Results))
	}
}
