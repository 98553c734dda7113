package executor_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/store"
)

const secretTasks = `
"a": {"run": {"mod": "m.wasm", "fun": "add", "params": [{"value": 81726354, "secret": true}, 1]}},
"b": {"run": {"mod": "m.wasm", "fun": "add", "params": [{"await/ok": "a"}, {"await/ok": "a"}]}},
"c": {"run": {"mod": "m.wasm", "fun": "div", "params": [{"await/ok": "b"}, 2]}, "declassify": true},
"d": {"run": {"mod": "m.wasm", "fun": "div", "params": [{"await/ok": "a"}, 0]}},
"e": {"run": {"mod": "m.wasm", "fun": "add", "params": [1, {"await/ok": "d"}]}}`

// TestSecret: secret tasks run on what is hidden, their receipts tell commitments and bounds, nothing is remembered, and a declassified result is right.
func TestSecret(t *testing.T) {
	keep := &store.Memory{}
	b := newBench(t, keep, func(c *executor.Config) { c.Recorder = &machine.Engine{} })
	w := b.compile(t, secretTasks)
	r, err := b.Run(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	commitments := make(map[string]hidden.Value)
	for _, res := range r.Results {
		c := res.Receipt.Claim
		if c.Run.Steps != nil || c.Run.Transcript != nil || c.Run.Program != nil || res.Memoised {
			t.Errorf("%s tells how it went: %+v", res.Task.Label, c.Run)
		}
		if c.Run.Fuel != nil {
			if _, err := res.Receipt.Meta.LookupByString("nanoseconds"); err == nil {
				t.Errorf("%s tells how long it took", res.Task.Label)
			}
		}
		if c.Out.Ok != nil {
			if v, ok, err := hidden.ValueOf(*c.Out.Ok); ok && err == nil {
				commitments[res.Task.Label] = v
			}
		}
	}
	if got := outs(t, r); !strings.Contains(got, "c=81726355") || len(commitments) != 2 || commitments["a"].Kind != "i32" {
		t.Errorf("%s, hidden %v", got, commitments)
	}
	for label, want := range map[string][]byte{"a": {0x93, 0x0b, 0xdf, 0x04, 0, 0, 0, 0}, "b": {0x26, 0x17, 0xbe, 0x09, 0, 0, 0, 0}} {
		if o, ok := b.secrets.Opening(commitments[label].Commitment); !ok || !bytes.Equal(o.Stream, want) {
			t.Errorf("%s is %x", label, o.Stream)
		}
	}
	results := make(map[string]*receipts.Receipt)
	for _, res := range r.Results {
		results[res.Task.Label] = res.Receipt
	}
	a, second, c, d, e := results["a"].Claim, results["b"].Claim, results["c"].Claim, results["d"].Claim, results["e"].Claim
	if in, out := *a.Run.Inputs, *a.Run.Outputs; len(in) != 3 || in[1].Stream != 4 || in[1].Size != 0 || in[1].Cid != nil || in[2].Cid == nil || len(out) != 3 || out[0].Size != 8 || out[1].Size != 1 {
		t.Errorf("in %+v, out %+v", in, out)
	}
	if in := *second.Run.Inputs; !bytes.Equal(*in[1].Commitment, *(*a.Run.Outputs)[0].Commitment) || !bytes.Equal(*in[2].Commitment, *in[1].Commitment) {
		t.Errorf("the second one takes %x", *in[1].Commitment)
	}
	if out := *c.Run.Outputs; len(out) != 3 || out[0].Cid == nil || out[1].Commitment == nil {
		t.Errorf("declassified: %+v", out)
	}
	if f := d.Out.Error; f == nil || f.Kind != "trap" || f.Trap != nil || f.Message != nil || *d.Run.Fuel != int64(hidden.Bucket(uint64(*d.Run.Fuel))) {
		t.Errorf("a failure: %+v", d)
	}
	if f := e.Out.Error; f == nil || f.Kind != evaluate.KindMismatch {
		t.Errorf("after a failure: %+v", e.Out)
	}

	// Nothing is known the second time, and it is the same.
	again, err := b.Run(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	if again.Bundle.Root != r.Bundle.Root {
		t.Error("the second run is another one")
	}
	for _, res := range again.Results {
		if res.Memoised {
			t.Errorf("%s was remembered", res.Task.Label)
		}
	}
}

// TestSecretRefused: without what opens secrets nothing runs, and what opens others is an error that tells nothing.
func TestSecretRefused(t *testing.T) {
	keep := &store.Memory{}
	b := newBench(t, keep, func(c *executor.Config) { c.Secrets = nil })
	w := b.compile(t, secretTasks)
	if _, err := b.Run(t.Context(), w); !errors.Is(err, executor.ErrSecrets) {
		t.Errorf("without secrets: %v", err)
	}
	if err := b.Dry(t.Context(), w); !errors.Is(err, executor.ErrSecrets) {
		t.Errorf("a dry run without secrets: %v", err)
	}
	if n := b.engine.runs.Load(); n != 0 {
		t.Errorf("%d tasks ran", n)
	}
	other := newBench(t, keep, nil)
	if _, err := other.Run(t.Context(), w); !errors.Is(err, evaluate.ErrOpen) || strings.Contains(fmt.Sprint(err), "81726354") {
		t.Errorf("with others' secrets: %v", err)
	}
	for tasks, want := range map[string]string{
		`"a": {"run": {"mod": "m.wasm", "fun": "add", "params": [{"value": -81726354, "secret": true}, 1]}}`:        "does not fit i32",
		`"a": {"run": {"mod": "m.wasm", "fun": "add", "params": [{"value": 8172635481726354, "secret": true}, 1]}}`: "does not fit i32",
	} {
		_, err := other.Run(t.Context(), other.compile(t, tasks))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "81726354") {
			t.Errorf("%s: %v", tasks, err)
		}
	}
	// A value of another kind is refused for everybody: it takes no secret to see that.
	r := other.run(t, `"a": {"run": {"mod": "m.wasm", "fun": "add", "params": [{"value": "81726354", "secret": true}, 1]}}`)
	if f := r.Results[0].Receipt.Claim.Out.Error; f == nil || f.Kind != evaluate.KindRefused {
		t.Errorf("a string for an i32: %v", f)
	}
}
