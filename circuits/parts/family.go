// Package parts is what the verifier of a proof in many parts relies on: the parts are proofs on BN254, of one [Backend], of the circuits
// of one pinned family; they share challenges that were fixed after every part was; and what they leave on the bus adds up to nothing. Whatever
// bytes it is given, it neither panics nor takes memory that they do not take themselves.
//
// A part is a proof with one commitment, as a Groth16 proof in gnark can have one (Groth, eprint 2016/260; BSB22, eprint 2022/1072): the wires that a
// part commits to are bound before the challenges are derived, from all commitments at once. Every other wire is a function of those and of
// the public inputs, which package prover's lint sees to.
package parts

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"slices"
)

// Version is the version of the digest, of the order of public inputs and of the encodings.
const Version = "parts/1"

// Limits of a family and of a proof.
const (
	MaxKinds     = 1 << 10
	MaxLabels    = 64
	MaxGiven     = 1 << 12 // public inputs of one part that the verifier computes
	MaxParts     = 1 << 20
	MaxName      = 64      // bytes of a name or label
	MaxStatement = 1 << 20 // bytes
)

// Errors of this package. They say that a proof, key or family is not what it has to be; no other error comes out of it but those
// of the caller's own functions.
var (
	ErrKey    = errors.New("not a verifying key")
	ErrFamily = errors.New("not a family of circuits")
	ErrProof  = errors.New("the proof does not hold")
)

// Digest is a SHA-256 digest.
type Digest = [sha256.Size]byte

// MaskLabel is the label of the challenge of the masks: the value of each part's commitment in the circuit. Parts are blinded by
// tuples on a bus of this challenge alone, so that a mask on a real bus cancels nothing.
const MaskLabel = "mask"

// Kind is one circuit of a family. Its public inputs are, in this order: the family's challenges, what the part leaves on
// the bus (its delta), and Given inputs that the verifier computes by itself.
type Kind struct {
	Name  string
	Given int
	Key   VerifyingKey
}

// Family is a list of circuits that prove runs together, and the labels of the challenges that they share. It is not changed after it was made.
type Family struct {
	backend Backend
	labels  []string
	kinds   []Kind
	id      Digest
}

// NewFamily makes a family of kinds whose challenges have these labels. Names and labels are unique; [MaskLabel] is there without being
// named. All keys are of one backend. The error wraps ErrFamily.
func NewFamily(labels []string, kinds []Kind) (*Family, error) {
	switch {
	case len(kinds) == 0 || len(kinds) > MaxKinds:
		return nil, fmt.Errorf("%w: %d kinds", ErrFamily, len(kinds))
	case len(labels) > MaxLabels:
		return nil, fmt.Errorf("%w: %d challenges", ErrFamily, len(labels))
	}
	names := map[string]bool{}
	unique := func(s string) bool {
		ok := s != "" && len(s) <= MaxName && !names[s]
		names[s] = true
		return ok
	}
	unique(MaskLabel)
	for _, l := range labels {
		if !unique(l) {
			return nil, fmt.Errorf("%w: the challenge %q is empty, too long or there twice", ErrFamily, l)
		}
	}
	clear(names)
	for _, k := range kinds {
		if k.Key == nil || k.Key.Backend() != kinds[0].Key.Backend() {
			return nil, fmt.Errorf("%w: the key of %s is missing or of another proof system", ErrFamily, k.Name)
		}
	}
	backend := kinds[0].Key.Backend()
	h := newHash("family")
	writeBytes(h, []byte(backend.Name()))
	writeInt(h, len(labels))
	for _, l := range labels {
		writeBytes(h, []byte(l))
	}
	writeInt(h, len(kinds))
	for _, k := range kinds {
		if !unique(k.Name) {
			return nil, fmt.Errorf("%w: the name %q is empty, too long or there twice", ErrFamily, k.Name)
		}
		if k.Given < 0 || k.Given > MaxGiven {
			return nil, fmt.Errorf("%w: %s has %d given inputs", ErrFamily, k.Name, k.Given)
		}
		if want := Publics(len(labels), k.Given); k.Key.Publics() != want {
			return nil, fmt.Errorf("%w: the key of %s is not for %d public inputs", ErrFamily, k.Name, want)
		}
		writeBytes(h, []byte(k.Name))
		writeInt(h, k.Given)
		writeBytes(h, k.Key.Bytes())
	}
	return &Family{backend: backend, labels: slices.Clone(labels), kinds: slices.Clone(kinds), id: Digest(h.Sum(nil))}, nil
}

// Publics is the number of public inputs of a kind, without gnark's constant one and without the commitment's value.
func Publics(labels, given int) int { return labels + 1 + given }

// ID is the hash of everything that a family is: proof system, labels, names and verifying keys, in order. A family that is not pinned by its ID
// proves nothing, since whoever made its keys can prove anything.
func (f *Family) ID() Digest { return f.id }

// Backend is the proof system of the keys.
func (f *Family) Backend() Backend { return f.backend }

// Labels returns the labels of the challenges that are public inputs, in order. The caller must not change them.
func (f *Family) Labels() []string { return f.labels }

// Kinds returns the circuits, in order. The caller must not change them.
func (f *Family) Kinds() []Kind { return f.kinds }

// newHash begins a hash of this package for one purpose.
func newHash(purpose string) hash.Hash {
	h := sha256.New()
	writeBytes(h, []byte("trilemma/"+Version+"/"+purpose))
	return h
}

func writeInt(h hash.Hash, n int) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	h.Write(b[:])
}

// writeBytes writes b and its length, so that what follows cannot be taken for a part of it.
func writeBytes(h hash.Hash, b []byte) {
	writeInt(h, len(b))
	h.Write(b)
}
