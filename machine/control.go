package machine

import (
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/wasm"
)

// scope is an open block that can be reached.
type scope struct {
	op              wasm.Opcode // block, loop, if; else once an if's second arm is open
	height          int         // of the operands below its parameters
	params, results int
	head            uint32 // loop: where it begins
	uses            uint32 // branches to its end, chained through their T; 0 ends the chain
	other           uint32 // if: the branch to the second arm, or 0
}

// use chains the instruction at pc, which goes to the end of b.
func (lo *lowerer) use(b *scope, pc int) {
	lo.p.Code[pc].T = b.uses
	b.uses = uint32(pc)
}

// bind makes all uses of a label go to pc.
func (lo *lowerer) bind(uses, pc uint32) {
	for uses != 0 {
		in := &lo.p.Code[uses]
		uses, in.T = in.T, pc
	}
}

// open begins a block.
func (lo *lowerer) open(in *wasm.Instr) {
	f := &lo.f
	if f.dead > 0 {
		f.dead++
		return
	}
	sig := in.Block.Signature(lo.m)
	b := scope{op: in.Op, params: len(sig.Params), results: len(sig.Results)}
	var test Instr
	if in.Op == wasm.OpIf {
		if f.far { // now, since putting constants into their homes takes a cell that the test may use
			lo.settleTop(b.params + 1)
		}
		test = lo.condition()
	}
	lo.settleTop(b.params)
	lo.settle()
	b.height = len(f.stack) - b.params
	switch in.Op {
	case wasm.OpLoop:
		b.head = lo.here()
	case wasm.OpIf:
		test.Op = test.Op.negated()
		b.other = uint32(lo.emit(test))
	}
	f.blocks = append(f.blocks, b)
}

// condition pops a condition and returns the branch to take if it holds.
func (lo *lowerer) condition() Instr {
	e := lo.pop()
	if in := lo.last(e.source); e.kind == held && in != nil && in.Op.isCompare() && lo.f.weight == 0 {
		test := lo.retract()
		test.Op, test.D = test.Op.branch(), 0
		return test
	}
	return Instr{Op: OpBrNe32I, A: lo.operand(e, len(lo.f.stack), 0)}
}

// arm begins the second arm of an if.
func (lo *lowerer) arm() {
	f := &lo.f
	if f.dead > 1 {
		return
	}
	b := &f.blocks[len(f.blocks)-1]
	if f.dead == 0 {
		lo.arrange(b.results, b.height)
		lo.use(b, lo.emit(Instr{Op: OpJump}))
	}
	lo.restart(b.height, b.params)
	lo.bindOther(b, lo.here())
	b.op = wasm.OpElse
}

func (lo *lowerer) bindOther(b *scope, pc uint32) {
	if b.other != 0 {
		lo.p.Code[b.other].T = pc
		b.other = 0
	}
}

// restart makes n operands above height, all in their homes, the stack.
func (lo *lowerer) restart(height, n int) {
	lo.cut(height)
	for range n {
		lo.push(-1)
	}
	lo.f.dead = 0
}

// close ends a block.
func (lo *lowerer) close() {
	f := &lo.f
	if f.dead > 1 {
		f.dead--
		return
	}
	b := f.blocks[len(f.blocks)-1]
	f.blocks = f.blocks[:len(f.blocks)-1]
	reached := f.dead == 0
	switch {
	case len(f.blocks) == 0:
		lo.end(&b, reached)
	case b.uses == 0 && b.other == 0: // nothing comes to its end but what runs into it
		if !reached {
			lo.cut(b.height)
		}
	default:
		if reached {
			lo.arrange(b.results, b.height)
		}
		pc := lo.here()
		lo.bind(b.uses, pc)
		lo.bindOther(&b, pc)
		lo.restart(b.height, b.results)
	}
}

// end ends the function.
func (lo *lowerer) end(b *scope, reached bool) {
	if b.uses != 0 {
		lo.bind(b.uses, lo.here())
		reached = true
	}
	if reached {
		lo.leave()
	}
	lo.cut(0)
	lo.f.settled = 0
}

// arrange copies the n highest operands to the homes above height. The stack stays as it is.
func (lo *lowerer) arrange(n, height int) {
	s := lo.f.stack
	for i := range n { // upward: a home is never read after one below it was written
		at := len(s) - n + i
		lo.copyTo(lo.home(height+i), s[at], at)
	}
}

// arranged reports whether arrange would have nothing to do.
func (lo *lowerer) arranged(n, height int) bool {
	if n > 0 && len(lo.f.stack)-n != height {
		return false
	}
	return lo.homed(n)
}

// leave returns from the function with the highest operands.
func (lo *lowerer) leave() {
	f := &lo.f
	n := len(f.sig.Results)
	s := f.stack
	if n == 1 {
		e := s[len(s)-1]
		if in := lo.last(e.source); e.kind == held && in != nil {
			in.D = 0
		} else {
			lo.copyTo(0, e, len(s)-1)
		}
	} else {
		for at := len(s) - n; at < len(s); at++ { // the results' cells are those of parameters, which may be operands
			if s[at].kind != held {
				lo.copyTo(lo.home(at), s[at], at)
			}
		}
		if uint32(n) > f.link { // they reach over the link
			lo.move(lo.home(len(s)), f.link)
		}
		for i := range n {
			lo.move(uint32(i), lo.home(len(s)-n+i))
		}
	}
	from := f.link
	if uint32(n) > f.link {
		from = uint32(n)
		lo.move(from, lo.home(len(s)))
	}
	lo.emit(Instr{Op: OpReturn, A: uint16(from), Imm: uint64(link.FrameCells(lo.m, f.index))})
}

// target returns the block that a label names, and how many operands a branch to it takes along.
func (lo *lowerer) target(label uint32) (b *scope, n int) {
	at := len(lo.f.blocks) - 1 - int(label)
	b = &lo.f.blocks[at]
	if b.op == wasm.OpLoop {
		return b, b.params
	}
	return b, b.results
}

// jump goes to a label with the operands that it takes.
func (lo *lowerer) jump(label uint32) {
	b, n := lo.target(label)
	switch {
	case b == &lo.f.blocks[0]:
		lo.leave()
	case b.op == wasm.OpLoop:
		lo.arrange(n, b.height)
		lo.emit(Instr{Op: OpJump, T: b.head})
	default:
		lo.arrange(n, b.height)
		lo.use(b, lo.emit(Instr{Op: OpJump}))
	}
}

// direct reports whether a branch can go to a label without moving anything.
func (lo *lowerer) direct(label uint32) bool {
	b, n := lo.target(label)
	if b == &lo.f.blocks[0] {
		return n == 0
	}
	return lo.arranged(n, b.height)
}

// aim makes the branch in, which is direct, go to a label, and emits it.
func (lo *lowerer) aim(in Instr, label uint32) {
	b, _ := lo.target(label)
	if b.op == wasm.OpLoop {
		in.T = b.head
		lo.emit(in)
		return
	}
	lo.use(b, lo.emit(in))
}

func (lo *lowerer) branchIf(label uint32) {
	test := lo.condition()
	if lo.direct(label) {
		lo.aim(test, label)
		return
	}
	test.Op = test.Op.negated()
	over := lo.emit(test)
	lo.jump(label)
	lo.p.Code[over].T = lo.here()
}

// branchTable makes a row of jumps, one for each label, and behind them what moves operands for those that need it.
func (lo *lowerer) branchTable(labels []uint32) {
	e := lo.pop()
	a := lo.operand(e, len(lo.f.stack), 0)
	lo.emit(Instr{Op: OpJumpTable, A: a, Imm: uint64(len(labels) - 1)})
	apart := make(map[uint32][]int)
	var order []uint32
	for _, l := range labels {
		if lo.direct(l) {
			lo.aim(Instr{Op: OpJump}, l)
			continue
		}
		if apart[l] == nil {
			order = append(order, l)
		}
		apart[l] = append(apart[l], lo.emit(Instr{Op: OpJump}))
	}
	for _, l := range order {
		pc := lo.here()
		for _, j := range apart[l] {
			lo.p.Code[j].T = pc
		}
		if lo.jump(l); len(lo.p.Code) > MaxProgram {
			return
		}
	}
}
