package proving

import (
	"fmt"

	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/verifier"
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

// same compares a run with what its receipt claims: of what is hidden, that it is committed to, and within its bounds.
func (o Opener) same(c *verifier.Claimed, got link.Result) error {
	h := c.Claim.Hidden
	if h == nil {
		return same(c, got)
	}
	if got.Fuel > c.Claim.Result.Fuel {
		return fmt.Errorf("%w: it takes more fuel", ErrReceipt)
	}
	got.Fuel = c.Claim.Result.Fuel
	s, err := o.secrets(c.Claim)
	if err != nil {
		return err
	}
	for i, sealed := range h.Outputs {
		if hidden.Commit(got.Streams[i], s.Outputs[i]) != sealed.Commitment || uint64(len(got.Streams[i])) > sealed.Most {
			return fmt.Errorf("%w: its hidden output stream %d is another one", ErrReceipt, i)
		}
		got.Streams[i] = nil
	}
	return same(c, got)
}
