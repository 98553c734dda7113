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
		for _, st := range s.byOp[in.Op] {
			key := entryKey{uint32(pc), st.format.code}
			if _, ok := index[key]; ok || !st.format.fits(in) {
				continue
			}
			index[key] = len(rows)
			rows = append(rows, st.format.row(uint32(pc), in))
		}
	}
	return rows, index
}

// row is the given columns of an entry in the program's table.
func (f *format) row(pc uint32, in *machine.Instr) []uint64 {
	r := make([]uint64, 2+maxLanes+maxExtra+1)
	r[0], r[1] = uint64(pc), uint64(f.code)
	for i, o := range f.lanes {
		r[2+i] = o.of(in)
	}
	for i, o := range f.extra {
		r[2+maxLanes+i] = o.of(in)
	}
	r[len(r)-1] = uint64(in.W)
	return r
}

// Contents is what the verifier knows of each chip: it follows from the program, which it makes itself, and the statement.
func (s *System) Contents(p *machine.Program, st Statement) Contents {
	entries, _ := s.entries(p)
	return Contents{
		nameStatement:   {Rows: [][]uint64{{st.End, st.Fuel, uint64(p.InitialPages()) * (link.PageSize / 4)}}},
		nameProgram:     {Rows: entries},
		nameRange:       {has: func(given []uint64) bool { return given[0] < 1<<16 }},
		nameMemoryTable: {Rows: initialWords(p)},
		nameCellTable:   {Rows: initialCells(p)},
	}
}
