package spotcheck

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	bls "github.com/consensys/gnark-crypto/ecc/bls12-381"
)

// ErrBeacon says that a round is not one of a known beacon.
var ErrBeacon = errors.New("not a round of a known beacon")

// network is a public beacon of the drand family (https://docs.drand.love/developer/http-api). Round r is made at genesis + (r−1)·period.
type network struct {
	hash    string // of the chain's parameters, in hexadecimal: its name
	title   string
	genesis int64 // Unix seconds
	period  int64 // seconds
	key     string
	chained bool // keys in G1, signatures in G2 over the one before and the round; else keys in G2, signatures in G1 over the round
}

// networks are the beacons whose rounds are believed. Their keys are the League of Entropy's, and do not change.
func networks() []network {
	return []network{{
		hash: "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971", title: "quicknet", genesis: 1692803367, period: 3,
		key: "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451" +
			"0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a",
	}, {
		hash: "8990e7a9aaed2ffed73dbd7092123d6f289930540d7651336225dc172e51b2ce", title: "default", genesis: 1595431050, period: 30,
		key: "868f005eb8e6e4ca0a47c8a77ceaa5309a47978a7c71bc5cce96366b5d7a569937c529eeda66c7293784a9402801af31", chained: true,
	}}
}

func networkOf(hash string) (network, error) {
	for _, n := range networks() {
		if n.hash == hash {
			return n, nil
		}
	}
	return network{}, fmt.Errorf("%w: the network %.70q", ErrBeacon, hash)
}

// BeaconNetworks lists the hashes of the networks whose rounds are believed, by their titles.
func BeaconNetworks() map[string]string {
	m := make(map[string]string)
	for _, n := range networks() {
		m[n.title] = n.hash
	}
	return m
}

// Beacon is one round of a public beacon. Its fields follow schema.ipldsch.
type Beacon struct {
	Network   string
	Round     int64
	Signature []byte
	Previous  *[]byte // signature of the round before, for a chained network
}

// Fetcher finds rounds of beacons. None is built in: who has a network brings one. What it returns is checked.
type Fetcher interface {
	// Round returns the first round of the network that is made after the moment.
	Round(network string, after time.Time) (Beacon, error)
}

// Check verifies the round's signature. The error wraps [ErrBeacon].
func (b *Beacon) Check() error {
	n, err := networkOf(b.Network)
	if err != nil {
		return err
	}
	if b.Round < 1 || b.Round > 1<<40 {
		return fmt.Errorf("%w: round %d", ErrBeacon, b.Round)
	}
	key, err := hex.DecodeString(n.key)
	if err != nil {
		return err
	}
	ok := false
	switch round := binary.BigEndian.AppendUint64(nil, uint64(b.Round)); {
	case n.chained && (b.Previous == nil || len(*b.Previous) > bls.SizeOfG2AffineCompressed):
		return fmt.Errorf("%w: the network %s is chained, and the signature before is missing or too long", ErrBeacon, n.title)
	case !n.chained && b.Previous != nil:
		return fmt.Errorf("%w: the network %s is not chained, and there is a signature before", ErrBeacon, n.title)
	case n.chained:
		ok, err = signedInG2(key, append(append([]byte(nil), *b.Previous...), round...), b.Signature)
	default:
		ok, err = signedInG1(key, round, b.Signature)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBeacon, err)
	}
	if !ok {
		return fmt.Errorf("%w: round %d of %s is not signed by its key", ErrBeacon, b.Round, n.title)
	}
	return nil
}

// Time is when the round was made, or is to be.
func (b *Beacon) Time() (time.Time, error) {
	n, err := networkOf(b.Network)
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(n.genesis+(b.Round-1)*n.period, 0), nil
}

// Ciphersuites of the IETF's BLS draft (draft-irtf-cfrg-bls-signature, section 4.2.1), with the hashing of RFC 9380.
const (
	suiteG1 = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"
	suiteG2 = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_"
)

// signedInG1 verifies e(H(m), key) = e(sig, g2). Decoding refuses points outside of the groups; a compressed point has one encoding.
func signedInG1(key, message, sig []byte) (bool, error) {
	var pk bls.G2Affine
	var s bls.G1Affine
	if len(key) != bls.SizeOfG2AffineCompressed || len(sig) != bls.SizeOfG1AffineCompressed {
		return false, errors.New("a key or a signature of another length")
	}
	if _, err := pk.SetBytes(key); err != nil {
		return false, err
	}
	if _, err := s.SetBytes(sig); err != nil {
		return false, err
	}
	digest := sha256.Sum256(message)
	h, err := bls.HashToG1(digest[:], []byte(suiteG1))
	if err != nil {
		return false, err
	}
	_, _, _, g2 := bls.Generators()
	s.Neg(&s)
	return bls.PairingCheck([]bls.G1Affine{h, s}, []bls.G2Affine{pk, g2})
}

// signedInG2 verifies e(key, H(m)) = e(g1, sig).
func signedInG2(key, message, sig []byte) (bool, error) {
	var pk bls.G1Affine
	var s bls.G2Affine
	if len(key) != bls.SizeOfG1AffineCompressed || len(sig) != bls.SizeOfG2AffineCompressed {
		return false, errors.New("a key or a signature of another length")
	}
	if _, err := pk.SetBytes(key); err != nil {
		return false, err
	}
	if _, err := s.SetBytes(sig); err != nil {
		return false, err
	}
	digest := sha256.Sum256(message)
	h, err := bls.HashToG2(digest[:], []byte(suiteG2))
	if err != nil {
		return false, err
	}
	_, _, g1, _ := bls.Generators()
	g1.Neg(&g1)
	return bls.PairingCheck([]bls.G1Affine{pk, g1}, []bls.G2Affine{h, s})
}
