package circuits

import (
	"fmt"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// outside makes the chips of loads and stores that trap: the access ends beyond the memory. Accesses that do not trap need no such check: a word
// beyond the memory's end has no image row.
func (m *maker) outside() {
	for _, group := range []struct {
		size   int64
		loads  []machine.Op
		stores machine.Op
	}{
		{1, []machine.Op{machine.OpLoad8U, machine.OpLoad8S32, machine.OpLoad8S64}, machine.OpStore8},
		{2, []machine.Op{machine.OpLoad16U, machine.OpLoad16S32, machine.OpLoad16S64}, machine.OpStore16},
		{4, []machine.Op{machine.OpLoad32U, machine.OpLoad32S64}, machine.OpStore32},
		{8, []machine.Op{machine.OpLoad64}, machine.OpStore64},
	} {
		ended := func(x *execution) bool { return x.ended }
		var at, absolute []use
		for _, op := range group.loads {
			at = append(at, use{op: op, lanes: []operand{opA, opT}, takes: ended})
			absolute = append(absolute, use{op: op + 1, lanes: []operand{opT}, takes: ended})
		}
		for constant := range machine.Op(2) {
			at = append(at, use{op: group.stores + constant, lanes: []operand{opA, opT}, takes: ended})
			absolute = append(absolute, use{op: group.stores + 2 + constant, lanes: []operand{opT}, takes: ended})
		}
		s := m.step(fmt.Sprintf("access of %d outside", group.size), at...)
		a, v := s.lane(0, "a"), s.column("x", 64)
		s.read(0, a, slotA, v)
		s.fetch([]Lin{a, s.end(group.size).Minus(v)})
		s.traps(link.TrapMemory)
		s.also(func(x *execution, r Row) { r.set(v, x.reg(opA)) })

		s = m.step(fmt.Sprintf("access of %d outside absolute", group.size), absolute...)
		s.fetch([]Lin{s.end(group.size)})
		s.traps(link.TrapMemory)
	}
}

// end is an address from which so many bytes reach beyond the memory.
func (s *step) end(size int64) Lin {
	pages, beyond := s.column("pages", 32), s.limbs("beyond", 3)
	s.use(BusCells, Int(cellPages), 0, pages, pages, func(*execution) uint64 { return cellPages }, nil)
	s.also(func(x *execution, r Row) {
		at := uint64(x.in.T)
		if len(x.lanes) == 2 {
			at += x.reg(opA)
		}
		r.limbs(beyond, at+uint64(size)-1-x.spaces[BusCells].value(cellPages)*link.PageSize)
	})
	return pages.Shl(16).Plus(beyond, Int(1-size))
}

// sizes makes the chip of the memory's size.
func (m *maker) sizes() {
	s := m.step("memory.size", use{op: machine.OpMemorySize, lanes: []operand{opD}})
	d, pages := s.lane(0, "d"), s.column("pages", 32)
	s.fetch([]Lin{d})
	s.goOn()
	s.use(BusCells, Int(cellPages), 0, pages, pages, func(*execution) uint64 { return cellPages }, nil)
	s.write(0, d, pages, nil)
}
