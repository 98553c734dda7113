package lab

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"os"
	"time"

	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/proving"
	"github.com/trilemma-dev/trilemma/internal/secrets"
	"github.com/trilemma-dev/trilemma/prover"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/runtime"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/verifier"
)

// keys opens the keys that all stages share, and makes them if they are not there: development keys.
func (s *subject) keys(ctx context.Context) (*proving.Keys, error) {
	scheme, err := proof.Named(cmp.Or(s.Settings.Scheme, proof.Standard))
	if err != nil {
		return nil, err
	}
	return proving.Open(ctx, prover.NewKeystore(s.Keys), scheme, &proving.Making{Random: rand.Reader, Now: time.Now})
}

// makeKeys compiles the circuits and makes their keys.
func makeKeys(ctx context.Context, s *subject) (turn, after func() error, err error) {
	var k *proving.Keys
	turn = func() (err error) {
		if err := os.RemoveAll(s.Keys); err != nil {
			return err
		}
		k, err = s.keys(ctx)
		return err
	}
	after = func() error {
		s.Row.Keys = k.Bytes
		for _, c := range k.Circuits {
			s.Row.Constraints += int64(c.Constraints())
		}
		return nil
	}
	return turn, after, nil
}

// ModeSecret is zk with all that goes in and comes out hidden.
const ModeSecret = "zk-secret"

// Proves reports whether a mode's evidence is a proof.
func Proves(mode string) bool { return mode == string(verifier.ZK) || mode == ModeSecret }

// produceProof runs the call natively and proves it, from the workflow to the bundle's bytes.
func produceProof(ctx context.Context, s *subject) (turn, after func() error, err error) {
	return s.prove(ctx, nil)
}

// produceSecretProof does that with input and output hidden.
func produceSecretProof(ctx context.Context, s *subject) (turn, after func() error, err error) {
	return s.prove(ctx, secrets.New(rand.Reader))
}

func (s *subject) prove(ctx context.Context, private *secrets.Set) (turn, after func() error, err error) {
	k, err := s.keys(ctx)
	if err != nil {
		return nil, nil, err
	}
	e, err := s.native(ctx)
	if err != nil {
		return nil, nil, err
	}
	x, err := newSigner(&store.Memory{}, e, true, private)
	if err != nil {
		return nil, nil, err
	}
	w, err := s.call.compile(x.key.DID(), private)
	if err != nil {
		return nil, nil, err
	}
	var proved *receipts.Bundle
	turn = func() error {
		sessions, err := os.MkdirTemp(s.Dir, "sessions-") // a new one each time: what a session has finished is not proved again
		if err != nil {
			return err
		}
		defer os.RemoveAll(sessions) // in a directory that goes
		r, err := x.run(ctx, w)
		if err != nil {
			return err
		}
		s.describe(r)
		cfg := proving.Config{Keys: k, Sessions: sessions, Random: rand.Reader, Now: time.Now}
		if private != nil {
			cfg.Open = private.Opening
		}
		p := proving.New(cfg)
		b, made, err := p.Bundle(ctx, r.Bundle, nil)
		if errors.Is(err, proving.ErrUnprovable) || errors.Is(err, proving.ErrMemory) {
			return &Unfit{err.Error()}
		}
		if err != nil {
			return err
		}
		s.Row.Fuel, s.Row.Steps, s.Row.Parts, s.Row.Constraints, s.Row.Keys = made[0].Fuel, made[0].Steps, made[0].Parts, int64(made[0].Constraints), k.Bytes
		proved = b
		return b.Write(&bytes.Buffer{})
	}
	after = func() error {
		if private != nil {
			if err := s.count(ctx, e); err != nil {
				return err
			}
		}
		_, err := s.keep(fileBundle, proved)
		return err
	}
	return turn, after, nil
}

// count notes what a call is that hides it, for the owner: its receipt says no more than in which power of two.
func (s *subject) count(ctx context.Context, e *runtime.Engine) error {
	w, err := s.call.work()
	if err != nil {
		return err
	}
	r, err := e.Run(ctx, w.Linked, w.Streams, w.Limits)
	if err != nil {
		return err
	}
	s.Row.Fuel, s.Row.Steps, s.Row.Input = r.Fuel, 0, 0
	for _, in := range w.Streams {
		s.Row.Input += int64(len(in))
	}
	return nil
}

func checkProof(ctx context.Context, s *subject) (turn, after func() error, err error) {
	family := func(id [sha256.Size]byte) *proof.Family {
		f, err := prover.NewKeystore(s.Keys).Family(id)
		if err != nil { // then the verdict is not valid, and says so
			return nil
		}
		return f
	}
	return s.check(ctx, verifier.Config{Mode: verifier.ZK, Family: family, AllowDev: true},
		Soundness{Kind: SoundCryptographic, Assume: "Groth16 on BN254; whoever made the keys can forge: development keys here"})
}
