package proof_test

import (
	"bytes"
	"errors"
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/proof"
)

// family is the small scheme with keys that are well formed and nobody's.
func family(t testing.TB, ceremony cid.Cid) *proof.Family {
	t.Helper()
	s, err := proof.Named(proof.Small)
	if err != nil {
		t.Fatal(err)
	}
	_, _, g1, g2 := bn254.Generators()
	on2 := func(n int64) (p bn254.G2Affine) { return *p.ScalarMultiplication(&g2, big.NewInt(n)) }
	var keys []parts.VerifyingKey
	for _, sh := range s.Shapes {
		points := parts.KeyPoints{Alpha: g1, Beta: on2(3), Gamma: on2(5), Delta: on2(7), G: on2(11), GSigmaNeg: on2(13)}
		for range parts.Publics(len(s.System.Labels()), sh.Given()) + 2 {
			points.K = append(points.K, g1)
		}
		k, err := parts.NewKey(points)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	f, err := proof.NewFamily(s, keys, ceremony)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFamily: a family comes back as it was written, with where its keys come from; whatever is cut off or changed is refused, or is another one.
func TestFamily(t *testing.T) {
	ceremony := block.Raw([]byte("a ceremony")).CID
	for _, from := range []cid.Cid{cid.Undef, ceremony} {
		f := family(t, from)
		b, err := f.Block()
		if err != nil {
			t.Fatal(err)
		}
		g, err := proof.ReadFamily(b.Data)
		if err != nil {
			t.Fatal(err)
		}
		if g.ID() != f.ID() || g.Dev() != !from.Defined() || g.Origin() != f.Origin() || len(g.Scheme.Shapes) != len(f.Scheme.Shapes) {
			t.Errorf("it comes back as %x, %s", g.ID(), g.Origin())
		}
		for i, sh := range g.Scheme.Shapes {
			if want := f.Scheme.Shapes[i]; sh.Name() != want.Name() || sh.Columns() != want.Columns() || sh.Block() != want.Block() {
				t.Errorf("shape %d comes back as %s of %d columns", i, sh.Name(), sh.Columns())
			}
		}
	}
	b, err := family(t, cid.Undef).Block()
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(b.Data); n += 97 {
		if _, err := proof.ReadFamily(b.Data[:n]); !errors.Is(err, proof.ErrFamily) {
			t.Errorf("the first %d bytes: %v", n, err)
		}
	}
	chips := family(t, cid.Undef).Scheme.Chips.Digest()
	other := chips
	other[0] ^= 1
	for name, change := range map[string][2][]byte{
		"another version": {[]byte(proof.FamilyVersion), []byte("family/9")},
		"another profile": {[]byte("tm/1"), []byte("tm/9")},
		"other chips":     {chips[:], other[:]},
		"a chip unknown":  {[]byte("register refresh"), []byte("register refrain")},
	} {
		if _, err := proof.ReadFamily(bytes.Replace(b.Data, change[0], change[1], 1)); !errors.Is(err, proof.ErrFamily) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := proof.NewFamily(family(t, cid.Undef).Scheme, nil, cid.Undef); !errors.Is(err, proof.ErrFamily) {
		t.Errorf("no keys: %v", err)
	}
}

// FuzzReadFamily: whatever the bytes, they are refused or are the one encoding of a family.
func FuzzReadFamily(f *testing.F) {
	b, err := family(f, cid.Undef).Block()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b.Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := proof.ReadFamily(data)
		if err != nil {
			if !errors.Is(err, proof.ErrFamily) {
				t.Fatal(err)
			}
			return
		}
		again, err := g.Block()
		if err != nil || !bytes.Equal(again.Data, data) {
			t.Fatalf("%d bytes are another family's: %v", len(data), err)
		}
	})
}
