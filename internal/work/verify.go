package work

import (
	"context"
	"errors"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/report"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
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
	if v.Answer != "" && (v.Mode != string(verifier.Spot) || v.Samples != 0 || v.Seed != "" || v.Open) {
		return refuse(errors.New("answer is about the mode spot, and goes with no samples, seed or open: its challenge says what is drawn"))
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
	ch, err := newChallenge(b, in.Samples, in.Seed, nil)
	if err != nil {
		return nil, err
	}
	out, _, err := report.Draw(ctx, b, ch, in.Open)
	return out, err
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
	if in.Answer != "" {
		if drawn, err = w.answered(ctx, in.Answer); err != nil {
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
	if in.Answer != "" && rep.Outcome != verifier.Undecided {
		if err := (&Challenger{w.Blocks, w.Records}).decide(ctx, b, drawn.Answer.ChallengeCID()); err != nil {
			return nil, err
		}
	}
	return report.Of(rep, in.Run), nil
}

// Runs reports whether a mode of verification runs tasks.
func Runs(mode string) bool {
	return mode == string(verifier.Rerun) || mode == string(verifier.All) || mode == string(verifier.Check)
}
