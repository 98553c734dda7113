package verifier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
)

// traced is a transcript with its state roots, and the job that it is said to be of.
type traced struct {
	job   *evaluate.Job
	t     *machine.Transcript
	roots []machine.Digest
}

// find finds out who is wrong. It looks first at what each side says as such, which needs nobody's answer, and then leads the game. An error says what is
// missing.
func (d *dispute) find(ctx context.Context) (faults []spotcheck.Fault, err error) {
	for i, s := range d.sides {
		f, err := s.statement()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", spotcheck.Side(i), err)
		}
		if f != nil {
			f.Side = spotcheck.Side(i)
			faults = append(faults, *f)
		}
	}
	if len(faults) > 0 {
		return faults, nil
	}
	for i, s := range d.sides {
		if s.trace == nil {
			return nil, fmt.Errorf("%w: %s's receipt has no transcript to look into", errMissing, spotcheck.Side(i))
		}
	}
	return d.play(ctx)
}

// statement checks what a side says before anybody asks: see [checker.spot]. What is wrong is a fault; an error says what is missing.
func (s *side) statement() (*spotcheck.Fault, error) {
	wrong := func(err error) (*spotcheck.Fault, error) {
		if Missing(err) {
			return nil, err
		}
		return &spotcheck.Fault{Ground: spotcheck.GroundClaim, Reason: err.Error()}, nil
	}
	job, err := s.prepare(s.task)
	if err != nil {
		return wrong(err)
	}
	switch run := s.claim.Run; {
	case job == nil: // nothing to run, and that is what the receipt says
		return nil, nil
	case run.Fuel == nil:
		return wrong(fmt.Errorf("its receipt says %s, but nothing keeps it from running", describe(s.claim.Out)))
	case run.Transcript == nil:
		return nil, nil
	}
	t, roots, err := s.transcript(s.claim)
	if err != nil {
		return wrong(err)
	}
	if s.claim.Run.Outputs != nil {
		for _, o := range *s.claim.Run.Outputs {
			if o.Cid == nil {
				continue
			}
			if b, ok := s.get(receipts.CID(*o.Cid)); ok && !spotcheck.SameOutput(t, o.Stream, b.Data) {
				return &spotcheck.Fault{Ground: spotcheck.GroundOutput, Stream: o.Stream, Content: b.Data,
					Reason: fmt.Sprintf("its transcript has another output stream %d than its receipt names", o.Stream)}, nil
			}
		}
	}
	if _, err := s.stated(s.task, s.claim, t); err != nil {
		return wrong(err)
	}
	s.trace = &traced{job, t, roots}
	return nil, nil
}

// play leads the game over the two transcripts, both sides of which are played here, from what the bundles hold.
func (d *dispute) play(ctx context.Context) ([]spotcheck.Fault, error) {
	name, err := spotcheck.NewDispute(d.out.Receipts[0], d.out.Receipts[1])
	if err != nil {
		return nil, err
	}
	// What the sides state beside the states was checked before.
	judge := spotcheck.Transcripts{{Transcript: d.sides[0].trace.t}, {Transcript: d.sides[1].trace.t}}
	if d.cfg.Heard != nil {
		return d.hear(ctx, name.CID, judge)
	}
	// Nobody is waited for: there is one moment.
	now := time.Time{}
	g, err := spotcheck.NewGame(spotcheck.GameConfig{Dispute: name.CID, Arity: d.cfg.Arity, Patience: time.Second}, judge, judge[0].Stated(), judge[1].Stated(), now)
	if err != nil {
		return nil, err
	}
	said := &answers{d: d, ctx: ctx, made: make(map[uint64][]byte)}
	for {
		faults, done := g.Faults()
		if done {
			d.out.Rounds = g.Rounds()
			return d.complete(ctx, faults, said)
		}
		for i := range d.sides {
			who := spotcheck.Side(i)
			ask := g.Asked(who)
			if ask == nil {
				continue
			}
			asked, err := ask.Block()
			if err != nil {
				return nil, err
			}
			reply, err := said.reply(who, ask)
			if err != nil {
				return nil, err
			}
			d.out.Messages += 2
			d.out.Bytes += int64(len(asked.Data) + len(reply))
			if err := g.Answer(now, who, reply); err != nil && !errors.Is(err, spotcheck.ErrMalformed) {
				return nil, err
			}
		}
	}
}

// complete adds what the game does not know to its faults. If both sides agree on a state that is none of this computation, no true opening begins
// there: each side's first wrong segment is then looked for by running the task.
func (d *dispute) complete(ctx context.Context, faults []spotcheck.Fault, said *answers) ([]spotcheck.Fault, error) {
	for i := range faults {
		f := &faults[i]
		switch f.Ground {
		case spotcheck.GroundLength:
			f.Content = d.sides[1-f.Side].trace.t.Final
		case spotcheck.GroundMalformed:
			if d.cfg.Opener == nil { // that is what the bundle holds
				continue
			}
			first, err := said.first(ctx, f.Side)
			if err != nil {
				return nil, err
			}
			*f = *first
		}
	}
	return faults, nil
}

// answers speaks for both sides.
type answers struct {
	d    *dispute
	ctx  context.Context
	made map[uint64][]byte // openings by running the task, by segment
}

// reply answers a question for a side, as it would itself, and counts what that takes.
func (a *answers) reply(who spotcheck.Side, ask *spotcheck.Ask) ([]byte, error) {
	s := a.d.sides[who]
	defer a.count(s.begin())
	r, err := spotcheck.NewReply(ask, s.trace.roots, func(segment uint64) ([]byte, error) { return a.open(s, segment) })
	if err != nil {
		return nil, err
	}
	b, err := r.Block()
	return b.Data, err
}

func (a *answers) count(start moment) {
	c := a.d.sides[0].since(start)
	a.d.out.Sides.Wall += c.Wall
	a.d.out.Sides.CPU += c.CPU
}

// open finds an opening: by running the task, or where that cannot be done one that the side's bundle holds.
func (a *answers) open(s *side, segment uint64) ([]byte, error) {
	if a.d.cfg.Opener == nil {
		held, err := s.answers()
		if err != nil {
			return nil, err
		}
		from := &sampling{answers: held, get: s.get}
		if data, ok := from.opening(spotcheck.Place{Task: s.task.Label, Segment: segment}); ok {
			return data, nil
		}
		return nil, fmt.Errorf("%w: no opening of segment %d", errMissing, segment)
	}
	return a.run(s.trace.job, segment)
}

// run makes an opening by running the task.
func (a *answers) run(job *evaluate.Job, segment uint64) ([]byte, error) {
	if data, ok := a.made[segment]; ok {
		return data, nil
	}
	opened, err := a.d.cfg.Opener.Open(a.ctx, job.Linked, job.Streams, job.Limits, []uint64{segment})
	if err != nil {
		return nil, fmt.Errorf("%w: segment %d could not be opened here: %w", errMissing, segment, err)
	}
	b, err := opened[0].Block()
	if err != nil {
		return nil, err
	}
	a.made[segment] = b.Data
	return b.Data, nil
}

// first runs the task and finds the first segment of a side's transcript that is wrong.
func (a *answers) first(ctx context.Context, who spotcheck.Side) (*spotcheck.Fault, error) {
	s := a.d.sides[who]
	defer a.count(s.begin())
	roots := s.trace.roots
	at, wrong := uint64(0), uint64(0)
	_, err := s.machine.Trace(ctx, s.trace.job.Linked, s.trace.job.Streams, s.trace.job.Limits, machine.SegmentSteps, func(root machine.Digest) error {
		if at >= uint64(len(roots)) || roots[at] != root {
			wrong = at - 1 // the first root was compared with the program's: at is not 0
			return errStopped
		}
		at++
		return nil
	})
	if !errors.Is(err, errStopped) || wrong+1 >= uint64(len(roots)) {
		return nil, fmt.Errorf("%w: the task could not be traced here: %v", errMissing, err)
	}
	opening, err := a.run(s.trace.job, wrong)
	if err != nil {
		return nil, err
	}
	tree := machine.NewRootTree(roots)
	before, after := spotcheck.Show(roots, tree, wrong), spotcheck.Show(roots, tree, wrong+1)
	return &spotcheck.Fault{Side: who, Ground: spotcheck.GroundSegment, Segment: wrong, Before: &before, After: &after, Opening: opening,
		Reason: fmt.Sprintf("segment %d of its transcript: from the state before it, which is right, its steps do not lead to the state after it", wrong)}, nil
}

// Missing says whether an error is about evidence that is not there, and not about what there is.
func Missing(err error) bool {
	return errors.Is(err, errMissing) || errors.Is(err, evaluate.ErrMissing) || errors.Is(err, spotcheck.ErrUnanswered)
}
