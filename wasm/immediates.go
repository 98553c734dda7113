package wasm

// immKind says what follows an opcode in the binary format (spec 5.4).
type immKind uint8

const (
	immIllegal   immKind = iota // not an instruction of the profile
	immNone                     // nothing
	immIndex                    // an index
	immTwo                      // two indices
	immI32                      // a signed number of 32 bits
	immI64                      // a signed number of 64 bits
	immF32                      // four bytes
	immF64                      // eight bytes
	immMemory                   // alignment and offset
	immBlock                    // a block type
	immLabels                   // a vector of labels, and one more
	immTypes                    // a vector of types
	immRef                      // a reference type
	immZero                     // the byte 0, for the memory
	immZeros                    // two of them
	immIndexZero                // an index, then the byte 0
)

var immediates = immediateTable()

// immediateTable gives every instruction its kind; see slot for the order.
func immediateTable() (t [slots]immKind) {
	set := func(k immKind, ops ...Opcode) {
		for _, op := range ops {
			t[slot(op)] = k
		}
	}
	run := func(k immKind, from, to Opcode) {
		for op := from; op <= to; op++ {
			t[slot(op)] = k
		}
	}
	set(immNone, OpUnreachable, OpNop, OpElse, OpEnd, OpReturn, OpDrop, OpSelect, OpRefIsNull)
	run(immNone, OpI32Eqz, OpI64Extend32S)
	run(immNone, OpI32TruncSatF32S, OpI64TruncSatF64U)
	set(immBlock, OpBlock, OpLoop, OpIf)
	set(immIndex, OpBr, OpBrIf, OpCall, OpLocalGet, OpLocalSet, OpLocalTee, OpGlobalGet, OpGlobalSet, OpTableGet, OpTableSet,
		OpRefFunc, OpDataDrop, OpElemDrop, OpTableGrow, OpTableSize, OpTableFill)
	set(immTwo, OpCallIndirect, OpTableInit, OpTableCopy)
	set(immLabels, OpBrTable)
	set(immTypes, OpSelectT)
	run(immMemory, OpI32Load, OpI64Store32)
	set(immZero, OpMemorySize, OpMemoryGrow, OpMemoryFill)
	set(immZeros, OpMemoryCopy)
	set(immIndexZero, OpMemoryInit)
	set(immI32, OpI32Const)
	set(immI64, OpI64Const)
	set(immF32, OpF32Const)
	set(immF64, OpF64Const)
	set(immRef, OpRefNull)
	return t
}
