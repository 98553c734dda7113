package link

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/trilemma-dev/trilemma/wasm"
)

// Functions of the shim that the stub calls; guests cannot import them.
const (
	internalPrefix = "tm_"
	shimCopyIn     = "tm_copy_in"  // (stream, ptr, len): the first len bytes of an input stream into memory
	shimCopyOut    = "tm_copy_out" // (stream, ptr, len): memory to an output stream, closing it if len is no multiple of 8
	shimFlush      = "tm_flush"    // (): the bytes of stdout and stderr that do not fill a word
)

// plan says what the stub does. Function indices are the guest's.
type plan struct {
	entry     Entry
	trap      TrapKind // an active segment is out of bounds: nothing else happens
	before    []uint32 // () → () functions to call first: start function, _initialize
	call      uint32
	signature wasm.FuncType
	realloc   *uint32
	post      *uint32
}

// planEntry checks e against the exports of m.
func planEntry(m *wasm.Module, e Entry) (*plan, error) {
	p := &plan{entry: e, trap: segmentTrap(m)}
	name := e.Func
	if name == "" {
		name = "_start"
	}
	var err error
	if p.call, err = exportedFunc(m, name); err != nil {
		return nil, err
	}
	p.signature, _ = m.TypeOfFunc(p.call)
	if m.Start != nil {
		p.before = append(p.before, *m.Start)
	}
	if init, err := exportedFunc(m, "_initialize"); err == nil && name != "_initialize" {
		if t, _ := m.TypeOfFunc(init); !equalType(t, wasm.FuncType{}) {
			return nil, errorf("", "export _initialize has type %s, want () → ()", typeString(t))
		}
		p.before = append(p.before, init)
	}
	if e.Func == "" {
		if len(e.Params)+len(e.Results) > 0 {
			return nil, errorf("", "a command takes no parameters and has no results")
		}
		if !equalType(p.signature, wasm.FuncType{}) {
			return nil, errorf("", "export _start has type %s, want () → ()", typeString(p.signature))
		}
		return p, nil
	}
	return p, p.function(m)
}

// function checks the parameters and results of a function entry, and finds what the canonical ABI needs.
func (p *plan) function(m *wasm.Module) error {
	e := p.entry
	if len(e.Params) > MaxStreams-StreamParam {
		return errorf("", "function %s has %d parameters, at most %d are possible", show(e.Func), len(e.Params), MaxStreams-StreamParam)
	}
	params, bytes, err := flatten(e.Params)
	if err != nil {
		return err
	}
	results, bytesOut, err := flatten(e.Results)
	if err != nil {
		return err
	}
	if bytesOut {
		if len(e.Results) != 1 {
			return errorf("", "a bytes or string result must be the only one")
		}
		results = []wasm.ValueType{wasm.I32} // a pointer to (ptr, len)
	}
	if want := (wasm.FuncType{Params: params, Results: results}); !equalType(want, p.signature) {
		return errorf("", "function %s has type %s, the call needs %s", show(e.Func), typeString(p.signature), typeString(want))
	}
	if (bytes || bytesOut) && len(m.Memories) == 0 {
		return errorf("", "function %s is called with bytes, but the module has no memory", show(e.Func))
	}
	if bytes {
		r, err := exportedFunc(m, "cabi_realloc")
		if err != nil {
			return errorf("export cabi_realloc(ptr, size, align, new size) from the module", "bytes and strings are passed through cabi_realloc, which the module does not export")
		}
		four := wasm.FuncType{Params: []wasm.ValueType{wasm.I32, wasm.I32, wasm.I32, wasm.I32}, Results: []wasm.ValueType{wasm.I32}}
		if t, _ := m.TypeOfFunc(r); !equalType(t, four) {
			return errorf("", "export cabi_realloc has type %s, want %s", typeString(t), typeString(four))
		}
		p.realloc = &r
	}
	if post, err := exportedFunc(m, "cabi_post_"+e.Func); err == nil && bytesOut {
		if t, _ := m.TypeOfFunc(post); !equalType(t, wasm.FuncType{Params: []wasm.ValueType{wasm.I32}}) {
			return errorf("", "export cabi_post_%s has type %s, want (i32) → ()", show(e.Func), typeString(t))
		}
		p.post = &post
	}
	return nil
}

// flatten returns the Wasm types that kinds are passed as, and whether bytes or strings are among them.
func flatten(kinds []Kind) (ts []wasm.ValueType, bytes bool, err error) {
	for _, k := range kinds {
		switch k {
		case I32:
			ts = append(ts, wasm.I32)
		case I64:
			ts = append(ts, wasm.I64)
		case F32:
			ts = append(ts, wasm.F32)
		case F64:
			ts = append(ts, wasm.F64)
		case Bytes, String:
			ts, bytes = append(ts, wasm.I32, wasm.I32), true
		default:
			return nil, false, errorf("", "unknown kind %q", k)
		}
	}
	return ts, bytes, nil
}

// exportedFunc returns the function that m exports as name, or an error that names what m does export.
func exportedFunc(m *wasm.Module, name string) (uint32, error) {
	var names []string
	for _, e := range m.Exports {
		if e.Kind != wasm.ExternFunc {
			continue
		}
		if e.Name == name {
			return e.Index, nil
		}
		names = append(names, e.Name)
	}
	if name == "_start" {
		hint := "the module exports no functions at all"
		if len(names) > 0 {
			hint = "name one of its functions to call: " + showAll(names)
		}
		return 0, errorf(hint, "the module is not a WASI command: it exports no function _start")
	}
	hint := nearest(name, names)
	if hint == "" && len(names) > 0 {
		hint = "it exports " + showAll(names)
	}
	return 0, errorf(hint, "the module exports no function %s", show(name))
}

// segmentTrap says how instantiating m traps, or nothing: elements are applied first, then data, each whole or not at all. In this profile
// tables and memories are never imported and offsets are constants, so that it is known before the module runs.
func segmentTrap(m *wasm.Module) TrapKind {
	for i := range m.Elems {
		s := &m.Elems[i]
		if s.Mode == wasm.Active && uint64(uint32(s.Place.Value))+uint64(len(s.Init)) > uint64(m.Tables[s.Table].Limits.Min) {
			return TrapTable
		}
	}
	for i := range m.Datas {
		s := &m.Datas[i]
		if s.Mode == wasm.Active && uint64(uint32(s.Place.Value))+uint64(len(s.Init)) > uint64(m.Memories[0].Min)*PageSize {
			return TrapMemory
		}
	}
	return ""
}

// show quotes a name that comes from a module if it is not plain, and shortens it.
func show(name string) string {
	if r := []rune(name); len(r) > 80 {
		name = string(r[:80]) + "…"
	}
	for _, r := range name {
		if r <= ' ' || r == '"' || r == '`' || !unicode.IsPrint(r) {
			return strconv.Quote(name)
		}
	}
	return name
}

// showAll lists names, eight at most.
func showAll(names []string) string {
	var b strings.Builder
	for i, n := range names {
		if i == 8 {
			fmt.Fprintf(&b, " and %d more", len(names)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(show(n))
	}
	return b.String()
}
