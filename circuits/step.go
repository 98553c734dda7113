package circuits

import (
	"fmt"

	"github.com/trilemma-dev/trilemma/machine"
)

// Slots of a step, in the order of time. Reads come before what the step writes.
const (
	slotA = iota
	slotB
	slotC
	slotD
)

// step is a chip of steps: each row is one step of a run, with one entry of the program.
type step struct {
	builder
	clock, pc Lin
	format    format
	accesses  []access

	// takes reports whether a step that executes the format's operation is one of this chip's; fill fills the columns
	// that are the chip's own.
	takes func(x *execution) bool
	fill  func(x *execution, r row)
}

// access is a use of a cell: what the common part of a row's filling needs to know.
type access struct {
	bus   BusID
	index func(x *execution) uint64 // absolute
	slot  uint
	since Lin // limbs of the time since the cell's last use, less one
	old   Lin // column of the old content, if it is overwritten; else 0
	fresh func(x *execution, old uint64) uint64
}

// newStep begins a chip of steps: the row receives the state.
func newStep(name string, f format) *step {
	s := &step{builder: build(name), format: f}
	s.clock = s.column("clock", clockBits)
	s.pc = s.column("pc", pcBits)
	s.receive(BusState, alone(s.clock), s.pc)
	s.takes = func(*execution) bool { return true }
	s.fill = func(*execution, row) {}
	return s
}

// fetch says that the instruction at pc has an entry of the step's format with these lanes and extra numbers.
func (s *step) fetch(lanes []Lin, extra ...Lin) {
	word := Field{{Of: s.pc, Width: programBits}, {Of: Int(int64(s.format.code)), Shift: codeShift, Width: codeBits}}
	for i, l := range lanes {
		word = append(word, Lane{Of: l, Shift: laneShift[i], Width: s.format.lanes[i].width()})
	}
	keys := []Field{word}
	for i, l := range extra {
		keys = append(keys, Field{{Of: l, Width: s.format.extra[i].width()}})
	}
	for len(keys) <= maxExtra {
		keys = append(keys, Field{{Width: 1}})
	}
	s.message(Message{Bus: BusFetch, Key: keys})
}

// next sends the state on to the step at pc, in a frame that begins so much later.
func (s *step) next(pc, frame Lin) {
	s.send(BusState, alone(s.clock.Plus(Pow(stepBits), frame)), pc)
}

// goOn is next with the instruction behind this one.
func (s *step) goOn() { s.next(s.pc.Plus(Int(1)), Lin{}) }

// index adds a column for the index of a register. Nothing checks it but its key.
func (s *step) index(name string) Lin { return s.column(name, 16) }

// read reads the register of an index, which operand o is; v is what is there.
func (s *step) read(o operand, index Lin, slot uint, v Lin) {
	s.access(o, index, slot, Lin{}, v, v, nil)
}

// write writes now to the register of an index, which operand o is. fresh is the value.
func (s *step) write(o operand, index Lin, now Lin, fresh func(x *execution) uint64) {
	old := s.column("old", 64)
	s.access(o, index, slotD, old, old, now, func(x *execution, _ uint64) uint64 { return fresh(x) })
}

func (s *step) access(o operand, index Lin, slot uint, column, old, now Lin, fresh func(*execution, uint64) uint64) {
	since := s.limbs(s.Columns[index.Terms[0].Column].Name+" since", 1)
	to := s.clock.Plus(index, Int(int64(slot)<<slotBits))
	s.edge(BusRegisters, to.Minus(since.Plus(Int(1)).Shl(slotBits)), to, []Lin{old}, []Lin{now})
	s.accesses = append(s.accesses, access{bus: BusRegisters, slot: slot, since: since, old: column, fresh: fresh,
		index: func(x *execution) uint64 { return uint64(x.fp) + o.of(x.in) }})
}

// wide uses the cell at an address on a bus of words or cells: old is what is there, now what is left there. at is the address, fresh the value
// that is left, nil if it stays.
func (s *step) wide(bus BusID, address Lin, slot uint, old, now Lin, at func(x *execution) uint64, fresh func(x *execution, old uint64) uint64) {
	since := s.limbs(fmt.Sprintf("since%d", len(s.accesses)), 3)
	clock := s.clock.Plus(Int(int64(slot)))
	s.edge(bus, address.Plus(clock.Minus(since).Minus(Int(1)).Shl(wideBits)), address.Plus(clock.Shl(wideBits)), []Lin{old}, []Lin{now})
	column := Lin{}
	if _, ok := old.single(); ok {
		column = old
	}
	s.accesses = append(s.accesses, access{bus: bus, slot: slot, since: since, old: column, fresh: fresh, index: at})
}

// result writes what the machine computed to register d.
func (s *step) result(index, now Lin) {
	s.write(opD, index, now, func(x *execution) uint64 { return x.d })
}

// execution is one step of a run.
type execution struct {
	in      *machine.Instr
	pc, fp  uint32
	a, b, c uint64 // registers A, B, T before the step, whether the operation has them or not
	from    uint64 // what a move copies
	d       uint64 // register D after it
	next    uint32 // pc after it
	end     uint64 // how the run ends in it, as BusEnd has it
	ended   bool
	word    func(i uint64) uint32 // words of memory before it
}

// row is a row of a filling: a number for each column.
type row []uint64

// set puts a number into a column.
func (r row) set(l Lin, v uint64) { r[l.Terms[0].Column] = v }

// limbs puts a number into limbs of 16 bits.
func (r row) limbs(l Lin, v uint64) {
	for _, t := range l.Terms {
		r[t.Column] = v & 0xffff
		v >>= 16
	}
}
