package machine

import (
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/wasm"
)

// instr lowers one Wasm instruction.
func (lo *lowerer) instr(in *wasm.Instr) {
	f := &lo.f
	switch in.Op {
	case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
		lo.open(in)
		return
	case wasm.OpElse:
		lo.arm()
		return
	case wasm.OpEnd:
		lo.close()
		return
	}
	if f.dead > 0 {
		return
	}
	switch in.Op {
	case wasm.OpNop:
	case wasm.OpUnreachable:
		lo.emit(Instr{Op: OpTrap, Imm: trapCode(link.TrapUnreachable)})
		f.dead = 1
	case wasm.OpBr:
		lo.jump(in.Index)
		f.dead = 1
	case wasm.OpBrIf:
		lo.branchIf(in.Index)
	case wasm.OpBrTable:
		lo.branchTable(in.Targets)
		f.dead = 1
	case wasm.OpReturn:
		lo.leave()
		f.dead = 1
	case wasm.OpCall:
		lo.call(in.Index)
	case wasm.OpCallIndirect:
		lo.callTable(in.Index, in.Index2)
	case wasm.OpDrop:
		lo.pop()
	case wasm.OpSelect, wasm.OpSelectT:
		c, b, a := lo.pop(), lo.pop(), lo.pop()
		h := len(f.stack)
		lo.result(Instr{Op: OpSelect, A: lo.operand(a, h, 0), B: lo.operand(b, h+1, 1), T: uint32(lo.operand(c, h+2, 2))})
	case wasm.OpLocalGet:
		lo.pushLocal(in.Index)
	case wasm.OpLocalSet:
		lo.writeLocal(in.Index, false)
	case wasm.OpLocalTee:
		lo.writeLocal(in.Index, true)
	case wasm.OpI32Const, wasm.OpI64Const, wasm.OpF32Const, wasm.OpF64Const:
		lo.pushConst(in.Const)
	case wasm.OpRefNull:
		lo.pushConst(0)
	case wasm.OpRefFunc:
		lo.refs = append(lo.refs, uint32(len(lo.p.Code)))
		lo.result(Instr{Op: OpConst, Imm: uint64(in.Index)})
		f.stack[len(f.stack)-1].source = -1 // it must stay where lo.refs says
	case wasm.OpRefIsNull:
		lo.pushConst(0)
		lo.compare(relation{OpEq64, false})
	case wasm.OpGlobalGet:
		lo.result(Instr{Op: OpGlobalGet, T: in.Index})
	case wasm.OpGlobalSet:
		e := lo.pop()
		lo.emit(Instr{Op: OpGlobalSet, A: lo.operand(e, len(f.stack), 0), T: in.Index})
	default:
		lo.compute(in)
	}
}

// compute lowers what has a table.
func (lo *lowerer) compute(in *wasm.Instr) {
	if op, ok := arithmetic[in.Op]; ok {
		lo.binary(op)
	} else if r, ok := relations[in.Op]; ok {
		lo.compare(r)
	} else if op, ok := unary[in.Op]; ok {
		e := lo.pop()
		lo.result(Instr{Op: op, A: lo.operand(e, len(lo.f.stack), 0)})
	} else if op, ok := loads[in.Op]; ok {
		lo.load(op, in.MemOffset)
	} else if op, ok := stores[in.Op]; ok {
		lo.store(op, in.MemOffset)
	} else {
		lo.special(in)
	}
}

// special lowers the rest.
func (lo *lowerer) special(in *wasm.Instr) {
	switch in.Op {
	case wasm.OpI32Eqz:
		lo.isZero(OpEq32)
	case wasm.OpI64Eqz:
		lo.isZero(OpEq64)
	case wasm.OpI64ExtendI32U, wasm.OpI32ReinterpretF32, wasm.OpI64ReinterpretF64, wasm.OpF32ReinterpretI32, wasm.OpF64ReinterpretI64:
		// the cell stays as it is
	case wasm.OpF32Abs:
		lo.mask(OpAnd32, 1<<31-1)
	case wasm.OpF32Neg:
		lo.mask(OpXor32, 1<<31)
	case wasm.OpF64Abs:
		lo.mask(OpAnd64, 1<<63-1)
	case wasm.OpF64Neg:
		lo.mask(OpXor64, 1<<63)
	case wasm.OpF32Copysign:
		lo.copySign(OpAnd32, OpOr32, 1<<31, 1<<31-1)
	case wasm.OpF64Copysign:
		lo.copySign(OpAnd64, OpOr64, 1<<63, 1<<63-1)
	case wasm.OpF32Gt, wasm.OpF32Ge, wasm.OpF64Gt, wasm.OpF64Ge:
		b, a := lo.pop(), lo.pop()
		h := len(lo.f.stack)
		op := map[wasm.Opcode]Op{wasm.OpF32Gt: OpF32Lt, wasm.OpF32Ge: OpF32Le, wasm.OpF64Gt: OpF64Lt, wasm.OpF64Ge: OpF64Le}[in.Op]
		y, x := lo.operand(a, h, 0), lo.operand(b, h+1, 1)
		lo.result(Instr{Op: op, A: x, B: y})
	case wasm.OpMemorySize:
		lo.result(Instr{Op: OpMemorySize})
	case wasm.OpMemoryGrow:
		e := lo.pop()
		lo.result(Instr{Op: OpMemoryGrow, A: lo.operand(e, len(lo.f.stack), 0)})
	case wasm.OpMemoryCopy:
		lo.bulk(Instr{Op: OpMemoryCopyCheck})
	case wasm.OpMemoryFill:
		lo.bulk(Instr{Op: OpMemoryFillCheck})
	case wasm.OpMemoryInit:
		lo.bulk(Instr{Op: OpMemoryInitCheck, T: lo.dataCell(in.Index), Imm: uint64(lo.dataBase[in.Index])})
	case wasm.OpDataDrop:
		lo.emit(Instr{Op: OpSegmentDrop, T: lo.dataCell(in.Index)})
	case wasm.OpTableCopy:
		lo.bulk(Instr{Op: OpTableCopyCheck, B: uint16(in.Index), T: in.Index2})
	case wasm.OpTableFill:
		lo.bulk(Instr{Op: OpTableFillCheck, B: uint16(in.Index)})
	case wasm.OpTableInit:
		lo.bulk(Instr{Op: OpTableInitCheck, B: uint16(in.Index2), T: lo.elemCell(in.Index), Imm: uint64(lo.elemBase[in.Index])})
	case wasm.OpElemDrop:
		lo.emit(Instr{Op: OpSegmentDrop, T: lo.elemCell(in.Index)})
	case wasm.OpTableSize:
		lo.pushConst(uint64(lo.m.Tables[in.Index].Limits.Min))
	case wasm.OpTableGet:
		e := lo.pop()
		lo.result(Instr{Op: OpTableGet, A: lo.operand(e, len(lo.f.stack), 0), B: uint16(in.Index)})
	case wasm.OpTableSet:
		v, i := lo.pop(), lo.pop()
		h := len(lo.f.stack)
		lo.emit(Instr{Op: OpTableSet, A: lo.operand(i, h, 0), D: lo.operand(v, h+1, 1), B: uint16(in.Index)})
	}
}

// dataCell and elemCell are the global cells with the lengths of segments.
func (lo *lowerer) dataCell(i uint32) uint32 { return uint32(len(lo.m.Globals)) + i }

func (lo *lowerer) elemCell(i uint32) uint32 {
	return uint32(len(lo.m.Globals)+len(lo.m.Datas)) + i
}

// bulk lowers an operation on three operands in a row: its check, then itself.
func (lo *lowerer) bulk(in Instr) {
	lo.settleTop(3)
	at := lo.home(len(lo.f.stack) - 3)
	if at+2 >= reach {
		for i := range uint32(3) {
			lo.move(lo.f.link+1+i, at+i)
		}
		at = lo.f.link + 1
	}
	in.A = uint16(at)
	lo.emit(in)
	in.Op++
	lo.emit(in)
	lo.cut(len(lo.f.stack) - 3)
}

// call lowers a call of a function by its index, or one of the primitives.
func (lo *lowerer) call(index uint32) {
	f := &lo.f
	switch index {
	case link.FuncInLen:
		e := lo.pop()
		lo.result(Instr{Op: OpInLen, A: lo.operand(e, len(f.stack), 0)})
		return
	case link.FuncInWord:
		b, a := lo.pop(), lo.pop()
		h := len(f.stack)
		lo.result(Instr{Op: OpInWord, A: lo.operand(a, h, 0), B: lo.operand(b, h+1, 1)})
		return
	case link.FuncOutWord:
		c, b, a := lo.pop(), lo.pop(), lo.pop()
		h := len(f.stack)
		lo.emit(Instr{Op: OpOutWord, A: lo.operand(a, h, 0), B: lo.operand(b, h+1, 1), T: uint32(lo.operand(c, h+2, 2))})
		return
	case link.FuncExit:
		e := lo.pop()
		lo.emit(Instr{Op: OpExit, A: lo.operand(e, len(f.stack), 0)})
		return
	}
	t := lo.m.Types[lo.m.Funcs[index-link.NumPrimitives]]
	lo.calls = append(lo.calls, uint32(lo.enter(t, Instr{Op: OpCall, T: index})))
}

func (lo *lowerer) callTable(typ, table uint32) {
	e := lo.pop()
	a := lo.operand(e, len(lo.f.stack), 2)
	lo.enter(lo.m.Types[typ], Instr{Op: OpCallTable, A: a, B: uint16(table), T: typ})
}

// enter emits a call: the arguments go to their homes, where the callee's frame begins and where it leaves the results.
func (lo *lowerer) enter(t wasm.FuncType, in Instr) (pc int) {
	f := &lo.f
	lo.settleTop(len(t.Params))
	base := len(f.stack) - len(t.Params)
	in.D, in.Imm = uint16(lo.linkCell(t)), uint64(lo.home(base))
	pc = lo.emit(in)
	lo.cut(base)
	for range t.Results {
		lo.push(-1)
	}
	return pc
}
