package plonk

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	plonk "github.com/consensys/gnark/backend/plonk/bn254"

	"github.com/trilemma-dev/trilemma/circuits/parts"
)

// MaxSize bounds the domain of a circuit.
const MaxSize = 1 << 24

// Sizes of a key's encoding: size of the domain, public inputs, the row of the commitment's value; points of G1: S1, S2, S3, Ql, Qr, Qm, Qo, Qk, Qcp; of G2: the
// reference string's two.
const (
	keyNumbers = 3 * 8
	keyPoints  = 9
	keySize    = keyNumbers + keyPoints*bn254.SizeOfG1AffineCompressed + 2*bn254.SizeOfG2AffineCompressed
)

// Key is a verifying key that could be one: its numbers fit, and its points are in their groups. Who made it, and the reference string, is another matter.
type Key struct {
	vk    plonk.VerifyingKey
	bytes []byte
}

// NewKey makes a key of one that gnark made. The error wraps [parts.ErrKey].
func NewKey(vk *plonk.VerifyingKey) (*Key, error) {
	if len(vk.Qcp) != 1 || len(vk.CommitmentConstraintIndexes) != 1 {
		return nil, fmt.Errorf("%w: it has %d commitments instead of one", parts.ErrKey, len(vk.Qcp))
	}
	b := binary.LittleEndian.AppendUint64(nil, vk.Size)
	b = binary.LittleEndian.AppendUint64(b, vk.NbPublicVariables)
	b = binary.LittleEndian.AppendUint64(b, vk.CommitmentConstraintIndexes[0])
	for _, g := range points(vk) {
		p := g.Bytes()
		b = append(b, p[:]...)
	}
	for i := range vk.Kzg.G2 {
		p := vk.Kzg.G2[i].Bytes()
		b = append(b, p[:]...)
	}
	return ParseKey(b)
}

// points are the key's points of G1.
func points(vk *plonk.VerifyingKey) [keyPoints]*bn254.G1Affine {
	return [...]*bn254.G1Affine{&vk.S[0], &vk.S[1], &vk.S[2], &vk.Ql, &vk.Qr, &vk.Qm, &vk.Qo, &vk.Qk, &vk.Qcp[0]}
}

// ParseKey reads a key in the one way in which it can be written. The error wraps [parts.ErrKey].
func ParseKey(b []byte) (*Key, error) {
	if len(b) != keySize {
		return nil, fmt.Errorf("%w: %d bytes instead of %d", parts.ErrKey, len(b), keySize)
	}
	size, publics, row := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:])
	switch {
	case size < 8 || size > MaxSize || bits.OnesCount64(size) != 1:
		return nil, fmt.Errorf("%w: a domain of %d", parts.ErrKey, size)
	case publics == 0 || publics >= size || row >= size-publics:
		return nil, fmt.Errorf("%w: %d public inputs and a commitment in row %d of %d", parts.ErrKey, publics, row, size)
	}
	domain := fft.NewDomain(size, fft.WithoutPrecompute())
	k := &Key{bytes: bytes.Clone(b)}
	vk := &k.vk
	vk.Size, vk.NbPublicVariables, vk.CommitmentConstraintIndexes = size, publics, []uint64{row}
	vk.SizeInv, vk.Generator, vk.CosetShift = domain.CardinalityInv, domain.Generator, domain.FrMultiplicativeGen
	vk.Qcp = make([]bn254.G1Affine, 1)
	const g1, g2 = bn254.SizeOfG1AffineCompressed, bn254.SizeOfG2AffineCompressed
	again := bytes.Clone(b[:keyNumbers])
	for i, g := range points(vk) {
		at := keyNumbers + i*g1
		if _, err := g.SetBytes(b[at : at+g1]); err != nil {
			return nil, fmt.Errorf("%w: point %d: %w", parts.ErrKey, i, err)
		}
		p := g.Bytes()
		again = append(again, p[:]...)
	}
	_, _, vk.Kzg.G1, _ = bn254.Generators()
	for i := range vk.Kzg.G2 {
		at := keyNumbers + keyPoints*g1 + i*g2
		if _, err := vk.Kzg.G2[i].SetBytes(b[at : at+g2]); err != nil {
			return nil, fmt.Errorf("%w: point %d of G2: %w", parts.ErrKey, i, err)
		}
		if vk.Kzg.G2[i].IsInfinity() || !vk.Kzg.G2[i].IsInSubGroup() {
			return nil, fmt.Errorf("%w: point %d of G2 is zero or not in the group", parts.ErrKey, i)
		}
		vk.Kzg.Lines[i] = bn254.PrecomputeLines(vk.Kzg.G2[i])
		p := vk.Kzg.G2[i].Bytes()
		again = append(again, p[:]...)
	}
	if vk.Kzg.G2[0].X.Equal(&vk.Kzg.G2[1].X) { // τ = ±1: anybody can open anything
		return nil, fmt.Errorf("%w: the reference string's secret is one", parts.ErrKey)
	}
	if !bytes.Equal(again, b) {
		return nil, fmt.Errorf("%w: a point can be written in another way", parts.ErrKey)
	}
	return k, nil
}

// Bytes is the key's encoding.
func (k *Key) Bytes() []byte { return bytes.Clone(k.bytes) }

// Publics is how many public inputs the key is for.
func (k *Key) Publics() int { return int(k.vk.NbPublicVariables) }

// Backend implements [parts.VerifyingKey].
func (k *Key) Backend() parts.Backend { return Backend{} }

// gnark is the key as gnark has it. It is not changed.
func (k *Key) gnark() *plonk.VerifyingKey { return &k.vk }

// Gnark is a copy of the key as gnark has it.
func (k *Key) Gnark() plonk.VerifyingKey { return k.vk }
