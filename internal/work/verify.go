package work

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/verifier"
)

// maxBundle bounds the bytes of a bundle that is gathered in memory.
const maxBundle = 1 << 30

// Archive gathers what a root reaches from stored blocks.
func Archive(ctx context.Context, blocks store.Blocks, root string) (*receipts.Archive, error) {
	c, err := block.Parse(root)
	if err != nil {
		return nil, refuse(err)
	}
	g := &getter{ctx: ctx, blocks: blocks}
	a, err := receipts.Gather(c, g.get, maxBundle)
	if g.err != nil {
		return nil, g.err
	}
	if err != nil {
		return nil, refuse(err)
	}
	return a, nil
}

// Bundle gathers a run's bundle from stored blocks.
func Bundle(ctx context.Context, blocks store.Blocks, run string) (*receipts.Bundle, error) {
	a, err := Archive(ctx, blocks, run)
	if err != nil {
		return nil, err
	}
	b, err := a.Bundle()
	if err != nil {
		return nil, refuse(err)
	}
	return b, nil
}

// CheckVerify refuses what cannot be asked.
func CheckVerify(v *wire.VerifyRequest) error {
	if _, err := verifier.ParseMode(v.Mode); err != nil {
		return refuse(err)
	}
	if v.Executor != "" {
		if err := capability.ParseDID(v.Executor); err != nil {
			return refuse(err)
		}
	}
	if len(v.With) > 0 && v.Mode != string(verifier.Check) {
		return refuse(errors.New("with is about the mode check"))
	}
	switch drawing := v.Samples != 0 || v.Seed != "" || v.Open; {
	case drawing && v.Mode != string(verifier.Spot):
		return refuse(errors.New("samples, seed and open are about the mode spot"))
	case drawing && v.Seed == "" && !v.Open:
		return refuse(errors.New("samples needs a seed, or open to have the openings made here"))
	}
	return nil
}

// defaultSamples is how many segments are drawn if the request does not say.
const defaultSamples = 20

// draw makes the challenge that a request asks for, with a seed that is fresh unless one is given.
func draw(ctx context.Context, b *receipts.Bundle, in *wire.VerifyRequest) (*verifier.Challenged, error) {
	seed, err := spotcheck.NewNonce(rand.Reader)
	if err != nil {
		return nil, err
	}
	if in.Seed != "" {
		given, err := hex.DecodeString(in.Seed)
		if err != nil {
			return nil, refuse(fmt.Errorf("the seed is not hexadecimal: %w", err))
		}
		seed = spotcheck.Supplied(given)
		if err := seed.Check(); err != nil {
			return nil, refuse(err)
		}
	}
	samples := in.Samples
	if samples == 0 {
		samples = defaultSamples
	}
	ch, err := spotcheck.NewChallenge(receipts.CID(b.Record.Receipt), seed, samples, nil)
	if err != nil {
		return nil, refuse(err)
	}
	out, _, err := Draw(ctx, b, ch, in.Open)
	return out, err
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

func (w *Worker) verify(ctx context.Context, in wire.VerifyRequest, p Progress) (*wire.Report, error) {
	if err := CheckVerify(&in); err != nil {
		return nil, err
	}
	runner, _, err := w.engine(in.Engine)
	if err != nil {
		return nil, err
	}
	b, err := Bundle(ctx, w.Blocks, in.Run)
	if err != nil {
		return nil, err
	}
	var drawn *verifier.Challenged
	if in.Mode == string(verifier.Spot) && (in.Seed != "" || in.Open) {
		if drawn, err = draw(ctx, b, &in); err != nil {
			return nil, err
		}
	}
	cfg := verifier.Config{Mode: verifier.Mode(in.Mode), Executor: in.Executor, Tasks: in.Tasks, Runner: runner, Now: w.Now, CPU: w.CPU, Challenged: drawn,
		Family: w.Family, AllowDev: in.AllowDev,
		Progress: func(done int) { p("checks", done, len(in.Tasks)) }}
	for _, name := range in.With {
		a, err := Archive(ctx, w.Blocks, name)
		if err != nil {
			return nil, err
		}
		if other, err := a.Bundle(); err == nil {
			cfg.Others = append(cfg.Others, other)
		} else {
			cfg.Rulings = append(cfg.Rulings, a)
		}
		cfg.Opener = &machine.Engine{}
	}
	rep, err := verifier.Verify(ctx, b, cfg)
	if errors.Is(err, verifier.ErrNoTask) {
		return nil, refuse(err)
	}
	if err != nil {
		return nil, err
	}
	return ReportOf(rep, in.Run), nil
}

// ReportOf is what a check found. run is empty if there was no run to be found.
func ReportOf(rep *verifier.Report, run string) *wire.Report {
	out := &wire.Report{Outcome: string(rep.Outcome), Reason: rep.Reason, Run: run, Signer: rep.Signer, Verdicts: []wire.Verdict{}}
	for _, v := range rep.Verdicts {
		out.Verdicts = append(out.Verdicts, wire.Verdict{Task: v.Task, Mode: string(v.Mode), Outcome: string(v.Outcome), Reason: v.Reason, Soundness: v.Soundness,
			Cost: CostOf(v.Cost), Revealed: wire.Revealed{Input: v.Revealed.Input, State: v.Revealed.State, Output: v.Revealed.Output}, Sampling: samplingOf(v.Sampling),
			Proof: proofOf(v.Proof)})
	}
	return out
}

// CostOf is what a check took.
func CostOf(c verifier.Cost) wire.Cost {
	return wire.Cost{WallSeconds: c.Wall.Seconds(), CPUSeconds: c.CPU.Seconds(), BytesRead: c.Bytes}
}

func proofOf(p *verifier.Proof) *wire.Proof {
	if p == nil {
		return nil
	}
	return &wire.Proof{Family: fmt.Sprintf("%x", p.Family), Setup: p.Setup, Pinned: p.Pinned, Parts: p.Parts, Bytes: p.Bytes}
}

func samplingOf(s *verifier.Sampling) *wire.Sampling {
	if s == nil {
		return nil
	}
	j := &wire.Sampling{Segments: s.Segments, Samples: s.Samples, TaskSegments: s.TaskSegments, TaskSamples: s.TaskSamples, Curve: PointsOf(s.Curve), Seed: s.Seed,
		OpenedInput: s.OpenedInput, OpenedState: s.OpenedState}
	if s.Single != nil {
		j.Single, _ = s.Single.Float64()
	}
	return j
}

// PointsOf is a curve of probabilities.
func PointsOf(curve []spotcheck.Point) []wire.Point {
	out := []wire.Point{}
	for _, p := range curve {
		f, _ := p.Probability.Float64()
		out = append(out, wire.Point{Bad: p.Bad, Probability: f})
	}
	return out
}

// Runs reports whether a mode of verification runs tasks.
func Runs(mode string) bool {
	return mode == string(verifier.Rerun) || mode == string(verifier.All) || mode == string(verifier.Check)
}
