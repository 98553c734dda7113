package hidden

import (
	"bytes"
	"crypto/rand"
	"errors"
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/poseidon2"
)

// TestCommit: a commitment is what the package says it is, computed here with other words.
func TestCommit(t *testing.T) {
	salt, err := NewSalt(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 7, 8, 9, 47, 48, 49, 55, 56, 96, 1000} {
		stream := make([]byte, n)
		if _, err := rand.Read(stream); err != nil {
			t.Fatal(err)
		}
		p := poseidon2.NewPermutation(3, 8, 56)
		number := func(little []byte) *big.Int {
			b := bytes.Clone(little)
			for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
				b[i], b[j] = b[j], b[i]
			}
			return new(big.Int).SetBytes(b)
		}
		whole := n / 8 * 8
		second := new(big.Int).Lsh(big.NewInt(int64(n)), 64)
		second.Add(second, number(stream[whole:]))
		s := make([]fr.Element, 3)
		s[0].SetBytes(salt[:])
		s[1].SetBigInt(second)
		s[2] = Domain()
		if err := p.Permutation(s); err != nil {
			t.Fatal(err)
		}
		for at := 0; at < whole; at += 48 {
			var block [48]byte
			copy(block[:], stream[at:min(at+48, whole)])
			for i := range 2 {
				var e fr.Element
				e.SetBigInt(number(block[24*i : 24*i+24]))
				s[i].Add(&s[i], &e)
			}
			if err := p.Permutation(s); err != nil {
				t.Fatal(err)
			}
		}
		if got := Commit(stream, salt); got != s[0].Bytes() {
			t.Errorf("%d bytes: %x, want %x", n, got, s[0].Bytes())
		}
	}
}

// TestDistinct: streams that differ in anything, and other salts, give other commitments.
func TestDistinct(t *testing.T) {
	seen := make(map[Commitment]string)
	for _, salt := range []Salt{{31: 1}, {31: 2}} {
		for _, s := range []string{"", "\x00", "\x01", "\x00\x00", "12345678", "12345678\x00", "\x0012345678", "1234567", string(make([]byte, 48)), string(make([]byte, 56)), string(make([]byte, 96))} {
			c := Commit([]byte(s), salt)
			if was, ok := seen[c]; ok {
				t.Errorf("%q and %q under one commitment", was, s)
			}
			seen[c] = s
		}
	}
}

// TestParse: only canonical elements are salts and commitments.
func TestParse(t *testing.T) {
	r := fr.Modulus().FillBytes(make([]byte, 32))
	one := make([]byte, 32)
	one[31] = 1
	for _, c := range []struct {
		b  []byte
		ok bool
	}{{one, true}, {nil, false}, {one[1:], false}, {append([]byte{0}, one...), false}, {r, false}, {bytes.Repeat([]byte{255}, 32), false}} {
		_, err1 := ParseSalt(c.b)
		_, err2 := ParseCommitment(c.b)
		if (err1 == nil) != c.ok || (err2 == nil) != c.ok || !c.ok && !errors.Is(err1, ErrElement) {
			t.Errorf("%x: %v, %v", c.b, err1, err2)
		}
	}
	s, err := ParseCommitment(one)
	if err != nil || s.Limbs() != [4]uint64{1} {
		t.Errorf("limbs %v, %v", s.Limbs(), err)
	}
}

// TestBucket: the lowest power of two that is not below.
func TestBucket(t *testing.T) {
	for n, want := range map[uint64]uint64{0: 1, 1: 1, 2: 2, 3: 4, 4: 4, 5: 8, 1<<63 - 1: 1 << 63, 1 << 63: 1 << 63, 1<<63 + 1: 1<<64 - 1} {
		if got := Bucket(n); got != want {
			t.Errorf("%d: %d, want %d", n, got, want)
		}
	}
}
