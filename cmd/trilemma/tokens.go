package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/store"
)

// maxTokens bounds a file with tokens: base64 adds a third, people a line's end.
const maxTokens = capability.MaxContainer/3*4 + 64

// readTokens reads a container or a bare token; "-" is stdin.
func (a *app) readTokens(name string) (*capability.Container, error) {
	data, err := a.readFile(name, maxTokens)
	if err != nil {
		return nil, err
	}
	c, err := capability.ReadTokens(data)
	if err != nil {
		return nil, usage("%s: %w", name, err)
	}
	return c, nil
}

// placeTokens says where a container goes; unlike a bundle it is text, which a terminal may have.
func (a *app) placeTokens(name string) (output, error) {
	if name == "-" {
		return output{name: name}, nil
	}
	return a.place(name)
}

// writeTokens writes a container in printable form, on a line of its own.
func (a *app) writeTokens(ctx context.Context, to output, c *capability.Container) error {
	text, err := tokenText(c)
	if err != nil {
		return err
	}
	return a.write(ctx, to, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, text)
		return err
	})
}

func tokenText(c *capability.Container) (string, error) {
	data, err := c.Encode(capability.Base64URL)
	return string(data), err
}

// revocations is the set of revocations of this program's home.
func (a *app) revocations() (*store.Revocations, error) {
	d, err := a.store()
	if err != nil {
		return nil, err
	}
	return &store.Revocations{Records: d}, nil
}

// knownRevocations is the same set, or nil if there is no home yet.
func (a *app) knownRevocations() (capability.Revocations, error) {
	dir, err := a.home()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, "store")); err != nil {
		return nil, nil
	}
	return a.revocations()
}

// parseMoment reads a time: after how long from now, or when, or for empty and never none at all.
func parseMoment(flag, s string, now time.Time) (*int64, error) {
	if s == "" || s == "never" {
		return nil, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		d, err := parseDuration(s)
		if err != nil {
			return nil, usage("%s %q is neither a duration such as 24h or 7d nor a time such as 2026-01-31T12:00:00Z", flag, s)
		}
		t = now.Add(d)
	}
	u := t.Unix()
	return &u, nil
}

// parseDuration also knows days.
func parseDuration(s string) (time.Duration, error) {
	const day = 24 * time.Hour
	if n, ok := strings.CutSuffix(s, "d"); ok {
		days, err := strconv.ParseUint(n, 10, 16)
		return time.Duration(days) * day, err
	}
	return time.ParseDuration(s)
}
