// Package proving takes runs from their bundles to proofs: what commands and the service share. It refuses a run that no proof can show, or that does not fit
// into the memory that it may take, before it proves anything; and it goes on where it was if its process died.
package proving

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"time"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/prover"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/verifier"
	"github.com/trilemma-dev/trilemma/wasm"
	"github.com/trilemma-dev/trilemma/workflow"
)

// Config is what proving needs. All fields up to Sessions, Random and Now are required.
type Config struct {
	Keys     *Keys
	Sessions string // directory of proofs in the making
	Memory   int64  // bytes that the process may take; 0: no limit
	Workers  int    // parts at once, as far as memory goes; 0: one for each core
	Random   io.Reader
	Now      func() time.Time
	Progress func(Progress) // may be nil
	Open     Opener         // opens what is hidden; nil refuses secret tasks

	// Hands work at parts; nil: those of this process. If they are elsewhere, Spread is how many parts they have at once; 0: they are here, and have as many as
	// Workers and Memory say. Parts of a run that hides something never go elsewhere.
	Hands  prover.Hands
	Spread int

	// Abandon is the cause of a context's end after which nobody will go on with the proof: nothing of it is kept then. nil: there is none.
	Abandon error
}

// Progress tells how far a proof is. Left is an estimate of the time until the stage is done, 0 if there is none yet.
type Progress struct {
	Task        string
	Stage       string // trace, commit, prove, verify
	Done, Total int
	Left        time.Duration
}

// Proved is a proof that was made of a task.
type Proved struct {
	Task  string
	Proof block.Block
	Estimate
	Resumed                                 int // parts that an earlier attempt had finished
	Workers                                 int
	Execute, Trace, Commit, Proving, Verify time.Duration
	Backend                                 string
	Setup                                   string
	Family                                  parts.Digest
}

// Seconds is the time that proving took, without running the task.
func (p *Proved) Seconds() float64 { return (p.Trace + p.Commit + p.Proving + p.Verify).Seconds() }

// ErrReceipt says that a run is not what its receipt says: nothing else can be proved of it.
var ErrReceipt = errors.New("the run is not what its receipt says")

// Prover proves.
type Prover struct{ cfg Config }

// New makes a prover.
func New(cfg Config) *Prover {
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	return &Prover{cfg}
}

// backend is the proof system of the keys.
func (p *Prover) backend() parts.Backend { return p.cfg.Keys.Runs.Family().Keys.Backend() }

// Bundle proves tasks of a bundle, by label, all that ran if there are none, and returns the bundle with the proofs. All tasks are looked at before the first one is proved.
func (p *Prover) Bundle(ctx context.Context, b *receipts.Bundle, labels []string) (*receipts.Bundle, []Proved, error) {
	claims, err := verifier.Claims(b, labels)
	if err != nil {
		return nil, nil, err
	}
	traced := make([]*Traced, len(claims))
	for i := range claims {
		if traced[i], err = p.lookIn(ctx, b, &claims[i]); err != nil {
			return nil, nil, fmt.Errorf("task %q: %w", claims[i].Task.Label, err)
		}
		if len(claims) > 1 { // all written down at once could be too much
			traced[i].Run = nil
		}
	}
	made, proofs := []Proved{}, make(map[string]block.Block)
	for i := range claims {
		t := traced[i]
		if t.Run == nil {
			if t, err = p.lookIn(ctx, b, &claims[i]); err != nil {
				return nil, nil, fmt.Errorf("task %q: %w", claims[i].Task.Label, err)
			}
		}
		one, err := p.prove(ctx, &claims[i], t)
		if err != nil {
			return nil, nil, fmt.Errorf("task %q: %w", claims[i].Task.Label, err)
		}
		made, proofs[one.Task] = append(made, *one), one.Proof
	}
	if len(proofs) == 0 {
		return b, made, nil
	}
	keys, err := p.cfg.Keys.Runs.Family().Block()
	if err != nil {
		return nil, nil, err
	}
	out, err := verifier.AddProofs(b, proofs, keys)
	return out, made, err
}

// Check refuses what could not be proved with a scheme in a proof system, before there are keys. It does what [Prover.Bundle] does before it proves.
func Check(ctx context.Context, s *proof.Scheme, backend parts.Backend, b *receipts.Bundle, labels []string, memory int64, now func() time.Time, open Opener) error {
	if err := CheckSize(s, backend); err != nil {
		return err
	}
	claims, err := verifier.Claims(b, labels)
	if err != nil {
		return err
	}
	for i := range claims {
		c := &claims[i]
		guest, err := guestOf(b, c.Task)
		if err != nil {
			return err
		}
		t, err := open.trace(ctx, s, c, guest, memory, now)
		if err == nil {
			e := t.In(backend)
			err = fits(e.Needs(1), memory)
		}
		if err != nil {
			return fmt.Errorf("task %q: %w", c.Task.Label, err)
		}
	}
	return nil
}

// Task proves one task. guest is the module that was linked, for places in it; it may be nil.
func (p *Prover) Task(ctx context.Context, c *verifier.Claimed, guest *wasm.Module) (*Proved, error) {
	t, err := p.look(ctx, c, guest)
	if err != nil {
		return nil, err
	}
	return p.prove(ctx, c, t)
}

// lookIn is look for a task of a bundle.
func (p *Prover) lookIn(ctx context.Context, b *receipts.Bundle, c *verifier.Claimed) (*Traced, error) {
	guest, err := guestOf(b, c.Task)
	if err != nil {
		return nil, err
	}
	return p.look(ctx, c, guest)
}

// look traces a task, and refuses what cannot be proved.
func (p *Prover) look(ctx context.Context, c *verifier.Claimed, guest *wasm.Module) (*Traced, error) {
	p.tell(Progress{Task: c.Task.Label, Stage: "trace"})
	t, err := p.cfg.Open.trace(ctx, p.cfg.Keys.Runs.Family().Scheme, c, guest, p.cfg.Memory, p.cfg.Now)
	if err != nil {
		return nil, err
	}
	t.Estimate = t.In(p.backend())
	_, err = p.workers(&t.Estimate)
	return t, err
}

func guestOf(b *receipts.Bundle, t *workflow.Task) (*wasm.Module, error) {
	m, ok := b.Get(t.Mod)
	if !ok {
		return nil, fmt.Errorf("module %s: %w", t.Mod, evaluate.ErrMissing)
	}
	return wasm.Load(m.Data)
}

// same compares a run with what its receipt claims. What is hidden is empty on both sides, and fuel a bound.
func same(c *verifier.Claimed, run *circuits.Run) error {
	want, got := c.Claim.Result, run.Result
	if run.Statement.Hidden != nil {
		got.Fuel, got.Streams = run.Statement.Fuel, run.Statement.Outputs
	}
	switch {
	case want.Outcome != got.Outcome:
		return fmt.Errorf("%w: it ends in %s, not %s", ErrReceipt, got.Outcome, want.Outcome)
	case want.Fuel != got.Fuel:
		return fmt.Errorf("%w: it takes %d fuel, not %d", ErrReceipt, got.Fuel, want.Fuel)
	}
	for i := range got.Streams {
		if string(got.Streams[i]) != string(want.Streams[i]) {
			return fmt.Errorf("%w: its output stream %d is another one", ErrReceipt, i)
		}
	}
	return nil
}

// workers is how many parts can be worked at at once.
func (p *Prover) workers(e *Estimate) (int, error) {
	if p.cfg.Spread > 0 && !e.Secret {
		return min(p.cfg.Spread, e.Parts), nil
	}
	n := min(p.cfg.Workers, e.Parts)
	if p.cfg.Memory == 0 {
		return n, nil
	}
	for n > 1 && e.Needs(n) > p.cfg.Memory {
		n--
	}
	return n, fits(e.Needs(n), p.cfg.Memory)
}

// hands work at the parts: of a run that hides something those of this process, since its parts tell what it hides.
func (p *Prover) hands(e *Estimate) prover.Hands {
	if e.Secret && p.cfg.Spread > 0 {
		return nil
	}
	return p.cfg.Hands
}

func (p *Prover) tell(pr Progress) {
	if p.cfg.Progress != nil {
		p.cfg.Progress(pr)
	}
}

// prove proves a task that was looked at.
func (p *Prover) prove(ctx context.Context, c *verifier.Claimed, t *Traced) (out *Proved, err error) {
	f := p.cfg.Keys.Runs.Family()
	out = &Proved{Task: c.Task.Label, Estimate: t.Estimate, Execute: t.Execute, Trace: t.Trace, Backend: p.backend().Name(), Setup: f.Origin(), Family: f.ID()}
	if out.Workers, err = p.workers(&t.Estimate); err != nil {
		return nil, err
	}
	dir, err := p.session(c.Claim, t)
	if err != nil {
		return nil, err
	}
	s, err := prover.OpenSession(dir, p.backend(), p.cfg.Random)
	if err != nil {
		return nil, err
	}
	out.Resumed = len(s.Have)
	w := &watch{p: p, out: out, start: p.cfg.Now()}
	made, err := p.cfg.Keys.Runs.Prove(ctx, &prover.RunJob{Claim: c.Claim, Run: t.Run, Seed: s.Seed, Have: s.Have, Workers: out.Workers, Hands: p.hands(&t.Estimate), Done: s.Keep, Progress: w.stage})
	if errors.Is(err, prover.ErrHands) || err != nil && p.cfg.Abandon != nil && errors.Is(context.Cause(ctx), p.cfg.Abandon) {
		return nil, errors.Join(err, s.Seal()) // with the same seed, the parts would be the same
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	w.end()
	if out.Proof, err = made.Block(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	out.Bytes = int64(len(out.Proof.Data))
	if c.Claim.Hidden != nil { // how long it was is told as it is to everybody
		out.Fuel, out.Steps, out.Used = c.Claim.Result.Fuel, hidden.Bucket(out.Steps), out.Constraints
	}
	return out, s.Seal()
}

// session is the directory of the session of a run's proof: the same for the same proof.
func (p *Prover) session(c *proof.Claim, t *Traced) (string, error) {
	st, err := p.cfg.Keys.Runs.Stated(c, t.Run)
	if err != nil {
		return "", err
	}
	id := p.cfg.Keys.Runs.Family().ID()
	sum := sha256.Sum256(append(id[:], st.Challenged...))
	return filepath.Join(p.cfg.Sessions, fmt.Sprintf("%x", sum[:16])), nil
}

// watch measures the stages of a proof.
type watch struct {
	p     *Prover
	out   *Proved
	now   prover.Stage
	start time.Time
}

func (w *watch) stage(s prover.Stage, done, total int) {
	if s != w.now {
		w.end()
		w.now, w.start = s, w.p.cfg.Now()
	}
	pr := Progress{Task: w.out.Task, Stage: string(s), Done: done, Total: total}
	if n := done - w.fresh(s); n > 0 && done < total {
		pr.Left = w.p.cfg.Now().Sub(w.start) * time.Duration(total-done) / time.Duration(n)
	}
	w.p.tell(pr)
}

// fresh is how many parts of a stage took no time.
func (w *watch) fresh(s prover.Stage) int {
	if s == prover.StageProve {
		return w.out.Resumed
	}
	return 0
}

// end ends the stage that is measured.
func (w *watch) end() {
	took := w.p.cfg.Now().Sub(w.start)
	switch w.now {
	case prover.StageCommit:
		w.out.Commit = took
	case prover.StageProve:
		w.out.Proving = took
	case prover.StageVerify:
		w.out.Verify = took
	}
}
