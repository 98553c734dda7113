package machine

import (
	"fmt"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/wasm"
)

// Listing is the program of one function beside the Wasm that it was made from.
type Listing struct {
	Index  int // among the functions that the linked module defines
	Origin link.Origin
	Type   wasm.FuncType
	Frame  uint32 // cells
	First  uint32 // its first instruction
	Lines  []Line
}

// Line is one instruction of the machine.
type Line struct {
	PC     uint32
	Target bool // another instruction of the function may go to it
	Instr  Instr
	Wasm   []Source // what it was made for: every Wasm instruction since the line before that does not make something later
}

// Source is one Wasm instruction. What guest functions hold is shown as it stands in the guest's file, everything else as it stands in the
// linked module.
type Source struct {
	Ordinal uint32 // in the body
	Offset  uint32 // of its first byte in the guest's file; 0 for what is not the guest's
	Text    string
}

// Functions is how many functions the program has.
func (p *Program) Functions() int { return len(p.entries) }

// List shows function i, which must be one of the program's. guest is the module that was linked. The error says that guest is
// another module.
func (p *Program) List(i int, guest *wasm.Module) (*Listing, error) {
	l := &Listing{Index: i, Origin: p.Linked.Origin[i], Type: p.Linked.Module.Types[p.Linked.Module.Funcs[i]],
		Frame: link.FrameCells(p.Linked.Module, i), First: p.entries[i]}
	sources, err := p.sources(i, guest)
	if err != nil {
		return nil, err
	}
	end := p.end(i)
	targets := make(map[uint32]bool)
	for pc := l.First; pc < end; pc++ {
		switch in := &p.Code[pc]; {
		case in.Op == OpJump || in.Op.Class() == ClassBranch:
			targets[in.T] = true
		case in.Op == OpJumpTable:
			for k := range uint32(in.Imm) + 1 {
				targets[pc+1+k] = true
			}
		}
	}
	next := 0
	for pc := l.First; pc < end; pc++ {
		line := Line{PC: pc, Target: targets[pc], Instr: p.Code[pc]}
		upTo := next
		for upTo < len(sources) && sources[upTo].Ordinal <= p.place[pc] {
			upTo++
		}
		line.Wasm, next = sources[next:upTo], upTo
		l.Lines = append(l.Lines, line)
	}
	if n := len(l.Lines); n > 0 { // what closes the body makes nothing
		last := &l.Lines[n-1]
		last.Wasm = append(last.Wasm[:len(last.Wasm):len(last.Wasm)], sources[next:]...)
	}
	return l, nil
}

// end is the first instruction behind function i.
func (p *Program) end(i int) uint32 {
	if i+1 < len(p.entries) {
		return p.entries[i+1]
	}
	return uint32(len(p.Code))
}

// body is what function i was made from, and whether that is the guest's own.
func (p *Program) body(i int, guest *wasm.Module) (c *wasm.Code, own bool, err error) {
	o := p.Linked.Origin[i]
	if o.Kind != link.FromGuest {
		return &p.Linked.Module.Code[i], false, nil
	}
	imported := guest.ImportedFuncs()
	if o.Func < imported || int(o.Func-imported) >= len(guest.Code) || guest.Code[o.Func-imported].Offset != o.Offset {
		return nil, false, fmt.Errorf("machine: the module is not the one that was linked: it has no function %d at byte %#x", o.Func, o.Offset)
	}
	return &guest.Code[o.Func-imported], true, nil
}

// sources reads the Wasm instructions of function i.
func (p *Program) sources(i int, guest *wasm.Module) (out []Source, err error) {
	c, own, err := p.body(i, guest)
	if err != nil {
		return nil, err
	}
	for r := wasm.NewReader(c.Body, c.Offset); r.More(); {
		in, err := r.Next()
		if err != nil {
			return nil, fmt.Errorf("machine: function %d: %w", i, err)
		}
		s := Source{Ordinal: uint32(len(out)), Text: in.String()}
		if own {
			s.Offset = in.Offset
		}
		out = append(out, s)
	}
	return out, nil
}

// Source is the Wasm instruction that instruction pc was made for. The two around the start function were made for none: their Source is
// zero.
func (p *Program) Source(pc uint32, guest *wasm.Module) (s Source, err error) {
	at := p.Place(pc)
	if at.Func < 0 {
		return s, nil
	}
	all, err := p.sources(int(at.Func), guest)
	if err != nil || int(at.Instr) >= len(all) {
		return s, err
	}
	return all[at.Instr], nil
}
