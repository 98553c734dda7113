// Package plonk is a second backend of package parts: proofs of parts that are PLONK proofs on BN254 (Gabizon, Williamson, Ciobotaru, eprint 2019/953) with KZG
// commitments and one commitment to columns (BSB22), as gnark has them and as gnark's verifier checks them. Keys hold for one circuit, but the reference
// string that they are made from serves all circuits of a size.
//
// It is there to be compared with. Nothing of it has been audited.
package plonk

import (
	"errors"
	"fmt"
	"sync"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/backend"
	plonk "github.com/consensys/gnark/backend/plonk/bn254"
	"github.com/consensys/gnark/logger"

	"github.com/trilemma-dev/trilemma/circuits/parts"
)

// Name is the name of the backend.
const Name = "plonk"

// Backend is the backend of [Key] and [Proof].
type Backend struct{}

// Name implements [parts.Backend].
func (Backend) Name() string { return Name }

// ProofSize implements [parts.Backend].
func (Backend) ProofSize() int { return ProofSize }

// ParseKey implements [parts.Backend].
func (Backend) ParseKey(b []byte) (parts.VerifyingKey, error) {
	k, err := ParseKey(b)
	if err != nil {
		return nil, err
	}
	return k, nil
}

// ParseProof implements [parts.Backend].
func (Backend) ParseProof(b []byte) (parts.Argument, error) {
	p, err := ParseProof(b)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// FirstBad implements [parts.Backend]. Parts are checked one by one, by gnark.
func (Backend) FirstBad(b *parts.Batch) (int, error) {
	kinds := b.Family.Kinds()
	for i := range b.Parts {
		key, ok := kinds[b.Parts[i].Kind].Key.(*Key)
		p, of := b.Parts[i].Proof.(*Proof)
		if !ok || !of || verify(key, p, b.Inputs[i]) != nil {
			return i, nil
		}
	}
	return -1, nil
}

// quiet makes gnark write no log, which it would do on stdout.
var quiet = sync.OnceFunc(logger.Disable)

// verify checks a proof with gnark's verifier. inputs are the public ones, and behind them the value of the commitment.
func verify(k *Key, p *Proof, inputs []fr.Element) (err error) {
	quiet()
	defer func() { // whatever is done there to a crafted proof
		if r := recover(); r != nil {
			err = fmt.Errorf("gnark's verifier panicked: %v", r)
		}
	}()
	n := len(inputs) - 1
	if n != k.Publics() {
		return errors.New("another number of inputs than the key is for")
	}
	return plonk.Verify(p.gnark(), k.gnark(), inputs[:n:n], backend.WithVerifierHashToFieldFunction(parts.FixedHash(inputs[n])))
}
