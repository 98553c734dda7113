package verifier

import (
	"context"
	"fmt"
	"strings"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/workflow"
)

// rerun runs a task again and compares everything that its receipt claims. What it awaits is taken from the awaited tasks'
// receipts: a run is right if every task is.
func (c *checker) rerun(ctx context.Context, t *workflow.Task) (Revealed, error) {
	claim := c.receipts[t.Label].Claim
	job, err := c.prepare(t)
	if err == nil && job != nil && job.Secret != nil {
		err = unseen("running it again")
	}
	if job == nil || err != nil {
		return Revealed{}, err
	}
	return c.execute(ctx, claim, job)
}

// prepare makes a task ready to run. If there is nothing to run, since it is refused or awaits what did not come, the receipt is checked there and then, and
// the job is nil.
func (c *checker) prepare(t *workflow.Task) (*evaluate.Job, error) {
	claim := c.receipts[t.Label].Claim
	params, want, err := c.resolve(t)
	if err != nil {
		return nil, err
	}
	if want == nil {
		var job *evaluate.Job
		job, want, err = c.cache.Task(t, params, c.get)
		if job != nil || err != nil {
			return job, err
		}
	}
	if !evaluate.SameOut(claim.Out, receipts.Out{Error: want}) {
		return nil, fmt.Errorf("its receipt says %s, it is %s", describe(claim.Out), want)
	}
	if r := claim.Run; r.Fuel != nil || r.Inputs != nil || r.Outputs != nil || r.Program != nil || r.Steps != nil || r.Transcript != nil {
		return nil, fmt.Errorf("its receipt claims fuel, steps, input or output for a task that did not run")
	}
	return nil, nil
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
	rev, err := compare(claim, job, res, "running it again")
	if err != nil {
		return rev, err
	}
	return rev, wrong
}

// compare compares a claim with a result. how says where the result comes from.
func compare(claim receipts.Claim, job *evaluate.Job, res link.Result, how string) (Revealed, error) {
	got, err := evaluate.Conclude(job, res, evaluate.Stated(claim.Run.Outputs))
	if err != nil {
		return Revealed{}, err
	}
	rev := Revealed{Input: public(got.Inputs), Output: public(got.Outputs)}
	switch {
	case !evaluate.SameOut(claim.Out, got.Out):
		return rev, fmt.Errorf("its receipt says %s, %s gives %s", describe(claim.Out), how, describe(got.Out))
	case claim.Run.Fuel == nil || *claim.Run.Fuel != got.Fuel:
		return rev, fmt.Errorf("its receipt says %s fuel, %s takes %d", number(claim.Run.Fuel), how, got.Fuel)
	case claim.Run.Module == nil || claim.Run.Profile == nil:
		return rev, fmt.Errorf("its receipt names no module or no profile")
	}
	if err := sameRegions("input", claim.Run.Inputs, got.Inputs, how); err != nil {
		return rev, err
	}
	return rev, sameRegions("output", claim.Run.Outputs, got.Outputs, how)
}

// public counts the bytes of regions that are not hidden.
func public(rs []receipts.Region) (n int64) {
	for _, r := range rs {
		if r.Cid != nil {
			n += r.Size
		}
	}
	return n
}

func sameRegions(what string, claimed *[]receipts.Region, got []receipts.Region, how string) error {
	if claimed == nil || len(*claimed) != len(got) {
		return fmt.Errorf("its receipt does not have %d streams of %s", len(got), what)
	}
	for i, r := range *claimed {
		g := got[i]
		if g.Commitment != nil {
			if err := sameSealed(r, g); err != nil {
				return fmt.Errorf("its receipt about %s stream %d, which is hidden: %w", what, g.Stream, err)
			}
			continue
		}
		if r.Stream != g.Stream || r.Size != g.Size || r.Cid == nil || !receipts.CID(*r.Cid).Equals(receipts.CID(*g.Cid)) ||
			r.Root != nil || r.Commitment != nil {
			return fmt.Errorf("its receipt has another %s stream %d than %s", what, g.Stream, how)
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
	if h, ok, err := hidden.ValueOf(*o.Ok); ok && err == nil {
		return fmt.Sprintf("ok, hidden: %.40q under the commitment %x", h.Kind, h.Commitment[:8])
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
