package cluster_test

import (
	"testing"
	"time"

	"github.com/trilemma-dev/trilemma/cluster"
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
