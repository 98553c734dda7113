// Package hidden commits to streams of tapes that stay hidden. What a run reads or writes on such a stream appears in a receipt as a commitment, and a
// proof shows that the run was right for what is committed to. Equal commitments are equal streams, so that a task can pass on to another what nobody else sees.
//
// A commitment is a sponge over the scalar field of BN254: Poseidon2 (Grassi, Khovratovich, Schofnegger, eprint 2023/323) of width 3 with 8 full and 56
// partial rounds and the round keys that gnark-crypto derives for these numbers; rate 2, capacity 1. A stream is whole words of 64 bits, little-endian, and a tail of 0 to 7
// bytes. The first permutation takes
//
//	(salt, tail + 2⁶⁴·size, domain)
//
// and each further one six words, of which zeros fill up the last:
//
//	(s₀ + w₀ + 2⁶⁴·w₁ + 2¹²⁸·w₂, s₁ + w₃ + 2⁶⁴·w₄ + 2¹²⁸·w₅, s₂)
//
// The commitment is s₀ of the last state. As the size comes first, different streams are different inputs of the sponge: it binds as Poseidon2 resists
// collisions, with about 127 bits. It hides as far as nobody guesses the salt, which is any field element. The number of a stream is not in it.
package hidden

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"sync"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/poseidon2"
)

// Parameters of the permutation.
const (
	Width         = 3
	FullRounds    = 8
	PartialRounds = 56
)

// BlockWords is how many words a permutation takes.
const BlockWords = 6

// domain separates these commitments from all else that is hashed with the permutation.
const domain = "trilemma/hidden/1"

// ErrElement says that bytes are no canonical field element.
var ErrElement = errors.New("not a field element")

// Salt makes a commitment hide: a field element, canonical, big-endian.
type Salt [fr.Bytes]byte

// Commitment is a commitment to a stream: a field element, canonical, big-endian.
type Commitment [fr.Bytes]byte

// Opening is what a commitment is made of.
type Opening struct {
	Stream []byte
	Salt   Salt
}

// Commitment is the commitment that o opens.
func (o *Opening) Commitment() Commitment { return Commit(o.Stream, o.Salt) }

// NewSalt draws a salt. The error is that of random.
func NewSalt(random io.Reader) (s Salt, err error) {
	for {
		if _, err := io.ReadFull(random, s[:]); err != nil {
			return Salt{}, fmt.Errorf("salt: %w", err)
		}
		s[0] &= 0x3f // r has 254 bits; of the numbers below 2²⁵⁴ three in four are elements
		if canonical(s[:]) {
			return s, nil
		}
	}
}

// ParseSalt reads a salt. The error wraps [ErrElement], and does not quote it.
func ParseSalt(b []byte) (s Salt, err error) {
	if !canonical(b) {
		return s, fmt.Errorf("a salt is %w", ErrElement)
	}
	return Salt(b), nil
}

// ParseCommitment reads a commitment. The error wraps [ErrElement].
func ParseCommitment(b []byte) (c Commitment, err error) {
	if !canonical(b) {
		return c, fmt.Errorf("a commitment is %w", ErrElement)
	}
	return Commitment(b), nil
}

func canonical(b []byte) bool {
	var e fr.Element
	return len(b) == fr.Bytes && e.SetBytesCanonical(b) == nil
}

// Element is the salt as a field element.
func (s *Salt) Element() (e fr.Element) {
	e.SetBytes(s[:])
	return e
}

// Limbs is the commitment as numbers of 64 bits, the lowest first.
func (c *Commitment) Limbs() (l [4]uint64) {
	for i := range l {
		l[i] = binary.BigEndian.Uint64(c[8*(3-i):])
	}
	return l
}

// Commit commits to a stream.
func Commit(stream []byte, salt Salt) Commitment {
	words, tail := Split(stream)
	s := Start(salt, uint64(len(stream)), tail)
	for len(words) > 0 {
		var b [BlockWords]uint64
		n := copy(b[:], words)
		s.Absorb(b)
		words = words[n:]
	}
	return s[0].Bytes()
}

// Split is the whole words of a stream, and the rest.
func Split(stream []byte) (words []uint64, tail uint64) {
	for ; len(stream) >= 8; stream = stream[8:] {
		words = append(words, binary.LittleEndian.Uint64(stream))
	}
	var rest [8]byte
	copy(rest[:], stream)
	return words, binary.LittleEndian.Uint64(rest[:])
}

// State is a state of the sponge.
type State [Width]fr.Element

// Start is the state after the first permutation.
func Start(salt Salt, size, tail uint64) (s State) {
	s[0] = salt.Element()
	s[1] = element(tail, size, 0)
	s[2] = Domain()
	s.Permute()
	return s
}

// Absorb takes six words.
func (s *State) Absorb(w [BlockWords]uint64) {
	for i := range 2 {
		e := element(w[3*i], w[3*i+1], w[3*i+2])
		s[i].Add(&s[i], &e)
	}
	s.Permute()
}

// Permute applies the permutation.
func (s *State) Permute() {
	if err := permutation().Permutation(s[:]); err != nil {
		panic(err) // it refuses other widths only
	}
}

var permutation = sync.OnceValue(func() *poseidon2.Permutation {
	return poseidon2.NewPermutation(Width, FullRounds, PartialRounds)
})

// Domain is the domain as a field element: SHA-256 of its name, reduced.
func Domain() (e fr.Element) {
	sum := sha256.Sum256([]byte(domain))
	e.SetBytes(sum[:])
	return e
}

// element is a + 2⁶⁴·b + 2¹²⁸·c.
func element(a, b, c uint64) (e fr.Element) {
	var buf [24]byte
	for i, v := range []uint64{c, b, a} {
		binary.BigEndian.PutUint64(buf[8*i:], v)
	}
	e.SetBytes(buf[:])
	return e
}

// Bucket is the bound that is published in place of a number that should stay hidden: the lowest power of two that is not below it.
func Bucket(n uint64) uint64 {
	if n < 2 {
		return 1
	}
	if n > 1<<63 {
		return 1<<64 - 1
	}
	return 1 << bits.Len64(n-1)
}
