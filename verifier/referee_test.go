package verifier_test

import (
	"testing"
	"time"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/verifier"
)

// TestDisputeByMessages leads a dispute over a real run message by message, as over a network: with deadlines, and a liar that answers, or does not. The referee
// has the receipts and the transcripts' blocks, and no state root but those that it is shown.
func TestDisputeByMessages(t *testing.T) {
	honest, tr, roots := setUpRecordedAs(t, 5)
	forger, _, _ := setUpRecordedAs(t, 6)
	l := setUpLiar(t, forger)
	theirs, err := l.transcript.ReadRoots(forger.run.Bundle.Get)
	if err != nil {
		t.Fatal(err)
	}
	receiptOf := func(b *receipts.Bundle) block.Block {
		run, _ := b.Get(receipts.CID(b.Record.Receipt))
		r, err := receipts.Open(run)
		if err != nil {
			t.Fatal(err)
		}
		out, _ := b.Get(receipts.CID(r.Claim.Run.Receipts.Values["fib"]))
		return out
	}
	a, b := receiptOf(honest.run.Bundle), receiptOf(l.bundle)
	name, err := spotcheck.NewDispute(a.CID, b.CID)
	if err != nil {
		t.Fatal(err)
	}
	open := func(os []*machine.Opening) func(uint64) ([]byte, error) {
		return func(i uint64) ([]byte, error) { x, err := os[i].Block(); return x.Data, err }
	}
	lists := [2][]machine.Digest{roots, theirs}
	openers := [2]func(uint64) ([]byte, error){open(l.honest), open(l.openings)}
	judge := spotcheck.Transcripts{{Transcript: tr}, {Transcript: l.transcript}}
	for _, c := range []struct {
		name   string
		silent int64 // from this round on the liar does not answer
		ground string
		proven bool
	}{
		{"it answers", 1000, spotcheck.GroundSegment, true},
		{"it is silent from the start", 1, spotcheck.GroundSilence, false},
		{"it is silent when it matters", 3, spotcheck.GroundSilence, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := time.Unix(1_800_000_000, 0)
			g, err := spotcheck.NewGame(spotcheck.GameConfig{Dispute: name.CID, Arity: 2, Patience: time.Minute}, judge, judge[0].Stated(), judge[1].Stated(), now)
			if err != nil {
				t.Fatal(err)
			}
			var faults []spotcheck.Fault
			for done := false; !done; faults, done = g.Faults() {
				for s := range lists {
					q := g.Asked(spotcheck.Side(s))
					if q == nil || s == 1 && q.Round >= c.silent {
						continue
					}
					sent, err := q.Block()
					if err != nil {
						t.Fatal(err)
					}
					got, err := spotcheck.ReadAsk(sent.Data)
					if err != nil {
						t.Fatal(err)
					}
					r, err := spotcheck.NewReply(got, lists[s], openers[s])
					if err != nil {
						t.Fatal(err)
					}
					back, err := r.Block()
					if err != nil {
						t.Fatal(err)
					}
					if err := g.Answer(now, spotcheck.Side(s), back.Data); err != nil {
						t.Fatal(err)
					}
				}
				now = now.Add(31 * time.Second)
				g.Tick(now)
			}
			if len(faults) != 1 || faults[0].Side != spotcheck.B || faults[0].Ground != c.ground {
				t.Fatalf("%+v", faults)
			}
			f := faults[0]
			finding := spotcheck.Finding{Executor: forger.key.DID(), Receipt: receipts.Link(b.CID), Ground: f.Ground, Reason: f.Reason}
			blocks := []block.Block{name, a, b}
			transcript, err := l.transcript.Block()
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := f.Refute(b.Data, transcript.Data); ok {
				x, err := e.Block()
				if err != nil {
					t.Fatal(err)
				}
				at, link := int64(f.Segment), receipts.Link(x.CID)
				finding.Segment, finding.Evidence = &at, &link
				blocks = append(blocks, x)
			}
			ruling, err := spotcheck.IssueRuling(key(t, 77), name.CID, honest.w.Task("fib").Computation, []spotcheck.Finding{finding})
			if err != nil {
				t.Fatal(err)
			}
			file := receipts.NewArchive(append([]block.Block{ruling}, blocks...)...)
			for executor, want := range map[string]verifier.Outcome{"": verifier.Undecided, key(t, 77).DID(): verifier.Valid, key(t, 5).DID(): verifier.Invalid} {
				if c.proven && executor == "" {
					want = verifier.Valid
				}
				if r := verifier.VerifyRuling(file, verifier.Config{Executor: executor, Now: time.Now}); r.Outcome != want {
					t.Errorf("%q: %s (%s), want %s", executor, r.Outcome, r.Reason, want)
				}
			}
		})
	}
	// A finding that the evidence does not show, about somebody who is no side, or with no evidence where some is named, is no ruling.
	for what, f := range map[string]spotcheck.Finding{
		"another executor":    {Executor: key(t, 9).DID(), Receipt: receipts.Link(b.CID), Ground: spotcheck.GroundSilence},
		"the other's receipt": {Executor: forger.key.DID(), Receipt: receipts.Link(a.CID), Ground: spotcheck.GroundSilence},
		"missing evidence":    {Executor: forger.key.DID(), Receipt: receipts.Link(b.CID), Ground: spotcheck.GroundSegment, Evidence: ptr(receipts.Link(block.Raw([]byte("nothing")).CID))},
	} {
		ruling, err := spotcheck.IssueRuling(key(t, 77), name.CID, honest.w.Task("fib").Computation, []spotcheck.Finding{f})
		if err != nil {
			t.Fatal(err)
		}
		if r := verifier.VerifyRuling(receipts.NewArchive(ruling, name, a, b), verifier.Config{Now: time.Now}); r.Outcome != verifier.Invalid {
			t.Errorf("%s: %s", what, r.Outcome)
		}
	}
}
