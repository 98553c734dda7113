package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/preflight"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/wasm"
)

// moduleJSON is a module as inspect shows it. What the verdict did not let us read is absent.
type moduleJSON struct {
	Kind      string       `json:"kind"` // module
	CID       string       `json:"cid"`
	Bytes     int          `json:"bytes"`
	Verdict   profileJSON  `json:"verdict"`
	Functions *int         `json:"functions,omitempty"`
	Memory    *memoryJSON  `json:"memory,omitempty"`
	Imports   []externJSON `json:"imports"`
	Exports   []externJSON `json:"exports"`
	Linkable  bool         `json:"linkable"` // there is a call that links
	Calls     []callJSON   `json:"calls"`
	programJSON
}

// profileJSON says whether the profile allows a module, and if not why and where.
type profileJSON struct {
	Profile  string  `json:"profile"`
	Outcome  string  `json:"outcome"` // accepted, malformed, invalid or refused
	Message  string  `json:"message,omitempty"`
	Feature  string  `json:"feature,omitempty"`
	Function *int    `json:"function,omitempty"`
	Name     string  `json:"function_name,omitempty"`
	Offset   *uint32 `json:"offset,omitempty"`
}

// memoryJSON is a memory's size in pages of 64 KiB.
type memoryJSON struct {
	Min uint32  `json:"min_pages"`
	Max *uint32 `json:"max_pages,omitempty"`
}

type externJSON struct {
	Module string `json:"module,omitempty"`
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	Type   string `json:"type,omitempty"`
}

// callJSON is one way to call a module: as a command, for which Invoke is empty, or one of its functions.
type callJSON struct {
	Invoke   string `json:"invoke,omitempty"`
	Linkable bool   `json:"linkable"`
	Reason   string `json:"reason,omitempty"`
	Usage    string `json:"usage,omitempty"`
}

// maxCalls and maxLinked bound the work for a module with many exports: so many are tried, while they are so many bytes
// together.
const (
	maxCalls  = 100
	maxLinked = 64 << 20
)

func inspectModule(name string, data []byte, f inspectFlags) (*view, error) {
	out := moduleJSON{Kind: "module", CID: block.Raw(data).CID.String(), Bytes: len(data), Imports: []externJSON{}, Exports: []externJSON{}, Calls: []callJSON{}}
	v := &view{}
	m, err := wasm.Load(data)
	out.Verdict = profileVerdict(err)
	switch out.Verdict.Outcome {
	case accepted:
	case wasm.Malformed.String():
		v.code = exitUsage
	default:
		v.code = exitFailed
	}
	v.fact("kind", "WebAssembly module")
	v.fact("cid", out.CID)
	v.fact("size", fmt.Sprintf("%d bytes", out.Bytes))
	if err == nil {
		v.fact("verdict", fmt.Sprintf("profile %s allows it", link.Profile))
	} else {
		v.fact("verdict", out.Verdict.Outcome+": "+err.Error())
	}
	if m != nil {
		functions := len(m.Funcs)
		out.Functions = &functions
		v.fact("functions", fmt.Sprintf("%d, and %d imported", functions, m.ImportedFuncs()))
		if len(m.Memories) > 0 {
			out.Memory = &memoryJSON{Min: m.Memories[0].Min}
			if m.Memories[0].HasMax {
				out.Memory.Max = &m.Memories[0].Max
			}
			v.fact("memory", limitsText(m.Memories[0], "pages of 64 KiB"))
		}
		out.Imports, out.Exports = imports(m), exports(m)
	}
	if err == nil {
		out.Calls = calls(name, m, len(data))
		for _, c := range out.Calls {
			out.Linkable = out.Linkable || c.Linkable
		}
		word := "no: there is nothing to call"
		if out.Linkable {
			word = "yes"
		} else if len(out.Calls) > 0 {
			word = "no: " + out.Calls[0].Reason
		}
		v.fact("linkable", word)
		if err := v.lowered(&out, name, m, f); err != nil {
			return nil, err
		}
	}
	v.json = out
	if f.program {
		v.program(out.Listing)
		return v, nil
	}
	v.parts = append(v.parts, externs("imports", out.Imports)...)
	v.parts = append(v.parts, externs("exports", out.Exports)...)
	if out.Linkable {
		rows := [][]string{}
		for _, c := range out.Calls {
			if c.Linkable {
				rows = append(rows, []string{"  " + c.Usage})
			} else {
				rows = append(rows, []string{"  not " + c.Invoke + ": " + c.Reason})
			}
		}
		if left := len(callable(m)) - len(out.Calls); left > 0 {
			rows = append(rows, []string{fmt.Sprintf("  and %d more functions", left)})
		}
		if m.Export("cabi_realloc") != nil {
			rows = append(rows, []string{"  I32 I32 in a row may be one text or @FILE; --result is bytes or string if the result is one"})
		}
		v.parts = append(v.parts, part{"how to call it", rows})
	}
	return v, nil
}

// lowered shows the program of the function that was asked for, or of the first call that links.
func (v *view) lowered(out *moduleJSON, name string, m *wasm.Module, f inspectFlags) error {
	fun := f.invoke
	for i := 0; fun == "" && i < len(out.Calls); i++ {
		if c := out.Calls[i]; c.Linkable {
			fun = cmp.Or(c.Invoke, "_start")
		}
	}
	if fun == "" && !f.program {
		return nil
	}
	p, err := programOf(name, m, cmp.Or(fun, "_start"))
	if errors.Is(err, machine.ErrTooLarge) && f == (inspectFlags{}) { // it is not what was asked for
		return nil
	}
	if err != nil {
		return err
	}
	out.ProgramHead = preflight.HeadOf(p)
	v.fact("program", fmt.Sprintf("%s: %d instructions, of %s", out.Program, out.Instructions, fun))
	if f.program {
		out.Listing, err = listing(p, m)
	}
	return err
}

const accepted = "accepted"

func profileVerdict(err error) profileJSON {
	p := profileJSON{Profile: link.Profile, Outcome: accepted}
	if err == nil {
		return p
	}
	p.Outcome, p.Message = wasm.Malformed.String(), err.Error()
	if e, ok := errors.AsType[*wasm.Error](err); ok {
		p.Outcome, p.Message, p.Feature, p.Name = e.Kind.String(), e.Msg, e.Feature, e.FuncName
		if e.Func >= 0 {
			p.Function = &e.Func
		}
		if e.Offset > 0 {
			p.Offset = &e.Offset
		}
	}
	return p
}

func limitsText(l wasm.Limits, unit string) string {
	if l.HasMax {
		return fmt.Sprintf("%d to %d %s", l.Min, l.Max, unit)
	}
	return fmt.Sprintf("from %d %s", l.Min, unit)
}

func globalText(g wasm.GlobalType) string {
	if g.Mutable {
		return "mut " + g.Type.String()
	}
	return g.Type.String()
}

func imports(m *wasm.Module) []externJSON {
	out := make([]externJSON, 0, len(m.Imports))
	for _, im := range m.Imports {
		e := externJSON{Module: im.Module, Name: im.Name, Kind: im.Kind.String()}
		switch im.Kind {
		case wasm.ExternFunc:
			if int(im.Func) < len(m.Types) {
				e.Type = m.Types[im.Func].String()
			}
		case wasm.ExternTable:
			e.Type = im.Table.Elem.String() + " " + limitsText(im.Table.Limits, "elements")
		case wasm.ExternMemory:
			e.Type = limitsText(im.Memory, "pages")
		case wasm.ExternGlobal:
			e.Type = globalText(im.Global)
		}
		out = append(out, e)
	}
	return out
}

// exports lists what m exports. If m imports anything but functions, which no task may, only functions have a type here.
func exports(m *wasm.Module) []externJSON {
	own := len(m.Imports) == int(m.ImportedFuncs())
	out := make([]externJSON, 0, len(m.Exports))
	for _, x := range m.Exports {
		e := externJSON{Name: x.Name, Kind: x.Kind.String()}
		switch i := int(x.Index); {
		case x.Kind == wasm.ExternFunc:
			if t, ok := m.TypeOfFunc(x.Index); ok {
				e.Type = t.String()
			}
		case own && x.Kind == wasm.ExternMemory && i < len(m.Memories):
			e.Type = limitsText(m.Memories[i], "pages")
		case own && x.Kind == wasm.ExternTable && i < len(m.Tables):
			e.Type = m.Tables[i].Elem.String() + " " + limitsText(m.Tables[i].Limits, "elements")
		case own && x.Kind == wasm.ExternGlobal && i < len(m.Globals):
			e.Type = globalText(m.Globals[i].Type)
		}
		out = append(out, e)
	}
	return out
}

func externs(title string, list []externJSON) []part {
	if len(list) == 0 {
		return nil
	}
	rows := make([][]string, 0, len(list))
	for _, e := range list {
		name := e.Name
		if e.Module != "" {
			name = e.Module + "." + e.Name
		}
		rows = append(rows, []string{"  " + name, e.Kind, e.Type})
	}
	return []part{{title, rows}}
}

// callable lists the exported functions that are no part of a calling convention, _start first.
func callable(m *wasm.Module) (out []string) {
	for _, x := range m.Exports {
		switch {
		case x.Kind != wasm.ExternFunc || x.Name == "_initialize" || strings.HasPrefix(x.Name, "cabi_"):
		case x.Name == "_start":
			out = slices.Insert(out, 0, x.Name)
		default:
			out = append(out, x.Name)
		}
	}
	return out
}

// calls tries to link m for each of what can be called.
func calls(name string, m *wasm.Module, size int) []callJSON {
	out := []callJSON{}
	for i, f := range callable(m) {
		if i == maxCalls || i > 0 && (i+1)*size > maxLinked {
			break
		}
		if f == "_start" {
			out = append(out, tryLink(m, link.Entry{}, "trilemma exec "+quote(name)+" -- [ARG...]"))
		} else {
			out = append(out, function(name, m, m.Export(f)))
		}
	}
	return out
}

// function tries to link an exported function for plain numbers.
func function(name string, m *wasm.Module, x *wasm.Export) callJSON {
	e, err := entryOf(m, x.Name)
	if err != nil {
		return callJSON{Invoke: x.Name, Reason: err.Error()}
	}
	usage := "trilemma exec " + quote(name) + " --invoke " + quote(x.Name)
	for _, k := range e.Params {
		usage += " " + strings.ToUpper(string(k))
	}
	if m.Export("cabi_post_"+x.Name) != nil {
		usage += " --result bytes"
	}
	c := tryLink(m, e, usage)
	c.Invoke = x.Name
	return c
}

func tryLink(m *wasm.Module, e link.Entry, usage string) callJSON {
	if _, err := link.Link(m, e); err != nil {
		return callJSON{Reason: err.Error()}
	}
	return callJSON{Linkable: true, Usage: usage}
}

// quote quotes a name for a shell, where it needs to be.
func quote(name string) string {
	if completable(strings.ReplaceAll(name, "/", "-")) && !strings.HasPrefix(name, "-") || name == "-" {
		return name
	}
	return "'" + strings.ReplaceAll(printable(name), "'", `'\''`) + "'"
}
