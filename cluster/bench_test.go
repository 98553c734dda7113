package cluster_test

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trilemma-dev/trilemma/cluster"
	"github.com/trilemma-dev/trilemma/store"
)

// BenchmarkJobs submits jobs that take no time, and waits until all have ended.
func BenchmarkJobs(b *testing.B) {
	e := open(b, b.TempDir())
	work(b, e, cluster.WorkerConfig{Handlers: map[string]cluster.Handler{"execute": echo(e)}, Slots: map[string]int{"execute": 4}})
	start := time.Now()
	n := 0
	writes := e.Writes()
	for b.Loop() {
		submit(b, e, job(n))
		n++
	}
	for i := range n {
		id, err := job(i).ID()
		if err != nil {
			b.Fatal(err)
		}
		ended(b, e, id)
	}
	b.ReportMetric(float64(n)/time.Since(start).Seconds(), "jobs/s")
	b.ReportMetric(float64(e.Writes()-writes)/float64(n), "writes/job")
}

// BenchmarkMemoised submits a job that is done.
func BenchmarkMemoised(b *testing.B) {
	e := open(b, b.TempDir())
	work(b, e, cluster.WorkerConfig{Handlers: map[string]cluster.Handler{"execute": echo(e)}})
	ended(b, e, submit(b, e, job(0)).ID)
	writes := e.Writes()
	for b.Loop() {
		submit(b, e, job(0))
	}
	b.ReportMetric(float64(e.Writes()-writes)/float64(b.N), "writes/job")
}

// BenchmarkRuns has sixteen clients that each submit a run of a trivial task that was never made, and wait for its end.
func BenchmarkRuns(b *testing.B) {
	e := open(b, b.TempDir())
	memo, err := store.OpenDir(b.TempDir())
	memo = must(b, memo, err)
	h, err := executeOn(e, memo, nil)
	work(b, e, cluster.WorkerConfig{Handlers: map[string]cluster.Handler{"execute": must(b, h, err)}, Slots: map[string]int{"execute": 2}})
	var n atomic.Int64
	b.SetParallelism(16 / runtime.GOMAXPROCS(0))
	start := time.Now()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			w, err := compile(fmt.Sprintf(`"a": {"run": {"mod": "text.wasm", "fun": "fib", "params": [3]}, "nonce": "%d"}`, n.Add(1)))
			if err != nil {
				b.Error(err)
				return
			}
			j, blocks := runJob(w)
			s, err := e.Submit(b.Context(), j, blocks...)
			if err != nil {
				b.Error(err)
				return
			}
			if last := ended(b, e, s.ID); last.State != cluster.Done {
				b.Errorf("%+v", last)
			}
		}
	})
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "runs/s")
}
