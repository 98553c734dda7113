package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/cluster"
	"github.com/trilemma-dev/trilemma/internal/jobs"
	"github.com/trilemma-dev/trilemma/internal/wire"
)

func (a *app) workerListCommand() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "list",
		Short: "Show the workers that answer, and what waits for them",
		Long: `Ask the workers of an engine, or of a service, who they are and how many jobs they are at, and count the jobs that have not ended. Who does not answer within a quarter
of a second is not there.`,
		Example: `  trilemma worker list --nats nats://10.0.0.1:4222
  trilemma worker list --remote https://trilemma.example`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.workerList(c.Context(), f) },
	}
	f.engineFlags(c)
	return c
}

func (a *app) workerList(ctx context.Context, f serveFlags) error {
	if f.nats == "" && a.remote.url == "" {
		return usage("name an engine with --nats, or a service with --remote")
	}
	found, err := a.queues(ctx, f)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(found)
	}
	rows := [][]string{{"CLASS", "WAITING", "RUNNING"}}
	for _, q := range found.Queues {
		rows = append(rows, []string{q.Class, fmt.Sprint(q.Waiting), fmt.Sprint(q.Running)})
	}
	if err := table(a.out, lines(rows)); err != nil {
		return err
	}
	rows = [][]string{{"WORKER", "SINCE", "BUSY"}}
	for _, w := range found.Workers {
		var posts []string
		for _, p := range w.Posts {
			posts = append(posts, fmt.Sprintf("%s %d of %d", p.Class, p.Busy, p.Slots))
		}
		rows = append(rows, []string{w.Host, w.Since.UTC().Format(time.RFC3339), strings.Join(posts, ", ")})
	}
	if _, err := fmt.Fprintln(a.out); err != nil {
		return err
	}
	return table(a.out, lines(rows))
}

// queues asks the service, or the engine.
func (a *app) queues(ctx context.Context, f serveFlags) (out *wire.Queues, err error) {
	if f.nats == "" {
		c, err := a.serviceWith(ctx)
		if err != nil {
			return nil, err
		}
		if out, err = c.Queues(ctx); err != nil {
			return nil, remoteError(err)
		}
		return out, nil
	}
	e, err := cluster.Open(ctx, f.engine(nil))
	if err != nil {
		return nil, engineError(err)
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	out = &wire.Queues{}
	if out.Queues, err = (jobs.Engine{Engine: e}).Queues(ctx); err == nil {
		out.Workers, err = (jobs.Engine{Engine: e}).Workers(ctx)
	}
	if err != nil {
		return nil, hostFailure(err)
	}
	return out, nil
}
