package prover

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"slices"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/trilemma-dev/trilemma/circuits/parts"
)

// Seed is what the masks of proofs are drawn from. It is secret, fresh for each run, and of no use once the proof is there: with it, a hidden
// input can be guessed.
type Seed [32]byte

// masks draws what blinds a proof: a tuple that each part sends to the next one, in a ring over all parts, and a term of each commitment.
//
// They are a function of the seed and of everything that decides commitments and challenges. So a proof that is taken up again after a
// crash finds the same masks, and if anything has changed, no mask serves under two challenges, which would give away differences of the
// parts' sums.
type masks struct {
	key   []byte
	parts int
}

// newMasks makes the masks of a job, reading all columns once, by columns.
func newMasks(j *Job, f *parts.Family, columns func(Work) ([]fr.Element, error)) (*masks, error) {
	h := hmac.New(sha256.New, j.Seed[:])
	id := f.ID()
	h.Write(id[:])
	ints(h, len(j.Statement))
	h.Write(j.Statement)
	ints(h, len(j.Work))
	for i, w := range j.Work {
		v, err := columns(w)
		if err != nil {
			return nil, fmt.Errorf("part %d: %w", i, err)
		}
		ints(h, w.Kind(), len(v))
		writeElements(h, v)
	}
	return &masks{key: h.Sum(nil), parts: len(j.Work)}, nil
}

// writeElements hashes elements in the form in which they lie in memory, limb by limb.
func writeElements(h hash.Hash, v []fr.Element) {
	const many = 512
	b := make([]byte, 0, many*fr.Bytes)
	for len(v) > 0 {
		n := min(len(v), many)
		b = b[:0]
		for i := range v[:n] {
			for _, l := range v[i] {
				b = binary.LittleEndian.AppendUint64(b, l)
			}
		}
		h.Write(b)
		v = v[n:]
	}
}

func (m *masks) draw(label string, i int) (fr.Element, error) {
	e, err := fr.Hash(binary.LittleEndian.AppendUint64(slices.Clip(m.key), uint64(i)), []byte("trilemma/masks/1/"+label), 1)
	if err != nil {
		return fr.Element{}, err
	}
	return e[0], nil
}

// of returns what part i sends, what it receives, and its commitment's mask.
func (m *masks) of(i int) (sent, received, blind fr.Element, err error) {
	if sent, err = m.draw("tuple", i); err != nil {
		return
	}
	if received, err = m.draw("tuple", (i+m.parts-1)%m.parts); err != nil {
		return
	}
	blind, err = m.draw("commitment", i)
	return
}
