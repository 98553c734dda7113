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
)

// endOf is how a run ends, as a number; ok is false if no chip shows such an end.
func endOf(o link.Outcome) (end uint64, ok bool) {
	switch o.Kind {
	case link.OK:
		return endOK, true
	case link.Exit:
		return endExit | uint64(o.Code)<<endCode, true
	case link.Trap:
		return endTrapped | machine.TrapNumber(o.Trap)<<endTrap, true
	}
	return 0, false
}

// ends are the chips of what ends a run. They receive the state and send none.
func ends() []*step {
	halt := newStep("halt", format{code: entry(machine.OpHalt, 0)})
	halt.fetch(nil)
	halt.stop(Int(endOK))

	ok := newStep("exit ok", format{code: entry(machine.OpExit, 0), lanes: []operand{opA}})
	a := ok.index("a")
	ok.fetch([]Lin{a})
	high := ok.limbs("high", 2) // only the low 32 bits are the code
	ok.read(opA, a, slotA, high.Shl(32))
	ok.stop(Int(endOK))
	ok.takes = func(x *execution) bool { return uint32(x.a) == 0 }
	ok.fill = func(x *execution, r row) {
		r.set(a, uint64(x.in.A))
		r.limbs(high, x.a>>32)
	}

	exit := newStep("exit", format{code: entry(machine.OpExit, 0), lanes: []operand{opA}})
	i := exit.index("a")
	exit.fetch([]Lin{i})
	code, rest := exit.limbs("code", 2), exit.limbs("high", 2)
	exit.read(opA, i, slotA, code.Plus(rest.Shl(32)))
	exit.nonZero("the code is not 0", code)
	exit.stop(code.Shl(endCode).Plus(Int(endExit)))
	exit.takes = func(x *execution) bool { return uint32(x.a) != 0 }
	exit.fill = func(x *execution, r row) {
		r.set(i, uint64(x.in.A))
		r.limbs(code, x.a)
		r.limbs(rest, x.a>>32)
	}

	trap := newStep("trap", format{code: entry(machine.OpTrap, 0), extra: []operand{opTrap}})
	kind := trap.column("kind", 8)
	trap.fetch(nil, kind)
	trap.stop(kind.Shl(endTrap).Plus(Int(endTrapped)))
	trap.fill = func(x *execution, r row) { r.set(kind, x.in.Imm) }
	return []*step{halt, ok, exit, trap}
}

// stop ends the run: the state that the row received is the last one.
func (s *step) stop(end Lin) {
	s.Messages[0].Role = Sink
	s.send(BusEnd, alone(s.clock.Plus(Pow(stepBits))), end)
}
