package verifier

import (
	"fmt"
	"maps"
	"math/big"
	"strings"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
)

// maxAnswers bounds the answers in a bundle.
const maxAnswers = 16

// Challenged says what is drawn in mode Spot, and where the openings are that are not in the bundle.
type Challenged struct {
	Challenge *spotcheck.Challenge
	Ours      bool                              // its nonce was made by whoever verifies, after the receipt had arrived, and was used for nothing else
	Answer    *spotcheck.Answer                 // nil: the openings are in the bundle
	Get       func(cid.Cid) (block.Block, bool) // finds the answer's openings
	Here      bool                              // whoever verifies made the answer, by running the tasks
}

// sampling is one drawing of segments of the run.
type sampling struct {
	challenge *spotcheck.Challenge
	ours      bool
	here      bool
	answers   []*spotcheck.Answer // any of them may hold an opening
	get       func(cid.Cid) (block.Block, bool)
	parts     []spotcheck.Part
	drawn     map[string][]spotcheck.Place // by label
	n, k      uint64                       // segments of the run, and how many were drawn
	err       error                        // why nothing can be drawn
}

// Sampling is what a verdict in mode Spot says of the drawing, in numbers.
type Sampling struct {
	Segments, Samples         uint64 // of the run, or for a weighted drawing of the task
	TaskSegments, TaskSamples uint64 // of the task; replayed ones only
	Single                    *big.Rat
	Curve                     []spotcheck.Point // nil if the drawing is weighted and this is no task's
	Seed                      string            // kind
	OpenedInput, OpenedState  int64             // bytes that the openings reveal
}

// samplings returns the drawings to check: the one that was asked for, or one for each answer in the bundle.
func (c *checker) samplings() []*sampling {
	answers, err := c.answers()
	if err != nil {
		return []*sampling{{err: err}}
	}
	if want := c.cfg.Challenged; want != nil {
		s := &sampling{challenge: want.Challenge, ours: want.Ours, here: want.Here, answers: answers, get: c.get}
		if want.Answer != nil {
			s.answers, s.get = []*spotcheck.Answer{want.Answer}, want.Get
			s.err = exact(want.Challenge, want.Answer)
		}
		return []*sampling{c.draw(s)}
	}
	if len(answers) == 0 {
		return []*sampling{{err: fmt.Errorf("%w: the bundle holds no openings, and no seed was given", spotcheck.ErrUnanswered)}}
	}
	var out []*sampling
	for _, a := range answers {
		s := &sampling{answers: []*spotcheck.Answer{a}, get: c.get, ours: c.cfg.Ours != nil && c.cfg.Ours(a.ChallengeCID())}
		if b, ok := c.get(a.ChallengeCID()); !ok {
			s.err = fmt.Errorf("%w: the challenge %s", errMissing, a.ChallengeCID())
		} else if s.challenge, s.err = spotcheck.ReadChallenge(b.Data); s.err != nil {
			s.err = fmt.Errorf("the challenge %s: %w", a.ChallengeCID(), s.err)
		}
		out = append(out, c.draw(s))
	}
	return out
}

// exact checks that an answer is one to the challenge.
func exact(ch *spotcheck.Challenge, a *spotcheck.Answer) error {
	b, err := ch.Block()
	if err == nil && !a.ChallengeCID().Equals(b.CID) {
		err = fmt.Errorf("the answer is one to the challenge %s, not %s", a.ChallengeCID(), b.CID)
	}
	return err
}

func (c *checker) answers() (answers []*spotcheck.Answer, err error) {
	links := c.bundle.Record.Answers
	if links == nil {
		return nil, nil
	}
	if len(*links) > maxAnswers {
		return nil, fmt.Errorf("the bundle holds %d answers, at most %d are looked at", len(*links), maxAnswers)
	}
	for _, l := range *links {
		b, ok := c.get(receipts.CID(l))
		if !ok {
			return nil, fmt.Errorf("%w: the answer %s", errMissing, receipts.CID(l))
		}
		a, err := spotcheck.ReadAnswer(b.Data)
		if err != nil {
			return nil, fmt.Errorf("the answer %s: %w", b.CID, err)
		}
		answers = append(answers, a)
	}
	return answers, nil
}

// draw finds out which segments are drawn. They follow from the receipts: no transcript is needed yet.
func (c *checker) draw(s *sampling) *sampling {
	if s.err != nil {
		return s
	}
	var transcripts []cid.Cid
	if s.parts, transcripts, s.err = c.population(); s.err != nil {
		return s
	}
	places, err := s.challenge.Draw(c.run.CID, s.parts, transcripts)
	if err != nil {
		s.err = err
		return s
	}
	s.k, s.drawn = uint64(len(places)), make(map[string][]spotcheck.Place)
	for _, p := range places {
		s.drawn[p.Task] = append(s.drawn[p.Task], p)
	}
	for _, p := range s.parts {
		s.n += p.Segments
	}
	return s
}

// population is all segments of all tasks of the run, and the transcripts' CIDs, both in the order of the tasks.
func (c *checker) population() (parts []spotcheck.Part, transcripts []cid.Cid, err error) {
	for _, t := range c.w.Tasks {
		if c.broken[t.Label] != nil {
			return nil, nil, fmt.Errorf("%w: the receipt of %q cannot be used, so that the run's segments are not known", errMissing, t.Label)
		}
		run := c.receipts[t.Label].Claim.Run
		if run.Transcript == nil || run.Steps == nil {
			continue
		}
		if *run.Steps < 0 {
			return nil, nil, fmt.Errorf("the receipt of %q says %d steps", t.Label, *run.Steps)
		}
		parts = append(parts, spotcheck.Part{Task: t.Label, Segments: segments(*run.Steps)})
		transcripts = append(transcripts, receipts.CID(*run.Transcript))
	}
	return parts, transcripts, nil
}

// opening finds the opening of a place.
func (s *sampling) opening(p spotcheck.Place) ([]byte, bool) {
	for _, a := range s.answers {
		if id, ok := a.Find(p); ok {
			if b, ok := s.get(id); ok {
				return b.Data, true
			}
		}
	}
	return nil, false
}

// numbers is what the drawing is worth for a task, or with part nil for the run.
func (s *sampling) numbers(part *spotcheck.Part) (*Sampling, error) {
	out := &Sampling{Segments: s.n, Samples: s.k, Seed: s.challenge.Seed.Kind}
	if part != nil {
		out.TaskSegments, out.TaskSamples = part.Segments, uint64(len(s.drawn[part.Task]))
	}
	if s.challenge.Weights != nil {
		if part == nil {
			return out, nil
		}
		out.Segments, out.Samples = out.TaskSegments, out.TaskSamples
	}
	if out.Segments == 0 {
		return out, nil
	}
	var err error
	if out.Single, err = spotcheck.Detection(out.Segments, 1, out.Samples); err != nil {
		return nil, err
	}
	out.Curve, err = spotcheck.Curve(out.Segments, out.Samples)
	return out, err
}

// soundness says in words what the drawing is worth.
func (s *sampling) soundness(x *Sampling, task bool) string {
	var b strings.Builder
	of := "the run's"
	switch {
	case task && s.challenge.Weights != nil:
		of = "the task's"
		fmt.Fprintf(&b, "%d of the task's %d segments were drawn (weighted) and replayed", x.Samples, x.Segments)
	case task:
		fmt.Fprintf(&b, "%d of the task's %d segments were replayed, drawn among %d of the run's %d", x.TaskSamples, x.TaskSegments, x.Samples, x.Segments)
	case s.challenge.Weights != nil:
		fmt.Fprintf(&b, "%d of the run's %d segments were drawn by weights and replayed: what that is worth is said for each task", x.Samples, x.Segments)
	default:
		fmt.Fprintf(&b, "%d of the run's %d segments were drawn and replayed", x.Samples, x.Segments)
	}
	b.WriteString("; every link and both ends of the transcripts hold, for the program, the input, the output and the fuel that the receipts name (of the number of steps, which segment is the last)")
	n, k := x.Segments, x.Samples
	switch {
	case n > 0 && k == n:
		fmt.Fprintf(&b, ". All of %s %d segments were replayed: exact", of, n)
	case x.Curve != nil:
		fmt.Fprintf(&b, ". If b of %s %d segments are bad, one is found with probability 1−C(%d−b,%d)/C(%d,%d): ", of, n, n, k, n, k)
		for i, p := range x.Curve {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%s of %d", percent(p.Probability), p.Bad)
		}
		fmt.Fprintf(&b, ". A single forged segment is found with probability k/n = %d/%d only", k, n)
	}
	if s.challenge.Seed.Kind != "" {
		fmt.Fprintf(&b, ". The seed is %s", s.challenge.Seed.Describe(s.ours))
	}
	if s.here {
		b.WriteString(". The openings were made here, by running the tasks: the executor was not asked")
	}
	return b.String()
}

func percent(p *big.Rat) string {
	f, _ := new(big.Rat).Mul(p, big.NewRat(100, 1)).Float64()
	return fmt.Sprintf("%.4g %%", f)
}

// drawing is the verdict on a drawing as a whole, which follows from its tasks'.
func (c *checker) drawing(s *sampling, tasks []Verdict) Verdict {
	start := c.begin()
	if s.err != nil {
		return c.verdict("", Spot, start, s.err)
	}
	x, err := s.numbers(nil)
	v := c.verdict("", Spot, start, err)
	if err != nil {
		return v
	}
	v.Sampling = x
	for _, t := range tasks {
		if t.Mode != Spot || t.Task == "" || t.drawing != s {
			continue
		}
		v.Cost.Wall += t.Cost.Wall
		v.Cost.CPU += t.Cost.CPU
		v.Cost.Bytes += t.Cost.Bytes
		v.Revealed.Input += t.Revealed.Input
		v.Revealed.State += t.Revealed.State
		v.Revealed.Output += t.Revealed.Output
		if t.Sampling != nil {
			x.TaskSegments += t.Sampling.TaskSegments
			x.TaskSamples += t.Sampling.TaskSamples
			x.OpenedInput += t.Sampling.OpenedInput
			x.OpenedState += t.Sampling.OpenedState
		}
		if o := worst(v.Outcome, t.Outcome); o != v.Outcome {
			v.Outcome, v.Reason, v.Soundness = o, fmt.Sprintf("task %q: %s", t.Task, t.Reason), nothingEstablished
		}
	}
	if v.Outcome == Valid {
		v.Soundness = s.soundness(x, false)
	}
	return v
}

// AddAnswer returns the bundle with an answer to a challenge, and its openings.
func AddAnswer(b *receipts.Bundle, a *receipts.Archive) (*receipts.Bundle, error) {
	record := b.Record
	links := []datamodel.Link{}
	if record.Answers != nil {
		links = append(links, *record.Answers...)
	}
	links = append(links, receipts.Link(a.Root))
	record.Answers = &links
	blocks := make(map[cid.Cid][]byte, len(b.Blocks)+len(a.Blocks))
	maps.Copy(blocks, b.Blocks)
	maps.Copy(blocks, a.Blocks)
	return receipts.NewBundle(record, blocks)
}
