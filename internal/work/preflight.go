package work

import (
	"context"
	"errors"

	"github.com/trilemma-dev/trilemma/internal/preflight"
	"github.com/trilemma-dev/trilemma/internal/wire"
)

// CheckPreflight refuses what is about neither a workflow nor a call, or about both.
func CheckPreflight(in *wire.PreflightRequest) error {
	if (in.Workflow == "") == (in.Call == nil) {
		return refuse(errors.New("name a workflow or a call: one of them"))
	}
	return nil
}

func (w *Worker) preflight(ctx context.Context, in wire.PreflightRequest, p Progress) (*wire.Preflight, error) {
	if err := CheckPreflight(&in); err != nil {
		return nil, err
	}
	if w.Predictor == nil {
		return nil, refuse(errors.New("no worker here predicts proofs"))
	}
	if in.Workflow != "" {
		wf, err := Workflow(ctx, w.Blocks, in.Workflow)
		if err != nil {
			return nil, err
		}
		all, effects, err := w.Predictor.Workflow(ctx, wf, w.Blocks, func(done, total int) { p("tasks", done, total) })
		if err != nil {
			return nil, err
		}
		return w.Predictor.Report("workflow", all, effects)
	}
	job, m, err := w.prepare(ctx, in.Call)
	if err != nil {
		return nil, err
	}
	one, err := w.Predictor.Call(ctx, m, job)
	if errors.Is(err, preflight.ErrModule) {
		return nil, refuse(err)
	}
	if err != nil {
		return nil, err
	}
	return w.Predictor.Report("module", []preflight.Run{one}, []string{})
}
