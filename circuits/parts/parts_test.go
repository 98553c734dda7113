package parts

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/big"
	"runtime"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// multiple is some point of G1 and of G2.
func multiple(n int64) (bn254.G1Affine, bn254.G2Affine) {
	_, _, g1, g2 := bn254.Generators()
	return *new(bn254.G1Affine).ScalarMultiplication(&g1, big.NewInt(n)), *new(bn254.G2Affine).ScalarMultiplication(&g2, big.NewInt(n))
}

func somePoints(publics int) KeyPoints {
	var k KeyPoints
	k.Alpha, k.Beta = multiple(2)
	_, k.Gamma = multiple(3)
	_, k.Delta = multiple(5)
	_, k.G = multiple(7)
	_, k.GSigmaNeg = multiple(-77)
	for i := range publics + 2 {
		p, _ := multiple(int64(100 + i))
		k.K = append(k.K, p)
	}
	return k
}

func someKey(t testing.TB, publics int) *Key {
	t.Helper()
	k, err := NewKey(somePoints(publics))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func somePart(t testing.TB) Part {
	t.Helper()
	var p Points
	p.Ar, p.Bs = multiple(11)
	p.Krs, _ = multiple(12)
	p.Commitment, _ = multiple(13)
	p.Knowledge, _ = multiple(14)
	proof, err := NewProof(p)
	if err != nil {
		t.Fatal(err)
	}
	part := Part{Proof: proof}
	part.Delta.SetUint64(15)
	return part
}

func TestKeyBytes(t *testing.T) {
	k := someKey(t, 4)
	again, err := ParseKey(k.Bytes())
	if err != nil || !bytes.Equal(again.Bytes(), k.Bytes()) || again.Publics() != 4 {
		t.Fatalf("a key became another one: %v", err)
	}
	for n := range len(k.Bytes()) {
		if _, err := ParseKey(k.Bytes()[:n]); !errors.Is(err, ErrKey) {
			t.Errorf("the first %d bytes: %v", n, err)
		}
	}
	if _, err := ParseKey(append(k.Bytes(), 0)); !errors.Is(err, ErrKey) {
		t.Errorf("a byte more: %v", err)
	}
}

// TestKeyPoints: points out of their groups, at infinity, or in relations that everybody knows.
func TestKeyPoints(t *testing.T) {
	off2 := outsideG2(t)
	for name, change := range map[string]func(k *KeyPoints){
		"alpha at infinity":        func(k *KeyPoints) { k.Alpha = bn254.G1Affine{} },
		"alpha off the curve":      func(k *KeyPoints) { k.Alpha.X.SetUint64(5) },
		"beta at infinity":         func(k *KeyPoints) { k.Beta = bn254.G2Affine{} },
		"beta out of the group":    func(k *KeyPoints) { k.Beta = off2 },
		"gamma out of the group":   func(k *KeyPoints) { k.Gamma = off2 },
		"delta out of the group":   func(k *KeyPoints) { k.Delta = off2 },
		"G out of the group":       func(k *KeyPoints) { k.G = off2 },
		"gamma is delta":           func(k *KeyPoints) { k.Gamma = k.Delta },
		"gamma is −delta":          func(k *KeyPoints) { k.Gamma.Neg(&k.Delta) },
		"sigma is one":             func(k *KeyPoints) { k.GSigmaNeg = k.G },
		"a public point elsewhere": func(k *KeyPoints) { k.K[2].Y.SetUint64(5) },
		"no public points":         func(k *KeyPoints) { k.K = nil },
		"too many public points":   func(k *KeyPoints) { k.K = make([]bn254.G1Affine, maxKeyPoints+1) },
	} {
		p := somePoints(4)
		change(&p)
		if _, err := NewKey(p); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// outsideG2 is a point of the twist that is not in the group.
func outsideG2(t *testing.T) (p bn254.G2Affine) {
	t.Helper()
	_, g := multiple(1)
	var b bn254.E2 // y² − x³
	var x3 bn254.E2
	x3.Square(&g.X)
	x3.Mul(&x3, &g.X)
	b.Square(&g.Y)
	b.Sub(&b, &x3)
	for n := uint64(1); ; n++ {
		p.X.A0.SetUint64(n)
		var y2 bn254.E2
		y2.Square(&p.X)
		y2.Mul(&y2, &p.X)
		y2.Add(&y2, &b)
		if y2.Legendre() == 1 {
			p.Y.Sqrt(&y2)
			if !p.IsOnCurve() || p.IsInSubGroup() {
				t.Fatal("not the point that was looked for")
			}
			return p
		}
	}
}

func TestProofPoints(t *testing.T) {
	p := somePart(t).Proof.(*Proof).Points()
	p.Bs = outsideG2(t)
	if _, err := NewProof(p); !errors.Is(err, ErrProof) {
		t.Errorf("a point out of its group: %v", err)
	}
	p = somePart(t).Proof.(*Proof).Points()
	p.Krs.X.SetUint64(5)
	if _, err := NewProof(p); !errors.Is(err, ErrProof) {
		t.Errorf("a point off the curve: %v", err)
	}
}

func TestFamily(t *testing.T) {
	kind := func(name string, given int, key VerifyingKey) Kind { return Kind{Name: name, Given: given, Key: key} }
	k := someKey(t, 2+1+3)
	if _, err := NewFamily([]string{"x", "y"}, []Kind{kind("a", 3, k), kind("b", 3, k)}); err != nil {
		t.Fatal(err)
	}
	long := string(make([]byte, MaxName+1))
	for name, f := range map[string]struct {
		labels []string
		kinds  []Kind
	}{
		"no kinds":                  {[]string{"x", "y"}, nil},
		"a name twice":              {[]string{"x", "y"}, []Kind{kind("a", 3, k), kind("a", 3, k)}},
		"a label twice":             {[]string{"x", "x"}, []Kind{kind("a", 3, k)}},
		"the masks' label":          {[]string{"x", MaskLabel}, []Kind{kind("a", 3, k)}},
		"an empty label":            {[]string{"x", ""}, []Kind{kind("a", 3, k)}},
		"a long name":               {[]string{"x", "y"}, []Kind{kind(long, 3, k)}},
		"a key of another size":     {[]string{"x", "y"}, []Kind{kind("a", 2, k)}},
		"a negative number":         {[]string{"x", "y"}, []Kind{kind("a", -1, k)}},
		"no key":                    {[]string{"x", "y"}, []Kind{kind("a", 3, nil)}},
		"more kinds than there can": {[]string{"x", "y"}, make([]Kind, MaxKinds+1)},
		"more labels":               {make([]string, MaxLabels+1), []Kind{kind("a", 3, k)}},
	} {
		if _, err := NewFamily(f.labels, f.kinds); !errors.Is(err, ErrFamily) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestChallenges: they differ from each other, and all of them change with anything that was fixed before.
func TestChallenges(t *testing.T) {
	k := someKey(t, 2+1)
	f, err := NewFamily([]string{"x", "y"}, []Kind{{"a", 0, k}, {"b", 0, k}})
	if err != nil {
		t.Fatal(err)
	}
	p := somePart(t)
	a, b := p.Commitment(), p.Commitment()
	b.Point[5]++
	seen := map[fr.Element]string{}
	for name, c := range map[string]struct {
		statement string
		cs        []Commitment
	}{
		"one part":          {"s", []Commitment{a}},
		"another statement": {"t", []Commitment{a}},
		"two":               {"s", []Commitment{a, b}},
		"in another order":  {"s", []Commitment{b, a}},
		"twice the same":    {"s", []Commitment{a, a}},
		"another kind":      {"s", []Commitment{{1, a.Point}}},
	} {
		ch, err := f.Challenges([]byte(c.statement), c.cs)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range append([]fr.Element{ch.Mask}, ch.Shared...) {
			if old, ok := seen[e]; ok {
				t.Errorf("%s and %s have a challenge in common", name, old)
			}
			seen[e] = name
		}
	}
	if _, err := f.Challenges(make([]byte, MaxStatement+1), []Commitment{a}); !errors.Is(err, ErrProof) {
		t.Errorf("a long statement: %v", err)
	}
}

// FuzzParsePart: whatever the bytes, they are refused or are the one encoding of what was read, and cost no memory to speak of.
func FuzzParsePart(f *testing.F) {
	p := somePart(f)
	f.Add(p.Bytes())
	f.Add(make([]byte, PartSize(Groth16{})))
	f.Add(bytes.Repeat([]byte{0xff}, PartSize(Groth16{})))
	f.Fuzz(func(t *testing.T, b []byte) {
		part, err := ParsePart(Groth16{}, 0, b)
		if err != nil {
			if !errors.Is(err, ErrProof) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(part.Bytes(), b) {
			t.Fatalf("%x was read as %x", b, part.Bytes())
		}
	})
}

// FuzzParseKey: the same for keys, lengths included.
func FuzzParseKey(f *testing.F) {
	k := someKey(f, 2)
	f.Add(k.Bytes())
	big := k.Bytes()
	binary.LittleEndian.PutUint32(big[keyHead-4:], 1<<31)
	f.Add(big)
	f.Fuzz(func(t *testing.T, b []byte) {
		key, err := ParseKey(b)
		if err != nil {
			if !errors.Is(err, ErrKey) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(key.Bytes(), b) {
			t.Fatalf("%x was read as %x", b, key.Bytes())
		}
	})
}

// TestLengthsAllocateNothing: a length that the bytes do not bear out is refused before it is believed.
func TestLengthsAllocateNothing(t *testing.T) {
	b := someKey(t, 2).Bytes()
	for _, n := range []uint32{0, 3, 5, maxKeyPoints, maxKeyPoints + 1, 1 << 20, 1 << 31, 1<<32 - 1} {
		binary.LittleEndian.PutUint32(b[keyHead-4:], n)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := ParseKey(b); !errors.Is(err, ErrKey) {
			t.Errorf("%d public points: %v", n, err)
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<16 {
			t.Errorf("%d public points took %d bytes", n, used)
		}
	}
}
