package cluster_test

import (
	"context"
	"fmt"
	"os"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/cluster"
)

// An engine in a directory, a worker that measures blocks, and a job that is asked for twice.
func ExampleOpen() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dir, err := os.MkdirTemp("", "engine")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir) // a folder of the example's own
	e, err := cluster.Open(ctx, cluster.Config{Dir: dir})
	if err != nil {
		fmt.Println(err)
		return
	}
	measure := func(ctx context.Context, w *cluster.Work) (cluster.Outcome, error) {
		b, err := e.Get(ctx, w.Job.Subject)
		if err != nil {
			return cluster.Outcome{}, err
		}
		out := block.Raw(fmt.Append(nil, len(b.Data), " bytes"))
		return cluster.Outcome{Result: out.CID}, e.Put(ctx, out)
	}
	done := make(chan error, 1)
	go func() {
		done <- e.Work(ctx, cluster.WorkerConfig{Handlers: map[string]cluster.Handler{cluster.ClassExecute: measure}})
	}()

	input := block.Raw([]byte("some content"))
	job := cluster.Job{Class: cluster.ClassExecute, Mode: "measure", Subject: input.CID}
	s, err := e.Submit(ctx, job, input)
	if err != nil {
		fmt.Println(err)
	}
	err = e.Watch(ctx, s.ID, 0, func(ev cluster.Event) error {
		s = ev.Status
		return nil
	})
	result, getErr := e.Get(ctx, s.Result)
	fmt.Println(s.State, string(result.Data), err, getErr)
	again, err := e.Submit(ctx, job)
	fmt.Println(again.State, again.Result == s.Result, err)
	cancel()
	fmt.Println(<-done, e.Close())
	// Output:
	// done 12 bytes <nil> <nil>
	// done true <nil>
	// <nil> <nil>
}
