package link

import (
	"math"
	"slices"

	"github.com/trilemma-dev/trilemma/wasm"
)

// longBody is the fuel above which a function looks at the fuel when it is entered, not only after its calls: so that a
// chain of calls, which is bounded by the depth, cannot run long before anyone looks.
const longBody = 1 << 10

// rewriter writes the instrumented body of one function.
//
// The fuel left is kept in a local, so that a chain of charges does not go through memory, and stored to the global in each
// basic block that can trap, call or return. Every loop that can repeat gets a second loop around it, whose head alone calls Refill:
// a call in the loop itself would cost it its registers. A caller stores the depth before each call, so that no one has to
// restore it.
type rewriter struct {
	*instrumenter
	assembler
	meter   *meter
	nans    *nanPlan // nil: nothing to do
	leaf    bool
	fuelVar uint32
	cells   uint32 // local: cells left below this frame
	size    uint32 // local: operand of bulk operations
	next    int    // block of meter to come
	levels  []int  // labels per open block of the original
	checked []bool // per open block: every way to its beginning has looked at the fuel
	covered bool   // every way to here has
}

// function rewrites defined function i.
func (n *instrumenter) function(i int) (wasm.Code, error) {
	c := &n.m.Code[i]
	w := &rewriter{instrumenter: n, meter: measure(c), leaf: n.leaf[i], levels: []int{1}, checked: []bool{false}}
	t := n.m.Types[n.m.Funcs[i]]
	w.assembler.locals = slices.Clone(c.Locals)
	w.assembler.params = uint32(len(t.Params))
	w.fuelVar, w.cells, w.size = w.local(wasm.I64), w.local(wasm.I32), w.local(wasm.I32)
	w.body = make([]byte, 0, 2*len(c.Body))
	w.nans = planNaNs(n.m, i)
	if w.nans != nil {
		w.nans.temp32, w.nans.temp64 = w.local(wasm.F32), w.local(wasm.F64)
	}
	slices.Sort(w.meter.heads)

	w.enter(FrameCells(n.m, i))
	if i == n.start {
		w.dropActive()
	}
	r := wasm.NewReader(c.Body, c.Offset)
	for k := uint32(0); r.More(); k++ {
		in, err := r.Next()
		if err != nil {
			return wasm.Code{}, err
		}
		w.charge(k)
		w.instr(k, in)
		if w.nans != nil {
			w.nans.after(k, &w.assembler)
		}
	}
	return wasm.Code{Locals: w.locals, Body: w.body}, nil
}

// enter compares the frame with the depth left, and reads the fuel left.
func (w *rewriter) enter(frame uint32) {
	w.index(wasm.OpGlobalGet, w.fuel)
	w.index(wasm.OpLocalSet, w.fuelVar)
	w.index(wasm.OpGlobalGet, w.depth)
	w.const32(min(frame, MaxDepthCells+1))
	if w.leaf {
		w.op(wasm.OpI32LtS)
	} else {
		w.op(wasm.OpI32Sub)
		w.index(wasm.OpLocalTee, w.cells)
		w.const32(0)
		w.op(wasm.OpI32LtS)
	}
	w.emit(wasm.Instr{Op: wasm.OpIf, Block: wasm.BlockEmpty})
	w.const32(math.MaxUint32)
	w.index(wasm.OpGlobalSet, w.depth)
	w.op(wasm.OpUnreachable)
	w.op(wasm.OpEnd)

	all := uint64(0)
	for i := range w.meter.blocks {
		all += uint64(w.meter.blocks[i].Weight)
	}
	if !w.leaf && all > longBody {
		w.check()
		w.covered = true
	}
}

// check calls Refill if the fuel is overdrawn. The likely arm comes first: wazero's register allocator keeps its registers.
func (w *rewriter) check() {
	w.index(wasm.OpLocalGet, w.fuelVar)
	w.const64(0)
	w.op(wasm.OpI64GeS)
	w.emit(wasm.Instr{Op: wasm.OpIf, Block: wasm.BlockEmpty})
	w.op(wasm.OpElse)
	w.index(wasm.OpLocalGet, w.fuelVar)
	w.index(wasm.OpGlobalSet, w.fuel)
	w.index(wasm.OpCall, funcRefill)
	w.index(wasm.OpGlobalGet, w.fuel)
	w.index(wasm.OpLocalSet, w.fuelVar)
	w.op(wasm.OpEnd)
}

// charge takes the fuel of the basic block that begins at ordinal k, if one does.
func (w *rewriter) charge(k uint32) {
	for ; w.next < len(w.meter.blocks) && w.meter.blocks[w.next].Instr == k; w.next++ {
		b := &w.meter.blocks[w.next]
		if b.Weight > 0 {
			w.index(wasm.OpLocalGet, w.fuelVar)
			w.const64(uint64(b.Weight))
			w.op(wasm.OpI64Sub)
			w.index(wasm.OpLocalSet, w.fuelVar)
		}
		if b.exposes {
			w.index(wasm.OpLocalGet, w.fuelVar)
			w.index(wasm.OpGlobalSet, w.fuel)
		}
	}
}

// instr writes instruction k with what belongs around it.
func (w *rewriter) instr(k uint32, in wasm.Instr) {
	switch in.Op {
	case wasm.OpBlock, wasm.OpIf, wasm.OpLoop:
		w.open(k, in)
		return
	case wasm.OpElse:
		w.covered = w.checked[len(w.checked)-1]
	case wasm.OpEnd:
		w.close(in)
		return
	case wasm.OpBr, wasm.OpBrIf:
		in.Index = w.label(in.Index)
	case wasm.OpBrTable:
		for i, l := range in.Targets {
			in.Targets[i] = w.label(l)
		}
	case wasm.OpRefFunc:
		in.Index = hostedFunc(in.Index)
	case wasm.OpCall:
		if in.Index >= NumPrimitives {
			w.call(in)
			return
		}
	case wasm.OpCallIndirect:
		w.call(in)
		return
	case wasm.OpMemoryGrow:
		in = wasm.Instr{Op: wasm.OpCall, Index: w.grow}
	case wasm.OpMemoryCopy, wasm.OpMemoryFill, wasm.OpMemoryInit, wasm.OpTableCopy, wasm.OpTableFill, wasm.OpTableInit:
		w.bulk(in)
		return
	case wasm.OpElemDrop:
		if length, ok := w.segments.lengths[in.Index]; ok {
			w.const64(0)
			w.index(wasm.OpGlobalSet, length)
		}
	}
	w.emit(in)
}

func (w *rewriter) open(k uint32, in wasm.Instr) {
	levels := 1
	w.checked = append(w.checked, w.covered)
	w.emit(in)
	if in.Op == wasm.OpLoop {
		if _, head := slices.BinarySearch(w.meter.heads, k); head {
			levels = 2
			w.check()
			w.emit(in)
			w.index(wasm.OpLocalGet, w.fuelVar)
			w.const64(0)
			w.op(wasm.OpI64LtS)
			w.index(wasm.OpBrIf, 1)
			w.covered = true
			w.checked[len(w.checked)-1] = true // its end is reached through its head only
		}
	}
	w.levels = append(w.levels, levels)
}

func (w *rewriter) close(in wasm.Instr) {
	last := len(w.levels) - 1
	for range w.levels[last] {
		w.emit(in)
	}
	w.covered = w.checked[last]
	w.levels, w.checked = w.levels[:last], w.checked[:last]
}

// label maps a label of the original to one of the copy. A loop's is its inner one.
func (w *rewriter) label(l uint32) uint32 {
	n := 0
	for _, levels := range w.levels[len(w.levels)-int(l):] {
		n += levels
	}
	return uint32(n)
}

// call stores the depth, calls, and reads the fuel that the callee left.
func (w *rewriter) call(in wasm.Instr) {
	light := false
	if in.Op == wasm.OpCall {
		light = w.instrumenter.leaf[in.Index-NumPrimitives]
		in.Index = hostedFunc(in.Index)
	}
	w.index(wasm.OpLocalGet, w.cells)
	w.index(wasm.OpGlobalSet, w.depth)
	w.emit(in)
	w.index(wasm.OpGlobalGet, w.fuel)
	w.index(wasm.OpLocalSet, w.fuelVar)
	if !light && !w.covered {
		w.check()
		w.covered = true
	}
}

// bulk does the operation, which traps or not before anything is charged, and charges by its size after.
func (w *rewriter) bulk(in wasm.Instr) {
	w.index(wasm.OpLocalTee, w.size)
	if length, ok := w.segments.lengths[in.Index]; ok && in.Op == wasm.OpTableInit {
		w.initNulls(in, length)
	} else {
		w.emit(in)
	}
	w.index(wasm.OpLocalGet, w.fuelVar)
	w.index(wasm.OpLocalGet, w.size)
	w.op(wasm.OpI64ExtendI32U)
	w.const64(7)
	w.op(wasm.OpI64Add)
	w.const64(3)
	w.op(wasm.OpI64ShrU)
	w.op(wasm.OpI64Sub)
	w.index(wasm.OpLocalTee, w.fuelVar)
	w.index(wasm.OpGlobalSet, w.fuel)
	w.check()
}
