package wasm

import "fmt"

// validator holds the context C of the specification (3.1.1): the index spaces with imports first.
type validator struct {
	m          *Module
	funcs      []uint32 // type indices
	tables     []TableType
	globals    []GlobalType
	imported   int // globals
	memories   int
	declared   []bool // functions that bodies may take references to
	typed      [0x80]ValueType
	importedFn int
}

// Validate checks m against the validation rules (spec 3) and sets every Code.MaxStack. The error is an [*Error], Malformed if
// a body's bytes are not instructions, Refused if they are those of a feature outside the profile.
//
// Its time and memory are linear in the size of m. For that, it refuses what goes beyond [MaxTypeArity], [MaxLocals],
// [MaxOperands], [MaxBlocks] and [MaxBrTable].
func Validate(m *Module) error {
	v := &validator{m: m}
	for i := range v.typed {
		v.typed[i] = ValueType(i)
	}
	for _, check := range []func() error{v.types, v.imports, v.spaces, v.segments, v.exports} {
		if err := check(); err != nil {
			return err
		}
	}
	return v.bodies()
}

func (v *validator) types() error {
	for i, t := range v.m.Types {
		if len(t.Params) > MaxTypeArity || len(t.Results) > MaxTypeArity {
			return tooMuch(0, "has a type (%d) of %d parameters and %d results (at most %d)", i, len(t.Params), len(t.Results), MaxTypeArity)
		}
	}
	return nil
}

func (v *validator) imports() error {
	for i := range v.m.Imports {
		im := &v.m.Imports[i]
		var err error
		switch im.Kind {
		case ExternFunc:
			err = v.typeIndex(im.Func, im.Offset)
			v.funcs = append(v.funcs, im.Func)
		case ExternTable:
			err = checkLimits("table", im.Table.Limits, 1<<32-1, im.Offset)
			v.tables = append(v.tables, im.Table)
		case ExternMemory:
			err = checkLimits("memory", im.Memory, 1<<16, im.Offset)
			v.memories++
		case ExternGlobal:
			v.globals = append(v.globals, im.Global)
		}
		if err != nil {
			return err
		}
	}
	v.imported, v.importedFn = len(v.globals), len(v.funcs)
	return nil
}

func (v *validator) typeIndex(i, at uint32) error {
	if uint64(i) >= uint64(len(v.m.Types)) {
		return invalid(at, "unknown type %d of %d", i, len(v.m.Types))
	}
	return nil
}

func checkLimits(what string, l Limits, most uint64, at uint32) error {
	switch {
	case uint64(l.Min) > most || l.HasMax && uint64(l.Max) > most:
		return invalid(at, "%s size must be at most %d", what, most)
	case l.HasMax && l.Min > l.Max:
		return invalid(at, "%s: size minimum %d must not be greater than maximum %d", what, l.Min, l.Max)
	}
	return nil
}

// spaces checks the definitions that fill the index spaces: functions, tables, memories, globals.
func (v *validator) spaces() error {
	m := v.m
	for i, t := range m.Funcs {
		if err := v.typeIndex(t, 0); err != nil {
			return v.m.within(err, v.importedFn+i)
		}
	}
	v.funcs = append(v.funcs, m.Funcs...)
	v.declared = make([]bool, len(v.funcs))
	for _, t := range m.Tables {
		if err := checkLimits("table", t.Limits, 1<<32-1, 0); err != nil {
			return err
		}
	}
	v.tables = append(v.tables, m.Tables...)
	for _, l := range m.Memories {
		if err := checkLimits("memory", l, 1<<16, 0); err != nil {
			return err
		}
	}
	if v.memories += len(m.Memories); v.memories > 1 {
		return foreign("multi-memory", "multiple memories", fmt.Sprintf("%d of them", v.memories), 0)
	}
	for i := range m.Globals {
		if err := v.constant(m.Globals[i].Init, m.Globals[i].Type.Type); err != nil {
			return err
		}
		v.globals = append(v.globals, m.Globals[i].Type)
	}
	return nil
}

// constant checks that e has type want. Only imported, immutable globals are visible to it (spec 3.3.10).
func (v *validator) constant(e ConstExpr, want ValueType) error {
	var got ValueType
	switch e.Op {
	case OpI32Const:
		got = I32
	case OpI64Const:
		got = I64
	case OpF32Const:
		got = F32
	case OpF64Const:
		got = F64
	case OpRefNull:
		got = ValueType(e.Value)
	case OpRefFunc:
		if e.Value >= uint64(len(v.funcs)) {
			return invalid(e.Offset, "unknown function %d of %d", e.Value, len(v.funcs))
		}
		v.declared[e.Value] = true
		got = FuncRef
	case OpGlobalGet:
		if e.Value >= uint64(v.imported) {
			return invalid(e.Offset, "unknown global %d: a constant expression sees the %d imported ones", e.Value, v.imported)
		}
		g := v.globals[e.Value]
		if g.Mutable {
			return invalid(e.Offset, "constant expression required: global %d is mutable", e.Value)
		}
		got = g.Type
	default:
		return invalid(e.Offset, "constant expression required, found %s", e.Op)
	}
	if got != want {
		return invalid(e.Offset, "type mismatch in constant expression: expected %s, found %s", want, got)
	}
	return nil
}

func (v *validator) segments() error {
	for i := range v.m.Elems {
		e := &v.m.Elems[i]
		if e.Mode == Active {
			if uint64(e.Table) >= uint64(len(v.tables)) {
				return invalid(e.Place.Offset, "unknown table %d in element segment %d", e.Table, i)
			}
			if t := v.tables[e.Table].Elem; t != e.Type {
				return invalid(e.Place.Offset, "type mismatch: element segment %d is of %s, table %d of %s", i, e.Type, e.Table, t)
			}
			if err := v.constant(e.Place, I32); err != nil {
				return err
			}
		}
		for _, c := range e.Init {
			if err := v.constant(c, e.Type); err != nil {
				return err
			}
		}
	}
	for i := range v.m.Datas {
		d := &v.m.Datas[i]
		if d.Mode != Active {
			continue
		}
		if v.memories == 0 {
			return invalid(d.Place.Offset, "unknown memory 0 in data segment %d", i)
		}
		if err := v.constant(d.Place, I32); err != nil {
			return err
		}
	}
	return nil
}

func (v *validator) exports() error {
	seen := make(map[string]bool, len(v.m.Exports))
	for _, e := range v.m.Exports {
		if seen[e.Name] {
			return invalid(0, "duplicate export name %q", e.Name)
		}
		seen[e.Name] = true
		space := [...]int{ExternFunc: len(v.funcs), ExternTable: len(v.tables), ExternMemory: v.memories, ExternGlobal: len(v.globals)}
		if uint64(e.Index) >= uint64(space[e.Kind]) {
			return invalid(0, "export %q: unknown %s %d", e.Name, e.Kind, e.Index)
		}
		if e.Kind == ExternFunc {
			v.declared[e.Index] = true
		}
	}
	if s := v.m.Start; s != nil {
		if uint64(*s) >= uint64(len(v.funcs)) {
			return invalid(0, "unknown function %d as start function", *s)
		}
		if t := v.m.Types[v.funcs[*s]]; len(t.Params)+len(t.Results) != 0 {
			return invalid(0, "start function %d must have no parameters and no results, has type %s", *s, t)
		}
	}
	return nil
}
