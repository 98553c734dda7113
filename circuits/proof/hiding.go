package proof

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/link"
)

// What is hidden of a run, and what opens it: see package circuits.
type (
	Hidden  = circuits.Hidden
	Sealed  = circuits.Sealed
	Secrets = circuits.Secrets
)

// Hides is the hidden streams of a statement. Its fields follow schema.ipldsch.
type Hides struct {
	Inputs  []HiddenInput
	Outputs []HiddenOutput
}

// HiddenInput is an input stream that is hidden.
type HiddenInput struct {
	Stream     int64
	Commitment []byte
}

// HiddenOutput is an output stream that is hidden, of at most so many bytes.
type HiddenOutput struct {
	Stream     int64
	Commitment []byte
	Most       int64
}

// hides puts what is hidden into words.
func hides(h *Hidden) *Hides {
	if h == nil {
		return nil
	}
	out := &Hides{Inputs: []HiddenInput{}, Outputs: []HiddenOutput{}}
	for _, i := range slices.Sorted(maps.Keys(h.Inputs)) {
		c := h.Inputs[i]
		out.Inputs = append(out.Inputs, HiddenInput{int64(i), c[:]})
	}
	for _, i := range slices.Sorted(maps.Keys(h.Outputs)) {
		o := h.Outputs[i]
		out.Outputs = append(out.Outputs, HiddenOutput{int64(i), o.Commitment[:], int64(o.Most)})
	}
	return out
}

// well says what is wrong with the form of hidden streams.
func (h *Hides) well() error {
	if h == nil {
		return nil
	}
	last := int64(-1)
	for _, i := range h.Inputs {
		if _, err := hidden.ParseCommitment(i.Commitment); err != nil || i.Stream <= last {
			return errors.New("a hidden input stream that cannot be")
		}
		last = i.Stream
	}
	last = -1
	for _, o := range h.Outputs {
		if _, err := hidden.ParseCommitment(o.Commitment); err != nil || o.Stream <= last || o.Most < 0 {
			return errors.New("a hidden output stream that cannot be")
		}
		last = o.Stream
	}
	return nil
}

// differs says in what hidden streams differ from those that have to be shown; nothing if they do not.
func (h *Hides) differs(want *Hides) string {
	if h == nil || want == nil {
		if (h == nil) != (want == nil) {
			return "another choice of what is hidden"
		}
		return ""
	}
	same := func(a, b HiddenInput) bool { return a.Stream == b.Stream && bytes.Equal(a.Commitment, b.Commitment) }
	sealed := func(a, b HiddenOutput) bool {
		return a.Stream == b.Stream && a.Most == b.Most && bytes.Equal(a.Commitment, b.Commitment)
	}
	switch {
	case !slices.EqualFunc(h.Inputs, want.Inputs, same):
		return "another hidden input"
	case !slices.EqualFunc(h.Outputs, want.Outputs, sealed):
		return "another hidden output"
	}
	return ""
}

// covered says why what a claim hides keeps it from being shown. The error wraps [ErrNoStatement].
func (c *Claim) covered(st *circuits.Statement) error {
	if c.Hidden == nil {
		return nil
	}
	if err := st.Covers(); err != nil {
		return fmt.Errorf("%w: %w", ErrNoStatement, err)
	}
	for i, in := range c.Hidden.Inputs {
		if _, err := hidden.ParseCommitment(in[:]); err != nil {
			return fmt.Errorf("%w: hidden input stream %d: %w", ErrNoStatement, i, err)
		}
	}
	for i, o := range c.Hidden.Outputs {
		if _, err := hidden.ParseCommitment(o.Commitment[:]); err != nil {
			return fmt.Errorf("%w: hidden output stream %d: %w", ErrNoStatement, i, err)
		}
	}
	switch k := c.Result.Outcome.Kind; k {
	case link.OutOfFuel, link.OutputFull:
		return fmt.Errorf("%w: with hidden streams fuel and output are known as bounds, and an end by %s takes exact numbers", ErrNoStatement, k)
	}
	return nil
}
