package prover

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	"github.com/consensys/gnark/backend/groth16/bn254/mpcsetup"
)

// A ceremony makes keys of which nobody knows the secrets, unless all contributors join hands (Bowe, Gabizon, Miers, eprint 2017/1050, as gnark
// has it). Its first phase, the powers, serves all circuits; its second one is for each circuit. In both, contributors take turns: each mixes
// secrets of its own into what the one before left, and forgets them. A beacon that nobody could foresee ends a phase. Steps are bytes, so that they can be
// passed on and be verified by anybody later.

// ErrCeremony says that a step of a ceremony is not what it has to be.
var ErrCeremony = errors.New("the ceremony does not hold")

// maxPowers bounds the size of a ceremony: 2²⁴ constraints take 2.7 GB a step.
const maxPowers = 1 << 24

// Powers is the first phase, ended.
type Powers struct {
	size    uint64
	commons mpcsetup.SrsCommons
}

// PowersFor is the size of the first phase for circuits of so many constraints: the power of two that is not below.
func PowersFor(constraints int) uint64 { return 1 << bits.Len(uint(max(constraints, 2)-1)) }

// ContributePowers makes the next step of the first phase, with secrets from the system's random source. last is nil for the first step; it is not verified
// here. It takes minutes for 2¹⁷.
func ContributePowers(size uint64, last []byte) (step []byte, err error) {
	defer caught("contribute", &err)
	p, err := readPowers(size, last)
	if err != nil {
		return nil, err
	}
	p.Contribute()
	return written(p)
}

func readPowers(size uint64, step []byte) (*mpcsetup.Phase1, error) {
	if size < 2 || size > maxPowers || size&(size-1) != 0 {
		return nil, fmt.Errorf("%w: size %d", ErrCeremony, size)
	}
	p := mpcsetup.NewPhase1(size)
	if step == nil {
		return p, nil
	}
	first, err := written(p)
	if err != nil {
		return nil, err
	}
	// Three proofs, the size, β in G2, 2N−2 and N−1 powers of τ, twice N of α and β, the challenge.
	n := int(size)
	at := len(first) - 1 - (4*n-2)*bn254.SizeOfG1AffineCompressed - n*bn254.SizeOfG2AffineCompressed - 8
	return p, readStep(p, first, step, []int{at, at + 4})
}

// readStep reads a step, which has to be as long as the first one and its challenge, and to have the same numbers of 32 bits where lengths lie.
func readStep(to io.ReaderFrom, first, step []byte, lengths []int) error {
	if len(step) < len(first) || len(step) > len(first)+64 {
		return fmt.Errorf("%w: a step of %d bytes, not %d", ErrCeremony, len(step), len(first))
	}
	for _, at := range lengths {
		if !bytes.Equal(first[at:at+4], step[at:at+4]) {
			return fmt.Errorf("%w: a step for another size", ErrCeremony)
		}
	}
	n, err := to.ReadFrom(bytes.NewReader(step))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCeremony, err)
	}
	if n != int64(len(step)) {
		return fmt.Errorf("%w: a step of %d bytes has %d more", ErrCeremony, n, int64(len(step))-n)
	}
	return nil
}

func written(w io.WriterTo) ([]byte, error) {
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// EndPowers verifies all steps of the first phase and ends it with a beacon. Whoever does it gets the same. The error wraps ErrCeremony.
func EndPowers(size uint64, beacon []byte, steps [][]byte) (p *Powers, err error) {
	quiet()
	defer caught("end the powers", &err)
	if len(steps) == 0 || len(beacon) == 0 {
		return nil, fmt.Errorf("%w: %d steps and a beacon of %d bytes", ErrCeremony, len(steps), len(beacon))
	}
	var all []*mpcsetup.Phase1
	for i, s := range steps {
		step, err := readPowers(size, s)
		if err != nil {
			return nil, fmt.Errorf("step %d of the powers: %w", i, err)
		}
		all = append(all, step)
	}
	commons, err := mpcsetup.VerifyPhase1(size, beacon, all...)
	if err != nil {
		return nil, fmt.Errorf("%w: the powers: %w", ErrCeremony, err)
	}
	return &Powers{size, commons}, nil
}

// start begins the second phase for a circuit.
func (p *Powers) start(c *Circuit) (*mpcsetup.Phase2, *mpcsetup.Phase2Evaluations, error) {
	system, err := c.compile()
	if err != nil {
		return nil, nil, err
	}
	if uint64(system.GetNbConstraints()) > p.size {
		return nil, nil, fmt.Errorf("%w: %s has more than %d constraints", ErrCeremony, c.Name(), p.size)
	}
	ph := new(mpcsetup.Phase2)
	e := ph.Initialize(system, &p.commons)
	return ph, &e, nil
}

// read reads a step of the second phase; first is the phase as it begins.
func (p *Powers) read(first *mpcsetup.Phase2, step []byte) (*mpcsetup.Phase2, error) {
	b, err := written(first)
	if err != nil {
		return nil, err
	}
	// The number of commitments; δ; lists of points; δ in G2; the list of the commitment.
	const g1, g2 = bn254.SizeOfG1AffineCompressed, bn254.SizeOfG2AffineCompressed
	k := 2 + g1
	z := k + 4 + g1*len(first.Parameters.G1.PKK)
	s := z + 4 + g1*len(first.Parameters.G1.Z) + g2
	if len(step) < 2 || binary.BigEndian.Uint16(step) != uint16(len(first.Parameters.G2.Sigma)) {
		return nil, fmt.Errorf("%w: a step with another number of commitments", ErrCeremony)
	}
	next := new(mpcsetup.Phase2)
	return next, readStep(next, b, step, []int{k, z, s})
}

// Contribute makes the next step of the second phase for a circuit, with secrets from the system's random source. last is nil for the first
// step; it is not verified here.
func (p *Powers) Contribute(c *Circuit, last []byte) (step []byte, err error) {
	defer caught("contribute", &err)
	ph, _, err := p.start(c)
	if err != nil {
		return nil, err
	}
	if last != nil {
		if ph, err = p.read(ph, last); err != nil {
			return nil, err
		}
	}
	ph.Contribute()
	return written(ph)
}

// End verifies all steps of the second phase for a circuit, ends it with a beacon, and makes the keys. Whoever does it gets the same. The error wraps
// ErrCeremony.
func (p *Powers) End(c *Circuit, beacon []byte, steps [][]byte) (k Keys, err error) {
	quiet()
	defer caught("end the ceremony", &err)
	if len(steps) == 0 || len(beacon) == 0 {
		return k, fmt.Errorf("%w: %d steps and a beacon of %d bytes", ErrCeremony, len(steps), len(beacon))
	}
	first, _, err := p.start(c)
	if err != nil {
		return k, err
	}
	var all []*mpcsetup.Phase2
	for i, s := range steps {
		step, err := p.read(first, s)
		if err != nil {
			return k, fmt.Errorf("step %d of %s: %w", i, c.Name(), err)
		}
		all = append(all, step)
	}
	pk, vk, err := mpcsetup.VerifyPhase2(c.system, &p.commons, beacon, all...)
	if err != nil {
		return k, fmt.Errorf("%w: %s: %w", ErrCeremony, c.Name(), err)
	}
	k.Circuit, k.Proving = c, pk.(*groth16.ProvingKey)
	k.Key, err = VerifyingKey(vk.(*groth16.VerifyingKey))
	return k, err
}
