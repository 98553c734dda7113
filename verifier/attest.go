package verifier

import (
	"errors"
	"fmt"

	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/workflow"
)

// open reads the workflow and the run's receipt, and then every task's: signature, signer, and that each is about the
// task under whose label it stands. What is wrong with one task's receipt is kept for that task.
func (c *checker) open() error {
	rec := c.bundle.Record
	w, err := workflow.Read(receipts.CID(rec.Workflow), c.get)
	if errors.Is(err, workflow.ErrMissing) {
		return fmt.Errorf("%w: %w", errMissing, err)
	}
	if err != nil {
		return fmt.Errorf("%v", err)
	}
	c.w = w
	b, ok := c.get(receipts.CID(rec.Receipt))
	if !ok {
		return fmt.Errorf("%w: the run's receipt %s", errMissing, receipts.CID(rec.Receipt))
	}
	if c.run, err = receipts.Open(b); err != nil {
		return fmt.Errorf("the run's receipt: %v", err)
	}
	if c.cfg.Executor != "" && c.run.Issuer != c.cfg.Executor {
		return fmt.Errorf("the run's receipt is signed by %s, expected was %s", c.run.Issuer, c.cfg.Executor)
	}
	claim := c.run.Claim
	if !receipts.CID(claim.Ran).Equals(w.CID) || !receipts.CID(claim.Run.Computation).Equals(w.CID) {
		return fmt.Errorf("the run's receipt is about %s, the bundle about %s", receipts.CID(claim.Ran), w.CID)
	}
	if claim.Run.Receipts == nil || len(claim.Run.Receipts.Keys) != len(w.Tasks) {
		return fmt.Errorf("the run's receipt does not name one receipt for each of the %d tasks", len(w.Tasks))
	}
	for _, t := range w.Tasks {
		start := c.begin()
		if err := c.openTask(t); err != nil {
			c.broken[t.Label] = err
		}
		c.opening[t.Label] = c.since(start)
	}
	return nil
}

func (c *checker) openTask(t *workflow.Task) error {
	link, ok := c.run.Claim.Run.Receipts.Values[t.Label]
	if !ok {
		return fmt.Errorf("the run's receipt names no receipt for it")
	}
	id := receipts.CID(link)
	b, ok := c.get(id)
	if !ok {
		return fmt.Errorf("%w: receipt %s", errMissing, id)
	}
	r, err := receipts.Open(b)
	if err != nil {
		return fmt.Errorf("receipt %s: %v", id, err)
	}
	c.receipts[t.Label] = r
	claim := r.Claim
	switch {
	case r.Issuer != c.run.Issuer:
		return fmt.Errorf("its receipt is signed by %s, the run's by %s", r.Issuer, c.run.Issuer)
	case t.Sub != r.Issuer:
		return fmt.Errorf("the task is addressed to %s, its receipt is signed by %s", t.Sub, r.Issuer)
	case !receipts.CID(claim.Ran).Equals(t.CID):
		return fmt.Errorf("its receipt is about the task %s, not %s", receipts.CID(claim.Ran), t.CID)
	case !receipts.CID(claim.Run.Computation).Equals(t.Computation):
		return fmt.Errorf("its receipt names the computation %s, not %s", receipts.CID(claim.Run.Computation), t.Computation)
	case claim.Run.Module != nil && !receipts.CID(*claim.Run.Module).Equals(t.Mod):
		return fmt.Errorf("its receipt names the module %s, not %s", receipts.CID(*claim.Run.Module), t.Mod)
	case claim.Run.Profile != nil && *claim.Run.Profile != t.Profile:
		return fmt.Errorf("its receipt names the profile %q, not %q", *claim.Run.Profile, t.Profile)
	case claim.Run.Receipts != nil:
		return fmt.Errorf("its receipt names receipts of other tasks")
	}
	if err := discreet(t, claim); err != nil {
		return err
	}
	return c.sizes(claim)
}

// sizes compares the stated size of every region with its block, where the block is there.
func (c *checker) sizes(claim receipts.Claim) error {
	for _, rs := range []*[]receipts.Region{claim.Run.Inputs, claim.Run.Outputs} {
		if rs == nil {
			continue
		}
		for _, r := range *rs {
			if r.Cid == nil {
				continue
			}
			if b, ok := c.get(receipts.CID(*r.Cid)); ok && int64(len(b.Data)) != r.Size {
				return fmt.Errorf("its receipt gives stream %d a size of %d bytes, the content %s has %d", r.Stream, r.Size, b.CID, len(b.Data))
			}
		}
	}
	return nil
}

// whole checks that the run's own result follows from its tasks' results.
func (c *checker) whole() error {
	if len(c.broken) > 0 {
		return nil // told with the tasks
	}
	failed := evaluate.Failures(c.w, c.w.Tasks, func(t *workflow.Task) receipts.Out { return c.receipts[t.Label].Claim.Out })
	out := c.run.Claim.Out
	if (len(failed) == 0) != (out.Ok != nil) {
		return fmt.Errorf("the run's receipt says ok: %v, but %d tasks failed", out.Ok != nil, len(failed))
	}
	if out.Error != nil && out.Error.Kind != evaluate.KindTasks {
		return fmt.Errorf("the run's receipt has an error of the kind %q", out.Error.Kind)
	}
	return nil
}
