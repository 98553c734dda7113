package wasm

import "encoding/binary"

// AppendInstr appends the canonical encoding of in, with every integer as short as can be.
func AppendInstr(dst []byte, in Instr) []byte {
	if in.Op >= 0xfc00 {
		dst = append(dst, 0xfc, byte(in.Op))
	} else {
		dst = append(dst, byte(in.Op))
	}
	switch op := in.Op; op {
	case OpBlock, OpLoop, OpIf:
		return appendSleb(dst, int64(in.Block))
	case OpBr, OpBrIf, OpCall, OpLocalGet, OpLocalSet, OpLocalTee, OpGlobalGet, OpGlobalSet, OpTableGet, OpTableSet,
		OpRefFunc, OpDataDrop, OpElemDrop, OpTableGrow, OpTableSize, OpTableFill:
		return appendUleb(dst, uint64(in.Index))
	case OpBrTable:
		dst = appendUleb(dst, uint64(len(in.Targets)-1))
		for _, l := range in.Targets {
			dst = appendUleb(dst, uint64(l))
		}
		return dst
	case OpCallIndirect, OpTableInit, OpTableCopy:
		return appendUleb(appendUleb(dst, uint64(in.Index)), uint64(in.Index2))
	case OpSelectT:
		dst = appendUleb(dst, uint64(len(in.Types)))
		return appendTypes(dst, in.Types)
	case OpMemorySize, OpMemoryGrow, OpMemoryFill:
		return append(dst, 0)
	case OpMemoryCopy:
		return append(dst, 0, 0)
	case OpMemoryInit:
		return append(appendUleb(dst, uint64(in.Index)), 0)
	case OpI32Const:
		return appendSleb(dst, int64(int32(in.Const)))
	case OpI64Const:
		return appendSleb(dst, int64(in.Const))
	case OpF32Const:
		return binary.LittleEndian.AppendUint32(dst, uint32(in.Const))
	case OpF64Const:
		return binary.LittleEndian.AppendUint64(dst, in.Const)
	case OpRefNull:
		return append(dst, byte(in.Index))
	default:
		if op >= OpI32Load && op <= OpI64Store32 {
			return appendUleb(appendUleb(dst, uint64(in.Align)), uint64(in.MemOffset))
		}
		return dst
	}
}

func appendTypes(dst []byte, ts []ValueType) []byte {
	for _, t := range ts {
		dst = append(dst, byte(t))
	}
	return dst
}

func appendUleb(dst []byte, v uint64) []byte {
	for ; v >= 0x80; v >>= 7 {
		dst = append(dst, byte(v)|0x80)
	}
	return append(dst, byte(v))
}

func appendSleb(dst []byte, v int64) []byte {
	for {
		b := byte(v & 0x7f)
		v >>= 7
		if (v == 0 && b&0x40 == 0) || (v == -1 && b&0x40 != 0) {
			return append(dst, b)
		}
		dst = append(dst, b|0x80)
	}
}
