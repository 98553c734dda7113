package verifier_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/guests"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/verifier"
)

// settle settles two bundles with a referee.
func settle(t testing.TB, a, b *receipts.Bundle, edit func(*verifier.SettleConfig)) []verifier.Settlement {
	t.Helper()
	cfg := verifier.SettleConfig{Opener: &machine.Engine{}, Referee: key(t, 77), Now: time.Now}
	if edit != nil {
		edit(&cfg)
	}
	s, err := verifier.Settle(t.Context(), a, b, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// settlementOf is what became of a task.
func settlementOf(t testing.TB, ss []verifier.Settlement, task string) verifier.Settlement {
	t.Helper()
	i := slices.IndexFunc(ss, func(s verifier.Settlement) bool { return s.Task == task })
	if i < 0 {
		t.Fatalf("nothing of %q", task)
	}
	return ss[i]
}

// found is who is wrong on what ground, in short.
func found(s verifier.Settlement) (out []string) {
	for _, p := range s.Wrong {
		out = append(out, fmt.Sprint(p.Side, " ", p.Ground))
	}
	return out
}

// confirm opens a ruling as a third machine does, which has nothing but its file.
func confirm(a *receipts.Archive) (*spotcheck.Ruled, error) {
	ruling, _ := a.Get(a.Root)
	return spotcheck.OpenRuling(ruling, a.Get)
}

func TestSettle(t *testing.T) {
	honest, tr, roots := setUpRecordedAs(t, 5)
	forger, _, _ := setUpRecordedAs(t, 6)
	last := len(roots) - 1
	forged := func(edit func(*machine.Transcript, []machine.Digest) []machine.Digest) *receipts.Bundle {
		other := *tr
		r := edit(&other, slices.Clone(roots))
		return forger.forgeTranscript(t, other, r)
	}
	for _, c := range []struct {
		name   string
		bundle *receipts.Bundle
		want   string
		proven bool
	}{
		{"one byte of one segment", forged(func(_ *machine.Transcript, r []machine.Digest) []machine.Digest { r[2][7] ^= 1; return r }), "B segment", true},
		{"a run on another input", setUpLiar(t, forger).bundle, "B segment", true},
		{"wrong links: two states swapped", forged(func(_ *machine.Transcript, r []machine.Digest) []machine.Digest { r[1], r[2] = r[2], r[1]; return r }), "B segment", true},
		{"wrong initial state", forged(func(_ *machine.Transcript, r []machine.Digest) []machine.Digest { r[0][0] ^= 1; return r }), "B end", true},
		{"another final state", forged(func(_ *machine.Transcript, r []machine.Digest) []machine.Digest { r[last][0] ^= 1; return r }), "B end", true},
		{"early halt", forged(func(t *machine.Transcript, r []machine.Digest) []machine.Digest {
			t.Steps = 2 * machine.SegmentSteps
			return r[:3]
		}), "B end", true},
		{"missing tail with the true last state", forged(func(t *machine.Transcript, r []machine.Digest) []machine.Digest {
			t.Steps = 2 * machine.SegmentSteps
			return []machine.Digest{r[0], r[1], r[last]}
		}), "B segment", true},
		{"past the halt", forged(func(t *machine.Transcript, r []machine.Digest) []machine.Digest {
			t.Steps += machine.SegmentSteps
			return append(r, r[last])
		}), "B length", true},
		{"a step more in the last segment", forged(func(t *machine.Transcript, r []machine.Digest) []machine.Digest { t.Steps++; return r }), "B segment", true},
		{"a step less in the last segment", forged(func(t *machine.Transcript, r []machine.Digest) []machine.Digest { t.Steps--; return r }), "B segment", true},
		{"a true transcript with another result", forger.forge(t, "fib", forger.key, func(c *receipts.Claim) {
			var n datamodel.Node = basicnode.NewInt(7)
			c.Out = receipts.Out{Ok: &n}
		}), "B claim", false},
		{"a true transcript with another fuel", forger.forge(t, "fib", forger.key, func(c *receipts.Claim) { c.Run.Fuel = ptr(*c.Run.Fuel + 1) }), "B claim", true},
		{"a task that could run was refused", forger.forge(t, "fib", forger.key, func(c *receipts.Claim) {
			c.Out = receipts.Out{Error: &receipts.Failure{Kind: "refused"}}
			c.Run = receipts.Run{Computation: c.Run.Computation}
		}), "B claim", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := settlementOf(t, settle(t, honest.run.Bundle, c.bundle, nil), "fib")
			if s.State != verifier.Settled || !slices.Equal(found(s), []string{c.want}) {
				t.Fatalf("%s (%s): %v, want %s", s.State, s.Reason, found(s), c.want)
			}
			r, err := confirm(s.Ruling)
			if err != nil {
				t.Fatal(err)
			}
			if r.Referee != key(t, 77).DID() || r.Findings[0].Executor != forger.key.DID() || (r.Proven[0] != "") != c.proven {
				t.Errorf("%+v", r)
			}
			back := settlementOf(t, settle(t, c.bundle, honest.run.Bundle, nil), "fib")
			if want := "A" + c.want[1:]; !slices.Equal(found(back), []string{want}) {
				t.Errorf("the other way round: %v, want %s", found(back), want)
			}
		})
	}
	t.Run("nothing in dispute", func(t *testing.T) {
		for _, s := range settle(t, honest.run.Bundle, forger.run.Bundle, nil) {
			if s.State != verifier.Agreed || s.Ruling != nil {
				t.Errorf("%+v", s)
			}
		}
	})
	t.Run("both wrong in one state", func(t *testing.T) {
		a := *tr
		ra := slices.Clone(roots)
		ra[1][0] ^= 1
		other := honest.forgeTranscript(t, a, ra)
		b := forged(func(_ *machine.Transcript, r []machine.Digest) []machine.Digest { r[1][0] ^= 1; r[2][0] ^= 1; return r })
		s := settlementOf(t, settle(t, other, b, nil), "fib")
		if !slices.Equal(found(s), []string{"A segment", "B segment"}) {
			t.Errorf("%v: %s", found(s), s.Reason)
		}
	})
	t.Run("no transcript", func(t *testing.T) {
		b := forger.forge(t, "fib", forger.key, func(c *receipts.Claim) {
			c.Run.Transcript, c.Run.Steps, c.Run.Program = nil, nil, nil
			c.Run.Fuel = ptr(*c.Run.Fuel + 1)
		})
		if s := settlementOf(t, settle(t, honest.run.Bundle, b, nil), "fib"); s.State != verifier.Open || !strings.Contains(s.Reason, "no transcript") {
			t.Errorf("%s: %s", s.State, s.Reason)
		}
	})
	t.Run("no openings", func(t *testing.T) {
		b := forged(func(_ *machine.Transcript, r []machine.Digest) []machine.Digest { r[2][7] ^= 1; return r })
		none := func(c *verifier.SettleConfig) { c.Opener = nil }
		if s := settlementOf(t, settle(t, honest.run.Bundle, b, none), "fib"); s.State != verifier.Open || !strings.Contains(s.Reason, "no opening of segment 1") {
			t.Errorf("%s: %s", s.State, s.Reason)
		}
		ch := seeded(t, b, "all", int64(last))
		hc := seeded(t, honest.run.Bundle, "all", int64(last))
		s := settlementOf(t, settle(t, answered(t, honest.run.Bundle, hc), answered(t, b, ch), none), "fib")
		if !slices.Equal(found(s), []string{"B segment"}) {
			t.Errorf("with openings in the bundles: %v: %s", found(s), s.Reason)
		}
	})
	t.Run("one executor, two outcomes", func(t *testing.T) {
		b := honest.forge(t, "fib", honest.key, func(c *receipts.Claim) {
			c.Run.Transcript, c.Run.Steps, c.Run.Program = nil, nil, nil
			var n datamodel.Node = basicnode.NewInt(7)
			c.Out = receipts.Out{Ok: &n}
		})
		s := settlementOf(t, settle(t, b, honest.run.Bundle, nil), "fib")
		if !slices.Equal(found(s), []string{"A opposite"}) || s.Wrong[0].Evidence == nil {
			t.Errorf("%v: %s", found(s), s.Reason)
		}
	})
}

// TestSettleInOrder: what awaits a disputed task is settled after it, since its input is not known before.
func TestSettleInOrder(t *testing.T) {
	text := `{"trilemma": "workflow/1", "tasks": {
		"a": {"run": {"mod": "m.wasm", "fun": "fib", "params": [10]}},
		"b": {"run": {"mod": "m.wasm", "fun": "fib", "params": [{"await/ok": "a"}]}},
		"c": {"run": {"mod": "m.wasm", "fun": "fib", "params": [5]}}}}`
	m, err := guests.Module("fib")
	if err != nil {
		t.Fatal(err)
	}
	a, b := runAs(t, 5, text, m, &machine.Engine{}), runAs(t, 6, text, m, &machine.Engine{})
	seven := func(c *receipts.Claim) { var n datamodel.Node = basicnode.NewInt(7); c.Out = receipts.Out{Ok: &n} }
	first := b.forge(t, "a", b.key, seven)
	b.run.Bundle.Blocks = first.Blocks
	for i := range b.run.Results {
		if b.run.Results[i].Task.Label == "a" {
			run, err := receipts.Open(block.Block{CID: receipts.CID(first.Record.Receipt), Data: first.Blocks[receipts.CID(first.Record.Receipt)]})
			if err != nil {
				t.Fatal(err)
			}
			id := receipts.CID(run.Claim.Run.Receipts.Values["a"])
			if b.run.Results[i].Receipt, err = receipts.Open(block.Block{CID: id, Data: first.Blocks[id]}); err != nil {
				t.Fatal(err)
			}
		}
	}
	ss := settle(t, a.run.Bundle, b.forge(t, "b", b.key, seven), nil)
	var got []string
	for _, task := range []string{"a", "b", "c"} {
		got = append(got, settlementOf(t, ss, task).State)
	}
	if want := []string{verifier.Settled, verifier.Follows, verifier.Agreed}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestRulingsFlipped: a bit that is flipped in a ruling's file, in any of its blocks, makes it refused; so does a block that is gone.
func TestRulingsFlipped(t *testing.T) {
	honest, tr, roots := setUpRecordedAs(t, 5)
	forger, _, _ := setUpRecordedAs(t, 6)
	other, r := *tr, slices.Clone(roots)
	r[2][7] ^= 1
	e := settlementOf(t, settle(t, honest.run.Bundle, forger.forgeTranscript(t, other, r), nil), "fib").Ruling
	for id, data := range e.Blocks {
		step := len(data)*8/800 | 1 // a signature for each, and a replay
		for bit := 0; bit < len(data)*8; bit += step {
			flipped := &receipts.Archive{Root: e.Root, Blocks: maps.Clone(e.Blocks)}
			changed := bytes.Clone(data)
			changed[bit/8] ^= 1 << (bit % 8)
			flipped.Blocks[id] = changed // under the CID that it had: one under its own is not found
			if _, err := confirm(flipped); err == nil {
				t.Fatalf("%s: bit %d flipped and still confirmed", id, bit)
			}
		}
		less := &receipts.Archive{Root: e.Root, Blocks: maps.Clone(e.Blocks)}
		delete(less.Blocks, id)
		if _, err := confirm(less); err == nil {
			t.Errorf("confirmed without %s", id)
		}
	}
	var file bytes.Buffer
	if err := e.Write(&file); err != nil {
		t.Fatal(err)
	}
	for bit := 0; bit < file.Len()*8; bit += file.Len()*8/200 | 1 {
		flipped := bytes.Clone(file.Bytes())
		flipped[bit/8] ^= 1 << (bit % 8)
		a, err := receipts.ReadArchive(bytes.NewReader(flipped), block.CARLimits{})
		if err == nil {
			_, err = confirm(a)
		}
		if err == nil {
			t.Fatalf("bit %d of the file flipped and still confirmed", bit)
		}
	}
}
