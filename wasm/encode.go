package wasm

import "slices"

// Encode writes m in the binary format, deterministically: every integer as short as can be, segments in their shortest
// form, function bodies as they stand, and of the custom sections only the functions' names. Decoding the result gives
// the same module, and encoding that gives the same bytes.
func (m *Module) Encode() []byte {
	out := []byte("\x00asm\x01\x00\x00\x00")
	out = appendVector(out, secType, m.Types, appendFuncType)
	out = appendVector(out, secImport, m.Imports, appendImport)
	out = appendVector(out, secFunction, m.Funcs, func(b []byte, i uint32) []byte { return appendUleb(b, uint64(i)) })
	out = appendVector(out, secTable, m.Tables, appendTable)
	out = appendVector(out, secMemory, m.Memories, appendLimits)
	out = appendVector(out, secGlobal, m.Globals, func(b []byte, g Global) []byte {
		return appendConst(appendGlobalType(b, g.Type), g.Init)
	})
	out = appendVector(out, secExport, m.Exports, func(b []byte, e Export) []byte {
		return appendUleb(append(appendName(b, e.Name), byte(e.Kind)), uint64(e.Index))
	})
	if m.Start != nil {
		out = appendSection(out, secStart, appendUleb(nil, uint64(*m.Start)))
	}
	out = appendVector(out, secElement, m.Elems, appendElem)
	if m.DataCount != nil {
		out = appendSection(out, secDataCount, appendUleb(nil, uint64(*m.DataCount)))
	}
	out = appendVector(out, secCode, m.Code, appendCode)
	out = appendVector(out, secData, m.Datas, appendData)
	if len(m.FuncNames) > 0 {
		out = appendSection(out, secCustom, m.nameSection())
	}
	return out
}

func appendSection(dst []byte, id byte, body []byte) []byte {
	return append(appendUleb(append(dst, id), uint64(len(body))), body...)
}

func appendVector[T any](dst []byte, id byte, vs []T, one func([]byte, T) []byte) []byte {
	if len(vs) == 0 {
		return dst
	}
	body := appendUleb(nil, uint64(len(vs)))
	for _, v := range vs {
		body = one(body, v)
	}
	return appendSection(dst, id, body)
}

func appendName(dst []byte, s string) []byte { return append(appendUleb(dst, uint64(len(s))), s...) }

func appendFuncType(b []byte, t FuncType) []byte {
	b = appendUleb(append(b, 0x60), uint64(len(t.Params)))
	b = appendUleb(appendTypes(b, t.Params), uint64(len(t.Results)))
	return appendTypes(b, t.Results)
}

func appendLimits(b []byte, l Limits) []byte {
	if l.HasMax {
		return appendUleb(appendUleb(append(b, 1), uint64(l.Min)), uint64(l.Max))
	}
	return appendUleb(append(b, 0), uint64(l.Min))
}

func appendTable(b []byte, t TableType) []byte {
	return appendLimits(append(b, byte(t.Elem)), t.Limits)
}

func appendGlobalType(b []byte, g GlobalType) []byte {
	if g.Mutable {
		return append(b, byte(g.Type), 1)
	}
	return append(b, byte(g.Type), 0)
}

func appendImport(b []byte, i Import) []byte {
	b = append(appendName(appendName(b, i.Module), i.Name), byte(i.Kind))
	switch i.Kind {
	case ExternFunc:
		return appendUleb(b, uint64(i.Func))
	case ExternTable:
		return appendTable(b, i.Table)
	case ExternMemory:
		return appendLimits(b, i.Memory)
	default:
		return appendGlobalType(b, i.Global)
	}
}

func appendConst(b []byte, e ConstExpr) []byte {
	in := Instr{Op: e.Op, Const: e.Value}
	switch e.Op {
	case OpGlobalGet, OpRefFunc, OpRefNull:
		in.Index = uint32(e.Value)
	}
	return append(AppendInstr(b, in), byte(OpEnd))
}

func appendElem(b []byte, e Elem) []byte {
	flag := uint64(0)
	exprs := e.Type != FuncRef || slices.ContainsFunc(e.Init, func(c ConstExpr) bool { return c.Op != OpRefFunc })
	if exprs {
		flag = 4
	}
	explicit := e.Mode == Active && (e.Table != 0 || e.Type != FuncRef)
	switch {
	case e.Mode == Passive:
		flag |= 1
	case e.Mode == Declarative:
		flag |= 3
	case explicit:
		flag |= 2
	}
	b = appendUleb(b, flag)
	if explicit {
		b = appendUleb(b, uint64(e.Table))
	}
	if e.Mode == Active {
		b = appendConst(b, e.Place)
	}
	if flag&3 != 0 {
		if exprs {
			b = append(b, byte(e.Type))
		} else {
			b = append(b, 0)
		}
	}
	b = appendUleb(b, uint64(len(e.Init)))
	for _, c := range e.Init {
		if exprs {
			b = appendConst(b, c)
		} else {
			b = appendUleb(b, c.Value)
		}
	}
	return b
}

func appendCode(b []byte, c Code) []byte {
	f := appendUleb(nil, uint64(len(c.Locals)))
	for _, g := range c.Locals {
		f = append(appendUleb(f, uint64(g.Count)), byte(g.Type))
	}
	return append(append(appendUleb(b, uint64(len(f)+len(c.Body))), f...), c.Body...)
}

func appendData(b []byte, d Data) []byte {
	if d.Mode == Passive {
		b = append(b, 1)
	} else {
		b = appendConst(append(b, 0), d.Place)
	}
	return append(appendUleb(b, uint64(len(d.Init))), d.Init...)
}

// Word32 and Word64 make constant expressions of integers.
func Word32(v uint32) ConstExpr { return ConstExpr{Op: OpI32Const, Value: uint64(v)} }

// Word64 is the 64-bit form of [Word32].
func Word64(v uint64) ConstExpr { return ConstExpr{Op: OpI64Const, Value: v} }
