package wasm

import (
	"bytes"
	"fmt"
	"io"
)

// The caps of profile tm/1. They are part of its meaning: changing one needs a new profile. Where the JavaScript interface
// (its section "Implementation-defined Limits") names a number, it is that one, so what browsers run is hardly ever refused
// for its size. [Decode] and [Validate] enforce those that keep their own work linear, [CheckProfile] the others.
const (
	MaxModule     = 64 << 20  // bytes of a file: it has to be one block
	MaxTypes      = 1_000_000 // function types
	MaxFunctions  = 1_000_000 // imported ones not counted
	MaxImports    = 100_000
	MaxExports    = 100_000
	MaxGlobals    = 1_000_000 // imported ones not counted
	MaxSegments   = 100_000   // data segments, and as many element segments
	MaxElements   = 1 << 22   // elements in all segments together
	MaxTables     = 100
	MaxTableCells = 1 << 20 // elements that all tables have at the start
	MaxPages      = 16_384  // pages of 64 KiB that the memory has at the start

	MaxTypeArity  = 1000      // parameters, and results, of a type
	MaxBody       = 7_654_321 // bytes of the instructions of one function
	MaxLocals     = 50_000    // declared locals of one function
	MaxAllLocals  = 1 << 23   // declared locals of all functions together
	MaxOperands   = 1 << 16   // values on the operand stack of one function
	MaxBlocks     = 1 << 17   // blocks open at one place
	MaxBrTable    = 1 << 17   // labels of one br_table, the default not counted
	MaxCarried    = 1 << 20   // [Code.Carried] of one function: a call of two bytes may take two thousand values along
	MaxAllCarried = 1 << 24   // and of all functions together
)

// Load decodes and validates a module, and checks that the profile allows it. The error is an [*Error]; the module is nil only if it
// cannot be decoded.
func Load(b []byte) (*Module, error) {
	m, err := Decode(b)
	if err == nil {
		err = Validate(m)
	}
	if err == nil {
		err = CheckProfile(m)
	}
	return m, err
}

// CheckProfile says whether profile tm/1 allows m, which must be validated. The error is an [*Error], Refused.
//
// Of imports it allows functions only; which ones is a question of linking. A memory may declare any maximum, since the task's
// own limit decides; a table never grows, so table.grow is refused wherever it stands.
func CheckProfile(m *Module) error {
	for i := range m.Imports {
		im := &m.Imports[i]
		if im.Kind != ExternFunc {
			return &Error{Kind: Refused, Feature: "imported-" + im.Kind.String(), Func: -1, Offset: im.Offset,
				Msg: fmt.Sprintf("imports a %s (%q from %q)", im.Kind, im.Name, im.Module)}
		}
	}
	cells := uint64(0)
	for _, t := range m.Tables {
		cells += uint64(t.Limits.Min)
	}
	if cells > MaxTableCells {
		return tooMuch(0, "has tables of %d elements (at most %d)", cells, MaxTableCells)
	}
	for _, l := range m.Memories {
		if l.Min > MaxPages {
			return tooMuch(0, "has a memory of at least %d pages (at most %d)", l.Min, MaxPages)
		}
	}
	return m.checkBodies()
}

func (m *Module) checkBodies() error {
	all, carried := uint64(0), uint64(0)
	for i := range m.Code {
		c := &m.Code[i]
		err := error(nil)
		for _, g := range c.Locals {
			all += uint64(g.Count)
		}
		carried += uint64(c.Carried)
		switch {
		case len(c.Body) > MaxBody:
			err = tooMuch(c.Offset, "has a function body of %d bytes (at most %d)", len(c.Body), MaxBody)
		case all > MaxAllLocals:
			err = tooMuch(c.Offset, "has more than %d locals in all its functions together", MaxAllLocals)
		case c.Carried > MaxCarried:
			err = tooMuch(c.Offset, "has a function whose calls, branches and blocks take %d values along (at most %d)", c.Carried, MaxCarried)
		case carried > MaxAllCarried:
			err = tooMuch(c.Offset, "has calls, branches and blocks that take more than %d values along, in all its functions together", MaxAllCarried)
		case len(m.Tables) > 0:
			err = findTableGrow(c)
		}
		if err != nil {
			return m.within(err, int(m.ImportedFuncs())+i)
		}
	}
	return nil
}

// findTableGrow refuses table.grow. Few bodies hold the two bytes that it begins with, so few are read.
func findTableGrow(c *Code) error {
	prefix, grow := byte(0xfc), byte(OpTableGrow&0xff)
	if !bytes.Contains(c.Body, []byte{prefix, grow}) && !bytes.Contains(c.Body, []byte{prefix, grow | 0x80}) {
		return nil
	}
	r := Reader{c: cursor{b: c.Body, base: c.Offset}}
	for in := (Instr{}); ; {
		if err := r.next(&in); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if in.Op == OpTableGrow {
			return &Error{Kind: Refused, Feature: "table.grow", Func: -1, Offset: in.Offset, Msg: "uses table.grow"}
		}
	}
}
