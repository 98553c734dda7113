package httpapi

import (
	"crypto/sha256"
	"time"
)

// idempotency remembers for a day which request each Idempotency-Key was used for, as long as there is room. That equal requests are one job
// does not rest on it: it only finds a key that is used twice.
type idempotency struct{ recent[digest, remembered] }

type digest = [sha256.Size]byte

type remembered struct {
	request digest
	at      time.Time
}

const (
	keyLife = 24 * time.Hour
	maxKeys = 50_000
)

// check notes that a principal used a key for a request, or says that it was another one.
func (i *idempotency) check(principal, key string, request digest, now time.Time) error {
	if key == "" {
		return nil
	}
	id := sha256.Sum256([]byte("trilemma/idempotency/1\x00" + principal + "\x00" + key))
	if r, ok := i.get(id); ok && now.Sub(r.at) <= keyLife {
		if r.request != request {
			return problem(CodeKey, "the Idempotency-Key was used for another request")
		}
		return nil
	}
	i.put(id, remembered{request, now})
	return nil
}
