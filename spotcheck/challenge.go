package spotcheck

import (
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
)

// Weights maps labels to weights. Keys holds the order of the encoding.
type Weights struct {
	Keys   []string
	Values map[string]int64
}

// Challenge asks for openings. Its fields follow schema.ipldsch; the CID of its block is its name.
type Challenge struct {
	Trilemma string
	Receipt  datamodel.Link
	Seed     Seed
	Samples  int64
	Weights  *Weights
}

// NewChallenge asks for so many samples of a run. weights may be nil.
func NewChallenge(receipt cid.Cid, s Seed, samples int64, weights map[string]uint64) (*Challenge, error) {
	c := &Challenge{Trilemma: ChallengeVersion, Receipt: linkTo(receipt), Seed: s, Samples: samples}
	if weights != nil {
		c.Weights = &Weights{Values: make(map[string]int64, len(weights))}
		for label, w := range weights {
			c.Weights.Keys = append(c.Weights.Keys, label)
			c.Weights.Values[label] = int64(w)
		}
	}
	return c, c.check()
}

func (c *Challenge) check() error {
	if c.Samples < 1 || c.Samples > MaxSamples {
		return fmt.Errorf("%w: %d samples are not between 1 and %d", ErrMalformed, c.Samples, MaxSamples)
	}
	if !cidOf(c.Receipt).Defined() {
		return fmt.Errorf("%w: it names no receipt", ErrMalformed)
	}
	if c.Weights != nil {
		for label, w := range c.Weights.Values {
			if w < 0 || w > 1<<20 {
				return fmt.Errorf("%w: the weight of %.40q is not between 0 and %d", ErrMalformed, label, 1<<20)
			}
		}
	}
	return c.Seed.Check()
}

// Block encodes the challenge.
func (c *Challenge) Block() (block.Block, error) { return marshal(c, "Challenge") }

// ReadChallenge decodes a challenge and checks its seed. The error wraps [ErrMalformed] or [ErrBeacon].
func ReadChallenge(data []byte) (*Challenge, error) {
	c, err := read(data, maxMessage, "Challenge", ChallengeVersion, func(c *Challenge) string { return c.Trilemma })
	if err != nil {
		return nil, err
	}
	return c, c.check()
}

// Draw is what the challenge draws from a run with these transcripts, which are in the order of the tasks. It refuses one that is about another run.
func (c *Challenge) Draw(receipt cid.Cid, parts []Part, transcripts []cid.Cid) ([]Place, error) {
	if !cidOf(c.Receipt).Equals(receipt) {
		return nil, fmt.Errorf("%w: the challenge is about the run's receipt %s, this is %s", ErrRefused, cidOf(c.Receipt), receipt)
	}
	var weights map[string]uint64
	if c.Weights != nil {
		weights = make(map[string]uint64, len(c.Weights.Values))
		for label, w := range c.Weights.Values {
			weights[label] = uint64(w)
		}
	}
	return Draw(c.Seed.Digest(receipt, transcripts), parts, uint64(c.Samples), weights)
}

// Opened is one opening of an answer.
type Opened struct {
	Task    string
	Segment int64
	Opening datamodel.Link
}

// Answer holds the openings that a challenge asks for. Its fields follow schema.ipldsch.
type Answer struct {
	Trilemma  string
	Challenge datamodel.Link
	Openings  []Opened
}

// NewAnswer answers a challenge with openings, which are in the order of the places.
func NewAnswer(challenge cid.Cid, places []Place, openings []cid.Cid) (*Answer, error) {
	if len(places) != len(openings) {
		return nil, fmt.Errorf("%w: %d openings of %d segments", ErrMalformed, len(openings), len(places))
	}
	a := &Answer{Trilemma: AnswerVersion, Challenge: linkTo(challenge), Openings: []Opened{}}
	for i, p := range places {
		a.Openings = append(a.Openings, Opened{p.Task, int64(p.Segment), linkTo(openings[i])})
	}
	return a, nil
}

// Block encodes the answer.
func (a *Answer) Block() (block.Block, error) { return marshal(a, "Answer") }

// ReadAnswer decodes an answer. The error wraps [ErrMalformed].
func ReadAnswer(data []byte) (*Answer, error) {
	a, err := read(data, maxMessage, "Answer", AnswerVersion, func(a *Answer) string { return a.Trilemma })
	switch {
	case err != nil:
		return nil, err
	case len(a.Openings) > MaxSamples:
		return nil, fmt.Errorf("%w: %d openings, at most %d are asked for", ErrMalformed, len(a.Openings), MaxSamples)
	}
	return a, nil
}

// ChallengeCID is the challenge that is answered.
func (a *Answer) ChallengeCID() cid.Cid { return cidOf(a.Challenge) }

// Find returns the opening of a place.
func (a *Answer) Find(p Place) (cid.Cid, bool) {
	for _, o := range a.Openings {
		if o.Task == p.Task && o.Segment >= 0 && uint64(o.Segment) == p.Segment {
			return cidOf(o.Opening), true
		}
	}
	return cid.Undef, false
}
