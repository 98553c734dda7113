package machine

import (
	"errors"
	"fmt"
	"sync"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/wasm"
)

// Bounds of the machine, part of profile tm/1. A frame pointer plus a frame stays within MaxCells, since frames are no larger than
// what [link.FrameCells] counts.
const (
	MaxProgram = 1<<24 - 1<<16      // instructions
	MaxCells   = link.MaxDepthCells // cells of register space
	reach      = 1 << 16            // cells that an operand's index can name
)

// ErrTooLarge says that a module's program would be longer than MaxProgram. It is a property of the module.
var ErrTooLarge = errors.New("the module is too large: its program would have more than 2²⁴ − 2¹⁶ instructions")

// Instr is one instruction. W is the fuel that is charged before it: that of the basic block which begins here, if one does.
type Instr struct {
	Op      Op
	D, A, B uint16
	W       uint32
	T       uint32
	Imm     uint64
}

// Place says which Wasm instruction an instruction was made for: the ordinal within the body of a function that the linked
// module defines, or function −1 for the two instructions around the start function.
type Place struct {
	Func  int32
	Instr uint32
}

// Program is a linked module in the machine's terms. It is immutable and safe for concurrent use.
//
// It begins with a call of the start function and a halt; the functions follow in their order.
type Program struct {
	Code   []Instr
	Linked *link.Linked

	place   []uint32 // by instruction: ordinal of the Wasm instruction
	entries []uint32 // by defined function: index of its first instruction

	globals  []uint64     // initial cells: the module's globals, then the length of each data and each element segment
	tables   []tablePlace // where each table lies
	elements []uint64     // initial cells of all tables
	memory   wasm.Limits  // in pages; zero without a memory
	active   []wasm.Data  // segments that fill the memory at the start
	segments []byte       // what memory.init reads: the passive data segments one after the other
	elems    []uint64     // what table.init reads
	widest   uint32       // cells of the largest frame

	once   sync.Once
	header *Header
}

// tablePlace is where a table lies among the cells of all tables.
type tablePlace struct{ base, size uint32 }

// A reference to a function is one cell: the index of its first instruction, the cells of its frame, its type. Null is zero, and no
// function begins at 0.
const (
	refCells = 24 // bit where the frame's size begins
	refType  = 41 // bit where the type begins
	refCode  = 1<<refCells - 1
)

// Place returns what instruction pc was made for.
func (p *Program) Place(pc uint32) Place {
	lo, hi := 0, len(p.entries)
	for lo < hi {
		if mid := (lo + hi) / 2; p.entries[mid] <= pc {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == 0 || int(pc) >= len(p.place) {
		return Place{Func: -1}
	}
	return Place{Func: int32(lo - 1), Instr: p.place[pc]}
}

// Lower makes the program of a linked module. It is a pure function of l. The error is [ErrTooLarge], unless l was not made
// by [link.Link].
func Lower(l *link.Linked) (*Program, error) {
	p := &Program{Linked: l, entries: make([]uint32, len(l.Module.Code))}
	lo := &lowerer{p: p, m: l.Module}
	lo.segments()
	start := l.Module.Export(link.Start).Index
	lo.calls = append(lo.calls, 0)
	p.Code = append(p.Code, Instr{Op: OpCall, D: uint16(lo.linkCell(wasm.FuncType{})), T: start}, Instr{Op: OpHalt})
	p.place = append(p.place, 0, 0)
	for i := range l.Module.Code {
		p.widest = max(p.widest, link.FrameCells(l.Module, i))
		if err := lo.function(i); err != nil {
			return nil, fmt.Errorf("machine: lower function %d: %w", i, err)
		}
	}
	lo.fix()
	if err := lo.image(); err != nil {
		return nil, fmt.Errorf("machine: %w", err)
	}
	return p, nil
}

// CheckSize returns the error of [Lower] if l has one, without lowering what is certainly small enough.
func CheckSize(l *link.Linked) error {
	if sizeBound(l) <= MaxProgram {
		return nil
	}
	_, err := Lower(l)
	return err
}

// sizeBound is a number of instructions that l's program does not exceed. A byte of code becomes four at most (a br_table's label to the function's end is a
// jump and a return that moves its link), a value that is carried two, a declared local one; in a frame with cells out of reach twice as many.
func sizeBound(l *link.Linked) uint64 {
	all := uint64(2)
	for i := range l.Module.Code {
		c := &l.Module.Code[i]
		n := 4*uint64(len(c.Body)) + 2*uint64(c.Carried)
		for _, g := range c.Locals {
			n += uint64(g.Count)
		}
		if link.FrameCells(l.Module, i) > reach {
			n *= 2
		}
		all += n
	}
	return all
}

// fix fills in what was not known while functions were lowered: where others begin.
func (lo *lowerer) fix() {
	for _, pc := range lo.calls {
		in := &lo.p.Code[pc]
		f := in.T
		in.T = lo.p.entries[f-link.NumPrimitives]
		in.Imm |= uint64(link.FrameCells(lo.m, int(f-link.NumPrimitives))) << 32
	}
	for _, pc := range lo.refs {
		in := &lo.p.Code[pc]
		in.Imm = lo.reference(uint32(in.Imm))
	}
}

// reference is the cell for a reference to function f. Primitives are never referred to.
func (lo *lowerer) reference(f uint32) uint64 {
	i := f - link.NumPrimitives
	return uint64(lo.p.entries[i]) | uint64(link.FrameCells(lo.m, int(i)))<<refCells | uint64(lo.m.Funcs[i])<<refType
}

// segments finds where memory.init and table.init read.
func (lo *lowerer) segments() {
	data, elem := uint32(0), uint32(0)
	for _, s := range lo.m.Datas {
		lo.dataBase = append(lo.dataBase, data)
		if s.Mode == wasm.Passive {
			data += uint32(len(s.Init))
		}
	}
	for _, s := range lo.m.Elems {
		lo.elemBase = append(lo.elemBase, elem)
		if s.Mode == wasm.Passive {
			elem += uint32(len(s.Init))
		}
	}
}

// image computes the initial state.
func (lo *lowerer) image() error {
	p, m := lo.p, lo.m
	for _, g := range m.Globals {
		p.globals = append(p.globals, lo.constant(g.Init))
	}
	if len(m.Memories) > 0 {
		p.memory = m.Memories[0]
	}
	for _, s := range m.Datas {
		n := 0
		if s.Mode == wasm.Passive {
			n = len(s.Init)
			p.segments = append(p.segments, s.Init...)
		} else {
			p.active = append(p.active, s)
		}
		p.globals = append(p.globals, uint64(n))
	}
	cells := uint32(0)
	for _, t := range m.Tables {
		p.tables = append(p.tables, tablePlace{base: cells, size: t.Limits.Min})
		cells += t.Limits.Min
	}
	p.elements = make([]uint64, cells)
	for _, s := range m.Elems {
		n := 0
		var cells []uint64
		for _, c := range s.Init {
			cells = append(cells, lo.constant(c))
		}
		switch s.Mode {
		case wasm.Passive:
			n = len(cells)
			p.elems = append(p.elems, cells...)
		case wasm.Active:
			t := p.tables[s.Table]
			at := uint32(lo.constant(s.Place))
			if uint64(at)+uint64(len(cells)) > uint64(t.size) {
				return errors.New("an element segment is out of bounds") // link turns it into a trap
			}
			copy(p.elements[t.base+at:], cells)
		}
		p.globals = append(p.globals, uint64(n))
	}
	return nil
}

// constant is the cell of a constant expression. Globals are imported in none that validate, so there is none to get.
func (lo *lowerer) constant(c wasm.ConstExpr) uint64 {
	switch c.Op {
	case wasm.OpRefFunc:
		return lo.reference(uint32(c.Value))
	case wasm.OpRefNull:
		return 0
	}
	return c.Value
}
