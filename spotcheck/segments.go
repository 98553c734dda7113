package spotcheck

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
)

// Segments replays the segments of the run that a transcript states, from openings of the machine.
type Segments struct{ Transcript *machine.Transcript }

// Replay implements [Replayer].
func (s Segments) Replay(segment uint64, opening []byte) (Replayed, error) {
	t := s.Transcript
	o, err := machine.ReadOpening(opening)
	if err != nil {
		return Replayed{}, err
	}
	if segment >= t.Segments() || uint64(o.Segment) != segment {
		return Replayed{}, fmt.Errorf("it is of segment %d, not %d of %d", o.Segment, segment, t.Segments())
	}
	steps := min(machine.SegmentSteps, uint64(t.Steps)-segment*machine.SegmentSteps)
	r, err := o.Replay(t.Limits(), steps)
	early := errors.Is(err, machine.ErrEarly)
	switch {
	case err != nil && !early:
		return Replayed{}, err
	case r.Program != machine.Digest(t.Program):
		return Replayed{}, errors.New("it is of another program")
	case r.Inputs != machine.Digest(t.Inputs):
		return Replayed{}, errors.New("it is of a run on another input")
	}
	return Replayed{Before: r.Before, After: r.After, Early: early, Input: r.Input, State: r.State}, nil
}

// Stated is what whoever signed a transcript states of its states.
func (s Segments) Stated() Stated {
	t := s.Transcript
	return Stated{Root: machine.Digest(t.Root), Segments: t.Segments(), Steps: uint64(t.Steps)}
}

// Transcripts judges a dispute over two transcripts. That both are of the same program, input and limits is to be checked before.
type Transcripts [2]Segments

// Replay implements [Judge].
func (t Transcripts) Replay(s Side, segment uint64, opening []byte) (Replayed, error) {
	return t[s].Replay(segment, opening)
}

// Ends implements [Judge].
func (t Transcripts) Ends(s Side, first, last machine.Digest) error {
	return t[s].Transcript.CheckEnds(first, last)
}

// Agree says in what a receipt and the transcript that it names contradict each other.
func Agree(claim receipts.Claim, t *machine.Transcript) error {
	r := claim.Run
	switch {
	case r.Steps == nil || *r.Steps != t.Steps:
		return fmt.Errorf("its receipt says %s steps, the transcript %d", number(r.Steps), t.Steps)
	case r.Program == nil || !bytes.Equal(t.Program, *r.Program):
		return errors.New("its receipt and its transcript name different programs")
	case r.Fuel == nil || *r.Fuel != t.Used:
		return fmt.Errorf("its receipt says %s fuel, the transcript %d", number(r.Fuel), t.Used)
	}
	if end := t.End(); end.Kind != link.OK && !evaluate.SameOut(claim.Out, receipts.Out{Error: &receipts.Failure{Kind: t.Outcome, Code: t.Code, Trap: t.Trap}}) {
		return fmt.Errorf("its receipt does not say that the run ended in %s, as the transcript does", end)
	}
	sizes := make([]int64, len(t.Outputs))
	if r.Outputs != nil {
		for _, o := range *r.Outputs {
			if o.Stream < 0 || o.Stream >= int64(len(sizes)) {
				return fmt.Errorf("its receipt has an output stream %d", o.Stream)
			}
			sizes[o.Stream] = o.Size
		}
	}
	for i, o := range t.Outputs {
		if o.Size != sizes[i] {
			return fmt.Errorf("its receipt says %d bytes of output stream %d, the transcript %d", sizes[i], i, o.Size)
		}
	}
	return nil
}

func number(n *int64) string {
	if n == nil {
		return "no"
	}
	return fmt.Sprint(*n)
}

// SameOutput says whether content is what a transcript has of an output stream.
func SameOutput(t *machine.Transcript, stream int64, content []byte) bool {
	if stream < 0 || stream >= int64(len(t.Outputs)) {
		return false
	}
	tape, o := machine.TapeOf(content), t.Outputs[stream]
	return o.Size == int64(tape.Size) && machine.Digest(o.Digest) == tape.Digest
}
