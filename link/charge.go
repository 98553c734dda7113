package link

import (
	"math"

	"github.com/trilemma-dev/trilemma/wasm"
)

// Charge says that Weight fuel is taken, all at once, before instruction ordinal Instr of a body is executed.
type Charge struct {
	Instr  uint32
	Weight uint32
}

// basicBlock is a run of instructions that is charged at once.
type basicBlock struct {
	Charge
	exposes bool // the fuel left may be looked at while it runs: by a trap, a call, or the caller
}

// control is an open block of the body that a meter walks.
type control struct {
	op       wasm.Opcode // block, loop, if; else once an if's second arm is open
	at       uint32      // its ordinal
	live     bool        // the block can be entered
	targeted bool        // some reachable branch names its label
	joins    bool        // if: the end of the first arm can be reached
	before   int         // loop: the basic block that leads into it
	own      int         // loop: the basic block after its head
}

// meter cuts a body into basic blocks while it is read.
type meter struct {
	blocks []basicBlock // in code order, those of weight 0 and those joined to an earlier one included
	heads  []uint32     // ordinals of the loops that something reachable branches to, as they close
	cur    int          // the open basic block, -1 in unreachable code
	stack  []control
}

// Charges is the metering rule of profile tm/1: the fuel that a function body takes, block by block, in code order.
//
// Every instruction weighs 1, but block, loop, else and end weigh 0. A basic block is charged whole when it is entered. It
// begins at the function's entry, after loop if something reachable branches to its label, after if, after else, after
// the end of an if, after the end of a block that something reachable branches to, and after br_if. It ends where the
// next begins, or after unreachable, br, br_table or return; what follows those, up to a place that can be reached again, is
// dead and weighs nothing. Calls do not end a block. Blocks of weight 0 are left out.
//
// The rule looks at code only, so whatever executes it must charge the same; code must be validated.
func Charges(_ *wasm.Module, code *wasm.Code) []Charge {
	m := measure(code)
	if m == nil {
		return nil
	}
	out := make([]Charge, 0, len(m.blocks))
	for i := range m.blocks {
		if c := m.blocks[i].Charge; c.Weight > 0 {
			out = append(out, c)
		}
	}
	return out
}

// measure cuts code into basic blocks; nil if it is not validated.
func measure(code *wasm.Code) *meter {
	m := &meter{cur: -1, stack: []control{{op: wasm.OpBlock, live: true}}}
	m.begin(0)
	r := wasm.NewReader(code.Body, code.Offset)
	for i := uint32(0); r.More(); i++ {
		in, err := r.Next()
		if err != nil || len(m.stack) == 0 {
			return nil
		}
		m.step(i, &in)
	}
	return m
}

// begin opens the basic block that starts at ordinal i.
func (m *meter) begin(i uint32) {
	m.cur = len(m.blocks)
	m.blocks = append(m.blocks, basicBlock{Charge: Charge{Instr: i}})
}

func (m *meter) step(i uint32, in *wasm.Instr) {
	switch in.Op {
	case wasm.OpBlock, wasm.OpLoop:
		m.open(i, in.Op)
		return
	case wasm.OpElse:
		m.arm(i)
		return
	case wasm.OpEnd:
		m.close(i)
		return
	}
	if m.cur >= 0 {
		m.blocks[m.cur].Weight++
		if exposesFuel(in.Op) {
			m.blocks[m.cur].exposes = true
		}
	}
	switch in.Op {
	case wasm.OpIf:
		m.open(i, in.Op)
	case wasm.OpBrIf:
		m.branch(in.Index)
		if m.cur >= 0 {
			m.begin(i + 1)
		}
	case wasm.OpBr:
		m.branch(in.Index)
		m.cur = -1
	case wasm.OpBrTable:
		for _, l := range in.Targets {
			m.branch(l)
		}
		m.cur = -1
	case wasm.OpReturn, wasm.OpUnreachable:
		m.cur = -1
	}
}

func (m *meter) branch(label uint32) {
	if m.cur < 0 || uint64(label) >= uint64(len(m.stack)) {
		return
	}
	at := len(m.stack) - 1 - int(label)
	m.stack[at].targeted = true
	if at == 0 { // it returns
		m.blocks[m.cur].exposes = true
	}
}

func (m *meter) open(i uint32, op wasm.Opcode) {
	c := control{op: op, at: i, live: m.cur >= 0, before: m.cur}
	if c.live && op != wasm.OpBlock {
		m.begin(i + 1)
	}
	c.own = m.cur
	m.stack = append(m.stack, c)
}

func (m *meter) arm(i uint32) {
	c := &m.stack[len(m.stack)-1]
	c.op, c.joins, m.cur = wasm.OpElse, m.cur >= 0, -1
	if c.live {
		m.begin(i + 1)
	}
}

func (m *meter) close(i uint32) {
	c := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	joined := m.cur >= 0 || c.joins || c.targeted
	if len(m.stack) == 0 { // the function's end
		if m.cur >= 0 {
			m.blocks[m.cur].exposes = true
		}
		return
	}
	switch {
	case !c.live:
	case c.op == wasm.OpLoop:
		if !c.targeted { // nothing comes back to its head: one block with what leads into it
			before, own := &m.blocks[c.before], &m.blocks[c.own]
			before.Weight += own.Weight
			before.exposes = before.exposes || own.exposes
			own.Weight, own.exposes = 0, false
			if m.cur == c.own {
				m.cur = c.before
			}
		} else {
			m.heads = append(m.heads, c.at)
		}
	case c.op == wasm.OpIf, c.op == wasm.OpElse && joined, c.targeted:
		m.begin(i + 1)
	}
}

// exposesFuel reports whether op can trap or leave the function, so that the fuel left has to be known before it.
func exposesFuel(op wasm.Opcode) bool {
	switch {
	case op >= wasm.OpI32Load && op <= wasm.OpI64Store32,
		op >= wasm.OpI32DivS && op <= wasm.OpI32RemU, op >= wasm.OpI64DivS && op <= wasm.OpI64RemU,
		op >= wasm.OpI32TruncF32S && op <= wasm.OpI32TruncF64U, op >= wasm.OpI64TruncF32S && op <= wasm.OpI64TruncF64U,
		op >= wasm.OpMemoryInit && op <= wasm.OpTableFill:
		return true
	}
	switch op {
	case wasm.OpUnreachable, wasm.OpReturn, wasm.OpCall, wasm.OpCallIndirect, wasm.OpTableGet, wasm.OpTableSet:
		return true
	}
	return false
}

// FrameCells is what a frame of defined function i (imports not counted) adds to the depth of a run: its parameters, its
// declared locals, the greatest height of its operand stack, and FrameOverhead; saturating. m must be validated.
func FrameCells(m *wasm.Module, i int) uint32 {
	c := &m.Code[i]
	n := uint64(FrameOverhead) + uint64(c.MaxStack) + uint64(len(m.Types[m.Funcs[i]].Params))
	for _, g := range c.Locals {
		n += uint64(g.Count)
	}
	return uint32(min(n, math.MaxUint32))
}
