package ceremony_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/circuits/emit"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/plonk"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/ceremony"
	"github.com/trilemma-dev/trilemma/internal/proving"
	"github.com/trilemma-dev/trilemma/prover"
)

// few is a scheme of two circuits of some chips. It proves no run: it has no room for most of what a run does.
func few(name string) (*proof.Scheme, error) {
	if name != "few" {
		return nil, fmt.Errorf("unknown scheme %q", name)
	}
	s := &proof.Scheme{Chips: circuits.New()}
	s.System = emit.New(s.Chips)
	for _, sh := range []struct {
		name string
		rows map[string]int
	}{{"head", map[string]int{"statement": 1, "program": 1}}, {"rest", map[string]int{"register": 3}}} {
		shape, err := s.System.Shape(sh.name, 1, sh.rows)
		if err != nil {
			return nil, err
		}
		s.Shapes = append(s.Shapes, shape)
	}
	return s, nil
}

// open takes up the ceremony as another process would.
func open(t *testing.T, dir string) *ceremony.Ceremony {
	t.Helper()
	c, err := ceremony.Open(dir, few)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func contribute(t *testing.T, dir string, want int) {
	t.Helper()
	steps, err := open(t, dir).Contribute(t.Context(), nil)
	if err != nil || len(steps) != want {
		t.Fatalf("%d steps, %v", len(steps), err)
	}
}

// sealed makes a ceremony of two contributors in a directory.
func sealed(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "c")
	c, err := ceremony.Start(t.Context(), dir, "few", parts.Groth16{}, few, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Phase() != ceremony.Powers {
		t.Errorf("it begins with the phase %s", c.Phase())
	}
	contribute(t, dir, 1)
	contribute(t, dir, 1)
	if err := open(t, dir).EndPowers(t.Context(), []byte("first"), nil); err != nil {
		t.Fatal(err)
	}
	contribute(t, dir, 2)
	contribute(t, dir, 2)
	c = open(t, dir)
	if err := c.End([]byte("second")); err != nil {
		t.Fatal(err)
	}
	if err := c.Seal(t.Context(), &proving.Verified{}, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestWhole: whoever goes through a sealed ceremony gets the same keys, into a store too, whose manifests name it; it takes nothing more.
func TestWhole(t *testing.T) {
	dir := sealed(t)
	c := open(t, dir)
	id, err := c.CID()
	if err != nil {
		t.Fatal(err)
	}
	s, err := few("few")
	if err != nil {
		t.Fatal(err)
	}
	var keys proving.Verified
	if err := c.Verify(t.Context(), &keys, nil); err != nil {
		t.Fatal(err)
	}
	f, err := keys.Family(s, id)
	if err != nil {
		t.Fatal(err)
	}
	if f.Dev() || f.Origin() != id.String() {
		t.Errorf("its keys come from %s", f.Origin())
	}
	store := prover.NewKeystore(filepath.Join(t.TempDir(), "keys"))
	collection := store.Collect(id)
	if err := open(t, dir).Seal(t.Context(), collection, nil); err != nil {
		t.Fatal(err)
	}
	if !collection.Has(c.Circuits[0]) {
		t.Error("the collection does not have what it was given")
	}
	if err := collection.Adopt(); err != nil {
		t.Fatal(err)
	}
	k, err := proving.Open(t.Context(), store, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := k.Runs.Family(); got.ID() != f.ID() || got.Origin() != id.String() {
		t.Errorf("the store has family %x of %s, not %x", got.ID(), got.Origin(), f.ID())
	}
	if _, err := open(t, dir).Contribute(t.Context(), nil); !errors.Is(err, ceremony.ErrPhase) {
		t.Errorf("a contribution to a sealed ceremony: %v", err)
	}
	if err := open(t, dir).End([]byte("third")); !errors.Is(err, ceremony.ErrPhase) {
		t.Errorf("another beacon: %v", err)
	}
}

// TestPlonk: a ceremony for PLONK is its powers: one beacon seals it, and everybody gets the same keys of it.
func TestPlonk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "c")
	if _, err := ceremony.Start(t.Context(), dir, "few", plonk.Backend{}, few, nil); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir).End([]byte("x")); err != nil {
		t.Fatal(err)
	}
	c := open(t, dir)
	if err := c.End([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := c.Seal(t.Context(), &proving.Verified{}, nil); !errors.Is(err, prover.ErrCeremony) {
		t.Errorf("nobody contributed: %v", err)
	}
	contribute(t, dir, 1)
	contribute(t, dir, 1)
	if err := open(t, dir).EndPowers(t.Context(), []byte("x"), nil); !errors.Is(err, ceremony.ErrPhase) {
		t.Errorf("a second phase: %v", err)
	}
	c = open(t, dir)
	if err := c.End([]byte("beacon")); err != nil {
		t.Fatal(err)
	}
	id, err := c.CID()
	if err != nil {
		t.Fatal(err)
	}
	store := prover.NewKeystore(filepath.Join(t.TempDir(), "keys"))
	collection := store.Collect(id)
	if err := c.Seal(t.Context(), collection, nil); err != nil {
		t.Fatal(err)
	}
	if err := collection.Adopt(); err != nil {
		t.Fatal(err)
	}
	s, err := few("few")
	if err != nil {
		t.Fatal(err)
	}
	k, err := proving.OpenIn(t.Context(), store, s, plonk.Backend{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var again proving.Verified
	if c = open(t, dir); c.Phase() != ceremony.Sealed {
		t.Errorf("it is not sealed, but in the phase %s", c.Phase())
	}
	if err := c.Verify(t.Context(), &again, nil); err != nil {
		t.Fatal(err)
	}
	f, err := again.Family(s, id)
	if err != nil {
		t.Fatal(err)
	}
	if got := k.Runs.Family(); got.ID() != f.ID() || got.Dev() || got.Origin() != id.String() {
		t.Errorf("the store has family %x of %s, not %x", got.ID(), got.Origin(), f.ID())
	}
}

// TestResume: a contribution to circuits that was interrupted is gone on with where it was, and is one contribution.
func TestResume(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "c")
	if _, err := ceremony.Start(t.Context(), dir, "few", parts.Groth16{}, few, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := ceremony.Start(t.Context(), dir, "few", parts.Groth16{}, few, nil); !errors.Is(err, os.ErrExist) {
		t.Errorf("where there is a ceremony: %v", err)
	}
	contribute(t, dir, 1)
	c := open(t, dir)
	if err := c.End([]byte("x")); !errors.Is(err, ceremony.ErrPhase) {
		t.Errorf("the end before the powers have ended: %v", err)
	}
	if err := c.EndPowers(t.Context(), []byte("first"), nil); err != nil {
		t.Fatal(err)
	}
	if err := c.End([]byte("x")); !errors.Is(err, ceremony.ErrPhase) {
		t.Errorf("the end before anybody contributed: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	steps, err := open(t, dir).Contribute(ctx, func(what string, done, total int) {
		if done == 0 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || len(steps) != 1 {
		t.Fatalf("%d steps, %v", len(steps), err)
	}
	if err := open(t, dir).End([]byte("x")); !errors.Is(err, ceremony.ErrPhase) {
		t.Errorf("the end of half a contribution: %v", err)
	}
	if err := open(t, dir).Verify(t.Context(), nil, nil); err != nil {
		t.Errorf("half a contribution: %v", err)
	}
	contribute(t, dir, 1)
	if got := open(t, dir).Contributors(); got != 1 {
		t.Errorf("%d contributed", got)
	}
}

// TestHostile: what a stranger can do to the files is found out, and said.
func TestHostile(t *testing.T) {
	dir := sealed(t)
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	verify := func() error {
		c, err := ceremony.Open(dir, few)
		if err != nil {
			return err
		}
		return c.Verify(t.Context(), &proving.Verified{}, nil)
	}
	for _, f := range files {
		name := filepath.Join(dir, f.Name())
		if filepath.Ext(name) == ".0" { // whoever verifies makes it again
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		flipped := bytes.Clone(data)
		flipped[len(flipped)/2] ^= 1
		for how, bad := range map[string][]byte{
			"empty": {}, "cut off": data[:len(data)-1], "longer": append(bytes.Clone(data), 0), "changed": flipped, "enormous": make([]byte, 3<<20),
		} {
			if err := os.WriteFile(name, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := verify(); !errors.Is(err, prover.ErrCeremony) {
				t.Errorf("%s, %s: %v", f.Name(), how, err)
			}
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Steps that the transcript names, but that do not follow from each other.
	c := open(t, dir)
	tr := c.Transcript
	for name, change := range map[string]func(){
		"the first step left out": func() { tr.Circuits[0].Steps = tr.Circuits[0].Steps[1:] },
		"another beacon":          func() { tr.Beacon = []byte("other") },
		"a circuit without end":   func() { tr.Circuits[0].Beacon = []byte{} },
		"powers of a wrong size":  func() { tr.Size *= 2 },
	} {
		saved, of := *tr, tr.Circuits[0]
		change()
		if err := c.Verify(t.Context(), &proving.Verified{}, nil); !errors.Is(err, prover.ErrCeremony) {
			t.Errorf("%s: %v", name, err)
		}
		*tr = saved
		tr.Circuits[0] = of
	}
	for name, change := range map[string]func(){
		"another scheme":     func() { tr.Scheme = "none" },
		"enormous powers":    func() { tr.Size = 1 << 24 },
		"another circuit":    func() { tr.Circuits[1].Circuit = tr.Circuits[0].Circuit },
		"a circuit left out": func() { tr.Circuits = tr.Circuits[:1] },
	} {
		saved, of := *tr, tr.Circuits[1]
		change()
		b, err := tr.Block()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "transcript"), b.Data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ceremony.Open(dir, few); !errors.Is(err, prover.ErrCeremony) {
			t.Errorf("%s: %v", name, err)
		}
		*tr = saved
		tr.Circuits[1] = of
	}
}
