package work

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/internal/proving"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/verifier"
)

// Prover proves tasks of a bundle, by label (all that ran if there are none), with the keys of a scheme, and returns the bundle with the proofs. It goes on where an
// earlier attempt was, and tells how far it is.
type Prover interface {
	Prove(ctx context.Context, scheme string, b *receipts.Bundle, labels []string, progress func(proving.Progress)) (*receipts.Bundle, []proving.Proved, error)
}

// CheckProve refuses what cannot be asked, and names the scheme where the request does not.
func CheckProve(in *wire.ProveRequest, scheme string) error {
	if in.Scheme == "" {
		in.Scheme = scheme
	}
	if _, err := proof.Named(in.Scheme); err != nil {
		return refuse(err)
	}
	return nil
}

func (w *Worker) prove(ctx context.Context, in wire.ProveRequest, p Progress) (*wire.Proofs, error) {
	if w.Prover == nil {
		return nil, refuse(errors.New("no worker here makes proofs"))
	}
	if err := CheckProve(&in, ""); err != nil {
		return nil, err
	}
	b, err := Bundle(ctx, w.Blocks, in.Run)
	if err != nil {
		return nil, err
	}
	proved, made, err := w.Prover.Prove(ctx, in.Scheme, b, in.Tasks, func(s proving.Progress) {
		p(strings.TrimSpace(s.Stage+" "+s.Task), s.Done, s.Total)
	})
	switch {
	case errors.Is(err, evaluate.ErrOpen): // a secret task's
		return nil, refuse(fmt.Errorf("%w: what proves it sees what is hidden, so that its owner does, on a machine of his own (trilemma prove --secrets)", err))
	case errors.Is(err, proving.ErrUnprovable), errors.Is(err, proving.ErrReceipt), errors.Is(err, proving.ErrMemory), errors.Is(err, verifier.ErrNoTask):
		return nil, refuse(err)
	case err != nil:
		return nil, err
	case len(made) == 0:
		return nil, refuse(errors.New("no task of the bundle ran: there is nothing to prove"))
	}
	for c, data := range proved.Blocks {
		if err := w.Blocks.Put(ctx, block.Block{CID: c, Data: data}); err != nil {
			return nil, fmt.Errorf("keep the proofs of %s: %w", in.Run, err)
		}
	}
	peak := int64(0)
	if w.Peak != nil {
		peak = w.Peak()
	}
	return proving.ProofsOf(proved, made, peak), nil
}

// ProofOf is what a proof says of itself. Whether it holds is what verification says.
func ProofOf(b block.Block) (*wire.ProofHead, error) {
	p, err := proof.Read(b.Data)
	if err != nil {
		return nil, refuse(err)
	}
	st := &p.Statement
	return &wire.ProofHead{Proof: wire.Proof{Backend: p.Backend.Name(), Family: fmt.Sprintf("%x", p.Family), Setup: p.Setup, Parts: len(p.Parts), Bytes: int64(len(b.Data))},
		CID: b.CID.String(), Computation: st.Computation.String(), Program: fmt.Sprintf("%x", st.Program), Fuel: st.Used}, nil
}
