package spotcheck

import (
	"fmt"

	"github.com/trilemma-dev/trilemma/machine"
)

// Replayed is what the replay of one segment shows: the commitments to the states before and after it, and how many bytes of the input and of the
// state its opening reveals.
type Replayed struct {
	Early         bool // the run ends before the last step of the segment, in the state after: the transcript is wrong, whatever it has there
	Before, After machine.Digest
	Input, State  int64
}

// Replayer replays a segment from its opening, which is all that it may look at. The error says what is wrong with the opening.
type Replayer interface {
	Replay(segment uint64, opening []byte) (Replayed, error)
}

// CheckSegment replays segment i of a transcript with these state roots. An error that wraps [ErrMalformed] says that the opening shows nothing: it
// does not replay, or is of another state; one that wraps [ErrWrong] that the transcript is wrong: the opening is evidence against it.
func CheckSegment(roots []machine.Digest, i uint64, r Replayer, opening []byte) (Replayed, error) {
	if i+1 >= uint64(len(roots)) {
		return Replayed{}, fmt.Errorf("%w: there is no segment %d", ErrMalformed, i)
	}
	got, err := r.Replay(i, opening)
	return got, judge(i, got, err, roots[i], roots[i+1])
}

// judge says what the replay of segment i shows of a transcript with these states before and after it.
func judge(i uint64, got Replayed, err error, before, after machine.Digest) error {
	switch {
	case err != nil:
		return fmt.Errorf("%w: the opening of segment %d: %w", ErrMalformed, i, err)
	case got.Before != before:
		return fmt.Errorf("%w: the opening of segment %d does not begin in the state that the transcript has there", ErrMalformed, i)
	case got.Early:
		return fmt.Errorf("%w: segment %d of the transcript: the run ends before its last step", ErrWrong, i)
	case got.After != after:
		return fmt.Errorf("%w: segment %d of the transcript: from the state before it, its steps do not lead to the state after it", ErrWrong, i)
	}
	return nil
}

// Sampled is what a check of drawn segments found.
type Sampled struct {
	Drawn, Checked int
	Input, State   int64 // bytes that the openings reveal
}

// CheckDrawn checks the drawn segments of one task. opening finds the opening of a segment; one that is not there leaves the check [ErrUnanswered],
// unless a segment that was answered is wrong: that is said first. The result counts what was checked in any case.
func CheckDrawn(roots []machine.Digest, drawn []Place, r Replayer, opening func(Place) ([]byte, bool)) (Sampled, error) {
	s := Sampled{Drawn: len(drawn)}
	var unanswered error
	for _, p := range drawn {
		data, ok := opening(p)
		if !ok {
			if unanswered == nil {
				unanswered = fmt.Errorf("%w: no opening of segment %d; the challenge stays open, and nothing else is drawn instead", ErrUnanswered, p.Segment)
			}
			continue
		}
		got, err := CheckSegment(roots, p.Segment, r, data)
		s.Input += got.Input
		s.State += got.State
		if err != nil {
			return s, err
		}
		s.Checked++
	}
	return s, unanswered
}
