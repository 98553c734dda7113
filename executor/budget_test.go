package executor_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/store"
)

// weighing is a runner that adds up the memory that running tasks may claim.
type weighing struct {
	evaluate.Runner
	mu             sync.Mutex
	now, most, ran int64
}

func (w *weighing) Run(ctx context.Context, l *link.Linked, s [][]byte, lim link.Limits) (link.Result, error) {
	claim := int64(lim.Memory) * link.PageSize
	w.mu.Lock()
	w.now += claim
	w.most = max(w.most, w.now)
	w.ran++
	w.mu.Unlock()
	time.Sleep(time.Second)
	defer func() {
		w.mu.Lock()
		w.now -= claim
		w.mu.Unlock()
	}()
	return w.Runner.Run(ctx, l, s, lim)
}

// TestMemoryBudget runs a fan-out of tasks of 16 pages and of a task that claims more than the whole budget, into one task:
// never more than the budget is claimed but by that task alone, all of it is used, and everything ends.
func TestMemoryBudget(t *testing.T) {
	const budget = 3*16*link.PageSize + 1
	for _, large := range []bool{false, true} {
		b := newBench(t, &store.Memory{}, nil)
		var tasks []string
		sum := "0"
		for i := range 12 {
			tasks = append(tasks, call(fmt.Sprintf("a%d", i), "add", fmt.Sprintf("%d, %d", i, i)),
				call(fmt.Sprintf("s%d", i), "add", fmt.Sprintf(`{"await/ok": "a%d"}, %s`, i, sum)))
			sum = fmt.Sprintf(`{"await/ok": "s%d"}`, i)
		}
		if large {
			tasks = append(tasks, strings.TrimSuffix(call("large", "add", "1, 1"), "}")+`, "memory": 100}`)
		}
		w := b.compile(t, strings.Join(tasks, ","))
		synctest.Test(t, func(t *testing.T) {
			runner := &weighing{Runner: b.engine}
			keep := &store.Memory{}
			e, err := executor.New(executor.Config{Signer: b.key, Runner: runner, Engine: "native", Blocks: keep, Records: keep, Memo: keep,
				Workers: 20, Memory: budget})
			if err != nil {
				t.Fatal(err)
			}
			r, err := e.Run(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			if got := outs(t, r); !strings.Contains(got, "s11=132") {
				t.Error(got)
			}
			want := int64(3 * 16 * link.PageSize)
			if large {
				want = 100 * link.PageSize
			}
			if runner.most != want || runner.ran != int64(len(tasks)) {
				t.Errorf("%d bytes were claimed at once by %d tasks, want %d", runner.most, runner.ran, want)
			}
		})
	}
}
