package wasm

import (
	"bytes"
	"fmt"
)

// The sections, by id (spec 5.5.2).
const (
	secCustom = iota
	secType
	secImport
	secFunction
	secTable
	secMemory
	secGlobal
	secExport
	secStart
	secElement
	secCode
	secData
	secDataCount
)

// sectionRank is the position of a section in the prescribed order; the data count section stands before the code.
var sectionRank = [...]int{secType: 1, secImport: 2, secFunction: 3, secTable: 4, secMemory: 5, secGlobal: 6,
	secExport: 7, secStart: 8, secElement: 9, secDataCount: 10, secCode: 11, secData: 12}

type decoder struct {
	cursor
	m *Module
}

// Decode reads the binary format (spec 5). The result shares memory with b, which must not be changed afterwards.
// Function bodies are kept as bytes: [Validate] reads them. The error is an [*Error].
func Decode(b []byte) (*Module, error) {
	if uint64(len(b)) > 1<<31 {
		return nil, &Error{Kind: Malformed, Func: -1, Msg: "larger than 2 GiB"}
	}
	d := &decoder{cursor: cursor{b: b}, m: &Module{}}
	if err := d.header(); err != nil {
		return nil, err
	}
	if err := d.sections(); err != nil {
		return nil, err
	}
	return d.m, nil
}

func (d *decoder) header() error {
	if len(d.b) < 8 {
		return d.failf("not a WebAssembly module: only %d bytes", len(d.b))
	}
	if !bytes.Equal(d.b[:4], []byte("\x00asm")) {
		return d.failf("not a WebAssembly module: magic bytes are % x, want 00 61 73 6d", d.b[:4])
	}
	switch v := d.b[4:8]; {
	case bytes.Equal(v, []byte{1, 0, 0, 0}):
	case v[2] == 1 && v[3] == 0:
		return &Error{Kind: Refused, Feature: "component-model", Func: -1, Offset: 4,
			Msg: "this is a component, not a core module (extract the core module, or build without the component step)"}
	default:
		return d.failf("unknown binary version % x, want 01 00 00 00", v)
	}
	d.pos = 8
	return nil
}

func (d *decoder) sections() error {
	last := 0
	for d.left() > 0 {
		at := d.offset()
		id, _ := d.byte()
		size, err := d.u32()
		if err != nil {
			return err
		}
		body, err := d.bytes(size)
		if err != nil {
			return err
		}
		if id == 13 {
			return &Error{Kind: Refused, Feature: "exceptions", Func: -1, Offset: at, Msg: "tags (exceptions) are outside the profile"}
		}
		if int(id) >= len(sectionRank) {
			return &Error{Kind: Malformed, Func: -1, Offset: at, Msg: fmt.Sprintf("malformed section id %d", id)}
		}
		if id != secCustom {
			if sectionRank[id] <= last {
				return &Error{Kind: Malformed, Func: -1, Offset: at, Msg: fmt.Sprintf("section %d repeated or out of order", id)}
			}
			last = sectionRank[id]
		}
		s := &decoder{cursor: cursor{b: body, base: d.offset() - size}, m: d.m}
		if err := s.section(id); err != nil {
			return err
		}
		if s.left() != 0 {
			return s.failf("section size mismatch: %d bytes left over in section %d", s.left(), id)
		}
	}
	m := d.m
	if len(m.Funcs) != len(m.Code) {
		return d.failf("function and code section have inconsistent lengths: %d and %d", len(m.Funcs), len(m.Code))
	}
	if m.DataCount != nil && uint64(*m.DataCount) != uint64(len(m.Datas)) {
		return d.failf("data count and data section have inconsistent lengths: %d and %d", *m.DataCount, len(m.Datas))
	}
	return nil
}

func (d *decoder) section(id byte) error {
	switch id {
	case secCustom:
		return d.custom()
	case secType:
		return vector(d, "types", &d.m.Types, (*decoder).funcType)
	case secImport:
		return vector(d, "imports", &d.m.Imports, (*decoder).importEntry)
	case secFunction:
		return vector(d, "functions", &d.m.Funcs, func(d *decoder) (uint32, error) { return d.u32() })
	case secTable:
		return vector(d, "tables", &d.m.Tables, (*decoder).tableType)
	case secMemory:
		return vector(d, "memories", &d.m.Memories, func(d *decoder) (Limits, error) { return d.limits("memory") })
	case secGlobal:
		return vector(d, "globals", &d.m.Globals, (*decoder).global)
	case secExport:
		return vector(d, "exports", &d.m.Exports, (*decoder).export)
	case secStart:
		i, err := d.u32()
		d.m.Start = &i
		return err
	case secElement:
		return vector(d, "element segments", &d.m.Elems, (*decoder).elem)
	case secCode:
		return vector(d, "function bodies", &d.m.Code, (*decoder).code)
	case secData:
		return vector(d, "data segments", &d.m.Datas, (*decoder).data)
	default: // secDataCount
		n, err := d.u32()
		d.m.DataCount = &n
		return err
	}
}

// vector reads a length and that many elements; memory grows with the bytes really there.
func vector[T any](d *decoder, what string, dst *[]T, read func(*decoder) (T, error)) error {
	n, err := d.count(what)
	if err != nil {
		return err
	}
	*dst = make([]T, 0, min(n, 4096))
	for range n {
		v, err := read(d)
		if err != nil {
			return err
		}
		*dst = append(*dst, v)
	}
	return nil
}

func (d *decoder) valueTypes() (ts []ValueType, err error) {
	err = vector(d, "types", &ts, func(d *decoder) (ValueType, error) { return d.valueType() })
	return ts, err
}

func (d *decoder) funcType() (t FuncType, err error) {
	at := d.offset()
	b, err := d.byte()
	if err != nil {
		return t, err
	}
	switch b {
	case 0x60:
	case 0x5f, 0x5e, 0x50, 0x4f, 0x4e:
		return t, &Error{Kind: Refused, Feature: "gc", Func: -1, Offset: at, Msg: "struct, array and recursive types are outside the profile"}
	default:
		return t, d.failf("malformed function type %#02x", b)
	}
	if t.Params, err = d.valueTypes(); err != nil {
		return t, err
	}
	t.Results, err = d.valueTypes()
	return t, err
}

func (d *decoder) limits(what string) (l Limits, err error) {
	at := d.offset()
	flag, err := d.byte()
	if err != nil {
		return l, err
	}
	switch {
	case flag <= 1:
	case flag <= 3 && what == "memory":
		return l, &Error{Kind: Refused, Feature: "threads", Func: -1, Offset: at, Msg: "shared memory (threads) is outside the profile"}
	case flag <= 7 && what == "memory":
		return l, &Error{Kind: Refused, Feature: "memory64", Func: -1, Offset: at, Msg: "64-bit memory is outside the profile"}
	default:
		return l, d.failf("malformed limits flags %#02x", flag)
	}
	if l.Min, err = d.u32(); err != nil {
		return l, err
	}
	if flag == 1 {
		l.HasMax = true
		l.Max, err = d.u32()
	}
	return l, err
}

func (d *decoder) tableType() (t TableType, err error) {
	if t.Elem, err = d.refType(); err != nil {
		return t, err
	}
	t.Limits, err = d.limits("table")
	return t, err
}

func (d *decoder) globalType() (g GlobalType, err error) {
	if g.Type, err = d.valueType(); err != nil {
		return g, err
	}
	b, err := d.byte()
	if err != nil {
		return g, err
	}
	if b > 1 {
		return g, d.failf("malformed mutability %#02x", b)
	}
	g.Mutable = b == 1
	return g, nil
}

func (d *decoder) importEntry() (i Import, err error) {
	i.Offset = d.offset()
	if i.Module, err = d.name(); err != nil {
		return i, err
	}
	if i.Name, err = d.name(); err != nil {
		return i, err
	}
	b, err := d.byte()
	if err != nil {
		return i, err
	}
	i.Kind = ExternKind(b)
	switch i.Kind {
	case ExternFunc:
		i.Func, err = d.u32()
	case ExternTable:
		i.Table, err = d.tableType()
	case ExternMemory:
		i.Memory, err = d.limits("memory")
	case ExternGlobal:
		i.Global, err = d.globalType()
	case 4:
		err = &Error{Kind: Refused, Feature: "exceptions", Func: -1, Offset: i.Offset, Msg: "tags (exceptions) are outside the profile"}
	default:
		err = d.failf("malformed import kind %#02x", b)
	}
	return i, err
}

func (d *decoder) export() (e Export, err error) {
	if e.Name, err = d.name(); err != nil {
		return e, err
	}
	b, err := d.byte()
	if err != nil {
		return e, err
	}
	if b > byte(ExternGlobal) {
		return e, d.failf("malformed export kind %#02x", b)
	}
	e.Kind = ExternKind(b)
	e.Index, err = d.u32()
	return e, err
}

func (d *decoder) global() (g Global, err error) {
	if g.Type, err = d.globalType(); err != nil {
		return g, err
	}
	g.Init, err = d.constExpr()
	return g, err
}

// constExpr reads one constant instruction and end. Longer expressions that only the extended-const proposal allows are
// refused by that name; anything else is invalid ("constant expression required").
func (d *decoder) constExpr() (e ConstExpr, err error) {
	r := NewReader(d.b[d.pos:], d.offset())
	in, err := r.Next()
	if err != nil {
		return e, atEnd(err, d)
	}
	e = ConstExpr{Op: in.Op, Offset: in.Offset, Value: in.Const}
	switch in.Op {
	case OpI32Const, OpI64Const, OpF32Const, OpF64Const:
	case OpGlobalGet, OpRefFunc, OpRefNull:
		e.Value = uint64(in.Index)
	case OpEnd:
		return e, &Error{Kind: Invalid, Func: -1, Offset: in.Offset, Msg: "type mismatch: empty constant expression"}
	default:
		return e, &Error{Kind: Invalid, Func: -1, Offset: in.Offset, Msg: "constant expression required, found " + in.Op.String()}
	}
	end, err := r.Next()
	if err != nil {
		return e, atEnd(err, d)
	}
	if end.Op != OpEnd {
		return e, &Error{Kind: Invalid, Func: -1, Offset: end.Offset,
			Msg: fmt.Sprintf("constant expression of more than one instruction (%s follows; extended-const is outside the profile)", end.Op)}
	}
	d.pos += r.c.pos
	return e, nil
}

// atEnd turns a reader's io.EOF into an error about the truncated file.
func atEnd(err error, d *decoder) error {
	if _, ok := err.(*Error); ok {
		return err
	}
	return d.failf("unexpected end within an expression")
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
	if exprs {
		return e, vector(d, "elements", &e.Init, (*decoder).constExpr)
	}
	return e, vector(d, "elements", &e.Init, func(d *decoder) (ConstExpr, error) {
		at := d.offset()
		i, err := d.u32()
		return ConstExpr{Op: OpRefFunc, Value: uint64(i), Offset: at}, err
	})
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
				err = &Error{Kind: Invalid, Func: -1, Offset: d.offset(), Msg: fmt.Sprintf("unknown memory %d", mem)}
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

func (d *decoder) code() (c Code, err error) {
	size, err := d.u32()
	if err != nil {
		return c, err
	}
	body, err := d.bytes(size)
	if err != nil {
		return c, err
	}
	f := &decoder{cursor: cursor{b: body, base: d.offset() - size}, m: d.m}
	total := uint64(0)
	err = vector(f, "local groups", &c.Locals, func(f *decoder) (g LocalGroup, err error) {
		if g.Count, err = f.u32(); err != nil {
			return g, err
		}
		if total += uint64(g.Count); total > 1<<32-1 {
			return g, f.failf("too many locals")
		}
		g.Type, err = f.valueType()
		return g, err
	})
	if err != nil {
		return c, err
	}
	c.Offset = f.offset()
	c.Body = f.b[f.pos:len(f.b):len(f.b)]
	if len(c.Body) == 0 || c.Body[len(c.Body)-1] != byte(OpEnd) {
		return c, f.failf("function body does not end with end")
	}
	return c, nil
}

// custom keeps custom sections; from the name section it takes the functions' names, if that part is well formed.
func (d *decoder) custom() error {
	name, err := d.name()
	if err != nil {
		return err
	}
	data := d.b[d.pos:]
	d.pos = len(d.b)
	d.m.Customs = append(d.m.Customs, Custom{Name: name, Data: data})
	if name == "name" && d.m.FuncNames == nil {
		d.m.FuncNames = functionNames(data)
	}
	return nil
}

func functionNames(data []byte) map[uint32]string {
	c := cursor{b: data}
	for c.left() > 0 {
		id, _ := c.byte()
		size, err := c.u32()
		if err != nil {
			return nil
		}
		sub, err := c.bytes(size)
		if err != nil {
			return nil
		}
		if id != 1 {
			continue
		}
		s := cursor{b: sub}
		n, err := s.count("names")
		if err != nil {
			return nil
		}
		names := make(map[uint32]string, min(n, 4096))
		for range n {
			i, err := s.u32()
			if err != nil {
				return nil
			}
			if names[i], err = s.name(); err != nil {
				return nil
			}
		}
		return names
	}
	return nil
}
