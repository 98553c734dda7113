package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/workflow"
)

// reason is an error without the name of the file, where messages name another one.
func reason(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// readError is the failure to read a file. An interruption is passed on as such.
func readError(name string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return usage("cannot read %s: %w", name, reason(err))
}

// readBounded reads all of r, which is called name, unless that is more than limit bytes.
func readBounded(r io.Reader, name string, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, readError(name, err)
	}
	if int64(len(data)) > limit {
		return nil, usage("%s is larger than %d bytes", name, limit)
	}
	return data, nil
}

// interruptible is a reader that may block for ever, such as a terminal: its reads end with the context.
type interruptible struct {
	ctx  context.Context
	r    io.Reader
	done chan read // of the read that is under way, or nil
	left []byte
}

type read struct {
	data []byte
	err  error
}

// Read implements [io.Reader]; it is not safe for concurrent use.
func (i *interruptible) Read(p []byte) (int, error) {
	if len(i.left) > 0 {
		n := copy(p, i.left)
		i.left = i.left[n:]
		return n, nil
	}
	if i.done == nil {
		i.done = make(chan read, 1)
		go func(done chan<- read, data []byte) {
			n, err := i.r.Read(data)
			done <- read{data[:n], err}
		}(i.done, make([]byte, min(max(len(p), 4096), 1<<20)))
	}
	select {
	case <-i.ctx.Done():
		return 0, i.ctx.Err()
	case r := <-i.done:
		i.done = nil
		n := copy(p, r.data)
		i.left = r.data[n:]
		if len(i.left) > 0 {
			return n, nil // an error comes again with the next read
		}
		return n, r.err
	}
}

// open opens a file for reading; "-" is stdin.
func (a *app) open(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(a.in), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, readError(name, err)
	}
	return f, nil
}

// readFile reads a file that may not be larger than limit; "-" is stdin.
func (a *app) readFile(name string, limit int64) ([]byte, error) {
	f, err := a.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() // opened for reading only
	return readBounded(f, name, limit)
}

// damagedBundle is what is wrong with a file that is meant as a bundle.
type damagedBundle struct{ error }

func (d *damagedBundle) Unwrap() error { return d.error }

// labels lists the tasks of a bundle, twenty at most.
func labels(b *receipts.Bundle) (out []string) {
	w, err := workflow.Read(receipts.CID(b.Record.Workflow), b.Get)
	if err != nil {
		return nil
	}
	for i, t := range w.Tasks {
		if i == 20 {
			return append(out, "…")
		}
		out = append(out, t.Label)
	}
	return out
}

// tasks counts the tasks that a bundle's run claims to have.
func tasks(b *receipts.Bundle) int {
	rb, _ := b.Get(receipts.CID(b.Record.Receipt))
	r, err := receipts.Open(rb)
	if err != nil || r.Claim.Run.Receipts == nil {
		return 0
	}
	return len(r.Claim.Run.Receipts.Keys)
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
