package verifier_test

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/verifier"
)

// seeded is a challenge to a bundle's run under a supplied seed.
func seeded(t testing.TB, b *receipts.Bundle, seed string, samples int64) *spotcheck.Challenge {
	t.Helper()
	ch, err := spotcheck.NewChallenge(receipts.CID(b.Record.Receipt), spotcheck.Supplied([]byte(seed)), samples, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

// answered is the bundle with the executor's answer to a challenge.
func answered(t testing.TB, b *receipts.Bundle, ch *spotcheck.Challenge) *receipts.Bundle {
	t.Helper()
	a, err := verifier.Answer(t.Context(), b, ch, &machine.Engine{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := verifier.AddAnswer(b, a)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// of is the verdict on a task.
func of(t testing.TB, r *verifier.Report, task string, mode verifier.Mode) verifier.Verdict {
	t.Helper()
	i := slices.IndexFunc(r.Verdicts, func(v verifier.Verdict) bool { return v.Task == task && v.Mode == mode })
	if i < 0 {
		t.Fatalf("no verdict on %q in %v", task, r.Verdicts)
	}
	return r.Verdicts[i]
}

// TestSpot: an honest run is found so, and the verdict says what that is worth and what it revealed.
func TestSpot(t *testing.T) {
	f, tr, _ := setUpRecorded(t)
	n := tr.Segments()
	b := answered(t, f.run.Bundle, seeded(t, f.run.Bundle, "s", 2))
	r := f.verify(t, b, verifier.Spot, nil)
	if r.Outcome != verifier.Valid {
		t.Fatalf("%s: %s", r.Outcome, r.Reason)
	}
	v := of(t, r, "fib", verifier.Spot)
	if s := v.Sampling; s == nil || s.Segments != n || s.Samples != 2 || s.TaskSamples != 2 || s.Single.RatString() != fmt.Sprintf("2/%d", n) && n != 2 && n != 4 {
		t.Errorf("sampling: %+v", s)
	}
	if v.Revealed.State == 0 || v.Sampling.OpenedState != v.Revealed.State || v.Cost.Bytes == 0 {
		t.Errorf("revealed %+v, cost %+v", v.Revealed, v.Cost)
	}
	for _, want := range []string{fmt.Sprintf("2 of the task's %d segments", n), fmt.Sprintf("k/n = 2/%d only", n), "supplied", "every link and both ends"} {
		if !strings.Contains(v.Soundness, want) {
			t.Errorf("%q is not in %q", want, v.Soundness)
		}
	}
	if v := of(t, r, "bad", verifier.Spot); !strings.Contains(v.Soundness, "exact: the task did not run") {
		t.Errorf("a task that was refused: %s", v.Soundness)
	}
	if whole := of(t, r, "", verifier.Spot); whole.Outcome != verifier.Valid || whole.Sampling.TaskSamples != 2 {
		t.Errorf("the run: %+v", whole)
	}
	all := answered(t, f.run.Bundle, seeded(t, f.run.Bundle, "s", int64(n)))
	if v := of(t, f.verify(t, all, verifier.All, nil), "fib", verifier.Spot); v.Outcome != verifier.Valid || !strings.Contains(v.Soundness, "segments were replayed: exact") {
		t.Errorf("all segments: %s %s", v.Outcome, v.Soundness)
	}
}

// TestSpotSeeds: how the seed came about is said, and a stale, self-chosen or foreign one is not passed off as a nonce.
func TestSpotSeeds(t *testing.T) {
	f, _, _ := setUpRecorded(t)
	id := f.run.Receipt.CID
	nonce, err := spotcheck.NewNonce(bytes.NewReader(bytes.Repeat([]byte{9}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		seed spotcheck.Seed
		ours bool
		want string
	}{
		{nonce, true, "made after the receipt had arrived, and used once"},
		{nonce, false, "does not know as its own"},
		{spotcheck.FromTranscript(), false, "grindable"},
		{spotcheck.Supplied([]byte{1}), true, "supplied"},
	} {
		ch, err := spotcheck.NewChallenge(id, c.seed, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		b := answered(t, f.run.Bundle, ch)
		r := f.verify(t, b, verifier.Spot, func(cfg *verifier.Config) { cfg.Challenged = &verifier.Challenged{Challenge: ch, Ours: c.ours} })
		if v := of(t, r, "fib", verifier.Spot); v.Outcome != verifier.Valid || !strings.Contains(v.Soundness, c.want) {
			t.Errorf("%s (%v): %s: %s%s", c.seed.Kind, c.ours, v.Outcome, v.Reason, v.Soundness)
		}
	}
	ch, err := spotcheck.NewChallenge(block.Raw([]byte("another run")).CID, spotcheck.Supplied([]byte("s")), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verifier.Answer(t.Context(), f.run.Bundle, ch, &machine.Engine{}); err == nil {
		t.Error("a challenge about another run is answered")
	}
	r := f.verify(t, f.run.Bundle, verifier.Spot, func(cfg *verifier.Config) { cfg.Challenged = &verifier.Challenged{Challenge: ch} })
	if r.Outcome != verifier.Invalid || !strings.Contains(r.Reason, "is about the run's receipt") {
		t.Errorf("a challenge about another run: %s: %s", r.Outcome, r.Reason)
	}
}

// TestUnanswered: what is not answered stays undecided, and nothing else is drawn.
func TestUnanswered(t *testing.T) {
	f, tr, _ := setUpRecorded(t)
	ch := seeded(t, f.run.Bundle, "s", int64(tr.Segments()))
	b := answered(t, f.run.Bundle, ch)
	asked := func(cfg *verifier.Config) { cfg.Challenged = &verifier.Challenged{Challenge: ch} }
	if r := f.verify(t, f.run.Bundle, verifier.Spot, asked); r.Outcome != verifier.Undecided || !strings.Contains(r.Reason, "unanswered") {
		t.Errorf("no answer: %s: %s", r.Outcome, r.Reason)
	}
	if r := f.verify(t, f.run.Bundle, verifier.Spot, nil); r.Outcome != verifier.Undecided || !strings.Contains(r.Reason, "unanswered") {
		t.Errorf("no seed: %s: %s", r.Outcome, r.Reason)
	}
	data, _ := b.Get(receipts.CID((*b.Record.Answers)[0]))
	a, err := spotcheck.ReadAnswer(data.Data)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range a.Openings { // each opening withheld in turn
		less := *b
		less.Blocks = maps.Clone(b.Blocks)
		delete(less.Blocks, receipts.CID(o.Opening))
		r := f.verify(t, &less, verifier.Spot, asked)
		v := of(t, r, "fib", verifier.Spot)
		if v.Outcome != verifier.Undecided || !strings.Contains(v.Reason, fmt.Sprintf("no opening of segment %d", o.Segment)) || v.Sampling.TaskSamples != tr.Segments()-1 {
			t.Errorf("segment %d withheld: %s: %s", o.Segment, v.Outcome, v.Reason)
		}
	}
}

// TestSpotLiars: the lies that are caught whatever is drawn, since every link, both ends and what the receipt says are checked always.
func TestSpotLiars(t *testing.T) {
	f, tr, roots := setUpRecorded(t)
	last := len(roots) - 1
	type edit func(*machine.Transcript, []machine.Digest) []machine.Digest
	for _, c := range []struct {
		name, reason string
		edit         edit
	}{
		{"wrong initial state", "does not begin in the initial state", func(_ *machine.Transcript, r []machine.Digest) []machine.Digest { r[0][0] ^= 1; return r }},
		{"wrong final state", "is not that of its last root", func(_ *machine.Transcript, r []machine.Digest) []machine.Digest { r[last][0] ^= 1; return r }},
		{"early halt", "is not that of its last root", func(t *machine.Transcript, r []machine.Digest) []machine.Digest {
			t.Steps = machine.SegmentSteps
			return r[:2]
		}},
		{"missing tail", "holds", func(_ *machine.Transcript, r []machine.Digest) []machine.Digest { return r[:last] }},
		{"a root list longer than stated", "holds", func(_ *machine.Transcript, r []machine.Digest) []machine.Digest { return append(r, r[last]) }},
		{"another program's header", "its header is of another program", func(t *machine.Transcript, r []machine.Digest) []machine.Digest {
			t.Header = bytes.Clone(t.Header)
			t.Header[len(t.Header)-1] ^= 1
			return r
		}},
		{"a final state that has not ended", "", func(t *machine.Transcript, r []machine.Digest) []machine.Digest {
			t.Final = bytes.Clone(t.Final)
			t.Final[13] ^= 1
			return r
		}},
		{"another outcome", "as the transcript does", func(t *machine.Transcript, r []machine.Digest) []machine.Digest { t.Outcome = "depth"; return r }},
		{"another input", "of another input", func(t *machine.Transcript, r []machine.Digest) []machine.Digest {
			t.Inputs = make([]byte, 32)
			return r
		}},
		{"another program", "of another program", func(t *machine.Transcript, r []machine.Digest) []machine.Digest {
			t.Program = make([]byte, 32)
			return r
		}},
		{"other limits", "under other limits", func(t *machine.Transcript, r []machine.Digest) []machine.Digest { t.Output++; return r }},
		{"other segments", "segments of", func(t *machine.Transcript, r []machine.Digest) []machine.Digest { t.Segment *= 2; return r }},
	} {
		t.Run(c.name, func(t *testing.T) {
			forged := *tr
			edited := c.edit(&forged, slices.Clone(roots))
			b := f.forgeTranscript(t, forged, edited)
			ch := seeded(t, b, "s", 1)
			r := f.verify(t, b, verifier.Spot, func(cfg *verifier.Config) { cfg.Challenged = &verifier.Challenged{Challenge: ch} })
			if r.Outcome != verifier.Invalid || !strings.Contains(r.Reason, c.reason) {
				t.Errorf("%s (%s), want a reason with %q", r.Outcome, r.Reason, c.reason)
			}
		})
	}
	t.Run("a true transcript with another output", func(t *testing.T) {
		b := f.forge(t, "fib", f.key, func(c *receipts.Claim) { var n datamodel.Node = basicnode.NewInt(7); c.Out = receipts.Out{Ok: &n} })
		ch := seeded(t, b, "s", 1)
		r := f.verify(t, b, verifier.Spot, func(cfg *verifier.Config) { cfg.Challenged = &verifier.Challenged{Challenge: ch} })
		if r.Outcome != verifier.Invalid || !strings.Contains(r.Reason, "its receipt says ok 7, its transcript gives ok") {
			t.Errorf("%s: %s", r.Outcome, r.Reason)
		}
	})
}

// TestSwappedOpenings: openings of other segments, of another run, and altered ones are refused.
func TestSwappedOpenings(t *testing.T) {
	f, tr, _ := setUpRecorded(t)
	l := setUpLiar(t, f)
	n := tr.Segments()
	ch := seeded(t, f.run.Bundle, "s", int64(n))
	challenge, err := ch.Block()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, reason string
		pick         func(i uint64) *machine.Opening
	}{
		{"honest", "", func(i uint64) *machine.Opening { return l.honest[i] }},
		{"of other segments", "it is of segment", func(i uint64) *machine.Opening { return l.honest[n-1-i] }},
		{"replayed from another run", "does not begin in the state", func(i uint64) *machine.Opening { return l.openings[i] }},
		{"of another input", "on another input", func(i uint64) *machine.Opening {
			o := *l.honest[i]
			o.Inputs = l.theirs[i].Inputs
			return &o
		}},
		{"a page left out", "", func(i uint64) *machine.Opening {
			o := *l.honest[i]
			o.Registers.Index, o.Registers.Pages = o.Registers.Index[1:], o.Registers.Pages[1:]
			return &o
		}},
		{"swapped pages", "", func(i uint64) *machine.Opening {
			o := *l.honest[i]
			o.Registers, o.Memory = o.Memory, o.Registers
			return &o
		}},
		{"an input word left out", "not opened", func(i uint64) *machine.Opening {
			o := *l.honest[i]
			o.Inputs = l.honest[1].Inputs // the first segment alone reads the input
			return &o
		}},
		{"a page changed", "", func(i uint64) *machine.Opening {
			o := *l.honest[i]
			o.Registers.Pages = slices.Clone(o.Registers.Pages)
			o.Registers.Pages[0] = append(bytes.Clone(o.Registers.Pages[0]), 1)
			return &o
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			blocks := make(map[cid.Cid]block.Block)
			var places []spotcheck.Place
			var ids []cid.Cid
			for i := range n {
				b, err := c.pick(i).Block()
				if err != nil {
					t.Fatal(err)
				}
				blocks[b.CID] = b
				places, ids = append(places, spotcheck.Place{Task: "fib", Segment: i}), append(ids, b.CID)
			}
			a, err := spotcheck.NewAnswer(challenge.CID, places, ids)
			if err != nil {
				t.Fatal(err)
			}
			r := f.verify(t, f.run.Bundle, verifier.Spot, func(cfg *verifier.Config) {
				cfg.Challenged = &verifier.Challenged{Challenge: ch, Answer: a, Get: func(id cid.Cid) (block.Block, bool) { b, ok := blocks[id]; return b, ok }}
			})
			v := of(t, r, "fib", verifier.Spot)
			if c.name == "honest" {
				if v.Outcome != verifier.Valid {
					t.Errorf("%s: %s", v.Outcome, v.Reason)
				}
				return
			}
			if v.Outcome != verifier.Invalid || !strings.Contains(v.Reason, c.reason) {
				t.Errorf("%s: %s, want %q", v.Outcome, v.Reason, c.reason)
			}
			if v.Refutation != nil {
				t.Error("an honest transcript was refuted")
			}
		})
	}
	t.Run("an answer to another challenge", func(t *testing.T) {
		other := seeded(t, f.run.Bundle, "another", 1)
		ans, err := verifier.Answer(t.Context(), f.run.Bundle, other, &machine.Engine{})
		if err != nil {
			t.Fatal(err)
		}
		a, got, err := verifier.ReadAnswer(ans)
		if err != nil || got.Samples != 1 {
			t.Fatal(err)
		}
		r := f.verify(t, f.run.Bundle, verifier.Spot, func(cfg *verifier.Config) {
			cfg.Challenged = &verifier.Challenged{Challenge: ch, Answer: a, Get: f.run.Bundle.Get}
		})
		if r.Outcome != verifier.Invalid || !strings.Contains(r.Reason, "is one to the challenge") {
			t.Errorf("%s: %s", r.Outcome, r.Reason)
		}
	})
}

// TestOneForgedSegment: one forged segment among n is caught as often as the verdict says, which is k/n, and whoever catches it has evidence that stands
// alone.
func TestOneForgedSegment(t *testing.T) {
	f, _, _ := setUpRecorded(t)
	l := setUpLiar(t, f)
	n := l.transcript.Segments()
	const k, tries = 2, 400
	caught := 0
	var announced float64
	var refutation []byte
	for i := range tries {
		ch := seeded(t, l.bundle, fmt.Sprint("try ", i), k)
		with := l.answer(t, ch)
		r := f.verify(t, l.bundle, verifier.Spot, func(cfg *verifier.Config) { cfg.Challenged, cfg.Tasks = with, []string{"fib"} })
		v := of(t, r, "fib", verifier.Spot)
		if v.Sampling == nil {
			t.Fatalf("%s: %s", v.Outcome, v.Reason)
		}
		announced, _ = v.Sampling.Single.Float64()
		switch v.Outcome {
		case verifier.Invalid:
			caught++
			if v.Refutation == nil {
				t.Fatalf("no evidence: %s", v.Reason)
			}
			refutation = v.Refutation.Data
		case verifier.Undecided:
			t.Fatal(v.Reason)
		}
	}
	p := float64(k) / float64(n)
	if math.Abs(announced-p) > 1e-9 {
		t.Errorf("announced %v, want %d/%d", announced, k, n)
	}
	rate, sigma := float64(caught)/tries, math.Sqrt(p*(1-p)/tries)
	t.Logf("%d of %d caught: %.3f, announced %.3f", caught, tries, rate, announced)
	if math.Abs(rate-p) > 4*sigma {
		t.Errorf("caught %d of %d, the verdict announces %v ± %v", caught, tries, p, sigma)
	}
	e, err := spotcheck.ReadRefutation(refutation)
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.Check()
	if err != nil || got.Executor != f.key.DID() || !strings.Contains(got.Reason, "segment 0 of the transcript") {
		t.Fatalf("%+v: %v", got, err)
	}
	step := max(len(refutation)*8/600, 1)
	for bit := 0; bit < len(refutation)*8; bit += step | 1 {
		flipped := bytes.Clone(refutation)
		flipped[bit/8] ^= 1 << (bit % 8)
		e, err := spotcheck.ReadRefutation(flipped)
		if err == nil {
			_, err = e.Check()
		}
		if err == nil {
			t.Fatalf("bit %d flipped and still a refutation", bit)
		}
	}
}

// TestChallengeFlood: a challenge asks for a bounded number of segments, an answer opens no more, and a bundle's answers are bounded too.
func TestChallengeFlood(t *testing.T) {
	f, _, _ := setUpRecorded(t)
	if _, err := spotcheck.NewChallenge(f.run.Receipt.CID, spotcheck.FromTranscript(), spotcheck.MaxSamples+1, nil); err == nil {
		t.Error("a flood of samples")
	}
	b := answered(t, f.run.Bundle, seeded(t, f.run.Bundle, "s", 1))
	link := (*b.Record.Answers)[0]
	many := make([]datamodel.Link, 17)
	for i := range many {
		many[i] = link
	}
	record := b.Record
	record.Answers = &many
	flooded, err := receipts.NewBundle(record, b.Blocks)
	if err != nil {
		t.Fatal(err)
	}
	if r := f.verify(t, flooded, verifier.Spot, nil); r.Outcome != verifier.Invalid || !strings.Contains(r.Reason, "at most 16") {
		t.Errorf("%s: %s", r.Outcome, r.Reason)
	}
}
