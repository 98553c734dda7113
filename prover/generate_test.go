package prover

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"math/big"
	mrand "math/rand/v2"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
)

// TestGenerateEqualsGnark: under the same randomness, keys are gnark's, to the last bit.
func TestGenerateEqualsGnark(t *testing.T) {
	for _, s := range []toyShape{toyShapes[0], toyShapes[1], {"wide", 700, true}} {
		c, err := Compile(s, toyLabels)
		if err != nil {
			t.Fatal(err)
		}
		var want, wantVK bytes.Buffer
		func() {
			defer func(r io.Reader) { rand.Reader = r }(rand.Reader)
			rand.Reader = mrand.NewChaCha8([32]byte{1})
			var pk groth16.ProvingKey
			var vk groth16.VerifyingKey
			if err := groth16.Setup(c.system, &pk, &vk); err != nil {
				t.Fatal(err)
			}
			write(t, &want, pk.WriteRawTo)
			write(t, &wantVK, vk.WriteRawTo)
		}()
		pk, vk, err := NewGenerator(mrand.NewChaCha8([32]byte{1})).Generate(t.Context(), c.system)
		if err != nil {
			t.Fatal(err)
		}
		var got, gotVK bytes.Buffer
		write(t, &got, pk.WriteRawTo)
		write(t, &gotVK, vk.WriteRawTo)
		if !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("%s: another proving key than gnark's", s.name)
		}
		if !bytes.Equal(gotVK.Bytes(), wantVK.Bytes()) {
			t.Errorf("%s: another verifying key than gnark's", s.name)
		}
	}
}

func write(t *testing.T, b *bytes.Buffer, to func(io.Writer) (int64, error)) {
	t.Helper()
	if _, err := to(b); err != nil {
		t.Fatal(err)
	}
}

// TestTable: sums from a table are gnark-crypto's scalar multiples, at the edges too, where points are doubled or cancel out.
func TestTable(t *testing.T) {
	_, _, g1, g2 := bn254.Generators()
	r := mrand.NewChaCha8([32]byte{2})
	var scalars []fr.Element
	for _, n := range []int64{0, 1, 2, 3, -1, -2, -3} {
		scalars = append(scalars, *new(fr.Element).SetInt64(n))
	}
	for bit := range 254 {
		var e fr.Element
		e.SetBigInt(new(big.Int).Lsh(big.NewInt(1), uint(bit)))
		neg := *new(fr.Element).Neg(&e)
		scalars = append(scalars, e, neg)
	}
	for range 100 {
		var e fr.Element
		if err := draw(r, &e); err != nil {
			t.Fatal(err)
		}
		scalars = append(scalars, e)
	}
	for _, size := range []int{1, 1 << 7, 1 << 12} {
		t1 := newTable[fp.Element, *fp.Element](point[fp.Element](g1), size)
		t2 := newTable[bn254.E2, *bn254.E2](point[bn254.E2](g2), size)
		p1, p2 := make([]point[fp.Element], len(scalars)), make([]point[bn254.E2], len(scalars))
		if err := t1.multiply(t.Context(), scalars, p1); err != nil {
			t.Fatal(err)
		}
		if err := t2.multiply(t.Context(), scalars, p2); err != nil {
			t.Fatal(err)
		}
		for i := range scalars {
			n := scalars[i].BigInt(new(big.Int))
			if want := *new(bn254.G1Affine).ScalarMultiplication(&g1, n); bn254.G1Affine(p1[i]) != want {
				t.Errorf("window %d: %v·G1 is wrong", t1.window, n)
			}
			if want := *new(bn254.G2Affine).ScalarMultiplication(&g2, n); bn254.G2Affine(p2[i]) != want {
				t.Errorf("window %d: %v·G2 is wrong", t2.window, n)
			}
		}
	}
}

// TestSums: equal points, opposite ones and infinity.
func TestSums(t *testing.T) {
	_, _, g, _ := bn254.Generators()
	var minus, twice bn254.G1Affine
	minus.Neg(&g)
	twice.Double(&g)
	for _, c := range []struct {
		a, b bn254.G1Affine
		neg  bool
		want bn254.G1Affine
	}{
		{g, g, false, twice}, {g, g, true, bn254.G1Affine{}}, {g, minus, false, bn254.G1Affine{}}, {g, minus, true, twice},
		{bn254.G1Affine{}, g, false, g}, {bn254.G1Affine{}, g, true, minus}, {minus, twice, false, g},
	} {
		s := newSums[fp.Element, *fp.Element](1)
		a, b := point[fp.Element](c.a), point[fp.Element](c.b)
		s.add(&a, &b, c.neg)
		s.flush()
		if bn254.G1Affine(a) != c.want {
			t.Errorf("%v + %v (negative: %v) is %v", c.a, c.b, c.neg, a)
		}
	}
}

func TestGenerateStops(t *testing.T) {
	c, err := Compile(toyShapes[0], toyLabels)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := NewGenerator(rand.Reader).Generate(ctx, c.system); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
	if _, _, err := NewGenerator(bytes.NewReader(make([]byte, 100))).Generate(t.Context(), c.system); err == nil {
		t.Error("keys from a source that ended")
	}
}
