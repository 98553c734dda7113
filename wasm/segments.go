package wasm

import "fmt"

// constExpr reads a constant expression: one instruction and end. Longer ones that the extended-const proposal allows
// are refused by that name, anything else is invalid.
func (d *decoder) constExpr() (e ConstExpr, err error) {
	r := Reader{c: cursor{b: d.b, pos: d.pos, base: d.base}}
	var in Instr
	if err := r.next(&in); err != nil {
		return e, atEnd(err, d)
	}
	e = ConstExpr{Op: in.Op, Offset: in.Offset, Value: in.Const}
	switch in.Op {
	case OpI32Const, OpI64Const, OpF32Const, OpF64Const:
	case OpGlobalGet, OpRefFunc, OpRefNull:
		e.Value = uint64(in.Index)
	case OpEnd:
		return e, invalid(in.Offset, "type mismatch: empty constant expression")
	default:
		return e, invalid(in.Offset, "constant expression required, found %s", in.Op)
	}
	if err := r.next(&in); err != nil {
		return e, atEnd(err, d)
	}
	if in.Op != OpEnd {
		return e, longConst(r, in, d)
	}
	d.pos = r.c.pos
	return e, nil
}

// longConst says why an expression whose second instruction is in is not one constant.
func longConst(r Reader, in Instr, d *decoder) error {
	for at := in.Offset; ; {
		switch in.Op {
		case OpI32Add, OpI32Sub, OpI32Mul, OpI64Add, OpI64Sub, OpI64Mul:
			return foreign("extended-const", "extended constant expressions", in.Op.String(), in.Offset)
		case OpI32Const, OpI64Const, OpF32Const, OpF64Const, OpGlobalGet, OpRefFunc, OpRefNull:
		case OpEnd:
			return invalid(at, "type mismatch: constant expression leaves more than one value")
		default:
			return invalid(in.Offset, "constant expression required, found %s", in.Op)
		}
		if err := r.next(&in); err != nil {
			return atEnd(err, d)
		}
	}
}

// atEnd turns a reader's io.EOF into an error about the expression that is cut off.
func atEnd(err error, d *decoder) error {
	if _, ok := err.(*Error); ok {
		return err
	}
	return d.failf("unexpected end within a constant expression")
}

func (d *decoder) elem() (e Elem, err error) {
	flag, err := d.u32()
	if err != nil {
		return e, err
	}
	if flag > 7 {
		return e, d.failf("malformed element segment kind %d", flag)
	}
	e.Type = FuncRef
	switch {
	case flag&1 == 0:
		e.Mode = Active
		if flag&2 != 0 {
			if e.Table, err = d.u32(); err != nil {
				return e, err
			}
		}
		if e.Place, err = d.constExpr(); err != nil {
			return e, err
		}
	case flag&2 == 0:
		e.Mode = Passive
	default:
		e.Mode = Declarative
	}
	exprs := flag&4 != 0
	if flag&3 != 0 { // a kind or type is written
		if exprs {
			e.Type, err = d.refType()
		} else {
			var kind byte
			if kind, err = d.byte(); err == nil && kind != 0 {
				err = d.failf("malformed element kind %#02x", kind)
			}
		}
		if err != nil {
			return e, err
		}
	}
	read := (*decoder).constExpr
	if !exprs {
		read = func(d *decoder) (ConstExpr, error) {
			at := d.offset()
			i, err := d.u32()
			return ConstExpr{Op: OpRefFunc, Value: uint64(i), Offset: at}, err
		}
	}
	err = vector(d, "elements in segments", MaxElements-d.elements, &e.Init, read)
	d.elements += len(e.Init)
	return e, err
}

func (d *decoder) data() (s Data, err error) {
	flag, err := d.u32()
	if err != nil {
		return s, err
	}
	switch flag {
	case 0, 2:
		if flag == 2 {
			var mem uint32
			if mem, err = d.u32(); err == nil && mem != 0 {
				err = foreign("multi-memory", "multiple memories", fmt.Sprintf("data segment for memory %d", mem), d.offset())
			}
			if err != nil {
				return s, err
			}
		}
		if s.Place, err = d.constExpr(); err != nil {
			return s, err
		}
	case 1:
		s.Mode = Passive
	default:
		return s, d.failf("malformed data segment kind %d", flag)
	}
	n, err := d.u32()
	if err != nil {
		return s, err
	}
	s.Init, err = d.bytes(n)
	return s, err
}
