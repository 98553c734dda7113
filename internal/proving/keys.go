package proving

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/prover"
)

// Keys is what proves: the keys of a scheme, and its circuits.
type Keys struct {
	Runs     *prover.Runs
	Circuits []*prover.Circuit // in the order of the scheme's shapes
	Bytes    int64             // of all proving keys
}

// Making says how keys are made that a store does not have.
type Making struct {
	Random io.Reader // see [prover.NewGenerator]
	Now    func() time.Time

	// Missing is told before keys of the circuit are made, Made afterwards; either may be nil.
	Missing func(c *prover.Circuit)
	Made    func(m *prover.Manifest, took time.Duration)
}

// Open is [OpenIn] for the usual proof system.
func Open(ctx context.Context, store *prover.Keystore, scheme *proof.Scheme, making *Making) (*Keys, error) {
	return OpenIn(ctx, store, scheme, proof.Backends()[0], making)
}

// OpenIn opens the keys of a scheme in a proof system, and keeps their family as one that is trusted here. Keys that the store does not have are made: they are development keys. If making is
// nil they are not, and the error wraps [prover.ErrNoKeys]; if the proof system
// is not for circuits of this size, [ErrSize].
func OpenIn(ctx context.Context, store *prover.Keystore, scheme *proof.Scheme, backend parts.Backend, making *Making) (*Keys, error) {
	if err := CheckSize(scheme, backend); err != nil {
		return nil, err
	}
	cs, err := prover.PlanAll(scheme, backend)
	if err != nil {
		return nil, err
	}
	out := &Keys{Circuits: cs}
	keys, from := make([]prover.Keys, len(cs)), cid.Undef
	var g *prover.Generator
	for i, c := range cs {
		k, m, err := store.Load(c)
		if (errors.Is(err, prover.ErrNoKeys) || errors.Is(err, prover.ErrManifest)) && making != nil {
			if g == nil {
				g = prover.NewGenerator(making.Random)
			}
			k, m, err = making.keys(ctx, store, g, c)
		}
		if err != nil {
			return nil, err
		}
		ceremony, err := m.CeremonyCID()
		if err != nil {
			return nil, fmt.Errorf("keys of %s: %w", c.Name(), err)
		}
		if i > 0 && !ceremony.Equals(from) {
			return nil, fmt.Errorf("%w: those of %s and %s come from different places", prover.ErrManifest, cs[0].Name(), c.Name())
		}
		keys[i], from = k, ceremony
		out.Bytes += m.Proving.Size
	}
	if out.Runs, err = prover.NewRuns(scheme, keys, from); err != nil {
		return nil, err
	}
	return out, store.SaveFamily(out.Runs.Family())
}

func (mk *Making) keys(ctx context.Context, store *prover.Keystore, g *prover.Generator, c *prover.Circuit) (k prover.Keys, m *prover.Manifest, err error) {
	if mk.Missing != nil {
		mk.Missing(c)
	}
	start := mk.Now()
	if k, err = g.Keys(ctx, c); err != nil {
		return k, nil, err
	}
	if m, err = store.Save(k, cid.Undef); err != nil {
		return k, nil, err
	}
	if mk.Made != nil {
		mk.Made(m, mk.Now().Sub(start))
	}
	c.LetGo() // there may be hundreds
	return store.Load(c)
}
