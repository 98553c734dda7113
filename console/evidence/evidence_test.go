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
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/verifier"
)

// made is a bundle of two tasks with transcripts, and the key that signed it.
type made struct {
	data []byte
	key  *capability.Key
}

func bundle(t *testing.T, p *programtest.Program) made {
	t.Helper()
	dir := t.TempDir()
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

// TestEvidence has what one program made checked in all ways.
func TestEvidence(t *testing.T) {
	p := programtest.New(t)
	m := bundle(t, p)
	t.Run("file", func(t *testing.T) { testFile(t, m) })
	t.Run("challenge", func(t *testing.T) { testChallenge(t, m) })
	t.Run("respond", func(t *testing.T) { testRespond(t, m) })
	t.Run("damaged", func(t *testing.T) { testDamaged(t, m) })
	t.Run("tokens", func(t *testing.T) { testTokens(t, p) })
}

// testFile checks what is said of an honest bundle and of forged ones, in every mode that needs no proof.
func testFile(t *testing.T, m made) {
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

	found, err := evidence.Settle(t.Context(), read(t, bent), f, 4)
	must(t, err)
	if len(found.Tasks) != 2 || found.Tasks[0].Outcome != "settled" || found.Tasks[0].Wrong[0].Side != "A" || *found.Tasks[0].Wrong[0].Segment != 1 || found.Tasks[1].Outcome != "agreed" {
		t.Errorf("settled: %+v", found)
	}
}

// testChallenge checks the messages of a spot-check: what is open is not drawn anew, an honest answer is accepted, and one to another challenge or about a bent
// transcript is not.
func testChallenge(t *testing.T, m made) {
	f := read(t, m.data)
	ch, err := f.Challenge(3, nil)
	must(t, err)
	if len(ch.Drawn) != 3 || ch.Again {
		t.Errorf("%+v", ch)
	}
	again, err := f.Challenge(5, ch.Block)
	if err != nil || again.Challenge.Challenge != ch.Challenge.Challenge || !again.Again || len(again.Drawn) != 3 {
		t.Errorf("an open challenge was drawn anew: %+v, %v", again, err)
	}
	other, err := f.Challenge(3, nil)
	if err != nil || other.Challenge.Challenge == ch.Challenge.Challenge {
		t.Errorf("two challenges have one nonce: %v", err)
	}
	all, err := f.Challenge(int64(segmentsOf(f)), nil)
	must(t, err)
	lie := m.lie(t, forge.Flip)
	bent := read(t, lie)
	every, err := bent.Challenge(int64(segmentsOf(f)), nil)
	must(t, err)
	for _, c := range []struct {
		name     string
		data     []byte
		f        *evidence.File
		ch       *evidence.Challenge
		answerTo *evidence.Challenge
		want     string
	}{
		{"an honest answer", m.data, f, ch, ch, "valid"},
		{"all segments", m.data, f, all, all, "valid"},
		{"an answer to another challenge", m.data, f, ch, other, "invalid"},
		{"a bent transcript", lie, bent, every, every, "invalid"},
	} {
		rep, err := c.f.Answered(t.Context(), c.ch.Block, answer(t, c.data, c.answerTo), nil)
		if err != nil || rep.Outcome != c.want {
			t.Errorf("%s: %+v, %v; want %s", c.name, rep, err, c.want)
		}
	}
	if rep, err := f.Answered(t.Context(), ch.Block, f, nil); err == nil {
		t.Errorf("a bundle was taken for an answer: %+v", rep)
	}
	alone := answer(t, m.data, ch)
	if alone.Kind != evidence.KindAnswer {
		t.Errorf("an answer is a %s", alone.Kind)
	}
	if rep, err := alone.Verify(t.Context(), evidence.Ask{Mode: "spot"}, nil); err == nil {
		t.Errorf("an answer alone was checked: %+v", rep)
	}
}

// testRespond checks that a side answers what it is asked, and nothing else.
func testRespond(t *testing.T, m made) {
	f := read(t, m.data)
	a := f.Run.Tasks["a"]
	receipt, err := block.Parse(a.Receipt)
	must(t, err)
	one := int64(1)
	ask := &spotcheck.Ask{Trilemma: spotcheck.AskVersion, Dispute: receipts.Link(receipt), Round: 1, Roots: []int64{0, 1, *a.Segments}, Opening: &one}
	b, err := ask.Block()
	must(t, err)
	data, err := f.Respond(t.Context(), a.Computation, b.Data)
	must(t, err)
	reply, err := spotcheck.ReadReply(data)
	if err != nil || len(reply.Roots) != 3 || reply.Opening == nil {
		t.Errorf("%+v, %v", reply, err)
	}
	for name, c := range map[string]struct {
		computation string
		ask         []byte
	}{"a computation that the bundle has not": {a.Receipt, b.Data}, "no question": {a.Computation, []byte("why?")}, "no CID": {"a", b.Data}} {
		if reply, err := f.Respond(t.Context(), c.computation, c.ask); err == nil {
			t.Errorf("%s: %d bytes", name, len(reply))
		}
	}
}

func segmentsOf(f *evidence.File) (n int64) {
	for _, t := range f.Run.Tasks {
		n += *t.Segments
	}
	return n
}

// answer is what the executor says to a challenge: that of the honest run, whatever the transcript says.
func answer(t *testing.T, bundle []byte, ch *evidence.Challenge) *evidence.File {
	t.Helper()
	b, err := receipts.ReadBundle(bytes.NewReader(bundle), block.CARLimits{})
	must(t, err)
	c, err := spotcheck.ReadChallenge(ch.Block)
	must(t, err)
	a, err := verifier.Answer(t.Context(), b, c, &machine.Engine{})
	must(t, err)
	var out bytes.Buffer
	must(t, a.Write(&out))
	return read(t, out.Bytes())
}

// testDamaged checks that a damaged bundle is a verdict, and what is none at all an error.
func testDamaged(t *testing.T, m made) {
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
		if _, err := evidence.Settle(t.Context(), f, read(t, m.data), 4); err == nil {
			t.Errorf("a bit at %d: it was settled", at)
		}
	}
	for _, data := range [][]byte{nil, []byte("{}"), []byte("\x00asm\x01\x00\x00\x00"), bytes.Repeat([]byte{0xff}, 1000)} {
		if f, err := evidence.Read(data); err == nil {
			t.Errorf("%.20q is a %s", data, f.Kind)
		}
	}
}

// testTokens checks that a delegation is put into words, and that a bit that was changed is noticed.
func testTokens(t *testing.T, p *programtest.Program) {
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
