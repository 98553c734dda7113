package link

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trilemma-dev/trilemma/wasm"
)

// unit is one of the modules that are merged: the guest or the shim.
type unit struct {
	m        *wasm.Module
	origin   OriginKind
	imported uint32
	names    map[uint32]string
	globals  uint32            // linked index of its global 0
	reached  []bool            // defined functions, by index without imports
	linked   []uint32          // their linked indices, once assigned
	refs     map[uint32]bool   // functions that reached code names with ref.func
	types    map[uint32]uint32 // linked indices of its types, as far as they were asked for
	imports  []uint32          // of each imported function: the shim's function, or for the shim the primitive
}

// merger joins the units into one module.
type merger struct {
	guest, shim *unit
	out         wasm.Module
	types       map[string]uint32
	todo        []func() error
}

// merge makes the linked module of m for plan p.
func merge(m, shim *wasm.Module, p *plan) (*wasm.Module, []Origin, error) {
	g := &merger{guest: newUnit(m, FromGuest), shim: newUnit(shim, FromShim), types: map[string]uint32{}}
	if err := g.resolveImports(); err != nil {
		return nil, nil, err
	}
	if err := g.reach(p); err != nil {
		return nil, nil, err
	}
	g.layout()
	origin, err := g.functions(p)
	if err != nil {
		return nil, nil, err
	}
	g.state(p)
	return &g.out, origin, nil
}

func newUnit(m *wasm.Module, k OriginKind) *unit {
	u := &unit{m: m, origin: k, imported: m.ImportedFuncs(), reached: make([]bool, len(m.Funcs)),
		linked: make([]uint32, len(m.Funcs)), refs: map[uint32]bool{}, types: map[uint32]uint32{}, names: m.FuncNames}
	return u
}

// resolveImports maps the guest's imports to functions of the shim, and the shim's to the primitives.
func (g *merger) resolveImports() error {
	for i := range g.guest.m.Imports {
		f, err := wasiFunc(g.guest.m, g.shim.m, &g.guest.m.Imports[i])
		if err != nil {
			return err
		}
		g.guest.imports = append(g.guest.imports, f)
	}
	names := []string{"in_len", "in_word", "out_word", "exit"}
	for _, im := range g.shim.m.Imports {
		if im.Kind != wasm.ExternFunc {
			continue
		}
		f := slices.Index(names, im.Name)
		if im.Module != Primitives || f < 0 {
			return fmt.Errorf("link: shim imports %s.%s", im.Module, im.Name)
		}
		g.shim.imports = append(g.shim.imports, uint32(f))
	}
	return nil
}

// reach marks every function that can be called from the stub, from a table, or through a reference.
func (g *merger) reach(p *plan) error {
	p.roots(func(f uint32) { g.mark(g.guest, f) }, func(name string) { g.mark(g.shim, g.shim.m.Export(name).Index) })
	if p.trap == "" {
		for i := range g.guest.m.Elems {
			if s := &g.guest.m.Elems[i]; s.Mode != wasm.Declarative {
				for _, c := range s.Init {
					g.markConst(c)
				}
			}
		}
	}
	for i := range g.guest.m.Globals {
		g.markConst(g.guest.m.Globals[i].Init)
	}
	for len(g.todo) > 0 {
		next := g.todo[len(g.todo)-1]
		g.todo = g.todo[:len(g.todo)-1]
		if err := next(); err != nil {
			return err
		}
	}
	if flush := g.shim.m.Export(shimFlush).Index; g.buffers() {
		g.mark(g.shim, flush)
	}
	return nil
}

// buffers reports whether linked code may leave output in the shim's buffers.
func (g *merger) buffers() bool {
	f := g.shim.m.Export("fd_write").Index
	return g.shim.reached[f-g.shim.imported]
}

func (g *merger) markConst(c wasm.ConstExpr) {
	if c.Op == wasm.OpRefFunc {
		g.mark(g.guest, uint32(c.Value))
	}
}

// mark adds function f of u, and later what it calls.
func (g *merger) mark(u *unit, f uint32) {
	if f < u.imported {
		if u == g.guest {
			g.mark(g.shim, u.imports[f])
		}
		return
	}
	i := f - u.imported
	if u.reached[i] {
		return
	}
	u.reached[i] = true
	g.todo = append(g.todo, func() error {
		c := &u.m.Code[i]
		for r := wasm.NewReader(c.Body, c.Offset); r.More(); {
			in, err := r.Next()
			if err != nil {
				return fmt.Errorf("link: module is not validated: %w", err)
			}
			switch in.Op {
			case wasm.OpRefFunc:
				u.refs[in.Index] = true
				g.mark(u, in.Index)
			case wasm.OpCall:
				g.mark(u, in.Index)
			}
		}
		return nil
	})
}

// layout assigns linked indices: the primitives, the guest's functions in their order, the shim's in theirs, the stub.
func (g *merger) layout() {
	next := uint32(NumPrimitives)
	for _, u := range []*unit{g.guest, g.shim} {
		for i, ok := range u.reached {
			if ok {
				u.linked[i] = next
				next++
			}
		}
	}
	g.shim.globals = uint32(len(g.guest.m.Globals))
}

// index returns the linked index of function f of u.
func (g *merger) index(u *unit, f uint32) uint32 {
	switch {
	case f >= u.imported:
		return u.linked[f-u.imported]
	case u == g.guest:
		return g.index(g.shim, u.imports[f])
	}
	return u.imports[f]
}

// typeOf interns type i of u.
func (g *merger) typeOf(u *unit, i uint32) uint32 {
	t, ok := u.types[i]
	if !ok {
		t = g.typeIndex(u.m.Types[i])
		u.types[i] = t
	}
	return t
}

// typeIndex interns t.
func (g *merger) typeIndex(t wasm.FuncType) uint32 {
	var key strings.Builder
	for _, v := range t.Params {
		key.WriteByte(byte(v))
	}
	key.WriteByte(0)
	for _, v := range t.Results {
		key.WriteByte(byte(v))
	}
	i, ok := g.types[key.String()]
	if !ok {
		i = uint32(len(g.out.Types))
		g.types[key.String()] = i
		g.out.Types = append(g.out.Types, t)
	}
	return i
}

// functions writes imports, bodies and the stub.
func (g *merger) functions(p *plan) ([]Origin, error) {
	i32, i64 := wasm.I32, wasm.I64
	for i, t := range []wasm.FuncType{
		FuncInLen:   {Params: []wasm.ValueType{i32}, Results: []wasm.ValueType{i32}},
		FuncInWord:  {Params: []wasm.ValueType{i32, i32}, Results: []wasm.ValueType{i64}},
		FuncOutWord: {Params: []wasm.ValueType{i32, i64, i32}},
		FuncExit:    {Params: []wasm.ValueType{i32}},
	} {
		name := [...]string{"in_len", "in_word", "out_word", "exit"}[i]
		g.out.Imports = append(g.out.Imports, wasm.Import{Module: Primitives, Name: name, Func: g.typeIndex(t)})
	}
	var origin []Origin
	for _, u := range []*unit{g.guest, g.shim} {
		for i, ok := range u.reached {
			if !ok {
				continue
			}
			c := &u.m.Code[i]
			f := uint32(i) + u.imported
			body, err := g.body(u, c)
			if err != nil {
				return nil, err
			}
			g.out.Funcs = append(g.out.Funcs, g.typeOf(u, u.m.Funcs[i]))
			g.out.Code = append(g.out.Code, wasm.Code{Locals: c.Locals, Body: body})
			origin = append(origin, Origin{Kind: u.origin, Func: f, Name: u.name(f), Offset: c.Offset, End: c.Offset + uint32(len(c.Body))})
		}
	}
	start := NumPrimitives + uint32(len(g.out.Funcs))
	g.out.Funcs = append(g.out.Funcs, g.typeIndex(wasm.FuncType{}))
	g.out.Code = append(g.out.Code, p.stub(linked{
		guest: func(f uint32) uint32 { return g.index(g.guest, f) },
		shim:  func(name string) uint32 { return g.index(g.shim, g.shim.m.Export(name).Index) },
		flush: p.trap == "" && g.buffers(),
	}))
	g.out.Exports = []wasm.Export{{Name: Start, Kind: wasm.ExternFunc, Index: start}}
	return append(origin, Origin{Kind: FromStub, Name: Start}), nil
}

// name finds what to call function f in messages.
func (u *unit) name(f uint32) string {
	if n := u.names[f]; n != "" {
		return n
	}
	for _, e := range u.m.Exports {
		if e.Kind == wasm.ExternFunc && e.Index == f {
			return e.Name
		}
	}
	return ""
}

// body rewrites the indices in c. Instructions and their order stay.
func (g *merger) body(u *unit, c *wasm.Code) ([]byte, error) {
	out := make([]byte, 0, len(c.Body)+len(c.Body)/8)
	for r := wasm.NewReader(c.Body, c.Offset); r.More(); {
		in, err := r.Next()
		if err != nil {
			return nil, fmt.Errorf("link: module is not validated: %w", err)
		}
		switch in.Op {
		case wasm.OpCall, wasm.OpRefFunc:
			in.Index = g.index(u, in.Index)
		case wasm.OpCallIndirect:
			in.Index = g.typeOf(u, in.Index)
		case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
			if in.Block >= 0 {
				in.Block = wasm.BlockType(g.typeOf(u, uint32(in.Block)))
			}
		case wasm.OpGlobalGet, wasm.OpGlobalSet:
			in.Index += u.globals
		}
		out = wasm.AppendInstr(out, in)
	}
	return out, nil
}

// state carries over memory, tables, globals and segments.
func (g *merger) state(p *plan) {
	m := g.guest.m
	g.out.Tables, g.out.Memories = m.Tables, m.Memories
	shimmed := slices.Contains(g.shim.reached, true)
	if len(m.Memories) == 0 && shimmed {
		g.out.Memories = []wasm.Limits{{HasMax: true}} // the shim traps where it would touch memory
	}
	for _, x := range m.Globals {
		x.Init = g.constant(x.Init)
		g.out.Globals = append(g.out.Globals, x)
	}
	if shimmed {
		g.out.Globals = append(g.out.Globals, g.shim.m.Globals...)
	}
	g.out.Datas, g.out.DataCount = m.Datas, m.DataCount
	if p.trap != "" { // nothing is applied; the stub traps
		g.out.Datas = make([]wasm.Data, len(m.Datas))
		for i := range g.out.Datas {
			g.out.Datas[i].Mode = wasm.Passive
		}
	}
	g.elements(p.trap != "")
}

func (g *merger) constant(c wasm.ConstExpr) wasm.ConstExpr {
	if c.Op == wasm.OpRefFunc {
		c.Value = uint64(g.index(g.guest, uint32(c.Value)))
	}
	return c
}

// elements carries over the element segments, under their indices. Declarative ones are emptied: their one purpose, to
// allow ref.func, is served by a last one that names all functions that linked code refers to, since exports, which
// serve it too, are gone.
func (g *merger) elements(none bool) {
	for _, s := range g.guest.m.Elems {
		if none {
			s.Mode = wasm.Declarative
		}
		init := make([]wasm.ConstExpr, 0, len(s.Init))
		if s.Mode != wasm.Declarative {
			for _, c := range s.Init {
				init = append(init, g.constant(c))
			}
		}
		s.Init = init
		g.out.Elems = append(g.out.Elems, s)
	}
	var refs []uint32
	for f := range g.guest.refs {
		refs = append(refs, g.index(g.guest, f))
	}
	if len(refs) == 0 {
		return
	}
	slices.Sort(refs)
	s := wasm.Elem{Mode: wasm.Declarative, Type: wasm.FuncRef}
	for _, f := range slices.Compact(refs) {
		s.Init = append(s.Init, wasm.ConstExpr{Op: wasm.OpRefFunc, Value: uint64(f)})
	}
	g.out.Elems = append(g.out.Elems, s)
}
