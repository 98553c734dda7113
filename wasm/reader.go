package wasm

import (
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf8"
)

// cursor reads the primitives of the binary format from bytes. It never panics and never allocates by a claimed length.
type cursor struct {
	b    []byte
	pos  int
	base uint32 // file offset of b[0]
}

func (c *cursor) offset() uint32 { return c.base + uint32(c.pos) }
func (c *cursor) left() int      { return len(c.b) - c.pos }

func (c *cursor) failf(format string, args ...any) error {
	return &Error{Kind: Malformed, Func: -1, Offset: c.offset(), Msg: fmt.Sprintf(format, args...)}
}

func (c *cursor) byte() (byte, error) {
	if c.pos >= len(c.b) {
		return 0, c.failf("unexpected end (the file is cut off or a length is wrong)")
	}
	v := c.b[c.pos]
	c.pos++
	return v, nil
}

func (c *cursor) bytes(n uint32) ([]byte, error) {
	if uint64(n) > uint64(c.left()) {
		return nil, c.failf("unexpected end: %d bytes wanted, %d left", n, c.left())
	}
	v := c.b[c.pos : c.pos+int(n) : c.pos+int(n)]
	c.pos += int(n)
	return v, nil
}

// uleb reads an unsigned LEB128 of at most size bits (spec 5.2.2).
func (c *cursor) uleb(size uint) (uint64, error) {
	var v uint64
	for shift := uint(0); ; shift += 7 {
		b, err := c.byte()
		if err != nil {
			return 0, err
		}
		if shift+7 > size && b>>(size-shift) != 0 {
			if b&0x80 != 0 {
				return 0, c.failf("integer representation too long")
			}
			return 0, c.failf("integer too large")
		}
		v |= uint64(b&0x7f) << shift
		if b&0x80 == 0 {
			return v, nil
		}
	}
}

func (c *cursor) u32() (uint32, error) {
	if c.pos < len(c.b) && c.b[c.pos] < 0x80 { // nearly always
		c.pos++
		return uint32(c.b[c.pos-1]), nil
	}
	v, err := c.uleb(32)
	return uint32(v), err
}

// sleb reads a signed LEB128 of at most size bits, sign-extended to 64.
func (c *cursor) sleb(size uint) (int64, error) {
	var v int64
	for shift := uint(0); ; shift += 7 {
		b, err := c.byte()
		if err != nil {
			return 0, err
		}
		if shift+7 >= size { // the last byte that may come: unused bits must repeat the sign
			used := size - shift
			if b&0x80 != 0 {
				return 0, c.failf("integer representation too long")
			}
			rest := int8(b<<1) >> used // bits above the sign bit and the sign bit itself, all equal
			if rest != 0 && rest != -1 {
				return 0, c.failf("integer too large")
			}
		}
		v |= int64(b&0x7f) << shift
		if b&0x80 == 0 {
			if n := shift + 7; n < 64 && b&0x40 != 0 {
				v |= -1 << n
			}
			return v, nil
		}
	}
}

func (c *cursor) name() (string, error) {
	n, err := c.u32()
	if err != nil {
		return "", err
	}
	b, err := c.bytes(n)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(b) {
		return "", c.failf("a name is not UTF-8")
	}
	return string(b), nil
}

// count reads a vector's length. Every element takes at least one byte, so a longer claim than bytes left is refused here.
func (c *cursor) count(what string) (int, error) {
	n, err := c.u32()
	if err != nil {
		return 0, err
	}
	if uint64(n) > uint64(c.left()) {
		return 0, c.failf("unexpected end: %d %s claimed, %d bytes left", n, what, c.left())
	}
	return int(n), nil
}

// Reader iterates over the instructions of a function body.
type Reader struct {
	c       cursor
	targets []uint32
	types   []ValueType
}

// NewReader reads body, whose first byte stands at file offset base. Instr.Targets and Instr.Types are valid until the
// next call of Next.
func NewReader(body []byte, base uint32) *Reader {
	return &Reader{c: cursor{b: body, base: base}}
}

// More reports whether bytes are left.
func (r *Reader) More() bool { return r.c.left() > 0 }

// Next decodes one instruction; io.EOF after the last, an [*Error] if the bytes are not an instruction.
func (r *Reader) Next() (in Instr, err error) {
	err = r.next(&in)
	return in, err
}

func (r *Reader) next(in *Instr) (err error) {
	c := &r.c
	if c.left() == 0 {
		return io.EOF
	}
	*in = Instr{Offset: c.offset()}
	b := c.b[c.pos]
	c.pos++
	in.Op = Opcode(b)
	switch {
	case b == 0xfc:
		sub, err := c.u32()
		if err != nil {
			return err
		}
		if sub > 17 {
			return r.unknown(in, fmt.Sprintf("0xfc %d", sub))
		}
		in.Op = Opcode(0xfc00 | sub)
	case b == 0xfd:
		return r.feature(in, "simd", "SIMD instructions are outside the profile")
	case b == 0xfe:
		return r.feature(in, "threads", "atomic instructions (threads) are outside the profile")
	case b >= 0x06 && b <= 0x0a, b == 0x18, b == 0x19, b == 0x1f:
		return r.feature(in, "exceptions", "exception instructions are outside the profile")
	case b >= 0x12 && b <= 0x15:
		return r.feature(in, "tail-call", "tail calls and typed calls are outside the profile")
	case b == 0xfb, b >= 0xd3 && b <= 0xd6:
		return r.feature(in, "gc", "garbage-collected types are outside the profile")
	}
	return r.immediates(in)
}

func (r *Reader) unknown(in *Instr, what string) error {
	return &Error{Kind: Malformed, Func: -1, Offset: in.Offset, Msg: "illegal opcode " + what}
}

func (r *Reader) feature(in *Instr, feature, msg string) error {
	return &Error{Kind: Refused, Feature: feature, Func: -1, Offset: in.Offset, Msg: msg}
}

func (r *Reader) immediates(in *Instr) (err error) {
	c := &r.c
	switch op := in.Op; {
	case op >= OpI32Load && op <= OpI64Store32:
		if in.Align, err = c.u32(); err != nil {
			return err
		}
		if in.Align >= 32 {
			return c.failf("malformed memop flags %#x", in.Align)
		}
		in.MemOffset, err = c.u32()
		return err
	case op >= OpI32Eqz && op <= OpI64Extend32S, op >= OpI32TruncSatF32S && op <= OpI64TruncSatF64U:
		return nil
	}
	switch in.Op {
	case OpUnreachable, OpNop, OpElse, OpEnd, OpReturn, OpDrop, OpSelect, OpRefIsNull:
		return nil
	case OpBlock, OpLoop, OpIf:
		in.Block, err = c.blockType()
	case OpBr, OpBrIf, OpCall, OpLocalGet, OpLocalSet, OpLocalTee, OpGlobalGet, OpGlobalSet, OpTableGet, OpTableSet,
		OpRefFunc, OpDataDrop, OpElemDrop, OpTableGrow, OpTableSize, OpTableFill:
		in.Index, err = c.u32()
	case OpBrTable:
		err = r.brTable(in)
	case OpCallIndirect, OpTableInit, OpTableCopy:
		if in.Index, err = c.u32(); err == nil {
			in.Index2, err = c.u32()
		}
	case OpSelectT:
		err = r.selectTypes(in)
	case OpMemorySize, OpMemoryGrow, OpMemoryFill:
		err = c.zero()
	case OpMemoryCopy:
		if err = c.zero(); err == nil {
			err = c.zero()
		}
	case OpMemoryInit:
		if in.Index, err = c.u32(); err == nil {
			err = c.zero()
		}
	case OpI32Const:
		var v int64
		v, err = c.sleb(32)
		in.Const = uint64(uint32(v))
	case OpI64Const:
		var v int64
		v, err = c.sleb(64)
		in.Const = uint64(v)
	case OpF32Const:
		var b []byte
		if b, err = c.bytes(4); err == nil {
			in.Const = uint64(binary.LittleEndian.Uint32(b))
		}
	case OpF64Const:
		var b []byte
		if b, err = c.bytes(8); err == nil {
			in.Const = binary.LittleEndian.Uint64(b)
		}
	case OpRefNull:
		var t ValueType
		t, err = c.refType()
		in.Index = uint32(t)
	default:
		return r.unknown(in, fmt.Sprintf("%#02x", byte(in.Op)))
	}
	return err
}

func (r *Reader) brTable(in *Instr) error {
	c := &r.c
	n, err := c.count("labels")
	if err != nil {
		return err
	}
	r.targets = r.targets[:0]
	for range n + 1 {
		l, err := c.u32()
		if err != nil {
			return err
		}
		r.targets = append(r.targets, l)
	}
	in.Targets = r.targets
	return nil
}

func (r *Reader) selectTypes(in *Instr) error {
	c := &r.c
	n, err := c.count("types")
	if err != nil {
		return err
	}
	r.types = r.types[:0]
	for range n {
		t, err := c.valueType()
		if err != nil {
			return err
		}
		r.types = append(r.types, t)
	}
	in.Types = r.types
	return nil
}

func (c *cursor) zero() error {
	b, err := c.byte()
	if err != nil {
		return err
	}
	if b != 0 {
		return c.failf("zero byte expected, found %#02x (multiple memories are outside the profile)", b)
	}
	return nil
}

func (c *cursor) valueType() (ValueType, error) {
	at := c.offset()
	b, err := c.byte()
	if err != nil {
		return 0, err
	}
	switch t := ValueType(b); t {
	case I32, I64, F32, F64, FuncRef, ExternRef:
		return t, nil
	case 0x7b:
		return 0, &Error{Kind: Refused, Feature: "simd", Func: -1, Offset: at, Msg: "SIMD (type v128) is outside the profile"}
	case 0x63, 0x64, 0x6e, 0x6d, 0x6c, 0x6b, 0x6a, 0x71, 0x72, 0x73:
		return 0, &Error{Kind: Refused, Feature: "gc", Func: -1, Offset: at, Msg: "garbage-collected or typed references are outside the profile"}
	case 0x69, 0x74:
		return 0, &Error{Kind: Refused, Feature: "exceptions", Func: -1, Offset: at, Msg: "exception references are outside the profile"}
	}
	return 0, c.failf("malformed value type %#02x", b)
}

func (c *cursor) refType() (ValueType, error) {
	t, err := c.valueType()
	if err == nil && !t.IsRef() {
		return 0, c.failf("malformed reference type %s", t)
	}
	return t, err
}

func (c *cursor) blockType() (BlockType, error) {
	if c.left() > 0 {
		switch b := c.b[c.pos]; {
		case b == 0x40:
			c.pos++
			return BlockEmpty, nil
		case b&0xc0 == 0x40: // a negative one-byte number: a value type
			t, err := c.valueType()
			return BlockResult(t), err
		}
	}
	v, err := c.sleb(33)
	if err == nil && v < 0 {
		return 0, c.failf("malformed block type")
	}
	return BlockType(v), err
}

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
