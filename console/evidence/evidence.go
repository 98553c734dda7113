// Package evidence reads files of evidence and checks them, for whoever has nothing but their bytes: a page in a browser. It trusts nobody: every block is hashed again,
// every signature is checked, and what runs, runs on the machine in the same process.
package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/report"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/verifier"
	"github.com/trilemma-dev/trilemma/workflow"
)

// Kinds of evidence.
const (
	KindBundle     = "bundle"
	KindRuling     = "ruling"
	KindRefutation = "refutation"
	KindAnswer     = "answer"  // to a challenge
	KindDamaged    = "damaged" // an archive that is none any more, which is a verdict
)

// maxBytes bounds a file: a browser holds it in memory, beside the memory of what runs.
const maxBytes = 512 << 20

// File is evidence that was read.
type File struct {
	Summary
	bundle  *receipts.Bundle
	archive *receipts.Archive
	data    []byte
	damage  error
}

// Summary is what a file holds, by its own word: nothing of it is checked but hashes, and of a bundle the receipts' signatures.
type Summary struct {
	Kind     string         `json:"kind"`
	Bytes    int            `json:"bytes"`
	Root     string         `json:"root,omitempty"` // CID
	Blocks   int            `json:"blocks,omitempty"`
	Run      *wire.Run      `json:"run,omitempty"`
	Workflow *wire.Workflow `json:"workflow,omitempty"`
	Families []Family       `json:"families,omitempty"`
	Note     string         `json:"note,omitempty"` // why something is left out
}

// Family is a set of verifying keys that a bundle carries: those of a stranger, until somebody says otherwise.
type Family struct {
	Family string `json:"family"` // ID, hexadecimal
	Setup  string `json:"setup"`  // dev, or the CID of a ceremony
}

// Read reads a file. The error says that it is no evidence.
func Read(data []byte) (*File, error) {
	if len(data) > maxBytes {
		return nil, fmt.Errorf("the file has %d bytes: a browser takes at most %d", len(data), maxBytes)
	}
	f := &File{data: data, Summary: Summary{Kind: KindBundle, Bytes: len(data)}}
	if _, err := spotcheck.ReadRefutation(data); err == nil {
		f.Kind = KindRefutation
		return f, nil
	}
	a, err := receipts.ReadArchive(bytes.NewReader(data), block.CARLimits{})
	if errors.Is(err, block.ErrNotCAR) || errors.Is(err, block.ErrTooLarge) {
		return nil, err
	}
	if err == nil {
		f.archive, f.Root, f.Blocks = a, a.Root.String(), len(a.Blocks)
		f.bundle, err = a.Bundle()
	}
	switch {
	case err == nil:
		f.describe()
	case a != nil && isRuling(a):
		f.Kind = KindRuling
	case a != nil && isAnswer(a):
		f.Kind = KindAnswer
	default:
		f.Kind, f.damage, f.Note = KindDamaged, err, err.Error()
	}
	return f, nil
}

func isRuling(a *receipts.Archive) bool {
	root, _ := a.Get(a.Root)
	_, err := spotcheck.OpenRuling(root, a.Get)
	return err == nil
}

func isAnswer(a *receipts.Archive) bool {
	_, _, err := verifier.ReadAnswer(a)
	return err == nil
}

// describe says what a bundle holds, as far as that can be read.
func (f *File) describe() {
	run, err := report.Run(f.bundle)
	if err != nil {
		f.Note = err.Error()
		return
	}
	f.Run = run
	w, err := workflow.Read(receipts.CID(f.bundle.Record.Workflow), f.bundle.Get)
	if err != nil {
		f.Note = err.Error()
		return
	}
	said := report.Workflow(w, run.Executor)
	f.Workflow = &said
	for id, k := range f.families() {
		f.Families = append(f.Families, Family{fmt.Sprintf("%x", id), k.Origin()})
	}
}

// families are the keys that a bundle carries and that can be read.
func (f *File) families() map[parts.Digest]*proof.Family {
	out := map[parts.Digest]*proof.Family{}
	if f.bundle == nil || f.bundle.Record.Keys == nil {
		return out
	}
	for _, l := range *f.bundle.Record.Keys {
		b, ok := f.bundle.Get(receipts.CID(l))
		if !ok {
			continue
		}
		if k, err := proof.ReadFamily(b.Data); err == nil {
			out[k.ID()] = k
		}
	}
	return out
}

// Block returns a block of the file.
func (f *File) Block(name string) ([]byte, error) {
	c, err := block.Parse(name)
	if err != nil {
		return nil, err
	}
	if f.archive != nil {
		if b, ok := f.archive.Get(c); ok {
			return b.Data, nil
		}
	}
	return nil, fmt.Errorf("the file has no block %s", name)
}

// Ask says how to check a file.
type Ask struct {
	Mode     string   `json:"mode"`
	Executor string   `json:"executor"` // did:key of the expected signer; empty: whoever signed
	Tasks    []string `json:"tasks"`    // labels; empty: all
	Samples  int64    `json:"samples"`  // of mode spot, with openings that are made here; 0: what the file's answers hold
	Families []string `json:"families"` // of mode zk: IDs of keys that whoever asks trusts, out of the file
	AllowDev bool     `json:"allow_dev_setup"`
}

// Verify checks the file. progress, if set, is called after each task. The error is about what is asked, or the context.
func (f *File) Verify(ctx context.Context, ask Ask, progress func(done int)) (*wire.Report, error) {
	mode, err := verifier.ParseMode(ask.Mode)
	if err != nil {
		return nil, err
	}
	cfg := verifier.Config{Mode: mode, Executor: ask.Executor, Tasks: ask.Tasks, Runner: &machine.Engine{}, Opener: &machine.Engine{}, AllowDev: ask.AllowDev,
		Now: time.Now, Progress: progress}
	switch f.Kind {
	case KindRuling:
		return report.Of(verifier.VerifyRuling(f.archive, cfg), f.Root), nil
	case KindAnswer:
		return nil, errors.New("an answer is checked with the bundle that it is about")
	case KindRefutation:
		return report.Of(verifier.VerifyRefutation(f.data, cfg), ""), nil
	case KindDamaged:
		v := verifier.Verdict{Mode: verifier.Attest, Outcome: verifier.Invalid, Reason: f.damage.Error(), Soundness: "none: nothing was established", Cost: verifier.Cost{Bytes: int64(len(f.data))}}
		return report.Of(&verifier.Report{Outcome: v.Outcome, Reason: v.Reason, Verdicts: []verifier.Verdict{v}}, ""), nil
	}
	trusted := f.families()
	cfg.Family = func(id parts.Digest) *proof.Family {
		for _, name := range ask.Families {
			if name == fmt.Sprintf("%x", id) {
				return trusted[id]
			}
		}
		return nil
	}
	if mode == verifier.Spot && ask.Samples > 0 {
		ch, err := newChallenge(f.bundle, ask.Samples)
		if err != nil {
			return nil, err
		}
		if cfg.Challenged, _, err = report.Draw(ctx, f.bundle, ch, true); err != nil {
			return nil, err
		}
	}
	rep, err := verifier.Verify(ctx, f.bundle, cfg)
	if err != nil {
		return nil, err
	}
	return report.Of(rep, f.Root), nil
}
