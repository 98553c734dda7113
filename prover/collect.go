package prover

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/circuits/parts"
)

// Collection is keys of one ceremony that are gathered beside a store until there are all of them: a family's keys have to come from one place, and making them
// takes long enough to be interrupted.
type Collection struct {
	store, beside *Keystore
	ceremony      cid.Cid
}

// Collect takes up the collection of a ceremony's keys, or begins one.
func (s *Keystore) Collect(ceremony cid.Cid) *Collection {
	return &Collection{s, NewKeystore(filepath.Join(s.dir, "ceremony-"+ceremony.String())), ceremony}
}

// Has reports whether the keys of a circuit are there.
func (c *Collection) Has(circuit *Circuit) bool {
	_, m, err := c.beside.Load(circuit)
	return err == nil && m.Origin() == c.ceremony.String()
}

// Keep keeps the keys of a circuit.
func (c *Collection) Keep(k Keys) error {
	_, err := c.beside.Save(k, c.ceremony)
	return err
}

// Adopt moves all keys into the store, where they replace others of the same circuits. It may be called again after it was interrupted.
func (c *Collection) Adopt() error {
	all, err := c.beside.List()
	if err != nil {
		return err
	}
	for _, m := range all {
		if err := c.adopt(m); err != nil {
			return fmt.Errorf("adopt keys of %s: %w", m.Name, err)
		}
	}
	return os.RemoveAll(c.beside.dir)
}

func (c *Collection) adopt(m *Manifest) error {
	d := parts.Digest(m.Circuit)
	old, err := c.store.manifest(d)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrManifest) {
		return err
	}
	for _, name := range []string{m.provingName(), hexName(d) + manifestExt} {
		if err := os.Rename(filepath.Join(c.beside.dir, name), filepath.Join(c.store.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return c.store.drop(old, m)
}
