package verifier

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/workflow"
)

// Runner runs a task again. It is filled in by whoever has an engine.
type Runner = evaluate.Runner

// Config says how to verify.
type Config struct {
	Mode     Mode
	Executor string   // did:key of the expected signer; empty: whoever signed, which the verdict then says
	Tasks    []string // labels; empty: all
	Runner   Runner   // needed by Rerun

	Challenged *Challenged // what is drawn in mode Spot; nil: what the bundle holds answers to

	// Ours says whether a challenge that the bundle holds an answer to is one that whoever verifies made, as [Challenged.Ours] does; nil: none is.
	Ours func(challenge cid.Cid) bool

	// Family finds verifying keys that whoever verifies trusts, by the ID of their family, for mode ZK; nil stands for none, and is for no keys. AllowDev accepts
	// those whose randomness one machine drew.
	Family   func(id parts.Digest) *proof.Family
	AllowDev bool

	Others  []*receipts.Bundle  // of other executors, for mode Check
	Rulings []*receipts.Archive // likewise
	Opener  Opener              // settles what other bundles contradict, likewise; may be nil

	Now func() time.Time     // required
	CPU func() time.Duration // CPU time of the process; may be nil

	// Progress, if set, is called after each task with the number of tasks that are done.
	Progress func(done int)
}

// checker verifies one bundle.
type checker struct {
	cfg      Config
	bundle   *receipts.Bundle
	beside   *receipts.Bundle // where content is looked up that the bundle lacks; may be nil
	w        *workflow.Workflow
	run      *receipts.Receipt
	receipts map[string]*receipts.Receipt // by label
	broken   map[string]error             // by label: why a task's receipt cannot be trusted
	opening  map[string]Cost              // by label: what opening its receipt took, a part of every mode's cost
	cache    evaluate.Cache
	machine  machine.Engine
	peers    *peers
}

func newChecker(b *receipts.Bundle, cfg Config) *checker {
	if cfg.Now == nil { // whoever asks for no verdict needs no times
		cfg.Now = func() time.Time { return time.Time{} }
	}
	return &checker{cfg: cfg, bundle: b, receipts: make(map[string]*receipts.Receipt), broken: make(map[string]error), opening: make(map[string]Cost)}
}

// ErrNoTask says that a label was asked for that the run does not have.
var ErrNoTask = errors.New("the run has no task")

// errMissing marks a reason that leaves a receipt undecided. Any other makes it invalid.
var errMissing = errors.New("evidence is missing")

// Verify checks a bundle. The error is about the request (an unknown task, a mode without an engine) or the context; what
// is wrong with the bundle is in the report.
func Verify(ctx context.Context, b *receipts.Bundle, cfg Config) (*Report, error) {
	if cfg.Now == nil {
		return nil, errors.New("verifier: a clock is required")
	}
	if cfg.Runner == nil && (cfg.Mode == Rerun || cfg.Mode == All || cfg.Mode == Check) {
		return nil, errors.New("verifier: re-running needs an engine")
	}
	c := newChecker(b, cfg)
	var err error
	if c.peers, err = openPeers(cfg); err != nil {
		return nil, err
	}
	rep := &Report{}
	start := c.begin()
	if err := c.open(); err != nil {
		v := c.verdict("", Attest, start, err)
		rep.Verdicts, rep.Outcome, rep.Reason = []Verdict{v}, v.Outcome, v.Reason
		return rep, nil
	}
	rep.Signer = c.run.Issuer
	tasks, err := c.selected()
	if err != nil {
		return nil, err
	}
	rep.Outcome = Valid
	if err := c.whole(); err != nil {
		c.add(rep, c.verdict("", Attest, start, err))
	}
	var drawings []*sampling
	if cfg.Mode == Spot || cfg.Mode == Check && c.wished(Spot) || cfg.Mode == All && (b.Record.Answers != nil || cfg.Challenged != nil) {
		drawings = c.samplings()
	}
	stronger := false
	for i, t := range tasks {
		for _, k := range c.checks(t, drawings) {
			v, err := c.task(ctx, t, k)
			if err != nil {
				return nil, err
			}
			c.add(rep, v)
			stronger = stronger || v.Mode != Attest && v.Outcome == Valid
		}
		if cfg.Progress != nil {
			cfg.Progress(i + 1)
		}
	}
	if len(cfg.Tasks) == 0 && cfg.Mode != Check {
		for _, s := range drawings {
			c.add(rep, c.drawing(s, rep.Verdicts))
		}
	}
	if cfg.Mode == All && cfg.Executor == "" && rep.Outcome == Valid && !stronger {
		rep.Outcome = Undecided
		rep.Reason = "only signatures held, and the expected signer was not named (--executor)"
	}
	return rep, nil
}

func (c *checker) add(rep *Report, v Verdict) {
	if o := worst(rep.Outcome, v.Outcome); o != rep.Outcome {
		rep.Outcome, rep.Reason = o, v.Reason
		if v.Task != "" {
			rep.Reason = fmt.Sprintf("task %q: %s", v.Task, v.Reason)
		}
	}
	rep.Verdicts = append(rep.Verdicts, v)
}

// check is one check of a task.
type check struct {
	mode Mode
	s    *sampling // of Spot
}

// checks returns how a task is checked. An effect's receipt can be attested only, whatever is asked: the verdict names that mode.
func (c *checker) checks(t *workflow.Task, drawings []*sampling) (ks []check) {
	switch {
	case t.Effect():
		return []check{{mode: Attest}}
	case c.cfg.Mode == All && t.Secret: // no other mode can say anything of it
		return []check{{mode: Attest}, {mode: ZK}}
	case c.cfg.Mode == All:
		ks = []check{{mode: Attest}, {mode: Rerun}}
		if _, ok := c.proofOf(t); ok {
			ks = append(ks, check{mode: ZK})
		}
	case c.cfg.Mode == Check && asWished(t) != Spot:
		return []check{{mode: asWished(t)}}
	case c.cfg.Mode != Spot && c.cfg.Mode != Check:
		return []check{{mode: c.cfg.Mode}}
	}
	for _, s := range drawings {
		ks = append(ks, check{Spot, s})
	}
	return ks
}

// wished says whether the workflow wishes any task to be checked in a mode.
func (c *checker) wished(m Mode) bool {
	return slices.ContainsFunc(c.w.Tasks, func(t *workflow.Task) bool { return !t.Effect() && asWished(t) == m })
}

func (c *checker) selected() ([]*workflow.Task, error) {
	if len(c.cfg.Tasks) == 0 {
		return c.w.Tasks, nil
	}
	var out []*workflow.Task
	for _, label := range c.cfg.Tasks {
		t := c.w.Task(label)
		if t == nil {
			return nil, fmt.Errorf("%w %q", ErrNoTask, label)
		}
		out = append(out, t)
	}
	return out, nil
}

// get reads a block of the bundle; ReadBundle has checked every hash.
func (c *checker) get(id cid.Cid) (block.Block, bool) {
	b, ok := c.bundle.Get(id)
	if !ok && c.beside != nil {
		return c.beside.Get(id)
	}
	return b, ok
}

type moment struct {
	wall time.Time
	cpu  time.Duration
}

func (c *checker) begin() moment {
	m := moment{wall: c.cfg.Now()}
	if c.cfg.CPU != nil {
		m.cpu = c.cfg.CPU()
	}
	return m
}

func (c *checker) since(m moment) Cost {
	cost := Cost{Wall: c.cfg.Now().Sub(m.wall)}
	if c.cfg.CPU != nil {
		cost.CPU = c.cfg.CPU() - m.cpu
	}
	return cost
}

// verdict turns the error of a check into a verdict.
func (c *checker) verdict(task string, mode Mode, start moment, err error) Verdict {
	v := Verdict{Task: task, Mode: mode, Outcome: Valid, Cost: c.since(start)}
	switch {
	case err == nil:
	case Missing(err):
		v.Outcome, v.Reason = Undecided, err.Error()
	default:
		v.Outcome, v.Reason = Invalid, err.Error()
	}
	if v.Outcome != Valid {
		v.Soundness = nothingEstablished
	}
	return v
}

// task checks one task in one mode.
func (c *checker) task(ctx context.Context, t *workflow.Task, k check) (Verdict, error) {
	start := c.begin()
	err := c.broken[t.Label]
	var found spotted
	switch {
	case err != nil:
	case k.mode == Rerun:
		found.revealed, err = c.rerun(ctx, t)
		if ctx.Err() != nil {
			return Verdict{}, ctx.Err()
		}
	case k.mode == Spot:
		found, err = c.spot(t, k.s)
	case k.mode == Consensus, k.mode == Optimistic, k.mode == Dispute:
		found.worth, err = c.agree(ctx, t, k.mode)
		if ctx.Err() != nil {
			return Verdict{}, ctx.Err()
		}
	case k.mode == ZK:
		found, err = c.zk(t)
	}
	v := c.verdict(t.Label, k.mode, start, err)
	v.Cost.Wall += c.opening[t.Label].Wall
	v.Cost.CPU += c.opening[t.Label].CPU
	v.drawing = k.s
	v.Revealed, v.Sampling, v.Refutation, v.Proof = found.revealed, found.sampling, found.refutation, found.proof
	v.Cost.Bytes = c.evidence(t, k)
	if v.Outcome != Valid {
		return v, nil
	}
	switch {
	case k.mode == Rerun:
		v.Soundness = "exact: the module was run again on the same input, under the same limits, with the same outcome, output and fuel"
		if c.receipts[t.Label].Claim.Run.Transcript != nil {
			v.Soundness += ", and the same state after every segment"
		}
	case found.worth != "":
		v.Soundness = found.worth
	case found.exact:
		v.Soundness = "exact: the task did not run, and that it could not follows from its module, its parameters and what it awaits"
	case k.mode == Spot:
		v.Soundness = k.s.soundness(found.sampling, true)
	case c.cfg.Executor == "":
		v.Soundness = fmt.Sprintf("trust in the signer %s, who was not named (--executor): whoever made the bundle may be the signer", c.run.Issuer)
	default:
		v.Soundness = "trust in the named signer " + c.run.Issuer
	}
	if t.Effect() {
		v.Reason = "an effect is never repeated: its receipt can only be attested"
	}
	return v, nil
}

// evidence counts the bytes that a check of t reads.
func (c *checker) evidence(t *workflow.Task, k check) (n int64) {
	r := c.receipts[t.Label]
	if r == nil {
		return 0
	}
	read := []cid.Cid{t.CID, r.CID}
	if id, ok := c.proofOf(t); ok && k.mode == ZK {
		read = append(read, id)
	}
	if k.mode == Rerun || k.mode == Spot || k.mode == ZK {
		read = append(append(read, t.Mod), r.Claim.Links()...)
		if tr := r.Claim.Run.Transcript; tr != nil && k.mode != ZK {
			read = append(read, receipts.CID(*tr))
			n += c.rootBytes(r.Claim)
		}
	}
	if k.mode == Spot {
		for _, p := range k.s.drawn[t.Label] {
			data, _ := k.s.opening(p)
			n += int64(len(data))
		}
	}
	for _, id := range read {
		n += int64(len(c.bundle.Blocks[id]))
	}
	return n
}

// rootBytes counts the bytes of state roots that the blocks of a claim's transcript hold here.
func (c *checker) rootBytes(claim receipts.Claim) (n int64) {
	b, ok := c.get(receipts.CID(*claim.Run.Transcript))
	if !ok {
		return 0
	}
	t, err := machine.ReadTranscript(b.Data)
	if err != nil {
		return 0
	}
	for _, l := range t.Roots {
		n += int64(len(c.bundle.Blocks[receipts.CID(l)]))
	}
	return n
}
