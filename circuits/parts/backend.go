package parts

import (
	"bytes"
	"hash"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// Backend is a proof system on BN254 whose proofs commit to some of their wires before anything else is fixed. It is comparable; every method may be given
// bytes from strangers, and neither panics nor takes memory that they do not take themselves.
type Backend interface {
	Name() string
	ProofSize() int // bytes of every proof

	// ParseKey and ParseProof read what can be written in one way. The errors wrap ErrKey and ErrProof.
	ParseKey(b []byte) (VerifyingKey, error)
	ParseProof(b []byte) (Argument, error)

	// FirstBad is the first part that does not verify under its kind's key, or −1.
	FirstBad(b *Batch) (int, error)
}

// VerifyingKey is a key that could be one. Who made it is another matter: see [Family.ID].
type VerifyingKey interface {
	Backend() Backend
	Publics() int // public inputs that it is for
	Bytes() []byte
}

// Argument is a proof of one part, whose points are on their curves and in their groups.
type Argument interface {
	Committed() [PointSize]byte // the commitment to the part's columns
	Bytes() []byte
}

// Batch is the parts of a proof, with what is derived from all of them.
type Batch struct {
	Family *Family
	Parts  []Part
	Inputs [][]fr.Element // public inputs of each part, and behind them the commitment's value
	Seed   Digest         // of the complete proof
}

// Groth16 is the backend of [Key] and [Proof].
type Groth16 struct{}

// Name implements [Backend].
func (Groth16) Name() string { return "groth16" }

// ProofSize implements [Backend].
func (Groth16) ProofSize() int { return ProofSize }

// ParseKey implements [Backend].
func (Groth16) ParseKey(b []byte) (VerifyingKey, error) {
	k, err := ParseKey(b)
	if err != nil {
		return nil, err
	}
	return k, nil
}

// ParseProof implements [Backend].
func (Groth16) ParseProof(b []byte) (Argument, error) {
	p, err := ParseProof(b)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// FirstBad implements [Backend].
func (Groth16) FirstBad(b *Batch) (int, error) {
	g, err := b.groth16()
	if err != nil {
		return 0, err
	}
	return g.firstBad(0, len(g.parts))
}

// fixedHash is the hash to the field that gnark asks for the value of a part's commitment: the challenge, which was derived from all
// commitments. That gnark asks about the commitment that was derived from cannot be refused here; the caller compares.
type fixedHash struct{ value [fr.Bytes]byte }

// FixedHash is a hash that is a challenge, whatever is hashed. It serves one proof.
func FixedHash(challenge fr.Element) hash.Hash { return &fixedHash{challenge.Bytes()} }

func (h *fixedHash) Write(b []byte) (int, error) { return len(b), nil }
func (h *fixedHash) Sum(b []byte) []byte         { return append(bytes.Clone(b), h.value[:]...) }
func (h *fixedHash) Reset()                      {}
func (h *fixedHash) Size() int                   { return fr.Bytes }
func (h *fixedHash) BlockSize() int              { return fr.Bytes }
