// Package ceremony keeps a ceremony for the keys of a scheme in a directory that its contributors pass on: the transcript, and each step as a file that
// the transcript names by its CID. What is in such a directory comes from strangers: files are bounded before they are read, and nothing is believed before
// [Ceremony.Verify] or [Ceremony.Seal] went through all of it.
//
// Files appear complete or not at all, and the transcript names a step only after its file is there, so that whatever was interrupted is taken up again.
// One process at a time may change a directory.
package ceremony

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/plonk"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/proving"
	"github.com/trilemma-dev/trilemma/prover"
)

// transcriptName is the name of the transcript's file.
const transcriptName = "transcript"

// Phase is how far a ceremony is.
type Phase string

// The phases, in order.
const (
	Powers   Phase = "powers"   // which serve all circuits
	Circuits Phase = "circuits" // the second one, for each circuit
	Sealed   Phase = "sealed"   // all is there, and keys can be made of it
)

// ErrPhase says that something cannot be done as far as a ceremony is.
var ErrPhase = errors.New("the ceremony is not so far")

// Progress is told what is done of so much; it may be nil.
type Progress func(what string, done, total int)

func (p Progress) tell(what string, done, total int) {
	if p != nil {
		p(what, done, total)
	}
}

// Ceremony is a ceremony in a directory. It is used by one goroutine at a time.
type Ceremony struct {
	Transcript *prover.Transcript
	Circuits   []*prover.Circuit

	dir string
}

// Schemes finds a scheme by its name, as [proof.Named] does.
type Schemes func(name string) (*proof.Scheme, error)

// Start begins a ceremony for the circuits of a scheme in a proof system, in a directory that is not there yet.
func Start(ctx context.Context, dir, scheme string, backend parts.Backend, schemes Schemes, progress Progress) (*Ceremony, error) {
	c := &Ceremony{dir: dir, Transcript: &prover.Transcript{Trilemma: prover.TranscriptVersion, Scheme: scheme, Steps: []datamodel.Link{}}}
	if name := backend.Name(); name == plonk.Name {
		c.Transcript.Backend = &name
	}
	if err := c.plan(schemes); err != nil {
		return nil, err
	}
	size := uint64(0)
	for i, circuit := range c.Circuits {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		progress.tell("compile", i, len(c.Circuits))
		if err := circuit.Ready(); err != nil {
			return nil, err
		}
		n := prover.PowersFor(circuit.Constraints())
		if c.plonk() {
			var err error
			if n, err = circuit.Domain(); err != nil {
				return nil, err
			}
		}
		size = max(size, n)
		circuit.LetGo()
		d := circuit.Digest()
		c.Transcript.Circuits = append(c.Transcript.Circuits, prover.CircuitSteps{Circuit: d[:], Beacon: []byte{}, Steps: []datamodel.Link{}})
	}
	c.Transcript.Size, c.Transcript.Beacon = int64(size), []byte{}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, fmt.Errorf("start a ceremony: %w", err)
	}
	return c, c.save()
}

// Open takes up the ceremony in a directory. The error wraps [prover.ErrCeremony] if what is there is none, or one for circuits that this program has not.
func Open(dir string, schemes Schemes) (*Ceremony, error) {
	data, err := readFile(filepath.Join(dir, transcriptName), prover.MaxTranscript)
	if err != nil {
		return nil, err
	}
	c := &Ceremony{dir: dir}
	if c.Transcript, err = prover.ReadTranscript(data); err != nil {
		return nil, err
	}
	if err := c.plan(schemes); err != nil {
		return nil, err
	}
	if got := len(c.Transcript.Circuits); got != len(c.Circuits) {
		return nil, fmt.Errorf("%w: it is for %d circuits, the scheme %s has %d", prover.ErrCeremony, got, c.Transcript.Scheme, len(c.Circuits))
	}
	size := uint64(0)
	for i, circuit := range c.Circuits {
		size = max(size, prover.PowersFor(circuit.Constraints()))
		if d := circuit.Digest(); string(c.Transcript.Circuits[i].Circuit) != string(d[:]) {
			return nil, fmt.Errorf("%w: its circuit %d is not %s as this version has it", prover.ErrCeremony, i, circuit.Name())
		}
	}
	least := size
	if c.plonk() { // of which a shape tells about how large its circuit is
		least /= 4
	}
	if got := uint64(c.Transcript.Size); got < least || got > 2*size { // twice as much: a circuit can be a few constraints larger than its shape says
		return nil, fmt.Errorf("%w: powers of size %d, not %d", prover.ErrCeremony, got, size)
	}
	return c, nil
}

// plan finds the circuits of the transcript's scheme.
func (c *Ceremony) plan(schemes Schemes) error {
	s, err := schemes(c.Transcript.Scheme)
	if err != nil {
		return fmt.Errorf("%w: %w", prover.ErrCeremony, err)
	}
	backend := c.Backend()
	if err := proving.CheckSize(s, backend); err != nil {
		return err
	}
	c.Circuits, err = prover.PlanAll(s, backend)
	return err
}

// plonk reports whether the keys are for PLONK: then the powers are all that it takes.
func (c *Ceremony) plonk() bool { return c.Transcript.Backend != nil }

// Backend is the proof system that the keys are for.
func (c *Ceremony) Backend() parts.Backend {
	if c.plonk() {
		return plonk.Backend{}
	}
	return parts.Groth16{}
}

// Phase is how far the ceremony is, as its transcript says.
func (c *Ceremony) Phase() Phase {
	switch t := c.Transcript; {
	case len(t.Beacon) == 0:
		return Powers
	case c.plonk():
		return Sealed
	case len(t.Circuits[len(t.Circuits)-1].Beacon) == 0:
		return Circuits
	}
	return Sealed
}

// CID names the ceremony as far as it is; of one that is sealed it is what keys name as their origin.
func (c *Ceremony) CID() (cid.Cid, error) {
	b, err := c.Transcript.Block()
	return b.CID, err
}

// Contributors is how many have contributed to the phase; to the second one, to all of its circuits.
func (c *Ceremony) Contributors() int {
	if c.Phase() == Powers || c.plonk() {
		return len(c.Transcript.Steps)
	}
	least, _ := c.rounds()
	return least
}

// rounds is how many steps each circuit has at least and at most, without the one that it begins with.
func (c *Ceremony) rounds() (least, most int) {
	for i := range c.Transcript.Circuits {
		n := len(c.Transcript.Circuits[i].Steps)
		if i == 0 || n < least {
			least = n
		}
		most = max(most, n)
	}
	return least, most
}

func (c *Ceremony) save() error {
	b, err := c.Transcript.Block()
	if err != nil {
		return err
	}
	return c.write(transcriptName, b.Data)
}

// write writes a file, which is there whole or not at all.
func (c *Ceremony) write(name string, data []byte) (err error) {
	f, err := os.CreateTemp(c.dir, ".new-*")
	if err != nil {
		return err
	}
	defer func() { // after a rename there is nothing left to remove
		if e := os.Remove(f.Name()); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = errors.Join(f.Chmod(0o644), f.Sync())
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(c.dir, name))
}

// readFile reads a file of at most so many bytes.
func readFile(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err = errors.Join(err, f.Close()); err == nil && int64(len(data)) > most {
		err = fmt.Errorf("%w: %s has more than %d bytes", prover.ErrCeremony, filepath.Base(name), most)
	}
	return data, err
}
