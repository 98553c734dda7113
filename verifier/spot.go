package verifier

import (
	"errors"
	"fmt"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/workflow"
)

func segments(steps int64) uint64 { return uint64(machine.Segments(steps)) }

// spotted is what a check of a task found, most of it a spot-check's.
type spotted struct {
	worth      string // soundness of a comparison with other executors
	revealed   Revealed
	sampling   *Sampling
	exact      bool // the task did not run, which is checked without a transcript or a proof
	refutation *block.Block
	proof      *Proof
}

// spot checks one task's transcript: its links, both its ends, what it says of program, input and output, and the segments that were drawn. Of the run no more
// than these segments is repeated.
func (c *checker) spot(t *workflow.Task, s *sampling) (out spotted, err error) {
	claim := c.receipts[t.Label].Claim
	if t.Secret && claim.Run.Fuel != nil {
		return out, unseen("a spot-check")
	}
	if s.err != nil {
		return out, s.err
	}
	if claim.Run.Transcript == nil {
		if claim.Run.Fuel != nil {
			return out, fmt.Errorf("%w: the receipt has no transcript to draw segments from", errMissing)
		}
		job, err := c.prepare(t)
		if err == nil && job != nil {
			err = fmt.Errorf("its receipt says %s, but nothing keeps it from running", describe(claim.Out))
		}
		out.exact = true
		return out, err
	}
	tr, roots, err := c.transcript(claim)
	if err != nil {
		return out, err
	}
	if out.revealed, err = c.stated(t, claim, tr); err != nil {
		return out, err
	}
	if err := tr.CheckEnds(roots[0], roots[len(roots)-1]); err != nil {
		return out, err
	}
	part := &spotcheck.Part{Task: t.Label, Segments: tr.Segments()}
	if out.sampling, err = s.numbers(part); err != nil {
		return out, err
	}
	drawn := s.drawn[t.Label]
	got, err := spotcheck.CheckDrawn(roots, drawn, spotcheck.Segments{Transcript: tr}, s.opening)
	out.revealed.State = got.State
	out.sampling.OpenedInput, out.sampling.OpenedState = got.Input, got.State
	out.sampling.TaskSamples = uint64(got.Checked)
	if errors.Is(err, spotcheck.ErrWrong) {
		out.refutation = c.refute(t, tr, roots, drawn[got.Checked].Segment, s)
	}
	return out, err
}

// stated checks what a transcript says of its surroundings: that it is of this task's program, on its input, within its limits, and that its outcome and its
// output are those of the receipt. It reads the module, the input and the output, and runs nothing.
func (c *checker) stated(t *workflow.Task, claim receipts.Claim, tr *machine.Transcript) (Revealed, error) {
	job, err := c.prepare(t)
	if err != nil {
		return Revealed{}, err
	}
	if job == nil { // prepare has refused a receipt with a transcript
		return Revealed{}, errors.New("its receipt has a transcript of a task that did not run")
	}
	if err := c.surroundings(job, tr); err != nil {
		return Revealed{}, err
	}
	res := link.Result{Outcome: tr.End(), Fuel: uint64(tr.Used)}
	if claim.Run.Outputs != nil {
		if err := c.outputs(claim, &res); err != nil {
			return Revealed{}, err
		}
		for _, o := range *claim.Run.Outputs {
			if !spotcheck.SameOutput(tr, o.Stream, res.Streams[o.Stream]) {
				return Revealed{}, fmt.Errorf("its transcript has another output stream %d than its receipt names", o.Stream)
			}
		}
	}
	return compare(claim, job, res, "its transcript")
}

// surroundings checks what a transcript is of: limits, program, input.
func (c *checker) surroundings(job *evaluate.Job, tr *machine.Transcript) error {
	if tr.Limits() != job.Limits {
		return errors.New("its transcript is of a run under other limits")
	}
	p, err := c.machine.Program(job.Linked)
	if err != nil {
		return fmt.Errorf("%w: the program could not be made here: %w", errMissing, err)
	}
	switch {
	case p.Root() != machine.Digest(tr.Program):
		return errors.New("its transcript is of another program")
	case machine.InputRoot(job.Streams) != machine.Digest(tr.Inputs):
		return errors.New("its transcript is of another input")
	}
	return nil
}

// refute makes evidence of a wrong segment that stands alone; nil if it does not fit into a block.
func (c *checker) refute(t *workflow.Task, tr *machine.Transcript, roots []machine.Digest, segment uint64, s *sampling) *block.Block {
	opening, ok := s.opening(spotcheck.Place{Task: t.Label, Segment: segment})
	if !ok {
		return nil
	}
	tree := machine.NewRootTree(roots)
	before, after := spotcheck.Show(roots, tree, segment), spotcheck.Show(roots, tree, segment+1)
	f := spotcheck.Fault{Ground: spotcheck.GroundSegment, Segment: segment, Before: &before, After: &after, Opening: opening}
	receipt, _ := c.get(c.receipts[t.Label].CID)
	transcript, _ := c.get(receipts.CID(*c.receipts[t.Label].Claim.Run.Transcript))
	r, ok := f.Refute(receipt.Data, transcript.Data)
	if !ok {
		return nil
	}
	b, err := r.Block()
	if err != nil {
		return nil
	}
	return &b
}
