package prover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/ipfs/go-cid"
	"golang.org/x/sync/errgroup"

	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/proof"
)

// familyExt is the end of the name of a family's file, which is named by its ID.
const familyExt = ".family"

// Keys makes the keys of a circuit.
func (g *Generator) Keys(ctx context.Context, c *Circuit) (Keys, error) {
	pk, vk, err := g.Generate(ctx, c.system)
	if err != nil {
		return Keys{}, fmt.Errorf("%s: %w", c.Name(), err)
	}
	k, err := VerifyingKey(vk)
	if err != nil {
		return Keys{}, fmt.Errorf("%s: %w", c.Name(), err)
	}
	return Keys{Circuit: c, Proving: pk, Key: k}, nil
}

// CompileAll compiles the shapes of a scheme, in their order, on all processors. The error wraps ErrCircuit if one breaks a rule.
func CompileAll(ctx context.Context, s *proof.Scheme) ([]*Circuit, error) {
	out := make([]*Circuit, len(s.Shapes))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, sh := range s.Shapes {
		g.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			out[i], err = Compile(sh, s.System.Labels())
			return err
		})
	}
	return out, g.Wait()
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
