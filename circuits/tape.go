package circuits

import (
	"fmt"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// Streams and indices on tapes come from registers, so that they may be any cells: they are below 2⁶⁴ and lie further apart in a key.
const tapeShift = 66

// firstInput is what the first input stream is called on buses: the numbers before are output streams, so that a number names one stream of all.
const firstInput = link.OutStreams

// closed is the position of an output stream that was closed: beyond all words that a stream may have.
const closed = 1 << 40

// tapes makes the chips of the tapes.
func (m *maker) tapes() {
	none := func(x *execution) bool { return x.reg(opA) >= x.streams }
	length := m.step("in_len", use{op: machine.OpInLen, lanes: []operand{opD, opA}, takes: func(x *execution) bool { return !none(x) }})
	i := length.registers("d", "a")
	length.fetch(i)
	length.goOn()
	stream, size := length.column("stream", 64), length.column("size", 32)
	length.read(1, i[1], slotA, stream)
	length.message(Message{Bus: BusLengths, Key: []Field{{{Of: stream.Plus(Int(firstInput)), Width: 8}}, {{Of: size, Width: 32}}}})
	length.write(0, i[0], size, nil)
	length.fill = func(x *execution, r Row) {
		r.set(stream, x.at(1))
		r.set(size, x.d)
	}

	beyond := m.step("in_len of none", use{op: machine.OpInLen, lanes: []operand{opD, opA}, takes: none})
	i = beyond.registers("d", "a")
	beyond.fetch(i)
	beyond.goOn()
	streams, more := beyond.streams(), beyond.limbs("more", 4)
	beyond.read(1, i[1], slotA, streams.Plus(more))
	beyond.write(0, i[0], Lin{}, nil)
	beyond.also(func(x *execution, r Row) { r.limbs(more, x.at(1)-x.streams) })

	word := m.step("in_word", use{op: machine.OpInWord, lanes: []operand{opD, opA, opB}, takes: goes})
	i = word.registers("d", "a", "b")
	word.fetch(i)
	word.goOn()
	from, at, v := word.column("stream", 64), word.column("index", 64), word.column("x", 64)
	word.read(1, i[1], slotA, from)
	word.read(2, i[2], slotB, at)
	word.message(Message{Bus: BusInput, Key: []Field{{{Of: from.Plus(Int(firstInput)), Width: 8}, {Of: at, Shift: tapeShift, Width: 32}}, {{Of: v, Width: 64}}}})
	word.write(0, i[0], v, nil)
	word.fill = func(x *execution, r Row) {
		r.set(from, x.at(1))
		r.set(at, x.at(2))
		r.set(v, x.d)
	}
	m.inputTraps()
	for n := range uint(8) {
		m.output(n + 1)
		m.outputFull(n + 1)
	}
	m.outputTraps()
}

// streams adds the number of input streams.
func (s *step) streams() Lin {
	n := s.column("streams", 8)
	s.message(Message{Bus: BusStreams, Key: []Field{{{Of: n, Width: 8}}}})
	s.also(func(x *execution, r Row) { r.set(n, x.streams) })
	return n
}

// inputTraps makes the chips of reads past the end: of a stream that there is, and of one that there is not.
func (m *maker) inputTraps() {
	none := func(x *execution) bool { return x.reg(opA) >= x.streams }
	s := m.step("in_word past the end", use{op: machine.OpInWord, lanes: []operand{opA, opB}, takes: func(x *execution) bool { return x.ended && !none(x) }})
	i := s.registers("a", "b")
	s.fetch(i)
	stream, size, past := s.column("stream", 64), s.column("size", 32), s.limbs("past", 4)
	at := s.column("index", 64)
	s.read(0, i[0], slotA, stream)
	s.message(Message{Bus: BusLengths, Key: []Field{{{Of: stream.Plus(Int(firstInput)), Width: 8}}, {{Of: size, Width: 32}}}})
	over := s.small("over", 3)
	s.law("8·index is not below the size", Product{at.Times(8).Minus(size).Minus(past.Shl(3)).Minus(over)})
	s.read(1, i[1], slotB, at)
	s.traps(link.TrapTape)
	s.fill = func(x *execution, r Row) {
		n := x.length(x.at(0))
		r.set(stream, x.at(0))
		r.set(size, n)
		r.set(at, x.at(1))
		r.limbs(past, (x.at(1)*8-n)>>3)
		r.set(over, (x.at(1)*8-n)&7)
	}

	t := m.step("in_word of none", use{op: machine.OpInWord, lanes: []operand{opA}, takes: func(x *execution) bool { return x.ended && none(x) }})
	i = t.registers("a")
	t.fetch(i)
	streams, more := t.streams(), t.limbs("more", 4)
	t.read(0, i[0], slotA, streams.Plus(more))
	t.traps(link.TrapTape)
	t.also(func(x *execution, r Row) { r.limbs(more, x.at(0)-x.streams) })
}

// output makes the chip of out_word with n bytes: the word goes to the tape at the stream's position. Less than eight bytes close the stream.
func (m *maker) output(n uint) {
	s := m.step(fmt.Sprintf("out_word of %d", n), use{op: machine.OpOutWord, lanes: []operand{opA, opB, opC}, takes: func(x *execution) bool { return !x.ended && x.reg(opC) == uint64(n) }})
	i := s.registers("a", "b", "c")
	s.fetch(i)
	s.goOn()
	stream, position := s.column("stream", 64), s.column("position", 64)
	word, fillWord := s.outWord(n)
	s.read(0, i[0], slotA, stream)
	s.read(1, i[1], slotB, word)
	s.read(2, i[2], slotC, Int(int64(n)))
	next := position.Plus(Int(1))
	if n < 8 {
		next = Int(closed)
	}
	s.use(BusCells, stream.Plus(Int(cellOutput)), 0, position, next, outputCell, func(x *execution) uint64 {
		if n < 8 {
			return closed
		}
		return x.spaces[BusCells].value(outputCell(x)) + 1
	})
	s.send(BusOutput, Field{{Of: stream, Width: 8}, {Of: position, Shift: tapeShift, Width: 32}, {Of: Int(int64(n)), Shift: 2 * tapeShift, Width: 4}}, word)
	s.also(func(x *execution, r Row) {
		r.set(stream, x.at(0))
		fillWord(x, r)
	})
}

// outWord adds a word of n bytes. One of eight is any cell.
func (s *step) outWord(n uint) (word Lin, fill func(x *execution, r Row)) {
	if n == 8 {
		word = s.column("x", 64)
		return word, func(x *execution, r Row) { r.set(word, x.reg(opB)) }
	}
	word = s.piece("x", 8*n)
	return word, func(x *execution, r Row) { r.limbs(word, x.reg(opB)) }
}

// outputFull makes the chip of out_word with n bytes that would have gone to the tape, and do not fit: that they do not is for the statement to say, which knows
// how much was written.
func (m *maker) outputFull(n uint) {
	full := endOf(link.Outcome{Kind: link.OutputFull}) | uint64(n)<<endCode
	s := m.step(fmt.Sprintf("out_word of %d does not fit", n), use{op: machine.OpOutWord, lanes: []operand{opA, opB, opC}, takes: func(x *execution) bool { return x.ended && x.end == full }})
	i := s.registers("a", "b", "c")
	s.fetch(i)
	stream, left, position := s.column("stream", 64), s.byte("streams above"), s.column("position", 64)
	word, fillWord := s.outWord(n)
	s.law("the stream is one", Product{stream.Plus(left).Minus(column(On).Times(link.OutStreams - 1))})
	s.read(0, i[0], slotA, stream)
	s.read(1, i[1], slotB, word)
	s.read(2, i[2], slotC, Int(int64(n)))
	s.use(BusCells, stream.Plus(Int(cellOutput)), 0, position, position, outputCell, nil)
	s.nonZero("the stream is open", position.Minus(Int(closed)))
	s.stop(Int(int64(full)))
	s.also(func(x *execution, r Row) {
		r.set(stream, x.at(0))
		r.set(left, link.OutStreams-1-x.at(0))
		fillWord(x, r)
	})
}

// outputCell is where the position of an output stream is.
func outputCell(x *execution) uint64 { return cellOutput + x.reg(opA) }

// outputTraps makes the chips of out_word that trap: no such stream, no such number of bytes, a stream that was closed, and a word that is longer than it should
// be. More than one may be true; they all end alike.
func (m *maker) outputTraps() {
	step := func(name string, lanes []operand, takes func(x *execution) bool) *step {
		trapped := ending(link.Outcome{Kind: link.Trap, Trap: link.TrapTape})
		s := m.step("out_word "+name, use{op: machine.OpOutWord, lanes: lanes, takes: func(x *execution) bool { return trapped(x) && takes(x) }})
		s.fetch(s.registers([]string{"a", "b", "c"}[:len(lanes)]...))
		s.traps(link.TrapTape)
		return s
	}
	atLeast := func(name string, o operand, least uint64) {
		s := step(name, []operand{o}, func(x *execution) bool { return x.reg(o) >= least })
		more := s.limbs("more", 4)
		s.read(0, column(s.Column("a")), slotA, more.Plus(Int(int64(least))))
		s.fill = func(x *execution, r Row) { r.limbs(more, x.at(0)-least) }
	}
	atLeast("of no stream", opA, link.OutStreams)
	atLeast("of too many bytes", opC, 9)
	none := step("of no bytes", []operand{opC}, func(x *execution) bool { return x.reg(opC) == 0 })
	none.read(0, column(none.Column("a")), slotA, Lin{})

	over := step("after the last", []operand{opA}, func(x *execution) bool { return x.spaces[BusCells].value(outputCell(x)) == closed })
	stream := over.column("stream", 64)
	over.read(0, column(over.Column("a")), slotA, stream)
	over.use(BusCells, stream.Plus(Int(cellOutput)), 0, Int(closed), Int(closed), outputCell, nil)
	over.fill = func(x *execution, r Row) { r.set(stream, x.at(0)) }

	for n := uint(1); n < 8; n++ {
		long := step(fmt.Sprintf("of more than %d", n), []operand{opB, opC}, func(x *execution) bool { return x.reg(opC) == uint64(n) && x.reg(opB)>>(8*n) != 0 })
		low, high := long.piece("low", 8*n), long.piece("high", 64-8*n)
		long.read(0, column(long.Column("a")), slotA, low.Plus(high.Shl(8*n)))
		long.read(1, column(long.Column("b")), slotB, Int(int64(n)))
		long.nonZero("there is more", high)
		long.fill = func(x *execution, r Row) {
			r.limbs(low, x.at(0)&mask(8*n))
			r.limbs(high, x.at(0)>>(8*n))
		}
	}
}
