package plonk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	plonk "github.com/consensys/gnark/backend/plonk/bn254"

	"github.com/trilemma-dev/trilemma/circuits/parts"
)

// multiple is a point of each group.
func multiple(n int64) (a bn254.G1Affine, b bn254.G2Affine) {
	_, _, g1, g2 := bn254.Generators()
	a.ScalarMultiplication(&g1, big.NewInt(n))
	b.ScalarMultiplication(&g2, big.NewInt(n))
	return a, b
}

// someKey is a key that is well formed and nobody's.
func someKey(t testing.TB) *Key {
	t.Helper()
	vk := plonk.VerifyingKey{Size: 64, NbPublicVariables: 5, CommitmentConstraintIndexes: []uint64{7}, Qcp: make([]bn254.G1Affine, 1)}
	for i, g := range points(&vk) {
		*g, _ = multiple(int64(i + 2))
	}
	_, vk.Kzg.G2[0] = multiple(1)
	_, vk.Kzg.G2[1] = multiple(9)
	k, err := NewKey(&vk)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// someProof is a proof that is well formed and of nothing.
func someProof(t testing.TB) *Proof {
	t.Helper()
	p := plonk.Proof{Bsb22Commitments: make([]bn254.G1Affine, 1)}
	p.BatchedProof.ClaimedValues = make([]fr.Element, values)
	for i, g := range pointsOf(&p) {
		*g, _ = multiple(int64(i + 2))
	}
	for i, n := range numbersOf(&p) {
		n.SetUint64(uint64(i))
	}
	r, err := NewProof(&p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestKey: a key comes back as it was written; what could not be one is refused.
func TestKey(t *testing.T) {
	k := someKey(t)
	again, err := ParseKey(k.Bytes())
	if err != nil || !bytes.Equal(again.Bytes(), k.Bytes()) || again.Publics() != 5 || again.Backend() != (Backend{}) {
		t.Fatalf("it comes back as a key for %d inputs: %v", again.Publics(), err)
	}
	number := func(at int, n uint64) func(b []byte) {
		return func(b []byte) { binary.LittleEndian.PutUint64(b[at:], n) }
	}
	const g2 = keySize - 2*bn254.SizeOfG2AffineCompressed
	for name, change := range map[string]func(b []byte){
		"no domain":                     number(0, 0),
		"a domain that is no power":     number(0, 65),
		"an enormous domain":            number(0, 1<<63),
		"no public inputs":              number(8, 0),
		"more public inputs than rows":  number(8, 64),
		"a commitment out of its rows":  number(16, 59),
		"a point off the curve":         func(b []byte) { b[keyNumbers+31] ^= 1; b[keyNumbers+30] ^= 3; b[keyNumbers+1] ^= 5 },
		"a number that is no point":     func(b []byte) { copy(b[keyNumbers:], bytes.Repeat([]byte{0xff}, 32)) },
		"a point of G2 that is nothing": func(b []byte) { clear(b[g2:]); b[g2] = 0x40; b[g2+64] = 0x40 },
		"a secret that is one":          func(b []byte) { copy(b[g2+64:], b[g2:g2+64]) },
	} {
		b := k.Bytes()
		change(b)
		if _, err := ParseKey(b); !errors.Is(err, parts.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewKey(&plonk.VerifyingKey{Size: 64, NbPublicVariables: 5}); !errors.Is(err, parts.ErrKey) {
		t.Errorf("a key without a commitment: %v", err)
	}
}

// TestVerifyNothing: a proof of nothing does not verify, and another number of inputs than the key is for is refused.
func TestVerifyNothing(t *testing.T) {
	k, p := someKey(t), someProof(t)
	for n := range 8 {
		if verify(k, p, make([]fr.Element, n+1)) == nil {
			t.Errorf("with %d inputs it verifies", n)
		}
	}
}

// TestNumbers: a number has one encoding.
func TestNumbers(t *testing.T) {
	b := someProof(t).Bytes()
	at := len(b) - fr.Bytes
	n := new(big.Int).SetBytes(b[at:])
	n.Add(n, fr.Modulus()).FillBytes(b[at:])
	if _, err := ParseProof(b); !errors.Is(err, parts.ErrProof) {
		t.Errorf("a number plus the order: %v", err)
	}
	if _, err := NewProof(&plonk.Proof{}); !errors.Is(err, parts.ErrProof) {
		t.Errorf("a proof without a commitment: %v", err)
	}
}

// FuzzParseProof: whatever the bytes, they are refused or are the one encoding of what was read, and gnark's verifier does not panic where it is called.
func FuzzParseProof(f *testing.F) {
	p, k := someProof(f), someKey(f)
	f.Add(p.Bytes())
	f.Add(make([]byte, ProofSize))
	f.Add(bytes.Repeat([]byte{0x40}, ProofSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := ParseProof(b)
		if err != nil {
			if !errors.Is(err, parts.ErrProof) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(q.Bytes(), b) {
			t.Fatalf("%x was read as %x", b, q.Bytes())
		}
		if verify(k, q, make([]fr.Element, 6)) == nil {
			t.Fatal("it verifies")
		}
	})
}

// FuzzParseKey: the same for keys.
func FuzzParseKey(f *testing.F) {
	f.Add(someKey(f).Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := ParseKey(b)
		if err != nil {
			if !errors.Is(err, parts.ErrKey) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(k.Bytes(), b) {
			t.Fatalf("%x was read as %x", b, k.Bytes())
		}
	})
}
