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
)

// endOf is how a run ends, as a number; ok is false if no chip shows such an end.
func endOf(o link.Outcome) (end uint64, ok bool) {
	switch o.Kind {
	case link.OK:
		return endOK, true
	case link.Exit:
		return endExit | uint64(o.Code)<<endCode, true
	case link.TooDeep:
		return endDepth, true
	case link.Trap:
		return endTrapped | machine.TrapNumber(o.Trap)<<endTrap, true
	}
	return 0, false
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

	trap := m.step("trap", use{op: machine.OpTrap, extra: []operand{opTrap}})
	kind := trap.extra(0, "kind")
	trap.fetch(nil, kind)
	trap.stop(kind.Shl(endTrap).Plus(Int(endTrapped)))
}

// stop ends the run: the state that the row received is the last one.
func (s *step) stop(end Lin) {
	s.Messages[0].Role = Sink
	s.send(BusEnd, alone(s.clock.Plus(Pow(stepBits))), end)
}
