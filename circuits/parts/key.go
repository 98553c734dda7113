package parts

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/bn254"
)

// maxKeyPoints bounds the public inputs of a key that is read: one, the challenges, delta, the given ones, the commitment.
const maxKeyPoints = 1 + MaxLabels + 1 + MaxGiven + 1

// KeyPoints is a Groth16 verifying key with one commitment and no public wire in it, as in gnark.
type KeyPoints struct {
	Alpha              bn254.G1Affine
	Beta, Gamma, Delta bn254.G2Affine
	K                  []bn254.G1Affine // of the constant one, the public inputs and the commitment's value
	G, GSigmaNeg       bn254.G2Affine   // of the proof of knowledge: GSigmaNeg = −σ·G
}

// Key is a verifying key that could be one: its points are in their groups and not in relations that anybody could forge with. Who made
// it is another matter: see [Family.ID].
type Key struct {
	k     KeyPoints
	bytes []byte
}

// NewKey makes a key of points, of which it keeps the slice. The error wraps ErrKey.
func NewKey(k KeyPoints) (*Key, error) {
	if len(k.K) < 3 || len(k.K) > maxKeyPoints {
		return nil, fmt.Errorf("%w: %d public points", ErrKey, len(k.K))
	}
	if !k.Alpha.IsOnCurve() || k.Alpha.IsInfinity() {
		return nil, fmt.Errorf("%w: alpha is not on the curve", ErrKey)
	}
	for i := range k.K {
		if !k.K[i].IsOnCurve() {
			return nil, fmt.Errorf("%w: public point %d is not on the curve", ErrKey, i)
		}
	}
	g2 := []*bn254.G2Affine{&k.Beta, &k.Gamma, &k.Delta, &k.G, &k.GSigmaNeg}
	for i, g := range g2 {
		if g.IsInfinity() || !g.IsInSubGroup() {
			return nil, fmt.Errorf("%w: point %d of G2 is zero or not in the group", ErrKey, i)
		}
	}
	// With δ = ±γ or σ = ±1 anybody can prove anything: what one side of the equation lacks, the other can be given.
	if opposite(&k.Gamma, &k.Delta) {
		return nil, fmt.Errorf("%w: gamma is delta", ErrKey)
	}
	if opposite(&k.G, &k.GSigmaNeg) {
		return nil, fmt.Errorf("%w: the commitment's secret is one", ErrKey)
	}
	key := &Key{k: k}
	a := k.Alpha.Bytes()
	key.bytes = append(key.bytes, a[:]...)
	for _, g := range g2 {
		b := g.Bytes()
		key.bytes = append(key.bytes, b[:]...)
	}
	key.bytes = binary.LittleEndian.AppendUint32(key.bytes, uint32(len(k.K)))
	for i := range k.K {
		b := k.K[i].Bytes()
		key.bytes = append(key.bytes, b[:]...)
	}
	return key, nil
}

// opposite reports whether a = ±b.
func opposite(a, b *bn254.G2Affine) bool { return a.X.Equal(&b.X) }

// keyHead is the size of what comes before the public points.
const keyHead = PointSize + 5*pointG2 + 4

// ParseKey reads a key in the one way in which it can be written. It takes memory in proportion to b. The error wraps ErrKey.
func ParseKey(b []byte) (*Key, error) {
	if len(b) < keyHead {
		return nil, fmt.Errorf("%w: %d bytes", ErrKey, len(b))
	}
	n := binary.LittleEndian.Uint32(b[keyHead-4:])
	if n > maxKeyPoints || len(b) != keyHead+int(n)*PointSize {
		return nil, fmt.Errorf("%w: %d bytes for %d public points", ErrKey, len(b), n)
	}
	k := KeyPoints{K: make([]bn254.G1Affine, n)}
	if _, err := k.Alpha.SetBytes(b[:PointSize]); err != nil {
		return nil, fmt.Errorf("%w: alpha: %w", ErrKey, err)
	}
	for i, g := range []*bn254.G2Affine{&k.Beta, &k.Gamma, &k.Delta, &k.G, &k.GSigmaNeg} {
		if _, err := g.SetBytes(b[PointSize+i*pointG2 : PointSize+(i+1)*pointG2]); err != nil {
			return nil, fmt.Errorf("%w: point %d of G2: %w", ErrKey, i, err)
		}
	}
	for i := range k.K {
		at := keyHead + i*PointSize
		if _, err := k.K[i].SetBytes(b[at : at+PointSize]); err != nil {
			return nil, fmt.Errorf("%w: public point %d: %w", ErrKey, i, err)
		}
	}
	key, err := NewKey(k)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(key.bytes, b) {
		return nil, fmt.Errorf("%w: a point can be written in another way", ErrKey)
	}
	return key, nil
}

// Bytes is the key's encoding: alpha, beta, gamma, delta, G, GSigmaNeg, the number of public points (32 bits, little-endian) and these, compressed.
func (k *Key) Bytes() []byte { return bytes.Clone(k.bytes) }

// Points returns the key's points. The caller must not change the slice.
func (k *Key) Points() KeyPoints { return k.k }

// Publics is how many public inputs the key is for, without the constant one and the commitment's value.
func (k *Key) Publics() int { return len(k.k.K) - 2 }

// Backend implements [VerifyingKey].
func (k *Key) Backend() Backend { return Groth16{} }
