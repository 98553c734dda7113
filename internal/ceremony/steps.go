package ceremony

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/ipld/go-ipld-prime/datamodel"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"

	"github.com/trilemma-dev/trilemma/prover"
)

// MaxBeacon bounds a beacon, in bytes.
const MaxBeacon = prover.MaxBeacon

// names of steps' files: what a circuit begins with is its step 0, and not in the transcript.
func powersName(n int) string { return fmt.Sprintf("powers.%d", n) }

func stepName(circuit *prover.Circuit, n int) string {
	d := circuit.Digest()
	return fmt.Sprintf("circuit-%x.%d", d[:8], n)
}

// Contribute adds a step to the phase in which the ceremony is, with secrets of this process, which it forgets: one to the powers, or one to each circuit. It
// returns the CIDs of the steps, which are what a contributor should keep and publish. A contribution to circuits that was interrupted is gone on with: who goes on
// should be who began.
func (c *Ceremony) Contribute(ctx context.Context, progress Progress) (steps []string, err error) {
	switch c.Phase() {
	case Powers:
		return c.contributePowers(progress)
	case Circuits:
		return c.contributeCircuits(ctx, progress)
	}
	return nil, fmt.Errorf("%w: it is sealed, and takes no more contributions", ErrPhase)
}

func (c *Ceremony) contributePowers(progress Progress) ([]string, error) {
	t := c.Transcript
	var last []byte
	if n := len(t.Steps); n > 0 {
		var err error
		if last, err = c.step(powersName(n), t.Steps[n-1], prover.PowersBytes(uint64(t.Size))); err != nil {
			return nil, err
		}
	}
	progress.tell(string(Powers), 0, 1)
	step, err := prover.ContributePowers(uint64(t.Size), last)
	if err != nil {
		return nil, err
	}
	link, err := c.add(powersName(len(t.Steps)+1), step)
	if err != nil {
		return nil, err
	}
	t.Steps = append(t.Steps, link)
	return []string{link.String()}, c.save()
}

func (c *Ceremony) contributeCircuits(ctx context.Context, progress Progress) (steps []string, err error) {
	least, most := c.rounds()
	if least == most {
		most++
	}
	for i, circuit := range c.Circuits {
		if err := ctx.Err(); err != nil {
			return steps, err
		}
		progress.tell(string(Circuits), i, len(c.Circuits))
		of := &c.Transcript.Circuits[i]
		if len(of.Steps) >= most {
			continue
		}
		link, err := c.contributeTo(circuit, of.Steps)
		if err != nil {
			return steps, fmt.Errorf("%s: %w", circuit.Name(), err)
		}
		circuit.LetGo()
		of.Steps = append(of.Steps, link)
		steps = append(steps, link.String())
		if err := c.save(); err != nil {
			return steps, err
		}
	}
	return steps, nil
}

func (c *Ceremony) contributeTo(circuit *prover.Circuit, before []datamodel.Link) (datamodel.Link, error) {
	n := len(before)
	most, err := prover.StepBytes(circuit)
	if err != nil {
		return nil, err
	}
	var last []byte
	if n == 0 {
		last, err = readFile(filepath.Join(c.dir, stepName(circuit, 0)), most)
	} else {
		last, err = c.step(stepName(circuit, n), before[n-1], most)
	}
	if err != nil {
		return nil, err
	}
	step, err := prover.Contribute(circuit, last)
	if err != nil {
		return nil, err
	}
	return c.add(stepName(circuit, n+1), step)
}

// add writes a step's file.
func (c *Ceremony) add(name string, step []byte) (datamodel.Link, error) {
	return cidlink.Link{Cid: prover.StepBlock(step).CID}, c.write(name, step)
}

// step reads a step's file, which has to be what the transcript names.
func (c *Ceremony) step(name string, link datamodel.Link, most int64) ([]byte, error) {
	for step, err := range c.steps([]datamodel.Link{link}, most, func(int) string { return name }) {
		return step, err
	}
	return nil, nil // there is one
}

// steps reads the steps of a phase, one after the other.
func (c *Ceremony) steps(links []datamodel.Link, most int64, name func(n int) string) prover.Steps {
	return func(yield func([]byte, error) bool) {
		for i, l := range links {
			data, err := readFile(filepath.Join(c.dir, name(i+1)), most)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				err = fmt.Errorf("%w: the file %s is missing", prover.ErrCeremony, name(i+1))
			case err == nil && prover.StepBlock(data).CID.String() != l.String():
				err = fmt.Errorf("%w: the file %s is not the step %s that the transcript names", prover.ErrCeremony, name(i+1), l)
			}
			if !yield(data, err) {
				return
			}
		}
	}
}
