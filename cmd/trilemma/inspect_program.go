package main

import (
	"fmt"
	"strings"

	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/machine/tally"
	"github.com/trilemma-dev/trilemma/wasm"
)

// programJSON is the register program that one call of a module becomes. It depends on the function and the kinds of its parameters, not
// on their values.
type programJSON struct {
	wire.ProgramHead
	Listing []functionJSON `json:"listing,omitempty"`
}

// functionJSON is a function of a program. What is not the guest's own has no index and no offsets.
type functionJSON struct {
	Origin string     `json:"origin"` // guest, shim or stub
	Index  *uint32    `json:"function,omitempty"`
	Name   string     `json:"name,omitempty"`
	Type   string     `json:"type"`
	Frame  uint32     `json:"frame"` // cells
	Lines  []lineJSON `json:"lines"`
}

type lineJSON struct {
	PC     uint32     `json:"pc"`
	Weight uint32     `json:"weight"` // fuel taken here
	Target bool       `json:"target"` // something jumps here
	Text   string     `json:"text"`
	Wasm   []wasmJSON `json:"wasm"`
}

type wasmJSON struct {
	Offset *uint32 `json:"offset,omitempty"`
	Text   string  `json:"text"`
}

// entryOf is the entry for a call with plain numbers, or bytes as the result where the module says so; "_start" is the command.
func entryOf(m *wasm.Module, fun string) (link.Entry, error) {
	if fun == "_start" {
		return link.Entry{}, nil
	}
	if err := link.Check(m, fun); err != nil {
		return link.Entry{}, err
	}
	sig, _ := m.TypeOfFunc(m.Export(fun).Index)
	e := link.Entry{Func: fun}
	for _, t := range sig.Params {
		e.Params = append(e.Params, link.Kind(t.String()))
	}
	for _, t := range sig.Results {
		e.Results = append(e.Results, link.Kind(t.String()))
	}
	if m.Export("cabi_post_"+fun) != nil {
		e.Results = []link.Kind{link.Bytes}
	}
	return e, nil
}

// programOf lowers the call of a function of m, which is named in messages.
func programOf(name string, m *wasm.Module, fun string) (*machine.Program, error) {
	e, err := entryOf(m, fun)
	if err != nil {
		return nil, usage("%s: %w", name, err)
	}
	l, err := link.Link(m, e)
	if err != nil {
		return nil, usage("%s: %w", name, err)
	}
	p, err := machine.Lower(l)
	if err != nil {
		return nil, usage("%s: %w", name, err)
	}
	return p, nil
}

// listing is a whole program as JSON.
func listing(p *machine.Program, m *wasm.Module) ([]functionJSON, error) {
	out := []functionJSON{{Origin: "entry", Type: wasm.FuncType{}.String(), Lines: []lineJSON{}}}
	for pc := range uint32(2) { // the call of the stub, and the halt behind it
		out[0].Lines = append(out[0].Lines, lineJSON{PC: pc, Text: shown(p, &p.Code[pc]), Wasm: []wasmJSON{}})
	}
	for i := range p.Functions() {
		l, err := p.List(i, m)
		if err != nil {
			return nil, err
		}
		f := functionJSON{Origin: l.Origin.Kind.String(), Name: l.Origin.Name, Type: l.Type.String(), Frame: l.Frame, Lines: make([]lineJSON, 0, len(l.Lines))}
		if l.Origin.Kind == link.FromGuest {
			f.Index = &l.Origin.Func
		}
		for k := range l.Lines {
			f.Lines = append(f.Lines, lineOf(p, &l.Lines[k]))
		}
		out = append(out, f)
	}
	return out, nil
}

func lineOf(p *machine.Program, l *machine.Line) lineJSON {
	out := lineJSON{PC: l.PC, Weight: l.Instr.W, Target: l.Target, Text: shown(p, &l.Instr), Wasm: make([]wasmJSON, len(l.Wasm))}
	for i := range l.Wasm {
		out.Wasm[i].Text = l.Wasm[i].Text
		if l.Wasm[i].Offset != 0 {
			out.Wasm[i].Offset = &l.Wasm[i].Offset
		}
	}
	return out
}

// shown is an instruction, with the name of what it calls.
func shown(p *machine.Program, in *machine.Instr) string {
	text := in.String()
	if in.Op == machine.OpCall {
		text += "  (" + tally.Name(p.Linked.Origin[p.Place(in.T).Func]) + ")"
	}
	return text
}

// program shows a listing for people: a table for each function.
func (v *view) program(list []functionJSON) {
	for _, f := range list {
		title := f.Origin
		if f.Index != nil {
			title += fmt.Sprintf(" function %d", *f.Index)
		}
		if f.Name != "" {
			title += " " + f.Name
		}
		rows := [][]string{{"  PC", "FUEL", "INSTRUCTION", "WASM"}}
		for _, l := range f.Lines {
			mark, fuel := " ", ""
			if l.Target {
				mark = ">"
			}
			if l.Weight > 0 {
				fuel = fmt.Sprint(l.Weight)
			}
			var from []string
			for _, w := range l.Wasm {
				if w.Offset != nil {
					from = append(from, fmt.Sprintf("%#x %s", *w.Offset, w.Text))
				} else {
					from = append(from, w.Text)
				}
			}
			rows = append(rows, []string{fmt.Sprintf("%s %d", mark, l.PC), fuel, l.Text, strings.Join(from, "; ")})
		}
		v.parts = append(v.parts, part{fmt.Sprintf("%s %s, frame of %d cells", title, f.Type, f.Frame), rows})
	}
}
