package wasm

import (
	"encoding/binary"
	"fmt"
	"io"
)

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

// next sets the fields of in that its instruction has and leaves the others as they were.
func (r *Reader) next(in *Instr) (err error) {
	c := &r.c
	if c.pos >= len(c.b) {
		return io.EOF
	}
	in.Offset = c.offset()
	b := c.b[c.pos]
	c.pos++
	in.Op = Opcode(b)
	kind := immediates[b]
	if b == 0xfc {
		sub, err := c.u32()
		if err != nil {
			return err
		}
		in.Op = Opcode(0xfc00 | sub&0x1f)
		if kind = immediates[slot(in.Op)]; sub >= 0x20 || kind == immIllegal {
			return malformed(in.Offset, "illegal opcode 0xfc %d", sub)
		}
	}
	switch kind { // the most frequent first, and without a call where one byte is all
	case immNone:
		return nil
	case immIndex:
		if c.pos < len(c.b) && c.b[c.pos] < 0x80 {
			in.Index = uint32(c.b[c.pos])
			c.pos++
			return nil
		}
		in.Index, err = c.u32()
		return err
	case immI32:
		if c.pos < len(c.b) && c.b[c.pos] < 0x80 {
			in.Const = uint64(uint32(int32(int8(c.b[c.pos]<<1) >> 1)))
			c.pos++
			return nil
		}
		v, err := c.sleb(32)
		in.Const = uint64(uint32(v))
		return err
	case immMemory:
		if c.left() >= 2 && c.b[c.pos] < 32 && c.b[c.pos+1] < 0x80 {
			in.Align, in.MemOffset = uint32(c.b[c.pos]), uint32(c.b[c.pos+1])
			c.pos += 2
			return nil
		}
	}
	return r.immediate(in, kind)
}

// unknown names an instruction that is not one of WebAssembly 2.0 without SIMD.
func (r *Reader) unknown(in *Instr) error {
	b, sub := byte(in.Op), uint32(0)
	if b >= 0xfb {
		sub, _ = r.c.u32() // where the number itself is cut off, 0 names the feature well enough
	}
	if err := foreignInstr(b, sub, in.Offset); err != nil {
		return err
	}
	return malformed(in.Offset, "illegal opcode %#02x", b)
}

// immediate reads what follows an opcode.
func (r *Reader) immediate(in *Instr, kind immKind) (err error) {
	c := &r.c
	switch kind {
	case immMemory:
		return r.memarg(in)
	case immBlock:
		in.Block, err = c.blockType()
	case immLabels:
		err = r.brTable(in)
	case immTwo:
		if in.Index, err = c.u32(); err == nil {
			in.Index2, err = c.u32()
		}
	case immTypes:
		err = r.selectTypes(in)
	case immZero:
		err = r.memoryIndex(in)
	case immZeros:
		if err = r.memoryIndex(in); err == nil {
			err = r.memoryIndex(in)
		}
	case immIndexZero:
		if in.Index, err = c.u32(); err == nil {
			err = r.memoryIndex(in)
		}
	case immI64:
		var v int64
		v, err = c.sleb(64)
		in.Const = uint64(v)
	case immF32:
		var b []byte
		if b, err = c.bytes(4); err == nil {
			in.Const = uint64(binary.LittleEndian.Uint32(b))
		}
	case immF64:
		var b []byte
		if b, err = c.bytes(8); err == nil {
			in.Const = binary.LittleEndian.Uint64(b)
		}
	case immRef:
		if c.left() > 0 && c.b[c.pos]&0xc0 != 0x40 { // not negative: an index
			return foreign("function-references", "typed function references", "ref.null of a defined type", in.Offset)
		}
		var t ValueType
		t, err = c.refType()
		in.Index = uint32(t)
	default:
		return r.unknown(in)
	}
	return err
}

func (r *Reader) memarg(in *Instr) (err error) {
	c := &r.c
	if in.Align, err = c.u32(); err != nil {
		return err
	}
	if in.Align >= 32 {
		if in.Align >= 64 && in.Align < 128 { // bit 6 says that a memory index follows
			return foreign("multi-memory", "multiple memories", in.Op.String()+" with a memory index", in.Offset)
		}
		return malformed(in.Offset, "malformed memop flags %#x", in.Align)
	}
	in.MemOffset, err = c.u32()
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

// memoryIndex reads the byte that must be 0 as long as there is one memory.
func (r *Reader) memoryIndex(in *Instr) error {
	b, err := r.c.byte()
	switch {
	case err != nil || b == 0:
		return err
	case b < 0x80:
		return foreign("multi-memory", "multiple memories", fmt.Sprintf("%s %d", in.Op, b), in.Offset)
	}
	return malformed(in.Offset, "%s: zero byte expected, found %#02x", in.Op, b)
}
