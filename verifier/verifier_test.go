package verifier_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/internal/secrets"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/runtime"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/verifier"
	"github.com/trilemma-dev/trilemma/wasm"
	"github.com/trilemma-dev/trilemma/workflow"
)

func arithmetic() []byte {
	var bodies []wasm.Code
	for _, op := range []wasm.Opcode{wasm.OpI32Add, wasm.OpI32DivS} {
		var b []byte
		for _, in := range []wasm.Instr{{Op: wasm.OpLocalGet}, {Op: wasm.OpLocalGet, Index: 1}, {Op: op}, {Op: wasm.OpEnd}} {
			b = wasm.AppendInstr(b, in)
		}
		bodies = append(bodies, wasm.Code{Body: b})
	}
	m := &wasm.Module{
		Types:   []wasm.FuncType{{Params: []wasm.ValueType{wasm.I32, wasm.I32}, Results: []wasm.ValueType{wasm.I32}}},
		Funcs:   []uint32{0, 0},
		Code:    bodies,
		Exports: []wasm.Export{{Name: "add", Index: 0}, {Name: "div", Index: 1}},
	}
	return m.Encode()
}

const tasks = `{"trilemma": "workflow/1", "tasks": {
	"a": {"run": {"mod": "m.wasm", "fun": "add", "params": [1, 2]}},
	"b": {"run": {"mod": "m.wasm", "fun": "div", "params": [{"await/ok": "a"}, 0]}},
	"c": {"run": {"mod": "m.wasm", "fun": "add", "params": [{"await/ok": "b"}, 0]}},
	"d": {"run": {"mod": "m.wasm", "fun": "add", "params": [{"await/ok": "a"}, {"await/ok": "a"}]}},
	"e": {"effect": {"cmd": "/x", "args": {"v": {"await/ok": "d"}}}},
	"f": {"run": {"mod": "m.wasm", "fun": "add", "params": [1, "two"]}}
}}`

type fixture struct {
	engine  *runtime.Engine
	key     *capability.Key
	run     *executor.Run
	w       *workflow.Workflow
	secrets *secrets.Set
}

func setUp(t testing.TB) *fixture {
	t.Helper()
	return runOf(t, tasks)
}

// runOf runs a workflow over the arithmetic module.
func runOf(t testing.TB, text string) *fixture { return runWith(t, text, arithmetic(), nil) }

// runWith runs a workflow over a module that it calls m.wasm.
func runWith(t testing.TB, text string, module []byte, rec executor.Recorder) *fixture {
	t.Helper()
	return runAs(t, 5, text, module, rec)
}

// runAs runs a workflow as the executor whose key has this seed.
func runAs(t testing.TB, seed byte, text string, module []byte, rec executor.Recorder) *fixture {
	t.Helper()
	engine, err := runtime.New(context.Background(), runtime.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := engine.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	f := &fixture{engine: engine, key: key(t, seed), secrets: secrets.New(rand.Reader)}
	d, err := workflow.Parse("w.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	f.w, err = workflow.Compile(d, workflow.Config{Sub: f.key.DID(), Profile: link.Profile, Fuel: 1e8, Memory: 16, Output: 1000, Seal: f.secrets.Hide,
		ReadFile: func(name string) ([]byte, error) {
			if name != "m.wasm" && name != block.Raw(module).CID.String() {
				return nil, fs.ErrNotExist
			}
			return module, nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	keep := &store.Memory{}
	e, err := executor.New(executor.Config{Signer: f.key, Runner: engine, Engine: "native", Blocks: keep, Records: keep, Memo: keep, Recorder: rec, Secrets: f.secrets})
	if err != nil {
		t.Fatal(err)
	}
	if f.run, err = e.Run(t.Context(), f.w); err != nil {
		t.Fatal(err)
	}
	return f
}

func key(t testing.TB, seed byte) *capability.Key {
	t.Helper()
	k, err := capability.KeyFromSeed(bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (f *fixture) verify(t testing.TB, b *receipts.Bundle, mode verifier.Mode, edit func(*verifier.Config)) *verifier.Report {
	t.Helper()
	cfg := verifier.Config{Mode: mode, Runner: f.engine, Now: time.Now}
	if edit != nil {
		edit(&cfg)
	}
	r, err := verifier.Verify(t.Context(), b, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func show(r *verifier.Report) string {
	parts := []string{string(r.Outcome)}
	for _, v := range r.Verdicts {
		parts = append(parts, fmt.Sprintf("%s:%s:%s", v.Task, v.Mode, v.Outcome))
	}
	return strings.Join(parts, " ")
}

func TestModes(t *testing.T) {
	f := setUp(t)
	tests := []struct {
		mode verifier.Mode
		edit func(*verifier.Config)
		want string
	}{
		{verifier.Attest, nil, "valid a:attest:valid b:attest:valid d:attest:valid f:attest:valid c:attest:valid e:attest:valid"},
		{verifier.Rerun, nil, "valid a:rerun:valid b:rerun:valid d:rerun:valid f:rerun:valid c:rerun:valid e:attest:valid"},
		{verifier.Rerun, func(c *verifier.Config) { c.Tasks = []string{"d"} }, "valid d:rerun:valid"},
		{verifier.Attest, func(c *verifier.Config) { c.Executor = f.key.DID(); c.Tasks = []string{"a"} }, "valid a:attest:valid"},
		{verifier.Attest, func(c *verifier.Config) { c.Executor = key(t, 6).DID() }, "invalid :attest:invalid"},
		{verifier.Spot, func(c *verifier.Config) { c.Tasks = []string{"a"} }, "undecided a:spot:undecided"},
		{verifier.ZK, func(c *verifier.Config) { c.Tasks = []string{"a"} }, "undecided a:zk:undecided"},
		{verifier.All, func(c *verifier.Config) { c.Tasks = []string{"a"} }, "valid a:attest:valid a:rerun:valid"},
		{verifier.All, func(c *verifier.Config) { c.Tasks = []string{"e"} }, "undecided e:attest:valid"},
		{verifier.All, func(c *verifier.Config) { c.Tasks = []string{"e"}; c.Executor = f.key.DID() }, "valid e:attest:valid"},
	}
	for _, tt := range tests {
		t.Run(string(tt.mode), func(t *testing.T) {
			r := f.verify(t, f.run.Bundle, tt.mode, tt.edit)
			// Tasks of one depth come in the order of their computations' blocks; compare as sets.
			got, want := strings.Fields(show(r)), strings.Fields(tt.want)
			if len(got) != len(want) || got[0] != want[0] {
				t.Fatalf("got %v, want %v", got, want)
			}
			for _, w := range want {
				if !strings.Contains(" "+strings.Join(got, " ")+" ", " "+w+" ") {
					t.Errorf("%s is not in %v", w, got)
				}
			}
			for _, v := range r.Verdicts {
				if v.Soundness == "" || v.Outcome != verifier.Valid && v.Reason == "" {
					t.Errorf("a verdict without soundness or reason: %+v", v)
				}
				if v.Cost.Wall <= 0 || v.Task != "" && v.Cost.Bytes <= 0 {
					t.Errorf("a check that cost nothing: %+v", v)
				}
			}
		})
	}
	if _, err := verifier.Verify(t.Context(), f.run.Bundle, verifier.Config{Mode: verifier.Rerun, Runner: f.engine, Now: time.Now, Tasks: []string{"z"}}); !errors.Is(err, verifier.ErrNoTask) {
		t.Errorf("an unknown task was verified: %v", err)
	}
}

// forge signs other claims with the executor's own key: a liar whose signatures are good.
func (f *fixture) forge(t testing.TB, label string, signer *capability.Key, edit func(*receipts.Claim)) *receipts.Bundle {
	t.Helper()
	return f.replace(t, label, func(r *receipts.Receipt) block.Block {
		c := r.Claim
		edit(&c)
		b, err := receipts.Issue(signer, c, r.Meta)
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
}

// replace is the run with another block in the place of a task's receipt, under a new receipt of the run.
func (f *fixture) replace(t testing.TB, label string, other func(*receipts.Receipt) block.Block) *receipts.Bundle {
	t.Helper()
	blocks := maps.Clone(f.run.Bundle.Blocks)
	claim := f.run.Receipt.Claim
	links := &receipts.Labelled{Values: make(map[string]datamodel.Link)}
	for _, res := range f.run.Results {
		id := res.Receipt.CID
		if res.Task.Label == label {
			b := other(res.Receipt)
			blocks[b.CID] = b.Data
			id = b.CID
		}
		links.Keys = append(links.Keys, res.Task.Label)
		links.Values[res.Task.Label] = receipts.Link(id)
	}
	claim.Run.Receipts = links
	b, err := receipts.Issue(f.key, claim, nil)
	if err != nil {
		t.Fatal(err)
	}
	blocks[b.CID] = b.Data
	out, err := receipts.NewBundle(receipts.Record{Workflow: f.run.Bundle.Record.Workflow, Receipt: receipts.Link(b.CID)}, blocks)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// newer is a receipt that says the same under a version of the future, well signed.
func (f *fixture) newer(t testing.TB, r *receipts.Receipt) block.Block {
	t.Helper()
	b, ok := f.run.Bundle.Get(r.CID)
	if !ok {
		t.Fatal("the receipt is gone")
	}
	inv, err := capability.OpenInvocation(b.Data)
	if err != nil {
		t.Fatal(err)
	}
	args, err := block.Encode(inv.Args)
	if err != nil {
		t.Fatal(err)
	}
	if inv.Args, err = block.Decode(bytes.Replace(args, []byte(receipts.ReceiptVersion), []byte("receipt/2"), 1)); err != nil {
		t.Fatal(err)
	}
	token, err := inv.Seal(f.key)
	if err != nil {
		t.Fatal(err)
	}
	return block.Block{CID: block.Sum(cid.DagCBOR, token), Data: token}
}

func ptr[T any](v T) *T { return &v }

func TestLies(t *testing.T) {
	f := setUp(t)
	four := func(c *receipts.Claim) { var n datamodel.Node = basicnode.NewInt(4); c.Out = receipts.Out{Ok: &n} }
	other := block.Raw([]byte("other"))
	tests := []struct {
		name, label string
		edit        func(*receipts.Claim)
		mode        verifier.Mode
		reason      string
	}{
		{"another result", "a", four, verifier.Rerun, "its receipt says ok 4, running it again gives ok 3"},
		{"ok for a trap", "b", four, verifier.Rerun, "running it again gives trap(divide-by-zero)"},
		{"another trap", "b", func(c *receipts.Claim) { c.Out.Error = &receipts.Failure{Kind: "trap", Trap: ptr("unreachable")} }, verifier.Rerun, "trap(divide-by-zero)"},
		{"ok for a mismatch", "c", four, verifier.Rerun, "it is mismatch"},
		{"ok for a refusal", "f", four, verifier.Rerun, "it is refused"},
		{"a refusal for ok", "a", func(c *receipts.Claim) { c.Out = receipts.Out{Error: &receipts.Failure{Kind: "refused"}} }, verifier.Rerun, "running it again gives ok"},
		{"more fuel", "a", func(c *receipts.Claim) { *c.Run.Fuel++ }, verifier.Rerun, "fuel"},
		{"no fuel", "a", func(c *receipts.Claim) { c.Run.Fuel = nil }, verifier.Rerun, "its receipt says no fuel"},
		{"fuel of a mismatch", "c", func(c *receipts.Claim) { c.Run.Fuel = ptr(int64(1)) }, verifier.Rerun, "did not run"},
		{"no outputs", "a", func(c *receipts.Claim) { c.Run.Outputs = nil }, verifier.Rerun, "streams of output"},
		{"another output", "a", func(c *receipts.Claim) {
			c.Run.Outputs = &[]receipts.Region{{Stream: 0, Size: 8, Cid: ptr(receipts.Link(other.CID))}}
		}, verifier.Rerun, "another output stream"},
		{"swapped inputs", "a", func(c *receipts.Claim) {
			rs := append([]receipts.Region(nil), *c.Run.Inputs...)
			last := len(rs) - 1
			rs[last-1].Cid, rs[last].Cid = rs[last].Cid, rs[last-1].Cid
			c.Run.Inputs = &rs
		}, verifier.Rerun, "another input stream"},
		{"an input less", "a", func(c *receipts.Claim) { rs := (*c.Run.Inputs)[1:]; c.Run.Inputs = &rs }, verifier.Rerun, "streams of input"},
		{"another task", "a", func(c *receipts.Claim) { c.Ran = receipts.Link(f.w.Task("d").CID) }, verifier.Attest, "is about the task"},
		{"another computation", "a", func(c *receipts.Claim) { c.Run.Computation = receipts.Link(f.w.Task("d").Computation) }, verifier.Attest, "names the computation"},
		{"another module", "a", func(c *receipts.Claim) { c.Run.Module = ptr(receipts.Link(other.CID)) }, verifier.Attest, "names the module"},
		{"another profile", "a", func(c *receipts.Claim) { c.Run.Profile = ptr("tm/2") }, verifier.Attest, "names the profile"},
		{"a size", "a", func(c *receipts.Claim) {
			rs := append([]receipts.Region(nil), *c.Run.Outputs...)
			rs[0].Size++
			c.Run.Outputs = &rs
		}, verifier.Attest, "a size of"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			saved := *f.run.Results[0].Receipt.Claim.Run.Fuel
			b := f.forge(t, tt.label, f.key, func(c *receipts.Claim) {
				if c.Run.Fuel != nil {
					c.Run.Fuel = ptr(*c.Run.Fuel)
				}
				tt.edit(c)
			})
			if *f.run.Results[0].Receipt.Claim.Run.Fuel != saved {
				t.Fatal("the test changed the honest receipt")
			}
			r := f.verify(t, b, tt.mode, nil)
			if r.Outcome != verifier.Invalid || !strings.Contains(r.Reason, tt.reason) {
				t.Errorf("%s: %s (%s), want a reason with %q", tt.mode, r.Outcome, r.Reason, tt.reason)
			}
		})
	}
	t.Run("another signer", func(t *testing.T) {
		r := f.verify(t, f.forge(t, "a", key(t, 9), func(*receipts.Claim) {}), verifier.Attest, nil)
		if r.Outcome != verifier.Invalid || !strings.Contains(r.Reason, "is signed by") {
			t.Errorf("%s: %s", r.Outcome, r.Reason)
		}
	})
	t.Run("an unknown version", func(t *testing.T) {
		b := f.replace(t, "a", func(r *receipts.Receipt) block.Block { return f.newer(t, r) })
		for _, mode := range []verifier.Mode{verifier.Attest, verifier.Rerun, verifier.All} {
			if r := f.verify(t, b, mode, nil); r.Outcome != verifier.Invalid || !strings.Contains(r.Reason, `unknown version "receipt/2"`) {
				t.Errorf("%s: %s", r.Outcome, r.Reason)
			}
		}
	})
	t.Run("honest", func(t *testing.T) {
		if r := f.verify(t, f.forge(t, "none", f.key, nil), verifier.All, nil); r.Outcome != verifier.Valid {
			t.Errorf("%s: %s", r.Outcome, r.Reason)
		}
	})
}

// TestMissing leaves every block out in turn: what is not there is never called invalid, and re-running needs the module, the
// tasks and the receipts.
func TestMissing(t *testing.T) {
	f := setUp(t)
	needed := map[cid.Cid]bool{f.w.CID: true, f.run.Receipt.CID: true, block.Raw(arithmetic()).CID: true}
	for _, res := range f.run.Results {
		needed[res.Task.CID], needed[res.Receipt.CID] = true, true
	}
	for c := range f.run.Bundle.Blocks {
		if c.Equals(f.run.Bundle.Root) {
			continue // its content is the Record
		}
		b := &receipts.Bundle{Root: f.run.Bundle.Root, Record: f.run.Bundle.Record, Blocks: make(map[cid.Cid][]byte)}
		for k, v := range f.run.Bundle.Blocks {
			if !k.Equals(c) {
				b.Blocks[k] = v
			}
		}
		want := verifier.Valid
		if needed[c] {
			want = verifier.Undecided
		}
		if r := f.verify(t, b, verifier.Rerun, nil); r.Outcome != want {
			t.Errorf("without %s: %s (%s), want %s", c, r.Outcome, r.Reason, want)
		}
	}
}

func ExampleVerify() {
	b, err := receipts.ReadBundle(strings.NewReader("not a bundle"), block.CARLimits{})
	if err != nil {
		fmt.Println("unreadable")
		return
	}
	report, err := verifier.Verify(context.Background(), b, verifier.Config{Mode: verifier.Attest, Now: time.Now})
	fmt.Println(report.Outcome, err)
	// Output: unreadable
}
