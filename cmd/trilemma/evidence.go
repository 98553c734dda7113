package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/receipts"
)

// evidence is a file that verify takes: one of these.
type evidence struct {
	bundle     *receipts.Bundle
	ruling     *receipts.Archive
	refutation []byte
	size       int64
}

// readEvidence reads a bundle, a ruling or a refutation; "-" is stdin. What it is, is told from the bytes. Errors are those of [app.readBundle].
func (a *app) readEvidence(name string) (*evidence, error) {
	f, err := a.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() // opened for reading only
	r := bufio.NewReaderSize(f, 1<<20)
	head, err := r.Peek(6)
	if err != nil && err != io.EOF {
		return nil, readError(name, err)
	}
	if isRefutation(head) {
		data, err := readBounded(r, name, block.MaxNode)
		return &evidence{refutation: data, size: int64(len(data))}, err
	}
	ar, size, err := parseArchive(r, name)
	e := &evidence{size: size}
	if err != nil {
		return e, err
	}
	if isToken(ar.Blocks[ar.Root]) {
		e.ruling = ar
		return e, nil
	}
	e.bundle, err = bundleIn(ar, name)
	return e, err
}

// isRefutation reports whether a file begins as a refutation does: a map in DAG-CBOR whose shortest key is its kind.
func isRefutation(head []byte) bool {
	return len(head) >= 6 && head[0]&0xf0 == 0xa0 && bytes.Equal(head[1:6], []byte("\x64kind"))
}

// readBundle reads a bundle; "-" is stdin. It returns also how many bytes it read. The error is a [*damagedBundle] unless
// the file cannot be read or is something else.
func (a *app) readBundle(name string) (*receipts.Bundle, int64, error) {
	ar, size, err := a.readArchive(name)
	if err != nil {
		return nil, size, err
	}
	b, err := bundleIn(ar, name)
	return b, size, err
}

// readArchive reads a file that is evidence of any kind, with the errors of [app.readBundle].
func (a *app) readArchive(name string) (*receipts.Archive, int64, error) {
	f, err := a.open(name)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close() // opened for reading only
	return parseArchive(bufio.NewReaderSize(f, 1<<20), name)
}

func parseBundle(r io.Reader, name string) (*receipts.Bundle, int64, error) {
	ar, size, err := parseArchive(r, name)
	if err != nil {
		return nil, size, err
	}
	b, err := bundleIn(ar, name)
	return b, size, err
}

func bundleIn(ar *receipts.Archive, name string) (*receipts.Bundle, error) {
	b, err := ar.Bundle()
	if err != nil {
		return nil, &damagedBundle{fmt.Errorf("%s: %w", name, err)}
	}
	return b, nil
}

func parseArchive(r io.Reader, name string) (*receipts.Archive, int64, error) {
	c := &counter{r: r}
	ar, err := receipts.ReadArchive(c, block.CARLimits{})
	switch pe, failed := errors.AsType[*fs.PathError](err); {
	case err == nil:
		return ar, c.n, nil
	case failed:
		return nil, c.n, readError(name, pe)
	case errors.Is(err, context.Canceled):
		return nil, c.n, context.Canceled
	case errors.Is(err, block.ErrNotCAR):
		return nil, c.n, &status{code: exitUsage, err: fmt.Errorf("%s is not a bundle: %w", name, err), hint: "a bundle is what trilemma run -o writes"}
	case errors.Is(err, block.ErrTooLarge):
		return nil, c.n, usage("%s: %w", name, err)
	}
	return nil, c.n, &damagedBundle{fmt.Errorf("%s: %w", name, err)}
}
