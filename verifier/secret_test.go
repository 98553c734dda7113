package verifier_test

import (
	"crypto/rand"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/internal/proving"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/verifier"
)

// secretTasks: a hidden input, a hidden result that another task takes, an answer that is public, a failure, and what is open to everybody.
const secretTasks = `{"trilemma": "workflow/1", "tasks": {
	"a": {"run": {"mod": "m.wasm", "fun": "add", "params": [{"value": 81726354, "secret": true}, 1]}},
	"b": {"run": {"mod": "m.wasm", "fun": "div", "params": [{"await/ok": "a"}, 3]}, "declassify": true},
	"c": {"run": {"mod": "m.wasm", "fun": "div", "params": [{"await/ok": "a"}, 0]}},
	"d": {"run": {"mod": "m.wasm", "fun": "add", "params": [{"await/ok": "c"}, 0]}},
	"e": {"run": {"mod": "m.wasm", "fun": "add", "params": [{"await/ok": "b"}, 0]}}
}}`

// TestSecretModes: a secret task can be attested; what takes its input says so, and all that did not run or is public is checked as ever.
func TestSecretModes(t *testing.T) {
	f := runOf(t, secretTasks)
	for mode, want := range map[verifier.Mode]string{
		verifier.Attest: "valid a:attest:valid b:attest:valid c:attest:valid d:attest:valid e:attest:valid",
		verifier.Rerun:  "undecided a:rerun:undecided b:rerun:undecided c:rerun:undecided d:rerun:valid e:rerun:valid",
		verifier.Spot:   "undecided a:spot:undecided b:spot:undecided c:spot:undecided d:spot:undecided e:spot:undecided :spot:undecided",
		verifier.ZK:     "undecided a:zk:undecided b:zk:undecided c:zk:undecided d:zk:valid e:zk:undecided",
		verifier.All: "undecided a:attest:valid a:zk:undecided b:attest:valid b:zk:undecided c:attest:valid c:zk:undecided d:attest:valid d:zk:valid " +
			"e:attest:valid e:rerun:valid",
		verifier.Check: "undecided a:zk:undecided b:zk:undecided c:zk:undecided d:zk:valid e:rerun:valid",
	} {
		r := f.verify(t, f.run.Bundle, mode, nil)
		got := " " + show(r) + " "
		if len(strings.Fields(got)) != len(strings.Fields(want)) {
			t.Errorf("%s: %s, want %s", mode, got, want)
		}
		for w := range strings.FieldsSeq(want) {
			if !strings.Contains(got, " "+w+" ") {
				t.Errorf("%s: %s is not in%s", mode, w, got)
			}
		}
		for _, v := range r.Verdicts {
			if v.Revealed != (verifier.Revealed{}) && v.Task != "e" {
				t.Errorf("%s of %s reveals %+v", mode, v.Task, v.Revealed)
			}
		}
	}
	for mode, want := range map[verifier.Mode]string{verifier.Rerun: "the task is secret, and running it again", verifier.Spot: "the task is secret, and a spot-check", verifier.ZK: "the bundle holds no proof"} {
		if v := of(t, f.verify(t, f.run.Bundle, mode, nil), "a", mode); !strings.Contains(v.Reason, want) {
			t.Errorf("%s: %s", mode, v.Reason)
		}
	}
	if v := of(t, f.verify(t, f.run.Bundle, verifier.ZK, nil), "c", verifier.ZK); !strings.Contains(v.Reason, "of a secret task that failed the receipt tells the kind (trap)") {
		t.Error(v.Reason)
	}
	claims, err := verifier.Claims(f.run.Bundle, nil)
	if err != nil {
		t.Fatal(err)
	}
	labels := ""
	for _, c := range claims {
		labels += c.Task.Label
		if c.Task.Secret != (c.Claim.Hidden != nil) {
			t.Errorf("%s hides %+v", c.Task.Label, c.Claim.Hidden)
		}
	}
	if len(labels) != 3 || strings.Trim(labels, "abe") != "" {
		t.Errorf("there is something to prove of %s", labels)
	}
}

// TestSecretResults: the owner sees the hidden results of receipts, by label.
func TestSecretResults(t *testing.T) {
	f := runOf(t, secretTasks)
	all, err := verifier.Hidden(f.run.Bundle, nil)
	if err != nil || len(all) != 1 || all[0].Task.Label != "a" || all[0].Kind != "i32" {
		t.Fatalf("%+v, %v", all, err)
	}
	if o, ok := f.secrets.Opening(all[0].Commitment); !ok || len(o.Stream) != 8 {
		t.Errorf("its opening: %x, %v", o.Stream, ok)
	}
	if got, err := verifier.Hidden(f.run.Bundle, []string{"b"}); err != nil || len(got) != 0 {
		t.Errorf("of a result that is public: %+v, %v", got, err)
	}
	if _, err := verifier.Hidden(f.run.Bundle, []string{"z"}); err == nil {
		t.Error("of a task that is not there")
	}
	forged := f.forge(t, "a", f.key, func(c *receipts.Claim) { c.Ran = receipts.Link(f.w.CID) })
	if _, err := verifier.Hidden(forged, nil); err == nil {
		t.Error("of a receipt that is about something else")
	}
}

// TestSecretForged: a receipt that hides otherwise than its workflow, or tells too much, is invalid in every mode and for its own reason.
func TestSecretForged(t *testing.T) {
	f := runOf(t, secretTasks)
	var plain datamodel.Node = basicnode.NewInt(7)
	sealed, err := hidden.Value{Kind: "i32", Commitment: hidden.Commitment{31: 1}}.Node()
	if err != nil {
		t.Fatal(err)
	}
	broken, err := hidden.Value{Commitment: hidden.Commitment{31: 1}}.Node()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		label string
		edit  func(*receipts.Claim)
		want  string
	}{
		{"a", func(c *receipts.Claim) { c.Out.Ok = &plain }, "its receipt shows a result that its workflow hides"},
		{"b", func(c *receipts.Claim) { c.Out.Ok = &sealed }, "its receipt hides a result that its workflow does not hide"},
		{"e", func(c *receipts.Claim) { c.Out.Ok = &sealed }, "its receipt hides a result that its workflow does not hide"},
		{"a", func(c *receipts.Claim) { c.Out.Ok = &broken }, "no hidden value"},
		{"a", func(c *receipts.Claim) { n := int64(5); c.Run.Steps = &n }, "its receipt tells program, steps or transcript of a secret task"},
		{"b", func(c *receipts.Claim) { l := receipts.Link(f.w.CID); c.Run.Transcript = &l }, "its receipt tells program, steps or transcript of a secret task"},
	} {
		b := f.forge(t, c.label, f.key, c.edit)
		for _, mode := range []verifier.Mode{verifier.Attest, verifier.ZK} {
			v := of(t, f.verify(t, b, mode, nil), c.label, mode)
			if v.Outcome != verifier.Invalid || !strings.Contains(v.Reason, c.want) {
				t.Errorf("%s, %s: %s: %s", c.label, mode, v.Outcome, v.Reason)
			}
		}
	}
}

// TestHiddenStreams: a commitment where nothing is hidden, or to a stream that is not there, is refused in every mode that looks at streams.
func TestHiddenStreams(t *testing.T) {
	const open = `{"trilemma": "workflow/1", "tasks": {"a": {"run": {"mod": "m.wasm", "fun": "add", "params": [1, 2]}}}}`
	f := runWith(t, open, arithmetic(), &machine.Engine{})
	secret := runOf(t, secretTasks)
	com := hidden.Commitment{31: 3}
	b := com[:]
	for _, stream := range []int64{-1, 0, 1, 99, 1 << 40} {
		edit := func(c *receipts.Claim) {
			for _, rs := range []**[]receipts.Region{&c.Run.Inputs, &c.Run.Outputs} {
				out := append([]receipts.Region{}, **rs...)
				out = append(out, receipts.Region{Stream: stream, Size: 8, Commitment: &b})
				*rs = &out
			}
		}
		forged := f.forge(t, "a", f.key, edit)
		r := f.verify(t, forged, verifier.Rerun, nil)
		if v := of(t, r, "a", verifier.Rerun); v.Outcome != verifier.Invalid {
			t.Errorf("stream %d, rerun: %s: %s", stream, v.Outcome, v.Reason)
		}
		r = f.verify(t, forged, verifier.Spot, func(c *verifier.Config) { c.Challenged = &verifier.Challenged{Challenge: seeded(t, forged, "s", 1)} })
		if v := of(t, r, "a", verifier.Spot); v.Outcome != verifier.Invalid {
			t.Errorf("stream %d, spot: %s: %s", stream, v.Outcome, v.Reason)
		}
		if _, err := verifier.Claims(forged, nil); err == nil {
			t.Errorf("stream %d: it could be proved", stream)
		}
		if _, err := verifier.Claims(secret.forge(t, "b", secret.key, edit), []string{"b"}); err == nil {
			t.Errorf("stream %d of a secret task: it could be proved", stream)
		}
	}
}

// TestSecretDispute: two runs of one computation have other commitments, which contradicts nothing. What contradicts nobody can settle, unless one signed both.
func TestSecretDispute(t *testing.T) {
	f := runOf(t, secretTasks)
	again := func(edit func(*receipts.Claim)) *receipts.Bundle { return f.forge(t, "b", f.key, edit) }
	settle := func(b *receipts.Bundle) verifier.Settlement {
		t.Helper()
		got, err := verifier.Settle(t.Context(), f.run.Bundle, b, verifier.SettleConfig{Tasks: []string{"b"}, Now: time.Now})
		if err != nil || len(got) != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		return got[0]
	}
	other := hidden.Commitment{31: 9}
	b := other[:]
	if s := settle(again(func(c *receipts.Claim) {
		out := append([]receipts.Region{}, *c.Run.Outputs...)
		out[1].Commitment = &b
		c.Run.Outputs = &out
	})); s.State != verifier.Agreed {
		t.Errorf("other salts: %+v", s)
	}
	var lie datamodel.Node = basicnode.NewInt(7)
	if s := settle(again(func(c *receipts.Claim) { c.Out = receipts.Out{Ok: &lie} })); s.State != verifier.Settled || s.Wrong[0].Ground != spotcheck.GroundOpposite {
		t.Errorf("one who signed both: %+v", s)
	}
	if v := of(t, f.verify(t, f.run.Bundle, verifier.Check, func(c *verifier.Config) { c.Tasks = []string{"a"} }), "a", verifier.ZK); v.Outcome != verifier.Undecided {
		t.Errorf("as the workflow wishes: %+v", v)
	}
}

// TestSecretProofs: a chain of secret tasks is proved and checked, each edge by its commitment; with other salts nothing is proved, and a proof of another run, or a receipt with
// another commitment, is refused for its reason.
func TestSecretProofs(t *testing.T) {
	if testing.Short() {
		t.Skip("keys take a while to make")
	}
	const chain = `{"trilemma": "workflow/1", "tasks": {
		"a": {"run": {"mod": "m.wasm", "fun": "add", "params": [{"value": 81726354, "secret": true}, 1]}},
		"b": {"run": {"mod": "m.wasm", "fun": "div", "params": [{"await/ok": "a"}, 3]}, "declassify": true}}}`
	f, other := runOf(t, chain), runOf(t, chain)
	k, err := zkKeys()
	if err != nil {
		t.Fatal(err)
	}
	prove := func(b *receipts.Bundle, open proving.Opener, labels ...string) (*receipts.Bundle, error) {
		p := proving.New(proving.Config{Keys: k, Sessions: t.TempDir(), Random: rand.Reader, Now: time.Now, Open: open})
		out, _, err := p.Bundle(t.Context(), b, labels)
		return out, err
	}
	for name, open := range map[string]proving.Opener{"nothing": nil, "the secrets of another run": other.secrets.Opening,
		"another salt": func(c hidden.Commitment) (hidden.Opening, bool) {
			o, ok := f.secrets.Opening(c)
			o.Salt[31] ^= 1
			return o, ok
		},
		"another secret": func(c hidden.Commitment) (hidden.Opening, bool) {
			o, ok := f.secrets.Opening(c)
			o.Stream = append([]byte{}, o.Stream...)
			if len(o.Stream) > 0 {
				o.Stream[0] ^= 1
			}
			return o, ok
		}} {
		if _, err := prove(f.run.Bundle, open); !errors.Is(err, evaluate.ErrOpen) || strings.Contains(err.Error(), "81726354") {
			t.Errorf("proved with %s: %v", name, err)
		}
	}
	lied := f.forge(t, "b", f.key, func(c *receipts.Claim) { var v datamodel.Node = basicnode.NewInt(7); c.Out.Ok = &v })
	if _, err := prove(lied, f.secrets.Opening, "b"); err == nil {
		t.Error("a lie was proved")
	}
	b, err := prove(f.run.Bundle, f.secrets.Opening)
	if err != nil {
		t.Fatal(err)
	}
	trust := func(c *verifier.Config) {
		c.AllowDev, c.Family = true, func(parts.Digest) *proof.Family { return k.Runs.Family() }
	}
	r := f.verify(t, b, verifier.ZK, trust)
	if r.Outcome != verifier.Valid {
		t.Fatalf("%s: %s", r.Outcome, r.Reason)
	}
	if v := of(t, r, "a", verifier.ZK); v.Revealed.Input != 24 || v.Revealed.Output != 0 || !strings.Contains(v.Soundness, "hidden behind commitments: 1 stream") {
		t.Errorf("%+v, %s", v.Revealed, v.Soundness)
	}
	if r := f.verify(t, b, verifier.All, trust); r.Outcome != verifier.Valid {
		t.Errorf("all: %s: %s", r.Outcome, r.Reason)
	}

	// The proof of the other run's task is about another commitment, and so is ours for the other receipts.
	theirs := *other.run.Bundle
	theirs.Record.Proofs, theirs.Record.Keys = b.Record.Proofs, b.Record.Keys
	theirs.Blocks = maps.Clone(theirs.Blocks)
	maps.Copy(theirs.Blocks, b.Blocks)
	if v := of(t, other.verify(t, &theirs, verifier.ZK, trust), "a", verifier.ZK); v.Outcome != verifier.Invalid || !strings.Contains(v.Reason, "the proof is about something else") {
		t.Errorf("a proof of another run: %s: %s", v.Outcome, v.Reason)
	}
	swapped := f.replace(t, "b", func(r *receipts.Receipt) block.Block { // two commitments of one receipt change places
		c := r.Claim
		out := append([]receipts.Region{}, *c.Run.Outputs...)
		out[1].Commitment, out[2].Commitment = out[2].Commitment, out[1].Commitment
		c.Run.Outputs = &out
		made, err := receipts.Issue(f.key, c, r.Meta)
		if err != nil {
			t.Fatal(err)
		}
		return made
	})
	swapped.Record.Proofs, swapped.Record.Keys = b.Record.Proofs, b.Record.Keys
	maps.Copy(swapped.Blocks, b.Blocks)
	if v := of(t, f.verify(t, swapped, verifier.ZK, trust), "b", verifier.ZK); v.Outcome != verifier.Invalid || !strings.Contains(v.Reason, "another hidden output") {
		t.Errorf("swapped commitments: %s: %s", v.Outcome, v.Reason)
	}
}
