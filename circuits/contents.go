package circuits

import (
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// Statement is what a run is claimed to be, beside its program.
type Statement struct {
	End  uint64 // see [EndOf]
	Fuel uint64
}

// entryKey is a pc and the code of an entry there.
type entryKey struct {
	pc   uint32
	code uint16
}

// entries are the rows of a program's table, and where each entry is. A pc and a code name one entry. What would not lie in its lanes is left
// out, and cannot be executed.
func (s *System) entries(p *machine.Program) (rows [][]uint64, index map[entryKey]int) {
	index = make(map[entryKey]int)
	for pc := range p.Code {
		in := &p.Code[pc]
		for _, c := range s.byOp[in.Op] {
			if c.use.fits(p, in) {
				index[entryKey{uint32(pc), c.step.code}] = len(rows)
				rows = append(rows, c.use.row(p, uint32(pc), c.step.code))
			}
		}
	}
	return rows, index
}

// Contents is what the verifier knows of each chip: it follows from the program, which it makes itself, and the statement.
func (s *System) Contents(p *machine.Program, st Statement) Contents {
	entries, _ := s.entries(p)
	all := Contents{
		nameStatement:   {Rows: [][]uint64{{st.End, st.Fuel, uint64(p.InitialPages()) * (link.PageSize / 4)}}},
		nameProgram:     {Rows: entries},
		nameRange:       {has: func(given []uint64) bool { return given[0] < 1<<16 }},
		nameByte:        {has: func(given []uint64) bool { return given[0] < 1<<8 }},
		nameSpread:      {has: func(given []uint64) bool { return given[0]&^spreadMask == 0 }},
		nameMemoryTable: {Rows: initialWords(p)},
		nameCellTable:   {Rows: initialCells(p)},
	}
	tables, contents := powerTables()
	for i, c := range tables {
		all[c.Name] = contents[i]
	}
	return all
}
