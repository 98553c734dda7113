package circuits

import (
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// Kinds of end.
const (
	endOK = 1 + iota
	endExit
	endTrapped
	endDepth
	endFuel   // with what the last instruction would have charged for a code
	endOutput // with the bytes that did not fit
)

// endOf is how a run ends, as a number; 0 if no chip shows such an end. The code of an end by fuel or output is left out.
func endOf(o link.Outcome) uint64 {
	switch o.Kind {
	case link.OK:
		return endOK
	case link.Exit:
		return endExit | uint64(o.Code)<<endCode
	case link.TooDeep:
		return endDepth
	case link.OutOfFuel:
		return endFuel
	case link.OutputFull:
		return endOutput
	case link.Trap:
		return endTrapped | machine.TrapNumber(o.Trap)<<endTrap
	}
	return 0
}

// Of reports whether a statement says that a run ended in o within limits, with the fuel of o: the fuel charged, and where that or the output ended the
// run, that what came next did not fit. With hidden streams fuel and output are known as bounds, so that no such end is said.
func (st *Statement) Of(o link.Outcome, fuel uint64, lim link.Limits) bool {
	next, kind := st.End>>endCode, endOf(o)
	if st.Covers() != nil {
		return false
	}
	written := st.written()
	if written > lim.Output || st.Fuel > lim.Fuel || st.Memory != lim.Memory || len(st.Inputs) > link.MaxStreams {
		return false
	}
	switch o.Kind {
	case link.OutOfFuel, link.OutputFull:
		if st.Hidden != nil {
			return false
		}
	}
	switch o.Kind {
	case link.OutOfFuel:
		return st.End&mask(endCode) == kind && next > lim.Fuel-st.Fuel && fuel == lim.Fuel
	case link.OutputFull:
		return st.End&mask(endCode) == kind && next > lim.Output-written && fuel == st.Fuel
	}
	return kind != 0 && st.End == kind && fuel == st.Fuel
}

// ends makes the chips of what ends a run. They receive the state and send none.
func (m *maker) ends() {
	halt := m.step("halt", use{op: machine.OpHalt})
	halt.fetch(nil)
	halt.stop(Int(endOK))

	// Only the low 32 bits are the code.
	code := func(x *execution) uint64 { return x.reg(opA) }
	ok := m.step("exit with 0", use{op: machine.OpExit, lanes: []operand{opA}, takes: func(x *execution) bool { return uint32(code(x)) == 0 }})
	i := ok.registers("a")
	high := ok.limbs("high", 2)
	ok.fetch(i)
	ok.read(0, i[0], slotA, high.Shl(32))
	ok.stop(Int(endOK))
	ok.fill = func(x *execution, r Row) { r.limbs(high, code(x)>>32) }

	exit := m.step("exit", use{op: machine.OpExit, lanes: []operand{opA}, takes: func(x *execution) bool { return uint32(code(x)) != 0 }})
	i = exit.registers("a")
	low, rest := exit.limbs("code", 2), exit.limbs("high", 2)
	exit.fetch(i)
	exit.read(0, i[0], slotA, low.Plus(rest.Shl(32)))
	exit.nonZero("the code is not 0", low)
	exit.stop(low.Shl(endCode).Plus(Int(endExit)))
	exit.fill = func(x *execution, r Row) {
		r.limbs(low, code(x))
		r.limbs(rest, code(x)>>32)
	}

	fuel := m.step(nameNoFuel, use{extra: []operand{opWeight}, when: func(in *machine.Instr) bool { return in.W > 0 }, free: true})
	weight := fuel.extra(0, "weight")
	fuel.fetch(nil, weight)
	fuel.stop(weight.Shl(endCode).Plus(Int(endFuel)))

	trap := m.step("trap", use{op: machine.OpTrap, extra: []operand{opTrap}})
	kind := trap.extra(0, "kind")
	trap.fetch(nil, kind)
	trap.stop(kind.Shl(endTrap).Plus(Int(endTrapped)))
}

// stops reports whether the run ends in a row of the chip.
func (s *step) stops() bool { return s.Messages[0].Role == Sink }

// mayEnd reports whether a run that ends so may have a row of the chip: it goes on, or its end is of the same kind, and the same if it is a constant.
func (s *step) mayEnd(end uint64) bool {
	for i := range s.Messages {
		if m := &s.Messages[i]; m.Bus == BusEnd {
			l := m.Value[0]
			return low(l.K())&mask(endTrap) == end&mask(endTrap) && (len(l.Terms) > 0 || low(l.K()) == end)
		}
	}
	return true
}

// stop ends the run: the state that the row received is the last one.
func (s *step) stop(end Lin) {
	s.Messages[0].Role = Sink
	s.send(BusEnd, alone(s.clock.Plus(Pow(stepBits))), end)
}
