package verifier

import (
	"context"
	"fmt"
	"strings"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/workflow"
)

// rerun runs a task again and compares everything that its receipt claims. What it awaits is taken from the awaited tasks'
// receipts: a run is right if every task is.
func (c *checker) rerun(ctx context.Context, t *workflow.Task) (Revealed, error) {
	claim := c.receipts[t.Label].Claim
	params, want, err := c.resolve(t)
	if err != nil {
		return Revealed{}, err
	}
	if want == nil {
		var job *evaluate.Job
		job, want, err = c.cache.Prepare(t.Call, params, c.get)
		if err != nil {
			return Revealed{}, err
		}
		if job != nil {
			return c.execute(ctx, claim, job)
		}
	}
	if !evaluate.SameOut(claim.Out, receipts.Out{Error: want}) {
		return Revealed{}, fmt.Errorf("its receipt says %s, it is %s", describe(claim.Out), want)
	}
	if r := claim.Run; r.Fuel != nil || r.Inputs != nil || r.Outputs != nil || r.Program != nil || r.Steps != nil || r.Transcript != nil {
		return Revealed{}, fmt.Errorf("its receipt claims fuel, steps, input or output for a task that did not run")
	}
	return Revealed{}, nil
}

func (c *checker) execute(ctx context.Context, claim receipts.Claim, job *evaluate.Job) (Revealed, error) {
	var res link.Result
	var wrong, err error
	if r := claim.Run; r.Transcript != nil || r.Steps != nil || r.Program != nil {
		res, wrong, err = c.retrace(ctx, claim, job)
	} else if res, err = c.cfg.Runner.Run(ctx, job.Linked, job.Streams, job.Limits); err != nil {
		err = fmt.Errorf("%w: the task could not be run here: %w", errMissing, err)
	}
	if err != nil {
		return Revealed{}, err
	}
	got, err := evaluate.Conclude(job, res)
	if err != nil {
		return Revealed{}, err
	}
	var rev Revealed
	for _, r := range got.Inputs {
		rev.Input += r.Size
	}
	for _, r := range got.Outputs {
		rev.Output += r.Size
	}
	switch {
	case !evaluate.SameOut(claim.Out, got.Out):
		return rev, fmt.Errorf("its receipt says %s, running it again gives %s", describe(claim.Out), describe(got.Out))
	case claim.Run.Fuel == nil || *claim.Run.Fuel != got.Fuel:
		return rev, fmt.Errorf("its receipt says %s fuel, running it again takes %d", number(claim.Run.Fuel), got.Fuel)
	case claim.Run.Module == nil || claim.Run.Profile == nil:
		return rev, fmt.Errorf("its receipt names no module or no profile")
	}
	if err := sameRegions("input", claim.Run.Inputs, got.Inputs); err != nil {
		return rev, err
	}
	if err := sameRegions("output", claim.Run.Outputs, got.Outputs); err != nil {
		return rev, err
	}
	return rev, wrong
}

func sameRegions(what string, claimed *[]receipts.Region, got []receipts.Region) error {
	if claimed == nil || len(*claimed) != len(got) {
		return fmt.Errorf("its receipt does not have %d streams of %s", len(got), what)
	}
	for i, r := range *claimed {
		g := got[i]
		if r.Stream != g.Stream || r.Size != g.Size || r.Cid == nil || !receipts.CID(*r.Cid).Equals(receipts.CID(*g.Cid)) ||
			r.Root != nil || r.Commitment != nil {
			return fmt.Errorf("its receipt has another %s stream %d than running it again", what, g.Stream)
		}
	}
	return nil
}

// resolve replaces the promises in a task's parameters by what the awaited receipts say, or returns the mismatch that the
// task must have ended in.
func (c *checker) resolve(t *workflow.Task) (datamodel.Node, *receipts.Failure, error) {
	byComputation := make(map[cid.Cid]string, len(t.Awaits))
	for _, a := range t.Awaits {
		byComputation[c.w.Task(a.Label).Computation] = a.Label
	}
	var broken error
	missed := ""
	params, miss, err := workflow.Resolve(t.Params, func(branch string, id cid.Cid) (datamodel.Node, bool) {
		label := byComputation[id]
		if err := c.broken[label]; err != nil {
			broken = fmt.Errorf("%w: the receipt of %q, which it awaits, cannot be used", errMissing, label)
			return nil, false
		}
		v, ok := evaluate.Branch(c.receipts[label].Claim.Out, branch)
		if !ok {
			missed = branch
		}
		return v, ok
	})
	switch {
	case broken != nil:
		return nil, nil, broken
	case err != nil:
		return nil, nil, fmt.Errorf("%v", err)
	case miss != nil:
		return nil, evaluate.Mismatch(missed, miss.String()), nil
	}
	return params, nil, nil
}

// describe is a result in a few words.
func describe(o receipts.Out) string {
	if o.Ok == nil {
		return o.Error.String()
	}
	const most = 60
	data, err := block.EncodeJSON(*o.Ok)
	switch {
	case err != nil:
		return "ok"
	case len(data) > most:
		return "ok " + strings.ToValidUTF8(string(data[:most]), "") + "…"
	}
	return "ok " + string(data)
}

func number(n *int64) string {
	if n == nil {
		return "no"
	}
	return fmt.Sprint(*n)
}
