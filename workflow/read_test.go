package workflow_test

import (
	"errors"
	"maps"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/workflow"
)

func getter(blocks map[cid.Cid][]byte) func(cid.Cid) (block.Block, bool) {
	return func(c cid.Cid) (block.Block, bool) {
		data, ok := blocks[c]
		return block.Block{CID: c, Data: data}, ok
	}
}

func TestRead(t *testing.T) {
	w, err := compile("w.json", pipeline)
	if err != nil {
		t.Fatal(err)
	}
	got, err := workflow.Read(w.CID, getter(w.Blocks))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Tasks) != len(w.Tasks) {
		t.Fatalf("%d tasks", len(got.Tasks))
	}
	for _, want := range w.Tasks {
		g := got.Task(want.Label)
		if g == nil || !g.CID.Equals(want.CID) || !g.Computation.Equals(want.Computation) || len(g.Awaits) != len(want.Awaits) || g.Fuel != want.Fuel {
			t.Errorf("task %s: %+v, want %+v", want.Label, g, want)
		}
	}
}

// TestReadRefuses changes every block in every byte; the getter lies about the CID, as a store without checks would.
func TestReadRefuses(t *testing.T) {
	w, err := compile("w.json", pipeline)
	if err != nil {
		t.Fatal(err)
	}
	read := append([]cid.Cid{w.CID}, w.Tasks[0].CID, w.Tasks[3].CID)
	for _, c := range read {
		for i := range w.Blocks[c] {
			blocks := make(map[cid.Cid][]byte)
			for k, v := range w.Blocks {
				blocks[k] = v
			}
			bad := append([]byte(nil), w.Blocks[c]...)
			bad[i] ^= 1
			blocks[c] = bad
			if _, err := workflow.Read(w.CID, getter(blocks)); err == nil {
				t.Fatalf("block %s with byte %d changed was accepted", c, i)
			}
		}
		blocks := make(map[cid.Cid][]byte)
		for k, v := range w.Blocks {
			if k != c {
				blocks[k] = v
			}
		}
		if _, err := workflow.Read(w.CID, getter(blocks)); !errors.Is(err, workflow.ErrMissing) {
			t.Errorf("without block %s: %v", c, err)
		}
	}
}

func TestResolve(t *testing.T) {
	w, err := compile("w.json", pipeline)
	if err != nil {
		t.Fatal(err)
	}
	blur := w.Task("blur").Computation
	ok := func(branch string, c cid.Cid) (datamodel.Node, bool) {
		return basicnode.NewString("done"), c.Equals(blur) && branch != "error"
	}
	n, mismatch, err := workflow.Resolve(w.Task("grey").Params, ok)
	if err != nil || mismatch != nil {
		t.Fatal(mismatch, err)
	}
	first, err := n.LookupByIndex(0)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := first.AsString(); err != nil || s != "done" {
		t.Errorf("resolved to %q, %v", s, err)
	}
	none := func(string, cid.Cid) (datamodel.Node, bool) { return nil, false }
	if _, mismatch, err := workflow.Resolve(w.Task("cmd").Params, none); err != nil || mismatch == nil || !mismatch.Equals(blur) {
		t.Errorf("mismatch %v, %v", mismatch, err)
	}
}

func FuzzRead(f *testing.F) {
	w, err := compile("w.json", pipeline)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(w.Blocks[w.CID], w.Blocks[w.Tasks[0].CID])
	ipvm, _ := compileIPVM(f)
	f.Add(ipvm.Blocks[ipvm.CID], ipvm.Blocks[ipvm.Source])
	f.Fuzz(func(t *testing.T, root, task []byte) {
		blocks := map[cid.Cid][]byte{block.Sum(cid.DagCBOR, root): root, block.Sum(cid.DagCBOR, task): task, block.SumSHA3(task): task}
		maps.Copy(blocks, ipvm.Blocks)
		for c, data := range w.Blocks {
			blocks[c] = data
		}
		if got, err := workflow.Read(block.Sum(cid.DagCBOR, root), getter(blocks)); err == nil && len(got.Tasks) == 0 {
			t.Fatal("a workflow without tasks")
		}
	})
}
