package circuits

import "github.com/trilemma-dev/trilemma/machine"

// New makes the system of chips for runs of profile tm/1.
func New() *System {
	s := &System{Buses: buses(), byOp: make(map[machine.Op][]*step)}
	s.Chips = []*Chip{
		statement(), programTable(), rangeTable(),
		registerImage(), registerRefresh(),
		wideImage(nameWord, BusMemory, BusMemoryImage, 0, 28), wideImage(nameWordInit, BusMemory, BusMemoryImage, BusMemoryInit, 28),
		wideImage(nameCell, BusCells, BusCellImage, 0, 32), wideImage(nameCellInit, BusCells, BusCellImage, BusCellInit, 32),
		initTable(nameMemoryTable, BusMemoryInit, 32), initTable(nameCellTable, BusCellInit, 64),
	}
	for _, group := range [][]*step{moves(), globals(), additions(), ends()} {
		for _, st := range group {
			s.Chips = append(s.Chips, st.Chip)
			op := machine.Op(st.format.code >> 2)
			s.byOp[op] = append(s.byOp[op], st)
		}
	}
	return s
}
