package runtime

import (
	"container/list"
	"context"
	"fmt"
	"sync"

	"github.com/ipfs/go-cid"
	"github.com/tetratelabs/wazero"

	"github.com/trilemma-dev/trilemma/link"
)

const defaultModules = 128

// key names compiled code: a linked module, metered or bare.
type key struct {
	cid     cid.Cid
	metered bool
}

// compiled is a compiled module. Its code may be freed only when no run uses it.
type compiled struct {
	key   key
	ready chan struct{} // closed when code and err are set
	code  wazero.CompiledModule
	err   error
	users int           // runs under way or waiting
	idle  *list.Element // its place among those without users
}

// modules keeps compiled modules: those that run, and of the others the most recently used.
type modules struct {
	mu   sync.Mutex
	max  int
	all  map[key]*compiled
	idle list.List // of *compiled, the least recently used first
}

func (m *modules) init(max int) {
	if max <= 0 {
		max = defaultModules
	}
	m.max, m.all = max, map[key]*compiled{}
}

// acquire returns compiled code for k, compiling l if need be. Several callers share one compilation; a caller whose context ends
// leaves it to finish by itself.
func (m *modules) acquire(ctx context.Context, e *Engine, k key, l *link.Linked) (*compiled, error) {
	m.mu.Lock()
	c := m.all[k]
	if c == nil {
		c = &compiled{key: k, ready: make(chan struct{}), users: 1} // the compilation is a user
		m.all[k] = c
		go func() {
			c.code, c.err = e.compile(context.WithoutCancel(ctx), k, l)
			close(c.ready)
			m.release(c)
		}()
	}
	if c.idle != nil {
		m.idle.Remove(c.idle)
		c.idle = nil
	}
	c.users++
	m.mu.Unlock()

	select {
	case <-c.ready:
	case <-ctx.Done():
		select {
		case <-c.ready:
		default:
			m.release(c)
			return nil, fmt.Errorf("runtime: stopped while compiling: %w", ctx.Err())
		}
	}
	if c.err != nil {
		m.release(c)
		return nil, c.err
	}
	return c, nil
}

// release gives c back, and frees what is too much.
func (m *modules) release(c *compiled) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.users--; c.users > 0 {
		return
	}
	if c.err != nil { // not kept: the reason may be gone the next time
		delete(m.all, c.key)
		return
	}
	c.idle = m.idle.PushBack(c)
	for m.idle.Len() > m.max {
		old := m.idle.Remove(m.idle.Front()).(*compiled)
		delete(m.all, old.key)
		_ = old.code.Close(context.Background()) // frees memory; its error is always nil
	}
}

// has reports whether code for k is ready in memory.
func (m *modules) has(k key) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.all[k]
	if c == nil {
		return false
	}
	select {
	case <-c.ready:
		return c.err == nil
	default:
		return false
	}
}

// compile compiles l. A cache on disk that cannot be read is emptied, once.
func (e *Engine) compile(ctx context.Context, k key, l *link.Linked) (code wazero.CompiledModule, err error) {
	defer func() {
		if p := recover(); p != nil {
			code, err = nil, fmt.Errorf("%w: compiling: %v", ErrHost, p)
		}
	}()
	b := l.Bytes
	if k.metered {
		if b, err = link.Instrument(l); err != nil {
			return nil, err
		}
	}
	code, err = e.rt.CompileModule(ctx, b)
	if err != nil && e.dir != "" {
		if err := empty(e.dir); err != nil {
			return nil, fmt.Errorf("%w: cache: %w", ErrHost, err)
		}
		code, err = e.rt.CompileModule(ctx, b)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: compiling: %w", ErrHost, err)
	}
	if k.metered && e.dir != "" {
		note(e.dir, k.cid)
	}
	return code, nil
}
