package proof

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"

	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// Claim is a run as it is claimed to have been. Whoever verifies makes it of the module, the input and the receipt; nothing of it comes from a proof.
type Claim struct {
	Computation cid.Cid
	Program     *machine.Program
	Streams     [][]byte // input
	Limits      link.Limits
	Result      link.Result
	Hidden      *Hidden // nil: nothing is. Else hidden streams are empty in Streams and Result, and the result's fuel is a bound
}

// ErrNoStatement says that no proof can show what is claimed.
var ErrNoStatement = errors.New("no proof can show that")

// Ends makes what the chips show of a run that ends in such a number with so much fuel charged: see [circuits.Statement]. The error wraps [ErrStatement] if a run that is
// as claimed does not end so, [ErrNoStatement] if what is hidden keeps it from being shown.
func (c *Claim) Ends(end, fuel uint64) (*circuits.Statement, error) {
	st := &circuits.Statement{End: end, Fuel: fuel, Memory: c.Limits.Memory, Inputs: c.Streams, Outputs: c.Result.Streams, Hidden: c.Hidden}
	if err := c.covered(st); err != nil {
		return nil, err
	}
	if !st.Of(c.Result.Outcome, c.Result.Fuel, c.Limits) {
		return nil, fmt.Errorf("%w: the end %#x after %d fuel, not %s after %d", ErrStatement, end, fuel, c.Result.Outcome, c.Result.Fuel)
	}
	return st, nil
}

// Statement is what a proof shows. Its fields follow schema.ipldsch.
type Statement struct {
	Computation datamodel.Link
	Profile     string
	Program     []byte // root
	Fuel        int64
	Memory      int64
	Output      int64
	Inputs      []Tape
	End         int64 // see circuits.Statement
	Used        int64
	Outputs     []Tape
	Hidden      *Hides // nil: nothing is hidden; else Used is a bound
}

// Tape is a stream that is not empty.
type Tape struct {
	Stream int64
	Size   int64
	Sha256 []byte
}

func tapes(streams [][]byte) []Tape {
	out := []Tape{}
	for i, s := range streams {
		if len(s) > 0 {
			sum := sha256.Sum256(s)
			out = append(out, Tape{int64(i), int64(len(s)), sum[:]})
		}
	}
	return out
}

// Statement puts a claim into words, for a run that ends so. The error wraps [ErrNoStatement].
func (c *Claim) Statement(ends *circuits.Statement) (Statement, error) {
	for _, n := range []uint64{ends.End, ends.Fuel, c.Limits.Fuel, c.Limits.Output} {
		if n > math.MaxInt64 {
			return Statement{}, fmt.Errorf("%w: the number %d is too great for a statement", ErrNoStatement, n)
		}
	}
	if !c.Computation.Defined() {
		return Statement{}, fmt.Errorf("%w: a run of no computation", ErrNoStatement)
	}
	root := c.Program.Root()
	return Statement{
		Computation: cidlink.Link{Cid: c.Computation}, Profile: link.Profile, Program: root[:],
		Fuel: int64(c.Limits.Fuel), Memory: int64(c.Limits.Memory), Output: int64(c.Limits.Output), Inputs: tapes(c.Streams),
		End: int64(ends.End), Used: int64(ends.Fuel), Outputs: tapes(c.Result.Streams[:]), Hidden: hides(c.Hidden),
	}, nil
}

// well says what is wrong with the form of a statement.
func (s *Statement) well() error {
	l, ok := s.Computation.(cidlink.Link)
	switch {
	case !ok || !l.Cid.Defined():
		return errors.New("a statement about no computation")
	case len(s.Program) != len(machine.Digest{}):
		return fmt.Errorf("a program's root of %d bytes", len(s.Program))
	case s.Fuel < 0 || s.Memory < 0 || s.Output < 0 || s.End < 0 || s.Used < 0:
		return errors.New("a negative number")
	}
	for _, t := range append(append([]Tape{}, s.Inputs...), s.Outputs...) {
		if t.Stream < 0 || t.Size <= 0 || len(t.Sha256) != sha256.Size {
			return errors.New("a stream that cannot be")
		}
	}
	return s.Hidden.well()
}

// differs says in what a statement differs from the one that has to be shown; nothing if it does not.
func (s *Statement) differs(want *Statement) string {
	switch {
	case s.Computation.String() != want.Computation.String():
		return fmt.Sprintf("the computation %s, not %s", s.Computation, want.Computation)
	case s.Profile != want.Profile:
		return fmt.Sprintf("the profile %.16q, not %q", s.Profile, want.Profile)
	case !bytes.Equal(s.Program, want.Program):
		return fmt.Sprintf("the program %x, not %x", s.Program[:8], want.Program[:8])
	case s.Fuel != want.Fuel || s.Memory != want.Memory || s.Output != want.Output:
		return "other limits"
	}
	if d := tapesDiffer(s.Inputs, want.Inputs); d != "" {
		return "the input: " + d
	}
	if d := tapesDiffer(s.Outputs, want.Outputs); d != "" {
		return "the output: " + d
	}
	return s.Hidden.differs(want.Hidden)
}

func tapesDiffer(got, want []Tape) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d streams, not %d", len(got), len(want))
	}
	for i, g := range got {
		w := want[i]
		if g.Stream != w.Stream || g.Size != w.Size || !bytes.Equal(g.Sha256, w.Sha256) {
			return fmt.Sprintf("another content of stream %d", w.Stream)
		}
	}
	return ""
}
