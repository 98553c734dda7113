package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/cluster"
)

type lettersJSON struct {
	Letters  []letterJSON `json:"letters"`
	Requeued []string     `json:"requeued"`
}

type letterJSON struct {
	Job     string `json:"job"`
	Kind    string `json:"kind"`
	Subject string `json:"subject"`
	Attempt int    `json:"attempt"`
	Tries   int    `json:"tries"`
	Error   string `json:"error"`
	At      string `json:"at"`
}

type lettersFlags struct {
	serveFlags
	all bool
}

func (a *app) lettersCommand() *cobra.Command {
	var f lettersFlags
	c := &cobra.Command{
		Use:   "letters [JOB...]",
		Short: "Show the jobs that were given up, or submit them again",
		Long: `Show the jobs that were given up, with the reason: the dead letters of an engine. Jobs that are named are submitted again.

The engine is that of --nats, or the one in the data directory of a service that does not run now.`,
		Example: `  trilemma worker letters --nats nats://10.0.0.1:4222
  trilemma worker letters --nats nats://10.0.0.1:4222 --requeue-all
  trilemma worker letters --data /var/lib/trilemma/service --json`,
		RunE: func(c *cobra.Command, args []string) error { return a.letters(c.Context(), args, f) },
	}
	f.engineFlags(c)
	c.Flags().StringVar(&f.data, "data", "", "data directory of a service, if --nats is not given; default: service under TRILEMMA_HOME")
	c.Flags().BoolVar(&f.all, "requeue-all", false, "submit all of them again")
	completeFlag(c, "data", completeDir)
	return c
}

func (a *app) letters(ctx context.Context, names []string, f lettersFlags) (err error) {
	ids := make([]cluster.ID, len(names))
	for i, name := range names {
		if ids[i], err = cluster.ParseID(name); err != nil {
			return usage("%w", err)
		}
	}
	if f.data == "" {
		home, err := a.home()
		if err != nil {
			return err
		}
		f.data = filepath.Join(home, "service")
	}
	e, err := cluster.Open(ctx, f.engine(nil))
	if err != nil {
		return engineError(err)
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	out := lettersJSON{Letters: []letterJSON{}, Requeued: []string{}}
	err = e.Letters(ctx, func(l cluster.Letter) error {
		out.Letters = append(out.Letters, letterJSON{Job: string(l.ID), Kind: l.Job.Mode, Subject: l.Job.Subject.String(), Attempt: l.Attempt, Tries: l.Tries,
			Error: l.Error, At: l.At.Format(time.RFC3339)})
		if f.all {
			ids = append(ids, l.ID)
		}
		return nil
	})
	if err != nil {
		return hostFailure(err)
	}
	for _, id := range ids {
		s, err := e.Requeue(ctx, id)
		if errors.Is(err, cluster.ErrNotFound) {
			return usage("%w", err)
		}
		if err != nil {
			return hostFailure(err)
		}
		out.Requeued = append(out.Requeued, string(s.ID))
	}
	if a.json {
		return a.printJSON(out)
	}
	for _, l := range out.Letters {
		if _, err := fmt.Fprintf(a.out, "%s  %s  %s, given up after %d tries: %s\n", l.At, l.Job, l.Kind, l.Tries, line(l.Error)); err != nil {
			return err
		}
	}
	for _, id := range out.Requeued {
		fmt.Fprintln(a.err, "submitted again:", id)
	}
	return nil
}
