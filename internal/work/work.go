// Package work does the service's jobs: it turns a kind and its parameters into an answer, by whichever process takes the job. What a
// job gives follows from its parameters and from content that is addressed by them; whoever does it twice gets the same answer, or another proof of the same.
package work

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/internal/engine"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/internal/preflight"
	"github.com/trilemma-dev/trilemma/store"
)

// Kinds of jobs.
const (
	KindRun       = "run"
	KindExec      = "exec"
	KindVerify    = "verify"
	KindPreflight = "preflight"
	KindProve     = "prove"
	KindAnswer    = "answer"
	KindDispute   = "dispute"
)

// Names of engines in parameters.
const (
	EngineNative  = "native"
	EngineMachine = "machine"
)

// ErrRequest marks an error that is the asker's: the same request will fail again. Any other error of Do is the host's.
var ErrRequest = errors.New("the request cannot be carried out")

func refuse(err error) error { return fmt.Errorf("%w: %w", ErrRequest, err) }

// Progress is told how far a job is: a stage in a word or two, how many of its parts are done, and what there is to say of that, a line each.
type Progress func(stage string, done, total int, lines ...string)

// Worker does jobs; it is safe for concurrent use. All fields but Memory, Workers, Effects and those that may be nil are required.
type Worker struct {
	Signer  capability.Signer
	Native  evaluate.Runner // may be the machine, where there is no compiler
	Machine evaluate.Runner
	Blocks  store.Blocks
	Records store.Records
	Memo    store.Memo

	// Family finds the keys of proofs that are trusted here: see [verifier.Config]. It may be nil.
	Family func(id parts.Digest) *proof.Family

	Effects map[string]executor.Effect
	Workers int   // tasks at once; 0: one for each core
	Memory  int64 // bytes of guest memory that the tasks of one run may claim together; 0: the executor's default

	Predictor *preflight.Predictor // for preflights; nil: there are none
	Prover    Prover               // for proofs; nil: there are none

	Now  func() time.Time
	CPU  func() time.Duration // of the process; may be nil
	Peak func() int64         // bytes of memory that the process took at most; may be nil
}

// Do does a job. The answer is JSON: an object of package wire.
func (w *Worker) Do(ctx context.Context, kind string, params []byte, p Progress) ([]byte, error) {
	if p == nil {
		p = func(string, int, int, ...string) {}
	}
	switch kind {
	case KindRun:
		return do(ctx, params, p, w.run)
	case KindExec:
		return do(ctx, params, p, w.exec)
	case KindVerify:
		return do(ctx, params, p, w.verify)
	case KindPreflight:
		return do(ctx, params, p, w.preflight)
	case KindProve:
		return do(ctx, params, p, w.prove)
	case KindAnswer:
		return do(ctx, params, p, w.answer)
	case KindDispute:
		return do(ctx, params, p, w.dispute)
	}
	return nil, refuse(fmt.Errorf("no worker here knows the job kind %q", kind))
}

// do reads parameters strictly and writes the answer.
func do[P, A any](ctx context.Context, params []byte, p Progress, f func(context.Context, P, Progress) (A, error)) ([]byte, error) {
	in, err := Read[P](params)
	if err != nil {
		return nil, err
	}
	out, err := f(ctx, in, p)
	if err != nil {
		return nil, err
	}
	return json.Marshal(out)
}

// Read decodes parameters; fields that it does not know are an error.
func Read[P any](params []byte) (P, error) {
	var in P
	d := json.NewDecoder(bytes.NewReader(params))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return in, refuse(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return in, refuse(errors.New("more than one JSON value"))
	}
	return in, nil
}

// engine returns the runner of a name, and what receipts call it.
func (w *Worker) engine(name string) (evaluate.Runner, string, error) {
	switch name {
	case "", EngineNative:
		return w.Native, engine.NameNative, nil
	case EngineMachine:
		return w.Machine, engine.NameMachine, nil
	}
	return nil, "", refuse(fmt.Errorf("unknown engine %q, want %s or %s", name, EngineNative, EngineMachine))
}

// load reads a block that parameters name.
func (w *Worker) load(ctx context.Context, name string) (block.Block, error) {
	c, err := block.Parse(name)
	if err != nil {
		return block.Block{}, refuse(err)
	}
	b, err := w.Blocks.Get(ctx, c)
	if errors.Is(err, store.ErrNotFound) {
		return b, refuse(err)
	}
	return b, err
}

// getter reads blocks for code that takes a missing one as such. Other errors are kept for the one who asked.
type getter struct {
	ctx    context.Context
	blocks store.Blocks
	err    error
}

func (g *getter) get(c cid.Cid) (block.Block, bool) {
	b, err := g.blocks.Get(g.ctx, c)
	if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, block.ErrUnsupported) {
		g.err = errors.Join(g.err, err)
	}
	return b, err == nil
}
