package spotcheck_test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/spotcheck"
)

// counter is the toy machine: its state is a number and whether it has halted; every segment adds one, until it halts at the number halt.
type counter struct{ halt uint64 }

func (c counter) root(n uint64) machine.Digest {
	b := binary.LittleEndian.AppendUint64([]byte("toy"), n)
	if n == c.halt {
		b = append(b, 1)
	}
	return sha256.Sum256(b)
}

// run is the transcript of an honest run.
func (c counter) run() (roots []machine.Digest) {
	for n := range c.halt + 1 {
		roots = append(roots, c.root(n))
	}
	return roots
}

// open opens a segment: the number before it is all that it needs.
func (c counter) open(i uint64) ([]byte, error) { return binary.LittleEndian.AppendUint64(nil, i), nil }

// Replay implements [spotcheck.Replayer].
func (c counter) Replay(_ uint64, opening []byte) (r spotcheck.Replayed, err error) {
	if len(opening) != 8 {
		return r, fmt.Errorf("%d bytes", len(opening))
	}
	n := binary.LittleEndian.Uint64(opening)
	if n > c.halt {
		return r, errors.New("a number beyond the end")
	}
	return spotcheck.Replayed{Before: c.root(n), After: c.root(min(n+1, c.halt)), State: 8}, nil
}

// Ends implements [spotcheck.Judge].
func (c counter) Ends(_ spotcheck.Side, first, last machine.Digest) error {
	if first != c.root(0) {
		return errors.New("it does not begin at zero")
	}
	if last != c.root(c.halt) {
		return errors.New("it does not end in the halted state")
	}
	return nil
}

// court judges sides by the toy machine. A side's segments are steps.
type court struct{ counter }

// Replay implements [spotcheck.Judge].
func (c court) Replay(_ spotcheck.Side, i uint64, opening []byte) (spotcheck.Replayed, error) {
	return c.counter.Replay(i, opening)
}
