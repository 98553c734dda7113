// Package httpapi is the service's HTTP interface. It maps requests to blocks and jobs and owns no domain logic: whoever may ask is
// decided before a request's body is believed, what may be asked before anything expensive is done, and every error is a
// problem document (RFC 9457) with a stable code.
package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
	"github.com/ipfs/go-cid"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/contrib/instrumentation/github.com/gin-gonic/gin/otelgin"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/internal/work"
	"github.com/trilemma-dev/trilemma/store"
)

// Config is what a service needs. Signer, Engine, News, Blocks and Records are required.
type Config struct {
	Signer  capability.Signer // whose key is the root of all authority here
	Engine  Engine
	News    News
	Blocks  store.Blocks
	Records store.Records // where revocations are kept

	// Ready tells, as an error, why no work can be done now; nil: it always can.
	Ready func(context.Context) error

	// Queues tells how many jobs there are, by class; nil: metrics do not tell.
	Queues func(context.Context) ([]wire.Queue, error)

	// Workers tells who does the jobs; nil: nobody is told of.
	Workers func(context.Context) ([]wire.Worker, error)

	// Keys are the manifests of the keys to prove with; nil: there are none.
	Keys func() (*wire.Keys, error)

	// Console answers for / and everything under /console/; nil: there is nothing.
	Console http.Handler

	// Open is the development mode: requests from this machine need no token. Others still do.
	Open bool
	// Public lets everybody read blocks, through the gateway too, without a token.
	Public bool
	// Schemes are the circuits that proofs can be made with here, the default first; empty: none are made.
	Schemes []string
	// Effects are the commands of effects that are allowed here.
	Effects []string
	// Proxies are addresses or networks whose X-Forwarded-For is believed.
	Proxies []string

	Limits Limits

	Version string       // of the program
	Dir     string       // where large bodies are kept while they are read; empty: the system's directory for such files
	Log     *slog.Logger // nil: nothing is logged
	Metrics *Metrics     // nil: nothing is counted
	Tracer  trace.TracerProvider
	Now     func() time.Time // nil: time.Now
}

// Limits bound what one request may cost. Zero values stand for the defaults.
type Limits struct {
	Fuel   uint64 // Wasm instructions of all tasks of one request together; 0: 1e12
	Memory uint32 // pages of 64 KiB of one task; 0: 16384, which is the profile's own limit
	Body   int64  // bytes of an imported CAR file; 0: 1 GiB
	Blocks int    // of an imported CAR file; 0: 100,000

	Rate        float64 // requests a second from one address; 0: 2000
	DIDRate     float64 // requests a second under one DID; 0: 500
	Concurrency int     // requests under one DID, or from one address without one, at a time; 0: 256
	Watchers    int     // event streams, likewise; 0: 1024

	Wait time.Duration // longest that a request is kept waiting for a job; 0: 60 s
	Slow time.Duration // longest pause within a body, or while an answer is taken; 0: 15 s
}

func (l Limits) withDefaults() Limits {
	set := func(n *int, def int) {
		if *n == 0 {
			*n = def
		}
	}
	if l.Fuel == 0 {
		l.Fuel = 1e12
	}
	if l.Memory == 0 {
		l.Memory = 16384
	}
	if l.Body == 0 {
		l.Body = 1 << 30
	}
	set(&l.Blocks, 100_000)
	if l.Rate == 0 {
		l.Rate = 2000
	}
	if l.DIDRate == 0 {
		l.DIDRate = 500
	}
	set(&l.Concurrency, 256)
	set(&l.Watchers, 1024)
	if l.Wait == 0 {
		l.Wait = time.Minute
	}
	if l.Slow == 0 {
		l.Slow = 15 * time.Second
	}
	return l
}

// Server answers requests; it is safe for concurrent use.
type Server struct {
	cfg   Config
	gate  *gate
	keys  idempotency
	done  recent[digest, Status]     // jobs that are done, by what asked for them: they stay so
	asked recent[cid.Cid, *runnable] // what workflows ask for

	checker work.Checker
	api     huma.API
	start   time.Time
	http.Handler

	draining context.Context // ends when event streams are to end
	drain    context.CancelFunc
}

// Drain ends all event streams and makes the service not ready: a shutdown waits only for what ends by itself.
func (s *Server) Drain() { s.drain() }

// New makes a service of its parts.
func New(cfg Config) (*Server, error) {
	if cfg.Signer == nil || cfg.Engine == nil || cfg.News == nil || cfg.Blocks == nil || cfg.Records == nil {
		return nil, errors.New("httpapi: a signer, an engine and a store are required")
	}
	cfg.Limits = cfg.Limits.withDefaults()
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Tracer == nil {
		cfg.Tracer = noop.NewTracerProvider()
	}
	if cfg.Metrics == nil {
		cfg.Metrics = NewMetrics(prometheus.NewRegistry())
	}
	if cfg.Queues != nil {
		if err := cfg.Metrics.watchQueues(cfg.Queues); err != nil {
			return nil, err
		}
	}
	s := &Server{cfg: cfg, start: cfg.Now(), keys: idempotency{recent[digest, remembered]{most: maxKeys}},
		done: recent[digest, Status]{most: 10_000}, asked: recent[cid.Cid, *runnable]{most: 10_000}}
	s.draining, s.drain = context.WithCancel(context.Background())
	s.gate = newGate(&s.cfg, s.start)
	gin.SetMode(gin.ReleaseMode) // a global of the library, by which it prints its routes on stdout
	r := gin.New()
	r.HandleMethodNotAllowed = true
	r.RedirectTrailingSlash = false
	r.UseRawPath = false
	if err := r.SetTrustedProxies(cfg.Proxies); err != nil {
		return nil, err
	}
	r.Use(s.observe, otelgin.Middleware("trilemma", otelgin.WithTracerProvider(cfg.Tracer)), s.contain)
	r.NoRoute(func(c *gin.Context) { problem(CodeNoRoute, "there is no path %.200q", c.Request.URL.Path).write(c) })
	r.NoMethod(func(c *gin.Context) {
		problem(CodeMethod, "%s does not know %.20q", c.FullPath(), c.Request.Method).write(c)
	})
	s.api = humagin.New(r, s.description())
	s.operations()
	s.plain(r)
	s.Handler = r
	return s, nil
}

// description is what the OpenAPI document says of the whole, and how bodies are read and written.
func (s *Server) description() huma.Config {
	cfg := huma.DefaultConfig("Trilemma", "1")
	cfg.Info.Description = "Runs workflows of deterministic WebAssembly tasks with signed receipts, and checks receipts in every mode. " +
		"Every error is a problem document with a stable code."
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "", "", ""
	cfg.CreateHooks = nil // no links to schemas in answers
	cfg.RejectUnknownQueryParameters = true
	cfg.Transformers = []huma.Transformer{transform}
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"ucan": {Type: "http", Scheme: "bearer",
		Description: "A UCAN 1.0 container with one invocation, bound to the request, and its proofs."}}
	return cfg
}

// operations registers everything that the OpenAPI document describes.
func (s *Server) operations() {
	s.serviceOperations()
	s.contentOperations()
	s.workOperations()
	s.proofOperations()
	s.disputeOperations()
	s.jobOperations()
	s.receiptOperations()
	s.finishDescription()
}

// plain registers what is no part of the API's document: probes, the document itself, the gateway.
func (s *Server) plain(r *gin.Engine) {
	if s.cfg.Console != nil {
		for _, path := range []string{"/", "/console/*path"} {
			r.GET(path, gin.WrapH(s.cfg.Console))
			r.HEAD(path, gin.WrapH(s.cfg.Console))
		}
	}
	r.GET("/healthz", s.health)
	r.GET("/readyz", s.ready)
	r.GET("/metrics", gin.WrapH(s.cfg.Metrics.handler()))
	r.GET("/openapi.json", s.document)
	r.GET("/docs", s.docs)
	r.GET("/ipfs/:cid", s.gateway)
	r.HEAD("/ipfs/:cid", s.gateway)
}

// register adds an operation that is guarded by the gate.
func register[I, O any](s *Server, op huma.Operation, need need, f func(context.Context, *I) (*O, error)) {
	op.BodyReadTimeout = -1 // the gate has read it
	op.MaxBodyBytes = need.body + 1
	if need.command != "" {
		op.Security = []map[string][]string{{"ucan": {}}}
		op.Description = joinText(op.Description, "Needs the command `"+need.command+"`.")
	}
	op.Middlewares = append(op.Middlewares, s.guard(need))
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := f(ctx, in)
		if err != nil {
			p := problemOf(err)
			s.report(ctx, p)
			return nil, p
		}
		return out, nil
	})
}

func joinText(a, b string) string {
	if a == "" {
		return b
	}
	return a + " " + b
}

// report logs what a problem hides from who asked.
func (s *Server) report(ctx context.Context, p *Problem) {
	if p.Status >= http.StatusInternalServerError && !errors.Is(p.cause, context.Canceled) {
		s.cfg.Log.LogAttrs(ctx, slog.LevelError, "request failed", slog.String("request", requestID(ctx)), slog.String("code", string(p.Code)), slog.Any("error", p.cause))
	}
}
