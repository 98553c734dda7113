package verifier

import (
	"context"
	"errors"
	"fmt"

	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
)

// transcript reads and checks the transcript that a receipt names, with all its state roots, and that both say the same of the run.
func (c *checker) transcript(claim receipts.Claim) (*machine.Transcript, []machine.Digest, error) {
	r := claim.Run
	if r.Transcript == nil || r.Steps == nil || r.Program == nil {
		return nil, nil, errors.New("its receipt does not have all three of program, steps and transcript")
	}
	id := receipts.CID(*r.Transcript)
	b, ok := c.get(id)
	if !ok {
		return nil, nil, fmt.Errorf("%w: the transcript %s", errMissing, id)
	}
	t, err := machine.ReadTranscript(b.Data)
	if err != nil {
		return nil, nil, fmt.Errorf("transcript %s: %w", id, err)
	}
	roots, err := t.ReadRoots(c.get)
	switch {
	case errors.Is(err, machine.ErrMissing):
		return nil, nil, fmt.Errorf("%w: %w", errMissing, err)
	case err != nil:
		return nil, nil, fmt.Errorf("transcript %s: %w", id, err)
	}
	return t, roots, spotcheck.Agree(claim, t)
}

// errStopped ends a trace at the first state that differs.
var errStopped = errors.New("stopped")

// retrace runs a job on the machine and compares the transcript. What is wrong with the transcript is wrong; the result is there all the same,
// unless err is not nil.
func (c *checker) retrace(ctx context.Context, claim receipts.Claim, job *evaluate.Job) (res link.Result, wrong, err error) {
	t, roots, err := c.transcript(claim)
	if err != nil {
		return res, nil, err
	}
	lim := job.Limits
	if uint64(t.Fuel) != lim.Fuel || t.Memory != int64(lim.Memory) || uint64(t.Output) != lim.Output {
		return res, nil, errors.New("its transcript is of a run under other limits")
	}
	at := 0
	tr, err := c.machine.Trace(ctx, job.Linked, job.Streams, lim, uint64(t.Segment), func(d machine.Digest) error {
		if wrong == nil && at < len(roots) && roots[at] != d {
			wrong = fmt.Errorf("segment %d of its transcript is wrong: the states before it agree, the one after it does not", at-1)
			if at == 0 {
				wrong = errors.New("its transcript does not begin in the initial state of the program on this input")
			}
		}
		if at >= len(roots) { // it says less than there is: no need to see how much
			return errStopped
		}
		at++
		return nil
	})
	switch {
	case errors.Is(err, errStopped):
		return res, nil, fmt.Errorf("its transcript ends after %d segments, the run goes on", len(roots)-1)
	case err != nil:
		return res, nil, fmt.Errorf("%w: the task could not be traced here: %w", errMissing, err)
	case tr.Program != machine.Digest(t.Program):
		wrong = errors.New("its transcript is of another program")
	case tr.Inputs != machine.Digest(t.Inputs):
		wrong = errors.New("its transcript is of another input")
	case wrong != nil:
	case at != len(roots) || tr.Steps != uint64(t.Steps):
		wrong = fmt.Errorf("its transcript has %d steps, the run %d", t.Steps, tr.Steps)
	default:
		wrong = sameEnd(t, &tr)
	}
	return tr.Result, wrong, nil
}

// sameEnd compares what a transcript says of the end of a run.
func sameEnd(t *machine.Transcript, tr *machine.Trace) error {
	if t.End() != tr.Result.Outcome || uint64(t.Used) != tr.Result.Fuel {
		return fmt.Errorf("its transcript ends in %s with %d fuel, the run in %s with %d", t.End(), t.Used, tr.Result.Outcome, tr.Result.Fuel)
	}
	for i, o := range tr.Final.Out {
		if t.Outputs[i].Size != int64(o.Size) || machine.Digest(t.Outputs[i].Digest) != o.Digest {
			return fmt.Errorf("its transcript is wrong about output stream %d", i)
		}
	}
	return nil
}
