package verifier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
)

// Hearing is a dispute about one task whose sides answer for themselves: what they answered until now.
type Hearing struct {
	Opened   time.Time
	Patience time.Duration // that a side is given for an answer
	Moves    []Move        // in the order in which they came
	Now      time.Time     // who owes an answer whose time is over by then has lost
}

// Move is an answer of a side, and when it came. Whose it is says the transport.
type Move struct {
	At    time.Time
	Side  spotcheck.Side
	Reply []byte
}

// Pending says what sides are asked, and have not answered. It is the error of a hearing that goes on.
type Pending struct {
	Round    int
	Deadline time.Time
	Asks     [2]*spotcheck.Ask // by side; nil: it has answered
}

// Error says what is waited for.
func (p *Pending) Error() string {
	return fmt.Sprintf("answers of round %d are waited for until %s", p.Round, p.Deadline.UTC().Format(time.RFC3339))
}

// hear leads the game by the answers that came. An answer that nobody asked for changes nothing.
func (d *dispute) hear(ctx context.Context, name cid.Cid, judge spotcheck.Transcripts) ([]spotcheck.Fault, error) {
	h := d.cfg.Heard
	g, err := spotcheck.NewGame(spotcheck.GameConfig{Dispute: name, Arity: d.cfg.Arity, Patience: h.Patience}, judge, judge[0].Stated(), judge[1].Stated(), h.Opened)
	if err != nil {
		return nil, err
	}
	for _, m := range h.Moves {
		if err := g.Answer(m.At, m.Side, m.Reply); errors.Is(err, spotcheck.ErrNotAsked) {
			continue
		} else if err != nil && !errors.Is(err, spotcheck.ErrMalformed) {
			return nil, err
		}
		d.out.Messages++
		d.out.Bytes += int64(len(m.Reply))
	}
	g.Tick(h.Now)
	d.out.Rounds = g.Rounds()
	if faults, done := g.Faults(); done {
		return d.complete(ctx, faults, nil)
	}
	return nil, &Pending{Round: g.Rounds(), Deadline: g.Deadline(), Asks: [2]*spotcheck.Ask{g.Asked(spotcheck.A), g.Asked(spotcheck.B)}}
}

// Respond is a side's answer to what the referee of a hearing asks about a computation, from its own bundle. o opens segments, by running the task. The error is
// that of [Missing] if the bundle does not have what it takes.
func Respond(ctx context.Context, b *receipts.Bundle, computation cid.Cid, ask *spotcheck.Ask, o Opener) (*spotcheck.Reply, error) {
	c := newChecker(b, Config{Now: time.Now})
	if err := c.open(); err != nil {
		return nil, err
	}
	for _, t := range c.w.Tasks {
		if !t.Computation.Equals(computation) || c.receipts[t.Label] == nil {
			continue
		}
		s := &side{checker: c, task: t, claim: c.receipts[t.Label].Claim}
		f, err := s.statement()
		switch {
		case err != nil:
			return nil, err
		case f != nil:
			return nil, fmt.Errorf("the bundle says what cannot be: %s", f.Reason)
		case s.trace == nil:
			return nil, fmt.Errorf("%w: its receipt has no transcript", errMissing)
		}
		from := &answers{d: &dispute{cfg: SettleConfig{Opener: o}}, ctx: ctx, made: make(map[uint64][]byte)}
		return spotcheck.NewReply(ask, s.trace.roots, func(segment uint64) ([]byte, error) { return from.open(s, segment) })
	}
	return nil, fmt.Errorf("%w of the computation %s", ErrNoTask, computation)
}
