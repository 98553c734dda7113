package httpapi

import "sync"

// recent keeps what was put or used lately: at least the last most entries, at most twice as many. What is kept must never change. It
// is safe for concurrent use.
type recent[K comparable, V any] struct {
	most int

	mu       sync.Mutex
	old, new map[K]V // owned by mu
}

// get returns what was put under a key, if it is still there.
func (r *recent[K, V]) get(key K) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.new[key]
	if !ok {
		if v, ok = r.old[key]; ok {
			r.add(key, v)
		}
	}
	return v, ok
}

// put keeps a value, and replaces an older one.
func (r *recent[K, V]) put(key K, v V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(key, v)
}

func (r *recent[K, V]) add(key K, v V) {
	if r.new == nil || len(r.new) >= r.most {
		r.old, r.new = r.new, make(map[K]V)
	}
	r.new[key] = v
}
