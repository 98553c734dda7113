package verifier

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/workflow"
)

// SettleConfig says how to settle what two bundles disagree about.
type SettleConfig struct {
	Tasks   []string          // labels, of the first bundle; empty: all
	Arity   uint64            // of the bisection; 0: see [spotcheck.GameConfig]
	Opener  Opener            // speaks for sides whose bundles hold modules and inputs; nil: bundles hold the openings that it takes, or nothing is decided
	Referee capability.Signer // signs rulings; nil: none are made
	Heard   *Hearing          // of one task, whose sides answer for themselves; Opener is not used then. nil: both sides are played here

	Now func() time.Time     // required
	CPU func() time.Duration // CPU time of the process; may be nil
}

// What became of a task in a dispute.
const (
	Agreed  = "agreed"  // the receipts do not contradict each other
	Settled = "settled" // it is known who is wrong
	Follows = "follows" // it awaits a task that the sides disagree about: that comes first
	Open    = "open"    // evidence is missing
)

// Party is an executor of which a dispute found that it is wrong.
type Party struct {
	Side     spotcheck.Side
	Executor string // did:key
	Receipt  cid.Cid
	Ground   string
	Reason   string
	Segment  *uint64
	Evidence *block.Block // a refutation, if the fault has one
}

// Settlement is what became of one task that both bundles have.
type Settlement struct {
	Task        string // label in the first bundle
	Computation cid.Cid
	Receipts    [2]cid.Cid
	Executors   [2]string
	State       string
	Reason      string   // why it is open, or what it follows
	Differ      string   // in what the receipts contradict each other
	Wrong       []Party  // of a settled one
	Pending     *Pending // of an open one that is heard: what is waited for
	Rounds      int
	Messages    int
	Bytes       int64             // of all messages
	Referee     Cost              // the time that the referee spent
	Sides       Cost              // the time that it took to answer, both sides together
	Ruling      *receipts.Archive // root: the ruling; with the receipts and the refutations
}

// ErrNothingShared says that two bundles have no task in common.
var ErrNothingShared = errors.New("the bundles have no computation in common")

// Settle compares two bundles, whoever made them, task by task: a computation is one whatever the executor. Of each task that the receipts
// contradict each other about it finds out who is wrong, one or both. The error is about the request, the context, or a bundle that cannot be
// opened at all.
func Settle(ctx context.Context, a, b *receipts.Bundle, cfg SettleConfig) ([]Settlement, error) {
	if cfg.Now == nil {
		return nil, errors.New("verifier: a clock is required")
	}
	if cfg.Heard != nil {
		cfg.Opener = nil
	}
	var cs [2]*checker
	for i, bundle := range []*receipts.Bundle{a, b} {
		cs[i] = newChecker(bundle, Config{Now: cfg.Now, CPU: cfg.CPU})
		if err := cs[i].open(); err != nil {
			return nil, fmt.Errorf("bundle %s: %w", spotcheck.Side(i), err)
		}
	}
	cs[0].beside, cs[1].beside = b, a
	theirs := make(map[string]*workflow.Task, len(cs[1].w.Tasks))
	for _, t := range cs[1].w.Tasks {
		theirs[t.Computation.KeyString()] = t
	}
	for _, label := range cfg.Tasks {
		if cs[0].w.Task(label) == nil {
			return nil, fmt.Errorf("%w %q", ErrNoTask, label)
		}
	}
	var out []Settlement
	apart := make(map[string]bool) // labels of the first bundle, whose receipts do not agree
	for _, t := range cs[0].w.Tasks {
		u := theirs[t.Computation.KeyString()]
		if u == nil || t.Effect() {
			continue
		}
		d := &dispute{cfg: cfg, sides: [2]*side{{checker: cs[0], task: t}, {checker: cs[1], task: u}}}
		s, err := d.settle(ctx, apart, len(cfg.Tasks) == 0 || slices.Contains(cfg.Tasks, t.Label))
		if err != nil {
			return nil, err
		}
		if s != nil {
			out = append(out, *s)
		}
	}
	if len(theirs) == 0 || out == nil {
		return nil, ErrNothingShared
	}
	return out, nil
}

// side is one side of a dispute about a task.
type side struct {
	*checker
	task  *workflow.Task
	claim receipts.Claim
	trace *traced
}

// dispute is about one computation.
type dispute struct {
	cfg   SettleConfig
	sides [2]*side
	out   Settlement
}

// settle settles the task if it is asked for; whether the sides are apart is found out in any case.
func (d *dispute) settle(ctx context.Context, apart map[string]bool, asked bool) (*Settlement, error) {
	t := d.sides[0].task
	d.out = Settlement{Task: t.Label, Computation: t.Computation}
	start := d.sides[0].begin()
	for i, s := range d.sides {
		if err := s.broken[s.task.Label]; err != nil {
			return d.open(apart, asked, fmt.Errorf("%s's receipt cannot be used: %w", spotcheck.Side(i), err))
		}
		r := s.receipts[s.task.Label]
		s.claim = r.Claim
		d.out.Receipts[i], d.out.Executors[i] = r.CID, r.Issuer
	}
	if d.out.Differ = spotcheck.Differ(d.sides[0].claim, d.sides[1].claim); d.out.Differ == "" {
		d.out.State = Agreed
		return d.result(asked), nil
	}
	defer func() { apart[t.Label] = true }()
	if f := d.opposite(nil); t.Secret && f == nil { // whoever signed both is wrong, whatever is hidden
		return d.open(apart, asked, unseen("a dispute"))
	}
	for _, a := range t.Awaits {
		if apart[a.Label] {
			d.out.State, d.out.Reason = Follows, fmt.Sprintf("it awaits %q, about which the sides disagree too: that is to be settled first", a.Label)
			return d.result(asked), nil
		}
	}
	if !asked {
		return nil, nil
	}
	faults, err := d.find(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	cost := d.sides[0].since(start)
	d.out.Referee.Wall, d.out.Referee.CPU = cost.Wall-d.out.Sides.Wall, cost.CPU-d.out.Sides.CPU
	if err == nil && len(faults) == 0 {
		err = errors.New("nothing that the bundles hold shows who is wrong")
	}
	if f := d.opposite(faults); f != nil {
		faults, err = append(faults, *f), nil
	}
	d.out.Pending, _ = errors.AsType[*Pending](err)
	if err != nil {
		return d.open(apart, asked, err)
	}
	d.out.State = Settled
	return &d.out, d.rule(faults)
}

// opposite is the fault of an executor who signed both receipts, whichever of them is right.
func (d *dispute) opposite(faults []spotcheck.Fault) *spotcheck.Fault {
	a, b := d.sides[0], d.sides[1]
	if d.out.Executors[0] != d.out.Executors[1] || !a.task.CID.Equals(b.task.CID) {
		return nil
	}
	f := &spotcheck.Fault{Ground: spotcheck.GroundOpposite, Reason: "it signed two receipts of one computation: " + d.out.Differ, Task: a.held(a.task.CID)}
	if len(faults) > 0 {
		f.Side = faults[0].Side
	}
	f.Other = d.sides[1-f.Side].held(d.out.Receipts[1-f.Side])
	return f
}

func (d *dispute) result(asked bool) *Settlement {
	if !asked {
		return nil
	}
	return &d.out
}

func (d *dispute) open(apart map[string]bool, asked bool, why error) (*Settlement, error) {
	apart[d.out.Task] = true
	d.out.State, d.out.Reason = Open, why.Error()
	return d.result(asked), nil
}

// rule turns faults into what is said of the sides, and signs that.
func (d *dispute) rule(faults []spotcheck.Fault) error {
	var findings []spotcheck.Finding
	var blocks []block.Block
	for _, f := range faults {
		s := d.sides[f.Side]
		p := Party{Side: f.Side, Executor: d.out.Executors[f.Side], Receipt: d.out.Receipts[f.Side], Ground: f.Ground, Reason: f.Reason}
		found := spotcheck.Finding{Executor: p.Executor, Receipt: receipts.Link(p.Receipt), Ground: f.Ground, Reason: f.Reason}
		if f.Ground == spotcheck.GroundSegment || f.Ground == spotcheck.GroundLength {
			i := int64(f.Segment)
			p.Segment, found.Segment = &f.Segment, &i
		}
		if r, ok := f.Refute(s.held(p.Receipt), s.transcriptBlock()); ok {
			b, err := r.Block()
			if err != nil {
				return err
			}
			l := receipts.Link(b.CID)
			p.Evidence, found.Evidence = &b, &l
			blocks = append(blocks, b)
		}
		d.out.Wrong, findings = append(d.out.Wrong, p), append(findings, found)
	}
	if d.cfg.Referee == nil {
		return nil
	}
	name, err := spotcheck.NewDispute(d.out.Receipts[0], d.out.Receipts[1])
	if err != nil {
		return err
	}
	ruling, err := spotcheck.IssueRuling(d.cfg.Referee, name.CID, d.out.Computation, findings)
	if err != nil {
		return err
	}
	for i, s := range d.sides {
		blocks = append(blocks, block.Block{CID: d.out.Receipts[i], Data: s.held(d.out.Receipts[i])})
	}
	d.out.Ruling = receipts.NewArchive(append([]block.Block{ruling, name}, blocks...)...)
	return nil
}

// held is a block that the side's bundle holds, or nothing.
func (s *side) held(id cid.Cid) []byte {
	b, _ := s.get(id)
	return b.Data
}

func (s *side) transcriptBlock() []byte {
	if s.claim.Run.Transcript == nil {
		return nil
	}
	return s.held(receipts.CID(*s.claim.Run.Transcript))
}
