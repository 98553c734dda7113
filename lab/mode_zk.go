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
	"github.com/trilemma-dev/trilemma/prover"
	"github.com/trilemma-dev/trilemma/receipts"
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

// produceProof runs the call natively and proves it, from the workflow to the bundle's bytes.
func produceProof(ctx context.Context, s *subject) (turn, after func() error, err error) {
	k, err := s.keys(ctx)
	if err != nil {
		return nil, nil, err
	}
	e, err := s.native(ctx)
	if err != nil {
		return nil, nil, err
	}
	x, err := newSigner(&store.Memory{}, e, true)
	if err != nil {
		return nil, nil, err
	}
	w, err := s.call.compile(x.key.DID())
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
		p := proving.New(proving.Config{Keys: k, Sessions: sessions, Random: rand.Reader, Now: time.Now})
		b, made, err := p.Bundle(ctx, r.Bundle, nil)
		if errors.Is(err, proving.ErrUnprovable) || errors.Is(err, proving.ErrMemory) {
			return &Unfit{err.Error()}
		}
		if err != nil {
			return err
		}
		s.Row.Steps, s.Row.Parts, s.Row.Constraints, s.Row.Keys = made[0].Steps, made[0].Parts, int64(made[0].Constraints), k.Bytes
		proved = b
		return b.Write(&bytes.Buffer{})
	}
	after = func() error {
		_, err := s.keep(fileBundle, proved)
		return err
	}
	return turn, after, nil
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
