package machine_test

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/trilemma-dev/trilemma/wasm"
)

// driver is the name of the function that addDriver adds.
const driver = "t(k) of the test"

func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// unsuitable says why a module's actions cannot be run as tasks.
func unsuitable(m *wasm.Module) string {
	for i := range m.Exports {
		if e := &m.Exports[i]; e.Kind == wasm.ExternFunc && e.Name == "_initialize" {
			return "exports _initialize"
		}
	}
	return ""
}

// outside says why an action is left out.
func (s *script) outside(c *command) string {
	if c.Type == "assert_uninstantiable" {
		return ""
	}
	if s.module.Export(c.Action.Field) == nil {
		return "of a module that is registered under another name"
	}
	return ""
}

// takesHost reports whether an action has an argument that only a host can make.
func (s *script) takesHost(c *command) bool {
	return slices.ContainsFunc(c.Action.Args, func(a value) bool { return strings.HasSuffix(a.Type, "ref") && a.text() != "null" })
}

// batch is what one run does: actions that return, as many as their results fit into a type, or one that does not return.
type batch struct {
	commands []command
	results  int
}

// batches splits what is to be done, in its order.
func (s *script) batches(todo []command) (all []batch) {
	const most = 500
	for _, c := range todo {
		n := len(s.results(&c))
		last := len(all) - 1
		if last < 0 || !c.returns() || !all[last].commands[0].returns() || all[last].results+n > most {
			all = append(all, batch{})
			last++
		}
		all[last].commands = append(all[last].commands, c)
		all[last].results += n
	}
	return all
}

// returns reports whether the script says that an action comes to its end.
func (c *command) returns() bool { return c.Type == "action" || c.Type == "assert_return" }

// addDriver adds t(k): it does the actions of batch k after those before it that return, and returns their results as i64, padded to width.
func (s *script) addDriver(all []batch) (width int) {
	locals := s.locals(all)
	for _, b := range all {
		width = max(width, b.results)
	}
	m := s.module
	t := wasm.FuncType{Params: []wasm.ValueType{wasm.I32}, Results: slices.Repeat([]wasm.ValueType{wasm.I64}, width)}
	m.Types = append(slices.Clone(m.Types), t)
	m.Funcs = append(slices.Clone(m.Funcs), uint32(len(m.Types)-1))
	var b []byte
	emit := func(in wasm.Instr) { b = wasm.AppendInstr(b, in) }
	first := func(t wasm.ValueType) uint32 {
		n := uint32(1)
		for _, g := range locals {
			if g.Type == t {
				break
			}
			n += g.Count
		}
		return n
	}
	for k, batch := range all {
		if batch.commands[0].Type == "assert_uninstantiable" {
			continue
		}
		emit(wasm.Instr{Op: wasm.OpLocalGet, Index: 0})
		emit(wasm.Instr{Op: wasm.OpI32Const, Const: uint64(k)})
		emit(wasm.Instr{Op: wasm.OpI32Eq})
		emit(wasm.Instr{Op: wasm.OpIf, Block: wasm.BlockEmpty})
		for _, c := range batch.commands {
			s.act(emit, &c)
			results := s.results(&c)
			used := make(map[wasm.ValueType]uint32)
			where := make([]uint32, len(results))
			for i := len(results) - 1; i >= 0; i-- {
				where[i] = first(results[i]) + used[results[i]]
				used[results[i]]++
				emit(wasm.Instr{Op: wasm.OpLocalSet, Index: where[i]})
			}
			for i, r := range results {
				emit(wasm.Instr{Op: wasm.OpLocalGet, Index: where[i]})
				widen(emit, r)
			}
		}
		for range width - batch.results {
			emit(wasm.Instr{Op: wasm.OpI64Const})
		}
		emit(wasm.Instr{Op: wasm.OpReturn})
		emit(wasm.Instr{Op: wasm.OpEnd})
		for _, c := range batch.commands {
			if !c.returns() {
				continue
			}
			s.act(emit, &c)
			for range s.results(&c) {
				emit(wasm.Instr{Op: wasm.OpDrop})
			}
		}
	}
	emit(wasm.Instr{Op: wasm.OpUnreachable})
	emit(wasm.Instr{Op: wasm.OpEnd})
	m.Code = append(slices.Clone(m.Code), wasm.Code{Locals: locals, Body: b})
	m.Exports = append(slices.Clone(m.Exports), wasm.Export{Name: driver, Kind: wasm.ExternFunc, Index: m.ImportedFuncs() + uint32(len(m.Funcs)-1)})
	return width
}

// locals are as many of each type as any action has results of it.
func (s *script) locals(all []batch) (groups []wasm.LocalGroup) {
	for _, t := range []wasm.ValueType{wasm.I32, wasm.I64, wasm.F32, wasm.F64, wasm.FuncRef, wasm.ExternRef} {
		most := uint32(0)
		for _, b := range all {
			for _, c := range b.commands {
				n := uint32(0)
				for _, r := range s.results(&c) {
					if r == t {
						n++
					}
				}
				most = max(most, n)
			}
		}
		groups = append(groups, wasm.LocalGroup{Count: most, Type: t})
	}
	return groups
}

// results are the types of what an action leaves.
func (s *script) results(c *command) []wasm.ValueType {
	if c.Type == "assert_uninstantiable" {
		return nil
	}
	e := s.module.Export(c.Action.Field)
	if c.Action.Type == "get" {
		return []wasm.ValueType{s.module.Globals[e.Index].Type.Type}
	}
	t, _ := s.module.TypeOfFunc(e.Index)
	return t.Results
}

// act does an action.
func (s *script) act(emit func(wasm.Instr), c *command) {
	e := s.module.Export(c.Action.Field)
	if c.Action.Type == "get" {
		emit(wasm.Instr{Op: wasm.OpGlobalGet, Index: e.Index})
		return
	}
	for _, a := range c.Action.Args {
		bits, _ := a.bits()
		switch a.Type {
		case "i32":
			emit(wasm.Instr{Op: wasm.OpI32Const, Const: bits})
		case "i64":
			emit(wasm.Instr{Op: wasm.OpI64Const, Const: bits})
		case "f32":
			emit(wasm.Instr{Op: wasm.OpF32Const, Const: bits})
		case "f64":
			emit(wasm.Instr{Op: wasm.OpF64Const, Const: bits})
		case "externref":
			emit(wasm.Instr{Op: wasm.OpRefNull, Index: uint32(wasm.ExternRef)})
		default:
			emit(wasm.Instr{Op: wasm.OpRefNull, Index: uint32(wasm.FuncRef)})
		}
	}
	emit(wasm.Instr{Op: wasm.OpCall, Index: e.Index})
}

// widen turns the top of the stack into an i64: numbers by their bits, references by whether they are null.
func widen(emit func(wasm.Instr), t wasm.ValueType) {
	switch t {
	case wasm.I64:
		return
	case wasm.F64:
		emit(wasm.Instr{Op: wasm.OpI64ReinterpretF64})
		return
	case wasm.F32:
		emit(wasm.Instr{Op: wasm.OpI32ReinterpretF32})
	case wasm.FuncRef, wasm.ExternRef:
		emit(wasm.Instr{Op: wasm.OpRefIsNull})
	}
	emit(wasm.Instr{Op: wasm.OpI64ExtendI32U})
}
