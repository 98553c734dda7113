package wasm

// operator is the fixed type of an instruction (spec 3.3): it pops the first n of pop, in that order from below, and
// pushes push unless that is 0. Instructions whose type depends on immediates or on the stack are not ok.
type operator struct {
	pop    [3]ValueType
	n      uint8
	push   [1]ValueType
	ok     bool
	memory bool  // needs a memory
	align  uint8 // loads and stores: log2 of the access's bytes
}

// slot is the place of op in tables by instruction, of length slots: the 0xfc instructions follow the one-byte ones.
func slot(op Opcode) int {
	if op >= 0xfc00 {
		return 0x100 + int(op&0x1f)
	}
	return int(op & 0xff)
}

const slots = 0x100 + 0x20

var operators = operatorTable()

// Signature returns what op pops and pushes, bottom first, if that does not depend on immediates, as it is for constants, numeric
// instructions and those on memory and segments. The slices must not be changed.
func (op Opcode) Signature() (params, results []ValueType, ok bool) {
	o := &operators[slot(op)]
	if op >= 0xfc20 || op > 0xff && op < 0xfc00 || !o.ok {
		return nil, nil, false
	}
	if o.push[0] != 0 {
		results = o.push[:1:1]
	}
	return o.pop[:o.n:o.n], results, true
}

// operatorTable writes the index of instructions (spec, appendix "Index of Instructions") as runs of equal type.
func operatorTable() (t [slots]operator) {
	run := func(from, to Opcode, push ValueType, pop ...ValueType) {
		for op := from; op <= to; op++ {
			o := operator{n: uint8(len(pop)), push: [1]ValueType{push}, ok: true}
			copy(o.pop[:], pop)
			t[slot(op)] = o
		}
	}
	const none = ValueType(0)

	run(OpNop, OpNop, none)
	run(OpI32Const, OpI32Const, I32)
	run(OpI64Const, OpI64Const, I64)
	run(OpF32Const, OpF32Const, F32)
	run(OpF64Const, OpF64Const, F64)

	run(OpI32Eqz, OpI32Eqz, I32, I32)
	run(OpI32Eq, OpI32GeU, I32, I32, I32)
	run(OpI64Eqz, OpI64Eqz, I32, I64)
	run(OpI64Eq, OpI64GeU, I32, I64, I64)
	run(OpF32Eq, OpF32Ge, I32, F32, F32)
	run(OpF64Eq, OpF64Ge, I32, F64, F64)

	run(OpI32Clz, OpI32Popcnt, I32, I32)
	run(OpI32Add, OpI32Rotr, I32, I32, I32)
	run(OpI64Clz, OpI64Popcnt, I64, I64)
	run(OpI64Add, OpI64Rotr, I64, I64, I64)
	run(OpF32Abs, OpF32Sqrt, F32, F32)
	run(OpF32Add, OpF32Copysign, F32, F32, F32)
	run(OpF64Abs, OpF64Sqrt, F64, F64)
	run(OpF64Add, OpF64Copysign, F64, F64, F64)

	run(OpI32WrapI64, OpI32WrapI64, I32, I64)
	run(OpI32TruncF32S, OpI32TruncF32U, I32, F32)
	run(OpI32TruncF64S, OpI32TruncF64U, I32, F64)
	run(OpI64ExtendI32S, OpI64ExtendI32U, I64, I32)
	run(OpI64TruncF32S, OpI64TruncF32U, I64, F32)
	run(OpI64TruncF64S, OpI64TruncF64U, I64, F64)
	run(OpF32ConvertI32S, OpF32ConvertI32U, F32, I32)
	run(OpF32ConvertI64S, OpF32ConvertI64U, F32, I64)
	run(OpF32DemoteF64, OpF32DemoteF64, F32, F64)
	run(OpF64ConvertI32S, OpF64ConvertI32U, F64, I32)
	run(OpF64ConvertI64S, OpF64ConvertI64U, F64, I64)
	run(OpF64PromoteF32, OpF64PromoteF32, F64, F32)
	run(OpI32ReinterpretF32, OpI32ReinterpretF32, I32, F32)
	run(OpI64ReinterpretF64, OpI64ReinterpretF64, I64, F64)
	run(OpF32ReinterpretI32, OpF32ReinterpretI32, F32, I32)
	run(OpF64ReinterpretI64, OpF64ReinterpretI64, F64, I64)
	run(OpI32Extend8S, OpI32Extend16S, I32, I32)
	run(OpI64Extend8S, OpI64Extend32S, I64, I64)
	run(OpI32TruncSatF32S, OpI32TruncSatF32U, I32, F32)
	run(OpI32TruncSatF64S, OpI32TruncSatF64U, I32, F64)
	run(OpI64TruncSatF32S, OpI64TruncSatF32U, I64, F32)
	run(OpI64TruncSatF64S, OpI64TruncSatF64U, I64, F64)

	run(OpI32Load, OpI32Load, I32, I32)
	run(OpI64Load, OpI64Load, I64, I32)
	run(OpF32Load, OpF32Load, F32, I32)
	run(OpF64Load, OpF64Load, F64, I32)
	run(OpI32Load8S, OpI32Load16U, I32, I32)
	run(OpI64Load8S, OpI64Load32U, I64, I32)
	run(OpI32Store, OpI32Store, none, I32, I32)
	run(OpI64Store, OpI64Store, none, I32, I64)
	run(OpF32Store, OpF32Store, none, I32, F32)
	run(OpF64Store, OpF64Store, none, I32, F64)
	run(OpI32Store8, OpI32Store16, none, I32, I32)
	run(OpI64Store8, OpI64Store32, none, I32, I64)
	for op, log2 := range [...]uint8{2, 3, 2, 3, 0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 2, 3, 2, 3, 0, 1, 0, 1, 2} {
		t[slot(OpI32Load)+op].align = log2
	}

	run(OpMemorySize, OpMemorySize, I32)
	run(OpMemoryGrow, OpMemoryGrow, I32, I32)
	run(OpMemoryInit, OpMemoryInit, none, I32, I32, I32)
	run(OpMemoryCopy, OpMemoryFill, none, I32, I32, I32)
	run(OpDataDrop, OpDataDrop, none)
	run(OpElemDrop, OpElemDrop, none)
	run(OpTableInit, OpTableInit, none, I32, I32, I32)
	run(OpTableCopy, OpTableCopy, none, I32, I32, I32)
	run(OpTableSize, OpTableSize, I32)
	for _, r := range [][2]Opcode{{OpI32Load, OpMemoryGrow}, {OpMemoryInit, OpMemoryInit}, {OpMemoryCopy, OpMemoryFill}} {
		for op := r[0]; op <= r[1]; op++ {
			t[slot(op)].memory = true
		}
	}
	return t
}
