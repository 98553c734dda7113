package machine

import "github.com/trilemma-dev/trilemma/link"

// Counter runs a program and counts how often each instruction is executed. It takes the same steps as [Machine.Run], in stretches that
// can only be left at their end, and costs about as much again. It is not safe for concurrent use.
type Counter struct {
	m       *Machine
	stretch []uint32 // by instruction: how many are executed one after the other from there on, unless the run ends
	change  []uint64 // by instruction: how many more often it was executed than the one before, modulo 2⁶⁴

	float   uint32 // the first float instruction that was executed,
	floatAt uint64 // and the steps before it
	floated bool
}

// NewCounter makes a counter in the initial state; see [New].
func NewCounter(p *Program, streams [][]byte, lim link.Limits) *Counter {
	c := &Counter{m: New(p, streams, lim), stretch: make([]uint32, len(p.Code)), change: make([]uint64, len(p.Code)+1)}
	for pc := len(p.Code) - 1; pc >= 0; pc-- {
		c.stretch[pc] = 1
		op := p.Code[pc].Op
		if last := op.goes() || op.repeats() || op.IsFloat() || pc+1 == len(p.Code) || p.Code[pc+1].Op.IsFloat(); !last {
			c.stretch[pc] += c.stretch[pc+1]
		}
	}
	return c
}

// Machine is what the counter runs.
func (c *Counter) Machine() *Machine { return c.m }

// Run is [Machine.Run].
func (c *Counter) Run(n uint64) (took uint64, err error) {
	m := c.m
	for took < n && !m.ended && err == nil {
		if !c.floated && m.program.Code[m.pc].Op.IsFloat() {
			c.float, c.floatAt, c.floated = m.pc, m.steps, true
		}
		from := m.pc
		var some uint64
		some, err = m.Run(min(n-took, uint64(c.stretch[from])))
		c.change[from]++
		c.change[uint64(from)+some]--
		took += some
	}
	return took, err
}

// Counts is how often each instruction was executed so far: its steps.
func (c *Counter) Counts() []uint64 {
	out := make([]uint64, len(c.m.program.Code))
	n := uint64(0)
	for pc := range out {
		n += c.change[pc]
		out[pc] = n
	}
	return out
}

// FirstFloat is the first instruction on floating-point numbers that was executed, and the steps before it.
func (c *Counter) FirstFloat() (pc uint32, steps uint64, ok bool) {
	return c.float, c.floatAt, c.floated
}

// Touched is how many bytes of memory lie in pages of PageSize that were read or written, by the program or by the module's data.
func (c *Counter) Touched() uint64 {
	n := uint64(0)
	for _, how := range c.m.touched {
		if how != 0 {
			n += PageSize
		}
	}
	return n
}

// Pages is the memory's size, in pages of 64 KiB.
func (c *Counter) Pages() uint32 { return c.m.pages() }
