// Package executor runs workflows: every task starts as soon as what it awaits is there, every outcome gets a signed
// receipt, effects come last and happen at most once. What a run yields depends on the workflow alone, not on the order
// in which tasks end.
package executor

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"golang.org/x/sync/semaphore"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/workflow"
)

// Config is what an executor needs. Signer, Runner and the store's three parts are required.
type Config struct {
	Signer  capability.Signer
	Runner  evaluate.Runner
	Engine  string        // name of the runner for the receipts' meta, unless it names its engines itself
	Blocks  store.Blocks  // where content is looked up and large results are kept
	Records store.Records // the journal of effects
	Memo    store.Memo    // results by computation

	// Recorder, if set, runs the tasks in place of Runner, and every receipt has a transcript; but secret tasks, whose states would tell, have none.
	Recorder Recorder

	// Secrets opens what is hidden in a workflow, and keeps what opens hidden results. Nil refuses workflows with secrets.
	Secrets evaluate.Secrets

	Workers int   // tasks at once; 0: one for each core
	Memory  int64 // bytes of guest memory that running tasks may claim together; 0: 4 GiB
	Fresh   bool  // run every task, even if its result is known

	Effects map[string]Effect // by command; others are refused

	// Progress, if set, is called for every task that ended, one call at a time.
	Progress func(Event)
}

// Recorder runs linked modules step by step: the machine. put is given the blocks that the transcript links to.
type Recorder interface {
	Record(ctx context.Context, l *link.Linked, streams [][]byte, lim link.Limits, put func(block.Block) error) (link.Result, *machine.Transcript, error)
}

// Event tells that a task ended.
type Event struct {
	Label       string
	Out         receipts.Out
	Memoised    bool
	Done, Total int
}

// Result is what became of one task.
type Result struct {
	Task     *workflow.Task
	Receipt  *receipts.Receipt
	Memoised bool
}

// Run is a finished run of a workflow.
type Run struct {
	Bundle  *receipts.Bundle
	Receipt *receipts.Receipt // the workflow's own
	Results []Result          // in the workflow's order
}

// Executor runs workflows; it is safe for concurrent use.
type Executor struct {
	cfg    Config
	cache  evaluate.Cache
	memory *semaphore.Weighted
	budget int64
}

// New returns an executor.
func New(cfg Config) (*Executor, error) {
	if cfg.Signer == nil || cfg.Runner == nil || cfg.Blocks == nil || cfg.Records == nil || cfg.Memo == nil {
		return nil, errors.New("executor: a signer, a runner and a store are required")
	}
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.Memory <= 0 {
		cfg.Memory = 4 << 30
	}
	return &Executor{cfg: cfg, memory: semaphore.NewWeighted(cfg.Memory), budget: cfg.Memory}, nil
}

// Check finds what must fail: tasks that would be refused whatever they are given. It runs nothing. The error is about
// the first such task in the workflow's order.
func (e *Executor) Check(ctx context.Context, w *workflow.Workflow) error {
	get := newRun(e, w).get(ctx)
	for _, t := range w.Tasks {
		if t.Effect() {
			if _, ok := e.cfg.Effects[t.Cmd]; !ok {
				return fmt.Errorf("task %q: the effect %s is %w", t.Label, t.Cmd, ErrNotAllowed)
			}
			continue
		}
		failure, err := e.cache.Check(t.Call, get)
		if err == nil && failure != nil {
			err = errors.New(*failure.Message)
		}
		if err != nil {
			return fmt.Errorf("task %q: %w", t.Label, err)
		}
	}
	return nil
}

// ErrSecrets says that a workflow has secrets, and nothing is here that opens and keeps them.
var ErrSecrets = errors.New("nothing here opens and keeps secrets")

// ErrNotAllowed says that an executor was not given an effect that a workflow asks for, or that the workflow is not for it.
var ErrNotAllowed = errors.New("not allowed here")

// Run runs w. A task that fails is part of the result; an error means that the run could not be finished (cancelled, a
// deadline, the host's limits, a store that fails) and that nothing was signed for the tasks that had not ended.
func (e *Executor) Run(ctx context.Context, w *workflow.Workflow) (*Run, error) {
	if err := e.opens(w); err != nil {
		return nil, err
	}
	for _, t := range w.Tasks { // a receipt by anybody else would be invalid
		if did := e.cfg.Signer.DID(); t.Sub != did {
			return nil, fmt.Errorf("task %q is addressed to %s: %s is %w", t.Label, t.Sub, did, ErrNotAllowed)
		}
	}
	r := newRun(e, w)
	if err := r.pure(ctx); err != nil {
		return nil, err
	}
	if err := r.effects(ctx); err != nil {
		return nil, err
	}
	return r.finish(ctx)
}

// Dry runs the tasks of w that are not effects, as Run does, and makes no bundle: what ended is told to Progress alone.
func (e *Executor) Dry(ctx context.Context, w *workflow.Workflow) error {
	if err := e.opens(w); err != nil {
		return err
	}
	return newRun(e, w).pure(ctx)
}

// opens refuses a workflow whose secrets could not be opened, before anything runs. The error wraps [ErrSecrets].
func (e *Executor) opens(w *workflow.Workflow) error {
	for _, t := range w.Tasks {
		if t.Secret && e.cfg.Secrets == nil {
			return fmt.Errorf("task %q is secret: %w", t.Label, ErrSecrets)
		}
	}
	return nil
}

// run is the state of one run.
type run struct {
	e *Executor
	w *workflow.Workflow

	mu      sync.Mutex
	blocks  map[cid.Cid][]byte // owned by mu
	results map[cid.Cid]*ended // by computation; owned by mu
	done    int                // owned by mu
}

// ended is a task that has a receipt.
type ended struct {
	receipt  *receipts.Receipt
	memoised bool
}

func newRun(e *Executor, w *workflow.Workflow) *run {
	r := &run{e: e, w: w, blocks: make(map[cid.Cid][]byte, len(w.Blocks)*3), results: make(map[cid.Cid]*ended, len(w.Tasks))}
	for c, data := range w.Blocks {
		r.blocks[c] = data
	}
	return r
}

// get finds a block of the run, or of the store.
func (r *run) get(ctx context.Context) evaluate.Getter {
	return func(c cid.Cid) (block.Block, bool) {
		r.mu.Lock()
		data, ok := r.blocks[c]
		r.mu.Unlock()
		if ok {
			return block.Block{CID: c, Data: data}, true
		}
		b, err := r.e.cfg.Blocks.Get(ctx, c)
		if err != nil {
			return block.Block{}, false
		}
		r.mu.Lock()
		r.blocks[c] = b.Data
		r.mu.Unlock()
		return b, true
	}
}

// out is the result of a computation that ended.
func (r *run) out(c cid.Cid) (receipts.Out, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d, ok := r.results[c]
	if !ok {
		return receipts.Out{}, false
	}
	return d.receipt.Claim.Out, true
}

// end notes that a task has its receipt.
func (r *run) end(t *workflow.Task, d *ended, blocks []block.Block) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range blocks {
		r.blocks[b.CID] = b.Data
	}
	r.results[t.Computation] = d
	r.done++
	if p := r.e.cfg.Progress; p != nil {
		p(Event{Label: t.Label, Out: d.receipt.Claim.Out, Memoised: d.memoised, Done: r.done, Total: len(r.w.Tasks)})
	}
}

// issue signs a claim about a task.
func (r *run) issue(t *workflow.Task, c receipts.Claim, meta datamodel.Node) (block.Block, *receipts.Receipt, error) {
	c.Ran = receipts.Link(t.CID)
	c.Run.Computation = receipts.Link(t.Computation)
	b, err := receipts.Issue(r.e.cfg.Signer, c, meta)
	if err != nil {
		return b, nil, err
	}
	c.Run.Version = receipts.ReceiptVersion
	return b, &receipts.Receipt{CID: b.CID, Issuer: r.e.cfg.Signer.DID(), Meta: meta, Claim: c}, nil
}

// finish signs the workflow's receipt and makes the bundle.
func (r *run) finish(ctx context.Context) (*Run, error) {
	out := &Run{}
	links := &receipts.Labelled{Values: make(map[string]datamodel.Link, len(r.w.Tasks))}
	for _, t := range r.w.Tasks {
		d := r.results[t.Computation]
		if d == nil {
			return nil, fmt.Errorf("task %q did not run", t.Label)
		}
		out.Results = append(out.Results, Result{Task: t, Receipt: d.receipt, Memoised: d.memoised})
		links.Keys = append(links.Keys, t.Label)
		links.Values[t.Label] = receipts.Link(d.receipt.CID)
	}
	claim := receipts.Claim{Ran: receipts.Link(r.w.CID), Run: receipts.Run{Computation: receipts.Link(r.w.CID), Receipts: links}}
	if failed := len(r.failures(r.w.Tasks)); failed > 0 {
		msg := fmt.Sprintf("%d of %d tasks failed", failed, len(r.w.Tasks))
		claim.Out.Error = &receipts.Failure{Kind: evaluate.KindTasks, Message: &msg}
	} else {
		var ok datamodel.Node = datamodel.Null
		claim.Out.Ok = &ok
	}
	b, err := receipts.Issue(r.e.cfg.Signer, claim, nil)
	if err != nil {
		return nil, err
	}
	r.blocks[b.CID] = b.Data
	if out.Receipt, err = receipts.Open(b); err != nil {
		return nil, fmt.Errorf("own receipt: %w", err)
	}
	out.Bundle, err = receipts.NewBundle(receipts.Record{Workflow: receipts.Link(r.w.CID), Receipt: receipts.Link(b.CID)}, r.blocks)
	if err != nil {
		return nil, err
	}
	return out, ctx.Err()
}

// failures returns those of tasks that failed although nobody asked for that.
func (r *run) failures(tasks []*workflow.Task) []*workflow.Task {
	return evaluate.Failures(r.w, tasks, func(t *workflow.Task) receipts.Out {
		out, _ := r.out(t.Computation)
		return out
	})
}

// Reopen makes a finished run of its bundle and the workflow that it is of. Signatures are checked, and that each receipt is about its
// task; whether results are right is not. What was known before is not told.
func Reopen(b *receipts.Bundle, w *workflow.Workflow) (*Run, error) {
	if c := receipts.CID(b.Record.Workflow); !c.Equals(w.CID) {
		return nil, fmt.Errorf("the bundle is of the workflow %s, not of %s", c, w.CID)
	}
	open := func(c cid.Cid, ran cid.Cid) (*receipts.Receipt, error) {
		rb, ok := b.Get(c)
		if !ok {
			return nil, fmt.Errorf("the receipt %s is missing", c)
		}
		r, err := receipts.Open(rb)
		if err == nil && !receipts.CID(r.Claim.Ran).Equals(ran) {
			err = fmt.Errorf("the receipt %s is about %s, not about %s", c, receipts.CID(r.Claim.Ran), ran)
		}
		return r, err
	}
	whole, err := open(receipts.CID(b.Record.Receipt), w.CID)
	if err != nil {
		return nil, err
	}
	out := &Run{Bundle: b, Receipt: whole}
	for _, t := range w.Tasks {
		var l datamodel.Link
		if all := whole.Claim.Run.Receipts; all != nil {
			l = all.Values[t.Label]
		}
		if l == nil {
			return nil, fmt.Errorf("task %q has no receipt", t.Label)
		}
		r, err := open(receipts.CID(l), t.CID)
		if err != nil {
			return nil, fmt.Errorf("task %q: %w", t.Label, err)
		}
		out.Results = append(out.Results, Result{Task: t, Receipt: r})
	}
	return out, nil
}
