package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"go.opentelemetry.io/otel/trace"

	"github.com/trilemma-dev/trilemma/cluster"
	"github.com/trilemma-dev/trilemma/httpapi"
	"github.com/trilemma-dev/trilemma/internal/proving"
	"github.com/trilemma-dev/trilemma/prover"
	"github.com/trilemma-dev/trilemma/receipts"
)

// Proofs makes proofs: it implements the work package's Prover. All fields up to Tracer are required. It is safe for concurrent use.
type Proofs struct {
	Engine   *cluster.Engine
	Open     func(ctx context.Context, scheme string) (*proving.Keys, error) // the keys of a scheme, made if they are not there; called once at a time
	Sessions string                                                          // directory of proofs in the making
	Metrics  *httpapi.Metrics
	Tracer   trace.Tracer

	Memory int64 // bytes that proving may take here; 0: no limit
	Parts  int   // that are worked at here at once; 0: one for each core, below: none

	// Spread is how many parts of a proof lie in the engine's queue at once, for workers elsewhere; 0: none, all are worked at here.
	Spread int

	mu   sync.Mutex
	keys map[string]*proving.Keys // by scheme; owned by mu
}

// Keys opens the keys of a scheme, once.
func (p *Proofs) Keys(ctx context.Context, scheme string) (*proving.Keys, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if k := p.keys[scheme]; k != nil {
		return k, nil
	}
	k, err := p.Open(ctx, scheme)
	if err != nil {
		return nil, err
	}
	if p.keys == nil {
		p.keys = make(map[string]*proving.Keys)
	}
	p.keys[scheme] = k
	return k, nil
}

// ErrPreparing says that keys are not there yet.
var ErrPreparing = errors.New("the proving keys are not there yet: they are loaded, or made, which takes half a minute")

// prepareAgain is how long after keys could not be had they are asked for again.
const prepareAgain = time.Minute

// Prepare opens the keys of a scheme in the background, until they are there or ctx ends. What it returns says why they are not there; nil when they are.
func (p *Proofs) Prepare(ctx context.Context, scheme string) (ready func() error) {
	var mu sync.Mutex
	why := ErrPreparing // owned by mu
	go func() {
		for {
			_, err := p.Keys(ctx, scheme)
			if err != nil {
				err = fmt.Errorf("proving keys: %w", err)
			}
			mu.Lock()
			why = err
			mu.Unlock()
			if err == nil {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(prepareAgain):
			}
		}
	}()
	return func() error {
		mu.Lock()
		defer mu.Unlock()
		return why
	}
}

// Prove makes proofs of a bundle's tasks.
func (p *Proofs) Prove(ctx context.Context, scheme string, b *receipts.Bundle, labels []string, progress func(proving.Progress)) (*receipts.Bundle, []proving.Proved, error) {
	progress(proving.Progress{Stage: "keys"})
	k, err := p.Keys(ctx, scheme)
	if err != nil {
		return nil, nil, err
	}
	cfg := proving.Config{Keys: k, Sessions: p.Sessions, Memory: p.Memory, Workers: max(p.Parts, 0), Random: rand.Reader, Now: time.Now, Progress: progress,
		Hands: p.hands(k), Abandon: cluster.ErrEnded}
	if p.Spread == 0 {
		return proving.New(cfg).Bundle(ctx, b, labels)
	}
	s := &spread{engine: p.Engine, class: PartClass(k.Runs.Family()), family: k.Runs.Family().Keys, units: make(map[cid.Cid]struct{})}
	cfg.Hands, cfg.Spread = s, p.Spread
	working, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		if p.Parts < 0 {
			done <- nil
			return
		}
		done <- p.Engine.Work(working, p.Worker(k))
	}()
	out, made, err := proving.New(cfg).Bundle(ctx, b, labels)
	if err == nil || errors.Is(context.Cause(ctx), cluster.ErrEnded) {
		err = errors.Join(err, s.forget(context.WithoutCancel(ctx)))
	}
	stop()
	return out, made, errors.Join(err, <-done)
}

// hands are those of this process.
func (p *Proofs) hands(k *proving.Keys) prover.Hands { return counted{k.Runs.Here(), p.Metrics} }

// Worker says how parts under keys are worked at here.
func (p *Proofs) Worker(k *proving.Keys) cluster.WorkerConfig {
	class := PartClass(k.Runs.Family())
	return cluster.WorkerConfig{Handlers: map[string]cluster.Handler{class: partHandler(p.Engine, p.hands(k), p.Tracer)}, Slots: map[string]int{class: p.slots()}, AckWait: partWait}
}

func (p *Proofs) slots() int {
	if p.Parts > 0 {
		return p.Parts
	}
	return runtime.GOMAXPROCS(0)
}
