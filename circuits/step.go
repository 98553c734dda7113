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

// maker makes the chips of steps.
type maker struct{ steps []*step }

// step is a chip of steps: each row is one step of a run, with one entry of the program.
type step struct {
	builder
	code      uint16
	uses      []use
	clock, pc Lin
	operands  []filled
	accesses  []access
	helps     []help
	fill      func(x *execution, r Row) // fills the columns that are the chip's own
}

// use is an operation that a chip shows, where takes holds.
type use struct {
	op    machine.Op
	lanes []operand
	extra []operand
	takes func(x *execution) bool      // of an execution; nil is always
	when  func(in *machine.Instr) bool // of the instruction: else it has no such entry; nil is always
	free  bool                         // its entries charge nothing
}

// filled is a column that holds an operand.
type filled struct {
	column Lin
	extra  bool
	lane   int
}

// access is a use of a cell: what the common part of a row's filling needs to know.
type access struct {
	bus   BusID
	at    func(x *execution) uint64 // the cell
	slot  uint
	since Lin // limbs of the time since the cell's last use, less one
	was   Lin // the old content
	old   Lin // its column, if there is one
	fresh func(x *execution) uint64
}

// step begins a chip of steps: the row receives the state. All uses have operands of the same widths.
func (m *maker) step(name string, uses ...use) *step {
	s := &step{builder: build(name), uses: uses, code: uint16(len(m.steps) + 1), fill: func(*execution, Row) {}}
	m.steps = append(m.steps, s)
	s.clock = s.column("clock", clockBits)
	s.pc = s.column("pc", pcBits)
	s.receive(BusState, alone(s.clock), s.pc)
	return s
}

// word is the beginning of a program word: pc, code and the first lanes.
func (s *step) word(lanes []Lin) Field {
	word := Field{{Of: s.pc, Width: programBits}, {Of: Int(int64(s.code)), Shift: codeShift, Width: codeBits}}
	for i, l := range lanes {
		word = append(word, Lane{Of: l, Shift: laneShift[i], Width: s.uses[0].lanes[i].width()})
	}
	return word
}

// fetch says that the instruction at pc has an entry of the chip's code with these lanes and extra numbers.
func (s *step) fetch(lanes []Lin, extra ...Lin) {
	var fields []Field
	for i, l := range extra {
		fields = append(fields, Field{{Of: l, Width: s.uses[0].extra[i].width()}})
	}
	s.fetchFields(s.word(lanes), fields...)
}

// fetchFields is fetch with fields that are packed already.
func (s *step) fetchFields(word Field, extra ...Field) {
	s.message(Message{Bus: BusFetch, Key: noMore(append([]Field{word}, extra...))})
}

// noMore adds the extra numbers that an entry has not, which are 0.
func noMore(keys []Field) []Field {
	for len(keys) <= maxExtra {
		keys = append(keys, Field{{Width: 64}})
	}
	return keys
}

// next sends the state on to the step at pc, in a frame that begins so much later.
func (s *step) next(pc, frame Lin) {
	s.send(BusState, alone(s.clock.Plus(Pow(stepBits), frame)), pc)
}

// goOn is next with the instruction behind this one.
func (s *step) goOn() { s.next(s.pc.Plus(Int(1)), Lin{}) }

// lane adds a column for the operand in lane i.
func (s *step) lane(i int, name string) Lin {
	l := s.column(name, int(s.uses[0].lanes[i].width()))
	s.operands = append(s.operands, filled{l, false, i})
	return l
}

// lanes adds columns for the operands in the first lanes.
func (s *step) registers(names ...string) []Lin {
	var all []Lin
	for i, n := range names {
		all = append(all, s.lane(i, n))
	}
	return all
}

// extra adds a column for an operand that is not packed.
func (s *step) extra(i int, name string) Lin {
	l := s.column(name, int(s.uses[0].extra[i].width()))
	s.operands = append(s.operands, filled{l, true, i})
	return l
}

// read reads the register whose index is in lane i, and in a column; v is what is there.
func (s *step) read(i int, index Lin, slot uint, v Lin) {
	s.register(i, index, slot, v, v, nil)
}

// write writes now to the register whose index is in lane i, and in a column. fresh is the value; nil is what the machine left in it.
func (s *step) write(i int, index, now Lin, fresh func(x *execution) uint64) {
	if fresh == nil {
		fresh = func(x *execution) uint64 { return x.d }
	}
	s.register(i, index, slotD, s.column("old", 64), now, fresh)
}

// register goes on from one content of a register to the next.
func (s *step) register(i int, index Lin, slot uint, old, now Lin, fresh func(*execution) uint64) {
	s.use(BusRegisters, index, slot, old, now, func(x *execution) uint64 { return uint64(x.fp) + x.lane(i) }, fresh)
}

// use goes on from one content of a cell to the next, on the bus of registers or one of those with a wide clock. at is the
// cell, fresh what is left there, nil if it stays.
func (s *step) use(bus BusID, index Lin, slot uint, old, now Lin, at, fresh func(x *execution) uint64) {
	a := access{bus: bus, slot: slot, was: old, at: at, fresh: fresh}
	name := fmt.Sprintf("since%d_", len(s.accesses))
	var from, to Lin
	if bus == BusRegisters {
		a.since = s.limbs(name, 1)
		to = s.clock.Plus(index, Int(int64(slot)<<slotBits))
		from = to.Minus(a.since.Plus(Int(1)).Shl(slotBits))
	} else {
		a.since = s.limbs(name, 3)
		clock := s.clock.Plus(Int(int64(slot)))
		to = index.Plus(clock.Shl(wideBits))
		from = to.Minus(a.since.Plus(Int(1)).Shl(wideBits))
	}
	s.edge(bus, from, to, []Lin{old}, []Lin{now})
	if _, ok := old.single(); ok {
		a.old = old
	}
	s.accesses = append(s.accesses, a)
}

// execution is one step of a run, as one use.
type execution struct {
	*use
	program *machine.Program
	in      *machine.Instr
	depth   uint64 // left after it
	tapes   [][]byte
	streams uint64 // of input
	most    uint64 // pages that the memory may have
	pc, fp  uint32
	d       uint64 // the register that it writes, after it: d, for a far move t
	next    uint32 // pc after it
	ended   bool
	end     uint64 // how the run ends in it, as BusEnd has it
	spaces  *spaces
}

// length is the length of an input stream.
func (x *execution) length(stream uint64) uint64 { return uint64(len(x.tapes[stream])) }

// lane is the operand in lane i.
func (x *execution) lane(i int) uint64 { return x.lanes[i].of(x.in) }

// reg is the register whose index is operand o, before the step.
func (x *execution) reg(o operand) uint64 {
	return x.spaces[BusRegisters].value(uint64(x.fp) + o.of(x.in))
}

// at is the register whose index is in lane i, before the step.
func (x *execution) at(i int) uint64 { return x.reg(x.lanes[i]) }

// operandsOf fills the columns of a step's operands.
func (s *step) operandsOf(x *execution, r Row) {
	for _, o := range s.operands {
		list := x.lanes
		if o.extra {
			list = x.use.extra
		}
		r.set(o.column, list[o.lane].among(x.program, x.pc))
	}
}

// Row is a row of a filling: a number for each column.
type Row []uint64

// set puts a number into a column.
func (r Row) set(l Lin, v uint64) { r[l.Terms[0].Column] = v }

// limbs puts a number into limbs of 16 bits.
func (r Row) limbs(l Lin, v uint64) {
	for _, t := range l.Terms {
		r[t.Column] = v & 0xffff
		v >>= 16
	}
}
