package work

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/guests"
	"github.com/trilemma-dev/trilemma/internal/engine"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/workflow"
)

// TestSecret: a service compiles no secret, and runs no workflow with one, whoever committed to it.
func TestSecret(t *testing.T) {
	data, err := guests.Module("threshold")
	if err != nil {
		t.Fatal(err)
	}
	module := block.Raw(data)
	keep := &store.Memory{}
	if err := keep.Put(t.Context(), module); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`{"trilemma": "workflow/1", "tasks": {"a": {"declassify": true,
		"run": {"mod": %q, "fun": "at_least", "params": [{"value": 6123456, "secret": true}, 5]}}}}`, module.CID)
	key, err := capability.GenerateKey("ed25519")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Compile(t.Context(), keep, "w.json", []byte(text), key.DID()); err == nil {
		t.Error("a secret was compiled")
	}
	d, err := workflow.Parse("w.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	w, err := workflow.Compile(d, workflow.Config{Sub: key.DID(), Profile: link.Profile, Fuel: 1000, Memory: 16, Output: 1000,
		ReadBlock: func(c cid.Cid) (block.Block, error) { return keep.Get(context.Background(), c) },
		Seal:      func(s []byte) (hidden.Commitment, error) { return hidden.Commit(s, hidden.Salt{31: 1}), nil }})
	if err != nil {
		t.Fatal(err)
	}
	for c, data := range w.Blocks {
		if err := keep.Put(t.Context(), block.Block{CID: c, Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	if err := new(Checker).Check(t.Context(), keep, w); !errors.Is(err, ErrSecret) || !errors.Is(err, ErrRequest) {
		t.Errorf("before it is a job: %v", err)
	}
	worker := &Worker{Signer: key, Native: &engine.Machine{}, Machine: &engine.Machine{}, Blocks: keep, Records: keep, Memo: keep}
	if _, err := worker.Do(t.Context(), KindRun, fmt.Appendf(nil, `{"workflow": %q}`, w.CID), nil); !errors.Is(err, ErrSecret) || !errors.Is(err, ErrRequest) {
		t.Errorf("as a job: %v", err)
	}
}
