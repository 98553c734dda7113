package plonk

import (
	"bytes"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	plonk "github.com/consensys/gnark/backend/plonk/bn254"

	"github.com/trilemma-dev/trilemma/circuits/parts"
)

// Values that a proof opens at one point: the linearised polynomial, L, R, O, S1, S2, and what selects the columns.
const values = 7

// ProofSize is the size of a proof: commitments to L, R, O, Z, three parts of the quotient and the columns, two opening proofs, the values, and Z's at the next point.
const ProofSize = 10*bn254.SizeOfG1AffineCompressed + (values+1)*fr.Bytes

// Proof is a proof whose points are on the curve and whose numbers are below the field's order. It is not changed.
type Proof struct {
	p     plonk.Proof
	bytes [ProofSize]byte
}

// pointsOf are the points of a proof, in the order in which they are written.
func pointsOf(p *plonk.Proof) [10]*bn254.G1Affine {
	return [...]*bn254.G1Affine{&p.LRO[0], &p.LRO[1], &p.LRO[2], &p.Z, &p.H[0], &p.H[1], &p.H[2], &p.Bsb22Commitments[0], &p.BatchedProof.H, &p.ZShiftedOpening.H}
}

// numbersOf are its numbers.
func numbersOf(p *plonk.Proof) (n []*fr.Element) {
	for i := range p.BatchedProof.ClaimedValues {
		n = append(n, &p.BatchedProof.ClaimedValues[i])
	}
	return append(n, &p.ZShiftedOpening.ClaimedValue)
}

// NewProof makes a proof of one as gnark has it. The error wraps [parts.ErrProof].
func NewProof(p *plonk.Proof) (*Proof, error) {
	if len(p.Bsb22Commitments) != 1 || len(p.BatchedProof.ClaimedValues) != values {
		return nil, fmt.Errorf("%w: %d commitments and %d values", parts.ErrProof, len(p.Bsb22Commitments), len(p.BatchedProof.ClaimedValues))
	}
	var b []byte
	for _, g := range pointsOf(p) {
		e := g.Bytes()
		b = append(b, e[:]...)
	}
	for _, n := range numbersOf(p) {
		e := n.Bytes()
		b = append(b, e[:]...)
	}
	return ParseProof(b)
}

// ParseProof reads a proof of exactly [ProofSize] bytes, in the one way in which it can be written. The error wraps [parts.ErrProof].
func ParseProof(b []byte) (*Proof, error) {
	if len(b) != ProofSize {
		return nil, fmt.Errorf("%w: %d bytes instead of %d", parts.ErrProof, len(b), ProofSize)
	}
	r := &Proof{bytes: [ProofSize]byte(b)}
	r.p.Bsb22Commitments = make([]bn254.G1Affine, 1)
	r.p.BatchedProof.ClaimedValues = make([]fr.Element, values)
	again := make([]byte, 0, ProofSize)
	for i, g := range pointsOf(&r.p) {
		const n = bn254.SizeOfG1AffineCompressed
		if _, err := g.SetBytes(b[i*n : (i+1)*n]); err != nil {
			return nil, fmt.Errorf("%w: point %d: %w", parts.ErrProof, i, err)
		}
		e := g.Bytes()
		again = append(again, e[:]...)
	}
	if !bytes.Equal(again, b[:len(again)]) {
		return nil, fmt.Errorf("%w: a point can be written in another way", parts.ErrProof)
	}
	for i, n := range numbersOf(&r.p) {
		at := len(again) + i*fr.Bytes
		if err := n.SetBytesCanonical(b[at : at+fr.Bytes]); err != nil {
			return nil, fmt.Errorf("%w: number %d: %w", parts.ErrProof, i, err)
		}
	}
	return r, nil
}

// Bytes is the proof's encoding.
func (p *Proof) Bytes() []byte { return bytes.Clone(p.bytes[:]) }

// Committed implements [parts.Argument].
func (p *Proof) Committed() [parts.PointSize]byte { return p.p.Bsb22Commitments[0].Bytes() }

// gnark is the proof as gnark has it. It is not changed.
func (p *Proof) gnark() *plonk.Proof { return &p.p }
