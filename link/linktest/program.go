package linktest

import (
	"pgregory.net/rapid"

	"github.com/trilemma-dev/trilemma/wasm"
)

// Program is a random function body over i32 locals, with every kind of control flow. It computes nothing of use, and
// may run forever.
type Program struct {
	Code []wasm.Instr
}

// Locals is the number of locals of a [Program], all i32: the first is its parameter.
const Locals = 4

// Draw makes a random program.
func Draw(t *rapid.T) *Program {
	p := &Program{}
	p.statements(t, 1, 5)
	p.add(wasm.OpEnd, 0)
	return p
}

func (p *Program) add(op wasm.Opcode, index uint32) {
	p.Code = append(p.Code, wasm.Instr{Op: op, Index: index})
}

// statements adds instructions that leave the operand stack as it was; labels are open.
func (p *Program) statements(t *rapid.T, labels, depth int) {
	for range rapid.IntRange(0, 4).Draw(t, "statements") {
		p.statement(t, labels, depth)
	}
}

func (p *Program) statement(t *rapid.T, labels, depth int) {
	last := 8
	if depth > 0 {
		last = 11
	}
	label := func() uint32 { return uint32(rapid.IntRange(0, labels-1).Draw(t, "label")) }
	local := func() uint32 { return uint32(rapid.IntRange(0, Locals-1).Draw(t, "local")) }
	switch rapid.IntRange(0, last).Draw(t, "statement") {
	case 0:
		p.add(wasm.OpNop, 0)
	case 1, 2, 3:
		p.value(t, local())
		p.add(wasm.OpLocalSet, local())
	case 4:
		p.value(t, local())
		p.add(wasm.OpLocalTee, local())
		p.add(wasm.OpDrop, 0)
	case 5:
		p.value(t, local())
		p.add(wasm.OpBrIf, label())
	case 6:
		p.add(wasm.OpBr, label())
	case 7:
		p.value(t, local())
		targets := []uint32{label()}
		for range rapid.IntRange(0, 3).Draw(t, "targets") {
			targets = append(targets, label())
		}
		p.Code = append(p.Code, wasm.Instr{Op: wasm.OpBrTable, Targets: targets})
	case 8:
		if rapid.IntRange(0, 3).Draw(t, "return") == 0 {
			p.add(wasm.OpReturn, 0)
		}
	case 9:
		p.Code = append(p.Code, wasm.Instr{Op: wasm.OpBlock, Block: wasm.BlockEmpty})
		p.statements(t, labels+1, depth-1)
		p.add(wasm.OpEnd, 0)
	case 10:
		p.Code = append(p.Code, wasm.Instr{Op: wasm.OpLoop, Block: wasm.BlockEmpty})
		p.statements(t, labels+1, depth-1)
		p.add(wasm.OpEnd, 0)
	case 11:
		p.value(t, local())
		p.Code = append(p.Code, wasm.Instr{Op: wasm.OpIf, Block: wasm.BlockEmpty})
		p.statements(t, labels+1, depth-1)
		if rapid.Bool().Draw(t, "else") {
			p.add(wasm.OpElse, 0)
			p.statements(t, labels+1, depth-1)
		}
		p.add(wasm.OpEnd, 0)
	}
}

// value pushes one number, small more often than not.
func (p *Program) value(t *rapid.T, local uint32) {
	p.add(wasm.OpLocalGet, local)
	if rapid.Bool().Draw(t, "add") {
		p.Code = append(p.Code, wasm.Instr{Op: wasm.OpI32Const, Const: uint64(uint32(rapid.Int32Range(-3, 3).Draw(t, "constant")))})
		p.add(wasm.OpI32Add, 0)
	}
	if rapid.Bool().Draw(t, "bit") {
		p.Code = append(p.Code, wasm.Instr{Op: wasm.OpI32Const, Const: uint64(rapid.IntRange(0, 3).Draw(t, "mask"))})
		p.add(wasm.OpI32And, 0)
	}
}

// Body encodes the program.
func (p *Program) Body() (b []byte) {
	for _, in := range p.Code {
		b = wasm.AppendInstr(b, in)
	}
	return b
}

// Module makes the program the one function of a module, exported as "f", which takes a number.
func (p *Program) Module() *wasm.Module {
	return &wasm.Module{
		Types:   []wasm.FuncType{{Params: []wasm.ValueType{wasm.I32}}},
		Funcs:   []uint32{0},
		Code:    []wasm.Code{{Locals: []wasm.LocalGroup{{Count: Locals - 1, Type: wasm.I32}}, Body: p.Body()}},
		Exports: []wasm.Export{{Name: "f", Kind: wasm.ExternFunc}},
	}
}

// Run executes the program instruction by instruction, at most limit of them, and calls visit with the ordinal of each before it is
// executed. It reports whether the program ended.
func (p *Program) Run(arg uint32, limit int, visit func(int)) (ended bool) {
	ends, elses := p.match()
	var locals [Locals]uint32
	locals[0] = arg
	var stack []uint32
	var open []int // ordinals of the open blocks
	pop := func() uint32 {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		return v
	}
	for pc := 0; pc < len(p.Code); limit-- {
		if limit == 0 {
			return false
		}
		visit(pc)
		in := &p.Code[pc]
		pc++
		branch := func(l uint32) {
			if int(l) >= len(open) {
				pc = len(p.Code)
				return
			}
			at := open[len(open)-1-int(l)]
			open = open[:len(open)-1-int(l)]
			if p.Code[at].Op == wasm.OpLoop {
				open = append(open, at)
				pc = at + 1
			} else {
				pc = ends[at] + 1
			}
		}
		switch in.Op {
		case wasm.OpI32Const:
			stack = append(stack, uint32(in.Const))
		case wasm.OpLocalGet:
			stack = append(stack, locals[in.Index])
		case wasm.OpLocalSet:
			locals[in.Index] = pop()
		case wasm.OpLocalTee:
			locals[in.Index] = stack[len(stack)-1]
		case wasm.OpI32Add:
			x := pop()
			stack[len(stack)-1] += x
		case wasm.OpI32And:
			x := pop()
			stack[len(stack)-1] &= x
		case wasm.OpDrop:
			pop()
		case wasm.OpBlock, wasm.OpLoop:
			open = append(open, pc-1)
		case wasm.OpIf:
			at := pc - 1
			open = append(open, at)
			if pop() == 0 {
				if e, ok := elses[at]; ok {
					pc = e + 1
				} else {
					pc = ends[at]
				}
			}
		case wasm.OpElse: // the first arm is done
			pc = ends[open[len(open)-1]]
		case wasm.OpEnd:
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		case wasm.OpBr:
			branch(in.Index)
		case wasm.OpBrIf:
			if pop() != 0 {
				branch(in.Index)
			}
		case wasm.OpBrTable:
			branch(in.Targets[min(int(pop()), len(in.Targets)-1)])
		case wasm.OpReturn:
			pc = len(p.Code)
		}
	}
	return true
}

// match finds the end and the else of each block.
func (p *Program) match() (ends, elses map[int]int) {
	ends, elses = map[int]int{}, map[int]int{}
	var open []int
	for i, in := range p.Code {
		switch in.Op {
		case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
			open = append(open, i)
		case wasm.OpElse:
			elses[open[len(open)-1]] = i
		case wasm.OpEnd:
			if len(open) > 0 {
				ends[open[len(open)-1]] = i
				open = open[:len(open)-1]
			}
		}
	}
	return ends, elses
}
