package link

import (
	"fmt"

	"github.com/trilemma-dev/trilemma/wasm"
)

// What [Instrument] adds to a linked module, for the host that runs it.
const (
	// Refill is a fifth import of module "tm", () → (). It is called when the exported fuel is below zero, at least once per iteration of
	// a loop and per activation of a function that can recurse, so that the host can add fuel, or end the run, or yield.
	Refill = "refill"
	// FuelGlobal, an i64, is what is left of the fuel that the host granted. It may fall below zero before Refill is called.
	FuelGlobal = "fuel"
	// DepthGlobal, an i32, is how many cells deeper the frames may go. A run that needs more sets it to −1 and traps.
	DepthGlobal = "depth"
	// PagesGlobal, an i32, is the greatest size of the memory, in pages.
	PagesGlobal = "pages"
	// MemoryExport is the guest's memory, if it has one.
	MemoryExport = "memory"
)

// instrumenter holds the indices of what is added.
type instrumenter struct {
	m                  *wasm.Module // linked
	fuel, depth, pages uint32       // globals
	grow               uint32       // function (delta i32) → i32
	leaf               []bool       // defined functions that call none but primitives
	start              int          // defined function
	segments           segmentFixes
}

// numHosted is the number of imports of an instrumented module: the primitives and Refill.
const (
	funcRefill = NumPrimitives
	numHosted  = NumPrimitives + 1
)

// Instrument returns l as an engine without metering of its own should run it: module bytes that charge what [Charges] says,
// count what [FrameCells] says, keep memory.grow below a cap and make every NaN canonical. The host sets the three exported globals before it calls
// start, grants fuel through [Refill], and refuses to write output while the fuel is overdrawn.
//
// Charges are taken where they are due, to the instruction, but compared with zero only where code may go back: at the heads
// of loops and around calls. What runs in between is bounded by the size of the code, and a host that finds the fuel
// overdrawn at the end knows that it ran out first.
func Instrument(l *Linked) ([]byte, error) {
	in := &instrumenter{m: l.Module, leaf: make([]bool, len(l.Module.Code))}
	m := *l.Module
	in.fuel = uint32(len(m.Globals))
	in.depth, in.pages = in.fuel+1, in.fuel+2
	in.grow = numHosted + uint32(len(m.Funcs))
	in.start = int(in.m.Export(Start).Index - NumPrimitives)
	for i := range m.Code {
		in.leaf[i] = isLeaf(&m.Code[i])
	}

	m.Types = append(m.Types[:len(m.Types):len(m.Types)],
		wasm.FuncType{}, wasm.FuncType{Params: []wasm.ValueType{wasm.I32}, Results: []wasm.ValueType{wasm.I32}})
	refillType, growType := uint32(len(m.Types)-2), uint32(len(m.Types)-1)
	m.Imports = append(m.Imports[:len(m.Imports):len(m.Imports)], wasm.Import{Module: Primitives, Name: Refill, Func: refillType})
	word32 := wasm.Global{Type: wasm.GlobalType{Type: wasm.I32, Mutable: true}, Init: wasm.Word32(0)}
	word64 := wasm.Global{Type: wasm.GlobalType{Type: wasm.I64, Mutable: true}, Init: wasm.Word64(0)}
	m.Globals = append(m.Globals[:len(m.Globals):len(m.Globals)], word64, word32, word32)
	fix, added := fixSegments(in.m, uint32(len(m.Globals)))
	in.segments, m.Globals = fix, append(m.Globals, added...)
	for i := range in.m.Globals {
		m.Globals[i].Init = hosted(m.Globals[i].Init)
	}
	m.Elems = make([]wasm.Elem, len(in.m.Elems))
	for i, s := range in.m.Elems {
		s.Init = make([]wasm.ConstExpr, len(s.Init))
		for k, c := range in.m.Elems[i].Init {
			s.Init[k] = hosted(c)
		}
		m.Elems[i] = s
	}
	m.Exports = []wasm.Export{
		{Name: Start, Kind: wasm.ExternFunc, Index: hostedFunc(in.m.Export(Start).Index)},
		{Name: FuelGlobal, Kind: wasm.ExternGlobal, Index: in.fuel},
		{Name: DepthGlobal, Kind: wasm.ExternGlobal, Index: in.depth},
		{Name: PagesGlobal, Kind: wasm.ExternGlobal, Index: in.pages},
	}
	if len(m.Memories) > 0 {
		m.Exports = append(m.Exports, wasm.Export{Name: MemoryExport, Kind: wasm.ExternMemory})
	}

	m.Code = make([]wasm.Code, 0, len(in.m.Code)+1)
	for i := range in.m.Code {
		c, err := in.function(i)
		if err != nil {
			return nil, fmt.Errorf("link: instrument function %d: %w", i, err)
		}
		m.Code = append(m.Code, c)
	}
	if len(m.Memories) > 0 {
		m.Funcs = append(m.Funcs[:len(m.Funcs):len(m.Funcs)], growType)
		m.Code = append(m.Code, in.growFunction())
	}
	return m.Encode(), nil
}

// hostedFunc is where function f of a linked module stands behind the one import more.
func hostedFunc(f uint32) uint32 {
	if f >= NumPrimitives {
		return f + numHosted - NumPrimitives
	}
	return f
}

func hosted(c wasm.ConstExpr) wasm.ConstExpr {
	if c.Op == wasm.OpRefFunc {
		c.Value = uint64(hostedFunc(uint32(c.Value)))
	}
	return c
}

// isLeaf reports whether c calls nothing but primitives.
func isLeaf(c *wasm.Code) bool {
	for r := wasm.NewReader(c.Body, c.Offset); r.More(); {
		in, err := r.Next()
		if err != nil || in.Op == wasm.OpCallIndirect || in.Op == wasm.OpCall && in.Index >= NumPrimitives {
			return false
		}
	}
	return true
}

// growFunction is memory.grow with a cap.
func (n *instrumenter) growFunction() wasm.Code {
	var a assembler
	a.index(wasm.OpLocalGet, 0)
	a.index(wasm.OpGlobalGet, n.pages)
	a.op(wasm.OpMemorySize)
	a.op(wasm.OpI32Sub)
	a.op(wasm.OpI32GtU)
	a.emit(wasm.Instr{Op: wasm.OpIf, Block: wasm.BlockResult(wasm.I32)})
	a.const32(1<<32 - 1)
	a.op(wasm.OpElse)
	a.index(wasm.OpLocalGet, 0)
	a.op(wasm.OpMemoryGrow)
	a.op(wasm.OpEnd)
	a.op(wasm.OpEnd)
	return wasm.Code{Body: a.body}
}
