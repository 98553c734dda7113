package prover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/plonk"
	"github.com/trilemma-dev/trilemma/circuits/proof"
)

// familyExt is the end of the name of a family's file, which is named by its ID.
const familyExt = ".family"

// Keys makes the keys of a circuit.
func (g *Generator) Keys(ctx context.Context, c *Circuit) (Keys, error) {
	if c.plonk {
		return g.plonkKeys(ctx, c)
	}
	system, err := c.compile()
	if err != nil {
		return Keys{}, err
	}
	pk, vk, err := g.Generate(ctx, system)
	if err != nil {
		return Keys{}, fmt.Errorf("%s: %w", c.Name(), err)
	}
	k, err := VerifyingKey(vk)
	if err != nil {
		return Keys{}, fmt.Errorf("%s: %w", c.Name(), err)
	}
	return Keys{Circuit: c, Proving: pk, Key: k}, nil
}

// plonkKeys makes keys for PLONK. One reference string serves all circuits of a size.
func (g *Generator) plonkKeys(ctx context.Context, c *Circuit) (Keys, error) {
	n, err := c.Domain()
	if err != nil {
		return Keys{}, err
	}
	r := g.references[n]
	if r == nil {
		if r, err = g.Reference(ctx, n); err != nil {
			return Keys{}, fmt.Errorf("%s: %w", c.Name(), err)
		}
		g.references[n] = r
	}
	return PlonkKeys(c, r)
}

// PlanAll makes circuits of the shapes of a scheme, in their order, for a backend.
func PlanAll(s *proof.Scheme, backend parts.Backend) (cs []*Circuit, err error) {
	labels := s.System.Labels()
	planOne := Plan
	if backend == (plonk.Backend{}) {
		planOne = PlanPlonk
	}
	for _, sh := range s.Shapes {
		c, err := planOne(sh, labels)
		if err != nil {
			return nil, err
		}
		cs = append(cs, c)
	}
	return cs, nil
}

// CeremonyCID is the transcript that the keys come from, undefined if one machine drew their randomness.
func (m *Manifest) CeremonyCID() (cid.Cid, error) {
	if m.Dev() {
		return cid.Undef, nil
	}
	return cid.Decode(m.Origin())
}

// SaveFamily keeps a family, so that proofs under its keys are trusted here: see [Keystore.Family].
func (s *Keystore) SaveFamily(f *proof.Family) error {
	b, err := f.Block()
	if err != nil {
		return fmt.Errorf("save family: %w", err)
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("save family: %w", err)
	}
	err = s.write(func(w io.Writer) error {
		_, err := w.Write(b.Data)
		return err
	}, func() string { return familyName(f.ID()) })
	if err != nil {
		return fmt.Errorf("save family: %w", err)
	}
	return nil
}

func familyName(id parts.Digest) string { return fmt.Sprintf("%x%s", id, familyExt) }

// Family finds a family by its ID. The error wraps [ErrNoKeys] if it is not here, or [proof.ErrFamily] if this version cannot use it.
func (s *Keystore) Family(id parts.Digest) (*proof.Family, error) {
	f, err := s.readFamily(familyName(id))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w of family %x", ErrNoKeys, id[:8])
	case err != nil:
		return nil, err
	case f.ID() != id:
		return nil, fmt.Errorf("%w: %s is another family", proof.ErrFamily, familyName(id))
	}
	return f, nil
}

func (s *Keystore) readFamily(name string) (*proof.Family, error) {
	data, err := readSmall(filepath.Join(s.dir, name))
	if err != nil {
		return nil, err
	}
	return proof.ReadFamily(data)
}

// Families returns the families that this version can use, by the name of their files.
func (s *Keystore) Families() (all []*proof.Family, err error) {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list families: %w", err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), familyExt) {
			continue
		}
		f, err := s.readFamily(e.Name())
		if errors.Is(err, proof.ErrFamily) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list families: %w", err)
		}
		all = append(all, f)
	}
	return all, nil
}
