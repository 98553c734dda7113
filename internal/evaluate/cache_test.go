package evaluate_test

import (
	"fmt"
	"runtime"
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

// TestCacheBounded enters a module of 1 MiB in 300 ways, each of which makes a module of its own.
func TestCacheBounded(t *testing.T) {
	const ways = 300
	m := &wasm.Module{Types: []wasm.FuncType{{}}, Funcs: []uint32{0}, Code: []wasm.Code{{Body: wasm.AppendInstr(nil, wasm.Instr{Op: wasm.OpEnd})}},
		Memories: []wasm.Limits{{Min: 17}}, Datas: []wasm.Data{{Place: wasm.Word32(0), Init: make([]byte, 1<<20)}}}
	for i := range ways {
		m.Exports = append(m.Exports, wasm.Export{Name: fmt.Sprintf("f%d", i), Index: 0})
	}
	b := block.Raw(m.Encode())
	get := func(cid.Cid) (block.Block, bool) { return b, true }
	none, err := qp.BuildList(basicnode.Prototype.Any, 0, func(datamodel.ListAssembler) {})
	if err != nil {
		t.Fatal(err)
	}
	heap := func() uint64 {
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	var cache evaluate.Cache
	before := heap()
	for i := range ways {
		call := workflow.Call{Cmd: workflow.CommandRun, Mod: b.CID, Fun: fmt.Sprintf("f%d", i), Profile: link.Profile, Fuel: 1, Memory: 100, Output: 1}
		job, failure, err := cache.Prepare(call, none, get)
		if err != nil || failure != nil || len(job.Linked.Bytes) < 1<<20 {
			t.Fatal(failure, err)
		}
	}
	if grown := int64(heap()) - int64(before); grown > 160<<20 {
		t.Errorf("the cache keeps %d MiB", grown>>20)
	}
	runtime.KeepAlive(&cache)
}
