package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/cluster"
	"github.com/trilemma-dev/trilemma/httpapi"
	"github.com/trilemma-dev/trilemma/internal/engine"
	"github.com/trilemma-dev/trilemma/internal/jobs"
	"github.com/trilemma-dev/trilemma/internal/work"
	"github.com/trilemma-dev/trilemma/runtime"
	"github.com/trilemma-dev/trilemma/store"
)

type workerFlags struct {
	serveFlags
	classes []string
}

func (a *app) workerCommand() *cobra.Command {
	var f workerFlags
	c := &cobra.Command{
		Use:   "worker",
		Short: "Do the jobs of a service on another machine",
		Long: `Take jobs from the queues of an engine that services share (trilemma serve --nats URL), and do them. A worker may join and leave at any time: told to
stop (SIGTERM) it takes no more jobs and lets those that run end; killed, it loses them to another worker.

Whoever runs workflows signs their receipts, so that a worker of the class execute needs the key of the service: give it with --key. A worker of the class prove
works at parts of proofs, and needs the proving keys of the service's scheme: the directory keys of its TRILEMMA_HOME. Nothing secret comes this way: a job whose content
is secret is refused when it is submitted.`,
		Example: `  trilemma worker --nats nats://10.0.0.1:4222 --key service.key
  trilemma worker --nats tls://nats.example:4222 --nats-credentials worker.creds --classes check
  trilemma worker --nats nats://10.0.0.1:4222 --classes prove --scheme small
  trilemma worker list --nats nats://10.0.0.1:4222
  trilemma worker letters --nats nats://10.0.0.1:4222`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := a.settings(c, ""); err != nil {
				return err
			}
			return a.join(c.Context(), f)
		},
	}
	f.engineFlags(c)
	fl := c.Flags()
	fl.StringArrayVar(&f.classes, "classes", []string{cluster.ClassExecute, cluster.ClassCheck}, "classes of jobs to do, separated by commas: execute, check, prove")
	fl.StringVar(&f.data, "data", "", "directory for results that the worker remembers; default: worker under TRILEMMA_HOME")
	fl.StringVar(&f.key, "key", "", "sign with this key file, the service's, instead of the one in TRILEMMA_HOME")
	fl.StringVar(&f.files, "files", "", "allow workflows /file/write under this directory")
	fl.StringArrayVar(&f.hosts, "allow-http", nil, "allow workflows /http/post to this host or host:port; may be given again")
	fl.IntVar(&f.jobs, "jobs", 0, "jobs of the class execute at a time; 0: one for each core")
	fl.IntVar(&f.checks, "checks", 0, "jobs of the class check at a time; 0: 1")
	fl.IntVar(&f.parts, "parts", 0, "parts of proofs at a time, of the class prove; 0: one for each core")
	schemeFlag(c, &f.keyScheme)
	fl.DurationVar(&f.drain, "drain", 20*time.Second, "how long jobs may take to end when the worker is told to stop")
	fl.StringVar(&f.traces, "traces", "", "send OpenTelemetry traces to this OTLP/HTTP URL: a job's go on where its request's began")
	fl.StringVar(&f.logFormat, "log-format", "text", "text or json")
	fl.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	completeFlag(c, "classes", oneOf(cluster.ClassExecute, cluster.ClassCheck, cluster.ClassProve))
	completeFlag(c, "log-format", oneOf("text", "json"))
	completeFlag(c, "log-level", oneOf("debug", "info", "warn", "error"))
	completeFlag(c, "files", completeDir)
	completeFlag(c, "data", completeDir)
	c.AddCommand(a.workerListCommand(), a.lettersCommand())
	return c
}

// engineFlags are the flags that name an engine elsewhere.
func (f *serveFlags) engineFlags(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.nats, "nats", "", "NATS servers, separated by commas")
	fl.StringVar(&f.credentials, "nats-credentials", "", "file of NATS credentials")
	fl.StringVar(&f.ca, "nats-ca", "", "file of certificates to check the NATS servers by; default: the system's")
	fl.IntVar(&f.replicas, "replicas", 0, "copies that the NATS servers keep of everything, for whoever comes first; 0: 1")
}

// picked returns those of the handlers that --classes names, and whether parts of proofs are among them.
func (f *workerFlags) picked(all map[string]cluster.Handler) (out map[string]cluster.Handler, parts bool, err error) {
	out = map[string]cluster.Handler{}
	for _, list := range f.classes {
		for class := range strings.SplitSeq(list, ",") {
			h := all[class]
			switch {
			case class == cluster.ClassProve:
				parts = true
			case h == nil || class == cluster.ClassProof:
				return nil, false, usage("--classes: %q is none of %s, %s, %s", class, cluster.ClassCheck, cluster.ClassExecute, cluster.ClassProve)
			default:
				out[class] = h
			}
		}
	}
	return out, parts, nil
}

func (a *app) join(ctx context.Context, f workerFlags) (err error) {
	if f.nats == "" {
		return &status{code: exitUsage, err: errors.New("--nats is required"), hint: "a service without --nats does its jobs itself"}
	}
	if f.parts < 0 {
		return usage("--parts %d is negative", f.parts)
	}
	metrics := httpapi.NewMetrics(prometheus.NewRegistry())
	spans, flush, err := traces(ctx, f.traces, version())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, flush()) }()
	tracer := spans.Tracer("trilemma")
	h := &jobs.Handler{Metrics: metrics, Tracer: tracer}
	handlers, parts, err := f.picked(h.Handlers())
	if err != nil {
		return err
	}
	log, err := a.logger(f.serveFlags)
	if err != nil {
		return err
	}
	if f.data == "" {
		home, err := a.home()
		if err != nil {
			return err
		}
		f.data = filepath.Join(home, "worker")
	}
	e, err := cluster.Open(ctx, f.engine(log))
	if err != nil {
		return engineError(err)
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	var work []cluster.WorkerConfig
	told := slices.Sorted(maps.Keys(handlers))
	if parts {
		p := a.prover(e, metrics, tracer, f.data)
		p.Open, p.Parts = a.provingKeysHere, f.parts
		k, err := p.Keys(ctx, f.keyScheme)
		if err != nil {
			return err
		}
		work, told = append(work, p.Worker(k)), append(told, cluster.ClassProve)
	}
	as := ""
	if len(handlers) > 0 {
		key, closing, err := a.jobWorker(ctx, h, e, handlers, &f)
		if err != nil {
			return err
		}
		defer closing()
		as = " as " + key.DID()
		work = append(work, cluster.WorkerConfig{Handlers: handlers, Slots: map[string]int{cluster.ClassExecute: slots(f.jobs, true), cluster.ClassCheck: slots(f.checks, false)}})
	}
	fmt.Fprintf(a.err, "working on %s%s\n", strings.Join(told, ", "), as)
	var all errgroup.Group
	for _, w := range work {
		w.Grace = f.drain
		all.Go(func() error { return e.Work(ctx, w) })
	}
	if err := all.Wait(); err != nil {
		return hostFailure(err)
	}
	fmt.Fprintln(a.err, "drained")
	return nil
}

// jobWorker makes a handler of jobs ready for those of the handlers' classes. closing lets go of what it took.
func (a *app) jobWorker(ctx context.Context, h *jobs.Handler, e *cluster.Engine, handlers map[string]cluster.Handler, f *workerFlags) (key capability.Signer, closing func(), err error) {
	if key, err = a.signer(f.key); err != nil {
		return nil, nil, err
	}
	if handlers[cluster.ClassExecute] != nil {
		if err := e.Serves(ctx, key.DID()); err != nil {
			return nil, nil, engineError(err)
		}
	}
	memo, err := store.OpenDir(filepath.Join(f.data, "memo"))
	if err != nil {
		return nil, nil, usage("--data: %w", err)
	}
	predictor, err := a.predictor(f.keyScheme)
	if err != nil {
		return nil, nil, err
	}
	family, err := a.trusted(nil)
	if err != nil {
		return nil, nil, err
	}
	native, err := a.engine(ctx, engineNative, runtime.New)
	if err != nil {
		return nil, nil, err
	}
	h.Engine = e
	h.Worker = &work.Worker{Signer: key, Native: native.Runner, Machine: &engine.Machine{}, Blocks: e, Records: e, Memo: memo,
		Effects: effectsAllowed(f.files, f.hosts), Family: family, Predictor: predictor, Now: time.Now, CPU: processCPU}
	return key, native.close, nil
}

// engineError says what can be done about an engine that cannot be had.
func engineError(err error) error {
	hint := ""
	switch {
	case errors.Is(err, cluster.ErrOtherExecutor):
		hint = "give the service's key with --key, or leave the class execute out"
	case errors.Is(err, cluster.ErrVersion):
		hint = "use the version of this program that wrote it"
	case errors.Is(err, cluster.ErrBusy):
		hint = "a service is running there: stop it, or name the NATS servers that it uses"
	case errors.Is(err, cluster.ErrFull):
		hint = "make room, or name another directory"
	}
	return &status{code: exitUsage, err: err, hint: hint}
}
