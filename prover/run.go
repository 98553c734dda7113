package prover

import (
	"context"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/circuits/emit"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/proof"
)

// Runs proves runs, with the keys of a family. It is safe for concurrent use.
type Runs struct {
	family *proof.Family
	prover *Prover
}

// NewRuns makes a prover with keys of a scheme's shapes, in their order. ceremony is the transcript that all of them come from, undefined if this machine
// drew the randomness.
func NewRuns(s *proof.Scheme, keys []Keys, ceremony cid.Cid) (*Runs, error) {
	verifying := make([]parts.VerifyingKey, len(keys))
	for i := range keys {
		verifying[i] = keys[i].Key
	}
	f, err := proof.NewFamily(s, verifying, ceremony)
	if err != nil {
		return nil, err
	}
	p, err := New(s.System.Labels(), keys)
	if err != nil {
		return nil, err
	}
	return &Runs{f, p}, nil
}

// Family is what verifies the proofs.
func (r *Runs) Family() *proof.Family { return r.family }

// Here works at parts in this process, of proofs that are made elsewhere too.
func (r *Runs) Here() Hands { return r.prover.Here() }

// RunJob is what it takes to prove a run.
type RunJob struct {
	Claim *proof.Claim
	Run   *circuits.Run // of that claim; where it hides streams, with the secrets that open them
	Seed  Seed

	Workers  int                                // see [Job]
	Hands    Hands                              // see [Job]
	Done     func(i int, part parts.Part) error // see [Job]
	Progress func(s Stage, done, total int)     // see [Job]
	Have     map[int]parts.Part                 // see [Job]
}

// Cut arranges a run in parts of a scheme's shapes.
func Cut(s *proof.Scheme, run *circuits.Run) ([]emit.Part, error) {
	rows, err := s.System.Rows(run.Filling, run.Contents)
	if err != nil {
		return nil, fmt.Errorf("cut a run: %w", err)
	}
	hides := run.Statement.Hidden != nil
	if hides {
		rows.Whole()
	}
	shapes, err := s.System.Choose(s.Shapes, rows.Counts())
	if err != nil {
		return nil, fmt.Errorf("cut a run: %w", err)
	}
	if hides {
		shapes = blurred(s.Shapes, shapes)
	}
	return rows.Cut(shapes)
}

// Stated is what is to be shown of a run.
type Stated struct {
	Statement  proof.Statement
	Contents   circuits.Contents
	Challenged []byte // see [proof.Scheme.Challenged]
}

// Stated puts into words what is to be shown of a run of a claim.
func (r *Runs) Stated(c *proof.Claim, run *circuits.Run) (*Stated, error) {
	ends, err := c.Ends(proof.Stated(run.Contents))
	if err != nil {
		return nil, err
	}
	out := &Stated{Contents: r.family.Scheme.Chips.Contents(c.Program, *ends)}
	if out.Statement, err = c.Statement(ends); err != nil {
		return nil, err
	}
	out.Challenged, err = r.family.Scheme.Challenged(out.Statement, out.Contents)
	return out, err
}

// Prove proves a run.
func (r *Runs) Prove(ctx context.Context, j *RunJob) (*proof.Proof, error) {
	s := r.family.Scheme
	t, err := r.Stated(j.Claim, j.Run)
	if err != nil {
		return nil, err
	}
	cut, err := Cut(s, j.Run)
	if err != nil {
		return nil, err
	}
	shapes := make([]*emit.Shape, len(cut))
	for i := range cut {
		shapes[i] = cut[i].Shape
	}
	givens, err := s.System.Givens(shapes, t.Contents)
	if err != nil {
		return nil, fmt.Errorf("prove a run: %w", err)
	}
	job := &Job{Statement: t.Challenged, Seed: j.Seed, Workers: j.Workers, Hands: j.Hands, Done: j.Done, Progress: j.Progress, Have: j.Have}
	for i := range cut {
		kind, err := kindOf(s, cut[i].Shape)
		if err != nil {
			return nil, err
		}
		job.Work = append(job.Work, &runWork{kind: kind, part: &cut[i], index: i, givens: givens})
	}
	ps, err := r.prover.Prove(ctx, job)
	if err != nil {
		return nil, err
	}
	return &proof.Proof{Backend: r.family.Keys.Backend(), Family: r.family.ID(), Setup: r.family.Origin(), Statement: t.Statement, Parts: ps}, nil
}

func kindOf(s *proof.Scheme, sh *emit.Shape) (int, error) {
	for k := range s.Shapes {
		if s.Shapes[k] == sh {
			return k, nil
		}
	}
	return 0, fmt.Errorf("shape %s is none of the scheme's", sh.Name())
}

// runWork is a part of a run.
type runWork struct {
	kind   int
	part   *emit.Part
	index  int
	givens *emit.Givens
}

func (w *runWork) Kind() int                    { return w.kind }
func (w *runWork) Columns(v []fr.Element) error { return w.part.Columns(v) }

func (w *runWork) Given(ch *parts.Challenges) ([]fr.Element, error) {
	return w.givens.Of(w.index, ch.Shared), nil
}

func (w *runWork) Sum(ch *parts.Challenges) (fr.Element, error) {
	v := make([]fr.Element, w.part.Shape.Columns())
	if err := w.part.Columns(v); err != nil {
		return fr.Element{}, err
	}
	return w.part.Shape.Sum(v, ch)
}
