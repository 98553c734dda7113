package parts

import (
	"bytes"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// Sizes in bytes.
const (
	PointSize = bn254.SizeOfG1AffineCompressed
	pointG2   = bn254.SizeOfG2AffineCompressed
	ProofSize = 4*PointSize + pointG2
)

// Points is a Groth16 proof with one commitment, as gnark makes it.
type Points struct {
	Ar, Krs    bn254.G1Affine
	Bs         bn254.G2Affine
	Commitment bn254.G1Affine // to the committed wires (Pedersen)
	Knowledge  bn254.G1Affine // that the prover knows what the commitment commits to
}

// Proof is a proof whose points are on their curves and in their groups. The zero value has no points; see [NewProof] and [ParseProof].
type Proof struct {
	p     Points
	bytes [ProofSize]byte
}

// NewProof makes a proof of points. The error wraps ErrProof.
func NewProof(p Points) (*Proof, error) {
	for _, g := range []*bn254.G1Affine{&p.Ar, &p.Krs, &p.Commitment, &p.Knowledge} {
		if !g.IsOnCurve() { // a group of prime order: every point of the curve is in it
			return nil, fmt.Errorf("%w: a point is not on the curve", ErrProof)
		}
	}
	if !p.Bs.IsInSubGroup() {
		return nil, fmt.Errorf("%w: a point is not in the group", ErrProof)
	}
	r := &Proof{p: p}
	b := r.bytes[:0]
	for _, g := range [][PointSize]byte{p.Ar.Bytes(), p.Krs.Bytes(), p.Commitment.Bytes(), p.Knowledge.Bytes()} {
		b = append(b, g[:]...)
	}
	bs := p.Bs.Bytes()
	copy(r.bytes[len(b):], bs[:])
	return r, nil
}

// ParseProof reads a proof of exactly [ProofSize] bytes, in the one way in which it can be written. The error wraps ErrProof.
func ParseProof(b []byte) (*Proof, error) {
	if len(b) != ProofSize {
		return nil, fmt.Errorf("%w: a part of %d bytes instead of %d", ErrProof, len(b), ProofSize)
	}
	var p Points
	for i, g := range []*bn254.G1Affine{&p.Ar, &p.Krs, &p.Commitment, &p.Knowledge} {
		if _, err := g.SetBytes(b[i*PointSize : (i+1)*PointSize]); err != nil {
			return nil, fmt.Errorf("%w: point %d: %w", ErrProof, i, err)
		}
	}
	if _, err := p.Bs.SetBytes(b[4*PointSize:]); err != nil {
		return nil, fmt.Errorf("%w: point 4: %w", ErrProof, err)
	}
	r, err := NewProof(p)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(r.bytes[:], b) {
		return nil, fmt.Errorf("%w: a point can be written in another way", ErrProof)
	}
	return r, nil
}

// Bytes is the proof's encoding: Ar, Krs, commitment, knowledge, Bs, compressed. A proof can be turned into another one of the same
// statement by anybody, so that these bytes are no identity.
func (p *Proof) Bytes() []byte { return bytes.Clone(p.bytes[:]) }

// Points returns the proof's points.
func (p *Proof) Points() Points { return p.p }

// Committed implements [Argument].
func (p *Proof) Committed() [PointSize]byte { return p.p.Commitment.Bytes() }

// Part is one part of a proof: everything that a verifier takes from the prover.
type Part struct {
	Kind  int // of the family
	Delta fr.Element
	Proof Argument
}

// Commitment is what the challenges depend on.
func (p *Part) Commitment() Commitment { return Commitment{Kind: p.Kind, Point: p.Proof.Committed()} }

// Bytes is the part's encoding but for its kind: delta, big-endian, and the proof.
func (p *Part) Bytes() []byte {
	d := p.Delta.Bytes()
	return append(d[:], p.Proof.Bytes()...)
}

// PartSize is the size of a part in a backend, in bytes.
func PartSize(b Backend) int { return fr.Bytes + b.ProofSize() }

// ParsePart reads a part of a kind from exactly [PartSize] bytes. A number that is not below the field's order is refused. The
// error wraps ErrProof.
func ParsePart(backend Backend, kind int, b []byte) (Part, error) {
	p := Part{Kind: kind}
	if len(b) != PartSize(backend) {
		return p, fmt.Errorf("%w: a part of %d bytes instead of %d", ErrProof, len(b), PartSize(backend))
	}
	if err := p.Delta.SetBytesCanonical(b[:fr.Bytes]); err != nil {
		return p, fmt.Errorf("%w: delta: %w", ErrProof, err)
	}
	var err error
	p.Proof, err = backend.ParseProof(b[fr.Bytes:])
	return p, err
}
