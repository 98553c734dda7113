package secrets

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/receipts"
)

var computation = block.Raw([]byte("a computation")).CID

// filled is a set with a parameter, a result and an empty result.
func filled(t testing.TB) (s *Set, all []hidden.Commitment) {
	t.Helper()
	s = New(rand.Reader)
	for _, make := range []func() (hidden.Commitment, error){
		func() (hidden.Commitment, error) { return s.Hide([]byte("hunter2")) },
		func() (hidden.Commitment, error) { return s.Seal(computation, 0, []byte("a result")) },
		func() (hidden.Commitment, error) { return s.Seal(computation, 1, nil) },
	} {
		c, err := make()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return s, all
}

func written(t testing.TB, s *Set) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestSet: what was written is read, the same results are committed to alike, and the same parameters are not.
func TestSet(t *testing.T) {
	s, all := filled(t)
	data := written(t, s)
	got, err := Read(bytes.NewReader(data), rand.Reader)
	if err != nil || got.Len() != 3 {
		t.Fatalf("%v, %v", got, err)
	}
	for i, want := range []string{"hunter2", "a result", ""} {
		o, ok := got.Opening(all[i])
		if !ok || string(o.Stream) != want || o.Commitment() != all[i] {
			t.Errorf("opening %d: %q, %v", i, o.Stream, ok)
		}
	}
	if _, ok := got.Opening(hidden.Commitment{1}); ok {
		t.Error("an opening of what was never committed to")
	}
	for _, s := range []*Set{s, got} {
		if c, err := s.Seal(computation, 0, []byte("a result")); err != nil || c != all[1] {
			t.Errorf("the same result: %x, %v", c, err)
		}
		if c, err := s.Seal(computation, 2, []byte("a result")); err != nil || c == all[1] {
			t.Errorf("the same bytes on another stream: %x, %v", c, err)
		}
		if c, err := s.Hide([]byte("hunter2")); err != nil || c == all[0] {
			t.Errorf("the same parameter again: %x, %v", c, err)
		}
	}
	if again := written(t, s); bytes.Equal(again, data) {
		t.Error("what was added is not written")
	}
}

// TestRefuses: a file in which anything was changed is refused, and the reason does not quote it.
func TestRefuses(t *testing.T) {
	s, _ := filled(t)
	data := written(t, s)
	refused := func(what string, data []byte) {
		t.Helper()
		_, err := Read(bytes.NewReader(data), rand.Reader)
		if !errors.Is(err, ErrSecrets) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range data {
		changed := bytes.Clone(data)
		changed[i] ^= 1
		refused("a changed byte", changed)
	}
	for n := range data {
		refused("a file that was cut", data[:n])
	}
	refused("a block twice", append(bytes.Clone(data), data[len(data)-5:]...))

	// Whole files that say what is not so.
	a, err := receipts.ReadArchive(bytes.NewReader(data), block.CARLimits{})
	if err != nil {
		t.Fatal(err)
	}
	forge := func(edit func(*file), more ...block.Block) []byte {
		var f file
		if err := block.Unmarshal(a.Blocks[a.Root], &f, types().TypeByName("Secrets")); err != nil {
			t.Fatal(err)
		}
		edit(&f)
		root, err := block.Marshal(&f, types().TypeByName("Secrets"))
		if err != nil {
			t.Fatal(err)
		}
		blocks := append([]block.Block{root}, more...)
		for c, b := range a.Blocks {
			if c != a.Root {
				blocks = append(blocks, block.Block{CID: c, Data: b})
			}
		}
		var b bytes.Buffer
		if err := receipts.NewArchive(blocks...).Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	if _, err := Read(bytes.NewReader(forge(func(*file) {})), rand.Reader); err != nil {
		t.Fatalf("the file as it was: %v", err)
	}
	salt, err := hidden.NewSalt(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for what, edit := range map[string]func(*file){
		"another salt":       func(f *file) { f.Openings[1].Salt = salt[:] },
		"no salt":            func(f *file) { f.Openings[1].Salt = bytes.Repeat([]byte{255}, 32) },
		"another commitment": func(f *file) { f.Openings[1].Commitment = salt[:] },
		"another stream":     func(f *file) { f.Openings[0].Stream = f.Openings[1].Stream },
		"another order":      func(f *file) { f.Openings[0], f.Openings[1] = f.Openings[1], f.Openings[0] },
		"one twice":          func(f *file) { f.Openings = append(f.Openings, f.Openings[2]) },
		"another version":    func(f *file) { f.Trilemma = "secrets/2" },
		"a missing stream":   func(f *file) { f.Openings[2].Stream = receipts.Link(computation) },
		"no stream of output": func(f *file) {
			for i := range f.Openings {
				f.Openings[i].Of = &fileResult{receipts.Link(computation), -1}
			}
		},
	} {
		refused(what, forge(edit))
	}
	refused("a block that opens nothing", forge(func(*file) {}, block.Raw([]byte("a computation"))))
}

// FuzzRead: whatever is read is written back as it is, and opens what it says.
func FuzzRead(f *testing.F) {
	s, _ := filled(f)
	f.Add(written(f, s))
	f.Add(written(f, New(rand.Reader)))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Read(bytes.NewReader(data), rand.Reader)
		if err != nil {
			return
		}
		for c := range s.openings {
			if o, _ := s.Opening(c); o.Commitment() != c {
				t.Fatalf("an opening of %x opens another commitment", c)
			}
		}
		again, err := Read(bytes.NewReader(written(t, s)), rand.Reader)
		if err != nil || again.Len() != s.Len() {
			t.Fatalf("what was read is not read again: %v", err)
		}
	})
}
