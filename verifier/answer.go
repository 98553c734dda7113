package verifier

import (
	"context"
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
)

// Opener opens segments of a run: the machine does.
type Opener interface {
	Open(ctx context.Context, l *link.Linked, streams [][]byte, lim link.Limits, segments []uint64) ([]*machine.Opening, error)
}

// maxOpenings bounds the bytes of an answer's openings, all together.
const maxOpenings = 256 << 20

// Answer makes the answer to a challenge about the run of a bundle that holds modules and inputs: an archive whose root is the answer, with the
// challenge and the openings. It is the executor's side of a spot-check, which runs
// every task again up to the last segment that was drawn. What the challenge may cost is bounded before anything runs: [spotcheck.MaxSamples]
// segments, each task once. A run that does not give the states of its transcript is answered as it is: the challenger will see.
func Answer(ctx context.Context, b *receipts.Bundle, ch *spotcheck.Challenge, o Opener) (*receipts.Archive, error) {
	c := newChecker(b, Config{})
	if err := c.open(); err != nil {
		return nil, err
	}
	s := c.draw(&sampling{challenge: ch})
	if s.err != nil {
		return nil, s.err
	}
	challenge, err := ch.Block()
	if err != nil {
		return nil, err
	}
	out := []block.Block{challenge}
	var places []spotcheck.Place
	var ids []cid.Cid
	size := 0
	for _, p := range s.parts {
		drawn := s.drawn[p.Task]
		if len(drawn) == 0 {
			continue
		}
		job, err := c.prepare(c.w.Task(p.Task))
		if err != nil {
			return nil, fmt.Errorf("task %q: %w", p.Task, err)
		}
		if job == nil {
			return nil, fmt.Errorf("task %q did not run", p.Task)
		}
		var numbers []uint64
		for _, d := range drawn {
			numbers = append(numbers, d.Segment)
		}
		openings, err := o.Open(ctx, job.Linked, job.Streams, job.Limits, numbers)
		if err != nil {
			return nil, fmt.Errorf("task %q: %w", p.Task, err)
		}
		for i, x := range openings {
			ob, err := x.Block()
			if err != nil {
				return nil, fmt.Errorf("task %q: %w", p.Task, err)
			}
			if size += len(ob.Data); size > maxOpenings {
				return nil, fmt.Errorf("task %q: the openings have more than %d bytes: fewer samples do", p.Task, maxOpenings)
			}
			places, ids = append(places, drawn[i]), append(ids, ob.CID)
			out = append(out, ob)
		}
	}
	a, err := spotcheck.NewAnswer(challenge.CID, places, ids)
	if err != nil {
		return nil, err
	}
	ab, err := a.Block()
	if err != nil {
		return nil, err
	}
	return receipts.NewArchive(append([]block.Block{ab}, out...)...), nil
}

// Drawn is what a challenge draws from the run of a bundle.
func Drawn(b *receipts.Bundle, ch *spotcheck.Challenge) ([]spotcheck.Place, error) {
	c := newChecker(b, Config{})
	if err := c.open(); err != nil {
		return nil, err
	}
	s := c.draw(&sampling{challenge: ch})
	var out []spotcheck.Place
	for _, p := range s.parts {
		out = append(out, s.drawn[p.Task]...)
	}
	if s.err == nil && out == nil {
		return nil, fmt.Errorf("%w: no task of the run has a transcript", errMissing)
	}
	return out, s.err
}

// ReadAnswer reads an answer, and the challenge that it answers, out of an archive of which it is the root.
func ReadAnswer(from *receipts.Archive) (*spotcheck.Answer, *spotcheck.Challenge, error) {
	a, err := spotcheck.ReadAnswer(from.Blocks[from.Root])
	if err != nil {
		return nil, nil, err
	}
	b, ok := from.Get(a.ChallengeCID())
	if !ok {
		return nil, nil, errors.New("the challenge that is answered is missing")
	}
	ch, err := spotcheck.ReadChallenge(b.Data)
	return a, ch, err
}

// Segments is how many segments the run of a bundle has, by its receipts: those that samples are drawn from.
func Segments(b *receipts.Bundle) (n uint64, err error) {
	c := newChecker(b, Config{})
	if err := c.open(); err != nil {
		return 0, err
	}
	parts, _, err := c.population()
	for _, p := range parts {
		n += p.Segments
	}
	return n, err
}
