package parts

import (
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// Commitment is a part as far as the challenges depend on it: which circuit it is of, and the commitment to its wires.
type Commitment struct {
	Kind  int
	Point [PointSize]byte // compressed
}

// Challenges is what all parts of a proof share. The zero value is of no use: see [Family.Challenges].
type Challenges struct {
	Digest Digest       // of everything that was fixed before
	Mask   fr.Element   // the value of every part's commitment
	Shared []fr.Element // by the family's labels
}

// Challenges derives the challenges of a proof: each is a hash to the field (RFC 9380) under a label of its own of the digest, which covers this
// package's version, the family, the statement, and number, order, kinds and commitments of all parts. So nothing of a part that
// a challenge meets can be chosen after the challenge, and no part can be left out, added, moved or taken from another proof.
func (f *Family) Challenges(statement []byte, cs []Commitment) (*Challenges, error) {
	if len(cs) == 0 || len(cs) > MaxParts {
		return nil, fmt.Errorf("%w: %d parts", ErrProof, len(cs))
	}
	if len(statement) > MaxStatement {
		return nil, fmt.Errorf("%w: a statement of %d bytes", ErrProof, len(statement))
	}
	h := newHash("challenge")
	h.Write(f.id[:])
	writeBytes(h, statement)
	writeInt(h, len(cs))
	for i, c := range cs {
		if c.Kind < 0 || c.Kind >= len(f.kinds) {
			return nil, fmt.Errorf("%w: part %d is of kind %d of %d", ErrProof, i, c.Kind, len(f.kinds))
		}
		writeInt(h, c.Kind)
		h.Write(c.Point[:])
	}
	ch := &Challenges{Digest: Digest(h.Sum(nil)), Shared: make([]fr.Element, len(f.labels))}
	var err error
	if ch.Mask, err = ch.derive(MaskLabel); err != nil {
		return nil, err
	}
	for i, l := range f.labels {
		if ch.Shared[i], err = ch.derive(l); err != nil {
			return nil, err
		}
	}
	return ch, nil
}

func (ch *Challenges) derive(label string) (fr.Element, error) {
	e, err := fr.Hash(ch.Digest[:], []byte("trilemma/"+Version+"/challenge/"+label), 1)
	if err != nil {
		return fr.Element{}, fmt.Errorf("challenge %s: %w", label, err)
	}
	return e[0], nil
}

// Inputs returns the public inputs of a part, in order: challenges, delta, given.
func (ch *Challenges) Inputs(delta fr.Element, given []fr.Element) []fr.Element {
	v := make([]fr.Element, 0, len(ch.Shared)+1+len(given)+1)
	v = append(v, ch.Shared...)
	v = append(v, delta)
	return append(v, given...)
}
