package lab

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/verifier"
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

// quarrels are the calls that disputes are measured on: of at least 10⁹ steps, in little memory and in more, unless the size is tiny.
func quarrels(size Size) []call {
	if size == Tiny {
		return []call{{guest: "fib", fun: "fib_loop", params: []any{1_000_000}}}
	}
	return []call{{guest: "fib", fun: "fib_loop", params: []any{810_000_000}}, {guest: "matrix", fun: "matrix_random", params: []any{500, 1}}}
}

// shown names the call for people.
func (c call) shown() string { return fmt.Sprint(c.fun, c.params) }

// settle runs the call for one executor, lets another one sign what is the same but for one bit of one state, and settles that.
func (c call) settle(ctx context.Context, clock func() time.Duration) (*DisputeRow, error) {
	honest, forged, at, key, err := c.quarrel(ctx)
	if err != nil {
		return nil, err
	}
	found, err := verifier.Settle(ctx, honest.Bundle, forged, verifier.SettleConfig{Opener: &machine.Engine{}, Referee: key, Now: time.Now, CPU: clock})
	if err != nil {
		return nil, err
	}
	s := found[0]
	if s.State != verifier.Settled || len(s.Wrong) != 1 || s.Wrong[0].Side != spotcheck.B || s.Wrong[0].Segment == nil || *s.Wrong[0].Segment != at {
		return nil, fmt.Errorf("%s: %v %s: not the forged segment %d", s.State, s.Wrong, s.Reason, at)
	}
	steps := *honest.Results[0].Receipt.Claim.Run.Steps
	row := &DisputeRow{Guest: c.guest, Call: c.shown(), Steps: steps, Segments: machine.Segments(steps), Forged: at, Rounds: s.Rounds, Messages: s.Messages, Bytes: s.Bytes,
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

// quarrel is a run of the call, what another executor makes of it who forges the segment at, and the first one's key.
func (c call) quarrel(ctx context.Context) (honest *executor.Run, forged *receipts.Bundle, at uint64, key *capability.Key, err error) {
	keep := &store.Memory{}
	var signers [2]*signer
	var runs [2]*executor.Run
	for i := range runs {
		if signers[i], err = newSigner(keep, nil, false, nil); err != nil {
			return nil, nil, 0, nil, err
		}
		w, err := c.compile(signers[i].key.DID(), nil)
		if err != nil {
			return nil, nil, 0, nil, err
		}
		if runs[i], err = signers[i].run(ctx, w); err != nil { // the second time it is known: it is signed again
			return nil, nil, 0, nil, err
		}
	}
	forged, at, err = forge(runs[1], signers[1].key)
	return runs[0], forged, at, signers[0].key, err
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
