package wasm

import "encoding/binary"

// AppendInstr appends the canonical encoding of in, with every integer as short as can be.
func AppendInstr(dst []byte, in Instr) []byte {
	if in.Op >= 0xfc00 {
		dst = append(dst, 0xfc, byte(in.Op))
	} else {
		dst = append(dst, byte(in.Op))
	}
	switch immediates[slot(in.Op)] {
	case immBlock:
		return appendSleb(dst, int64(in.Block))
	case immIndex:
		return appendUleb(dst, uint64(in.Index))
	case immTwo:
		return appendUleb(appendUleb(dst, uint64(in.Index)), uint64(in.Index2))
	case immLabels:
		dst = appendUleb(dst, uint64(len(in.Targets)-1))
		for _, l := range in.Targets {
			dst = appendUleb(dst, uint64(l))
		}
	case immTypes:
		dst = appendUleb(dst, uint64(len(in.Types)))
		return appendTypes(dst, in.Types)
	case immZero:
		return append(dst, 0)
	case immZeros:
		return append(dst, 0, 0)
	case immIndexZero:
		return append(appendUleb(dst, uint64(in.Index)), 0)
	case immI32:
		return appendSleb(dst, int64(int32(in.Const)))
	case immI64:
		return appendSleb(dst, int64(in.Const))
	case immF32:
		return binary.LittleEndian.AppendUint32(dst, uint32(in.Const))
	case immF64:
		return binary.LittleEndian.AppendUint64(dst, in.Const)
	case immRef:
		return append(dst, byte(in.Index))
	case immMemory:
		return appendUleb(appendUleb(dst, uint64(in.Align)), uint64(in.MemOffset))
	}
	return dst
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
