package proof

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/circuits/emit"
	"github.com/trilemma-dev/trilemma/circuits/parts"
)

// ErrStatement says that a proof is about something else than what was asked, or was made for other keys.
var ErrStatement = errors.New("the proof is about something else")

// Scheme is chips and the shapes that hold them: what provers and verifiers agree on, but for keys. It is immutable.
type Scheme struct {
	Chips  *circuits.System
	System *emit.System
	Shapes []*emit.Shape
}

// NewScheme makes the scheme whose circuits have at most so many constraints, for runs of such mixes.
func NewScheme(constraints int, mixes ...emit.Mix) (*Scheme, error) {
	s := newSystem()
	var err error
	s.Shapes, err = s.System.Standard(constraints, mixes...)
	return s, err
}

// Challenged is what the challenges of a proof depend on beside its commitments: the statement, and all that the verifier knows of each
// chip. It is not in the proof; each side makes it.
func (s *Scheme) Challenged(st Statement, contents circuits.Contents) ([]byte, error) {
	b, err := block.Marshal(&st, types().TypeByName("Statement"))
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	for _, c := range s.Chips.Chips {
		rows := contents[c.Name].Rows
		buf := binary.LittleEndian.AppendUint64(nil, uint64(len(rows)))
		for _, row := range rows {
			buf = binary.LittleEndian.AppendUint64(buf, uint64(len(row)))
			for _, v := range row {
				buf = binary.LittleEndian.AppendUint64(buf, v)
			}
			if len(buf) > 1<<12 {
				h.Write(buf)
				buf = buf[:0]
			}
		}
		h.Write(buf)
	}
	return slices.Concat([]byte(Version), h.Sum(nil), b.Data), nil
}

// Verify checks that a proof, under the keys of the family, shows what is claimed of a run. The error wraps ErrStatement or [ErrNoStatement] if the
// proof is about something else, or parts.ErrProof if it does not hold.
func (f *Family) Verify(c *Claim, p *Proof) error {
	challenged, given, err := f.Prepare(c, p)
	if err != nil {
		return err
	}
	return f.Keys.Verify(challenged, p.Parts, given)
}

// Prepare does of [Family.Verify] what comes before the parts are checked: the statement is compared with the claim. It returns what challenges depend on, and what the verifier
// gives to each part.
func (f *Family) Prepare(c *Claim, p *Proof) (challenged []byte, given parts.Given, err error) {
	s := f.Scheme
	if id := f.ID(); p.Family != id {
		return nil, nil, fmt.Errorf("%w: it was made under the keys of family %x, not %x", ErrStatement, p.Family[:8], id[:8])
	}
	if got, want := backendName(p.Backend), backendName(f.Keys.Backend()); (got == nil) != (want == nil) || got != nil && *got != *want {
		return nil, nil, fmt.Errorf("%w: it is a proof in another proof system than the keys, which are for %s", ErrStatement, f.Keys.Backend().Name())
	}
	ends, err := c.Ends(uint64(p.Statement.End), uint64(p.Statement.Used))
	if err != nil {
		return nil, nil, err
	}
	want, err := c.Statement(ends)
	if err != nil {
		return nil, nil, err
	}
	if d := p.Statement.differs(&want); d != "" {
		return nil, nil, fmt.Errorf("%w: %s", ErrStatement, d)
	}
	contents := s.Chips.Contents(c.Program, *ends)
	shapes := make([]*emit.Shape, len(p.Parts))
	for i := range p.Parts {
		k := p.Parts[i].Kind
		if k < 0 || k >= len(s.Shapes) {
			return nil, nil, fmt.Errorf("%w: part %d is of kind %d of %d", parts.ErrProof, i, k, len(s.Shapes))
		}
		shapes[i] = s.Shapes[k]
	}
	g, err := s.System.Givens(shapes, contents)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", parts.ErrProof, err)
	}
	challenged, err = s.Challenged(want, contents)
	return challenged, func(i int, ch *parts.Challenges) ([]fr.Element, error) { return g.Of(i, ch.Shared), nil }, err
}

// Stated is what the contents of a run's chips say of its end: see [Claim.Ends].
func Stated(c circuits.Contents) (end, fuel uint64) {
	row := c["statement"].Rows[0]
	return row[0], row[1]
}
