package wasm

import (
	"bytes"
	"strings"
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

var sectionNames = [...]string{"custom", "type", "import", "function", "table", "memory", "global", "export", "start",
	"element", "code", "data", "data count"}

type decoder struct {
	cursor
	m        *Module
	elements int // in all element segments so far
}

// Decode reads the binary format (spec 5). The result shares memory with b, which must not be changed afterwards.
// Function bodies are kept as bytes: [Validate] reads them. Time and memory are linear in len(b), whatever lengths b claims.
//
// The error is an [*Error]: Malformed, Refused where the file uses a feature or goes beyond a cap that the profile does not
// allow, or Invalid where an initializer is not a constant.
func Decode(b []byte) (*Module, error) {
	if len(b) > MaxModule {
		return nil, tooMuch(0, "has %d bytes (at most %d)", len(b), MaxModule)
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
	const magic = "\x00asm"
	switch head := d.b[:min(4, len(d.b))]; {
	case len(d.b) == 0:
		return d.failf("the file is empty")
	case bytes.HasPrefix(bytes.TrimLeft(d.b[:min(64, len(d.b))], " \t\r\n"), []byte("(module")):
		return d.failf("this is the text format (assemble it with wat2wasm), not a binary WebAssembly file")
	case !strings.HasPrefix(magic, string(head)):
		return d.failf("not a WebAssembly file: it begins with % x instead of 00 61 73 6d", head)
	case len(d.b) < 8:
		return d.failf("the file is cut off after %d bytes", len(d.b))
	}
	switch v := d.b[4:8]; {
	case bytes.Equal(v, []byte{1, 0, 0, 0}):
	case v[2] == 1 && v[3] == 0:
		return &Error{Kind: Refused, Feature: "component-model", Func: -1, Offset: 4,
			Msg: "is a component, which wraps core modules (build without the component step, or unbundle it)"}
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
		if id == 13 {
			return foreign("exceptions", "exceptions", "tag section", at)
		}
		if int(id) >= len(sectionNames) {
			return malformed(at, "malformed section id %d", id)
		}
		size, err := d.u32()
		if err != nil && d.left() == 0 {
			return malformed(at, "the file is cut off: no size of the %s section", sectionNames[id])
		} else if err != nil {
			return err
		}
		if uint64(size) > uint64(d.left()) {
			return malformed(at, "the file is cut off: the %s section claims %d bytes, %d are left", sectionNames[id], size, d.left())
		}
		body, _ := d.bytes(size)
		if id != secCustom {
			if sectionRank[id] <= last {
				return malformed(at, "unexpected %s section: repeated or out of order", sectionNames[id])
			}
			last = sectionRank[id]
		}
		s := &decoder{cursor: cursor{b: body, base: d.offset() - size}, m: d.m}
		if err := s.section(id); err != nil {
			return d.named(err)
		}
		if s.left() != 0 {
			return s.failf("section size mismatch: %d bytes left over in the %s section", s.left(), sectionNames[id])
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
		return vector(d, "types", MaxTypes, &d.m.Types, (*decoder).funcType)
	case secImport:
		return vector(d, "imports", MaxImports, &d.m.Imports, (*decoder).importEntry)
	case secFunction:
		return vector(d, "functions", MaxFunctions, &d.m.Funcs, func(d *decoder) (uint32, error) { return d.u32() })
	case secTable:
		return vector(d, "tables", MaxTables, &d.m.Tables, (*decoder).tableType)
	case secMemory:
		return vector(d, "memories", MaxTables, &d.m.Memories, func(d *decoder) (Limits, error) { return d.limits("memory") })
	case secGlobal:
		return vector(d, "globals", MaxGlobals, &d.m.Globals, (*decoder).global)
	case secExport:
		return vector(d, "exports", MaxExports, &d.m.Exports, (*decoder).export)
	case secStart:
		i, err := d.u32()
		d.m.Start = &i
		return err
	case secElement:
		return vector(d, "element segments", MaxSegments, &d.m.Elems, (*decoder).elem)
	case secCode:
		return vector(d, "function bodies", MaxFunctions, &d.m.Code, (*decoder).code)
	case secData:
		return vector(d, "data segments", MaxSegments, &d.m.Datas, (*decoder).data)
	default: // secDataCount
		n, err := d.u32()
		d.m.DataCount = &n
		return err
	}
}

// vector reads a length and that many elements. Every element takes a byte at least, so memory is linear in the bytes
// that are there; most keeps the factor small.
func vector[T any](d *decoder, what string, most int, dst *[]T, read func(*decoder) (T, error)) error {
	at := d.offset()
	n, err := d.count(what)
	if err != nil {
		return err
	}
	if n > most {
		return tooMuch(at, "has %d %s (at most %d)", n, what, most)
	}
	*dst = make([]T, 0, n)
	for range n {
		v, err := read(d)
		if err != nil {
			return err
		}
		*dst = append(*dst, v)
	}
	return nil
}

// code reads one entry of the code section. Instructions are left to [Validate], which has to walk them anyway.
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
	defer func() { // len(d.m.Code) functions came before this one
		if e, ok := err.(*Error); ok {
			e.Func = int(d.m.ImportedFuncs()) + len(d.m.Code)
		}
	}()
	total := uint64(0)
	err = vector(f, "local groups", MaxLocals, &c.Locals, func(f *decoder) (g LocalGroup, err error) {
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
