package executor_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	goruntime "runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/store"
)

// drawTasks draws a workflow of small tasks that await each other in every way, and end in results, traps, out of fuel,
// refused and mismatched.
func drawTasks(t *rapid.T) string {
	n := rapid.IntRange(1, 12).Draw(t, "tasks")
	var tasks []string
	for i := range n {
		param := func(name string) string {
			if i == 0 || rapid.Bool().Draw(t, name+" is a number") {
				return fmt.Sprint(rapid.IntRange(-1, 2).Draw(t, name))
			}
			branch := rapid.SampledFrom([]string{"ok", "ok", "ok", "error", "*"}).Draw(t, "branch")
			return fmt.Sprintf(`{"await/%s": "t%d"}`, branch, rapid.IntRange(0, i-1).Draw(t, name))
		}
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0:
			tasks = append(tasks, fmt.Sprintf(`"t%d": {"run": {"mod": "m.wasm", "fun": "forever"}, "fuel": %d}`, i, rapid.IntRange(1, 500).Draw(t, "fuel")))
		case 1:
			tasks = append(tasks, call(fmt.Sprintf("t%d", i), "add", `1, "text"`))
		case 2, 3, 4:
			tasks = append(tasks, call(fmt.Sprintf("t%d", i), "div", param("a")+", "+param("b")))
		default:
			tasks = append(tasks, call(fmt.Sprintf("t%d", i), "add", param("a")+", "+param("b")))
		}
	}
	return strings.Join(rapid.Permutation(tasks).Draw(t, "order"), ",")
}

// dawdling is a runner that takes its time, another one for each task.
type dawdling struct {
	evaluate.Runner
	mu  sync.Mutex
	rng *rand.Rand
}

func (d *dawdling) Run(ctx context.Context, l *link.Linked, s [][]byte, lim link.Limits) (link.Result, error) {
	d.mu.Lock()
	before, after := d.rng.IntN(1000), d.rng.IntN(1000)
	d.mu.Unlock()
	time.Sleep(time.Duration(before) * time.Millisecond)
	defer time.Sleep(time.Duration(after) * time.Millisecond)
	return d.Runner.Run(ctx, l, s, lim)
}

// signedClaims are the receipts of a run signed again without what is no part of the claim: equal texts are equal claims.
func (b *bench) signedClaims(r *executor.Run) (string, error) {
	var out strings.Builder
	for _, res := range r.Results {
		again, err := receipts.Issue(b.key, res.Receipt.Claim, nil)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(&out, res.Task.Label, again.CID)
	}
	whole := r.Receipt.Claim
	whole.Run.Receipts = nil // their CIDs depend on the time that tasks took
	again, err := receipts.Issue(b.key, whole, nil)
	fmt.Fprintln(&out, again.CID)
	return out.String(), err
}

// TestAnyWorkflowAnyOrder holds the package's promise to random workflows over the real engine: whatever the number of
// workers and cores, the memory to spare, what is remembered and where, and the order in which tasks end, every claim is the same.
func TestAnyWorkflowAnyOrder(t *testing.T) {
	b := newBench(t, &store.Memory{}, nil)
	rapid.Check(t, func(rt *rapid.T) {
		text := drawTasks(rt)
		seed := rapid.Uint64().Draw(rt, "delays")
		w := b.compile(t, text)
		want := ""
		run := func(name string, keep keeper, edit func(*executor.Config)) {
			cfg := executor.Config{Signer: b.key, Runner: b.engine, Engine: "native", Blocks: keep, Records: keep, Memo: keep}
			if edit != nil {
				edit(&cfg)
			}
			e, err := executor.New(cfg)
			if err != nil {
				rt.Fatal(err)
			}
			r, err := e.Run(context.Background(), w)
			if err != nil {
				rt.Fatalf("%s: %v", name, err)
			}
			got, err := b.signedClaims(r)
			if err != nil {
				rt.Fatal(err)
			}
			if want == "" {
				want = got
			}
			if got != want {
				rt.Fatalf("%s: claims\n%swant\n%s", name, got, want)
			}
		}
		memory := &store.Memory{}
		run("cold", memory, nil)
		run("warm", memory, nil)
		run("one worker", &store.Memory{}, func(c *executor.Config) { c.Workers = 1 })
		run("many workers, little memory", &store.Memory{}, func(c *executor.Config) { c.Workers, c.Memory = 16, 1 })
		dir, err := store.OpenDir(t.TempDir())
		if err != nil {
			rt.Fatal(err)
		}
		run("directory", dir, nil)
		run("directory, warm", dir, nil)
		cores := goruntime.GOMAXPROCS(1)
		run("one core", &store.Memory{}, func(c *executor.Config) { c.Workers = 4 })
		goruntime.GOMAXPROCS(cores)
		synctest.Test(t, func(*testing.T) {
			run("any order", &store.Memory{}, func(c *executor.Config) {
				c.Workers = 8
				c.Runner = &dawdling{Runner: b.engine, rng: rand.New(rand.NewPCG(seed, 0))}
			})
		})
	})
}
