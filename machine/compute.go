package machine

import (
	"math"

	"github.com/trilemma-dev/trilemma/wasm"
)

// arithmetic maps operations of two operands to the form without an immediate.
var arithmetic = map[wasm.Opcode]Op{
	wasm.OpI32Add: OpAdd32, wasm.OpI32Sub: OpSub32, wasm.OpI32Mul: OpMul32, wasm.OpI32DivS: OpDivS32, wasm.OpI32DivU: OpDivU32,
	wasm.OpI32RemS: OpRemS32, wasm.OpI32RemU: OpRemU32, wasm.OpI32And: OpAnd32, wasm.OpI32Or: OpOr32, wasm.OpI32Xor: OpXor32,
	wasm.OpI32Shl: OpShl32, wasm.OpI32ShrS: OpShrS32, wasm.OpI32ShrU: OpShrU32, wasm.OpI32Rotl: OpRotl32, wasm.OpI32Rotr: OpRotr32,
	wasm.OpI64Add: OpAdd64, wasm.OpI64Sub: OpSub64, wasm.OpI64Mul: OpMul64, wasm.OpI64DivS: OpDivS64, wasm.OpI64DivU: OpDivU64,
	wasm.OpI64RemS: OpRemS64, wasm.OpI64RemU: OpRemU64, wasm.OpI64And: OpAnd64, wasm.OpI64Or: OpOr64, wasm.OpI64Xor: OpXor64,
	wasm.OpI64Shl: OpShl64, wasm.OpI64ShrS: OpShrS64, wasm.OpI64ShrU: OpShrU64, wasm.OpI64Rotl: OpRotl64, wasm.OpI64Rotr: OpRotr64,
	wasm.OpF32Eq: OpF32Eq, wasm.OpF32Ne: OpF32Ne, wasm.OpF32Lt: OpF32Lt, wasm.OpF32Le: OpF32Le,
	wasm.OpF64Eq: OpF64Eq, wasm.OpF64Ne: OpF64Ne, wasm.OpF64Lt: OpF64Lt, wasm.OpF64Le: OpF64Le,
	wasm.OpF32Add: OpF32Add, wasm.OpF32Sub: OpF32Sub, wasm.OpF32Mul: OpF32Mul, wasm.OpF32Div: OpF32Div, wasm.OpF32Min: OpF32Min, wasm.OpF32Max: OpF32Max,
	wasm.OpF64Add: OpF64Add, wasm.OpF64Sub: OpF64Sub, wasm.OpF64Mul: OpF64Mul, wasm.OpF64Div: OpF64Div, wasm.OpF64Min: OpF64Min, wasm.OpF64Max: OpF64Max,
}

// relation is a comparison, with its operands swapped or not.
type relation struct {
	op   Op
	swap bool
}

var relations = map[wasm.Opcode]relation{
	wasm.OpI32Eq: {OpEq32, false}, wasm.OpI32Ne: {OpNe32, false}, wasm.OpI64Eq: {OpEq64, false}, wasm.OpI64Ne: {OpNe64, false},
	wasm.OpI32LtS: {OpLtS32, false}, wasm.OpI32LtU: {OpLtU32, false}, wasm.OpI32GtS: {OpLtS32, true}, wasm.OpI32GtU: {OpLtU32, true},
	wasm.OpI32GeS: {OpGeS32, false}, wasm.OpI32GeU: {OpGeU32, false}, wasm.OpI32LeS: {OpGeS32, true}, wasm.OpI32LeU: {OpGeU32, true},
	wasm.OpI64LtS: {OpLtS64, false}, wasm.OpI64LtU: {OpLtU64, false}, wasm.OpI64GtS: {OpLtS64, true}, wasm.OpI64GtU: {OpLtU64, true},
	wasm.OpI64GeS: {OpGeS64, false}, wasm.OpI64GeU: {OpGeU64, false}, wasm.OpI64LeS: {OpGeS64, true}, wasm.OpI64LeU: {OpGeU64, true},
}

var unary = map[wasm.Opcode]Op{
	wasm.OpI32Clz: OpClz32, wasm.OpI32Ctz: OpCtz32, wasm.OpI32Popcnt: OpPopcnt32, wasm.OpI64Clz: OpClz64, wasm.OpI64Ctz: OpCtz64, wasm.OpI64Popcnt: OpPopcnt64,
	wasm.OpI32Extend8S: OpExtend8S32, wasm.OpI32Extend16S: OpExtend16S32, wasm.OpI64Extend8S: OpExtend8S64, wasm.OpI64Extend16S: OpExtend16S64,
	wasm.OpI64Extend32S: OpExtend32S64, wasm.OpI64ExtendI32S: OpExtend32S64, wasm.OpI32WrapI64: OpWrap,
	wasm.OpF32Ceil: OpF32Ceil, wasm.OpF32Floor: OpF32Floor, wasm.OpF32Trunc: OpF32Trunc, wasm.OpF32Nearest: OpF32Nearest, wasm.OpF32Sqrt: OpF32Sqrt,
	wasm.OpF64Ceil: OpF64Ceil, wasm.OpF64Floor: OpF64Floor, wasm.OpF64Trunc: OpF64Trunc, wasm.OpF64Nearest: OpF64Nearest, wasm.OpF64Sqrt: OpF64Sqrt,
	wasm.OpI32TruncF32S: OpI32TruncF32S, wasm.OpI32TruncF32U: OpI32TruncF32U, wasm.OpI32TruncF64S: OpI32TruncF64S, wasm.OpI32TruncF64U: OpI32TruncF64U,
	wasm.OpI64TruncF32S: OpI64TruncF32S, wasm.OpI64TruncF32U: OpI64TruncF32U, wasm.OpI64TruncF64S: OpI64TruncF64S, wasm.OpI64TruncF64U: OpI64TruncF64U,
	wasm.OpI32TruncSatF32S: OpI32TruncSatF32S, wasm.OpI32TruncSatF32U: OpI32TruncSatF32U, wasm.OpI32TruncSatF64S: OpI32TruncSatF64S, wasm.OpI32TruncSatF64U: OpI32TruncSatF64U,
	wasm.OpI64TruncSatF32S: OpI64TruncSatF32S, wasm.OpI64TruncSatF32U: OpI64TruncSatF32U, wasm.OpI64TruncSatF64S: OpI64TruncSatF64S, wasm.OpI64TruncSatF64U: OpI64TruncSatF64U,
	wasm.OpF32ConvertI32S: OpF32ConvertI32S, wasm.OpF32ConvertI32U: OpF32ConvertI32U, wasm.OpF32ConvertI64S: OpF32ConvertI64S, wasm.OpF32ConvertI64U: OpF32ConvertI64U,
	wasm.OpF64ConvertI32S: OpF64ConvertI32S, wasm.OpF64ConvertI32U: OpF64ConvertI32U, wasm.OpF64ConvertI64S: OpF64ConvertI64S, wasm.OpF64ConvertI64U: OpF64ConvertI64U,
	wasm.OpF32DemoteF64: OpF32DemoteF64, wasm.OpF64PromoteF32: OpF64PromoteF32,
}

var loads = map[wasm.Opcode]Op{
	wasm.OpI32Load: OpLoad32U, wasm.OpF32Load: OpLoad32U, wasm.OpI64Load: OpLoad64, wasm.OpF64Load: OpLoad64,
	wasm.OpI32Load8U: OpLoad8U, wasm.OpI64Load8U: OpLoad8U, wasm.OpI32Load16U: OpLoad16U, wasm.OpI64Load16U: OpLoad16U, wasm.OpI64Load32U: OpLoad32U,
	wasm.OpI32Load8S: OpLoad8S32, wasm.OpI32Load16S: OpLoad16S32, wasm.OpI64Load8S: OpLoad8S64, wasm.OpI64Load16S: OpLoad16S64, wasm.OpI64Load32S: OpLoad32S64,
}

var stores = map[wasm.Opcode]Op{
	wasm.OpI32Store: OpStore32, wasm.OpF32Store: OpStore32, wasm.OpI64Store: OpStore64, wasm.OpF64Store: OpStore64,
	wasm.OpI32Store8: OpStore8, wasm.OpI64Store8: OpStore8, wasm.OpI32Store16: OpStore16, wasm.OpI64Store16: OpStore16, wasm.OpI64Store32: OpStore32,
}

// width is the operand width of an integer operation from OpAdd32 to OpRotr64, and of a comparison.
func (op Op) width() int {
	switch {
	case op == OpRotr32, op >= OpEq32 && op <= OpGeU32I:
		return 32
	case op == OpRotr64, op >= OpEq64 && op <= OpGeU64I:
		return 64
	}
	return 32 << ((op - OpAdd32) >> 1 & 1)
}

// truncate keeps the low bits of v.
func truncate(v uint64, width int) uint64 {
	if width == 32 {
		return uint64(uint32(v))
	}
	return v
}

// binary lowers an operation of two operands.
func (lo *lowerer) binary(op Op) {
	b, a := lo.pop(), lo.pop()
	h := len(lo.f.stack)
	switch {
	case op.IsFloat():
	case b.kind == konst:
		if op, imm, ok := immediate(op, b.val); ok {
			lo.result(Instr{Op: op, A: lo.operand(a, h, 0), Imm: imm})
			return
		}
	case a.kind == konst && commutes(op), a.kind == konst && (op == OpSub32 || op == OpSub64):
		lo.result(Instr{Op: op + 1, A: lo.operand(b, h+1, 0), Imm: a.val})
		return
	}
	x, y := lo.operand(a, h, 0), lo.operand(b, h+1, 1)
	lo.result(Instr{Op: op, A: x, B: y})
}

func commutes(op Op) bool {
	switch op {
	case OpAdd32, OpAdd64, OpMul32, OpMul64, OpAnd32, OpAnd64, OpOr32, OpOr64, OpXor32, OpXor64:
		return true
	}
	return false
}

// immediate is op with the constant v as its second operand.
func immediate(op Op, v uint64) (Op, uint64, bool) {
	w := op.width()
	mask := uint64(w - 1)
	switch op {
	case OpSub32, OpSub64:
		return op - OpSub32 + OpAdd32I, truncate(-v, w), true
	case OpShl32, OpShl64, OpShrS32, OpShrS64, OpShrU32, OpShrU64, OpRotl32, OpRotl64:
		return op + 1, v & mask, true
	case OpRotr32:
		return OpRotl32I, -v & mask, true
	case OpRotr64:
		return OpRotl64I, -v & mask, true
	}
	return op + 1, v, true
}

// compare lowers a comparison.
func (lo *lowerer) compare(r relation) {
	b, a := lo.pop(), lo.pop()
	h := len(lo.f.stack)
	ha, hb := h, h+1
	if r.swap {
		a, b, ha, hb = b, a, hb, ha
	}
	switch {
	case b.kind == konst:
		lo.result(Instr{Op: r.op + 1, A: lo.operand(a, ha, 0), Imm: b.val})
		return
	case a.kind == konst:
		op, imm, ok := mirror(r.op, a.val)
		if !ok { // nothing is greater than the greatest
			lo.pushConst(imm)
			return
		}
		lo.result(Instr{Op: op + 1, A: lo.operand(b, hb, 0), Imm: imm})
		return
	}
	x, y := lo.operand(a, ha, 0), lo.operand(b, hb, 1)
	lo.result(Instr{Op: r.op, A: x, B: y})
}

// mirror turns "k op y" into "y op' imm": k < y is y ≥ k+1, and k ≥ y is y < k+1. Where there is no k+1 the answer is known: it is
// returned as imm.
func mirror(op Op, k uint64) (Op, uint64, bool) {
	greatest := uint64(math.MaxUint64)
	switch op {
	case OpEq32, OpNe32, OpEq64, OpNe64:
		return op, k, true
	case OpLtS32, OpGeS32:
		greatest = math.MaxInt32
	case OpLtS64, OpGeS64:
		greatest = math.MaxInt64
	case OpLtU32, OpGeU32:
		greatest = math.MaxUint32
	}
	if k == greatest {
		if op == op.negated()-2 { // less than
			return op, 0, false
		}
		return op, 1, false
	}
	return op.negated(), truncate(k+1, op.width()), true
}

// isZero lowers eqz: on the result of a comparison it is the negation.
func (lo *lowerer) isZero(eq Op) {
	f := &lo.f
	e := &f.stack[len(f.stack)-1]
	if in := lo.last(e.source); e.kind == held && in != nil && in.Op.isCompare() && f.weight == 0 {
		in.Op = in.Op.negated()
		return
	}
	lo.pushConst(0)
	lo.compare(relation{eq, false})
}

// mask lowers an operation on a float's bits.
func (lo *lowerer) mask(op Op, m uint64) {
	lo.pushConst(m)
	lo.binary(op)
}

func (lo *lowerer) copySign(and, or Op, sign, rest uint64) {
	b := lo.pop()
	lo.mask(and, rest)
	b.source = -1
	lo.again(b)
	lo.mask(and, sign)
	lo.binary(or)
}

// load lowers a load from the address on the stack plus offset.
func (lo *lowerer) load(op Op, offset uint32) {
	a := lo.pop()
	if t, ok := absolute(a, offset); ok {
		lo.result(Instr{Op: op + 1, T: t})
		return
	}
	lo.result(Instr{Op: op, A: lo.operand(a, len(lo.f.stack), 0), T: offset})
}

// store lowers a store.
func (lo *lowerer) store(op Op, offset uint32) {
	v, a := lo.pop(), lo.pop()
	h := len(lo.f.stack)
	in := Instr{Op: op, T: offset}
	if t, ok := absolute(a, offset); ok {
		in.Op, in.T = in.Op+2, t
	} else {
		in.A = lo.operand(a, h, 0)
	}
	if v.kind == konst {
		in.Op++
		in.Imm = v.val
	} else {
		in.B = lo.operand(v, h+1, 1)
	}
	lo.emit(in)
}

// absolute is the address of a constant and an offset, if it fits.
func absolute(a entry, offset uint32) (uint32, bool) {
	at := a.val + uint64(offset)
	return uint32(at), a.kind == konst && at <= math.MaxUint32
}
