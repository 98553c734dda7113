package wasm

// BlockType is the type of a block, loop or if: a type index, a single result, or empty (spec 5.4.1).
type BlockType int64

// BlockEmpty is the block type without parameters and results. Other negative values are single result types,
// as given by [BlockResult]; values ≥ 0 are type indices.
const BlockEmpty BlockType = -64

// BlockResult is the block type with no parameters and the one result t.
func BlockResult(t ValueType) BlockType { return BlockType(int64(t) - 0x80) }

// Signature returns the parameters and results of b in m. It must only be called on validated code.
func (b BlockType) Signature(m *Module) FuncType {
	switch {
	case b >= 0:
		return m.Types[b]
	case b == BlockEmpty:
		return FuncType{}
	}
	return FuncType{Results: []ValueType{ValueType(int64(b) + 0x80)}}
}

// Instr is one decoded instruction. Only the fields that Op uses are set.
type Instr struct {
	Op     Opcode
	Offset uint32 // of the opcode's first byte in the file

	Block     BlockType   // block, loop, if
	Index     uint32      // label, function, type, local, global, table, data or element index; ref.null: the type
	Index2    uint32      // call_indirect: table; table.copy: source table; table.init: table (Index is the segment)
	Align     uint32      // loads and stores: log2 of the alignment hint
	MemOffset uint32      // loads and stores: constant offset
	Const     uint64      // constants: the value's bits, i32 zero-extended
	Targets   []uint32    // br_table: labels, the default last
	Types     []ValueType // select with types
}
