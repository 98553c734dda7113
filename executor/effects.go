package executor

import (
	"context"
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/workflow"
)

// Effect changes the world. key is the same whenever the same effect is asked for. args has its promises resolved and links
// to content replaced by it. The result is what the world answered.
//
// An error that wraps [ErrNotDone] says that certainly nothing was changed; after any other error nobody knows.
type Effect func(ctx context.Context, key string, args datamodel.Node) (datamodel.Node, error)

// ErrNotDone marks an effect's error after which certainly nothing was changed.
var ErrNotDone = errors.New("not done")

// unknownEffect is the message of an effect of which nobody knows whether it happened.
const unknownEffect = "effect/unknown"

// Values of a journal entry: started, or the CID of the receipt, or not done. An entry is made for each attempt; the next one
// is made only when the one before says not done, and making it is what gives the right to try: of several runs at once one has it.
const (
	journalStarted = "started"
	journalNotDone = "not done"
)

// effects runs the effects in the workflow's order, each at most once whatever happens between.
func (r *run) effects(ctx context.Context) error {
	var pure []*workflow.Task
	for _, t := range r.w.Tasks {
		if !t.Effect() {
			pure = append(pure, t)
		}
	}
	failed := r.failures(pure)
	for _, t := range r.w.Tasks {
		if !t.Effect() {
			continue
		}
		if _, ok := r.out(t.Computation); ok {
			continue // the same effect under another label
		}
		if len(failed) > 0 {
			msg := fmt.Sprintf("effects start when every pure task has succeeded; %q did not", failed[0].Label)
			if err := r.fail(t, &receipts.Failure{Kind: evaluate.KindMismatch, Message: &msg}); err != nil {
				return err
			}
			continue
		}
		if err := r.effect(ctx, t); err != nil {
			return fmt.Errorf("effect %q: %w", t.Label, err)
		}
	}
	return nil
}

func (r *run) effect(ctx context.Context, t *workflow.Task) error {
	do, ok := r.e.cfg.Effects[t.Cmd]
	if !ok {
		return r.fail(t, effectFailure("%s is not allowed here", t.Cmd))
	}
	args, failure, err := r.effectArgs(ctx, t)
	if err != nil {
		return err
	}
	if failure != nil {
		return r.fail(t, failure)
	}
	if ctx.Err() != nil { // else the attempt would end as unknown without having begun
		return ctx.Err()
	}
	key, mine, err := r.attempt(ctx, t)
	if err != nil || !mine {
		return err
	}
	value, err := do(ctx, t.CID.String(), args)
	ctx = context.WithoutCancel(ctx) // what happened is recorded whatever becomes of the run
	switch {
	case errors.Is(err, ErrNotDone):
		if err := r.e.cfg.Records.Set(ctx, key, []byte(journalNotDone)); err != nil {
			return err
		}
		return r.fail(t, effectFailure("%v", err))
	case err != nil:
		return r.answer(ctx, t, key, receipts.Out{Error: effectFailure("%s: %v", unknownEffect, err)})
	}
	return r.answer(ctx, t, key, receipts.Out{Ok: &value})
}

func effectFailure(format string, args ...any) *receipts.Failure {
	msg := fmt.Sprintf(format, args...)
	return &receipts.Failure{Kind: evaluate.KindEffect, Message: &msg}
}

// answer records an effect's receipt in the journal, then with the run.
func (r *run) answer(ctx context.Context, t *workflow.Task, key string, out receipts.Out) error {
	b, receipt, err := r.issue(t, receipts.Claim{Out: out}, nil)
	if err != nil {
		return err
	}
	if err := r.e.cfg.Blocks.Put(ctx, b); err != nil {
		return err
	}
	if err := r.e.cfg.Records.Set(ctx, key, b.CID.Bytes()); err != nil {
		return err
	}
	r.end(t, &ended{receipt: receipt}, []block.Block{b})
	return nil
}

// attempt makes the journal entry of an effect's next attempt, unless an earlier one settled it: then the effect has its
// receipt, and is not this run's to do.
func (r *run) attempt(ctx context.Context, t *workflow.Task) (key string, mine bool, err error) {
	for n := 0; ; n++ {
		key = "effect/" + t.CID.String()
		if n > 0 {
			key += fmt.Sprintf("-%d", n)
		}
		if mine, err = r.e.cfg.Records.Create(ctx, key, []byte(journalStarted)); err != nil || mine {
			return key, mine, err
		}
		v, err := r.e.cfg.Records.Load(ctx, key)
		if err != nil {
			return key, false, err
		}
		if string(v) != journalNotDone {
			mine, err = r.journalled(ctx, t, key, v)
			return key, mine, err
		}
	}
}

// journalled deals with an effect whose last attempt says v. It reports whether it may be done again.
func (r *run) journalled(ctx context.Context, t *workflow.Task, key string, v []byte) (again bool, err error) {
	if string(v) == journalStarted { // a crash before the answer was recorded, or another run that is about it
		if t.Idempotent {
			return true, nil
		}
		return false, r.fail(t, effectFailure("%s: it was started before and its answer was never recorded", unknownEffect))
	}
	c, err := cid.Cast(v)
	if err != nil {
		return false, fmt.Errorf("damaged journal entry %s", key)
	}
	d, blocks, ok := r.reopen(ctx, t, c, nil)
	if !ok {
		return false, r.fail(t, effectFailure("%s: it was done before, but its receipt %s is lost", unknownEffect, c))
	}
	r.end(t, d, blocks)
	return false, nil
}

// effectArgs resolves promises and loads linked content.
func (r *run) effectArgs(ctx context.Context, t *workflow.Task) (datamodel.Node, *receipts.Failure, error) {
	args, failure, err := r.resolve(t)
	if failure != nil || err != nil {
		return nil, failure, err
	}
	args, err = evaluate.LoadAll(args, r.get(ctx))
	return args, nil, err
}
