package jobs

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/cluster"
	"github.com/trilemma-dev/trilemma/httpapi"
	"github.com/trilemma-dev/trilemma/prover"
)

// Parts of proofs in the engine. A part is committed to in one job and proved in another; the subject of both is its unit. The unit is the same whenever the proof is taken up
// again, since its masks come from the seed, so that a part which was worked at is not worked at again.

// Modes of the jobs of parts.
const (
	modeCommit = "part-commit"
	modeProve  = "part-prove" // the parameters are what is asked
)

func ofPart(mode string) bool { return mode == modeCommit || mode == modeProve }

// PartClass is the queue of the parts of proofs under a family's keys: whoever takes from it has them.
func PartClass(f *proof.Family) string {
	id := f.ID()
	return fmt.Sprintf("%s%x", cluster.ClassProve, id[:8])
}

// partWait is how long a part stays with a worker that says nothing.
const partWait = 10 * time.Second

// spread has parts worked at by whoever takes them from their queue.
type spread struct {
	engine *cluster.Engine
	class  string
	family *parts.Family

	mu    sync.Mutex
	units map[cid.Cid]struct{} // owned by mu
}

// Commit implements [prover.Hands].
func (s *spread) Commit(ctx context.Context, i int, u *prover.Unit) (c parts.Commitment, err error) {
	answer, err := s.do(ctx, modeCommit, i, u, nil)
	if err != nil {
		return c, err
	}
	if len(answer) != 2+len(c.Point) {
		return c, fmt.Errorf("part %d: an answer of %d bytes", i, len(answer))
	}
	c.Kind = int(binary.LittleEndian.Uint16(answer))
	copy(c.Point[:], answer[2:])
	return c, nil
}

// Prove implements [prover.Hands].
func (s *spread) Prove(ctx context.Context, i int, u *prover.Unit, a *prover.Asked) (part parts.Part, err error) {
	answer, err := s.do(ctx, modeProve, i, u, a.Bytes())
	if err != nil {
		return part, err
	}
	if len(answer) < 2 {
		return part, fmt.Errorf("part %d: an answer of %d bytes", i, len(answer))
	}
	return parts.ParsePart(s.family.Backend(), int(binary.LittleEndian.Uint16(answer)), answer[2:])
}

// do has a job of a part done, and returns its answer. If nobody waits for it any more it is cancelled, unless this process is told to stop: then it will go on.
func (s *spread) do(ctx context.Context, mode string, i int, u *prover.Unit, params []byte) ([]byte, error) {
	b := block.Raw(u.Bytes())
	s.mu.Lock()
	s.units[b.CID] = struct{}{}
	s.mu.Unlock()
	st, err := s.engine.Submit(ctx, cluster.Job{Class: s.class, Mode: mode, Subject: b.CID, Params: params}, b)
	if err == nil && !st.State.Final() {
		err = s.engine.Watch(ctx, st.ID, 0, func(e cluster.Event) error {
			st = e.Status
			return nil
		})
	}
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) && st.ID != "" {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if cerr := s.engine.Cancel(late, st.ID); cerr != nil && !errors.Is(cerr, cluster.ErrEnded) {
			err = errors.Join(err, cerr)
		}
	}
	if err != nil {
		return nil, err
	}
	if st.State != cluster.Done {
		return nil, fmt.Errorf("part %d: its job %s: %s %s", i, st.ID, st.State, st.Error)
	}
	answer, err := s.engine.Get(ctx, st.Result)
	return answer.Data, err
}

// forget removes the units: the proof is there.
func (s *spread) forget(ctx context.Context) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.units {
		err = errors.Join(err, s.engine.Forget(ctx, c))
	}
	return err
}

// partHandler works at parts for the engine.
func partHandler(e *cluster.Engine, hands prover.Hands, tracer trace.Tracer) cluster.Handler {
	return func(ctx context.Context, w *cluster.Work) (cluster.Outcome, error) {
		ctx, span := tracer.Start(ctx, "job "+w.Job.Mode, trace.WithAttributes(attribute.String("job.id", string(w.ID))))
		defer span.End()
		b, err := e.Get(ctx, w.Job.Subject)
		if err != nil {
			return cluster.Outcome{}, err
		}
		u, err := prover.ReadUnit(b.Data)
		if err != nil {
			return cluster.Outcome{}, fmt.Errorf("%w: %w", cluster.ErrPermanent, err)
		}
		answer, err := workAt(ctx, hands, w.Job, u)
		if errors.Is(err, prover.ErrUnit) {
			err = fmt.Errorf("%w: %w", cluster.ErrPermanent, err)
		}
		if err != nil {
			return cluster.Outcome{}, err
		}
		out := block.Raw(answer)
		return cluster.Outcome{Result: out.CID}, e.Put(ctx, out)
	}
}

func workAt(ctx context.Context, hands prover.Hands, j cluster.Job, u *prover.Unit) ([]byte, error) {
	switch j.Mode {
	case modeCommit:
		c, err := hands.Commit(ctx, 0, u)
		return append(binary.LittleEndian.AppendUint16(nil, uint16(c.Kind)), c.Point[:]...), err
	case modeProve:
		a, err := prover.ReadAsked(j.Params)
		if err != nil {
			return nil, err
		}
		part, err := hands.Prove(ctx, 0, u, a)
		if err != nil {
			return nil, err
		}
		return append(binary.LittleEndian.AppendUint16(nil, uint16(part.Kind)), part.Bytes()...), nil
	}
	return nil, fmt.Errorf("%w: the mode %.40q", prover.ErrUnit, j.Mode)
}

// counted counts the parts that are worked at here.
type counted struct {
	prover.Hands
	metrics *httpapi.Metrics
}

// Commit implements [prover.Hands].
func (c counted) Commit(ctx context.Context, i int, u *prover.Unit) (parts.Commitment, error) {
	start := time.Now()
	out, err := c.Hands.Commit(ctx, i, u)
	c.metrics.Part(string(prover.StageCommit), err, time.Since(start))
	return out, err
}

// Prove implements [prover.Hands].
func (c counted) Prove(ctx context.Context, i int, u *prover.Unit, a *prover.Asked) (parts.Part, error) {
	start := time.Now()
	out, err := c.Hands.Prove(ctx, i, u, a)
	c.metrics.Part(string(prover.StageProve), err, time.Since(start))
	return out, err
}
