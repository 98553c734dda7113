package proving

import (
	"errors"
	"testing"
	"time"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/verifier"
)

// TestSecretTrace: a run whose input and result are hidden is written down as a proof of it will be, which was predicted; without what opens it, or with a receipt that says something else,
// it is refused.
func TestSecretTrace(t *testing.T) {
	s, err := proof.Named(proof.Small)
	if err != nil {
		t.Fatal(err)
	}
	p, m, in := call(t, "../../guests/wasm/fib.wasm", "fib", 10)
	run := machine.New(p, in, limits)
	if _, err := run.Run(1 << 20); err != nil {
		t.Fatal(err)
	}
	res := run.Result()
	openings := make(map[hidden.Commitment]hidden.Opening)
	keep := func(stream []byte, salt byte) hidden.Commitment {
		o := hidden.Opening{Stream: stream, Salt: hidden.Salt{31: salt}}
		openings[o.Commitment()] = o
		return o.Commitment()
	}
	const param = link.StreamParam
	job := &evaluate.Job{Linked: p.Linked, Streams: append([][]byte{}, in...), Limits: limits, Secret: &evaluate.Secret{Inputs: map[int]hidden.Value{param: {Kind: hidden.Integer, Commitment: keep(in[param], 1)}}}}
	predicted, err := Predict(t.Context(), s, p, m, job, res, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	job.Streams[param] = nil
	claimed := func() *verifier.Claimed {
		h := &proof.Hidden{Inputs: map[int]hidden.Commitment{param: job.Secret.Inputs[param].Commitment}, Outputs: map[int]proof.Sealed{}}
		for i, out := range res.Streams {
			h.Outputs[i] = proof.Sealed{Commitment: keep(out, 2), Most: hidden.Bucket(uint64(len(out)))}
		}
		return &verifier.Claimed{Job: job, Claim: &proof.Claim{Computation: block.Raw(nil).CID, Program: p, Streams: job.Streams, Limits: limits, Hidden: h,
			Result: link.Result{Outcome: res.Outcome, Fuel: hidden.Bucket(res.Fuel)}}}
	}
	open := Opener(func(c hidden.Commitment) (hidden.Opening, bool) { o, ok := openings[c]; return o, ok })
	got, err := open.trace(t.Context(), s, claimed(), m, 0, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if got.Estimate != predicted.Estimate || !got.Secret {
		t.Errorf("%+v was predicted, it is %+v", predicted.Estimate, got.Estimate)
	}
	if err := s.Chips.Check(got.Run.Filling, got.Run.Contents); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		open   Opener
		change func(c *verifier.Claimed)
		want   error
	}{
		"nothing that opens it": {nil, func(*verifier.Claimed) {}, evaluate.ErrOpen},
		"nothing that opens the result": {open, func(c *verifier.Claimed) {
			c.Claim.Hidden.Outputs[link.OutResult] = proof.Sealed{Commitment: hidden.Commitment{31: 5}, Most: 8}
		}, evaluate.ErrOpen},
		"another result": {open, func(c *verifier.Claimed) {
			c.Claim.Hidden.Outputs[link.OutResult] = proof.Sealed{Commitment: keep([]byte("no result"), 3), Most: 16}
		}, ErrReceipt},
		"a longer result": {open, func(c *verifier.Claimed) {
			o := c.Claim.Hidden.Outputs[link.OutResult]
			c.Claim.Hidden.Outputs[link.OutResult] = proof.Sealed{Commitment: o.Commitment, Most: 1}
		}, ErrReceipt},
		"more fuel":       {open, func(c *verifier.Claimed) { c.Claim.Result.Fuel = res.Fuel - 1 }, ErrReceipt},
		"another end":     {open, func(c *verifier.Claimed) { c.Claim.Result.Outcome = link.Outcome{Kind: link.Exit, Code: 3} }, ErrReceipt},
		"a public output": {open, func(c *verifier.Claimed) { c.Claim.Result.Streams[link.OutStdout] = []byte("x") }, ErrReceipt},
	} {
		one := claimed()
		c.change(one)
		if _, err := c.open.trace(t.Context(), s, one, m, 0, time.Now); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	job.Streams[param] = in[param]
	if _, err := Predict(t.Context(), s, p, m, job, link.Result{Outcome: link.Outcome{Kind: link.Trap}}, time.Now); !errors.Is(err, ErrUnprovable) {
		t.Errorf("a secret task that fails: %v", err)
	}
}
