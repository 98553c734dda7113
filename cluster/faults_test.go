package cluster_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"golang.org/x/sync/errgroup"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/cluster"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/verifier"
)

// row is a line of the table of faults.
type row struct{ fault, seen string }

var full = flag.Bool("faults", false, "do the faults at full length")

// TestFaults does to processes what happens to them, and prints what became of the work: go test ./cluster -run
// TestFaults -v -faults.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: starts and kills processes for a minute or two")
	}
	var table []row
	for _, f := range []struct {
		name string
		do   func(*testing.T) row
	}{
		{"service killed", serviceKilled},
		{"worker killed", workerKilled},
		{"workers frozen", workersFrozen},
		{"server killed", serverKilled},
		{"leader killed", leaderKilled},
		{"disk full", diskFull},
		{"quota full", quotaFull},
		{"read-only", readOnly},
		{"newer schema", newerSchema},
		{"two processes", twoProcesses},
		{"many queued", manyQueued},
	} {
		t.Run(f.name, func(t *testing.T) {
			if r := f.do(t); !t.Failed() {
				table = append(table, r)
			}
		})
	}
	fmt.Fprintf(t.Output(), "| fault | what was seen |\n|---|---|\n")
	for _, r := range table {
		fmt.Fprintf(t.Output(), "| %s | %s |\n", r.fault, r.seen)
	}
}

// serviceKilled kills a service in the middle of runs and submissions, several times.
func serviceKilled(t *testing.T) row {
	jobs, kills := 60, 3
	if *full {
		jobs, kills = 300, 12
	}
	dir := t.TempDir()
	accepted := map[string]bool{}
	next, killed := 0, 0
	for ; killed < kills; killed++ {
		p := spawn(t, "service", "DIR="+dir, fmt.Sprint("FROM=", next), fmt.Sprint("JOBS=", min(jobs, (killed+1)*jobs/kills)))
		p.until(t, "ready")
		time.Sleep(time.Duration(50+rand.IntN(500)) * time.Millisecond)
		for _, l := range p.kill(t) {
			var i int
			if n, _ := fmt.Sscanf(l, "accepted %d", &i); n == 1 {
				accepted[fmt.Sprint(i)] = true
				next = i + 1
			}
		}
	}
	e := open(t, filepath.Join(dir, "engine"))
	before := countState(t, e, cluster.Done)
	h, err := faultHandler(e, dir)
	work(t, e, faultWorker(must(t, h, err)))
	s := survey(t, e, dir, accepted)
	return row{fmt.Sprintf("`kill -9` of the service, %d times, between %d accepted runs with one effect each", killed, len(accepted)),
		fmt.Sprintf("%d runs ended (%d of them before the last kill), 0 receipts lost or doubled; %d effects done, 0 twice, %d said to be unknown", s.ended, before, s.done, s.unknown)}
}

// parallel calls f for the numbers below n, some at once.
func parallel(t testing.TB, n int, f func(i int) error) {
	t.Helper()
	var g errgroup.Group
	g.SetLimit(16)
	for i := range n {
		g.Go(func() error { return f(i) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

func countState(t testing.TB, e *cluster.Engine, state cluster.State) (n int) {
	t.Helper()
	for cursor := ""; ; {
		page, next, err := e.List(t.Context(), cluster.ListConfig{Cursor: cursor, State: state})
		if err != nil {
			t.Fatal(err)
		}
		n += len(page)
		if cursor = next; next == "" {
			return n
		}
	}
}

// surveyed is what was found of accepted runs.
type surveyed struct{ ended, done, unknown int }

// survey waits for the end of the accepted jobs, whose numbers are the keys, and checks that nothing was lost or happened twice.
func survey(t testing.TB, e *cluster.Engine, dir string, accepted map[string]bool) (s surveyed) {
	t.Helper()
	results := map[cluster.ID]cid.Cid{}
	for i := range accepted {
		var n int
		if _, err := fmt.Sscan(i, &n); err != nil {
			t.Fatal(err)
		}
		w, err := compile(faultTasks(n))
		j, _ := runJob(must(t, w, err))
		last := ended(t, e, mustID(t, j))
		if last.State != cluster.Done {
			t.Errorf("run %s ended as %s: %s", i, last.State, last.Error)
			continue
		}
		results[last.ID] = last.Result
		s.ended++
	}
	told := map[string]int{}
	world, err := os.ReadFile(filepath.Join(dir, "world"))
	if err != nil {
		t.Fatal(err)
	}
	for key := range strings.FieldsSeq(string(world)) {
		told[key]++
	}
	s.done = len(told)
	for key, n := range told {
		if n > 1 {
			t.Errorf("effect %s happened %d times", key, n)
		}
	}
	jobs, issued := map[cluster.ID]bool{}, map[cid.Cid]bool{}
	for _, entry := range feed(t, e, 0, countState(t, e, cluster.Done)) {
		if jobs[entry.Job] || len(entry.Receipts) != 1 || issued[entry.Receipts[0]] {
			t.Errorf("in the feed twice: %+v", entry)
		}
		jobs[entry.Job], issued[entry.Receipts[0]] = true, true
	}
	for id, root := range results {
		if !jobs[id] {
			t.Errorf("%s is not in the feed", id)
		}
		b := bundle(t, e, root)
		rep, err := verifier.Verify(t.Context(), b, verifier.Config{Mode: verifier.Attest, Now: time.Now})
		if err != nil || rep.Outcome != verifier.Valid {
			t.Errorf("bundle of %s: %+v, %v", id, rep, err)
		}
		for c, data := range b.Blocks {
			r, err := receipts.Open(block.Block{CID: c, Data: data})
			if err != nil || r.Claim.Out.Error == nil || r.Claim.Out.Error.Message == nil {
				continue
			}
			if strings.Contains(*r.Claim.Out.Error.Message, "effect/unknown") {
				s.unknown++
			} else if r.Claim.Run.Receipts == nil {
				t.Errorf("%s: %s", id, r.Claim.Out.Error)
			}
		}
	}
	return s
}
