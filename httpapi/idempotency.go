package httpapi

import (
	"crypto/sha256"
	"sync"
	"time"
)

// idempotency remembers for a day which request each Idempotency-Key was used for. That equal requests are one job does not
// rest on it: it only finds a key that is used twice.
type idempotency struct {
	mu  sync.Mutex
	old map[[32]byte]remembered
	new map[[32]byte]remembered
}

type remembered struct {
	request [sha256.Size]byte
	at      time.Time
}

const (
	keyLife = 24 * time.Hour
	maxKeys = 50_000 // of each generation
)

func newIdempotency() *idempotency {
	return &idempotency{old: map[[32]byte]remembered{}, new: map[[32]byte]remembered{}}
}

// check notes that a principal used a key for a request, or says that it was another one.
func (i *idempotency) check(principal, key, kind string, request []byte, now time.Time) error {
	if key == "" {
		return nil
	}
	id := sha256.Sum256([]byte("trilemma/idempotency/1\x00" + principal + "\x00" + key))
	sum := sha256.Sum256(append([]byte(kind+"\x00"), request...))
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, m := range []map[[32]byte]remembered{i.new, i.old} {
		r, ok := m[id]
		if !ok || now.Sub(r.at) > keyLife {
			continue
		}
		if r.request != sum {
			return problem(CodeKey, "the Idempotency-Key was used for another request")
		}
		return nil
	}
	if len(i.new) >= maxKeys {
		i.old, i.new = i.new, map[[32]byte]remembered{}
	}
	i.new[id] = remembered{sum, now}
	return nil
}
