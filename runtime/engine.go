// Package runtime runs linked modules at native speed, under wazero's compiler, metered: it gives the same outcome, output and
// fuel as the machine, always, or no result at all.
//
// A deadline, a cancelled context and a host that runs out of something are errors, never results: nobody could reproduce
// them. Limits of the task are outcomes.
package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/trilemma-dev/trilemma/link"
)

// Errors of this package. A run that ends in one has no result.
var (
	// ErrHost says that the host, not the task, failed: native stack, memory, compiler or cache.
	ErrHost = errors.New("runtime: the host could not run the task")
	// ErrUnsupported says that there is no compiler for this platform; use the machine.
	ErrUnsupported = errors.New("runtime: no native compiler for this platform")
)

// Config configures an [Engine]. The zero value works.
type Config struct {
	// CacheDir keeps compiled code between processes, keyed by content. It is created with mode 0700. Whoever can write to it
	// can run native code as this user. Empty: compiled code is kept in memory only.
	CacheDir string
	// CacheBytes bounds what CacheDir holds when an engine opens it; the oldest files go first. 0: 512 MiB.
	CacheBytes int64
	// Modules bounds how many compiled modules that do not run are kept in memory. 0: 128.
	Modules int
}

// Engine compiles and runs linked modules. It is safe for concurrent use; runs share code, never state.
type Engine struct {
	rt      wazero.Runtime
	modules modules
	dir     string
}

// features are those of profile tm/1.
const features = api.CoreFeaturesV2 &^ api.CoreFeatureSIMD

// Supported reports whether wazero has a compiler for this platform. On amd64 it also needs SSE 4.1, which [New] finds out.
func Supported() bool {
	switch runtime.GOOS {
	case "linux", "darwin", "freebsd", "netbsd", "windows":
		return runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64"
	case "dragonfly", "solaris", "illumos":
		return runtime.GOARCH == "amd64"
	}
	return false
}

// New makes an engine. ctx is used for the set-up only.
func New(ctx context.Context, c Config) (e *Engine, err error) {
	if !Supported() {
		return nil, ErrUnsupported
	}
	defer func() { // wazero panics if the processor lacks what it needs
		if r := recover(); r != nil {
			e, err = nil, fmt.Errorf("%w: %v", ErrUnsupported, r)
		}
	}()
	rc := wazero.NewRuntimeConfigCompiler()
	if c.CacheDir != "" {
		if err := os.MkdirAll(c.CacheDir, 0o700); err != nil {
			return nil, fmt.Errorf("runtime: cache: %w", err)
		}
		if err := prune(c.CacheDir, c.CacheBytes); err != nil {
			return nil, fmt.Errorf("runtime: cache: %w", err)
		}
		cache, err := wazero.NewCompilationCacheWithDir(c.CacheDir)
		if err != nil {
			return nil, fmt.Errorf("runtime: cache: %w", err)
		}
		rc = rc.WithCompilationCache(cache)
	}
	return newEngine(ctx, rc, c)
}

// newEngine makes an engine of either of wazero's kinds.
func newEngine(ctx context.Context, rc wazero.RuntimeConfig, c Config) (*Engine, error) {
	e := &Engine{rt: wazero.NewRuntimeWithConfig(ctx, rc.WithCoreFeatures(features).WithDebugInfoEnabled(false)), dir: c.CacheDir}
	e.modules.init(c.Modules)
	if err := hostModule(ctx, e.rt); err != nil {
		_ = e.rt.Close(ctx)
		return nil, fmt.Errorf("%w: %w", ErrHost, err)
	}
	return e, nil
}

// Close frees all compiled code. No run may be under way.
func (e *Engine) Close(ctx context.Context) error { return e.rt.Close(ctx) }

// Run runs l on streams within lim. The result is a pure function of the three; l and streams are not changed.
//
// ctx stops a run within about a millisecond; the error then wraps ctx.Err(). Compilation goes on in the background,
// for the next run.
func (e *Engine) Run(ctx context.Context, l *link.Linked, streams [][]byte, lim link.Limits) (link.Result, error) {
	return e.run(ctx, l, streams, lim, nil)
}

// run is [Engine.Run]. If the module ran, its instance is shown to look before it is freed.
func (e *Engine) run(ctx context.Context, l *link.Linked, streams [][]byte, lim link.Limits, look func(api.Module)) (link.Result, error) {
	if err := ctx.Err(); err != nil {
		return link.Result{}, fmt.Errorf("runtime: not started: %w", err)
	}
	if mems := l.Module.Memories; len(mems) > 0 && mems[0].Min > lim.Memory {
		return link.Result{Outcome: link.Outcome{Kind: link.OutOfMem}}, nil
	}
	c, err := e.modules.acquire(ctx, e, key{cid: l.CID, metered: true}, l)
	if err != nil {
		return link.Result{}, err
	}
	defer e.modules.release(c)
	r := &run{Context: ctx, streams: streams, limit: lim.Fuel, output: lim.Output, metered: true, look: look}
	return r.start(e.rt, c.code, lim.Memory)
}

// Compiled reports whether a run of l would find its code in memory or on disk, as far as that can be told cheaply: it may be wrong, which
// costs time and nothing else.
func (e *Engine) Compiled(l *link.Linked) bool {
	return e.modules.has(key{cid: l.CID, metered: true}) || e.dir != "" && noted(e.dir, l.CID)
}

// Bare runs l without metering, depth, memory cap or canonical NaNs, as wazero runs it alone, and ignores ctx while it does: it is
// what benchmarks compare [Engine.Run] with. The fuel in its result is 0.
func (e *Engine) Bare(ctx context.Context, l *link.Linked, streams [][]byte) (link.Result, error) {
	c, err := e.modules.acquire(ctx, e, key{cid: l.CID}, l)
	if err != nil {
		return link.Result{}, err
	}
	defer e.modules.release(c)
	r := &run{Context: ctx, streams: streams, output: 1 << 40}
	return r.start(e.rt, c.code, 0)
}
