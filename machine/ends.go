package machine

import (
	"crypto/sha256"
	"fmt"

	"github.com/trilemma-dev/trilemma/link"
)

// Limits are those of the run.
func (t *Transcript) Limits() link.Limits {
	return link.Limits{Fuel: uint64(t.Fuel), Memory: uint32(t.Memory), Output: uint64(t.Output)}
}

// CheckEnds checks by hashes alone that first is the canonical initial state of the program within the limits, and that last is a
// state that has ended in the outcome, with the fuel and the output, that the transcript states. That input and output are the right ones is
// another question: see [InputRoot] and [TapeOf]. The error wraps [ErrTranscript].
func (t *Transcript) CheckEnds(first, last Digest) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrTranscript, fmt.Sprintf(format, args...))
	}
	h, err := decodeHeader(t.Header)
	if err != nil {
		return fail("%v", err)
	}
	if sha256.Sum256(t.Header) != Digest(t.Program) {
		return fail("its header is of another program")
	}
	if h.initial(t.Limits()) != first {
		return fail("it does not begin in the initial state of its program")
	}
	if sha256.Sum256(t.Final) != last {
		return fail("its final state is not that of its last root")
	}
	s, _, err := decodeState(t.Final)
	switch {
	case err != nil:
		return fail("%v", err)
	case s.Outcome.Kind == "":
		return fail("its final state has not ended")
	case s.Outcome != t.End():
		return fail("its final state ended in %s, it says %s", s.Outcome, t.End())
	case s.Fuel > uint64(t.Fuel) || uint64(t.Fuel)-s.Fuel != uint64(t.Used):
		return fail("its final state has another fuel than it says")
	}
	for i, o := range s.Out {
		if t.Outputs[i].Size != int64(o.Size) || Digest(t.Outputs[i].Digest) != o.Digest {
			return fail("its final state has another output stream %d than it says", i)
		}
	}
	return nil
}

// initial is the root of the state that a run begins in.
func (h *Header) initial(lim link.Limits) Digest {
	none := newTree(spaceRegisters, newHasher()).root()
	s := h.InitialScalars(lim)
	return s.Root([numStateSpaces]Digest{spaceMemory: h.InitialMemory, spaceGlobals: h.InitialGlobals, spaceRegisters: none, spaceTables: h.InitialTables})
}

// Halted returns the root of an encoded state, as a transcript holds the final one, and whether a run has ended in it.
func Halted(state []byte) (Digest, bool) {
	s, _, err := decodeState(state)
	return sha256.Sum256(state), err == nil && s.Outcome.Kind != ""
}
