package circuits

import (
	"slices"

	"github.com/trilemma-dev/trilemma/machine"
)

// space is what is known of the cells behind a bus: those that were used, and those that do not begin as 0.
type space struct {
	cells map[uint64]*cell
}

// spaces are those of the buses that have one.
type spaces [numBuses]*space

// cell is one cell: what it held at first and holds now, and when it was used last, in units of its bus.
type cell struct {
	first, value, last uint64
	given              bool // the program says what it held at first
}

// newSpaces makes the spaces in the initial state of a program.
func newSpaces(p *machine.Program) *spaces {
	var s spaces
	for _, bus := range []BusID{BusRegisters, BusMemory, BusCells} {
		s[bus] = &space{make(map[uint64]*cell)}
	}
	for _, w := range initialWords(p) {
		s[BusMemory].cells[w[1]] = &cell{first: w[2], value: w[2], given: true}
	}
	for _, w := range initialCells(p) {
		s[BusCells].cells[w[1]] = &cell{first: w[2], value: w[2], given: true}
	}
	return &s
}

// use returns a cell.
func (s *space) use(at uint64) *cell {
	c := s.cells[at]
	if c == nil {
		c = new(cell)
		s.cells[at] = c
	}
	return c
}

// value is what a cell holds, without using it.
func (s *space) value(at uint64) uint64 {
	if c := s.cells[at]; c != nil {
		return c.value
	}
	return 0
}

// sorted are the addresses of the cells, in order.
func (s *space) sorted() []uint64 {
	all := make([]uint64, 0, len(s.cells))
	for at := range s.cells {
		all = append(all, at)
	}
	slices.Sort(all)
	return all
}

// initialWords are the rows of the memory table: 1, the index of a word, what it holds at the start. Words that hold 0 are left out.
func initialWords(p *machine.Program) (rows [][]uint64) {
	memory := make(map[uint64]uint32)
	p.InitialMemory(func(at uint32, bytes []byte) {
		for i, b := range bytes {
			k := uint64(at) + uint64(i)
			shift := k % 4 * 8
			memory[k/4] = memory[k/4]&^(0xff<<shift) | uint32(b)<<shift
		}
	})
	for at, v := range memory {
		if v != 0 {
			rows = append(rows, []uint64{1, at, uint64(v)})
		}
	}
	slices.SortFunc(rows, func(a, b []uint64) int { return int(a[1]) - int(b[1]) })
	return rows
}

// Where cells of the bus of cells lie.
const (
	cellGlobals  = 0
	cellElements = 1 << 28
	cellSpecial  = 1 << 29
)

// Special cells.
const (
	cellDepth = cellSpecial + iota
	cellPages
	cellOutput // the position of each output stream
)

// initialCells are the rows of the table of cells: globals, table elements, and what the machine begins with.
func initialCells(p *machine.Program) (rows [][]uint64) {
	add := func(at uint64, v uint64) {
		if v != 0 {
			rows = append(rows, []uint64{1, at, v})
		}
	}
	for i, v := range p.Globals() {
		add(cellGlobals+uint64(i), v)
	}
	for i, v := range p.Elements() {
		add(cellElements+uint64(i), v)
	}
	add(cellDepth, machine.MaxCells)
	add(cellPages, uint64(p.InitialPages()))
	return rows
}
