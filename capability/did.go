// Package capability is authority that is carried: did:key signers, and UCAN 1.0 tokens that say who may do what. Whatever
// it opens has a verified signature and a strict, canonical encoding; whoever holds a chain may do what the chain allows
// and no more.
package capability

import (
	"bytes"
	"crypto/elliptic"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/MetaMask/go-did-it/crypto"
	"github.com/MetaMask/go-did-it/crypto/ed25519"
	"github.com/MetaMask/go-did-it/crypto/p256"
	"github.com/MetaMask/go-did-it/crypto/secp256k1"
	"github.com/ucan-wg/go-varsig"
)

// didPrefix starts every DID that is accepted. The rest is a multibase base58btc public key (did:key v0.9, section 2).
const didPrefix = "did:key:"

const maxDID = 128

// publicKey is a key that can check signatures, with the varsig header that its tokens must carry.
type publicKey struct {
	crypto.PublicKeySigningBytes
	header []byte
	order  *big.Int
}

// verify checks a signature. Those of ECDSA are r and s, each 32 bytes and below the group's order: some libraries reduce
// larger ones, which would give one signature many spellings.
func (p publicKey) verify(message, sig []byte) bool {
	if p.order != nil {
		if len(sig) != 64 {
			return false
		}
		for _, half := range [][]byte{sig[:32], sig[32:]} {
			if new(big.Int).SetBytes(half).Cmp(p.order) >= 0 {
				return false
			}
		}
	}
	return p.VerifyBytes(message, sig)
}

// twin is the only other signature that verifies and that everyone can compute from sig: (r, -s) with ECDSA, nil with
// Ed25519, whose verifier refuses a second form.
func (p publicKey) twin(sig []byte) []byte {
	if p.order == nil {
		return nil
	}
	out := bytes.Clone(sig)
	s := new(big.Int).SetBytes(sig[32:])
	s.Sub(p.order, s).FillBytes(out[32:])
	return out
}

// ParseDID checks that did is a did:key of Ed25519, P-256 or secp256k1 in its one canonical spelling.
func ParseDID(did string) error {
	_, err := parseDID(did)
	return err
}

func parseDID(did string) (publicKey, error) {
	rest, ok := strings.CutPrefix(did, didPrefix)
	if !ok || len(did) > maxDID {
		return publicKey{}, fmt.Errorf("%w: %.64q does not start with %s", ErrDID, did, didPrefix)
	}
	var failures []error
	for _, alg := range algorithms {
		pub, err := alg.parse(rest)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		if didPrefix+pub.ToPublicKeyMultibase() != did {
			return publicKey{}, fmt.Errorf("%w: %q is not the canonical spelling of its key", ErrDID, did)
		}
		return publicKey{pub, alg.header(), alg.order}, nil
	}
	return publicKey{}, fmt.Errorf("%w: %q is not an Ed25519, P-256 or secp256k1 key: %w", ErrDID, did, errors.Join(failures...))
}

// algorithm is one kind of key.
type algorithm struct {
	name     string
	parse    func(multibase string) (crypto.PublicKeySigningBytes, error)
	private  func(b []byte) (crypto.PrivateKeySigningBytes, error)
	generate func() (crypto.PrivateKeySigningBytes, error)
	varsig   varsig.Varsig
	order    *big.Int // of the group, with ECDSA
}

func (a algorithm) header() []byte { return a.varsig.Encode() }

// algorithms are the accepted kinds of keys; the first is the default.
var algorithms = []algorithm{
	{
		name: "ed25519",
		parse: func(s string) (crypto.PublicKeySigningBytes, error) {
			return ed25519.PublicKeyFromPublicKeyMultibase(s)
		},
		private: func(b []byte) (crypto.PrivateKeySigningBytes, error) { return ed25519.PrivateKeyFromSeed(b) },
		generate: func() (crypto.PrivateKeySigningBytes, error) {
			_, k, err := ed25519.GenerateKeyPair()
			return k, err
		},
		varsig: varsig.Ed25519(varsig.PayloadEncodingDAGCBOR),
	},
	{
		name: "p256",
		parse: func(s string) (crypto.PublicKeySigningBytes, error) {
			return p256.PublicKeyFromPublicKeyMultibase(s)
		},
		private: func(b []byte) (crypto.PrivateKeySigningBytes, error) { return p256.PrivateKeyFromBytes(b) },
		generate: func() (crypto.PrivateKeySigningBytes, error) {
			_, k, err := p256.GenerateKeyPair()
			return k, err
		},
		varsig: varsig.ES256(varsig.PayloadEncodingDAGCBOR),
		order:  elliptic.P256().Params().N,
	},
	{
		name: "secp256k1",
		parse: func(s string) (crypto.PublicKeySigningBytes, error) {
			return secp256k1.PublicKeyFromPublicKeyMultibase(s)
		},
		private: func(b []byte) (crypto.PrivateKeySigningBytes, error) { return secp256k1.PrivateKeyFromBytes(b) },
		generate: func() (crypto.PrivateKeySigningBytes, error) {
			_, k, err := secp256k1.GenerateKeyPair()
			return k, err
		},
		varsig: varsig.ES256K(varsig.PayloadEncodingDAGCBOR),
		// SEC 2, section 2.4.1
		order: new(big.Int).SetBytes([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe" +
			"\xba\xae\xdc\xe6\xaf\x48\xa0\x3b\xbf\xd2\x5e\x8c\xd0\x36\x41\x41")),
	},
}

func algorithmNamed(name string) (algorithm, error) {
	var known []string
	for _, a := range algorithms {
		if a.name == name {
			return a, nil
		}
		known = append(known, a.name)
	}
	return algorithm{}, fmt.Errorf("unknown kind of key %q, want one of %s", name, strings.Join(known, ", "))
}
