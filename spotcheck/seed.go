package spotcheck

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ipfs/go-cid"
)

// Kinds of seeds.
const (
	SeedNonce      = "nonce"      // made by the verifier after the receipt had arrived, and used once
	SeedBeacon     = "beacon"     // a round of a public beacon, later than the moment at which the receipt was recorded
	SeedTranscript = "transcript" // the transcripts themselves (Fiat–Shamir)
	SeedSupplied   = "supplied"   // from somewhere
)

// NonceSize is the size of a nonce in bytes.
const NonceSize = 32

// Seed says where the drawing comes from. Its fields follow schema.ipldsch.
type Seed struct {
	Kind     string
	Value    *[]byte
	Beacon   *Beacon
	Recorded *int64
}

// NewNonce makes a seed of fresh randomness. The receipt must have arrived before.
func NewNonce(random io.Reader) (Seed, error) {
	nonce := make([]byte, NonceSize)
	if _, err := io.ReadFull(random, nonce); err != nil {
		return Seed{}, fmt.Errorf("nonce: %w", err)
	}
	return Seed{Kind: SeedNonce, Value: &nonce}, nil
}

// Supplied makes a seed of given bytes.
func Supplied(value []byte) Seed { return Seed{Kind: SeedSupplied, Value: &value} }

// FromTranscript makes the seed that needs nobody: whoever makes the transcripts knows it.
func FromTranscript() Seed { return Seed{Kind: SeedTranscript} }

// FromBeacon makes a seed of the round that f finds after the moment at which the receipt's CID was recorded, by the verifier or a witness
// whom the verifier trusts.
func FromBeacon(f Fetcher, network string, recorded time.Time) (Seed, error) {
	if f == nil {
		return Seed{}, errors.New("there is nothing to fetch a round of a beacon with")
	}
	b, err := f.Round(network, recorded)
	if err != nil {
		return Seed{}, err
	}
	at := recorded.Unix()
	s := Seed{Kind: SeedBeacon, Beacon: &b, Recorded: &at}
	return s, s.Check()
}

// Check says whether the seed has what its kind needs, and for a beacon whether its round is signed and later than the recorded moment. It cannot
// say whether a nonce is fresh: only who made it knows.
func (s *Seed) Check() error {
	switch s.Kind {
	case SeedNonce, SeedSupplied:
		if s.Value == nil || s.Beacon != nil || s.Recorded != nil {
			return fmt.Errorf("%w: a seed of the kind %s has a value and nothing else", ErrMalformed, s.Kind)
		}
		if n := len(*s.Value); n == 0 || n > 1024 || s.Kind == SeedNonce && n != NonceSize {
			return fmt.Errorf("%w: a seed of the kind %s has %d bytes", ErrMalformed, s.Kind, n)
		}
	case SeedTranscript:
		if s.Value != nil || s.Beacon != nil || s.Recorded != nil {
			return fmt.Errorf("%w: a seed of the kind %s has nothing else", ErrMalformed, s.Kind)
		}
	case SeedBeacon:
		if s.Beacon == nil || s.Recorded == nil || s.Value != nil {
			return fmt.Errorf("%w: a seed of the kind %s has a round and the moment of recording", ErrMalformed, s.Kind)
		}
		if err := s.Beacon.Check(); err != nil {
			return err
		}
		made, err := s.Beacon.Time()
		if err != nil {
			return err
		}
		if recorded := time.Unix(*s.Recorded, 0); !made.After(recorded) {
			return fmt.Errorf("%w: stale: its round was made at %s, the receipt was recorded at %s", ErrBeacon, made.UTC().Format(time.RFC3339), recorded.UTC().Format(time.RFC3339))
		}
	default:
		return fmt.Errorf("%w: a seed of the unknown kind %.40q", ErrMalformed, s.Kind)
	}
	return nil
}

const seedTag = "trilemma spot-check seed/1"

// Digest is the seed of the drawing: SHA-256 of a tag, the kind, the CID of the run's receipt, and what the kind brings: the value, the network's
// name, round and signature, or the CIDs of all transcripts in the order of the tasks.
func (s *Seed) Digest(receipt cid.Cid, transcripts []cid.Cid) [sha256.Size]byte {
	h := sha256.New()
	put := func(b []byte) { fmt.Fprintf(h, "%d:%s", len(b), b) }
	put([]byte(seedTag))
	put([]byte(s.Kind))
	put(receipt.Bytes())
	switch {
	case s.Value != nil:
		put(*s.Value)
	case s.Beacon != nil:
		put([]byte(s.Beacon.Network))
		put(fmt.Append(nil, s.Beacon.Round))
		put(s.Beacon.Signature)
	default:
		for _, c := range transcripts {
			put(c.Bytes())
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// Describe says how the seed came about, and what that means. ours says that the verifier knows the nonce as one that it made itself for this
// receipt and used for nothing else.
func (s *Seed) Describe(ours bool) string {
	switch s.Kind {
	case SeedNonce:
		if ours {
			return "a nonce that this verifier made after the receipt had arrived, and used once"
		}
		return "a nonce that this verifier does not know as its own: supplied; if the executor knew it beforehand the check shows nothing"
	case SeedBeacon:
		made, err := s.Beacon.Time()
		if err != nil {
			return err.Error()
		}
		return fmt.Sprintf("round %d of the beacon %.8s…, made at %s, after the receipt was recorded at %s (the word of whoever wrote the challenge)", s.Beacon.Round, s.Beacon.Network,
			made.UTC().Format(time.RFC3339), time.Unix(*s.Recorded, 0).UTC().Format(time.RFC3339))
	case SeedTranscript:
		return "the transcripts themselves (Fiat–Shamir): grindable, whoever made them could try others until the forged segments were not drawn"
	}
	return "supplied; if the executor knew it beforehand the check shows nothing"
}
