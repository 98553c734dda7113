// Package report puts runs, receipts and verdicts into the words of package wire. It needs no engine but the machine, so that it serves in a browser too.
package report

import (
	"context"
	"fmt"

	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/verifier"
)

// Task is what a receipt says of a task.
func Task(r *receipts.Receipt) (wire.Task, error) {
	run := r.Claim.Run
	j := wire.Task{Task: receipts.CID(r.Claim.Ran).String(), Receipt: r.CID.String(), Computation: receipts.CID(run.Computation).String(), Fuel: run.Fuel}
	j.Outcome, j.Error = wire.OutcomeOf(r.Claim.Out)
	if run.Transcript != nil && run.Steps != nil {
		segments := machine.Segments(*run.Steps)
		j.Steps, j.Segments, j.Transcript = run.Steps, &segments, (*run.Transcript).String()
	}
	if ok := r.Claim.Out.Ok; ok != nil {
		var err error
		if j.Out, err = block.EncodeJSON(*ok); err != nil {
			return j, err
		}
	}
	return j, nil
}

// Run is what a run gave, as its bundle tells. Whether results were known before is not told. Signatures are checked.
func Run(b *receipts.Bundle) (*wire.Run, error) {
	open := func(l datamodel.Link) (*receipts.Receipt, error) {
		rb, ok := b.Get(receipts.CID(l))
		if !ok {
			return nil, fmt.Errorf("the receipt %s is not there", receipts.CID(l))
		}
		return receipts.Open(rb)
	}
	whole, err := open(b.Record.Receipt)
	if err != nil {
		return nil, err
	}
	out := &wire.Run{Run: b.Root.String(), Workflow: receipts.CID(b.Record.Workflow).String(), Receipt: whole.CID.String(), Executor: whole.Issuer, Tasks: map[string]wire.Task{}}
	out.Outcome, out.Error = wire.OutcomeOf(whole.Claim.Out)
	if whole.Claim.Run.Receipts == nil {
		return nil, fmt.Errorf("the receipt %s is not a workflow's", whole.CID)
	}
	for label, l := range whole.Claim.Run.Receipts.Values {
		r, err := open(l)
		if err != nil {
			return nil, fmt.Errorf("task %q: %w", label, err)
		}
		if out.Tasks[label], err = Task(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Of is what a check found. run is empty if there was no run to be found.
func Of(rep *verifier.Report, run string) *wire.Report {
	out := &wire.Report{Outcome: string(rep.Outcome), Reason: rep.Reason, Run: run, Signer: rep.Signer, Verdicts: []wire.Verdict{}}
	for _, v := range rep.Verdicts {
		out.Verdicts = append(out.Verdicts, wire.Verdict{Task: v.Task, Mode: string(v.Mode), Outcome: string(v.Outcome), Reason: v.Reason, Soundness: v.Soundness,
			Cost: Cost(v.Cost), Revealed: wire.Revealed{Input: v.Revealed.Input, State: v.Revealed.State, Output: v.Revealed.Output}, Sampling: samplingOf(v.Sampling),
			Proof: proofOf(v.Proof)})
	}
	return out
}

// Cost is what a check took.
func Cost(c verifier.Cost) wire.Cost {
	return wire.Cost{WallSeconds: c.Wall.Seconds(), CPUSeconds: c.CPU.Seconds(), BytesRead: c.Bytes}
}

func proofOf(p *verifier.Proof) *wire.Proof {
	if p == nil {
		return nil
	}
	return &wire.Proof{Backend: p.Backend, Family: fmt.Sprintf("%x", p.Family), Setup: p.Setup, Pinned: p.Pinned, Parts: p.Parts, Bytes: p.Bytes}
}

func samplingOf(s *verifier.Sampling) *wire.Sampling {
	if s == nil {
		return nil
	}
	j := &wire.Sampling{Segments: s.Segments, Samples: s.Samples, TaskSegments: s.TaskSegments, TaskSamples: s.TaskSamples, Curve: Points(s.Curve), Seed: s.Seed,
		OpenedInput: s.OpenedInput, OpenedState: s.OpenedState}
	if s.Single != nil {
		j.Single, _ = s.Single.Float64()
	}
	return j
}

// Points is a curve of probabilities.
func Points(curve []spotcheck.Point) []wire.Point {
	out := []wire.Point{}
	for _, p := range curve {
		f, _ := p.Probability.Float64()
		out = append(out, wire.Point{Bad: p.Bad, Probability: f})
	}
	return out
}

// Draw makes a challenge ready for a verdict. With open the openings are made here, by running the tasks; why that could not be is told by
// note: the verdict then says what is wrong with the bundle, or missing.
func Draw(ctx context.Context, b *receipts.Bundle, ch *spotcheck.Challenge, open bool) (out *verifier.Challenged, note, err error) {
	out = &verifier.Challenged{Challenge: ch, Ours: true, Here: open}
	if !open {
		return out, nil, nil
	}
	made, err := verifier.Answer(ctx, b, ch, &machine.Engine{})
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if err != nil {
		return out, err, nil
	}
	out.Get = made.Get
	out.Answer, _, err = verifier.ReadAnswer(made)
	return out, nil, err
}
