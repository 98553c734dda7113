package circuits

import (
	"slices"
	"sync"

	"github.com/trilemma-dev/trilemma/machine"
)

// New makes the system of chips for runs of profile tm/1.
func New() *System {
	s := &System{Buses: buses(), byOp: make(map[machine.Op][]candidate)}
	s.Chips = []*Chip{
		statement(), programTable(), rangeTable(nameRange, BusRange, 16), rangeTable(nameByte, BusByte, 8), rangeTable(nameSpread, BusSpread, spreadBits),
		registerImage(), registerRefresh(),
		wideImage(nameWord, BusMemory, BusMemoryImage, 0, 28), wideImage(nameWordInit, BusMemory, BusMemoryImage, BusMemoryInit, 28),
		wideImage(nameCell, BusCells, BusCellImage, 0, 32), wideImage(nameCellInit, BusCells, BusCellImage, BusCellInit, 32),
		initTable(nameMemoryTable, BusMemoryInit, 32), initTable(nameCellTable, BusCellInit, 64),
	}
	tables, _ := powerTables()
	s.Chips = append(s.Chips, tables...)
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
	m.loads()
	m.stores()
	m.ends()
	for _, st := range m.steps {
		slices.SortStableFunc(st.accesses, func(a, b access) int { return int(a.slot) - int(b.slot) })
		s.Chips = append(s.Chips, st.Chip)
		for i := range st.uses {
			u := &st.uses[i]
			s.byOp[u.op] = append(s.byOp[u.op], candidate{st, u})
		}
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

// candidate is a chip that may show an operation.
type candidate struct {
	step *step
	use  *use
}
