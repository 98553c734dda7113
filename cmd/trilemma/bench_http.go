package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/client"
	"github.com/trilemma-dev/trilemma/guests"
	"github.com/trilemma-dev/trilemma/lab"
)

func (a *app) benchHTTPCommand() *cobra.Command {
	var cfg lab.HTTPConfig
	c := &cobra.Command{
		Use:   "http",
		Short: "Measure what the service takes, over loopback",
		Long: `Start the service with an engine of its own, as serve does, and load it from this same process over loopback: run requests whose result is
known, the same beside event streams that are open, and runs that were never made, of a trivial task, each answered when its receipts are durable. A
bare gin handler that reads and answers as many bytes is loaded in the same way: the ratio says what the service itself costs.`,
		Example: `  trilemma bench http
  trilemma bench http --time 3s --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.benchHTTP(c.Context(), cfg) },
	}
	c.Flags().DurationVar(&cfg.Time, "time", 10*time.Second, "how long each phase takes")
	c.Flags().IntVar(&cfg.Workers, "workers", 16, "connections that send one request after the other")
	c.Flags().IntVar(&cfg.Watchers, "watchers", 500, "event streams that are open")
	c.Flags().IntVar(&cfg.Requests, "requests", 0, "send so many requests besides, in ten parts, and tell how the heap grew with each: such as 100000")
	return c
}

func (a *app) benchHTTP(ctx context.Context, cfg lab.HTTPConfig) (err error) {
	if cfg.Time <= 0 || cfg.Workers < 1 || cfg.Watchers < 1 {
		return usage("--time, --workers and --watchers are numbers above 0")
	}
	if cfg.Requests < 0 || cfg.Requests > 0 && cfg.Requests < 10 {
		return usage("--requests is 0 or a number from 10")
	}
	dir, err := a.benchDir()
	if err != nil {
		return usage("%w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	url, stop, err := a.serving(ctx, serveFlags{data: dir, keyScheme: proof.Standard, proofs: -1})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	cfg.URL = url
	if err := a.trivial(ctx, &cfg); err != nil {
		return hostFailure(err)
	}
	bar := &progress{}
	cfg.Progress = func(done, total int) {
		if bar.bar == nil {
			bar = a.progress(total)
		}
		bar.done(done)
	}
	r, err := lab.HTTP(ctx, cfg)
	bar.end()
	if err != nil {
		return hostFailure(err)
	}
	if a.json {
		return a.printJSON(r)
	}
	return a.printHTTP(r)
}

// serving starts a service in this process, on a port of the loopback interface and without limits of rate. stop ends it.
func (a *app) serving(ctx context.Context, f serveFlags) (url string, stop func() error, err error) {
	f.listen, f.rate, f.didRate, f.concurrency, f.watchers = "127.0.0.1:0", 1e9, 1e9, 1<<20, 1<<20
	f.logFormat, f.logLevel, f.drain = "text", "error", 5*time.Second
	ctx, cancel := context.WithCancel(ctx)
	ready, ended := make(chan string, 1), make(chan error, 1)
	f.ready = func(u string) { ready <- u }
	go func() { ended <- a.serve(ctx, f) }()
	stop = func() error {
		cancel()
		return <-ended
	}
	select {
	case url = <-ready:
		return url, stop, nil
	case err := <-ended:
		cancel()
		return "", nil, err
	}
}

// putFib puts a workflow of one task, which computes a Fibonacci number.
func putFib(ctx context.Context, c *client.Client, n int) (*client.Workflow, error) {
	data, err := guests.Module("fib")
	if err != nil {
		return nil, err
	}
	m := block.Raw(data)
	if err := c.Put(ctx, m); err != nil {
		return nil, err
	}
	return c.Compile(ctx, "application/json", fmt.Appendf(nil, `{"trilemma": "workflow/1", "tasks": {"f": {"fuel": 1000000, "run": {"mod": %q, "fun": "fib", "params": [%d]}}}}`, m.CID, n))
}

// trivial puts the workflow that is run, and says how to ask for runs of it.
func (a *app) trivial(ctx context.Context, cfg *lab.HTTPConfig) error {
	c, err := client.New(client.Config{URL: cfg.URL})
	if err != nil {
		return err
	}
	w, err := putFib(ctx, c, 5)
	if err != nil {
		return err
	}
	if cfg.Known, err = json.Marshal(client.RunRequest{Workflow: w.Workflow}); err != nil {
		return err
	}
	n := 0
	cfg.Fresh = func() []byte {
		n++
		body, err := json.Marshal(client.RunRequest{Workflow: w.Workflow, Fresh: strconv.Itoa(n)})
		if err != nil {
			return nil // text and numbers can be encoded; the service would refuse an empty body
		}
		return body
	}
	return nil
}

func (a *app) printHTTP(r *lab.HTTPReport) error {
	rows := [][]string{{"PHASE", "REQUESTS", "A SECOND", "FAILED", "MEAN", "P50", "P99", "MAX", "HEAP"}}
	for _, row := range r.Rows {
		rows = append(rows, []string{row.Phase, fmt.Sprint(row.Requests), fmt.Sprintf("%.0f", row.PerSecond), fmt.Sprint(row.Failed), ms(row.Mean), ms(row.P50), ms(row.P99), ms(row.Worst),
			fmt.Sprintf("%+.1f MB", float64(row.Heap)/1e6)})
	}
	if err := table(a.out, rows); err != nil {
		return err
	}
	if s := &r.Summary; s.Flat > 0 {
		if _, err := fmt.Fprintf(a.out, "\n%d requests more: after the first tenth of them the heap grew by %.1f MB\n", s.Flat, float64(s.FlatGrowth)/1e6); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(a.out, `
memoised runs for each answer of a bare gin handler: %.3f
event streams: %d open, %d told of a run, the last after %s
%d connections, the service and its load in one process, %s
`, r.Summary.VsBare, r.Summary.Watchers, r.Summary.Told, ms(r.Summary.ToldAfter), r.Workers, where(r.Host))
	return err
}
