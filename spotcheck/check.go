package spotcheck

import (
	"fmt"

	"github.com/trilemma-dev/trilemma/machine"
)

// Replayed is what the replay of one segment shows: the commitments to the states before and after it, and how many bytes of the input and of the
// state its opening reveals.
type Replayed struct {
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
	switch {
	case err != nil:
		return got, fmt.Errorf("%w: the opening of segment %d: %w", ErrMalformed, i, err)
	case got.Before != roots[i]:
		return got, fmt.Errorf("%w: the opening of segment %d does not begin in the state that the transcript has there", ErrMalformed, i)
	case got.After != roots[i+1]:
		return got, fmt.Errorf("%w: segment %d of the transcript: from the state before it, its steps do not lead to the state after it", ErrWrong, i)
	}
	return got, nil
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
