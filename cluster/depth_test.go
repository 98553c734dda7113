package cluster_test

import (
	"context"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/cluster"
)

// TestTrace: the trace of whoever submitted a job is that of whoever does it, and jobs are counted where they are.
func TestTrace(t *testing.T) {
	e := open(t, t.TempDir())
	want := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, Remote: true})
	job := func(ctx context.Context, n string) {
		t.Helper()
		if _, err := e.Submit(ctx, cluster.Job{Class: "execute", Mode: "test", Subject: block.Raw([]byte(n)).CID}); err != nil {
			t.Fatal(err)
		}
	}
	job(trace.ContextWithSpanContext(t.Context(), want), "1")
	seen, release := make(chan trace.SpanContext), make(chan struct{})
	work(t, e, cluster.WorkerConfig{Handlers: map[string]cluster.Handler{"execute": func(ctx context.Context, _ *cluster.Work) (cluster.Outcome, error) {
		seen <- trace.SpanContextFromContext(ctx)
		<-release
		return cluster.Outcome{}, nil
	}}})
	if got := <-seen; !got.Equal(want) {
		t.Errorf("the handler is in trace %v, not %v", got, want)
	}
	job(t.Context(), "2")
	job(t.Context(), "3")
	var got []cluster.Depth
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var err error
		if got, err = e.Depths(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(got) == 1 && got[0] == (cluster.Depth{Class: "execute", Waiting: 2, Running: 1}) {
			break
		}
	}
	if len(got) != 1 || got[0] != (cluster.Depth{Class: "execute", Waiting: 2, Running: 1}) {
		t.Errorf("the queues: %+v", got)
	}
	close(release)
	for range 2 {
		if got := <-seen; got.IsValid() {
			t.Errorf("the handler is in the trace %v of nobody", got)
		}
	}
}
