package evidence_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/console/evidence"
	"github.com/trilemma-dev/trilemma/internal/forge"
	"github.com/trilemma-dev/trilemma/internal/programtest"
	"github.com/trilemma-dev/trilemma/receipts"
)

// made is a bundle of two tasks with transcripts, and the key that signed it.
type made struct {
	data []byte
	key  *capability.Key
}

func bundle(t *testing.T) made {
	t.Helper()
	p, dir := programtest.New(t), t.TempDir()
	doc, err := json.Marshal(map[string]any{"trilemma": "workflow/1", "tasks": map[string]any{
		"a": run("fib", 26), "b": run("fib_loop", map[string]string{"await/ok": "a"}),
	}})
	must(t, err)
	module, err := os.ReadFile("../../guests/wasm/fib.wasm")
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "fib.wasm"), module, 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "w.json"), doc, 0o644))
	out := filepath.Join(dir, "out.car")
	if r := p.Run(t, "", "run", filepath.Join(dir, "w.json"), "--transcript", "-o", out); r.Status != 0 {
		t.Fatal(r.Stderr)
	}
	data, err := os.ReadFile(out)
	must(t, err)
	key, err := capability.LoadKey(filepath.Join(p.Home(), "key"))
	must(t, err)
	return made{data, key}
}

func run(fun string, param any) map[string]any {
	return map[string]any{"run": map[string]any{"mod": "fib.wasm", "fun": fun, "params": []any{param}}}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, data []byte) *evidence.File {
	t.Helper()
	f, err := evidence.Read(data)
	must(t, err)
	return f
}

// lie is the bundle with the claim of task a changed, and signed as it should be.
func (m made) lie(t *testing.T, change func(*receipts.Bundle, *receipts.Claim) error) []byte {
	t.Helper()
	data, err := forge.Claim(m.data, m.key, "a", change)
	must(t, err)
	return data
}

func outcome(t *testing.T, f *evidence.File, ask evidence.Ask) string {
	t.Helper()
	rep, err := f.Verify(t.Context(), ask, nil)
	must(t, err)
	return rep.Outcome
}

// TestFile checks what is said of an honest bundle and of forged ones, in every mode that needs no proof.
func TestFile(t *testing.T) {
	m := bundle(t)
	f := read(t, m.data)
	if f.Kind != evidence.KindBundle || f.Run == nil || f.Workflow == nil || len(f.Workflow.Tasks) != 2 || f.Run.Outcome != "ok" || f.Note != "" {
		t.Fatalf("%+v", f.Summary)
	}
	data, err := f.Block(f.Run.Tasks["a"].Receipt)
	if err != nil || len(data) == 0 {
		t.Errorf("a receipt's block: %d bytes, %v", len(data), err)
	}
	if _, err := f.Block(block.Raw([]byte("not there")).CID.String()); err == nil {
		t.Error("a block that is not there was found")
	}
	bent := m.lie(t, forge.Flip)
	costly := m.lie(t, forge.Costlier)
	stranger, err := capability.KeyFromSeed(make([]byte, 32))
	must(t, err)
	all := int64(*f.Run.Tasks["a"].Segments + *f.Run.Tasks["b"].Segments)
	for _, c := range []struct {
		name string
		data []byte
		ask  evidence.Ask
		want string
	}{
		{"attested", m.data, evidence.Ask{Mode: "attest"}, "valid"},
		{"attested by whom one expects", m.data, evidence.Ask{Mode: "attest", Executor: m.key.DID()}, "valid"},
		{"attested by somebody else", m.data, evidence.Ask{Mode: "attest", Executor: stranger.DID()}, "invalid"},
		{"run again", m.data, evidence.Ask{Mode: "rerun"}, "valid"},
		{"drawn", m.data, evidence.Ask{Mode: "spot", Samples: 2}, "valid"},
		{"no openings, and none to be made", m.data, evidence.Ask{Mode: "spot"}, "undecided"},
		{"no proof", m.data, evidence.Ask{Mode: "zk"}, "undecided"},
		{"other fuel, attested", costly, evidence.Ask{Mode: "attest"}, "valid"},
		{"other fuel", costly, evidence.Ask{Mode: "rerun"}, "invalid"},
		{"a bent transcript", bent, evidence.Ask{Mode: "rerun"}, "invalid"},
		{"a bent transcript, drawn whole", bent, evidence.Ask{Mode: "spot", Samples: all}, "invalid"},
		{"the other task of it", bent, evidence.Ask{Mode: "rerun", Tasks: []string{"b"}}, "valid"},
	} {
		if got := outcome(t, read(t, c.data), c.ask); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if _, err := f.Verify(t.Context(), evidence.Ask{Mode: "faith"}, nil); err == nil {
		t.Error("a mode that does not exist was accepted")
	}

	for i, want := range []string{"valid", "invalid", "invalid"} { // the state after the second segment is wrong: the next does not begin in it either
		s, err := read(t, bent).Segment(t.Context(), "a", uint64(i))
		if err != nil || s.Outcome != want || s.Opening == 0 {
			t.Errorf("segment %d of a bent transcript: %+v, %v; want %s", i, s, err, want)
		}
		if s, err := f.Segment(t.Context(), "a", uint64(i)); err != nil || s.Outcome != "valid" {
			t.Errorf("segment %d: %+v, %v", i, s, err)
		}
	}
	for task, n := range map[string]uint64{"a": 1 << 40, "c": 0} {
		if s, err := f.Segment(t.Context(), task, n); err == nil {
			t.Errorf("segment %d of %s: %+v", n, task, s)
		}
	}

	found, err := evidence.Settle(t.Context(), read(t, bent), f)
	must(t, err)
	if len(found) != 2 || found[0].State != "settled" || found[0].Wrong[0].Side != "A" || *found[0].Wrong[0].Segment != 1 || found[1].State != "agreed" {
		t.Errorf("settled: %+v", found)
	}
}

// TestDamaged checks that a damaged bundle is a verdict, and what is none at all an error.
func TestDamaged(t *testing.T) {
	m := bundle(t)
	for _, at := range []int{len(m.data) / 2, len(m.data) - 1} {
		data := bytes.Clone(m.data)
		data[at] ^= 1
		f := read(t, data)
		if f.Kind != evidence.KindDamaged || f.Note == "" {
			t.Errorf("a bit at %d: %+v", at, f.Summary)
		}
		if got := outcome(t, f, evidence.Ask{Mode: "rerun"}); got != "invalid" {
			t.Errorf("a bit at %d: %s", at, got)
		}
		if _, err := f.Segment(t.Context(), "a", 0); err == nil {
			t.Errorf("a bit at %d: a segment was checked", at)
		}
		if _, err := evidence.Settle(t.Context(), f, read(t, m.data)); err == nil {
			t.Errorf("a bit at %d: it was settled", at)
		}
	}
	for _, data := range [][]byte{nil, []byte("{}"), []byte("\x00asm\x01\x00\x00\x00"), bytes.Repeat([]byte{0xff}, 1000)} {
		if f, err := evidence.Read(data); err == nil {
			t.Errorf("%.20q is a %s", data, f.Kind)
		}
	}
}

// TestTokens checks that a delegation is put into words, and that a bit that was changed is noticed.
func TestTokens(t *testing.T) {
	p := programtest.New(t)
	stranger, err := capability.KeyFromSeed(make([]byte, 32))
	must(t, err)
	r := p.Run(t, "", "delegate", "--to", stranger.DID(), "--cmd", "/wasm/run", "--policy", `["<=", ".fuel", 1000000]`, "--expires", "24h", "-o", "-")
	if r.Status != 0 {
		t.Fatal(r.Stderr)
	}
	text := strings.TrimSpace(r.Stdout)
	found, err := evidence.Tokens(t.Context(), []byte(text))
	must(t, err)
	if len(found) != 1 || found[0].Refused != "" || found[0].Kind != capability.KindDelegation || !strings.Contains(found[0].Says, stranger.DID()) || !strings.Contains(found[0].Says, "/wasm/run") {
		t.Errorf("%+v", found)
	}
	bent := []byte(text)
	if bent[200]++; bent[200] == 'z'+1 || bent[200] == 'Z'+1 || bent[200] == '9'+1 {
		bent[200] -= 2
	}
	if found, err := evidence.Tokens(t.Context(), bent); err == nil && (len(found) != 1 || found[0].Refused == "") {
		t.Errorf("a bent token: %+v", found)
	}
	if found, err := evidence.Tokens(t.Context(), []byte("no token")); err == nil {
		t.Errorf("no token: %+v", found)
	}
}
