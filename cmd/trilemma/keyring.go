package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/proving"
	"github.com/trilemma-dev/trilemma/prover"
)

// keystore is where proving keys lie, and the families that are trusted here.
func (a *app) keystore() (*prover.Keystore, error) {
	dir, err := a.keyDir()
	return prover.NewKeystore(dir), err
}

func (a *app) keyDir() (string, error) {
	dir, err := a.home()
	return filepath.Join(dir, "keys"), err
}

func scheme(name string) (*proof.Scheme, error) {
	s, err := proof.Named(name)
	if err != nil {
		return nil, usage("%w", err)
	}
	return s, nil
}

// keyFlags say whose keys.
type keyFlags struct{ scheme, backend string }

func (f *keyFlags) add(c *cobra.Command) {
	schemeFlag(c, &f.scheme)
	backendFlag(c, &f.backend)
}

func backendFlag(c *cobra.Command, name *string) {
	names := []string{}
	for _, b := range proof.Backends() {
		names = append(names, b.Name())
	}
	c.Flags().StringVar(name, "backend", names[0], "proof system: "+strings.Join(names, " or ")+"; the second one is there to be compared with, for small circuits")
	completeFlag(c, "backend", oneOf(names...))
}

// of finds the scheme and the proof system, which are for each other.
func (f *keyFlags) of() (*proof.Scheme, parts.Backend, error) {
	s, err := scheme(f.scheme)
	if err != nil {
		return nil, nil, err
	}
	b, err := proof.BackendNamed(f.backend)
	if err == nil {
		err = proving.CheckSize(s, b)
	}
	if err != nil {
		return nil, nil, usage("%w", err)
	}
	return s, b, nil
}

// provingKeys opens the keys of a scheme in the usual proof system.
func (a *app) provingKeys(ctx context.Context, name string) (*proving.Keys, error) {
	return a.keysIn(ctx, keyFlags{name, proof.Backends()[0].Name()})
}

// keysIn opens the keys of a scheme. Those that are not there yet are made, which stderr tells.
func (a *app) keysIn(ctx context.Context, f keyFlags) (*proving.Keys, error) {
	s, backend, err := f.of()
	if err != nil {
		return nil, err
	}
	store, err := a.keystore()
	if err != nil {
		return nil, err
	}
	bar, told := a.progressOf("keys", len(s.Shapes)), false
	number, bytes, took := 0, int64(0), time.Duration(0)
	k, err := proving.OpenIn(ctx, store, s, backend, &proving.Making{Random: rand.Reader, Now: time.Now,
		Missing: func(*prover.Circuit) {
			if !told {
				fmt.Fprintf(a.err, "making keys of the scheme %s, for %d circuits: development keys, as their randomness is drawn here\n", f.scheme, len(s.Shapes))
			}
			told = true
		},
		Made: func(m *prover.Manifest, one time.Duration) {
			number, bytes, took = number+1, bytes+m.Proving.Size, took+one
			bar.done(number)
		}})
	bar.end()
	if told {
		fmt.Fprintf(a.err, "made %d keys in %.1f s: %d MiB\n", number, took.Seconds(), bytes>>20)
	}
	return k, hostFailure(err)
}

// provingKeysHere opens the keys of a scheme. They must be there.
func (a *app) provingKeysHere(ctx context.Context, name string) (*proving.Keys, error) {
	s, err := scheme(name)
	if err != nil {
		return nil, err
	}
	store, err := a.keystore()
	if err != nil {
		return nil, err
	}
	k, err := proving.Open(ctx, store, s, nil)
	if errors.Is(err, prover.ErrNoKeys) {
		return nil, &status{code: exitUsage, err: err, hint: "copy the directory keys of the service's TRILEMMA_HOME: keys that were made here would be others"}
	}
	return k, hostFailure(err)
}

// digest is the ID of a family.
type digest = [sha256.Size]byte

// trusted finds families of keys that are trusted here: those of the files, and those of the store. A file that cannot be used is an error, since it was asked for.
func (a *app) trusted(files []string) (func(digest) *proof.Family, error) {
	named := make(map[digest]*proof.Family)
	for _, name := range files {
		f, err := a.readFamily(name)
		if err != nil {
			return nil, err
		}
		named[f.ID()] = f
	}
	store, err := a.keystore()
	if err != nil {
		return nil, err
	}
	return func(id digest) *proof.Family {
		if f, ok := named[id]; ok {
			return f
		}
		f, err := store.Family(id)
		if err != nil {
			if !errors.Is(err, prover.ErrNoKeys) {
				fmt.Fprintln(a.err, "note:", printable(err.Error()))
			}
			return nil
		}
		return f
	}, nil
}

// maxFamily bounds a file of keys that is read.
const maxFamily = 1 << 20

func (a *app) readFamily(name string) (*proof.Family, error) {
	data, err := a.readFile(name, maxFamily)
	if err != nil {
		return nil, err
	}
	f, err := proof.ReadFamily(data)
	if err != nil {
		return nil, &status{code: exitUsage, err: fmt.Errorf("%s: %w", name, err), hint: "keys to verify with are what trilemma setup export writes"}
	}
	return f, nil
}
