package verifier

import (
	"errors"
	"fmt"
	"slices"

	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/workflow"
)

// unseen is why a check that takes the input leaves a secret task undecided.
func unseen(how string) error {
	return fmt.Errorf("%w: the task is secret, and %s takes what is hidden: a proof can show it (mode zk)", errMissing, how)
}

// discreet checks that a receipt hides what its workflow hides, and nothing else, and says nothing that would tell how a secret task went.
func discreet(t *workflow.Task, claim receipts.Claim) error {
	hides := false
	if claim.Out.Ok != nil {
		_, ok, err := hidden.ValueOf(*claim.Out.Ok)
		if hides = ok; err != nil {
			return fmt.Errorf("its receipt's result: %w", err)
		}
		switch {
		case hides && !t.Hides():
			return errors.New("its receipt hides a result that its workflow does not hide")
		case !hides && t.Hides():
			return errors.New("its receipt shows a result that its workflow hides")
		}
	}
	if r := claim.Run; t.Secret && (r.Steps != nil || r.Transcript != nil || r.Program != nil) {
		return errors.New("its receipt tells program, steps or transcript of a secret task")
	}
	return nil
}

// shown says why no proof can show how a secret task failed: it would have to say more than the receipt.
func shown(job *evaluate.Job, claim receipts.Claim) error {
	if job.Secret == nil || claim.Out.Error == nil {
		return nil
	}
	return fmt.Errorf("%w: of a secret task that failed the receipt tells the kind (%s) and no more, and a proof would", errMissing, claim.Out.Error.Kind)
}

// hides is what is hidden of a run by its receipt; nil if nothing is.
func hides(job *evaluate.Job, said receipts.Claim) (*proof.Hidden, error) {
	if job.Secret == nil {
		return nil, nil
	}
	h := &proof.Hidden{Inputs: make(map[int]hidden.Commitment), Outputs: make(map[int]proof.Sealed)}
	for i, v := range job.Secret.Inputs {
		h.Inputs[i] = v.Commitment
	}
	if said.Run.Outputs == nil {
		return h, nil
	}
	for _, o := range *said.Run.Outputs {
		if o.Commitment == nil {
			continue
		}
		c, err := o.Sealed()
		if err != nil {
			return nil, fmt.Errorf("its receipt about output stream %d: %w", o.Stream, err)
		}
		h.Outputs[int(o.Stream)] = proof.Sealed{Commitment: c, Most: uint64(o.Size)}
	}
	return h, nil
}

// sameSealed compares what a receipt says of a hidden stream with what it has to say.
func sameSealed(r, want receipts.Region) error {
	if r.Stream != want.Stream {
		return fmt.Errorf("it names stream %d in its place", r.Stream)
	}
	got, err := r.Sealed()
	if err != nil {
		return err
	}
	switch {
	case !slices.Equal(got[:], *want.Commitment):
		return fmt.Errorf("another commitment, %x and not %x", got[:8], (*want.Commitment)[:8])
	case r.Size != want.Size:
		return fmt.Errorf("%d bytes, not %d", r.Size, want.Size)
	}
	return nil
}

// Concealed is a result that is hidden, as a receipt has it.
type Concealed struct {
	Task *workflow.Task
	hidden.Value
}

// Hidden returns the hidden results of a bundle's tasks; no labels are all. Receipts are attested, and nothing more is checked. The error is about the request, or what is wrong
// with the bundle.
func Hidden(b *receipts.Bundle, labels []string) (out []Concealed, err error) {
	c, tasks, err := attested(b, labels)
	if err != nil {
		return nil, err
	}
	for _, t := range tasks {
		if ok := c.receipts[t.Label].Claim.Out.Ok; ok != nil && t.Hides() {
			v, _, err := hidden.ValueOf(*ok) // attested to be one
			if err != nil {
				return nil, err
			}
			out = append(out, Concealed{t, v})
		}
	}
	return out, nil
}
