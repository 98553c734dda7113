package circuits

import (
	"encoding/binary"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// Statement is what a run is claimed to be, beside its program. See [Statement.Of] for what it means.
type Statement struct {
	End     uint64 // kind, trap and code, 8 and 8 and 32 bits from below
	Fuel    uint64 // charged by all instructions that were executed; with hidden streams, at most
	Memory  uint32 // cap, in pages
	Inputs  [][]byte
	Outputs [link.OutStreams][]byte
	Hidden  *Hidden // nil: nothing is. What is hidden is empty in Inputs and Outputs
}

// entryKey is a pc and the code of an entry there.
type entryKey struct {
	pc   uint32
	code uint16
}

// entries are the rows of a program's table. A pc and a code name one entry. What would not lie in its lanes is left out, and cannot be executed.
// So are those that end a run in another way than is claimed: most loads and stores, divisions and calls could end one.
func (s *System) entries(p *machine.Program, st Statement) (rows [][]uint64) {
	for pc := range p.Code {
		in := &p.Code[pc]
		for _, c := range s.byOp[in.Op] {
			if c.use.fits(p, uint32(pc)) && c.step.mayEnd(st.End) {
				rows = append(rows, c.use.row(p, uint32(pc), c.step.code))
			}
		}
		if s.noFuel.use.fits(p, uint32(pc)) && s.noFuel.step.mayEnd(st.End) {
			rows = append(rows, s.noFuel.use.row(p, uint32(pc), s.noFuel.step.code))
		}
	}
	return rows
}

// Contents is what the verifier knows of each chip: it follows from the program, which it makes itself, and the statement.
//
// A run whose memory does not fit under the cap takes no step, and no chip shows such an end: for it the statement's row has an end that there is not.
func (s *System) Contents(p *machine.Program, st Statement) Contents {
	if p.InitialPages() > st.Memory {
		st.End = 0
	}
	all := Contents{
		nameStatement:   {Rows: [][]uint64{{st.End, st.Fuel, uint64(p.InitialPages()) * (link.PageSize / 4), st.bounded()}}},
		nameLengths:     {Rows: st.lengths()},
		nameStreams:     {Rows: [][]uint64{{uint64(len(st.Inputs)), 1}}},
		nameInput:       {Rows: inputs(st.Inputs)},
		nameOutput:      {Rows: outputs(st.Outputs)},
		nameMost:        {Rows: [][]uint64{{uint64(min(st.Memory, p.MostPages())), 1}}},
		nameElements:    {Rows: numbered(p.ElementSegments())},
		nameSegments:    {Rows: numbered(p.Segments())},
		nameMemoryTable: {Rows: initialWords(p)},
		nameCellTable:   {Rows: initialCells(p)},
		nameHiddenIn:    {Rows: st.Hidden.inputs()},
		nameHiddenOut:   {Rows: st.Hidden.outputs()},
	}
	for _, k := range programKinds() {
		all[k.name] = Content{}
	}
	for _, entry := range s.entries(p, st) {
		name, given := tableOf(entry)
		all[name] = Content{Rows: append(all[name].Rows, given)}
	}
	tables, contents := constantTables()
	for i, c := range tables {
		all[c.Name] = contents[i]
	}
	return all
}

// word is the word of a stream at an index, and how many bytes of it count.
func word(b []byte, i int) (v, n uint64) {
	var w [8]byte
	n = uint64(copy(w[:], b[8*i:]))
	return binary.LittleEndian.Uint64(w[:]), n
}

// Places in segments and elements are counted from 1 in tables, input streams from [firstInput], so that nobody asks for 0: see [unasked].

// lengths are the rows of the table of input streams, but for those that are hidden.
func (st *Statement) lengths() (rows [][]uint64) {
	for i, s := range st.Inputs {
		if !st.Hidden.input(i) {
			rows = append(rows, []uint64{uint64(i) + firstInput, uint64(len(s))})
		}
	}
	return rows
}

// inputs are the rows of the table of input words.
func inputs(streams [][]byte) (rows [][]uint64) {
	for i, s := range streams {
		for k := range (len(s) + 7) / 8 {
			v, _ := word(s, k)
			rows = append(rows, []uint64{uint64(i) + firstInput, uint64(k), v})
		}
	}
	return rows
}

// outputs are the rows of the table of output words, each of which is written once.
func outputs(streams [link.OutStreams][]byte) (rows [][]uint64) {
	for i, s := range streams {
		for k := range (len(s) + 7) / 8 {
			v, n := word(s, k)
			rows = append(rows, []uint64{1, uint64(i), uint64(k), n, v})
		}
	}
	return rows
}

// numbered are the rows of a table of numbers by their index.
func numbered[T byte | uint64](all []T) (rows [][]uint64) {
	for i, v := range all {
		rows = append(rows, []uint64{uint64(i) + 1, uint64(v)})
	}
	return rows
}
