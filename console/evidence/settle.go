package evidence

import (
	"context"
	"errors"
	"time"

	"github.com/trilemma-dev/trilemma/internal/report"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/verifier"
)

// Settled is what became of a task that two bundles have in common.
type Settled struct {
	Task      string    `json:"task"`
	State     string    `json:"state"` // agreed, settled, follows or open
	Reason    string    `json:"reason,omitempty"`
	Differ    string    `json:"differ,omitempty"` // in what the receipts contradict each other
	Executors [2]string `json:"executors"`
	Wrong     []Wrong   `json:"wrong"`
	Rounds    int       `json:"rounds"`
	Messages  int       `json:"messages"`
	Bytes     int64     `json:"bytes"` // of all messages
	Referee   wire.Cost `json:"referee"`
	Sides     wire.Cost `json:"sides"`
	Segments  int64     `json:"segments"` // of the longer transcript
	Arity     uint64    `json:"arity"`
}

// Wrong is a side of which a dispute found that it is wrong.
type Wrong struct {
	Side    string  `json:"side"` // A or B
	Ground  string  `json:"ground"`
	Reason  string  `json:"reason"`
	Segment *uint64 `json:"segment,omitempty"`
}

// arity is into how many parts a round of a dispute divides what is left.
const arity = 4

// Settle finds out who is wrong where two bundles disagree, task by task.
func Settle(ctx context.Context, a, b *File) ([]Settled, error) {
	if a.bundle == nil || b.bundle == nil {
		return nil, errors.New("a dispute is between two bundles")
	}
	found, err := verifier.Settle(ctx, a.bundle, b.bundle, verifier.SettleConfig{Arity: arity, Opener: &machine.Engine{}, Now: time.Now})
	if err != nil {
		return nil, err
	}
	out := []Settled{}
	for _, s := range found {
		j := Settled{Task: s.Task, State: s.State, Reason: s.Reason, Differ: s.Differ, Executors: s.Executors, Wrong: []Wrong{}, Rounds: s.Rounds, Messages: s.Messages,
			Bytes: s.Bytes, Referee: report.Cost(s.Referee), Sides: report.Cost(s.Sides), Arity: arity}
		for _, f := range []*File{a, b} {
			if f.Run != nil {
				if n := f.Run.Tasks[s.Task].Segments; n != nil {
					j.Segments = max(j.Segments, *n)
				}
			}
		}
		for _, w := range s.Wrong {
			j.Wrong = append(j.Wrong, Wrong{w.Side.String(), w.Ground, w.Reason, w.Segment})
		}
		out = append(out, j)
	}
	return out, nil
}
