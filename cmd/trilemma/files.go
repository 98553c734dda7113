package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/receipts"
)

func readBounded(r io.Reader, name string, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, usage("%s: %w", name, err)
	}
	if int64(len(data)) > limit {
		return nil, usage("%s is larger than %d bytes", name, limit)
	}
	return data, nil
}

// writeWhole writes a file that appears whole under its name or not at all; "-" is stdout.
func (a *app) writeWhole(name string, write func(io.Writer) error) (err error) {
	if name == "-" {
		w := bufio.NewWriter(a.out)
		if err := write(w); err != nil {
			return err
		}
		return w.Flush()
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*.part")
	if err != nil {
		return usage("%w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	err = write(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return usage("write %s: %w", name, err)
	}
	return nil
}

// readBundle reads a bundle; "-" is stdin.
func (a *app) readBundle(name string) (*receipts.Bundle, int64, error) {
	r := a.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, 0, usage("%w", err)
		}
		defer f.Close() // opened for reading only
		r = f
	}
	c := &counter{r: r}
	b, err := receipts.ReadBundle(bufio.NewReaderSize(c, 1<<20), block.CARLimits{})
	if err != nil {
		return nil, c.n, fmt.Errorf("%s: %w", name, err)
	}
	return b, c.n, nil
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
