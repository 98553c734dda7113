package wasm

import "unicode/utf8"

// cursor reads the primitives of the binary format from bytes. It never panics and never allocates by a claimed length.
type cursor struct {
	b    []byte
	pos  int
	base uint32 // file offset of b[0]
}

func (c *cursor) offset() uint32 { return c.base + uint32(c.pos) }
func (c *cursor) left() int      { return len(c.b) - c.pos }

func (c *cursor) failf(format string, args ...any) error {
	return malformed(c.offset(), format, args...)
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
				return 0, c.failf("integer too large: unused bits differ from the sign")
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

func (c *cursor) valueType() (ValueType, error) {
	at := c.offset()
	b, err := c.byte()
	if err != nil {
		return 0, err
	}
	switch t := ValueType(b); t {
	case I32, I64, F32, F64, FuncRef, ExternRef:
		return t, nil
	}
	if err := foreignType(b, at); err != nil {
		return 0, err
	}
	return 0, malformed(at, "malformed value type %#02x", b)
}

func (c *cursor) refType() (ValueType, error) {
	at := c.offset()
	b, err := c.byte()
	if err != nil {
		return 0, err
	}
	if t := ValueType(b); t.IsRef() {
		return t, nil
	}
	if err := foreignType(b, at); err != nil {
		return 0, err
	}
	return 0, malformed(at, "malformed reference type %#02x", b)
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
