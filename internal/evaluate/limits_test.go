package evaluate_test

import (
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/wasm"
	"github.com/trilemma-dev/trilemma/workflow"
)

// command is a module whose _start does nothing.
func command() block.Block {
	m := &wasm.Module{Types: []wasm.FuncType{{}}, Funcs: []uint32{0}, Code: []wasm.Code{{Body: wasm.AppendInstr(nil, wasm.Instr{Op: wasm.OpEnd})}},
		Exports: []wasm.Export{{Name: "_start", Index: 0}}}
	return block.Raw(m.Encode())
}

// TestLimits refuses what would give a receipt whose evidence no archive could hold.
func TestLimits(t *testing.T) {
	module := command()
	half := block.Raw(make([]byte, link.MaxInput/2))
	get := func(c cid.Cid) (block.Block, bool) {
		for _, b := range []block.Block{module, half} {
			if b.CID.Equals(c) {
				return b, true
			}
		}
		return block.Block{}, false
	}
	stdin := func(n datamodel.Node) datamodel.Node {
		m, err := qp.BuildMap(basicnode.Prototype.Any, 1, func(ma datamodel.MapAssembler) { qp.MapEntry(ma, "stdin", qp.Node(n)) })
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	env, err := qp.BuildMap(basicnode.Prototype.Any, 1, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, "env", qp.Map(2, func(ma datamodel.MapAssembler) {
			for _, name := range []string{"A", "B"} {
				qp.MapEntry(ma, name, qp.String(strings.Repeat("x", link.MaxInput/2)))
			}
		}))
	})
	if err != nil {
		t.Fatal(err)
	}
	call := workflow.Call{Cmd: workflow.CommandRun, Mod: module.CID, Profile: link.Profile, Fuel: 1000, Memory: 1, Output: link.MaxOutput}
	tests := map[string]struct {
		edit   func(*workflow.Call)
		params datamodel.Node
		want   string
	}{
		"within":         {func(*workflow.Call) {}, stdin(basicnode.NewLink(receipts.Link(half.CID))), ""},
		"output":         {func(c *workflow.Call) { c.Output++ }, stdin(basicnode.NewString("")), "an output cap of 67108865 bytes is above the profile's 67108864"},
		"memory":         {func(c *workflow.Call) { c.Memory = link.MaxPages + 1 }, stdin(basicnode.NewString("")), "a memory cap of 16385 pages"},
		"an environment": {func(*workflow.Call) {}, env, "input stream 2 has 67108870 bytes, above the profile's 67108864"},
	}
	for name, tt := range tests {
		var cache evaluate.Cache
		c := call
		tt.edit(&c)
		job, failure, err := cache.Prepare(c, tt.params, get)
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case tt.want == "" && (failure != nil || job == nil):
			t.Errorf("%s: %v", name, failure)
		case tt.want != "" && (failure == nil || !strings.Contains(*failure.Message, tt.want)):
			t.Errorf("%s: %v, want %q", name, failure, tt.want)
		}
	}
}
