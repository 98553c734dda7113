package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/client"
	"github.com/trilemma-dev/trilemma/internal/wire"
)

type benchWorkersFlags struct {
	scheme  string
	workers int
	rounds  int
	n       int
}

// workersJSON is what the benchmark of workers found.
type workersJSON struct {
	Scheme  string       `json:"scheme"`
	Call    string       `json:"call"`
	Steps   uint64       `json:"steps"`
	Parts   int          `json:"parts"`
	Rows    []workersRow `json:"rows"`
	Summary struct {
		Ratio float64 `json:"ratio"`     // the time of one worker, for each second of all; the best round of each
		CPU   float64 `json:"cpu_ratio"` // the CPU time of one worker, for each second of the busiest of all, likewise: what the ratio is where nobody else uses the cores
	} `json:"summary"`
}

// workersRow is one proof.
type workersRow struct {
	Workers int     `json:"workers"`
	Commit  float64 `json:"commit_seconds"`
	Prove   float64 `json:"prove_seconds"`
	Seconds float64 `json:"seconds"`     // from the request to the answer
	CPU     float64 `json:"cpu_seconds"` // of the busiest worker, from its start to its end
}

func (a *app) benchWorkersCommand() *cobra.Command {
	var f benchWorkersFlags
	c := &cobra.Command{
		Use:   "workers",
		Short: "Measure how much sooner several workers prove a run than one",
		Long: `Start a NATS server, a service that works at no parts itself, and processes that do (trilemma worker --classes prove), all on this machine, and have
one run proved by one worker and by all, in turns. Each worker uses one core (GOMAXPROCS=1), so that more of them are more cores: with as many cores as workers
that nobody else uses, the ratio is what the spreading leaves of their number. Where others use them, the CPU time of the busiest worker says the same.`,
		Example: `  trilemma bench workers
  trilemma bench workers --workers 4 --rounds 3 --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.benchWorkers(c.Context(), f) },
	}
	schemeFlag(c, &f.scheme)
	c.Flags().IntVar(&f.workers, "workers", 2, "workers, beside one alone")
	c.Flags().IntVar(&f.rounds, "rounds", 1, "how often each is measured")
	c.Flags().IntVar(&f.n, "n", 8, "prove fib(n) of the sample guest")
	return c
}

func (a *app) benchWorkers(ctx context.Context, f benchWorkersFlags) (err error) {
	if f.workers < 2 || f.rounds < 1 || f.n < 0 {
		return usage("--workers is a number from 2, --rounds one from 1, --n one from 0")
	}
	if _, err := a.provingKeys(ctx, f.scheme); err != nil { // workers do not make them
		return err
	}
	dir, err := a.benchDir()
	if err != nil {
		return usage("%w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ns, url, err := loopbackNATS(dir)
	if err != nil {
		return hostFailure(err)
	}
	defer func() {
		ns.Shutdown()
		ns.WaitForShutdown()
	}()
	at, stop, err := a.serving(ctx, serveFlags{nats: url, data: filepath.Join(dir, "service"), keyScheme: f.scheme, parts: -1})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	c, err := client.New(client.Config{URL: at})
	if err != nil {
		return hostFailure(err)
	}
	run, err := runFib(ctx, c, f.n)
	if err != nil {
		return hostFailure(err)
	}
	out := &workersJSON{Scheme: f.scheme, Call: fmt.Sprintf("fib(%d)", f.n)}
	best, busy := map[int]float64{1: math.Inf(1), f.workers: math.Inf(1)}, map[int]float64{1: math.Inf(1), f.workers: math.Inf(1)}
	bar := a.progress(2 * f.rounds)
	for round := range f.rounds {
		for _, n := range []int{1, f.workers} {
			ask := client.ProveRequest{Run: run, Scheme: f.scheme, Fresh: fmt.Sprintf("%d of %d", round, n)}
			row, p, err := a.proveWith(ctx, c, url, filepath.Join(dir, "worker"), n, ask)
			if err != nil {
				return hostFailure(err)
			}
			out.Rows, out.Parts, out.Steps = append(out.Rows, *row), p.Proofs, p.Steps
			best[n], busy[n] = min(best[n], row.Seconds), min(busy[n], row.CPU)
			bar.done(len(out.Rows))
		}
	}
	bar.end()
	out.Summary.Ratio, out.Summary.CPU = best[1]/best[f.workers], busy[1]/busy[f.workers]
	if a.json {
		return a.printJSON(out)
	}
	return a.printWorkers(out)
}

// loopbackNATS starts a NATS server on a port of the loopback interface.
func loopbackNATS(dir string) (*server.Server, string, error) {
	ns, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, SyncAlways: true, StoreDir: filepath.Join(dir, "nats"), NoSigs: true, NoLog: true})
	if err != nil {
		return nil, "", err
	}
	ns.Start()
	if !ns.ReadyForConnections(30*time.Second) || !ns.JetStreamEnabled() {
		ns.Shutdown()
		return nil, "", errors.New("the NATS server did not start")
	}
	addr, ok := ns.Addr().(*net.TCPAddr)
	if !ok {
		ns.Shutdown()
		return nil, "", errors.New("the NATS server has no address")
	}
	return ns, "nats://" + addr.String(), nil
}

// runFib has a Fibonacci number computed, and returns the run.
func runFib(ctx context.Context, c *client.Client, n int) (string, error) {
	w, err := putFib(ctx, c, n)
	if err != nil {
		return "", err
	}
	j, err := c.Run(ctx, client.RunRequest{Workflow: w.Workflow})
	if err == nil {
		j, err = c.Wait(ctx, j, nil)
	}
	if err != nil {
		return "", err
	}
	return j.Run.Run, nil
}

// proveWith has a run proved by so many workers, which come and go for that.
func (a *app) proveWith(ctx context.Context, c *client.Client, nats, dir string, n int, ask client.ProveRequest) (row *workersRow, p *wire.Proved, err error) {
	working, cancel := context.WithCancel(ctx)
	var ends []func() time.Duration
	busiest := func() (most time.Duration) {
		cancel()
		for _, end := range ends {
			most = max(most, end())
		}
		return most
	}
	defer busiest()
	for i := range n {
		end, err := a.startWorker(working, "--nats", nats, "--classes", "prove", "--scheme", ask.Scheme, "--parts", "1", "--data", filepath.Join(dir, fmt.Sprint(i)))
		if err != nil {
			return nil, nil, err
		}
		ends = append(ends, end)
	}
	start := time.Now()
	j, err := c.Prove(ctx, ask)
	if err == nil {
		j, err = c.Wait(ctx, j, nil)
	}
	if err != nil {
		return nil, nil, err
	}
	one, ok := j.Proofs.Tasks["f"]
	if !ok {
		return nil, nil, client.ErrAnswer
	}
	row = &workersRow{Workers: n, Commit: one.Commit, Prove: one.Prove, Seconds: time.Since(start).Seconds()}
	row.CPU = busiest().Seconds()
	return row, &one, nil
}

// startWorker starts a worker that uses one core, and waits until it works. It is told to end when ctx does; end waits for that, and returns the CPU
// time that it took.
func (a *app) startWorker(ctx context.Context, args ...string) (end func() time.Duration, err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	home, err := a.home()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, exe, append([]string{"worker"}, args...)...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "TRILEMMA_HOME="+home)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(stderr)
	var said []string
	for lines.Scan() {
		if said = append(said, lines.Text()); strings.HasPrefix(lines.Text(), "working on ") {
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				_, _ = io.Copy(io.Discard, stderr) // until it has ended
				_ = cmd.Wait()                     // it was told to
			}()
			return func() time.Duration {
				<-gone
				return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			}, nil
		}
	}
	return nil, fmt.Errorf("a worker did not start: %w: %s", cmd.Wait(), strings.Join(said, "; "))
}

func (a *app) printWorkers(r *workersJSON) error {
	rows := [][]string{{"WORKERS", "COMMIT", "PROVE", "ALL", "CPU OF THE BUSIEST"}}
	for _, row := range r.Rows {
		rows = append(rows, []string{fmt.Sprint(row.Workers), fmt.Sprintf("%.1f s", row.Commit), fmt.Sprintf("%.1f s", row.Prove), fmt.Sprintf("%.1f s", row.Seconds), fmt.Sprintf("%.1f s", row.CPU)})
	}
	if err := table(a.out, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, "\n%s, %d steps, %d parts of the scheme %s: %.2f times as fast as one worker, each on one core;\n%.2f times by the CPU time of the busiest, which is what it comes to where nobody else uses the cores\n",
		r.Call, r.Steps, r.Parts, r.Scheme, r.Summary.Ratio, r.Summary.CPU)
	return err
}
