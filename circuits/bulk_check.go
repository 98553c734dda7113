package circuits

import (
	"fmt"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// bulkCheck is what comes before a bulk operation: both ends are within bounds, and it charges for each eight bytes or elements.
type bulkCheck struct {
	op    machine.Op
	ends  [2]extent // of the target and of the source
	lanes []operand
	extra []operand
}

// extent is what an end must stay within.
type extent uint8

const (
	extentNone    extent = iota // there is no such end
	extentMemory                // the memory's size
	extentSegment               // the length of a segment, which a cell has
	extentTable                 // the size of table B
	extentOther                 // the size of table T
)

// bulkChecks makes the chips of all checks: of one that holds, of one that holds and cannot be paid, and of one where an end is not within bounds.
func (m *maker) bulkChecks() {
	a, segment := []operand{opA}, []operand{opA, opCell}
	for _, c := range []bulkCheck{
		{machine.OpMemoryCopyCheck, [2]extent{extentMemory, extentMemory}, a, nil},
		{machine.OpMemoryFillCheck, [2]extent{extentMemory, extentNone}, a, nil},
		{machine.OpMemoryInitCheck, [2]extent{extentMemory, extentSegment}, segment, nil},
		{machine.OpTableCopyCheck, [2]extent{extentTable, extentOther}, a, []operand{opTableSize, opOtherSize}},
		{machine.OpTableFillCheck, [2]extent{extentTable, extentNone}, a, []operand{opTableSize}},
		{machine.OpTableInitCheck, [2]extent{extentTable, extentSegment}, segment, []operand{opTableSize}},
	} {
		m.checked(c, false)
		m.checked(c, true)
		for end, of := range c.ends {
			if of != extentNone {
				m.unchecked(c, uint(end))
			}
		}
	}
}

// begin begins a chip of a check: it has the columns of the operands.
func (c *bulkCheck) begin(m *maker, name string, takes func(x *execution) bool) (s *step, lanes, extra []Lin) {
	s = m.step(c.op.String()+name, use{op: c.op, lanes: c.lanes, extra: c.extra, takes: takes})
	lanes = s.registers([]string{"a", "segment"}[:len(c.lanes)]...)
	for i := range c.extra {
		extra = append(extra, s.extra(i, fmt.Sprintf("size%d", i)))
	}
	s.fetch(lanes, extra...)
	return s, lanes, extra
}

// limit is the bound of an end before a step.
func (e extent) limit(x *execution) uint64 {
	switch e {
	case extentMemory:
		return x.spaces[BusCells].value(cellPages) * link.PageSize
	case extentSegment:
		return x.spaces[BusCells].value(cellGlobals + uint64(x.in.T))
	case extentTable:
		return opTableSize.among(x.program, x.pc)
	}
	return opOtherSize.among(x.program, x.pc)
}

// size is the bound of an end.
func (c *bulkCheck) size(s *step, e extent, lanes, extra []Lin) Lin {
	switch e {
	case extentMemory:
		pages := s.column("pages", 32)
		s.use(BusCells, Int(cellPages), 0, pages, pages, func(*execution) uint64 { return cellPages }, nil)
		return pages.Shl(16)
	case extentSegment:
		n := s.column("length", 32)
		s.use(BusCells, lanes[1], 0, n, n, func(x *execution) uint64 { return cellGlobals + uint64(x.in.T) }, nil)
		return n
	case extentTable:
		return extra[0]
	}
	return extra[1]
}

// checked makes the chip of a check that holds, or with broke, of one that cannot be paid.
func (m *maker) checked(c bulkCheck, broke bool) {
	name := ""
	if broke {
		name = " without fuel"
	}
	s, lanes, extra := c.begin(m, name, func(x *execution) bool { return x.ended == broke && (!broke || x.end&mask(endTrap) == endFuel) })
	n, charge := s.column("count", 32), s.limbs("charge", 2)
	s.count(lanes[0], 2, n, n, 0)
	s.receive(BusByte, Field{{Of: charge.Times(8).Minus(n).Times(32), Width: 8}}) // less than 8
	var size Lin
	for end, e := range c.ends {
		if e == extentNone {
			continue
		}
		if end == 0 || e != c.ends[0] {
			size = c.size(s, e, lanes, extra)
		}
		room := s.limbs(fmt.Sprintf("room%d_", end), 3)
		at := size.Minus(room).Minus(n)
		s.count(lanes[0], uint(end), at, at, 0)
		s.also(func(x *execution, r Row) { r.limbs(room, e.limit(x)-x.counter(uint64(end))-x.counter(2)) })
	}
	s.also(func(x *execution, r Row) {
		r.set(n, x.counter(2))
		r.limbs(charge, (x.counter(2)+7)/8)
	})
	if broke {
		s.stop(charge.Shl(endCode).Plus(Int(endFuel)))
		return
	}
	s.goOn()
	s.message(Message{Bus: BusFuel, Send: true, Value: []Lin{charge}})
}

// unchecked makes the chip of a check that traps because an end is beyond its bound.
func (m *maker) unchecked(c bulkCheck, end uint) {
	e, kind := c.ends[end], link.TrapMemory
	if c.ends[0] == extentTable {
		kind = link.TrapTable
	}
	trapped := ending(link.Outcome{Kind: link.Trap, Trap: kind})
	if e != extentSegment {
		c.lanes = c.lanes[:1]
	}
	s, lanes, extra := c.begin(m, " beyond "+[]string{"target", "source"}[end], func(x *execution) bool {
		return trapped(x) && x.counter(uint64(end))+x.counter(2) > e.limit(x)
	})
	n, over := s.column("count", 32), s.limbs("over", 3)
	at := c.size(s, e, lanes, extra).Plus(over, Int(1)).Minus(n)
	s.count(lanes[0], 2, n, n, 0)
	s.count(lanes[0], end, at, at, 0)
	s.traps(kind)
	s.also(func(x *execution, r Row) {
		r.set(n, x.counter(2))
		r.limbs(over, x.counter(uint64(end))+x.counter(2)-e.limit(x)-1)
	})
}
