package prover

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
)

// TestKeystore: keys come back as they were, prove, and are refused when anything about them has changed.
func TestKeystore(t *testing.T) {
	p := toyProver(t)
	k := p.keys[toySend]
	s := NewKeystore(filepath.Join(t.TempDir(), "keys"))
	if _, _, err := s.Load(k.Circuit); !errors.Is(err, ErrNoKeys) {
		t.Fatalf("an empty store: %v", err)
	}
	if all, err := s.List(); err != nil || len(all) != 0 {
		t.Fatalf("an empty store has %d keys: %v", len(all), err)
	}
	if _, err := s.Save(k, cid.Undef); err != nil {
		t.Fatal(err)
	}
	loaded, m, err := s.Load(k.Circuit)
	if err != nil {
		t.Fatal(err)
	}
	var want, got bytes.Buffer
	write(t, &want, k.Proving.WriteRawTo)
	_, pk, err := loaded.ready()
	if err != nil {
		t.Fatal(err)
	}
	write(t, &got, pk.WriteRawTo)
	if !bytes.Equal(want.Bytes(), got.Bytes()) || !bytes.Equal(loaded.Key.Bytes(), k.Key.Bytes()) {
		t.Error("the keys became other ones")
	}
	if !m.Dev() || m.Origin() != "dev" || m.Constraints != int64(k.Circuit.Constraints()) {
		t.Errorf("the manifest says %+v", m)
	}
	again, err := New(toyLabels, []Keys{loaded, p.keys[toyReceive]})
	if err != nil || again.Family().ID() != p.Family().ID() {
		t.Fatalf("another family: %v", err)
	}
	if _, err := again.Prove(t.Context(), toyJob(9)); err != nil {
		t.Error(err)
	}
	if _, _, err := s.Load(p.keys[toyReceive].Circuit); !errors.Is(err, ErrNoKeys) {
		t.Errorf("keys of another circuit: %v", err)
	}

	proving, manifest := find(t, s, provingExt), find(t, s, manifestExt)
	for name, damage := range map[string]func(){
		"a bit of the proving key flipped": func() { change(t, proving, func(b []byte) []byte { b[len(b)/2] ^= 1; return b }) },
		"the proving key cut off":          func() { change(t, proving, func(b []byte) []byte { return b[:len(b)-1] }) },
		"the proving key longer":           func() { change(t, proving, func(b []byte) []byte { return append(b, 0) }) },
		"the manifest cut off":             func() { change(t, manifest, func(b []byte) []byte { return b[:len(b)-1] }) },
		"another circuit's manifest": func() {
			m := newManifest(p.keys[toyReceive].Circuit, p.keys[toyReceive].Key, cid.Undef)
			m.Proving.Sha256 = make([]byte, 32)
			b := must(m.Block())
			change(t, manifest, func([]byte) []byte { return b.Data })
		},
		"another version of gnark": func() {
			change(t, manifest, func(b []byte) []byte {
				return bytes.Replace(b, []byte(m.Gnark), []byte("0.0.999999")[:len(m.Gnark)], 1)
			})
		},
	} {
		if _, err := s.Save(k, cid.Undef); err != nil {
			t.Fatal(err)
		}
		damage()
		loaded, _, err := s.Load(k.Circuit)
		if err == nil {
			_, _, err = loaded.ready()
		}
		if !errors.Is(err, ErrManifest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Save(k, block.Sum(cid.Raw, []byte("transcript"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(proving); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Load(k.Circuit); !errors.Is(err, ErrNoKeys) {
		t.Errorf("without the proving key: %v", err)
	}
	all, err := s.List()
	if err != nil || len(all) != 1 || all[0].Dev() || !strings.HasPrefix(all[0].Origin(), "b") {
		t.Errorf("the list: %+v, %v", all, err)
	}
}

// find is the only file with an extension.
func find(t *testing.T, s *Keystore, ext string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(s.dir, "*"+ext))
	if err != nil || len(names) != 1 {
		t.Fatalf("files %v: %v", names, err)
	}
	return names[0]
}

func change(t *testing.T, path string, f func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, f(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

// FuzzReadManifest: whatever the bytes, they are refused or are a manifest's one encoding.
func FuzzReadManifest(f *testing.F) {
	k := toyProver(f).keys[toySend]
	m := newManifest(k.Circuit, k.Key, cid.Undef)
	m.Proving.Sha256 = make([]byte, 32)
	f.Add(must(m.Block()).Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ReadManifest(data)
		if err != nil {
			if !errors.Is(err, ErrManifest) {
				t.Fatal(err)
			}
			return
		}
		b, err := m.Block()
		if err != nil || !bytes.Equal(b.Data, data) {
			t.Fatalf("%x was read as %x: %v", data, b.Data, err)
		}
	})
}
