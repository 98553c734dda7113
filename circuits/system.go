package circuits

import (
	"slices"
	"sync"

	"github.com/trilemma-dev/trilemma/machine"
)

// New makes the system of chips for runs of profile tm/1.
func New() *System {
	s := &System{Buses: buses(), byOp: make(map[machine.Op][]candidate)}
	tables, _ := constantTables()
	s.Chips = append(tables, statement(), registerImage(), registerRefresh(),
		wideImage(nameWord, BusMemory, BusMemoryImage, 0, 28), wideImage(nameWordInit, BusMemory, BusMemoryImage, BusMemoryInit, 28),
		wideImage(nameCell, BusCells, BusCellImage, 0, 32), wideImage(nameCellInit, BusCells, BusCellImage, BusCellInit, 32),
		initTable(nameMemoryTable, BusMemoryInit, 32), initTable(nameCellTable, BusCellInit, 64),
		lookup(nameLengths, BusLengths, unasked, []part{{"stream", 8, 0}}, []part{{"bytes", 32, 0}}), lookup(nameStreams, BusStreams, told, []part{{"streams", 8, 0}}),
		lookup(nameInput, BusInput, unasked, []part{{"stream", 8, 0}, {"index", 32, tapeShift}}, []part{{"word", 64, 0}}), outputTable(), lookup(nameMost, BusMost, told, []part{{"pages", 32, 0}}), pageChip(), grownWord(),
		lookup(nameElements, BusElements, unasked, []part{{"index", 32, 0}}, []part{{"element", 64, 0}}),
		lookup(nameSegments, BusSegments, unasked, []part{{"index", 32, 0}}, []part{{"byte", 8, 0}}),
		hiddenStream(nameHiddenIn, false), hiddenWords(nameWordsIn, false), hiddenStream(nameHiddenOut, true), hiddenWords(nameWordsOut, true))
	for _, k := range programKinds() {
		s.Chips = append(s.Chips, programTable(k))
	}
	m := &maker{}
	m.moves()
	m.globals()
	m.additions()
	m.conditions()
	m.jumps()
	m.calls()
	m.bitwise()
	m.shifts()
	m.multiplications()
	m.divisions()
	m.unaries()
	m.loads()
	m.stores()
	m.outside()
	m.sizes()
	m.grows()
	m.tapes()
	m.bulk()
	m.elements()
	m.ends()
	for _, st := range m.steps {
		slices.SortStableFunc(st.accesses, func(a, b access) int { return int(a.slot) - int(b.slot) })
		s.Chips = append(s.Chips, st.Chip)
		for i := range st.uses {
			u := &st.uses[i]
			if st.Name == nameNoFuel {
				s.noFuel = candidate{st, u}
				continue
			}
			s.byOp[u.op] = append(s.byOp[u.op], candidate{st, u})
		}
	}
	s.helpers = make(map[windowKey]*helper)
	for _, h := range m.windows() {
		s.Chips = append(s.Chips, h.Chip)
		s.helpers[windowKey{h.bus, h.window}] = h
	}
	s.compiled = sync.OnceValue(func() map[string]*compiled {
		all := make(map[string]*compiled, len(s.Chips))
		for _, c := range s.Chips {
			all[c.Name] = compile(c)
		}
		return all
	})
	return s
}

// windowKey names a helper.
type windowKey struct {
	bus BusID
	window
}

// candidate is a chip that may show an operation.
type candidate struct {
	step *step
	use  *use
}
