// Package jobs puts the service's jobs into the durable engine, and does them there: it is what the service and its workers share.
package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/cluster"
	"github.com/trilemma-dev/trilemma/httpapi"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/internal/work"
)

// The service's jobs in the engine: a job's mode is its kind, its parameters are the request in JSON, or the CID of a block that holds it.

// maxParams is the size up to which a request lies in the job itself, in bytes.
const maxParams = 64 << 10

// classOf is the queue that a kind of job waits in.
func classOf(kind string) string {
	switch kind {
	case work.KindVerify, work.KindAnswer:
		return cluster.ClassCheck
	case work.KindProve:
		return cluster.ClassProof
	}
	return cluster.ClassExecute
}

// Engine is the engine as the service sees it: it implements [httpapi.Engine] and [httpapi.News].
type Engine struct{ *cluster.Engine }

// Submit implements [httpapi.Engine].
func (j Engine) Submit(ctx context.Context, w httpapi.Work, blocks ...block.Block) (httpapi.Status, error) {
	job := cluster.Job{Class: classOf(w.Kind), Mode: w.Kind, Subject: w.Subject, Params: w.Request}
	if len(w.Request) > maxParams {
		b := block.Raw(w.Request)
		blocks = append(blocks, b)
		job.Params = []byte(b.CID.String())
	}
	s, err := j.Engine.Submit(ctx, job, blocks...)
	return statusOf(s), edge(err)
}

// Job implements [httpapi.Engine].
func (j Engine) Job(ctx context.Context, id string) (httpapi.Status, error) {
	parsed, err := cluster.ParseID(id)
	if err != nil {
		return httpapi.Status{}, fmt.Errorf("%w: %w", httpapi.ErrNoJob, err)
	}
	s, err := j.Engine.Job(ctx, parsed)
	return statusOf(s), edge(err)
}

// Cancel implements [httpapi.Engine].
func (j Engine) Cancel(ctx context.Context, id string) error {
	parsed, err := cluster.ParseID(id)
	if err != nil {
		return fmt.Errorf("%w: %w", httpapi.ErrNoJob, err)
	}
	return edge(j.Engine.Cancel(ctx, parsed))
}

// List implements [httpapi.Engine].
func (j Engine) List(ctx context.Context, after string, limit int) (page []httpapi.Status, next string, err error) {
	all, next, err := j.Engine.List(ctx, cluster.ListConfig{Cursor: after, Limit: limit})
	if errors.Is(err, cluster.ErrInvalid) {
		return nil, "", fmt.Errorf("%w: %w", httpapi.ErrCursor, err)
	}
	for _, s := range all {
		if !ofPart(s.Job.Mode) { // which nobody asked for
			page = append(page, statusOf(s))
		}
	}
	return page, next, edge(err)
}

// Watch implements [httpapi.News].
func (j Engine) Watch(ctx context.Context, id string, after uint64, f func(httpapi.Event) error) error {
	parsed, err := cluster.ParseID(id)
	if err != nil {
		return fmt.Errorf("%w: %w", httpapi.ErrNoJob, err)
	}
	return edge(j.Engine.Watch(ctx, parsed, after, func(e cluster.Event) error {
		return f(httpapi.Event{Seq: e.Seq, Status: statusOf(e.Status)})
	}))
}

// Feed implements [httpapi.News].
func (j Engine) Feed(ctx context.Context, after uint64, f func(httpapi.Issued) error) error {
	return edge(j.Engine.Feed(ctx, after, func(i cluster.Issued) error {
		return f(httpapi.Issued{Seq: i.Seq, Job: string(i.Job), Answer: i.Result, Receipts: i.Receipts, At: i.At})
	}))
}

// Queues tells how many jobs there are, by class.
func (j Engine) Queues(ctx context.Context) ([]wire.Queue, error) {
	all, err := j.Depths(ctx)
	var out []wire.Queue
	for _, d := range all {
		out = append(out, wire.Queue(d))
	}
	return out, err
}

// Workers tells who does the jobs.
func (j Engine) Workers(ctx context.Context) ([]wire.Worker, error) {
	all, err := j.Crew(ctx)
	var out []wire.Worker
	for _, m := range all {
		w := wire.Worker{Host: m.Host, Since: m.Since, Posts: []wire.Post{}}
		for _, p := range m.Posts {
			w.Posts = append(w.Posts, wire.Post(p))
		}
		out = append(out, w)
	}
	return out, err
}

// edge puts the engine's errors into the service's words.
func edge(err error) error {
	for _, e := range []struct{ from, to error }{
		{cluster.ErrNotFound, httpapi.ErrNoJob}, {cluster.ErrEnded, httpapi.ErrEnded},
	} {
		if errors.Is(err, e.from) {
			return fmt.Errorf("%w: %w", e.to, err)
		}
	}
	return err
}

// permanent begins the error of a job that would fail again: the engine keeps errors as text.
func permanent() string { return cluster.ErrPermanent.Error() + ": " + work.ErrRequest.Error() + ": " }

func statusOf(s cluster.Status) httpapi.Status {
	why, refused := strings.CutPrefix(s.Error, permanent())
	return httpapi.Status{ID: string(s.ID), Kind: s.Job.Mode, Subject: s.Job.Subject, State: httpapi.State(s.State), Stage: s.Stage, Done: s.Done, Total: s.Total,
		Left: s.Left, Log: s.Log, Error: why, Refused: refused, Answer: s.Result, Receipts: s.Receipts, Accepted: s.Accepted, Started: s.Started, Ended: s.Ended}
}

// Handler does jobs of every kind for the engine. All fields but Metrics are required.
type Handler struct {
	Worker  *work.Worker
	Engine  *cluster.Engine
	Metrics *httpapi.Metrics
	Tracer  trace.Tracer
}

// Handlers are those of the classes that this program can serve.
func (h *Handler) Handlers() map[string]cluster.Handler {
	return map[string]cluster.Handler{cluster.ClassExecute: h.do, cluster.ClassCheck: h.do, cluster.ClassProof: h.do}
}

func (h *Handler) do(ctx context.Context, w *cluster.Work) (cluster.Outcome, error) {
	ctx, span := h.Tracer.Start(ctx, "job "+w.Job.Mode, trace.WithAttributes(attribute.String("job.id", string(w.ID)), attribute.Int("job.attempt", w.Attempt)))
	defer span.End()
	start := time.Now()
	answer, err := h.answer(ctx, w)
	if h.Metrics != nil {
		h.Metrics.Worked(w.Job.Mode, answer, err, time.Since(start))
	}
	if err != nil {
		span.SetStatus(codes.Error, "no answer") // the error may tell of content
		if errors.Is(err, work.ErrRequest) {
			err = fmt.Errorf("%w: %w", cluster.ErrPermanent, err)
		}
		return cluster.Outcome{}, err
	}
	b := block.Raw(answer)
	if err := h.Engine.Put(ctx, b); err != nil {
		return cluster.Outcome{}, err
	}
	receipts, err := work.Issued(w.Job.Mode, answer)
	return cluster.Outcome{Result: b.CID, Receipts: receipts}, err
}

// answer does the job, and tells how far it is.
func (h *Handler) answer(ctx context.Context, w *cluster.Work) ([]byte, error) {
	request := w.Job.Params
	if !bytes.HasPrefix(request, []byte("{")) {
		c, err := block.Parse(string(request))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", work.ErrRequest, err)
		}
		b, err := h.Engine.Get(ctx, c)
		if err != nil {
			return nil, err
		}
		request = b.Data
	}
	start := time.Now()
	return h.Worker.Do(ctx, w.Job.Mode, request, func(stage string, done, total int, lines ...string) {
		p := cluster.Progress{Stage: stage, Done: int64(done), Total: int64(total)}
		if done > 0 && total > done {
			p.Left = time.Since(start) / time.Duration(done) * time.Duration(total-done)
		}
		w.Report(p, lines...)
	})
}
