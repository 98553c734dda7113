package spotcheck_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/spotcheck"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Rounds that the two networks published: round 1000 of quicknet, round 1 of the default network.
func rounds(t testing.TB) (quick, chained spotcheck.Beacon) {
	networks := spotcheck.BeaconNetworks()
	previous := unhex(t, "176f93498eac9ca337150b46d21dd58673ea4e3581185f869672e59fa4cb390a")
	return spotcheck.Beacon{Network: networks["quicknet"], Round: 1000,
			Signature: unhex(t, "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39")},
		spotcheck.Beacon{Network: networks["default"], Round: 1, Previous: &previous,
			Signature: unhex(t, "8d61d9100567de44682506aea1a7a6fa6e5491cd27a0a0ed349ef6910ac5ac20ff7bc3e09d7c046566c9f7f3c6f3b10104990e7cb424998203d8f7de586fb7fa5f60045417a432684f85093b06ca91c769f0e7ca19268375e659c2a2352b4655")}
}

func TestBeacons(t *testing.T) {
	quick, chained := rounds(t)
	for _, b := range []spotcheck.Beacon{quick, chained} {
		if err := b.Check(); err != nil {
			t.Fatal(err)
		}
		for name, edit := range map[string]func(*spotcheck.Beacon){
			"another round": func(b *spotcheck.Beacon) { b.Round++ },
			"round 0":       func(b *spotcheck.Beacon) { b.Round = 0 },
			"no network":    func(b *spotcheck.Beacon) { b.Network = "" },
			"another network": func(b *spotcheck.Beacon) {
				b.Network = map[string]string{quick.Network: chained.Network, chained.Network: quick.Network}[b.Network]
			},
			"a bit of it":    func(b *spotcheck.Beacon) { b.Signature = bytes.Clone(b.Signature); b.Signature[40] ^= 1 },
			"the sign":       func(b *spotcheck.Beacon) { b.Signature = bytes.Clone(b.Signature); b.Signature[0] ^= 0x20 },
			"infinity":       func(b *spotcheck.Beacon) { b.Signature = make([]byte, len(b.Signature)); b.Signature[0] = 0xc0 },
			"cut":            func(b *spotcheck.Beacon) { b.Signature = b.Signature[:47] },
			"another before": func(b *spotcheck.Beacon) { p := []byte{1}; b.Previous = &p },
		} {
			forged := b
			edit(&forged)
			if err := forged.Check(); !errors.Is(err, spotcheck.ErrBeacon) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// oneRound is a fetcher that knows one round.
type oneRound struct{ b spotcheck.Beacon }

func (o oneRound) Round(string, time.Time) (spotcheck.Beacon, error) { return o.b, nil }

func TestBeaconAfterTheReceipt(t *testing.T) {
	quick, _ := rounds(t)
	made, err := quick.Time()
	if err != nil || made.Unix() != 1692803367+999*3 {
		t.Fatal(made, err)
	}
	if _, err := spotcheck.FromBeacon(oneRound{quick}, quick.Network, made.Add(-time.Second)); err != nil {
		t.Error(err)
	}
	for _, recorded := range []time.Time{made, made.Add(time.Hour)} {
		if _, err := spotcheck.FromBeacon(oneRound{quick}, quick.Network, recorded); !errors.Is(err, spotcheck.ErrBeacon) || !strings.Contains(err.Error(), "stale") {
			t.Errorf("recorded %v after the round: %v", recorded.Sub(made), err)
		}
	}
	if _, err := spotcheck.FromBeacon(nil, quick.Network, made); err == nil {
		t.Error("a round comes from nowhere")
	}
}

func challenges(t testing.TB) map[string]*spotcheck.Challenge {
	t.Helper()
	quick, _ := rounds(t)
	receipt := block.Raw([]byte("receipt")).CID
	nonce, err := spotcheck.NewNonce(bytes.NewReader(bytes.Repeat([]byte{3}, 64)))
	if err != nil {
		t.Fatal(err)
	}
	beacon, err := spotcheck.FromBeacon(oneRound{quick}, quick.Network, time.Unix(1692803367, 0))
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]*spotcheck.Challenge)
	for _, s := range []spotcheck.Seed{nonce, beacon, spotcheck.FromTranscript(), spotcheck.Supplied([]byte("x"))} {
		if all[s.Kind], err = spotcheck.NewChallenge(receipt, s, 5, map[string]uint64{"a": 1, "b": 2}); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestChallenges: every kind of seed is read back, draws its own segments from its own run, and says how it came about.
func TestChallenges(t *testing.T) {
	receipt, other := block.Raw([]byte("receipt")).CID, block.Raw([]byte("other")).CID
	parts := []spotcheck.Part{{Task: "a", Segments: 1000}, {Task: "b", Segments: 1000}}
	transcripts := []cid.Cid{receipt, other}
	seen := make(map[[32]byte]string)
	for kind, c := range challenges(t) {
		got, err := spotcheck.ReadChallenge(encode(t, c))
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		places, err := got.Draw(receipt, parts, transcripts)
		if err != nil || len(places) != 5 {
			t.Errorf("%s: %d places (%v)", kind, len(places), err)
		}
		if _, err := got.Draw(other, parts, transcripts); !errors.Is(err, spotcheck.ErrRefused) {
			t.Errorf("%s: drawn from another run: %v", kind, err)
		}
		if got.Seed.Digest(receipt, transcripts) == got.Seed.Digest(other, transcripts) {
			t.Errorf("%s: the seed does not depend on the receipt", kind)
		}
		d := got.Seed.Digest(receipt, transcripts)
		if seen[d] != "" {
			t.Errorf("%s and %s have the same seed", kind, seen[d])
		}
		seen[d] = kind
		for word, of := range map[string]string{"grindable": spotcheck.SeedTranscript, "used once": spotcheck.SeedNonce, "supplied": spotcheck.SeedSupplied, "beacon": spotcheck.SeedBeacon} {
			if strings.Contains(got.Seed.Describe(true), word) != (of == kind) {
				t.Errorf("%s is described as %q", kind, got.Seed.Describe(true))
			}
		}
	}
	c := challenges(t)[spotcheck.SeedTranscript]
	if c.Seed.Digest(receipt, transcripts) == c.Seed.Digest(receipt, transcripts[:1]) {
		t.Error("a seed of the transcripts does not depend on them")
	}
	if !strings.Contains(challenges(t)[spotcheck.SeedNonce].Seed.Describe(false), "does not know") {
		t.Error("somebody else's nonce is taken for one's own")
	}
}

// TestChallengesFlipped: a challenge with any bit flipped is refused, or is another challenge, with another name: no answer to the first is one to it.
func TestChallengesFlipped(t *testing.T) {
	for kind, c := range challenges(t) {
		data := encode(t, c)
		step := 1
		if kind == spotcheck.SeedBeacon { // a pairing for each flip of the signature
			step = 7
		}
		for bit := 0; bit < len(data)*8; bit += step {
			flipped := bytes.Clone(data)
			flipped[bit/8] ^= 1 << (bit % 8)
			got, err := spotcheck.ReadChallenge(flipped)
			switch {
			case err != nil && !errors.Is(err, spotcheck.ErrMalformed) && !errors.Is(err, spotcheck.ErrBeacon):
				t.Fatalf("%s: bit %d: %v", kind, bit, err)
			case err == nil && bytes.Equal(encode(t, got), data):
				t.Fatalf("%s: bit %d has no meaning", kind, bit)
			}
		}
	}
}

func TestChallengeRefuses(t *testing.T) {
	receipt := block.Raw([]byte("receipt")).CID
	short, nonce := []byte{1}, bytes.Repeat([]byte{1}, 32)
	at := int64(5)
	for name, c := range map[string]struct {
		seed    spotcheck.Seed
		samples int64
		weights map[string]uint64
	}{
		"no samples":           {spotcheck.FromTranscript(), 0, nil},
		"a flood":              {spotcheck.FromTranscript(), 1 << 40, nil},
		"a short nonce":        {spotcheck.Seed{Kind: spotcheck.SeedNonce, Value: &short}, 5, nil},
		"no nonce":             {spotcheck.Seed{Kind: spotcheck.SeedNonce}, 5, nil},
		"a nonce and a time":   {spotcheck.Seed{Kind: spotcheck.SeedNonce, Value: &nonce, Recorded: &at}, 5, nil},
		"transcript and value": {spotcheck.Seed{Kind: spotcheck.SeedTranscript, Value: &nonce}, 5, nil},
		"no round":             {spotcheck.Seed{Kind: spotcheck.SeedBeacon, Recorded: &at}, 5, nil},
		"an unknown kind":      {spotcheck.Seed{Kind: "lottery"}, 5, nil},
		"too heavy":            {spotcheck.FromTranscript(), 5, map[string]uint64{"a": 1 << 30}},
		"a long value":         {spotcheck.Supplied(make([]byte, 5000)), 5, nil},
	} {
		if _, err := spotcheck.NewChallenge(receipt, c.seed, c.samples, c.weights); !errors.Is(err, spotcheck.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := spotcheck.ReadChallenge(make([]byte, 2<<20)); !errors.Is(err, spotcheck.ErrMalformed) {
		t.Errorf("two mebibytes: %v", err)
	}
}

// TestCheckDrawn: an answer that lacks a segment leaves the check open, and what was drawn stays drawn; one wrong segment is enough.
func TestCheckDrawn(t *testing.T) {
	c := counter{halt: 50}
	roots := c.run()
	drawn := []spotcheck.Place{{Segment: 3}, {Segment: 20}, {Segment: 49}}
	all := func(p spotcheck.Place) ([]byte, bool) { b, err := c.open(p.Segment); return b, err == nil }
	if s, err := spotcheck.CheckDrawn(roots, drawn, c, all); err != nil || s.Checked != 3 || s.State != 24 {
		t.Errorf("%+v: %v", s, err)
	}
	but := func(missing uint64) func(spotcheck.Place) ([]byte, bool) {
		return func(p spotcheck.Place) ([]byte, bool) {
			if p.Segment == missing {
				return nil, false
			}
			return all(p)
		}
	}
	if s, err := spotcheck.CheckDrawn(roots, drawn, c, but(20)); !errors.Is(err, spotcheck.ErrUnanswered) || s.Checked != 2 {
		t.Errorf("one missing: %+v: %v", s, err)
	}
	if _, err := spotcheck.CheckDrawn(forge(roots, 20, 21), drawn, c, all); !errors.Is(err, spotcheck.ErrMalformed) {
		t.Errorf("a forged state before a segment: no honest opening begins there: %v", err)
	}
	if _, err := spotcheck.CheckDrawn(forge(roots, 21, 22), drawn, c, but(3)); !errors.Is(err, spotcheck.ErrWrong) {
		t.Errorf("a forged state after a segment, with another one unanswered: %v", err)
	}
	swapped := func(p spotcheck.Place) ([]byte, bool) { return all(spotcheck.Place{Segment: 52 - p.Segment}) }
	if _, err := spotcheck.CheckDrawn(roots, drawn, c, swapped); !errors.Is(err, spotcheck.ErrMalformed) {
		t.Errorf("openings in another order: %v", err)
	}
	if _, err := spotcheck.CheckDrawn(roots, []spotcheck.Place{{Segment: 50}}, c, all); !errors.Is(err, spotcheck.ErrMalformed) {
		t.Errorf("a segment past the end: %v", err)
	}
}

func FuzzMessages(f *testing.F) {
	for _, c := range challenges(f) {
		f.Add(encode(f, c))
	}
	c := counter{halt: 9}
	segment := int64(3)
	q := &spotcheck.Ask{Trilemma: spotcheck.AskVersion, Dispute: challenges(f)[spotcheck.SeedSupplied].Receipt, Round: 1, Roots: []int64{0, 4}, Opening: &segment}
	r, err := spotcheck.NewReply(q, c.run(), c.open)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encode(f, q))
	f.Add(encode(f, r))
	d, err := spotcheck.NewDispute(block.Raw([]byte("a")).CID, block.Raw([]byte("b")).CID)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(d.Data)
	text := []byte("x")
	f.Add(encode(f, &spotcheck.Refutation{Trilemma: spotcheck.RefutationVersion, Kind: spotcheck.GroundClaim, Receipt: text, Transcript: &text}))
	f.Fuzz(func(t *testing.T, data []byte) {
		// Law: what is read is written the same.
		same := func(m interface{ Block() (block.Block, error) }, err error) {
			if err == nil && !bytes.Equal(encode(t, m), data) {
				t.Errorf("read, and written otherwise: %x", data)
			}
		}
		ch, err := spotcheck.ReadChallenge(data)
		same(ch, err)
		a, err := spotcheck.ReadAnswer(data)
		same(a, err)
		k, err := spotcheck.ReadAsk(data)
		same(k, err)
		r, err := spotcheck.ReadReply(data)
		same(r, err)
		e, err := spotcheck.ReadRefutation(data)
		same(e, err)
		if err == nil {
			if got, err := e.Check(); err == nil {
				t.Errorf("%s is refuted by %x", got.Executor, data)
			}
		}
		if a, b, err := spotcheck.ReadDispute(data); err == nil {
			d, err := spotcheck.NewDispute(a, b)
			if err != nil || !bytes.Equal(d.Data, data) {
				t.Errorf("a dispute is read, and written otherwise: %x", data)
			}
		}
	})
}
