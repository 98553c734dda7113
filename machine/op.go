package machine

// Op is an operation of the register machine.
//
// Operands: d, a, b are cells of the current frame by index, c stands in T for select and out_word; imm is [Instr.Imm], t is [Instr.T]. The names of
// integer operations end in the width that they work on; a result of 32 bits is zero-extended into its cell. The form whose name ends in
// "i" takes imm in place of b; subtraction's computes imm − a.
type Op uint16

// The operations of profile tm/1.
const (
	OpAbsent Op = iota // stands for an instruction that was not opened: no program holds it

	OpTrap // ends in the trap that imm names

	// Control. A branch goes to t.
	OpCharge    // does nothing: carries the weight of a basic block without steps of its own
	OpJump      // to t
	OpJumpTable // to the step after this one, plus min(a, imm)
	OpCall      // frame pointer += low half of imm, depth left −= high half, d of the new frame = link, to t
	OpCallTable // the same, to the element a of table b; type t, low half of imm as for call
	OpReturn    // link in a, depth left += imm
	OpHalt      // ends in ok
	OpExit      // ends with the code a

	// Moves.
	OpConst
	OpMove
	OpMoveFar // cell t = cell imm, either beyond the reach of d and a
	OpSelect  // d = c ≠ 0 ? a : b
	OpGlobalGet
	OpGlobalSet

	// Arithmetic: each is followed by its form with an immediate.
	OpAdd32
	OpAdd32I
	OpAdd64
	OpAdd64I
	OpSub32
	OpSub32I
	OpSub64
	OpSub64I
	OpMul32
	OpMul32I
	OpMul64
	OpMul64I
	OpDivS32
	OpDivS32I
	OpDivS64
	OpDivS64I
	OpDivU32
	OpDivU32I
	OpDivU64
	OpDivU64I
	OpRemS32
	OpRemS32I
	OpRemS64
	OpRemS64I
	OpRemU32
	OpRemU32I
	OpRemU64
	OpRemU64I
	OpAnd32
	OpAnd32I
	OpAnd64
	OpAnd64I
	OpOr32
	OpOr32I
	OpOr64
	OpOr64I
	OpXor32
	OpXor32I
	OpXor64
	OpXor64I
	OpShl32
	OpShl32I
	OpShl64
	OpShl64I
	OpShrS32
	OpShrS32I
	OpShrS64
	OpShrS64I
	OpShrU32
	OpShrU32I
	OpShrU64
	OpShrU64I
	OpRotl32
	OpRotl32I
	OpRotl64
	OpRotl64I
	OpRotr32
	OpRotr64

	// Comparisons, 1 or 0. Each relation is followed by its form with an immediate, then by its negation.
	OpEq32
	OpEq32I
	OpNe32
	OpNe32I
	OpLtS32
	OpLtS32I
	OpGeS32
	OpGeS32I
	OpLtU32
	OpLtU32I
	OpGeU32
	OpGeU32I
	OpEq64
	OpEq64I
	OpNe64
	OpNe64I
	OpLtS64
	OpLtS64I
	OpGeS64
	OpGeS64I
	OpLtU64
	OpLtU64I
	OpGeU64
	OpGeU64I

	// Branches if the comparison holds, in the same order.
	OpBrEq32
	OpBrEq32I
	OpBrNe32
	OpBrNe32I
	OpBrLtS32
	OpBrLtS32I
	OpBrGeS32
	OpBrGeS32I
	OpBrLtU32
	OpBrLtU32I
	OpBrGeU32
	OpBrGeU32I
	OpBrEq64
	OpBrEq64I
	OpBrNe64
	OpBrNe64I
	OpBrLtS64
	OpBrLtS64I
	OpBrGeS64
	OpBrGeS64I
	OpBrLtU64
	OpBrLtU64I
	OpBrGeU64
	OpBrGeU64I

	// Of one operand.
	OpClz32
	OpClz64
	OpCtz32
	OpCtz64
	OpPopcnt32
	OpPopcnt64
	OpExtend8S32
	OpExtend16S32
	OpExtend8S64
	OpExtend16S64
	OpExtend32S64
	OpWrap // the low 32 bits

	// Memory. The address is a + t; in the absolute form, which follows, it is t.
	OpLoad8U
	OpLoad8UA
	OpLoad16U
	OpLoad16UA
	OpLoad32U
	OpLoad32UA
	OpLoad64
	OpLoad64A
	OpLoad8S32
	OpLoad8S32A
	OpLoad16S32
	OpLoad16S32A
	OpLoad8S64
	OpLoad8S64A
	OpLoad16S64
	OpLoad16S64A
	OpLoad32S64
	OpLoad32S64A

	// Stores of b; then of imm; then both at an absolute address.
	OpStore8
	OpStore8I
	OpStore8A
	OpStore8AI
	OpStore16
	OpStore16I
	OpStore16A
	OpStore16AI
	OpStore32
	OpStore32I
	OpStore32A
	OpStore32AI
	OpStore64
	OpStore64I
	OpStore64A
	OpStore64AI

	firstSlow // what follows is not worth a place in the interpreter's inner loop

	OpMemorySize
	OpMemoryGrow

	// Bulk operations on the cells a, a+1, a+2. The check comes first, charges, and goes on to the operation, which takes a step for
	// each eight bytes, or element, and one to find that nothing is left.
	OpMemoryCopyCheck
	OpMemoryCopy
	OpMemoryFillCheck
	OpMemoryFill
	OpMemoryInitCheck // length of the segment in the global cell t
	OpMemoryInit      // from imm of the segments' bytes on
	OpTableCopyCheck  // table b from table t
	OpTableCopy
	OpTableFillCheck
	OpTableFill
	OpTableInitCheck
	OpTableInit
	OpTableGet // element a of table b
	OpTableSet // element a of table b = d
	OpSegmentDrop

	// Tapes.
	OpInLen   // bytes of the stream a
	OpInWord  // word b of the stream a
	OpOutWord // to the stream a: b, of which the first c bytes count

	firstFloat

	OpF32Eq
	OpF32Ne
	OpF32Lt
	OpF32Le
	OpF64Eq
	OpF64Ne
	OpF64Lt
	OpF64Le
	OpF32Ceil
	OpF32Floor
	OpF32Trunc
	OpF32Nearest
	OpF32Sqrt
	OpF32Add
	OpF32Sub
	OpF32Mul
	OpF32Div
	OpF32Min
	OpF32Max
	OpF64Ceil
	OpF64Floor
	OpF64Trunc
	OpF64Nearest
	OpF64Sqrt
	OpF64Add
	OpF64Sub
	OpF64Mul
	OpF64Div
	OpF64Min
	OpF64Max
	OpI32TruncF32S
	OpI32TruncF32U
	OpI32TruncF64S
	OpI32TruncF64U
	OpI64TruncF32S
	OpI64TruncF32U
	OpI64TruncF64S
	OpI64TruncF64U
	OpI32TruncSatF32S
	OpI32TruncSatF32U
	OpI32TruncSatF64S
	OpI32TruncSatF64U
	OpI64TruncSatF32S
	OpI64TruncSatF32U
	OpI64TruncSatF64S
	OpI64TruncSatF64U
	OpF32ConvertI32S
	OpF32ConvertI32U
	OpF32ConvertI64S
	OpF32ConvertI64U
	OpF32DemoteF64
	OpF64ConvertI32S
	OpF64ConvertI32U
	OpF64ConvertI64S
	OpF64ConvertI64U
	OpF64PromoteF32

	numOps
)

// IsFloat reports whether op computes with floating-point numbers, which no proof covers.
func (op Op) IsFloat() bool { return op > firstFloat && op < numOps }

// isCompare reports whether op writes 1 or 0 for a relation of integers.
func (op Op) isCompare() bool { return op >= OpEq32 && op <= OpGeU64I }

// negated is the comparison or branch that holds if op does not.
func (op Op) negated() Op {
	first := OpEq32
	if op >= OpBrEq32 {
		first = OpBrEq32
	}
	return first + ((op - first) ^ 2)
}

// branch is the branch on the comparison op.
func (op Op) branch() Op { return op - OpEq32 + OpBrEq32 }
