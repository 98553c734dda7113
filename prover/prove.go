package prover

import (
	"context"
	"errors"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	"github.com/consensys/gnark/backend/witness"
	cs "github.com/consensys/gnark/constraint/bn254"

	"github.com/trilemma-dev/trilemma/circuits/parts"
)

// Work is one part that is to be proved. Its methods give the same answers whenever they are asked, and several parts are asked at once.
type Work interface {
	Kind() int // of the family

	// Columns writes the wires that the part commits to. v is zero and as long as the shape has columns.
	Columns(v []fr.Element) error

	// Given is the public inputs that the verifier will compute.
	Given(ch *parts.Challenges) ([]fr.Element, error)

	// Sum is what the part leaves on the bus: what the shape's circuit returns, computed natively.
	Sum(ch *parts.Challenges) (fr.Element, error)
}

// Keys is a circuit with its proving and verifying key.
type Keys struct {
	Circuit *Circuit
	Proving *groth16.ProvingKey // nil: it is loaded when it is needed, or the circuit is for PLONK
	Key     parts.VerifyingKey

	load      func() (*groth16.ProvingKey, error)
	reference func() (*Reference, error) // of PLONK
}

// ready returns the compiled circuit and the proving key.
func (k *Keys) ready() (*cs.R1CS, *groth16.ProvingKey, error) {
	system, err := k.Circuit.compile()
	if err != nil {
		return nil, nil, err
	}
	pk := k.Proving
	if pk == nil {
		if pk, err = k.load(); err != nil {
			return nil, nil, err
		}
	}
	if n := len(pk.CommitmentKeys); n != 1 || len(pk.CommitmentKeys[0].Basis) != k.Circuit.shape.Columns()+3 {
		return nil, nil, fmt.Errorf("%w: the proving key of %s is another circuit's", parts.ErrKey, k.Circuit.Name())
	}
	return system, pk, nil
}

// VerifyingKey is gnark's verifying key in the form that verifiers read. The error wraps parts.ErrKey.
func VerifyingKey(vk *groth16.VerifyingKey) (parts.VerifyingKey, error) {
	if len(vk.CommitmentKeys) != 1 || len(vk.PublicAndCommitmentCommitted) != 1 || len(vk.PublicAndCommitmentCommitted[0]) != 0 {
		return nil, fmt.Errorf("%w: it does not have one commitment without public wires", parts.ErrKey)
	}
	return parts.NewKey(parts.KeyPoints{
		Alpha: vk.G1.Alpha, Beta: vk.G2.Beta, Gamma: vk.G2.Gamma, Delta: vk.G2.Delta, K: vk.G1.K,
		G: vk.CommitmentKeys[0].G, GSigmaNeg: vk.CommitmentKeys[0].GSigmaNeg,
	})
}

// Prover proves with the keys of a family. It is safe for concurrent use.
type Prover struct {
	family *parts.Family
	keys   []Keys
}

// New makes a prover for a family whose challenges have these labels, of circuits compiled for them.
func New(labels []string, keys []Keys) (*Prover, error) {
	quiet()
	kinds := make([]parts.Kind, len(keys))
	for i, k := range keys {
		s := k.Circuit.shape
		if k.Circuit.shared != len(labels) {
			return nil, fmt.Errorf("%s is compiled for %d challenges instead of %d", s.Name(), k.Circuit.shared, len(labels))
		}
		kinds[i] = parts.Kind{Name: s.Name(), Given: s.Given(), Key: k.Key}
	}
	f, err := parts.NewFamily(labels, kinds)
	if err != nil {
		return nil, err
	}
	return &Prover{family: f, keys: keys}, nil
}

// Family is what verifies this prover's proofs.
func (p *Prover) Family() *parts.Family { return p.family }

// Job is a proof to be made.
type Job struct {
	Statement []byte
	Work      []Work
	Seed      Seed

	// Workers is how many parts are worked at at once; 0 is one. Each takes the memory that the part takes: see [Circuit.Memory].
	Workers int

	// Hands do the work; nil: the prover does, here.
	Hands Hands

	// Done is called with each part as it is finished, one call at a time; an error of it ends the work. nil: nobody is told.
	Done func(i int, part parts.Part) error

	// Progress is told how many parts have reached a stage, one call at a time; nil: nobody is.
	Progress func(s Stage, done, total int)

	// Have is parts of an earlier attempt at the same job with the same seed, by index; those that fit are not proved again.
	Have map[int]parts.Part
}

// Stage is what is being done for a proof.
type Stage string

// The stages, in order.
const (
	StageCommit Stage = "commit"
	StageProve  Stage = "prove"
	StageVerify Stage = "verify"
)

// ErrHands says that parts that were worked at elsewhere are not what they should be.
var ErrHands = errors.New("a part was not worked at as it should be")

// Prove makes the proof of a job: it commits to all parts, derives the challenges, proves the parts, and verifies the result. ctx stops it
// after the parts at which it is. Beside the keys it takes the memory of as many parts as there are workers.
func (p *Prover) Prove(ctx context.Context, j *Job) (ps []parts.Part, err error) {
	defer caught("prove", &err)
	longest := 0
	for i, w := range j.Work {
		if w.Kind() < 0 || w.Kind() >= len(p.keys) {
			return nil, fmt.Errorf("part %d is of kind %d of %d", i, w.Kind(), len(p.keys))
		}
		longest = max(longest, p.keys[w.Kind()].Circuit.shape.Columns()+3) // two masks and what blinds the commitment
	}
	buffer := make([]fr.Element, longest)
	m, err := newMasks(j, p.family, func(w Work) ([]fr.Element, error) { return p.columns(w, buffer) })
	if err != nil {
		return nil, err
	}
	hands := j.Hands
	if hands == nil {
		hands = p.Here()
	}
	commitments := make([]parts.Commitment, len(j.Work))
	w := &workshop{job: j, longest: longest}
	err = w.each(ctx, StageCommit, func(ctx context.Context, i int, buffer []fr.Element) error {
		u, err := p.unit(i, j.Work[i], m, buffer)
		if err == nil {
			commitments[i], err = hands.Commit(ctx, i, u)
		}
		if err != nil {
			return fmt.Errorf("commit to part %d: %w", i, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	ch, err := p.family.Challenges(j.Statement, commitments)
	if err != nil {
		return nil, err
	}
	ps = make([]parts.Part, len(j.Work))
	err = w.each(ctx, StageProve, func(ctx context.Context, i int, buffer []fr.Element) error {
		if have, ok := j.Have[i]; ok && have.Proof != nil && have.Commitment() == commitments[i] {
			ps[i] = have
			return nil
		}
		u, err := p.unit(i, j.Work[i], m, buffer)
		if err != nil {
			return fmt.Errorf("prove part %d: %w", i, err)
		}
		a, err := asked(j.Work[i], u, ch)
		if err == nil {
			ps[i], err = hands.Prove(ctx, i, u, a)
		}
		if err != nil {
			return fmt.Errorf("prove part %d: %w", i, err)
		}
		if ps[i].Proof == nil || ps[i].Commitment() != commitments[i] {
			return fmt.Errorf("%w: part %d does not commit to the same wires twice", ErrHands, i)
		}
		return w.done(i, ps[i])
	})
	if err != nil {
		return nil, err
	}
	w.progress(StageVerify, 0)
	if err := p.family.Verify(j.Statement, ps, func(i int, ch *parts.Challenges) ([]fr.Element, error) { return j.Work[i].Given(ch) }); err != nil {
		return nil, fmt.Errorf("%w: the proof just made: %w", ErrHands, err)
	}
	return ps, nil
}

// columns reads a part's columns into the beginning of buffer.
func (p *Prover) columns(w Work, buffer []fr.Element) ([]fr.Element, error) {
	v := buffer[:p.keys[w.Kind()].Circuit.shape.Columns()]
	clear(v)
	return v, w.Columns(v)
}

// unit reads all that a part is made of into buffer.
func (p *Prover) unit(i int, w Work, m *masks, buffer []fr.Element) (u *Unit, err error) {
	u = &Unit{Kind: w.Kind()}
	if u.Columns, err = p.columns(w, buffer); err != nil {
		return nil, err
	}
	u.Sent, u.Received, u.Blind, err = m.of(i)
	return u, err
}

// asked computes what a part is proved under.
func asked(w Work, u *Unit, ch *parts.Challenges) (*Asked, error) {
	given, err := w.Given(ch)
	if err != nil {
		return nil, err
	}
	sum, err := w.Sum(ch)
	if err != nil {
		return nil, err
	}
	return &Asked{Mask: ch.Mask, Public: ch.Inputs(masked(sum, u.Sent, u.Received, ch), given)}, nil
}

// masked is a part's sum with its masks: sum + 1/(x − sent) − 1/(x − received).
func masked(sum, sent, received fr.Element, ch *parts.Challenges) fr.Element {
	var s, r fr.Element
	s.Sub(&ch.Mask, &sent)
	r.Sub(&ch.Mask, &received)
	sum.Add(&sum, s.Inverse(&s))
	return *sum.Sub(&sum, r.Inverse(&r))
}

func newProof(p *groth16.Proof) (*parts.Proof, error) {
	if len(p.Commitments) != 1 {
		return nil, errors.New("gnark's proof does not have one commitment")
	}
	return parts.NewProof(parts.Points{Ar: p.Ar, Krs: p.Krs, Bs: p.Bs, Commitment: p.Commitments[0], Knowledge: p.CommitmentPok})
}

// inputs is a circuit's inputs, as far as gnark's prover reads them.
type inputs struct {
	witness.Witness
	vector fr.Vector
}

// Vector implements gnark's interface.
func (i *inputs) Vector() any { return i.vector }
