package machine

import (
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/wasm"
)

// lowerer makes a program. It goes through each function once, with the operand stack of the validation algorithm, whose entries
// are cells, constants or locals that were not copied yet.
//
// A frame holds the parameters, the link, the declared locals, and a home for each operand by its height. The cells before the
// link are at least the parameters and, where they are few, the results:
//
//	0 … link−1   parameters; on return the results
//	link         where to return to
//	link+1 …     three cells for operands out of reach, in frames that have such
//	…            locals, then the operands' homes; the one above the highest is for a copy of the link, if the results reach over it
//
// A callee's frame begins at the home of its first argument. All of this takes no more cells than [link.FrameCells] counts.
type lowerer struct {
	p *Program
	m *wasm.Module

	calls []uint32 // instructions whose T is a function index so far
	refs  []uint32 // instructions whose Imm is a function index so far

	dataBase, elemBase []uint32 // where each passive segment begins among them all

	f function
}

// moreResults is how many results fit before the link in addition to what the parameters take.
const moreResults = 11

// function is the state of lowering one function.
type function struct {
	index  int
	sig    wasm.FuncType
	link   uint32 // cell
	locals uint32 // cell of the first declared local
	homes  uint32 // cell of the first operand's home
	far    bool   // some cells are out of reach
	begin  int    // first instruction

	at      uint32 // ordinal of the Wasm instruction
	weight  uint32 // of the basic block that begins with the next instruction
	label   int    // the next instruction may be reached from elsewhere if it is this one: nothing before it can change
	stack   []entry
	loose   []int32 // heights of entries that are not held, each above those before it; what became held or was popped may still be there
	settled int     // below this height no entry is a local
	newest  []int32 // by local: the highest entry that stands for it, plus one
	blocks  []scope
	dead    int // blocks open in dead code; 0: the code is reached
}

// kind says what an operand is.
type kind uint8

const (
	held  kind = iota // in its home
	konst             // val
	local             // local val, to be copied before that is written
)

// entry is one operand.
type entry struct {
	kind   kind
	val    uint64
	older  int32 // local: the next lower entry for the same local, plus one
	source int32 // held: the instruction that computed it and does nothing else, or −1
}

// linkCell is where a function of type t finds its link.
func (lo *lowerer) linkCell(t wasm.FuncType) uint32 {
	return uint32(max(len(t.Params), min(len(t.Results), moreResults)))
}

// function lowers defined function i.
func (lo *lowerer) function(i int) error {
	c := &lo.m.Code[i]
	f := &lo.f
	declared := uint32(0)
	for _, g := range c.Locals {
		declared += g.Count
	}
	sig := lo.m.Types[lo.m.Funcs[i]]
	*f = function{index: i, sig: sig, link: lo.linkCell(sig), begin: len(lo.p.Code), stack: f.stack[:0], loose: f.loose[:0], blocks: f.blocks[:0], newest: f.newest, label: len(lo.p.Code)}
	f.locals = f.link + 1
	if f.locals+declared+c.MaxStack+1 > reach {
		f.far = true
		f.locals += 3
	}
	f.homes = f.locals + declared
	for int(declared)+len(sig.Params) > len(f.newest) {
		f.newest = append(f.newest, make([]int32, len(f.newest)+64)...)
	}
	lo.p.entries[i] = uint32(len(lo.p.Code))
	charges := link.Charges(lo.m, c)
	lo.charge(&charges, 0)
	lo.zero(c, declared)
	f.blocks = append(f.blocks, scope{op: wasm.OpBlock, results: len(sig.Results)})
	r := wasm.NewReader(c.Body, c.Offset)
	for k := uint32(0); r.More(); k++ {
		in, err := r.Next()
		if err != nil {
			return err
		}
		f.at = k
		lo.charge(&charges, k)
		lo.instr(&in)
		if len(lo.p.Code) > MaxProgram {
			return ErrTooLarge
		}
	}
	return nil
}

// charge takes note of the basic block that begins before ordinal k.
func (lo *lowerer) charge(charges *[]link.Charge, k uint32) {
	for cs := *charges; len(cs) > 0 && cs[0].Instr == k; cs = *charges {
		lo.carry()
		lo.f.weight = cs[0].Weight
		*charges = cs[1:]
	}
}

// carry emits an instruction for a basic block that has none of its own.
func (lo *lowerer) carry() {
	if lo.f.weight != 0 {
		lo.emit(Instr{Op: OpCharge})
	}
}

// emit appends an instruction and returns its index.
func (lo *lowerer) emit(in Instr) int {
	in.W, lo.f.weight = lo.f.weight, 0
	lo.p.Code = append(lo.p.Code, in)
	lo.p.place = append(lo.p.place, lo.f.at)
	return len(lo.p.Code) - 1
}

// retract takes the last instruction back. Its weight stays for what comes in its place.
func (lo *lowerer) retract() Instr {
	last := len(lo.p.Code) - 1
	in := lo.p.Code[last]
	lo.f.weight, in.W = in.W, 0
	lo.p.Code, lo.p.place = lo.p.Code[:last], lo.p.place[:last]
	return in
}

// last returns the last instruction if source names it and it may be changed: nothing can come to the place behind it but
// through it.
func (lo *lowerer) last(source int32) *Instr {
	if n := len(lo.p.Code); source >= 0 && int(source) == n-1 && n > lo.f.label {
		return &lo.p.Code[n-1]
	}
	return nil
}

// here marks the next instruction as reachable from elsewhere, and returns its index.
func (lo *lowerer) here() uint32 {
	lo.carry()
	lo.f.label = len(lo.p.Code)
	return uint32(len(lo.p.Code))
}

// move copies a cell.
func (lo *lowerer) move(to, from uint32) {
	switch {
	case to == from:
	case to < reach && from < reach:
		lo.emit(Instr{Op: OpMove, D: uint16(to), A: uint16(from)})
	default:
		lo.emit(Instr{Op: OpMoveFar, T: to, Imm: uint64(from)})
	}
}

// set makes a cell hold a constant.
func (lo *lowerer) set(to uint32, v uint64) {
	if to < reach {
		lo.emit(Instr{Op: OpConst, D: uint16(to), Imm: v})
		return
	}
	lo.emit(Instr{Op: OpConst, D: uint16(lo.f.link + 1), Imm: v})
	lo.move(to, lo.f.link+1)
}

// zero clears the declared locals that may be read before they are written.
func (lo *lowerer) zero(c *wasm.Code, declared uint32) {
	if declared == 0 {
		return
	}
	params := uint32(len(lo.f.sig.Params))
	for _, l := range readFirst(c, params, declared) {
		lo.set(lo.cell(l), 0)
	}
}

// cell is where a local lies.
func (lo *lowerer) cell(l uint32) uint32 {
	if p := uint32(len(lo.f.sig.Params)); l >= p {
		return lo.f.locals + l - p
	}
	return l
}

func (lo *lowerer) home(height int) uint32 { return lo.f.homes + uint32(height) }
