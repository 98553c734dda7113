package executor_test

import (
	"bytes"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/store"
)

// FuzzUnpack: a record that was changed on disk is refused, or holds blocks that are what their CIDs say.
func FuzzUnpack(f *testing.F) {
	keep := &store.Memory{}
	b := newBench(f, keep, nil)
	r := b.run(f, call("a", "add", "1, 2"))
	record, err := keep.Find(f.Context(), r.Results[0].Task.Computation.String())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(record)
	f.Fuzz(func(t *testing.T, data []byte) {
		root, blocks, err := executor.Unpack(data)
		if err != nil {
			return
		}
		if bytes.Equal(data, record) && (!root.Equals(r.Results[0].Receipt.CID) || len(blocks) == 0) {
			t.Fatalf("the true record gives %s and %d blocks", root, len(blocks))
		}
		for c, b := range blocks {
			if !c.Equals(b.CID) {
				t.Fatalf("%s under %s", b.CID, c)
			}
			if err := block.Check(c, b.Data); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestPoisonedMemo plants records under a computation that are not its own: the task runs again, and its result is right.
func TestPoisonedMemo(t *testing.T) {
	source := &store.Memory{}
	b := newBench(t, source, nil)
	r := b.run(t, call("a", "add", "1, 2")+","+call("b", "add", "3, 4"))
	record := func(label string) []byte {
		for _, res := range r.Results {
			if res.Task.Label != label {
				continue
			}
			data, err := source.Find(t.Context(), res.Task.Computation.String())
			if err != nil {
				t.Fatal(err)
			}
			return data
		}
		t.Fatalf("no task %s", label)
		return nil
	}
	_, blocks, err := executor.Unpack(record("a"))
	if err != nil {
		t.Fatal(err)
	}
	own := r.Results[0].Receipt
	pack := func(root block.Block, others map[cid.Cid]block.Block) []byte {
		var buf bytes.Buffer
		w, err := block.NewCARWriter(&buf, root.CID)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Put(root); err != nil {
			t.Fatal(err)
		}
		for _, b := range others {
			if err := w.Put(b); err != nil {
				t.Fatal(err)
			}
		}
		return buf.Bytes()
	}
	stranger, err := capability.KeyFromSeed(bytes.Repeat([]byte{9}, 32))
	if err != nil {
		t.Fatal(err)
	}
	lie := own.Claim
	var four datamodel.Node = basicnode.NewInt(4)
	lie.Out.Ok = &four
	forged, err := receipts.Issue(stranger, lie, nil)
	if err != nil {
		t.Fatal(err)
	}
	cut := record("a")
	task := r.Results[0].Task
	for name, planted := range map[string][]byte{
		"of another task":     record("b"),
		"by another executor": pack(forged, blocks),
		"without its tapes":   pack(blocks[own.CID], nil),
		"no receipt":          pack(block.Raw([]byte("receipt")), nil),
		"cut":                 cut[:len(cut)/2],
		"empty":               {},
	} {
		t.Run(name, func(t *testing.T) {
			keep := &store.Memory{}
			if err := keep.Keep(t.Context(), task.Computation.String(), planted); err != nil {
				t.Fatal(err)
			}
			b := newBench(t, keep, nil)
			if got := outs(t, b.run(t, call("a", "add", "1, 2"))); got != "a=3" || b.engine.runs.Load() != 1 {
				t.Errorf("%s after %d runs", got, b.engine.runs.Load())
			}
			if got := outs(t, b.run(t, call("a", "add", "1, 2"))); got != "a=3" || b.engine.runs.Load() != 1 {
				t.Errorf("then %s after %d runs: the true result was not remembered", got, b.engine.runs.Load())
			}
		})
	}
}
