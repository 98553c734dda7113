package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/trilemma-dev/trilemma/internal/proving"
	"github.com/trilemma-dev/trilemma/internal/secrets"
	"github.com/trilemma-dev/trilemma/workflow"
)

// maxSecrets bounds a file of secrets, in bytes.
const maxSecrets = 1 << 30

// secretsFile is a private file of openings. Nothing that it held is ever taken out of it. A nil one stands for none.
type secretsFile struct {
	*secrets.Set
	to  output
	was [sha256.Size]byte // of a file that was there
	had int
}

// secretsFor is the file that opens a document's secrets, as the flags say; nil if the document has none.
func (a *app) secretsFor(d *workflow.Document, f *runFlags) (*secretsFile, error) {
	label, ok := d.Secret()
	switch {
	case !ok && f.secrets != "":
		return nil, usage("--secrets: the workflow has no secrets")
	case f.redacted != "" && f.secrets == "":
		return nil, usage("--redacted is about a workflow's secrets: name the file that keeps them with --secrets")
	case !ok:
		return nil, nil
	case a.remote.url != "":
		return nil, a.noSecrets(d)
	case f.secrets == "":
		return nil, &status{code: exitUsage, err: fmt.Errorf("the task %q is secret, and nothing says where to keep what opens it", label),
			hint: "name a file with --secrets: it is made with mode 0600, and whoever has it sees what is hidden"}
	}
	if f.redacted != "" {
		if out, err := a.place(f.redacted); err != nil || out.name == "-" {
			return nil, errors.Join(err, usage("--redacted %s is no file", f.redacted))
		}
	}
	_, err := os.Lstat(f.secrets)
	if !errors.Is(err, fs.ErrNotExist) {
		return a.secretsIn(f.secrets)
	}
	if d.Redacted() {
		return nil, usage("the workflow is redacted, and there is no file %s that opens its secrets", f.secrets)
	}
	to, err := a.privatePlace(f.secrets)
	if err != nil {
		return nil, err
	}
	to.fresh = true
	return &secretsFile{Set: secrets.New(rand.Reader), to: to}, nil
}

func (a *app) privatePlace(name string) (output, error) {
	to, err := a.place(name)
	if err == nil && (to.name == "-" || to.device) {
		err = usage("secrets are kept in a file, and %s is none", name)
	}
	to.private = true
	return to, err
}

// noSecrets refuses a document with secrets where a service would see them.
func (a *app) noSecrets(d *workflow.Document) error {
	if label, ok := d.Secret(); ok {
		return &status{code: exitUsage, err: fmt.Errorf("the task %q is secret, and the service at %s would see what is hidden: nothing was sent", label, a.remote.url),
			hint: "run it here, without --remote, and send the bundle"}
	}
	return nil
}

// secretsIn reads a file of secrets. One that others can read is refused.
func (a *app) secretsIn(name string) (*secretsFile, error) {
	to, err := a.privatePlace(name)
	if err != nil {
		return nil, err
	}
	st, err := os.Stat(to.name)
	switch {
	case err != nil:
		return nil, readError(name, err)
	case st.Mode().Perm()&0o077 != 0:
		return nil, &status{code: exitUsage, err: fmt.Errorf("the secrets in %s can be read by others (mode %04o)", name, st.Mode().Perm()), hint: "run chmod 600 on it"}
	}
	data, err := a.readFile(to.name, maxSecrets)
	if err != nil {
		return nil, err
	}
	set, err := secrets.Read(bytes.NewReader(data), rand.Reader)
	if err != nil {
		return nil, usage("%s: %w", name, err)
	}
	return &secretsFile{Set: set, to: to, was: sha256.Sum256(data), had: set.Len()}, nil
}

// set is what opens commitments; nil of a nil file.
func (s *secretsFile) set() *secrets.Set {
	if s == nil {
		return nil
	}
	return s.Set
}

// opener opens commitments for proofs; nil of a nil file.
func (s *secretsFile) opener() proving.Opener {
	if s == nil {
		return nil
	}
	return s.Opening
}

// save writes the file, if there is more than was in it. What somebody else has put into it meanwhile is not lost: then it is an error.
func (s *secretsFile) save(ctx context.Context, a *app) error {
	if s == nil || s.Len() == s.had {
		return nil
	}
	if !s.to.fresh {
		data, err := a.readFile(s.to.name, maxSecrets)
		if err != nil {
			return err
		}
		if sha256.Sum256(data) != s.was {
			return &status{code: exitFailed, err: fmt.Errorf("the secrets in %s were changed by somebody else meanwhile: they are left as they are", s.to.name), hint: "run it again"}
		}
	}
	if err := a.write(ctx, s.to, s.Write); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.err, "secrets %s: %d openings, %d of them new; whoever has the file sees what is hidden\n", s.to.name, s.Len(), s.Len()-s.had)
	return err
}

// writeRedacted writes a document whose secrets were committed to.
func (a *app) writeRedacted(ctx context.Context, d *workflow.Document, name string) error {
	if name == "" {
		return nil
	}
	data, err := d.Encode()
	if err != nil {
		return err
	}
	to, err := a.place(name)
	if err != nil {
		return err
	}
	return a.write(ctx, to, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// withoutTranscript says which tasks get no transcript though one was asked for.
func (a *app) withoutTranscript(w *workflow.Workflow) {
	for _, t := range w.Tasks {
		if t.Secret {
			fmt.Fprintf(a.err, "note: the secret task %q gets no transcript: its states would tell what is hidden\n", t.Label)
		}
	}
}
