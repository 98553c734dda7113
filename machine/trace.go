package machine

import "github.com/trilemma-dev/trilemma/link"

// What follows lets a reader follow a run step by step: between two calls of Run(1), each method tells a part of the state as it is then. None
// changes anything.

// FP is the frame pointer.
func (m *Machine) FP() uint32 { return m.fp }

// Depth is how many cells frames may still take.
func (m *Machine) Depth() uint32 { return m.depth }

// Fuel is what is left of it.
func (m *Machine) Fuel() uint64 { return m.fuel }

// Outcome is how the run ended, once it has.
func (m *Machine) Outcome() link.Outcome { return m.outcome }

// Register is register cell i, counted from the beginning of register space; cells that were never used are 0.
func (m *Machine) Register(i uint32) uint64 {
	if uint64(i) >= uint64(len(m.regs)) {
		return 0
	}
	return m.regs[i]
}

// Word is the word of four bytes at 4·i; 0 beyond the memory's end.
func (m *Machine) Word(i uint64) uint32 {
	if i >= uint64(len(m.mem))/4 {
		return 0
	}
	return le.Uint32(m.mem[4*i:])
}

// Pages is the memory's size, in pages of 64 KiB.
func (m *Machine) Pages() uint32 { return m.pages() }

// Cell is global cell i: the module's globals come first, then the lengths of its segments.
func (m *Machine) Cell(i uint32) uint64 { return m.globals[i] }

// Element is element i of a table, or 0 beyond its end.
func (m *Machine) Element(table uint16, i uint64) uint64 {
	if at, ok := m.program.ElementCell(table, i); ok {
		return m.tables[at]
	}
	return 0
}

// Written is what was written to an output stream so far, and whether its last word was short.
func (m *Machine) Written(stream int) (bytes uint64, closed bool) {
	o := &m.out[stream]
	return o.before + uint64(len(o.bytes)), o.closed
}

// ElementCell is where element i of a table lies among the elements of all tables.
func (p *Program) ElementCell(table uint16, i uint64) (at uint32, ok bool) {
	if int(table) >= len(p.tables) || i >= uint64(p.tables[table].size) {
		return 0, false
	}
	return p.tables[table].base + uint32(i), true
}

// Globals are the initial global cells, those of [Machine.Cell]. The caller must not change them.
func (p *Program) Globals() []uint64 { return p.globals }

// Elements are the initial elements of all tables. The caller must not change them.
func (p *Program) Elements() []uint64 { return p.elements }

// InitialMemory calls f for each piece of memory that the program fills at the start: later ones overwrite earlier ones. f must not
// change its argument.
func (p *Program) InitialMemory(f func(at uint32, bytes []byte)) {
	for _, s := range p.active {
		f(uint32(s.Place.Value), s.Init)
	}
}

// InitialPages is the memory's size at the start.
func (p *Program) InitialPages() uint32 { return p.memory.Min }

// TrapNumber is the number by which an [OpTrap] names a trap.
func TrapNumber(k link.TrapKind) uint64 { return trapCode(k) }

// Parts of a reference to a function, as a table's element has it: below RefCells the function's first instruction, then the cells of its frame, and from RefType
// on its type. Null is 0, and no function begins at 0.
const (
	RefCells = refCells
	RefType  = refType
)

// Table is where a table lies among the elements of all tables; a table that does not exist is empty.
func (p *Program) Table(i uint16) (base, size uint32) {
	if int(i) >= len(p.tables) {
		return 0, 0
	}
	return p.tables[i].base, p.tables[i].size
}

// Segments are the passive data segments one after the other: what memory.init reads, from Imm of its instruction on. The caller must not change them.
func (p *Program) Segments() []byte { return p.segments }

// MostPages is how many pages the memory may ever have, whatever the task allows.
func (p *Program) MostPages() uint32 { return p.most() }

// ElementSegments are the cells of the passive element segments one after the other: what table.init reads, from Imm of its instruction on. The caller must
// not change them.
func (p *Program) ElementSegments() []uint64 { return p.elems }
