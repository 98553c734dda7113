// Package wasm decodes, validates and encodes WebAssembly modules for profile tm/1 and says exactly why one is refused.
//
// Two verdicts are kept apart. Validation follows the WebAssembly 2.0 core specification (without SIMD) and agrees with
// other engines. Profile refusal ([CheckProfile]) is a second, stricter verdict: what a deterministic task may contain.
//
// A file is read in three steps, each of which may be the last: [Decode], [Validate], [CheckProfile]. All take time and memory
// linear in the file, whatever it claims, none recurses, and none panics. A module must not be changed or validated by several
// goroutines at once; reading it is safe.
package wasm

import (
	"fmt"
	"strings"
)

// ValueType is a Wasm value type in its binary encoding.
type ValueType byte

// The value types of WebAssembly 2.0 without SIMD (spec 5.3.4).
const (
	I32       ValueType = 0x7f
	I64       ValueType = 0x7e
	F32       ValueType = 0x7d
	F64       ValueType = 0x7c
	FuncRef   ValueType = 0x70
	ExternRef ValueType = 0x6f
)

// String returns the text-format name of t.
func (t ValueType) String() string {
	switch t {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	case FuncRef:
		return "funcref"
	case ExternRef:
		return "externref"
	}
	return "unknown"
}

// IsRef reports whether t is a reference type.
func (t ValueType) IsRef() bool { return t == FuncRef || t == ExternRef }

// FuncType is a function's signature.
type FuncType struct {
	Params, Results []ValueType
}

// String returns t as "[i32 i64] -> [f32]", shortened where it is long.
func (t FuncType) String() string { return typeList(t.Params) + " -> " + typeList(t.Results) }

func typeList(ts []ValueType) string {
	const most = 10
	var b strings.Builder
	b.WriteByte('[')
	for i, t := range ts {
		if i > 0 {
			b.WriteByte(' ')
		}
		if i == most {
			fmt.Fprintf(&b, "and %d more", len(ts)-most)
			break
		}
		b.WriteString(t.String())
	}
	b.WriteByte(']')
	return b.String()
}

// Limits bounds a memory (in 64 KiB pages) or a table (in elements).
type Limits struct {
	Min, Max uint32
	HasMax   bool
}

// ExternKind says what an import or export names (spec 5.5.5).
type ExternKind byte

// The kinds of imports and exports.
const (
	ExternFunc ExternKind = iota
	ExternTable
	ExternMemory
	ExternGlobal
)

// String returns the kind's name in the text format.
func (k ExternKind) String() string {
	if k > ExternGlobal {
		return "unknown"
	}
	return [...]string{"function", "table", "memory", "global"}[k]
}

// GlobalType is the type of a global.
type GlobalType struct {
	Type    ValueType
	Mutable bool
}

// TableType is the type of a table.
type TableType struct {
	Elem   ValueType
	Limits Limits
}

// Import is one import; the field that Kind selects is set.
type Import struct {
	Module, Name string
	Kind         ExternKind
	Func         uint32 // type index
	Table        TableType
	Memory       Limits
	Global       GlobalType
	Offset       uint32 // in the file, for messages
}

// Export names one item of an index space that counts imports first.
type Export struct {
	Name  string
	Kind  ExternKind
	Index uint32
}

// ConstExpr is a constant expression: exactly one instruction in this profile's proposals.
// Op is OpI32Const, OpI64Const, OpF32Const, OpF64Const (Value holds the bits), OpGlobalGet, OpRefFunc (Value holds the
// index) or OpRefNull (Value holds the reference type).
type ConstExpr struct {
	Op     Opcode
	Value  uint64
	Offset uint32
}

// Global is a defined global.
type Global struct {
	Type GlobalType
	Init ConstExpr
}

// SegmentMode says when a data or element segment is applied.
type SegmentMode byte

// The modes of segments.
const (
	Active SegmentMode = iota
	Passive
	Declarative // elements only
)

// Elem is an element segment. Every Init is a ref.func, ref.null or global.get expression.
type Elem struct {
	Mode  SegmentMode
	Table uint32
	Place ConstExpr // Active only
	Type  ValueType
	Init  []ConstExpr
}

// Data is a data segment.
type Data struct {
	Mode  SegmentMode
	Place ConstExpr // Active only
	Init  []byte    // aliases the decoded file
}

// LocalGroup is a run of declared locals of one type, as in the binary format.
type LocalGroup struct {
	Count uint32
	Type  ValueType
}

// Code is the body of a defined function.
type Code struct {
	Locals []LocalGroup
	Body   []byte // instructions, the final end included; aliases the decoded file
	Offset uint32 // of Body in the file

	// MaxStack is the greatest height of the operand stack in values, unreachable code included, as found by [Validate].
	MaxStack uint32

	// Carried is how many values calls, branches and the ends and beginnings of blocks take along, each time that one stands there, unreachable code
	// included, as found by [Validate]; saturating. With the length of the body it bounds what any compiler has to do.
	Carried uint32
}

// Custom is a custom section.
type Custom struct {
	Name string
	Data []byte
}

// Module is a decoded module. Index spaces count imports first, as in the specification.
type Module struct {
	Types     []FuncType
	Imports   []Import
	Funcs     []uint32 // type index of each defined function
	Tables    []TableType
	Memories  []Limits
	Globals   []Global
	Exports   []Export
	Start     *uint32
	Elems     []Elem
	DataCount *uint32
	Code      []Code // parallel to Funcs
	Datas     []Data
	Customs   []Custom

	// FuncNames maps a function index to its name in the name section; absent or malformed sections leave it nil.
	FuncNames map[uint32]string
}

// ImportedFuncs returns the number of imported functions: the index of the first defined one.
func (m *Module) ImportedFuncs() uint32 { return m.imported(ExternFunc) }

// ImportedGlobals returns the number of imported globals.
func (m *Module) ImportedGlobals() uint32 { return m.imported(ExternGlobal) }

func (m *Module) imported(k ExternKind) (n uint32) {
	for i := range m.Imports {
		if m.Imports[i].Kind == k {
			n++
		}
	}
	return n
}

// TypeOfFunc returns the signature of function index fn (imports first); ok is false if it does not exist.
func (m *Module) TypeOfFunc(fn uint32) (t FuncType, ok bool) {
	i := fn
	for k := range m.Imports {
		if m.Imports[k].Kind != ExternFunc {
			continue
		}
		if i == 0 {
			return m.typeAt(m.Imports[k].Func)
		}
		i--
	}
	if uint64(i) >= uint64(len(m.Funcs)) {
		return FuncType{}, false
	}
	return m.typeAt(m.Funcs[i])
}

func (m *Module) typeAt(i uint32) (FuncType, bool) {
	if uint64(i) >= uint64(len(m.Types)) {
		return FuncType{}, false
	}
	return m.Types[i], true
}

// Export returns the export called name, or nil.
func (m *Module) Export(name string) *Export {
	for i := range m.Exports {
		if m.Exports[i].Name == name {
			return &m.Exports[i]
		}
	}
	return nil
}
