package evaluate_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/wasm"
	"github.com/trilemma-dev/trilemma/workflow"
)

// tables is a module whose function f calls others with n br_tables of as many labels as there may be.
func tables(n int) []byte {
	end := wasm.Instr{Op: wasm.OpEnd}
	var table []byte
	for _, in := range []wasm.Instr{{Op: wasm.OpBlock, Block: wasm.BlockEmpty}, {Op: wasm.OpI32Const},
		{Op: wasm.OpBrTable, Targets: make([]uint32, wasm.MaxBrTable+1)}, end} {
		table = wasm.AppendInstr(table, in)
	}
	m := &wasm.Module{Types: []wasm.FuncType{{}}, Exports: []wasm.Export{{Name: "f", Kind: wasm.ExternFunc}}}
	var calls []byte
	for i := range uint32(n) {
		calls = wasm.AppendInstr(calls, wasm.Instr{Op: wasm.OpCall, Index: 1 + i})
	}
	m.Code = append(m.Code, wasm.Code{Body: wasm.AppendInstr(calls, end)})
	m.Code = append(m.Code, slices.Repeat([]wasm.Code{{Body: wasm.AppendInstr(table, end)}}, n)...)
	m.Funcs = make([]uint32, len(m.Code))
	return m.Encode()
}

// TestTooLarge: a module whose program is too long for the machine is refused before any engine sees it, each time; one that only looks as if
// it could be is not.
func TestTooLarge(t *testing.T) {
	for _, c := range []struct {
		tables  int
		refused bool
	}{{1, false}, {120, false}, {130, true}} {
		b := block.Raw(tables(c.tables))
		get := func(id cid.Cid) (block.Block, bool) { return b, id.Equals(b.CID) }
		none, err := qp.BuildList(basicnode.Prototype.Any, 0, func(datamodel.ListAssembler) {})
		if err != nil {
			t.Fatal(err)
		}
		call := workflow.Call{Mod: b.CID, Fun: "f", Profile: link.Profile}
		var cache evaluate.Cache
		for range 2 {
			job, failure, err := cache.Prepare(call, none, get)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case !c.refused && (failure != nil || job == nil):
				t.Errorf("%d tables: %v", c.tables, *failure.Message)
			case c.refused && (failure == nil || failure.Kind != evaluate.KindRefused || !strings.Contains(*failure.Message, "too large")):
				t.Errorf("%d tables: not refused for its size: %+v", c.tables, failure)
			}
		}
	}
}
