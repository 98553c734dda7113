package capability

import (
	"container/heap"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"
)

// Replay remembers the nonces of invocations that must not be carried out twice, each until its invocation expires, so
// that its size is bounded by the rate of requests and by Longest. It is safe for concurrent use.
//
// Law: of all calls of Use with the same issuer and nonce, in one process, exactly one returns nil.
type Replay struct {
	// Longest is the longest time until an invocation may expire; zero stands for five minutes.
	Longest time.Duration
	// Most is the largest number of nonces that are kept; zero stands for 1,000,000. A full set refuses everything.
	Most int
	// Skew is that of the [Validator]: an invocation is remembered for as long as it would be accepted.
	Skew time.Duration
	// Since, unless zero, refuses invocations that do not say that they were issued later. A set that is kept in memory
	// only is empty after a restart; with the time of the start here nothing from before it can be used again.
	Since time.Time

	mu     sync.Mutex
	nonces map[nonceKey]bool
	order  expiries
}

type nonceKey [sha256.Size]byte

// Use takes note of an invocation, at the time now. It returns [ErrReplay] if the nonce was used before, or if the
// invocation has no nonce or does not expire soon, so that nobody could remember it for long enough. Call it last, after
// [Validator.Validate] allowed the invocation: what is refused for another reason uses up nothing.
func (r *Replay) Use(inv *Invocation, now time.Time) error {
	longest := r.Longest
	if longest == 0 {
		longest = 5 * time.Minute
	}
	most := r.Most
	if most == 0 {
		most = 1_000_000
	}
	skew := int64(r.Skew / time.Second)
	switch {
	case len(inv.Nonce) == 0:
		return fmt.Errorf("%w: no nonce", ErrReplay)
	case inv.Expires == nil || *inv.Expires > now.Unix()+skew+int64(longest/time.Second):
		return fmt.Errorf("%w: it has to expire within %v", ErrReplay, longest)
	case !r.Since.IsZero() && (inv.IssuedAt == nil || *inv.IssuedAt <= r.Since.Unix()):
		return fmt.Errorf("%w: it has to say that it was issued after %s", ErrReplay, moment(r.Since.Unix()))
	}
	key := nonceKey(sha256.Sum256(append([]byte("trilemma/nonce/1\x00"+inv.Issuer+"\x00"), inv.Nonce...)))
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.order) > 0 && r.order[0].at < now.Unix()-skew {
		delete(r.nonces, heap.Pop(&r.order).(expiry).key)
	}
	if r.nonces[key] {
		return fmt.Errorf("%w: the nonce %x of %s", ErrReplay, inv.Nonce, inv.Issuer)
	}
	if len(r.nonces) >= most {
		return fmt.Errorf("%w: too many requests are remembered", ErrReplay)
	}
	if r.nonces == nil {
		r.nonces = make(map[nonceKey]bool)
	}
	r.nonces[key] = true
	heap.Push(&r.order, expiry{*inv.Expires, key})
	return nil
}

// Len is the number of nonces that are remembered.
func (r *Replay) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.nonces)
}

type expiry struct {
	at  int64
	key nonceKey
}

// expiries is a heap, the earliest first.
type expiries []expiry

func (e expiries) Len() int           { return len(e) }
func (e expiries) Less(i, j int) bool { return e[i].at < e[j].at }
func (e expiries) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *expiries) Push(x any)        { *e = append(*e, x.(expiry)) }
func (e *expiries) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}
