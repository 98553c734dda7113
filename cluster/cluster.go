// Package cluster is the durable engine: jobs that were accepted are finished, whatever is killed meanwhile, and what they
// yield is kept once. It is NATS JetStream, in this process or elsewhere: the code is the same.
//
// Laws: a job that Submit accepted ends once for each attempt; a receipt is in the feed once; a handler may be run more
// often than once (a process that was killed said nothing), so that what must happen at most once goes through Create.
package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Config says where the engine is. Either Dir or URL is required.
type Config struct {
	// Dir is the data directory of an engine in this process. It is made with mode 0700, belongs to one process at a time,
	// and everything in it is synced before it is acknowledged. No socket is opened.
	Dir string

	URL         string // of NATS servers elsewhere, separated by commas
	Credentials string // file of NATS credentials; empty: none
	CA          string // file of certificates to check the servers by; empty: the system's
	Replicas    int    // copies of everything, on as many servers; 0: 1

	MaxBytes int64 // that may be kept on disk by an engine in this process; 0: most of what is free

	Log *slog.Logger     // nil: nothing is logged
	Now func() time.Time // nil: time.Now
}

func (c Config) withDefaults() (Config, error) {
	if (c.Dir == "") == (c.URL == "") {
		return c, errors.New("cluster: either a data directory or a URL is required")
	}
	if c.Replicas == 0 {
		c.Replicas = 1
	}
	if c.Replicas < 1 || c.Replicas > 5 || c.Dir != "" && c.Replicas != 1 {
		return c, fmt.Errorf("cluster: %d replicas; 1 to 5 are possible, and an engine in this process has 1", c.Replicas)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}

// Engine is a connection to the engine; it is safe for concurrent use. It implements store.Blocks and store.Records.
type Engine struct {
	cfg    Config
	name   string // of this engine value: no other has the same
	writes atomic.Uint64
	ended  atomic.Uint64 // ends that were written, or nearly so
	server *embedded     // nil if the engine is elsewhere
	nc     *nats.Conn
	js     jetstream.JetStream

	jobs, ends jetstream.Stream
	events     atomic.Pointer[jetstream.Stream]
	kept       jetstream.KeyValue // see the keys in streams.go
	content    jetstream.ObjectStore

	watch  hub
	packs  packs
	stored cidSet
	cancel context.CancelFunc
	closed sync.Once
}

// Open starts or joins the engine. Data of a newer schema is refused with [ErrVersion] and left as it is; a data directory
// that another process has is [ErrBusy].
func Open(ctx context.Context, cfg Config) (*Engine, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	e := &Engine{cfg: cfg, name: rand.Text()}
	if err := e.start(ctx); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

func (e *Engine) start(ctx context.Context) (err error) {
	if e.cfg.Dir != "" {
		if e.server, err = startEmbedded(e.cfg); err != nil {
			return err
		}
	}
	if err := e.connect(); err != nil {
		return err
	}
	if err := e.open(ctx); err != nil {
		return fmt.Errorf("engine: %w", e.storageError(err))
	}
	life, cancel := context.WithCancel(context.Background())
	e.cancel = cancel
	if err := e.follow(ctx, life); err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	return nil
}

func (e *Engine) connect() (err error) {
	opts := []nats.Option{nats.Name("trilemma"), nats.MaxReconnects(-1), nats.ReconnectWait(200 * time.Millisecond),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				e.cfg.Log.Warn("engine: connection lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) { e.cfg.Log.Info("engine: connected again", "server", nc.ConnectedServerName()) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			e.cfg.Log.Warn("engine: connection", "error", err)
		}),
	}
	url := e.cfg.URL
	if e.server != nil {
		opts = append(opts, nats.InProcessServer(e.server.ns))
	}
	if e.cfg.Credentials != "" {
		opts = append(opts, nats.UserCredentials(e.cfg.Credentials))
	}
	if e.cfg.CA != "" {
		opts = append(opts, nats.RootCAs(e.cfg.CA))
	}
	if e.nc, err = nats.Connect(url, opts...); err != nil {
		return fmt.Errorf("connect to the engine: %w", err)
	}
	if e.js, err = jetstream.New(e.nc, jetstream.WithDefaultTimeout(requestTimeout)); err != nil {
		return fmt.Errorf("connect to the engine: %w", err)
	}
	return nil
}

// requestTimeout bounds one request to the engine. What was asked may have happened all the same.
const requestTimeout = 5 * time.Second

// Close lets go of the engine, and ends one in this process. Workers must have ended.
func (e *Engine) Close() (err error) {
	e.closed.Do(func() {
		if e.cancel != nil {
			e.cancel()
		}
		if e.nc != nil {
			e.nc.Close()
		}
		if e.server != nil {
			err = e.server.close()
		}
	})
	return err
}

// Ready reports, as an error, why the engine cannot take work now.
func (e *Engine) Ready(ctx context.Context) error {
	if !e.nc.IsConnected() {
		return fmt.Errorf("engine: %w", nats.ErrDisconnected)
	}
	if err := e.broken(); err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	if _, err := e.jobs.Info(ctx); err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	return nil
}

// Writes counts the durable writes that this value asked for since it was opened: each is synced to disk before it is
// acknowledged. What JetStream notes for itself (what was acknowledged, what was removed) is not counted.
func (e *Engine) Writes() uint64 { return e.writes.Load() }
