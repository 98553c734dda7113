package machine

import (
	"slices"

	"github.com/trilemma-dev/trilemma/wasm"
)

// readFirst returns the declared locals that code may read before it writes them, in order. It errs on the side of naming
// too many: a local counts as written from a write to the end of the innermost block around it, where control can only have come
// through the write.
func readFirst(c *wasm.Code, params, declared uint32) []uint32 {
	written := make([]bool, declared)
	read := make(map[uint32]bool)
	var undo [][]uint32 // per open block: what was first written in it
	undo = append(undo, nil)
	forget := func() {
		last := len(undo) - 1
		for _, l := range undo[last] {
			written[l] = false
		}
		undo[last] = undo[last][:0]
	}
	for r := wasm.NewReader(c.Body, c.Offset); r.More(); {
		in, err := r.Next()
		if err != nil {
			break // the body is read again, where the error is told
		}
		switch in.Op {
		case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
			undo = append(undo, nil)
		case wasm.OpElse:
			forget()
		case wasm.OpEnd:
			forget()
			undo = undo[:len(undo)-1]
		case wasm.OpLocalGet:
			if l := in.Index - params; in.Index >= params && !written[l] {
				read[in.Index] = true
			}
		case wasm.OpLocalSet, wasm.OpLocalTee:
			if l := in.Index - params; in.Index >= params && !written[l] {
				written[l] = true
				undo[len(undo)-1] = append(undo[len(undo)-1], l)
			}
		}
	}
	out := make([]uint32, 0, len(read))
	for l := range read {
		out = append(out, l)
	}
	slices.Sort(out)
	return out
}
