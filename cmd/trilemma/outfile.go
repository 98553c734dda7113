package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// place says where an output file of this name goes, before there is anything to write: it finds what would go wrong, so
// that no work is lost. A name that is a link stands for the file that it leads to.
func (a *app) place(name string) (output, error) {
	if name == "-" || name == "/dev/stdout" { // the second is a link that must not be replaced
		if terminal(a.out) {
			return output{}, &status{code: exitUsage, err: errors.New("the bundle is binary, and stdout is a terminal"), hint: "name a file with -o, or redirect stdout"}
		}
		return output{name: "-"}, nil
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	switch info, err := os.Stat(name); {
	case err == nil && info.IsDir():
		return output{}, usage("cannot write %s: it is a directory", name)
	case err == nil && !info.Mode().IsRegular():
		return output{name: name, device: true}, nil
	}
	dir := filepath.Dir(name)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return output{}, usage("cannot write %s: there is no directory %s", name, dir)
	}
	f, err := os.CreateTemp(dir, partPattern(name))
	if err == nil {
		err = errors.Join(f.Close(), os.Remove(f.Name()))
	}
	if err != nil {
		return output{}, usage("cannot write %s: %w", name, reason(err))
	}
	return output{name: name}, nil
}

// output is where a file goes: a file that appears whole, a device or pipe that is written to as it is, or "-", stdout.
type output struct {
	name    string
	device  bool
	private bool // mode 0600, for its owner alone
	fresh   bool // a file of that name is never replaced
}

func partPattern(name string) string { return "." + filepath.Base(name) + ".*.part" }

// write writes a file that appears whole under its name or not at all, also if ctx ends meanwhile.
func (a *app) write(ctx context.Context, o output, write func(io.Writer) error) error {
	switch {
	case o.name == "-":
		return buffered(ctx, a.out, write)
	case o.device:
		f, err := os.OpenFile(o.name, os.O_WRONLY, 0)
		if err != nil {
			return usage("cannot write %s: %w", o.name, reason(err))
		}
		return errors.Join(buffered(ctx, f, write), f.Close())
	}
	err := replace(ctx, o, write)
	if err != nil && ctx.Err() == nil {
		return usage("cannot write %s: %w", o.name, reason(err))
	}
	return err
}

func replace(ctx context.Context, o output, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(o.name), partPattern(o.name)) // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	err = buffered(ctx, f, write)
	if err == nil && !o.private {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if o.fresh { // unlike a new name, a link does not replace
		return errors.Join(os.Link(f.Name(), o.name), os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), o.name)
}

func buffered(ctx context.Context, to io.Writer, write func(io.Writer) error) error {
	w := bufio.NewWriterSize(&untilDone{ctx, to}, 1<<20)
	if err := write(w); err != nil {
		return err
	}
	return w.Flush()
}

// untilDone writes until its context ends.
type untilDone struct {
	ctx context.Context
	w   io.Writer
}

func (u *untilDone) Write(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.w.Write(p)
}
