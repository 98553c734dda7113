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
	return c
}

func (a *app) benchHTTP(ctx context.Context, cfg lab.HTTPConfig) (err error) {
	if cfg.Time <= 0 || cfg.Workers < 1 || cfg.Watchers < 1 {
		return usage("--time, --workers and --watchers are numbers above 0")
	}
	dir, err := a.benchDir()
	if err != nil {
		return usage("%w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	serving, stop := context.WithCancel(ctx)
	url, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- a.serve(serving, serveFlags{listen: "127.0.0.1:0", data: dir, key: "", rate: 1e9, didRate: 1e9, concurrency: 1 << 20, watchers: 1 << 20,
			logFormat: "text", keyScheme: proof.Standard, logLevel: "error", drain: 5 * time.Second, ready: func(u string) { url <- u }})
	}()
	defer func() {
		stop()
		err = errors.Join(err, <-ended)
	}()
	select {
	case cfg.URL = <-url:
	case err := <-ended:
		ended <- nil
		return err
	}
	if err := a.trivial(ctx, &cfg); err != nil {
		return hostFailure(err)
	}
	bar := a.progress(4)
	cfg.Progress = func(done, _ int) { bar.done(done) }
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

// trivial puts the workflow that is run, and says how to ask for runs of it.
func (a *app) trivial(ctx context.Context, cfg *lab.HTTPConfig) error {
	c, err := client.New(client.Config{URL: cfg.URL})
	if err != nil {
		return err
	}
	data, err := guests.Module("fib")
	if err != nil {
		return err
	}
	m := block.Raw(data)
	if err := c.Put(ctx, m); err != nil {
		return err
	}
	w, err := c.Compile(ctx, "application/json", fmt.Appendf(nil, `{"trilemma": "workflow/1", "tasks": {"f": {"fuel": 1000000, "run": {"mod": %q, "fun": "fib", "params": [5]}}}}`, m.CID))
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
	_, err := fmt.Fprintf(a.out, `
memoised runs for each answer of a bare gin handler: %.3f
event streams: %d open, %d told of a run, the last after %s
%d connections, the service and its load in one process, %s
`, r.Summary.VsBare, r.Summary.Watchers, r.Summary.Told, ms(r.Summary.ToldAfter), r.Workers, where(r.Host))
	return err
}
