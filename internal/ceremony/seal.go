package ceremony

import (
	"bytes"
	"context"
	"fmt"

	"github.com/trilemma-dev/trilemma/prover"
)

// Keeper keeps the keys that a ceremony leads to.
type Keeper interface {
	Has(c *prover.Circuit) bool // from the same ceremony: then they are not made again
	Keep(k prover.Keys) error
}

// EndPowers ends the first phase with a beacon, after all of its steps were verified, and writes what the second one begins with.
func (c *Ceremony) EndPowers(ctx context.Context, beacon []byte, progress Progress) error {
	t := c.Transcript
	if c.Phase() != Powers || c.plonk() {
		return fmt.Errorf("%w: the powers have ended, or there is nothing behind them", ErrPhase)
	}
	p, err := prover.EndPowers(uint64(t.Size), beacon, c.powers(progress))
	if err != nil {
		return err
	}
	for i, circuit := range c.Circuits {
		if err := ctx.Err(); err != nil {
			return err
		}
		progress.tell("begin", i, len(c.Circuits))
		first, err := p.Begin(circuit)
		if err != nil {
			return err
		}
		circuit.LetGo()
		if err := c.write(stepName(circuit, 0), first); err != nil {
			return err
		}
	}
	t.Beacon = beacon
	return c.save()
}

// End ends the last phase with a beacon, as its transcript says from then on; nothing is written before [Ceremony.Seal] has gone through all of it. Of a ceremony that is sealed
// already beacon is nil, or the same again. The error wraps [ErrPhase] if the ceremony is not so far.
func (c *Ceremony) End(beacon []byte) error {
	t := c.Transcript
	least, most := c.rounds()
	switch phase := c.Phase(); {
	case c.plonk() && phase == Powers && len(beacon) > 0:
		t.Beacon = beacon
		return nil
	case phase == Powers:
		return fmt.Errorf("%w: its powers have not ended", ErrPhase)
	case phase == Sealed && beacon != nil && !bytes.Equal(beacon, c.last()):
		return fmt.Errorf("%w: it was sealed with another beacon", ErrPhase)
	case phase == Sealed:
		return nil
	case least == 0 || least != most:
		return fmt.Errorf("%w: %d contributed to some of its circuits, %d to others", ErrPhase, least, most)
	case len(beacon) == 0:
		return fmt.Errorf("%w: it is not sealed", ErrPhase)
	}
	for i := range t.Circuits {
		t.Circuits[i].Beacon = beacon
	}
	return nil
}

// last is the beacon that ended the ceremony.
func (c *Ceremony) last() []byte {
	if c.plonk() {
		return c.Transcript.Beacon
	}
	return c.Transcript.Circuits[0].Beacon
}

// Seal goes through a ceremony that has ended, makes the keys of all circuits, and writes that it is sealed. The error wraps [prover.ErrCeremony] if the ceremony does not hold.
func (c *Ceremony) Seal(ctx context.Context, keys Keeper, progress Progress) error {
	if c.Phase() != Sealed {
		return fmt.Errorf("%w: it has not ended", ErrPhase)
	}
	if err := c.Verify(ctx, keys, progress); err != nil {
		return err
	}
	return c.save()
}

// Verify goes through the ceremony as far as it is: all steps are verified, and of one that is sealed the keys are made and kept, the same ones whoever does it. The error
// wraps [prover.ErrCeremony] if the ceremony does not hold.
func (c *Ceremony) Verify(ctx context.Context, keys Keeper, progress Progress) error {
	t, phase := c.Transcript, c.Phase()
	if phase == Powers {
		return prover.VerifyPowers(uint64(t.Size), c.powers(progress))
	}
	p, err := prover.EndPowers(uint64(t.Size), t.Beacon, c.powers(progress))
	if err != nil {
		return err
	}
	for i, circuit := range c.Circuits {
		if err := ctx.Err(); err != nil {
			return err
		}
		progress.tell("verify circuits", i, len(c.Circuits))
		if phase == Sealed && keys.Has(circuit) {
			continue
		}
		if err := c.verifyCircuit(p, i, phase, keys); err != nil {
			return err
		}
		circuit.LetGo()
	}
	return nil
}

func (c *Ceremony) verifyCircuit(p *prover.Powers, i int, phase Phase, keys Keeper) error {
	circuit, of := c.Circuits[i], &c.Transcript.Circuits[i]
	if c.plonk() {
		k, err := p.PlonkKeys(circuit)
		if err != nil {
			return err
		}
		return keys.Keep(k)
	}
	most, err := prover.StepBytes(circuit)
	if err != nil {
		return err
	}
	steps := c.steps(of.Steps, most, func(n int) string { return stepName(circuit, n) })
	switch {
	case phase == Sealed:
		k, err := p.End(circuit, of.Beacon, steps)
		if err != nil {
			return err
		}
		return keys.Keep(k)
	case len(of.Steps) == 0:
		return nil
	}
	return p.Verify(circuit, steps)
}

// powers are the steps of the first phase.
func (c *Ceremony) powers(progress Progress) prover.Steps {
	t := c.Transcript
	return c.steps(t.Steps, prover.PowersBytes(uint64(t.Size)), func(n int) string {
		progress.tell("verify powers", n-1, len(t.Steps))
		return powersName(n)
	})
}
