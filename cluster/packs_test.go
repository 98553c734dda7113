package cluster_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/cluster"
)

// TestPackMoves has jobs that fail, are submitted again and fail again: a block that came with one moves from its first end to its second, and other
// engines find it there at once, whether they have heard of that end or not.
func TestPackMoves(t *testing.T) {
	port := freePorts(t, 1)[0]
	spawn(t, "nats", "NAME=alone", "PORT="+port, "DIR="+t.TempDir()).until(t, "ready")
	url := "nats://127.0.0.1:" + port
	near := join(t, cluster.Config{URL: url})
	var others [10]*cluster.Engine
	for i := range others {
		others[i] = join(t, cluster.Config{URL: url})
	}
	work(t, near, cluster.WorkerConfig{MaxTries: 1, Handlers: map[string]cluster.Handler{"execute": func(context.Context, *cluster.Work) (cluster.Outcome, error) {
		return cluster.Outcome{}, cluster.ErrPermanent
	}}})
	for n := range 100 {
		b := block.Raw(fmt.Append(nil, "input ", n))
		id := submit(t, near, job(n), b).ID
		for _, e := range others {
			ended(t, e, id)
		}
		if _, err := near.Requeue(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if last := ended(t, near, id); last.Attempt != 2 {
			t.Fatalf("ended %+v", last)
		}
		var all sync.WaitGroup
		for _, e := range others {
			all.Go(func() {
				if _, err := e.Get(t.Context(), b.CID); err != nil {
					t.Errorf("block of job %d: %v", n, err)
				}
			})
		}
		all.Wait()
	}
}
