package prover

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/bits"
	"sync"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	update "github.com/consensys/gnark-crypto/ecc/bn254/mpcsetup"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	"github.com/consensys/gnark/backend/groth16/bn254/mpcsetup"
	"github.com/consensys/gnark/constraint"
)

// A ceremony makes keys of which nobody knows the secrets, unless all contributors join hands (Bowe, Gabizon, Miers, eprint 2017/1050, as gnark
// has it). Its first phase, the powers, serves all circuits; its second one is for each circuit. In both, contributors take turns: each mixes
// secrets of its own into what the one before left, and forgets them. A beacon that nobody could foresee ends a phase. Steps are bytes, so that they can be
// passed on and be verified by anybody later.

// ErrCeremony says that a step of a ceremony is not what it has to be.
var ErrCeremony = errors.New("the ceremony does not hold")

// Steps are the steps of a phase, from the first one on. An error ends them.
type Steps = iter.Seq2[[]byte, error]

// maxPowers bounds the size of a ceremony: 2²⁴ constraints take 2.7 GB a step.
const maxPowers = 1 << 24

// Powers is the first phase, ended. It is safe for concurrent use.
type Powers struct {
	size    uint64
	commons mpcsetup.SrsCommons

	mu         sync.Mutex
	bases      map[uint64]*bases     // by size of circuits
	references map[uint64]*Reference // by size of domains
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

// PowersBytes is how long a step of the first phase is at most.
func PowersBytes(size uint64) int64 {
	return int64(4*size-2)*bn254.SizeOfG1AffineCompressed + int64(size)*bn254.SizeOfG2AffineCompressed + 1<<10
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

// EndPowers verifies all steps of the first phase and ends it with a beacon. Whoever does it gets the same. The error wraps ErrCeremony, or is one of the steps'.
func EndPowers(size uint64, beacon []byte, steps Steps) (p *Powers, err error) {
	quiet()
	defer caught("end the powers", &err)
	last, err := verifyPowers(size, steps)
	if err == nil {
		err = enough(beacon)
	}
	if err != nil {
		return nil, fmt.Errorf("the powers: %w", err)
	}
	return &Powers{size: size, commons: last.Seal(beacon), bases: make(map[uint64]*bases), references: make(map[uint64]*Reference)}, nil
}

// VerifyPowers verifies all steps of the first phase. The error wraps ErrCeremony, or is one of the steps'.
func VerifyPowers(size uint64, steps Steps) (err error) {
	defer caught("verify the powers", &err)
	if _, err := verifyPowers(size, steps); err != nil {
		return fmt.Errorf("the powers: %w", err)
	}
	return nil
}

func verifyPowers(size uint64, steps Steps) (*mpcsetup.Phase1, error) {
	last, err := readPowers(size, nil)
	if err != nil {
		return nil, err
	}
	return last, goThrough(steps, func(step []byte) error {
		next, err := readPowers(size, step)
		if err == nil {
			err = unless(last.Verify(next))
		}
		if err == nil {
			*last = *next
		}
		return err
	})
}

// goThrough goes through the steps of a phase.
func goThrough(steps Steps, verify func(step []byte) error) error {
	n := 0
	for step, err := range steps {
		if err == nil {
			err = verify(step)
		}
		if err != nil {
			return fmt.Errorf("step %d: %w", n+1, err)
		}
		n++
	}
	if n == 0 {
		return fmt.Errorf("%w: nobody contributed", ErrCeremony)
	}
	return nil
}

// unless makes an error of gnark's one of this package.
func unless(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrCeremony, err)
}

func enough(beacon []byte) error {
	if len(beacon) == 0 || len(beacon) > MaxBeacon {
		return fmt.Errorf("%w: a beacon of %d bytes", ErrCeremony, len(beacon))
	}
	return nil
}

// Begin is what the second phase for a circuit begins with: it is what the first contributor gets for a step. Whoever verifies makes it again.
func (p *Powers) Begin(c *Circuit) (step []byte, err error) {
	defer caught("begin", &err)
	b, err := p.begin(c)
	if err != nil {
		return nil, err
	}
	return written(b.step)
}

// Contribute makes the next step of the second phase for a circuit, with secrets from the system's random source. last is the step before, or what
// [Powers.Begin] gave; it is not verified here.
func Contribute(c *Circuit, last []byte) (step []byte, err error) {
	defer caught("contribute", &err)
	ph, err := readStepOf(c, last)
	if err != nil {
		return nil, err
	}
	ph.Contribute()
	return written(ph)
}

// StepBytes is how long a step of the second phase for a circuit is at most. It takes the circuit to be compiled.
func StepBytes(c *Circuit) (int64, error) {
	first, err := blank(c)
	if err != nil {
		return 0, err
	}
	b, err := written(first)
	return int64(len(b)) + 64, err
}

// blank is a step of the second phase for a circuit without content.
func blank(c *Circuit) (*mpcsetup.Phase2, error) {
	r, err := c.compile()
	if err != nil {
		return nil, err
	}
	internal, secret, _ := r.GetNbVariables()
	committed := len(r.CommitmentInfo.(constraint.Groth16Commitments)[0].PrivateCommitted)
	b := new(mpcsetup.Phase2)
	b.Parameters.G1.PKK = make([]bn254.G1Affine, internal+secret-committed-1)
	b.Parameters.G1.Z = make([]bn254.G1Affine, PowersFor(r.GetNbConstraints())-1)
	b.Parameters.G1.SigmaCKK = [][]bn254.G1Affine{make([]bn254.G1Affine, committed)}
	b.Parameters.G2.Sigma = make([]bn254.G2Affine, 1)
	b.Sigmas = make([]update.UpdateProof, 1)
	return b, nil
}

// readStepOf reads a step of the second phase for a circuit.
func readStepOf(c *Circuit, step []byte) (*mpcsetup.Phase2, error) {
	first, err := blank(c)
	if err != nil {
		return nil, err
	}
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

// End verifies all steps of the second phase for a circuit, ends it with a beacon, and makes the keys. Whoever does it gets the same. The error wraps
// ErrCeremony, or is one of the steps'.
func (p *Powers) End(c *Circuit, beacon []byte, steps Steps) (k Keys, err error) {
	quiet()
	defer caught("end the ceremony", &err)
	last, first, err := p.verify(c, steps)
	if err == nil {
		err = enough(beacon)
	}
	if err != nil {
		return k, fmt.Errorf("%s: %w", c.Name(), err)
	}
	pk, vk := last.Seal(first.commons, first.evaluations, beacon)
	k.Circuit, k.Proving = c, pk.(*groth16.ProvingKey)
	k.Key, err = VerifyingKey(vk.(*groth16.VerifyingKey))
	return k, err
}

// Verify verifies all steps of the second phase for a circuit. The error wraps ErrCeremony, or is one of the steps'.
func (p *Powers) Verify(c *Circuit, steps Steps) (err error) {
	defer caught("verify the ceremony", &err)
	if _, _, err := p.verify(c, steps); err != nil {
		return fmt.Errorf("%s: %w", c.Name(), err)
	}
	return nil
}

func (p *Powers) verify(c *Circuit, steps Steps) (*mpcsetup.Phase2, *beginning, error) {
	first, err := p.begin(c)
	if err != nil {
		return nil, nil, err
	}
	last := first.step
	return last, first, goThrough(steps, func(step []byte) error {
		next, err := readStepOf(c, step)
		if err == nil {
			err = unless(last.Verify(next))
		}
		if err == nil {
			*last = *next
		}
		return err
	})
}
