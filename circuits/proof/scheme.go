package proof

import (
	"bytes"
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
	"github.com/trilemma-dev/trilemma/machine"
)

// ErrStatement says that a proof is about something else than what was asked, or was made for other keys.
var ErrStatement = errors.New("the proof is about something else")

// Scheme is chips and the shapes that hold them: what provers and verifiers agree on, but for keys. It is immutable.
type Scheme struct {
	Chips  *circuits.System
	System *emit.System
	Shapes []*emit.Shape
}

// NewScheme makes the scheme whose circuits have at most so many constraints, for runs of such a mix.
func NewScheme(constraints int, mix emit.Mix) (*Scheme, error) {
	s := &Scheme{Chips: circuits.New()}
	s.System = emit.New(s.Chips)
	var err error
	s.Shapes, err = s.System.Standard(constraints, mix)
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

// Verify checks that a proof, under the keys of a family of this scheme's circuits, shows how a run of the program ends. What the statement
// says has to be compared with what is claimed: [Statement.Of] reads it. The error wraps ErrStatement, or parts.ErrProof if the proof does not hold.
func (s *Scheme) Verify(f *parts.Family, program *machine.Program, p *Proof) error {
	if p.Family != f.ID() {
		return fmt.Errorf("%w: it was made under the keys of family %x, not %x", ErrStatement, p.Family[:8], shortID(f))
	}
	want, err := NewStatement(program, p.Statement.Of())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStatement, err)
	}
	if p.Statement.Profile != want.Profile || !bytes.Equal(p.Statement.Program, want.Program) {
		return fmt.Errorf("%w: the program is %x of profile %.16q", ErrStatement, p.Statement.Program[:8], p.Statement.Profile)
	}
	contents := s.Chips.Contents(program, p.Statement.Of())
	shapes := make([]*emit.Shape, len(p.Parts))
	for i := range p.Parts {
		k := p.Parts[i].Kind
		if k < 0 || k >= len(s.Shapes) {
			return fmt.Errorf("%w: part %d is of kind %d of %d", parts.ErrProof, i, k, len(s.Shapes))
		}
		shapes[i] = s.Shapes[k]
	}
	g, err := s.System.Givens(shapes, contents)
	if err != nil {
		return fmt.Errorf("%w: %w", parts.ErrProof, err)
	}
	challenged, err := s.Challenged(p.Statement, contents)
	if err != nil {
		return err
	}
	return f.Verify(challenged, p.Parts, func(i int, ch *parts.Challenges) ([]fr.Element, error) { return g.Of(i, ch.Shared), nil })
}

func shortID(f *parts.Family) []byte {
	id := f.ID()
	return id[:8]
}

// Of is what the statement says of the end of the run.
func (st *Statement) Of() circuits.Statement {
	return circuits.Statement{End: uint64(st.End), Fuel: uint64(st.Fuel)}
}

// Stated is what the contents of a run's chips say of its end.
func Stated(c circuits.Contents) circuits.Statement {
	row := c["statement"].Rows[0]
	return circuits.Statement{End: row[0], Fuel: row[1]}
}
