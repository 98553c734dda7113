package executor_test

import (
	"bytes"
	"testing"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/executor"
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
