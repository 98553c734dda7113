package verifier_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/proving"
	"github.com/trilemma-dev/trilemma/prover"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/verifier"
)

// zkDir is where keys lie while the tests run: they are loaded when they are needed.
var zkDir = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "keys-") })

func TestMain(m *testing.M) {
	code := m.Run()
	dir, err := zkDir()
	if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// zkKeys are the small scheme's, made once.
var zkKeys = sync.OnceValues(func() (*proving.Keys, error) {
	s, err := proof.Named(proof.Small)
	if err != nil {
		return nil, err
	}
	dir, err := zkDir()
	if err != nil {
		return nil, err
	}
	return proving.Open(context.Background(), prover.NewKeystore(dir), s, &proving.Making{Random: rand.Reader, Now: time.Now})
})

const zkTasks = `{"trilemma": "workflow/1", "tasks": {
	"a": {"run": {"mod": "m.wasm", "fun": "add", "params": [1, 2]}},
	"b": {"run": {"mod": "m.wasm", "fun": "div", "params": [{"await/ok": "a"}, 0]}},
	"c": {"run": {"mod": "m.wasm", "fun": "add", "params": [{"await/ok": "b"}, 0]}},
	"e": {"effect": {"cmd": "/x", "args": {"v": {"await/ok": "a"}}}}
}}`

// proved is a run whose tasks were proved, and what trusts the keys.
func proved(t *testing.T) (*fixture, *receipts.Bundle, func(*verifier.Config)) {
	t.Helper()
	if testing.Short() {
		t.Skip("keys take a while to make")
	}
	f := runOf(t, zkTasks)
	k, err := zkKeys()
	if err != nil {
		t.Fatal(err)
	}
	sessions := filepath.Join(t.TempDir(), "proving")
	p := proving.New(proving.Config{Keys: k, Sessions: sessions, Random: rand.Reader, Now: time.Now})
	b, made, err := p.Bundle(t.Context(), f.run.Bundle, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(made) != 2 || made[0].Steps == 0 || made[0].Setup != proof.Dev {
		t.Fatalf("proved %+v", made)
	}
	for i := range made { // what was predicted is what it is, the size nearly
		p, err := proof.Read(made[i].Proof.Data)
		if err != nil {
			t.Fatal(err)
		}
		if n := int64(len(made[i].Proof.Data)); len(p.Parts) != made[i].Parts || 4*max(n-made[i].Size(parts.Groth16{}), made[i].Size(parts.Groth16{})-n) > n {
			t.Errorf("task %s: %d parts of %d, %d bytes of %d", made[i].Task, len(p.Parts), made[i].Parts, n, made[i].Size(parts.Groth16{}))
		}
	}
	if left, err := os.ReadDir(sessions); err != nil || len(left) > 0 {
		t.Errorf("sessions that were sealed left %v: %v", left, err)
	}
	trust := func(c *verifier.Config) {
		c.AllowDev = true
		c.Family = func(id [sha256.Size]byte) *proof.Family {
			if id == k.Runs.Family().ID() {
				return k.Runs.Family()
			}
			return nil
		}
	}
	return f, b, trust
}

// withProof is the bundle with other bytes for a task's proof.
func withProof(t *testing.T, b *receipts.Bundle, label string, data []byte) *receipts.Bundle {
	t.Helper()
	keys, _ := b.Get(receipts.CID((*b.Record.Keys)[0]))
	out, err := verifier.AddProofs(b, map[string]block.Block{label: block.Raw(data)}, keys) // raw, so that a bundle can hold it whatever it is
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestZK: what was proved is found so, a trap too; what did not run needs no proof; an effect is attested. A verdict says under which keys.
func TestZK(t *testing.T) {
	f, b, trust := proved(t)
	r := f.verify(t, b, verifier.ZK, trust)
	if r.Outcome != verifier.Valid {
		t.Fatalf("%s: %s", r.Outcome, r.Reason)
	}
	for label, want := range map[string]string{"a": "development keys: whoever made them can prove anything", "b": "cryptographic: a proof of", "c": "exact: the task did not run"} {
		if v := of(t, r, label, verifier.ZK); !strings.Contains(v.Soundness, want) {
			t.Errorf("%s: %q is not in %q", label, want, v.Soundness)
		}
	}
	of(t, r, "e", verifier.Attest)
	if v := of(t, r, "a", verifier.ZK); v.Proof == nil || !v.Proof.Pinned || v.Proof.Parts == 0 || v.Cost.Bytes < v.Proof.Bytes || v.Revealed.Input == 0 {
		t.Errorf("%+v, cost %+v, revealed %+v", v.Proof, v.Cost, v.Revealed)
	}
	r = f.verify(t, b, verifier.All, func(c *verifier.Config) { trust(c); c.Tasks = []string{"a"} })
	if r.Outcome != verifier.Valid || of(t, r, "a", verifier.ZK).Outcome != verifier.Valid {
		t.Errorf("all: %s: %s", r.Outcome, r.Reason)
	}
}

// TestZKKeys: development keys are refused unless they are asked for, and keys that nobody vouches for are refused always, wherever they come from.
func TestZKKeys(t *testing.T) {
	f, b, trust := proved(t)
	for name, c := range map[string]struct {
		edit func(*verifier.Config)
		want string
	}{
		"development keys": {func(c *verifier.Config) { trust(c); c.AllowDev = false }, "development keys"},
		"nobody's keys":    {func(c *verifier.Config) { c.AllowDev = true }, "not pinned"},
		"somebody else's": {func(c *verifier.Config) {
			c.AllowDev, c.Family = true, func([sha256.Size]byte) *proof.Family { return nil }
		}, "not pinned"},
	} {
		r := f.verify(t, b, verifier.ZK, c.edit)
		v := of(t, r, "a", verifier.ZK)
		if r.Outcome != verifier.Undecided || !strings.Contains(v.Reason, c.want) || !strings.HasPrefix(v.Soundness, "none") {
			t.Errorf("%s: %s: %s (%s)", name, r.Outcome, v.Reason, v.Soundness)
		}
	}
}

// TestZKForged: a receipt that says something else, a proof of something else or a damaged one is invalid, and never more.
func TestZKForged(t *testing.T) {
	f, b, trust := proved(t)
	data := func(label string) []byte {
		p, _ := b.Get(receipts.CID(b.Record.Proofs.Values[label]))
		return p.Data
	}
	edited := func(edit func(p *proof.Proof)) []byte {
		p, err := proof.Read(data("a"))
		if err != nil {
			t.Fatal(err)
		}
		edit(p)
		out, err := p.Block()
		if err != nil {
			t.Fatal(err)
		}
		return out.Data
	}
	// Receipts are forged by the executor itself, with the proofs left as they are.
	forged := *f
	run := *f.run
	run.Bundle = b
	forged.run = &run
	other := func(edit func(c *receipts.Claim)) *receipts.Bundle {
		out := forged.forge(t, "a", f.key, edit)
		keys, _ := b.Get(receipts.CID((*b.Record.Keys)[0]))
		p, _ := b.Get(receipts.CID(b.Record.Proofs.Values["a"]))
		out, err := verifier.AddProofs(out, map[string]block.Block{"a": p}, keys)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for name, c := range map[string]struct {
		b    *receipts.Bundle
		want verifier.Outcome
	}{
		"another result": {other(func(c *receipts.Claim) {
			var v datamodel.Node = basicnode.NewInt(4)
			c.Out.Ok = &v
		}), verifier.Invalid},
		"another fuel":    {other(func(c *receipts.Claim) { n := *c.Run.Fuel + 1; c.Run.Fuel = &n }), verifier.Invalid},
		"a negative fuel": {other(func(c *receipts.Claim) { n := int64(-1); c.Run.Fuel = &n }), verifier.Invalid},
		"no output":       {other(func(c *receipts.Claim) { c.Run.Outputs = nil }), verifier.Invalid},
		"another stream": {other(func(c *receipts.Claim) {
			o := append([]receipts.Region{}, *c.Run.Outputs...)
			o[0].Stream = 1 << 40
			c.Run.Outputs = &o
		}), verifier.Invalid},
		"another program":        {other(func(c *receipts.Claim) { p := make([]byte, 32); c.Run.Program = &p }), verifier.Invalid},
		"another task's":         {withProof(t, b, "a", data("b")), verifier.Invalid},
		"cut off":                {withProof(t, b, "a", data("a")[:len(data("a"))-1]), verifier.Invalid},
		"empty":                  {withProof(t, b, "a", nil), verifier.Invalid},
		"a sum changed":          {withProof(t, b, "a", edited(func(p *proof.Proof) { p.Parts[0].Delta.SetOne() })), verifier.Invalid},
		"a part twice":           {withProof(t, b, "a", edited(func(p *proof.Proof) { p.Parts = append(p.Parts, p.Parts[0]) })), verifier.Invalid},
		"another statement":      {withProof(t, b, "a", edited(func(p *proof.Proof) { p.Statement.Used++ })), verifier.Invalid},
		"a setup that it is not": {withProof(t, b, "a", edited(func(p *proof.Proof) { p.Setup = "a ceremony" })), verifier.Valid}, // what it says of its keys is not believed
		"other keys":             {withProof(t, b, "a", edited(func(p *proof.Proof) { p.Family[0]++ })), verifier.Undecided},
		"no proof":               {f.run.Bundle, verifier.Undecided},
	} {
		r := f.verify(t, c.b, verifier.ZK, func(cfg *verifier.Config) { trust(cfg); cfg.Tasks = []string{"a"} })
		if v := of(t, r, "a", verifier.ZK); v.Outcome != c.want || v.Outcome != verifier.Valid && v.Reason == "" {
			t.Errorf("%s: %s: %s", name, v.Outcome, v.Reason)
		}
	}
}

// TestClaims: of a bundle there is to prove what ran, and nothing that its receipts cannot have right.
func TestClaims(t *testing.T) {
	f := runOf(t, zkTasks)
	all, err := verifier.Claims(f.run.Bundle, nil)
	if err != nil || len(all) != 2 {
		t.Fatalf("%d claims: %v", len(all), err)
	}
	if _, err := verifier.Claims(f.run.Bundle, []string{"z"}); !errors.Is(err, verifier.ErrNoTask) {
		t.Errorf("an unknown task: %v", err)
	}
	forged := f.forge(t, "a", f.key, func(c *receipts.Claim) { n := *c.Run.Fuel; n = -n; c.Run.Fuel = &n })
	if _, err := verifier.Claims(forged, nil); err == nil {
		t.Error("a negative fuel was claimed")
	}
}
