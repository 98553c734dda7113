package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/guests"
	"github.com/trilemma-dev/trilemma/internal/engine"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/verifier"
	"github.com/trilemma-dev/trilemma/workflow"
)

// DisputeRow is what it takes to settle a dispute over one forged state in the middle of a run.
type DisputeRow struct {
	Guest        string  `json:"guest"`
	Call         string  `json:"call"`
	Steps        int64   `json:"steps"`
	Segments     int64   `json:"segments"`
	Forged       uint64  `json:"forged_segment"`
	Rounds       int     `json:"rounds"`
	Messages     int     `json:"messages"`
	Bytes        int64   `json:"bytes"` // of all messages, the two openings included
	RefereeCPU   float64 `json:"referee_cpu_seconds"`
	SidesCPU     float64 `json:"sides_cpu_seconds"` // to answer, both together: mostly to run up to the segment
	RulingBytes  int64   `json:"ruling_bytes"`
	ConfirmedCPU float64 `json:"confirmed_cpu_seconds"` // to check the ruling, as a third machine does
}

// quarrel is a call that a dispute is about.
type quarrel struct {
	guest, fun string
	params     []int
}

// quarrels are the calls that disputes are measured on: of at least 10⁹ steps, in little memory and in more, unless the size is tiny.
func quarrels(size Size) []quarrel {
	if size == Tiny {
		return []quarrel{{"fib", "fib_loop", []int{1_000_000}}}
	}
	return []quarrel{{"fib", "fib_loop", []int{810_000_000}}, {"matrix", "matrix_random", []int{500, 1}}}
}

func (q *quarrel) call() string { return fmt.Sprint(q.fun, q.params) }

// settle runs the call for one executor, lets another one sign what is the same but for one bit of one state, and settles that.
func (q *quarrel) settle(ctx context.Context, clock func() time.Duration) (*DisputeRow, error) {
	var keys [2]*capability.Key
	for i := range keys {
		var err error
		if keys[i], err = capability.GenerateKey("ed25519"); err != nil {
			return nil, err
		}
	}
	keep := &store.Memory{}
	honest, err := q.record(ctx, keys[0], keep)
	if err != nil {
		return nil, err
	}
	same, err := q.record(ctx, keys[1], keep) // which is known by now: it is signed again
	if err != nil {
		return nil, err
	}
	forged, at, err := forge(same, keys[1])
	if err != nil {
		return nil, err
	}
	found, err := verifier.Settle(ctx, honest.Bundle, forged, verifier.SettleConfig{Opener: &machine.Engine{}, Referee: keys[0], Now: time.Now, CPU: clock})
	if err != nil {
		return nil, err
	}
	s := found[0]
	if s.State != verifier.Settled || len(s.Wrong) != 1 || s.Wrong[0].Side != spotcheck.B || s.Wrong[0].Segment == nil || *s.Wrong[0].Segment != at {
		return nil, fmt.Errorf("%s: %v %s: not the forged segment %d", s.State, s.Wrong, s.Reason, at)
	}
	steps := *honest.Results[0].Receipt.Claim.Run.Steps
	row := &DisputeRow{Guest: q.guest, Call: q.call(), Steps: steps, Segments: machine.Segments(steps), Forged: at, Rounds: s.Rounds, Messages: s.Messages, Bytes: s.Bytes,
		RefereeCPU: s.Referee.CPU.Seconds(), SidesCPU: s.Sides.CPU.Seconds()}
	for _, data := range s.Ruling.Blocks {
		row.RulingBytes += int64(len(data))
	}
	ms, err := measure(clock, func() error {
		b, _ := s.Ruling.Get(s.Ruling.Root)
		_, err := spotcheck.OpenRuling(b, s.Ruling.Get)
		return err
	})
	row.ConfirmedCPU = ms / 1e3
	return row, err
}

// record runs the call with a transcript, as the only task of a workflow.
func (q *quarrel) record(ctx context.Context, key *capability.Key, keep *store.Memory) (*executor.Run, error) {
	params := ""
	for i, p := range q.params {
		if i > 0 {
			params += ", "
		}
		params += fmt.Sprint(p)
	}
	d, err := workflow.Parse("quarrel.json", fmt.Appendf(nil, `{"trilemma": "workflow/1", "tasks": {"task": {"run": {"mod": %q, "fun": %q, "params": [%s]}}}}`, q.guest, q.fun, params))
	if err != nil {
		return nil, err
	}
	w, err := workflow.Compile(d, workflow.Config{Sub: key.DID(), Profile: link.Profile, Fuel: 1 << 40, Memory: link.DefaultPages, Output: link.DefaultOutput,
		ReadFile: func(name string) ([]byte, error) {
			if name != q.guest {
				return nil, fs.ErrNotExist
			}
			return guests.Module(name)
		}})
	if err != nil {
		return nil, err
	}
	x, err := executor.New(executor.Config{Signer: key, Runner: &engine.Machine{}, Engine: engine.NameMachine, Blocks: keep, Records: keep, Memo: keep, Recorder: &machine.Engine{}})
	if err != nil {
		return nil, err
	}
	r, err := x.Run(ctx, w)
	if err == nil && r.Receipt.Claim.Out.Error != nil {
		err = errors.New(r.Receipt.Claim.Out.Error.String())
	}
	return r, err
}

// forge returns the bundle of a run of one task with one bit of the state in the middle changed, under fresh signatures, and the number of the segment
// before it.
func forge(r *executor.Run, key *capability.Key) (*receipts.Bundle, uint64, error) {
	task, blocks := r.Results[0].Receipt, maps.Clone(r.Bundle.Blocks)
	t, err := machine.ReadTranscript(blocks[receipts.CID(*task.Claim.Run.Transcript)])
	if err != nil {
		return nil, 0, err
	}
	roots, err := t.ReadRoots(r.Bundle.Get)
	if err != nil {
		return nil, 0, err
	}
	if len(roots) > 1<<15 { // which lie in one block
		return nil, 0, fmt.Errorf("%d state roots", len(roots))
	}
	at := len(roots) / 2
	roots[at][0] ^= 1
	raw, root := block.Raw(slices.Concat(sliced(roots)...)), machine.RootOfRoots(roots)
	t.Root, t.Roots = root[:], []datamodel.Link{receipts.Link(raw.CID)}
	transcript, err := t.Block()
	if err != nil {
		return nil, 0, err
	}
	claim, whole := task.Claim, r.Receipt.Claim
	named := receipts.Link(transcript.CID)
	claim.Run.Transcript = &named
	receipt, err := receipts.Issue(key, claim, task.Meta)
	if err != nil {
		return nil, 0, err
	}
	label := r.Results[0].Task.Label
	whole.Run.Receipts = &receipts.Labelled{Keys: []string{label}, Values: map[string]datamodel.Link{label: receipts.Link(receipt.CID)}}
	run, err := receipts.Issue(key, whole, r.Receipt.Meta)
	if err != nil {
		return nil, 0, err
	}
	for _, b := range []block.Block{raw, transcript, receipt, run} {
		blocks[b.CID] = b.Data
	}
	b, err := receipts.NewBundle(receipts.Record{Workflow: r.Bundle.Record.Workflow, Receipt: receipts.Link(run.CID)}, blocks)
	return b, uint64(at - 1), err
}

func sliced(ds []machine.Digest) (out [][]byte) {
	for i := range ds {
		out = append(out, ds[i][:])
	}
	return out
}
