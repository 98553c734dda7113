package work

import (
	"context"
	"errors"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/verifier"
)

// Verify asks for verdicts about a run whose bundle is stored.
type Verify struct {
	Run      string   `json:"run" doc:"CID of a run's record, whose bundle was made here or put"`
	Mode     string   `json:"mode" enum:"attest,rerun,spot,zk,all"`
	Engine   string   `json:"engine,omitempty" enum:"native,machine" doc:"what runs the tasks again; default native"`
	Executor string   `json:"executor,omitempty" maxLength:"256" doc:"did:key of the signer that is expected"`
	Tasks    []string `json:"tasks,omitempty" maxItems:"1000" doc:"labels; default all"`
	Fresh    string   `json:"fresh,omitempty" maxLength:"64" doc:"check again, even if the answer is known: any text, and a new one for each check that is wanted"`
}

// maxBundle bounds the bytes of a bundle that is gathered in memory.
const maxBundle = 1 << 30

// Bundle gathers a run's bundle from stored blocks.
func Bundle(ctx context.Context, blocks store.Blocks, run string) (*receipts.Bundle, error) {
	c, err := block.Parse(run)
	if err != nil {
		return nil, refuse(err)
	}
	g := &getter{ctx: ctx, blocks: blocks}
	a, err := receipts.Gather(c, g.get, maxBundle)
	if g.err != nil {
		return nil, g.err
	}
	var b *receipts.Bundle
	if err == nil {
		b, err = a.Bundle()
	}
	if err != nil {
		return nil, refuse(err)
	}
	return b, nil
}

// Check refuses what cannot be asked.
func (v *Verify) Check() error {
	if _, err := verifier.ParseMode(v.Mode); err != nil {
		return refuse(err)
	}
	if v.Executor != "" {
		if err := capability.ParseDID(v.Executor); err != nil {
			return refuse(err)
		}
	}
	return nil
}

func (w *Worker) verify(ctx context.Context, in Verify, p Progress) (*wire.Report, error) {
	if err := in.Check(); err != nil {
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
	cfg := verifier.Config{Mode: verifier.Mode(in.Mode), Executor: in.Executor, Tasks: in.Tasks, Runner: runner, Now: w.Now, CPU: w.CPU,
		Progress: func(done int) { p("checks", done, len(in.Tasks)) }}
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
			Cost:     wire.Cost{WallSeconds: v.Cost.Wall.Seconds(), CPUSeconds: v.Cost.CPU.Seconds(), BytesRead: v.Cost.Bytes},
			Revealed: wire.Revealed{Input: v.Revealed.Input, State: v.Revealed.State, Output: v.Revealed.Output}})
	}
	return out
}
