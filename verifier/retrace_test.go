package verifier_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/guests"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/verifier"
)

const recorded = `{"trilemma": "workflow/1", "tasks": {
	"fib": {"run": {"mod": "m.wasm", "fun": "fib", "params": [24]}},
	"bad": {"run": {"mod": "m.wasm", "fun": "fib", "params": ["x"]}}
}}`

// setUpRecorded runs a workflow with transcripts of several segments.
func setUpRecorded(t testing.TB) (*fixture, *machine.Transcript, []machine.Digest) {
	t.Helper()
	return setUpRecordedAs(t, 5)
}

// setUpRecordedAs does so as the executor whose key has this seed.
func setUpRecordedAs(t testing.TB, seed byte) (*fixture, *machine.Transcript, []machine.Digest) {
	t.Helper()
	m, err := guests.Module("fib")
	if err != nil {
		t.Fatal(err)
	}
	f := runAs(t, seed, recorded, m, &machine.Engine{})
	b, ok := f.run.Bundle.Get(receipts.CID(*f.claimOf("fib").Run.Transcript))
	if !ok {
		t.Fatal("the bundle has no transcript")
	}
	tr, err := machine.ReadTranscript(b.Data)
	if err != nil {
		t.Fatal(err)
	}
	roots, err := tr.ReadRoots(f.run.Bundle.Get)
	if err != nil || len(roots) < 3 {
		t.Fatalf("%d roots, %v", len(roots), err)
	}
	return f, tr, roots
}

// claimOf is what the receipt of a task says.
func (f *fixture) claimOf(label string) receipts.Claim {
	i := slices.IndexFunc(f.run.Results, func(r executor.Result) bool { return r.Task.Label == label })
	return f.run.Results[i].Receipt.Claim
}

// forgeTranscript signs a receipt for another transcript.
func (f *fixture) forgeTranscript(t testing.TB, tr machine.Transcript, roots []machine.Digest) *receipts.Bundle {
	t.Helper()
	raw := block.Raw(slices.Concat(func() (all [][]byte) {
		for i := range roots {
			all = append(all, roots[i][:])
		}
		return all
	}()...))
	f.run.Bundle.Blocks[raw.CID] = raw.Data
	root := machine.RootOfRoots(roots)
	tr.Root, tr.Roots = root[:], []datamodel.Link{receipts.Link(raw.CID)}
	b, err := tr.Block()
	if err != nil {
		t.Fatal(err)
	}
	f.run.Bundle.Blocks[b.CID] = b.Data
	return f.forge(t, "fib", f.key, func(c *receipts.Claim) {
		c.Run.Transcript, c.Run.Steps, c.Run.Program = ptr(receipts.Link(b.CID)), &tr.Steps, &tr.Program
	})
}

func TestTranscripts(t *testing.T) {
	f, tr, roots := setUpRecorded(t)
	last := len(roots) - 1
	zero := make([]byte, 32)
	for _, c := range []struct {
		name, reason string
		edit         func(*machine.Transcript, []machine.Digest) []machine.Digest
	}{
		{"honest", "", func(_ *machine.Transcript, r []machine.Digest) []machine.Digest { return r }},
		{"another beginning", "does not begin", func(_ *machine.Transcript, r []machine.Digest) []machine.Digest { r[0][0] ^= 1; return r }},
		{"one root", "segment 0 of its transcript is wrong", func(_ *machine.Transcript, r []machine.Digest) []machine.Digest { r[1][0] ^= 1; return r }},
		{"another root", "segment 1 of its transcript is wrong", func(_ *machine.Transcript, r []machine.Digest) []machine.Digest { r[2][31] ^= 1; return r }},
		{"the last root", "is wrong", func(_ *machine.Transcript, r []machine.Digest) []machine.Digest { r[last][0] ^= 1; return r }},
		{"an early halt", "the run goes on", func(t *machine.Transcript, r []machine.Digest) []machine.Digest {
			t.Steps = machine.SegmentSteps
			return r[:2]
		}},
		{"a step less", "steps, the run", func(t *machine.Transcript, r []machine.Digest) []machine.Digest { t.Steps--; return r }},
		{"past the halt", "steps, the run", func(t *machine.Transcript, r []machine.Digest) []machine.Digest {
			t.Steps += machine.SegmentSteps
			return append(r, r[last])
		}},
		{"a root too many", "holds", func(_ *machine.Transcript, r []machine.Digest) []machine.Digest { return append(r, r[0]) }},
		{"another program", "another program", func(t *machine.Transcript, r []machine.Digest) []machine.Digest { t.Program = zero; return r }},
		{"another input", "another input", func(t *machine.Transcript, r []machine.Digest) []machine.Digest { t.Inputs = zero; return r }},
		{"other limits", "other limits", func(t *machine.Transcript, r []machine.Digest) []machine.Digest { t.Fuel++; return r }},
		{"another end", "does not say that the run ended in fuel", func(t *machine.Transcript, r []machine.Digest) []machine.Digest { t.Outcome = "fuel"; return r }},
		{"another fuel", "fuel, the transcript", func(t *machine.Transcript, r []machine.Digest) []machine.Digest { t.Used++; return r }},
		{"another output", "output stream 0", func(t *machine.Transcript, r []machine.Digest) []machine.Digest {
			t.Outputs = slices.Clone(t.Outputs)
			t.Outputs[0].Digest = zero
			return r
		}},
		{"other segments", "segments of", func(t *machine.Transcript, r []machine.Digest) []machine.Digest { t.Segment = 1 << 10; return r }},
		{"another version", "version", func(t *machine.Transcript, r []machine.Digest) []machine.Digest {
			t.Trilemma = "transcript/2"
			return r
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			forged := *tr
			edited := c.edit(&forged, slices.Clone(roots))
			b := f.forgeTranscript(t, forged, edited)
			r := f.verify(t, b, verifier.Rerun, nil)
			if c.reason == "" {
				if r.Outcome != verifier.Valid || !strings.Contains(r.Verdicts[slices.IndexFunc(r.Verdicts, func(v verifier.Verdict) bool { return v.Task == "fib" })].Soundness, "after every segment") {
					t.Errorf("%s: %s", r.Outcome, r.Reason)
				}
				return
			}
			if r.Outcome != verifier.Invalid || !strings.Contains(r.Reason, c.reason) {
				t.Errorf("%s (%s), want a reason with %q", r.Outcome, r.Reason, c.reason)
			}
		})
	}
}

// TestTranscriptEvidence: without the blocks of a transcript nothing is decided, and a receipt that names half of it is invalid.
func TestTranscriptEvidence(t *testing.T) {
	f, tr, _ := setUpRecorded(t)
	for _, missing := range []datamodel.Link{*f.claimOf("fib").Run.Transcript, tr.Roots[0]} {
		b := *f.run.Bundle
		b.Blocks = make(map[cid.Cid][]byte)
		for c, data := range f.run.Bundle.Blocks {
			if !c.Equals(receipts.CID(missing)) {
				b.Blocks[c] = data
			}
		}
		if r := f.verify(t, &b, verifier.Rerun, nil); r.Outcome != verifier.Undecided {
			t.Errorf("%s: %s", r.Outcome, r.Reason)
		}
	}
	for _, edit := range []func(*receipts.Claim){
		func(c *receipts.Claim) { c.Run.Steps = nil },
		func(c *receipts.Claim) { c.Run.Program = nil },
		func(c *receipts.Claim) { c.Run.Transcript = nil },
		func(c *receipts.Claim) { c.Run.Steps = ptr(*c.Run.Steps + 1) },
		func(c *receipts.Claim) { p := bytes.Clone(*c.Run.Program); p[0] ^= 1; c.Run.Program = &p },
	} {
		if r := f.verify(t, f.forge(t, "fib", f.key, edit), verifier.Rerun, nil); r.Outcome != verifier.Invalid {
			t.Errorf("%s: %s", r.Outcome, r.Reason)
		}
	}
	if r := f.verify(t, f.forge(t, "bad", f.key, func(c *receipts.Claim) { c.Run.Steps = ptr(int64(1)) }), verifier.Rerun, nil); r.Outcome != verifier.Invalid {
		t.Errorf("steps of a task that did not run: %s: %s", r.Outcome, r.Reason)
	}
}
