package prover

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/trilemma-dev/trilemma/circuits/parts"
)

// TestSession: what was kept is there afterwards, up to a record that a crash cut off; the seed stays the same, and is nobody else's to read; a sealed
// session leaves nothing.
func TestSession(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "proving", "one")
	made := toyProof(t, toyJob(11))
	s := must(OpenSession(dir, parts.Groth16{}, rand.Reader))
	for i := range made[:2] {
		if err := s.Keep(i, made[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"": 0o700, seedName: 0o600, partsName: 0o600} {
		if info := must(os.Stat(filepath.Join(dir, name))); info.Mode().Perm() != mode {
			t.Errorf("%q has mode %v", name, info.Mode())
		}
	}
	taken := func(want int) {
		t.Helper()
		again := must(OpenSession(dir, parts.Groth16{}, rand.Reader))
		if again.Seed != s.Seed || len(again.Have) != want {
			t.Errorf("taken up again, %d parts are there, not %d", len(again.Have), want)
		}
		for i, p := range again.Have {
			if p.Kind != made[i].Kind || !bytes.Equal(p.Bytes(), made[i].Bytes()) {
				t.Errorf("part %d is another one", i)
			}
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	taken(2)
	name := filepath.Join(dir, partsName)
	change(t, name, func(b []byte) []byte { return b[:len(b)-1] })
	taken(1)
	change(t, name, func(b []byte) []byte { b[20] ^= 1; return b })
	taken(0)
	last := must(OpenSession(dir, parts.Groth16{}, rand.Reader))
	if err := last.Seal(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after it was sealed: %v", err)
	}
}
