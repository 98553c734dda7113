package machine

import (
	"fmt"
	"strconv"
)

// String shows an instruction: cells of the frame as r3, global cells as g2, tables as t0, instructions as @17, the result first.
//
//	r3 = add32 r1, 5        r4 = load32_u [r3 + 16]      br_lt_s32 r4, r0 -> @17
//
// Where imm takes the place of the first operand it stands there: r3 = sub32 5, r1. A constant is the cell's value, as a signed number if
// that is short.
func (in *Instr) String() string {
	switch in.Op.Class() {
	case ClassControl, ClassCall, ClassMove, ClassGlobal:
		return in.flow()
	case ClassAdd, ClassMultiply, ClassDivide, ClassBitwise, ClassShift, ClassCompare:
		return in.assign(in.pair())
	case ClassBranch:
		return fmt.Sprintf("%s %s -> @%d", in.Op, in.pair(), in.T)
	case ClassBits:
		return in.assign(cell(in.A))
	case ClassLoad:
		return in.assign(in.address((in.Op-OpLoad8U)&1 == 1))
	case ClassStore:
		form := (in.Op - OpStore8) & 3
		v := cell(in.B)
		if form&1 == 1 {
			v = literal(in.Imm)
		}
		return fmt.Sprintf("%s %s, %s", in.Op, in.address(form >= 2), v)
	case ClassFloat:
		if in.Op.unaryFloat() {
			return in.assign(cell(in.A))
		}
		return in.assign(in.pair())
	}
	return in.rare()
}

func cell(i uint16) string { return "r" + strconv.Itoa(int(i)) }

// literal is the value of a cell.
func literal(v uint64) string {
	const short = 1 << 24
	if s := int64(v); s > -short && s < short {
		return strconv.FormatInt(s, 10)
	}
	return fmt.Sprintf("%#x", v)
}

func (in *Instr) assign(what string) string {
	return fmt.Sprintf("%s = %s %s", cell(in.D), in.Op, what)
}

// pair shows the two operands in the order in which the operation takes them.
func (in *Instr) pair() string {
	switch {
	case !in.Op.constant():
		return cell(in.A) + ", " + cell(in.B)
	case in.Op == OpSub32I || in.Op == OpSub64I:
		return literal(in.Imm) + ", " + cell(in.A)
	}
	return cell(in.A) + ", " + literal(in.Imm)
}

// address is where a load or store goes.
func (in *Instr) address(absolute bool) string {
	switch {
	case absolute:
		return fmt.Sprintf("[%d]", in.T)
	case in.T == 0:
		return fmt.Sprintf("[%s]", cell(in.A))
	}
	return fmt.Sprintf("[%s + %d]", cell(in.A), in.T)
}

// flow shows control, calls and moves.
func (in *Instr) flow() string {
	frame := fmt.Sprintf("frame +%d, link %s", uint32(in.Imm), cell(in.D))
	switch in.Op {
	case OpTrap:
		kind := "none"
		if in.Imm > trapNone && in.Imm < uint64(len(trapKinds)) {
			kind = string(trapKinds[in.Imm])
		}
		return "trap " + kind
	case OpJump:
		return fmt.Sprintf("jump -> @%d", in.T)
	case OpJumpTable:
		return fmt.Sprintf("jump_table %s, %d", cell(in.A), in.Imm)
	case OpCall:
		return fmt.Sprintf("call @%d, %s, depth -%d", in.T, frame, in.Imm>>32)
	case OpCallTable:
		return fmt.Sprintf("call_table t%d[%s], type %d, %s", in.B, cell(in.A), in.T, frame)
	case OpReturn:
		return fmt.Sprintf("return %s, depth +%d", cell(in.A), uint32(in.Imm))
	case OpExit:
		return "exit " + cell(in.A)
	case OpConst:
		return in.assign(literal(in.Imm))
	case OpMove:
		return in.assign(cell(in.A))
	case OpMoveFar:
		return fmt.Sprintf("r%d = %s r%d", in.T, in.Op, uint32(in.Imm))
	case OpSelect:
		return in.assign(fmt.Sprintf("r%d ? %s : %s", in.T, cell(in.A), cell(in.B)))
	case OpGlobalGet:
		return in.assign(fmt.Sprintf("g%d", in.T))
	case OpGlobalSet:
		return fmt.Sprintf("%s g%d, %s", in.Op, in.T, cell(in.A))
	}
	return in.Op.String() // charge and halt have no operands
}

// rare shows the rest: the memory's size, bulk operations, tables and tapes.
func (in *Instr) rare() string {
	three := fmt.Sprintf("%s, r%d, r%d", cell(in.A), uint32(in.A)+1, uint32(in.A)+2)
	switch in.Op {
	case OpMemorySize:
		return fmt.Sprintf("%s = %s", cell(in.D), in.Op)
	case OpMemoryGrow, OpInLen:
		return in.assign(cell(in.A))
	case OpMemoryCopyCheck, OpMemoryCopy, OpMemoryFillCheck, OpMemoryFill:
		return fmt.Sprintf("%s %s", in.Op, three)
	case OpMemoryInitCheck, OpMemoryInit:
		return fmt.Sprintf("%s %s, of g%d at %d", in.Op, three, in.T, in.Imm)
	case OpTableCopyCheck, OpTableCopy:
		return fmt.Sprintf("%s t%d, t%d, %s", in.Op, in.B, in.T, three)
	case OpTableFillCheck, OpTableFill:
		return fmt.Sprintf("%s t%d, %s", in.Op, in.B, three)
	case OpTableInitCheck, OpTableInit:
		return fmt.Sprintf("%s t%d, %s, of g%d at %d", in.Op, in.B, three, in.T, in.Imm)
	case OpTableGet:
		return in.assign(fmt.Sprintf("t%d[%s]", in.B, cell(in.A)))
	case OpTableSet:
		return fmt.Sprintf("%s t%d[%s], %s", in.Op, in.B, cell(in.A), cell(in.D))
	case OpSegmentDrop:
		return fmt.Sprintf("%s g%d", in.Op, in.T)
	case OpInWord:
		return in.assign(cell(in.A) + ", " + cell(in.B))
	case OpOutWord:
		return fmt.Sprintf("%s %s, %s, r%d", in.Op, cell(in.A), cell(in.B), in.T)
	}
	return in.Op.String()
}

// unaryFloat reports whether op, of a float operation, has one operand.
func (op Op) unaryFloat() bool {
	switch {
	case op >= OpF32Ceil && op <= OpF32Sqrt, op >= OpF64Ceil && op <= OpF64Sqrt:
		return true
	}
	return op >= OpI32TruncF32S
}
