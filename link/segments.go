package link

import (
	"slices"

	"github.com/trilemma-dev/trilemma/wasm"
)

// What wazero v1.12.0 gets wrong about segments is written into the instrumented module so that it comes out right:
//
//   - an active data segment is not empty after it was applied (specification 2.0, 4.5.4, step 16), so that memory.init finds its bytes. The entry drops it
//     first;
//   - a passive segment of externref, whose elements can only be null, is empty from the beginning. Its length is kept in a global, and table.init from it fills
//     with null.

// segmentFixes says what has to be done for which segments: those alone that code names.
type segmentFixes struct {
	drop    []uint32          // active data segments that memory.init names
	lengths map[uint32]uint32 // passive externref segments that table.init names: their global, an i64
}

// fixSegments finds what code names. globals is the index of the first global that may be added.
func fixSegments(m *wasm.Module, globals uint32) (fix segmentFixes, added []wasm.Global) {
	fix.lengths = map[uint32]uint32{}
	for i := range m.Code {
		for r := wasm.NewReader(m.Code[i].Body, m.Code[i].Offset); r.More(); {
			in, err := r.Next()
			if err != nil {
				break // the body is read again, where the error is told
			}
			switch in.Op {
			case wasm.OpMemoryInit:
				if m.Datas[in.Index].Mode == wasm.Active {
					fix.drop = append(fix.drop, in.Index)
				}
			case wasm.OpTableInit:
				s := &m.Elems[in.Index]
				if _, ok := fix.lengths[in.Index]; !ok && s.Mode == wasm.Passive && s.Type == wasm.ExternRef {
					fix.lengths[in.Index] = globals + uint32(len(added))
					added = append(added, wasm.Global{Type: wasm.GlobalType{Type: wasm.I64, Mutable: true}, Init: wasm.Word64(uint64(len(s.Init)))})
				}
			}
		}
	}
	slices.Sort(fix.drop)
	fix.drop = slices.Compact(fix.drop)
	return fix, added
}

// dropActive empties the segments that were applied.
func (w *rewriter) dropActive() {
	for _, i := range w.segments.drop {
		w.index(wasm.OpDataDrop, i)
	}
}

// initNulls is table.init from a passive segment of externref whose length is in a global. The size is in w.size.
func (w *rewriter) initNulls(in wasm.Instr, length uint32) {
	w.op(wasm.OpDrop)
	w.op(wasm.OpI64ExtendI32U)
	w.index(wasm.OpLocalGet, w.size)
	w.op(wasm.OpI64ExtendI32U)
	w.op(wasm.OpI64Add)
	w.index(wasm.OpGlobalGet, length)
	w.op(wasm.OpI64GtU)
	w.emit(wasm.Instr{Op: wasm.OpIf, Block: wasm.BlockEmpty})
	w.outOfTable()
	w.op(wasm.OpEnd)
	w.emit(wasm.Instr{Op: wasm.OpRefNull, Index: uint32(wasm.ExternRef)})
	w.index(wasm.OpLocalGet, w.size)
	w.index(wasm.OpTableFill, in.Index2)
}

// outOfTable traps as an access beyond a table does: no table has an element 2³²−1.
func (a *assembler) outOfTable() {
	a.const32(1<<32 - 1)
	a.index(wasm.OpTableGet, 0)
	a.op(wasm.OpDrop)
}
