package proving

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/verifier"
	"github.com/trilemma-dev/trilemma/wasm"
)

// Opener opens commitments.
type Opener func(hidden.Commitment) (hidden.Opening, bool)

// find is o, which may be nil.
func (o Opener) find(c hidden.Commitment) (hidden.Opening, bool) {
	if o == nil {
		return hidden.Opening{}, false
	}
	return o(c)
}

// reveal is a task's job with its hidden input. The error wraps [evaluate.ErrOpen].
func (o Opener) reveal(c *verifier.Claimed) (*evaluate.Job, error) { return c.Job.Reveal(o.find) }

// secrets is what opens all that a claim hides; nil if it hides nothing. The error wraps [evaluate.ErrOpen].
func (o Opener) secrets(c *proof.Claim) (*proof.Secrets, error) {
	if c.Hidden == nil {
		return nil, nil
	}
	out := &proof.Secrets{Inputs: make(map[int]hidden.Opening), Outputs: make(map[int]hidden.Salt)}
	for i, com := range c.Hidden.Inputs {
		opening, ok := o.find(com)
		if !ok {
			return nil, fmt.Errorf("the hidden input stream %d %w: nothing that opens it is at hand", i, evaluate.ErrOpen)
		}
		out.Inputs[i] = opening
	}
	for i, s := range c.Hidden.Outputs {
		opening, ok := o.find(s.Commitment)
		if !ok {
			return nil, fmt.Errorf("the hidden output stream %d %w: nothing that opens it is at hand", i, evaluate.ErrOpen)
		}
		out.Outputs[i] = opening.Salt
	}
	return out, nil
}

// cover is what a claim hides, with all that opens it; nil if it hides nothing. The error wraps [evaluate.ErrOpen].
func (o Opener) cover(c *proof.Claim) (*circuits.Cover, error) {
	s, err := o.secrets(c)
	if s == nil {
		return nil, err
	}
	return &circuits.Cover{Hidden: c.Hidden, Secrets: s, Fuel: c.Result.Fuel}, nil
}

// trace is [Trace] for a task, whose run has to be what its receipt says: of what is hidden, that it is committed to, and within its bounds. The error can also be
// [ErrReceipt], or wraps [evaluate.ErrOpen].
func (o Opener) trace(ctx context.Context, s *proof.Scheme, c *verifier.Claimed, guest *wasm.Module, memory int64, now func() time.Time) (*Traced, error) {
	if _, err := o.reveal(c); err != nil { // it tells what does not fit its parameter
		return nil, err
	}
	cover, err := o.cover(c.Claim)
	if err != nil {
		return nil, err
	}
	t, err := trace(ctx, s, c.Claim.Program, guest, c.Claim.Streams, c.Claim.Limits, memory, now, cover)
	if errors.Is(err, circuits.ErrSecrets) {
		return nil, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	if err != nil {
		return nil, err
	}
	return t, same(c, t.Run)
}

// Predict is [Trace] for a job that has run with such a result: what it writes down takes what a proof will take. Of what the job hides nobody is committed to what it
// makes up. The error can also be that no proof shows how a secret task fails, which wraps [ErrUnprovable].
func Predict(ctx context.Context, s *proof.Scheme, p *machine.Program, guest *wasm.Module, j *evaluate.Job, res link.Result, now func() time.Time) (*Traced, error) {
	if j.Secret == nil {
		return Trace(ctx, s, p, guest, j.Streams, j.Limits, 0, now)
	}
	if res.Outcome.Kind != link.OK {
		return nil, fmt.Errorf("%w: how a secret task fails is not told", ErrUnprovable)
	}
	public := slices.Clone(j.Streams)
	c := &circuits.Cover{Hidden: &proof.Hidden{Inputs: make(map[int]hidden.Commitment), Outputs: make(map[int]proof.Sealed)},
		Secrets: &proof.Secrets{Inputs: make(map[int]hidden.Opening), Outputs: make(map[int]hidden.Salt)}, Fuel: hidden.Bucket(res.Fuel)}
	in, out := j.Hides()
	for _, i := range in {
		o := hidden.Opening{Stream: public[i]}
		c.Secrets.Inputs[i], c.Hidden.Inputs[i], public[i] = o, o.Commitment(), nil
	}
	for _, i := range out {
		c.Secrets.Outputs[i] = hidden.Salt{}
		c.Hidden.Outputs[i] = proof.Sealed{Commitment: hidden.Commit(res.Streams[i], hidden.Salt{}), Most: hidden.Bucket(uint64(len(res.Streams[i])))}
	}
	return trace(ctx, s, p, guest, public, j.Limits, 0, now, c)
}
