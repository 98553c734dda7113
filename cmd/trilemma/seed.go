package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/verifier"
)

// seedFlags say where the seed of a drawing comes from.
type seedFlags struct {
	seed      string
	grindable bool
	beacon    string
	network   string
	recorded  string
	samples   int64
	weights   []string
}

const defaultSamples = 20

func (f *seedFlags) add(c *cobra.Command) {
	fl := c.Flags()
	fl.Int64Var(&f.samples, "samples", defaultSamples, "how many segments to draw, of all tasks of the run")
	fl.StringVar(&f.seed, "seed", "", "draw from these bytes, in hexadecimal; the verdict says that they were supplied")
	fl.BoolVar(&f.grindable, "grindable", false, "draw from the transcripts themselves (Fiat–Shamir), which whoever made them knows beforehand")
	fl.StringVar(&f.beacon, "beacon", "", "draw from a round of a public beacon: a file with what drand answers for it, as JSON")
	fl.StringVar(&f.network, "network", "quicknet", "the beacon's network: quicknet or default")
	fl.StringVar(&f.recorded, "recorded", "", "when you, or a witness whom you trust, recorded the receipt's CID (RFC 3339): the beacon's round must be later")
	fl.StringArrayVar(&f.weights, "weight", nil, "TASK=N: draw from this task N times as densely as from one of weight 1, and from none that has no weight; may be given again")
	completeFlag(c, "network", oneOf("quicknet", "default"))
}

// make makes the seed that the flags ask for: if they ask for none, a fresh nonce.
func (f *seedFlags) make(a *app) (spotcheck.Seed, error) {
	given := 0
	for _, is := range []bool{f.seed != "", f.grindable, f.beacon != ""} {
		if is {
			given++
		}
	}
	switch {
	case given > 1:
		return spotcheck.Seed{}, usage("--seed, --grindable and --beacon are one seed each: give one")
	case f.seed != "":
		return supplied(f.seed)
	case f.grindable:
		return spotcheck.FromTranscript(), nil
	case f.beacon != "":
		return f.fromBeacon(a)
	}
	s, err := spotcheck.NewNonce(rand.Reader)
	return s, hostFailure(err)
}

// supplied reads the value of --seed.
func supplied(s string) (spotcheck.Seed, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) == 0 {
		return spotcheck.Seed{}, usage("--seed %.80q is not bytes in hexadecimal", s)
	}
	seed := spotcheck.Supplied(b)
	if err := seed.Check(); err != nil {
		return seed, usage("--seed: %w", err)
	}
	return seed, nil
}

// maxRound bounds the file of a beacon's round.
const maxRound = 1 << 16

// knownRound is a fetcher that has one round.
type knownRound struct{ spotcheck.Beacon }

// Round implements [spotcheck.Fetcher].
func (k knownRound) Round(string, time.Time) (spotcheck.Beacon, error) { return k.Beacon, nil }

func (f *seedFlags) fromBeacon(a *app) (s spotcheck.Seed, err error) {
	recorded, err := time.Parse(time.RFC3339, f.recorded)
	if err != nil {
		return s, usage("--beacon needs --recorded, a time such as 2026-01-31T12:00:00Z: %w", err)
	}
	network, ok := spotcheck.BeaconNetworks()[f.network]
	if !ok {
		return s, usage("unknown network %q, want quicknet or default", f.network)
	}
	data, err := a.readFile(f.beacon, maxRound)
	if err != nil {
		return s, err
	}
	var said struct {
		Round     int64  `json:"round"`
		Signature string `json:"signature"`
		Previous  string `json:"previous_signature"`
	}
	if err := json.Unmarshal(data, &said); err != nil {
		return s, usage("%s: %w", f.beacon, err)
	}
	b := spotcheck.Beacon{Network: network, Round: said.Round}
	if b.Signature, err = hex.DecodeString(said.Signature); err == nil && said.Previous != "" {
		var previous []byte
		previous, err = hex.DecodeString(said.Previous)
		b.Previous = &previous
	}
	if err == nil {
		s, err = spotcheck.FromBeacon(knownRound{b}, network, recorded)
	}
	if err != nil {
		return s, usage("%s: %w", f.beacon, err)
	}
	return s, nil
}

// weighed are the weights by label; nil if there are none.
func (f *seedFlags) weighed() (weights map[string]uint64, err error) {
	for _, w := range f.weights {
		label, n, ok := strings.Cut(w, "=")
		v, err := strconv.ParseUint(n, 10, 20)
		if !ok || err != nil {
			return nil, usage("--weight %.80q is not TASK=N", w)
		}
		if weights == nil {
			weights = make(map[string]uint64)
		}
		weights[label] = v
	}
	return weights, nil
}

// challenge makes the challenge that the flags ask for.
func (f *seedFlags) challenge(a *app, b *receipts.Bundle) (*spotcheck.Challenge, error) {
	s, err := f.make(a)
	if err != nil {
		return nil, err
	}
	weights, err := f.weighed()
	if err != nil {
		return nil, err
	}
	c, err := spotcheck.NewChallenge(receipts.CID(b.Record.Receipt), s, f.samples, weights)
	if err != nil {
		return nil, usage("%w", err)
	}
	return c, nil
}

// withOpenings returns a bundle with openings of the segments that are drawn from its run.
func (a *app) withOpenings(ctx context.Context, b *receipts.Bundle, f seedFlags) (*receipts.Bundle, error) {
	ch, err := f.challenge(a, b)
	if err != nil {
		return nil, err
	}
	made, err := verifier.Answer(ctx, b, ch, &machine.Engine{})
	if err != nil {
		return nil, err
	}
	return verifier.AddAnswer(b, made)
}
