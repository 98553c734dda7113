package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/spotcheck"
)

// challenges remembers the challenges that were made here, one directory for each run: a nonce is known as our own by that, and a challenge that was not
// answered is not made anew. A file holds a challenge under its CID; one of the same name with decided behind it says that it was answered.
type challenges struct{ dir string }

const decided = ".decided"

func (a *app) challenges(receipt cid.Cid) (*challenges, error) {
	home, err := a.home()
	return &challenges{filepath.Join(home, "challenges", receipt.String())}, err
}

// open returns the challenge that is not decided yet, or nil.
func (c *challenges) open() (*spotcheck.Challenge, error) {
	entries, err := os.ReadDir(c.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, usage("%w", err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), decided) || strings.HasPrefix(e.Name(), ".") || c.has(e.Name()+decided) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(c.dir, e.Name()))
		if err != nil {
			return nil, usage("%w", err)
		}
		ch, err := spotcheck.ReadChallenge(data)
		if err != nil {
			return nil, usage("%s: %w", filepath.Join(c.dir, e.Name()), err)
		}
		return ch, nil
	}
	return nil, nil
}

func (c *challenges) has(name string) bool {
	_, err := os.Stat(filepath.Join(c.dir, name))
	return err == nil
}

// ours says whether a challenge was made here.
func (c *challenges) ours(id cid.Cid) bool { return c.has(id.String()) }

// keep remembers a challenge, with mode 0600: until it is sent its nonce is a secret.
func (c *challenges) keep(id cid.Cid, data []byte) error {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return usage("%w", err)
	}
	if err := os.WriteFile(filepath.Join(c.dir, id.String()), data, 0o600); err != nil {
		return usage("%w", err)
	}
	return nil
}

// decide notes that a challenge of ours was answered, so that another one may be made.
func (c *challenges) decide(id cid.Cid) error {
	if !c.ours(id) {
		return nil
	}
	if err := os.WriteFile(filepath.Join(c.dir, id.String()+decided), nil, 0o600); err != nil {
		return usage("%w", err)
	}
	return nil
}
