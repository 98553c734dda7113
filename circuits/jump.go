package circuits

import "github.com/trilemma-dev/trilemma/machine"

// jumps makes the chips of jumps without a condition.
func (m *maker) jumps() {
	s := m.step("jump", use{op: machine.OpJump, extra: []operand{opTarget}})
	t := s.extra(0, "target")
	s.fetch(nil, t)
	s.next(t, Lin{})
}
