package prover

import (
	"context"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/circuits/emit"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/machine"
)

// RunJob is what it takes to prove a run.
type RunJob struct {
	Scheme  *proof.Scheme
	Program *machine.Program
	Run     *circuits.Run
	Seed    Seed

	Planned func(shapes []*emit.Shape)   // told what parts there will be; may be nil
	Done    func(i int, part parts.Part) // see [Job]
	Have    map[int]parts.Part           // see [Job]
}

// ProveRun proves a run, with the keys of the scheme's shapes, in their order.
func (p *Prover) ProveRun(ctx context.Context, j *RunJob) (*proof.Proof, error) {
	s := j.Scheme
	st, err := proof.NewStatement(j.Program, proof.Stated(j.Run.Contents))
	if err != nil {
		return nil, err
	}
	rows, err := s.System.Rows(j.Run.Filling, j.Run.Contents)
	if err != nil {
		return nil, fmt.Errorf("prove a run: %w", err)
	}
	shapes, err := s.System.Choose(s.Shapes, rows.Counts())
	if err != nil {
		return nil, fmt.Errorf("prove a run: %w", err)
	}
	cut, err := rows.Cut(shapes)
	if err != nil {
		return nil, fmt.Errorf("prove a run: %w", err)
	}
	givens, err := s.System.Givens(shapes, j.Run.Contents)
	if err != nil {
		return nil, fmt.Errorf("prove a run: %w", err)
	}
	challenged, err := s.Challenged(st, j.Run.Contents)
	if err != nil {
		return nil, err
	}
	if j.Planned != nil {
		j.Planned(shapes)
	}
	job := &Job{Statement: challenged, Seed: j.Seed, Done: j.Done, Have: j.Have}
	for i := range cut {
		kind, err := kindOf(s, cut[i].Shape)
		if err != nil {
			return nil, err
		}
		job.Work = append(job.Work, &runWork{kind: kind, part: &cut[i], index: i, givens: givens})
	}
	ps, err := p.Prove(ctx, job)
	if err != nil {
		return nil, err
	}
	return &proof.Proof{Family: p.family.ID(), Statement: st, Parts: ps}, nil
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
