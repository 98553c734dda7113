package evaluate

import (
	"fmt"
	"strings"
	"sync"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/wasm"
	"github.com/trilemma-dev/trilemma/workflow"
)

// maxCached bounds the bytes of modules that a Cache keeps, decoded and linked.
const maxCached = 64 << 20

// Cache decodes and links each module once. The zero value is ready; it is safe for concurrent use.
type Cache struct {
	mu      sync.Mutex
	modules map[cid.Cid]*module
	bytes   int
}

// module is a decoded, validated module, and what it was linked to so far.
type module struct {
	once    sync.Once
	decoded *wasm.Module
	failure *receipts.Failure
	mu      sync.Mutex
	linked  map[string]linked
}

// linked is what a module was linked to for an entry, or why the result is of no use.
type linked struct {
	*link.Linked
	err error
}

func (c *Cache) module(id cid.Cid, get Getter) (*module, *receipts.Failure, error) {
	b, ok := get(id)
	if !ok {
		return nil, nil, fmt.Errorf("module %s: %w", id, ErrMissing)
	}
	c.mu.Lock()
	m := c.modules[id]
	if m == nil {
		if c.bytes += len(b.Data); c.modules == nil || c.bytes > maxCached {
			c.modules, c.bytes = make(map[cid.Cid]*module), len(b.Data)
		}
		m = &module{linked: make(map[string]linked)}
		c.modules[id] = m
	}
	c.mu.Unlock()
	m.once.Do(func() {
		d, err := wasm.Load(b.Data)
		if err != nil {
			m.failure = refusal("%v", err)
			return
		}
		m.decoded = d
	})
	return m, m.failure, nil
}

// link links m for an entry. A workflow can ask for any number of entries into one module, so these count too.
func (c *Cache) link(m *module, e link.Entry) (*link.Linked, error) {
	key := entryKey(e)
	m.mu.Lock()
	defer m.mu.Unlock()
	if l, ok := m.linked[key]; ok {
		return l.Linked, l.err
	}
	l, err := link.Link(m.decoded, e)
	if err != nil {
		return nil, err
	}
	// Whatever engine runs it: what the machine cannot take, nobody could check.
	err = machine.CheckSize(l)
	m.linked[key] = linked{l, err}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bytes += len(l.Bytes); c.bytes > maxCached {
		c.modules, c.bytes = nil, 0
	}
	return l, err
}

func entryKey(e link.Entry) string {
	var b strings.Builder
	b.WriteString(e.Func)
	for _, k := range e.Params {
		b.WriteString("\x00" + string(k))
	}
	b.WriteString("\x00->")
	for _, k := range e.Results {
		b.WriteString("\x00" + string(k))
	}
	return b.String()
}

// Check says why a task would be refused whatever its parameters turn out to be, or nil: its module is not what the
// profile allows, or does not have the function.
func (c *Cache) Check(call workflow.Call, get Getter) (*receipts.Failure, error) {
	m, failure, err := c.module(call.Mod, get)
	if failure != nil || err != nil {
		return failure, err
	}
	if err := link.Check(m.decoded, call.Fun); err != nil {
		return refusal("%v", err), nil
	}
	return nil, nil
}
