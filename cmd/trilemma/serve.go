package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/cluster"
	"github.com/trilemma-dev/trilemma/console"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/httpapi"
	"github.com/trilemma-dev/trilemma/internal/engine"
	"github.com/trilemma-dev/trilemma/internal/jobs"
	"github.com/trilemma-dev/trilemma/internal/work"
	"github.com/trilemma-dev/trilemma/runtime"
	"github.com/trilemma-dev/trilemma/store"
)

type serveFlags struct {
	config, listen, data, key string
	nats, credentials, ca     string
	replicas                  int
	storage                   int64

	tokens, public bool
	proxies        []string
	files          string
	hosts          []string
	fuel           uint64
	memory         uint32
	car            int64
	rate, didRate  float64
	concurrency    int
	watchers       int
	jobs, checks   int
	proofs, parts  int
	proveMemory    int64
	wait, slow     time.Duration
	drain          time.Duration
	keyScheme      string
	traces         string
	logFormat      string
	logLevel       string
	certificate    string
	certificateKey string

	ready func(url string) // told instead of people
}

func (a *app) serveCommand() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve the HTTP interface: runs, receipts, verification",
		Long: `Serve the HTTP interface, and do its jobs, which are kept in a durable engine: one in this process unless --nats names another. The interface
describes itself at /docs and /openapi.json; a browser finds the console at /.

On a loopback address it serves in development mode: requests from this machine need no token. Anywhere else, and with --tokens, every request needs a
UCAN whose chain begins with the service's key.

Every flag can also be set by the environment (TRILEMMA_SERVE_LISTEN for --listen) or in the TOML file that --config names (listen = "…"). A flag goes
before the environment, and that before the file.`,
		Example: `  trilemma serve
  trilemma serve --listen 127.0.0.1:0 --tokens
  trilemma serve --config /etc/trilemma/serve.toml`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := a.settings(c, f.config); err != nil {
				return err
			}
			return a.serve(c.Context(), f)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.config, "config", "", "TOML file with values for these flags")
	fl.StringVar(&f.listen, "listen", "127.0.0.1:7457", "address and port to listen on; port 0 is any")
	fl.StringVar(&f.data, "data", "", "directory for the engine's data; default: service under TRILEMMA_HOME")
	fl.Int64Var(&f.storage, "storage-limit", 0, "bytes that an engine in this process may keep on disk: what does not fit is refused; 0: most of what is free")
	fl.StringVar(&f.key, "key", "", "sign with this key file instead of the one in TRILEMMA_HOME: it is the root of all authority here")
	fl.StringVar(&f.nats, "nats", "", "use the engine at these NATS servers, separated by commas, instead of one in this process")
	fl.StringVar(&f.credentials, "nats-credentials", "", "file of NATS credentials")
	fl.StringVar(&f.ca, "nats-ca", "", "file of certificates to check the NATS servers by; default: the system's")
	fl.IntVar(&f.replicas, "replicas", 0, "copies that the NATS servers keep of everything; 0: 1")
	fl.BoolVar(&f.tokens, "tokens", false, "need a token for requests from this machine too")
	fl.BoolVar(&f.public, "public", false, "let everybody read blocks, through the gateway too, without a token")
	fl.StringArrayVar(&f.proxies, "proxy", nil, "believe the X-Forwarded-For of this address or network; may be given again")
	fl.StringVar(&f.files, "files", "", "allow workflows /file/write under this directory")
	fl.StringArrayVar(&f.hosts, "allow-http", nil, "allow workflows /http/post to this host or host:port; may be given again")
	fl.Uint64Var(&f.fuel, "fuel-limit", 0, "Wasm instructions that the tasks of one request may take together; 0: 1e12")
	fl.Uint32Var(&f.memory, "memory-limit", 0, "pages of 64 KiB that a task may take; 0: the profile's limit, 16384")
	fl.Int64Var(&f.car, "car-limit", 0, "bytes of a CAR file that is imported; 0: 1 GiB")
	fl.Float64Var(&f.rate, "rate", 0, "requests a second from one address; 0: 2000")
	fl.Float64Var(&f.didRate, "did-rate", 0, "requests a second under one DID; 0: 500")
	fl.IntVar(&f.concurrency, "concurrency", 0, "requests at a time under one DID, or from one address without one; 0: 256")
	fl.IntVar(&f.watchers, "watchers", 0, "event streams at a time, likewise; 0: 1024")
	fl.IntVar(&f.jobs, "jobs", 0, "jobs that run here at a time; 0: one for each core, -1: none, workers do them")
	fl.IntVar(&f.checks, "checks", 0, "verifications that run here at a time; 0: 1, -1: none")
	fl.IntVar(&f.proofs, "proofs", 0, "proofs that are made here at a time; with 1 or more keys are there before the service is ready; 0: 1, with keys when they are first needed; -1: none")
	fl.IntVar(&f.parts, "parts", 0, "parts of a proof that are worked at here at once, as far as memory goes; 0: one for each core, -1: none, workers do them")
	fl.Int64Var(&f.proveMemory, "prove-memory", 0, "MiB that making a proof may take here; 0: no limit. What would take more is refused")
	fl.DurationVar(&f.wait, "wait-limit", 0, "longest that a request is kept waiting for a job; 0: 1m")
	fl.DurationVar(&f.slow, "slow-limit", 0, "longest pause of a client within a body or an answer; 0: 15s")
	fl.DurationVar(&f.drain, "drain", 20*time.Second, "how long requests and jobs may take to end when the service is told to")
	schemeFlag(c, &f.keyScheme)
	fl.StringVar(&f.traces, "traces", "", "send OpenTelemetry traces to this OTLP/HTTP URL")
	fl.StringVar(&f.logFormat, "log-format", "text", "text or json")
	fl.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	fl.StringVar(&f.certificate, "tls-certificate", "", "file of the TLS certificate; without one it is HTTP")
	fl.StringVar(&f.certificateKey, "tls-key", "", "file of the TLS certificate's key")
	completeFlag(c, "config", cobra.FixedCompletions([]string{"toml"}, cobra.ShellCompDirectiveFilterFileExt))
	completeFlag(c, "log-format", oneOf("text", "json"))
	completeFlag(c, "log-level", oneOf("debug", "info", "warn", "error"))
	completeFlag(c, "files", completeDir)
	completeFlag(c, "data", completeDir)
	return c
}

// logger is the service's log, on stderr.
func (a *app) logger(f serveFlags) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return nil, usage("--log-level %q is none of debug, info, warn, error", f.logLevel)
	}
	opts := &slog.HandlerOptions{Level: level}
	switch f.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(a.err, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(a.err, opts)), nil
	}
	return nil, usage("--log-format %q is neither text nor json", f.logFormat)
}

// effectsAllowed grants the effects that flags allow.
func effectsAllowed(files string, hosts []string) map[string]executor.Effect {
	granted := map[string]executor.Effect{}
	if files != "" {
		granted[executor.CommandFileWrite] = executor.FileWrite(files)
	}
	if len(hosts) > 0 {
		granted[executor.CommandHTTPPost] = executor.HTTPPost(hosts)
	}
	return granted
}

func (a *app) serve(ctx context.Context, f serveFlags) (err error) {
	if f.storage < 0 || f.storage > 0 && f.nats != "" {
		return usage("--storage-limit is a number of bytes for an engine in this process: NATS servers elsewhere have limits of their own")
	}
	if f.parts < 0 && f.nats == "" {
		return usage("--parts -1 leaves the parts of proofs to workers, who need --nats")
	}
	if err := (&proveFlags{memory: f.proveMemory}).check(); err != nil {
		return err
	}
	log, err := a.logger(f)
	if err != nil {
		return err
	}
	key, err := a.signer(f.key)
	if err != nil {
		return err
	}
	home, err := a.home()
	if err != nil {
		return err
	}
	if f.data == "" {
		f.data = filepath.Join(home, "service")
	}
	if err := os.MkdirAll(f.data, 0o700); err != nil {
		return usage("--data: %w", err)
	}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return usage("--listen: %w", err)
	}
	defer func() { _ = listener.Close() }() // the server closes it first, if it came to that

	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	metrics := httpapi.NewMetrics(registry)
	tracer, flush, err := traces(ctx, f.traces, version())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, flush()) }()
	e, err := cluster.Open(ctx, f.engine(log))
	if err != nil {
		return engineError(err)
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	if err := e.Serves(ctx, key.DID()); err != nil {
		return engineError(err)
	}
	memo, err := store.OpenDir(filepath.Join(f.data, "memo"))
	if err != nil {
		return usage("%w", err)
	}
	native, err := a.engine(ctx, engineNative, runtime.New)
	if err != nil {
		return err
	}
	defer native.close()
	predictor, err := a.predictor(f.keyScheme)
	if err != nil {
		return err
	}
	family, err := a.trusted(nil)
	if err != nil {
		return err
	}
	effects := effectsAllowed(f.files, f.hosts)
	proofs := a.prover(e, metrics, tracer.Tracer("trilemma"), f.data)
	proofs.Memory, proofs.Parts = f.proveMemory<<20, f.parts
	if f.nats != "" {
		proofs.Spread = spreadParts
	}
	h := &jobs.Handler{Engine: e, Metrics: metrics, Tracer: tracer.Tracer("trilemma"),
		Worker: &work.Worker{Signer: key, Native: native.Runner, Machine: &engine.Machine{}, Blocks: e, Records: e, Memo: memo, Effects: effects, Family: family, Predictor: predictor, Prover: proofs, Now: time.Now, CPU: processCPU, Peak: processPeak}}
	ready := e.Ready
	if f.proofs > 0 {
		prepared := proofs.Prepare(ctx, f.keyScheme)
		ready = func(ctx context.Context) error { return errors.Join(e.Ready(ctx), prepared()) }
	}
	open := loopback(listener.Addr()) && !f.tokens
	page, err := console.New()
	if err != nil {
		return hostFailure(err)
	}
	api, err := httpapi.New(f.service(httpapi.Config{Signer: key, Engine: jobs.Engine{Engine: e}, News: jobs.Engine{Engine: e}, Blocks: e, Records: e, Ready: ready, Queues: jobs.Engine{Engine: e}.Queues, Workers: jobs.Engine{Engine: e}.Workers, Keys: a.setup, Console: page, Open: open, Effects: names(effects), Schemes: schemes(f.keyScheme, f.proofs),
		Version: version(), Dir: f.data, Log: log, Metrics: metrics, Tracer: tracer}))
	if err != nil {
		return usage("%w", err)
	}
	if !open {
		// Of what was signed in this second nobody knows whether it was used before the start.
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	}
	if f.ready != nil {
		f.ready(f.scheme() + "://" + listener.Addr().String())
		return f.serveUntil(ctx, listener, api, h, log)
	}
	fmt.Fprintf(a.err, "serving %s://%s as %s\n", f.scheme(), listener.Addr(), key.DID())
	if open {
		fmt.Fprintln(a.err, "development mode: whoever uses this machine may use the service without a token; --tokens ends that")
	}
	return f.serveUntil(ctx, listener, api, h, log)
}

func (f *serveFlags) scheme() string {
	if f.certificate != "" {
		return "https"
	}
	return "http"
}

// engine is the configuration of the engine.
func (f *serveFlags) engine(log *slog.Logger) cluster.Config {
	cfg := cluster.Config{URL: f.nats, Credentials: f.credentials, CA: f.ca, Replicas: f.replicas, Log: log}
	if f.nats == "" {
		cfg.Dir, cfg.MaxBytes = filepath.Join(f.data, "engine"), f.storage
	}
	return cfg
}

// service completes the configuration of the HTTP interface.
func (f *serveFlags) service(cfg httpapi.Config) httpapi.Config {
	cfg.Public, cfg.Proxies = f.public, f.proxies
	cfg.Limits = httpapi.Limits{Fuel: f.fuel, Memory: f.memory, Body: f.car, Rate: f.rate, DIDRate: f.didRate, Concurrency: f.concurrency, Watchers: f.watchers,
		Wait: f.wait, Slow: f.slow}
	return cfg
}

// serveUntil serves until ctx ends, and then lets requests and jobs end.
func (f *serveFlags) serveUntil(ctx context.Context, l net.Listener, api *httpapi.Server, h *jobs.Handler, log *slog.Logger) error {
	srv := &http.Server{Handler: api, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 128 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	failed := make(chan error, 1)
	var running sync.WaitGroup
	running.Go(func() {
		var err error
		if f.certificate != "" {
			err = srv.ServeTLS(l, f.certificate, f.certificateKey)
		} else {
			err = srv.Serve(l)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serve: %w", err)
		}
	})
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	cfg := cluster.WorkerConfig{Handlers: h.Handlers(), Slots: map[string]int{cluster.ClassExecute: slots(f.jobs, true), cluster.ClassCheck: slots(f.checks, false),
		cluster.ClassProof: slots(f.proofs, false)}, Grace: f.drain}
	for class, n := range cfg.Slots {
		if n == 0 {
			delete(cfg.Handlers, class)
		}
	}
	if len(cfg.Handlers) > 0 {
		running.Go(func() {
			if err := h.Engine.Work(working, cfg); err != nil {
				failed <- err
			}
		})
	}
	var err error
	select {
	case <-ctx.Done():
		log.Info("draining", "for", f.drain)
	case err = <-failed:
	}
	api.Drain()
	timed, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.drain)
	defer cancel()
	if serr := srv.Shutdown(timed); serr != nil {
		log.Warn("requests were cut off", "error", serr)
		err = errors.Join(err, srv.Close())
	}
	stop()
	running.Wait()
	if err != nil {
		return hostFailure(err)
	}
	return nil
}
