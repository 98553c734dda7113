package workflow_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"
	"pgregory.net/rapid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/workflow"
)

var files = map[string]string{"m.wasm": "module bytes", "small": "few bytes", "large": strings.Repeat("x", workflow.MaxInline+1)}

func config() workflow.Config {
	return workflow.Config{Sub: "did:key:z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX", Profile: "tm/1", Fuel: 100, Memory: 16, Output: 1000,
		ReadFile: func(name string) ([]byte, error) {
			s, ok := files[name]
			if !ok {
				return nil, fs.ErrNotExist
			}
			return []byte(s), nil
		}}
}

func compile(name, text string) (*workflow.Workflow, error) {
	d, err := workflow.Parse(name, []byte(text))
	if err != nil {
		return nil, err
	}
	return workflow.Compile(d, config())
}

const pipeline = `{
  "trilemma": "workflow/1",
  "defaults": { "fuel": 5000 },
  "tasks": {
    "tell": { "effect": { "cmd": "/file/write", "args": { "name": "out", "content": {"await/ok": "grey"} } } },
    "grey": { "run": { "mod": "m.wasm", "fun": "grey", "params": [ {"await/ok": "blur"}, {"file": "large"} ], "result": "bytes" }, "fuel": 7000 },
    "blur": { "run": { "mod": "m.wasm", "fun": "blur", "params": [ {"file": "small"}, 3, -1.5, "text", null, true, {"bytes": "AAE="} ] } },
    "cmd":  { "run": { "mod": "m.wasm", "params": { "args": ["a", "b"], "env": {"K": "V"}, "stdin": {"await/*": "blur"} } } }
  }
}`

const pipelineYAML = `
trilemma: workflow/1
defaults: {fuel: 5000}
tasks:
  tell:
    effect: {cmd: /file/write, args: {name: out, content: {await/ok: grey}}}
  grey:
    run: {mod: m.wasm, fun: grey, params: [{await/ok: blur}, {file: large}], result: bytes}
    fuel: 7000
  blur:
    run:
      mod: m.wasm
      fun: blur
      params: [{file: small}, 3, -1.5, text, null, true, !!binary AAE=]
  cmd:
    run: {mod: m.wasm, params: {args: [a, b], env: {K: V}, stdin: {"await/*": blur}}}
`

func ExampleParse() {
	_, err := workflow.Parse("w.json", []byte(`{
  "trilemma": "workflow/1",
  "tasks": { "a": { "run": { "mod": "m.wasm", "fun": "f", "parms": [1] } } }
}`))
	fmt.Println(err)
	// Output: w.json:3:59: tasks.a.run: unknown field "parms"; did you mean "params"?
}

func TestCompile(t *testing.T) {
	w, err := compile("w.json", pipeline)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, task := range w.Tasks {
		order = append(order, task.Label)
	}
	if got := strings.Join(order, " "); got != "blur grey cmd tell" {
		t.Errorf("order %q", got)
	}
	grey, blur := w.Task("grey"), w.Task("blur")
	if grey.Fuel != 7000 || blur.Fuel != 5000 || blur.Memory != 16 || !w.Task("tell").Effect() || blur.Effect() {
		t.Errorf("limits %+v %+v", grey.Call, blur.Call)
	}
	first, err := grey.Params.LookupByIndex(0)
	if err != nil {
		t.Fatal(err)
	}
	if branch, comp, ok := workflow.PromiseOf(first); !ok || branch != "ok" || !comp.Equals(blur.Computation) {
		t.Errorf("promise %s %s %v, want the computation %s", branch, comp, ok, blur.Computation)
	}
	// The workflow, four tasks, the module and two files.
	if len(w.Blocks) != 8 {
		t.Errorf("%d blocks", len(w.Blocks))
	}
	for c, data := range w.Blocks {
		if err := block.Check(c, data); err != nil {
			t.Error(err)
		}
	}
	y, err := compile("w.yaml", pipelineYAML)
	if err != nil {
		t.Fatal(err)
	}
	if !y.CID.Equals(w.CID) {
		t.Errorf("JSON gives %s, YAML %s", w.CID, y.CID)
	}
}

// TestComputation checks what the computation's CID depends on: neither on the executor nor on labels or checks.
func TestComputation(t *testing.T) {
	one := func(cfg workflow.Config, text string) *workflow.Task {
		d, err := workflow.Parse("w.json", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		w, err := workflow.Compile(d, cfg)
		if err != nil {
			t.Fatal(err)
		}
		return w.Tasks[0]
	}
	const text = `{"trilemma": "workflow/1", "tasks": {"a": {"run": {"mod": "m.wasm", "fun": "f", "params": [1]}}}}`
	base := one(config(), text)
	other := config()
	other.Sub = "did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv"
	if x := one(other, text); !x.Computation.Equals(base.Computation) || x.CID.Equals(base.CID) {
		t.Errorf("another executor: %s %s, %s %s", x.Computation, base.Computation, x.CID, base.CID)
	}
	for what, edit := range map[string][2]string{"label": {`"a"`, `"b"`}, "check": {`"run":`, `"check": "attest", "run":`}} {
		if x := one(config(), strings.Replace(text, edit[0], edit[1], 1)); !x.CID.Equals(base.CID) {
			t.Errorf("another %s changes the task", what)
		}
	}
	for what, edit := range map[string][2]string{"param": {"[1]", "[2]"}, "function": {`"f"`, `"g"`}, "fuel": {`"run":`, `"fuel": 9, "run":`},
		"nonce": {`"run":`, `"nonce": "n", "run":`}, "result": {`"fun":`, `"result": "bytes", "fun":`}, "seed": {`"run":`, `"seed": 9, "run":`}} {
		if x := one(config(), strings.Replace(text, edit[0], edit[1], 1)); x.Computation.Equals(base.Computation) {
			t.Errorf("another %s does not change the computation", what)
		}
	}
}

func TestErrors(t *testing.T) {
	task := func(s string) string { return "{\"trilemma\": \"workflow/1\", \"tasks\": {\n" + s + "\n}}" }
	tests := []struct{ name, text, want string }{
		{"empty", "", `w.json:1:1: a value is expected, found the end of the file`},
		{"cut", `{"trilemma": "workflow/1"`, `w.json:1:26: ',' or '}' is expected, found the end of the file`},
		{"key twice", `{"trilemma": 1, "trilemma": 2}`, `w.json:1:17: the key "trilemma" comes twice`},
		{"no version", `{"tasks": {}}`, `w.json:1:1: the field "trilemma": "workflow/1" is missing`},
		{"other version", `{"trilemma": "workflow/9"}`, `w.json:1:14: trilemma: unknown version, this program knows "workflow/1"`},
		{"no tasks", task(""), `w.json:1:37: tasks: a map of 1 to 100000 tasks by label is expected`},
		{"unknown field", task(`"a": {"rum": {}}`), `w.json:2:7: tasks.a: unknown field "rum"; did you mean "run"?`},
		{"unknown label", task(`"alpha": {"run": {"mod": "m.wasm", "fun": "f", "params": [{"await/ok": "alpa"}]}}`),
			`w.json:2:72: tasks.alpha.run.params[0].await/ok: there is no task "alpa"; did you mean "alpha"?`},
		{"unknown branch", task(`"a": {"run": {"mod": "m.wasm", "fun": "f", "params": [{"await/okay": "a"}]}}`), `did you mean "await/ok"?`},
		{"self", task(`"a": {"run": {"mod": "m.wasm", "fun": "f", "params": [{"await/ok": "a"}]}}`), `cycle: a → a`},
		{"cycle", task(`"a": {"run": {"mod": "m.wasm", "fun": "f", "params": [{"await/ok": "b"}]}},
"b": {"run": {"mod": "m.wasm", "fun": "f", "params": [{"await/ok": "c"}]}},
"c": {"run": {"mod": "m.wasm", "fun": "f", "params": [{"await/error": "a"}]}}`), `cycle: a → b → c → a`},
		{"pure after effect", task(`"e": {"effect": {"cmd": "/x", "args": {}}}, "a": {"run": {"mod": "m.wasm", "fun": "f", "params": [{"await/ok": "e"}]}}`),
			`nothing pure may depend on an effect`},
		{"missing file", task(`"a": {"run": {"mod": "n.wasm", "fun": "f"}}`), `w.json:2:22: tasks.a.run.mod: the file "n.wasm" does not exist`},
		{"missing input", task(`"a": {"run": {"mod": "m.wasm", "fun": "f", "params": [{"file": "no"}]}}`), `tasks.a.run.params[0].file: the file "no" does not exist`},
		{"wrong type", task(`"a": {"run": {"mod": 7, "fun": "f"}}`), `tasks.a.run.mod: a string is expected, found an integer`},
		{"negative fuel", task(`"a": {"run": {"mod": "m.wasm", "fun": "f"}, "fuel": -1}`), `tasks.a.fuel: an integer from 1 to`},
		{"integer of 65 bits", task(`"a": {"run": {"mod": "m.wasm", "fun": "f", "params": [18446744073709551616]}}`), `has more than 64 bits`},
		{"label", task(`"a b": {"run": {"mod": "m.wasm", "fun": "f"}}`), `the label "a b" is not`},
		{"both", task(`"a": {"run": {"mod": "m.wasm"}, "effect": {"cmd": "/x", "args": {}}}`), `either "run" or "effect"`},
		{"check", task(`"a": {"run": {"mod": "m.wasm"}, "check": "rerum"}`), `unknown check "rerum"; did you mean "rerun"?`},
		{"missing branch of none", task(`"a": {"run": {"mod": "m.wasm", "fun": "f", "params": [{}]}}`), `exactly one of the fields file, bytes, value, /, await/ok`},
		{"default", `{"trilemma": "workflow/1", "defaults": {"fule": 1}, "tasks": {"a": {"run": {"mod": "m.wasm", "fun": "f"}}}}`, `w.json:1:41: defaults: unknown field "fule"; did you mean "fuel"?`},
		{"huge number", task(`"a": {"run": {"mod": "m.wasm", "fun": "f", "params": [1e999]}}`), `w.json:2:60: the number "1e999" does not fit 64 bits`},
		{"deep", task(`"a": ` + strings.Repeat("[", 100) + strings.Repeat("]", 100)), `nested deeper than 64`},
		{"cycle of three, by CRLF", strings.ReplaceAll(task(`"a": {"run": {"mod": "m.wasm", "fun": "f", "params": [{"await/ok": "a"}]}}`), "\n", "\r\n"), `w.json:2:6: tasks.a: the tasks await each other in a cycle: a → a`},
		{"number of confirmations", task(`"a": {"run": {"mod": "m.wasm", "fun": "f"}, "check": {"optimistic": {"confirmations": 0}}}`), `tasks.a.check.optimistic.confirmations: an integer from 1 to 1000 is expected`},
		{"params of a command", task(`"a": {"run": {"mod": "m.wasm", "params": {"argv": []}}}`), `unknown field "argv"; did you mean "args"?`},
		{"surrogate", task(`"a": {"run": {"mod": "\ud800", "fun": "f"}}`), `half of a surrogate pair`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := compile("w.json", tt.text)
			var es workflow.Errors
			if !errors.As(err, &es) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got\n  %v\nwant\n  %s", err, tt.want)
			}
		})
	}
	for name, text := range map[string]string{
		"alias": "trilemma: &v workflow/1\ntasks: *v", "two documents": "a: 1\n---\nb: 2", "key twice": "a: 1\na: 2",
		"tag": "a: !x 1", "merge": "a: {<<: {b: 1}}", "deep": strings.Repeat("[", 100) + strings.Repeat("]", 100),
	} {
		if _, err := compile("w.yaml", text); err == nil {
			t.Errorf("YAML with %s was accepted", name)
		} else if !strings.HasPrefix(err.Error(), "w.yaml:") {
			t.Errorf("%s: no place in %v", name, err)
		}
	}
}

// TestBombs gives documents that are small and mean much memory.
func TestBombs(t *testing.T) {
	zeros := "[" + strings.Repeat("0,", 3_000_000) + "0]"
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 30; i++ {
		fmt.Fprintf(&bomb, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), ", "))
	}
	many, err := qp.BuildList(basicnode.Prototype.Any, 3_000_000, func(la datamodel.ListAssembler) {
		for range 3_000_000 {
			qp.ListEntry(la, qp.Bool(true))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	cbor, err := block.Encode(many)
	if err != nil {
		t.Fatal(err)
	}
	for name, form := range map[string][3]string{
		"many values":           {"w.json", zeros, "w.json:1:4000000: more than 2000000 values"},
		"many values, YAML":     {"w.yaml", zeros, "w.yaml:1:1: the document has 6000003 bytes, the limit for YAML is 4194304"},
		"many values, DAG-CBOR": {"w.cbor", string(cbor), "w.cbor: more than 2000000 values"},
		"aliases of aliases":    {"w.yaml", bomb.String(), "anchors and aliases are not allowed"},
		"too large":             {"w.json", strings.Repeat(" ", workflow.MaxDocument+1), "the limit is 16777216"},
		"brackets":              {"w.json", strings.Repeat("[", 1_000_000), "nested deeper than 64"},
		"brackets, YAML":        {"w.yaml", strings.Repeat("[", 1_000_000), "w.yaml:"},
		"a long number":         {"w.json", strings.Repeat("9", 1_000_000), `malformed number "9999999999999999999999999999999999999999"`},
	} {
		start := time.Now()
		if _, err := workflow.Parse(form[0], []byte(form[1])); err == nil || !strings.Contains(err.Error(), form[2]) {
			t.Errorf("%s: %.200v, want %s", name, err, form[2])
		}
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("%s took %v", name, d)
		}
	}
}

// TestForms writes one document in several ways that mean the same.
func TestForms(t *testing.T) {
	want, err := compile("w.json", pipeline)
	if err != nil {
		t.Fatal(err)
	}
	for what, form := range map[string][2]string{
		"byte order mark":         {"w.json", "\ufeff" + pipeline},
		"CRLF":                    {"w.json", strings.ReplaceAll(pipeline, "\n", "\r\n")},
		"YAML, byte order mark":   {"w.yml", "\ufeff" + pipelineYAML},
		"YAML, CRLF":              {"w.YAML", strings.ReplaceAll(pipelineYAML, "\n", "\r\n")},
		"JSON is YAML":            {"w.yaml", pipeline},
		"a directive, a document": {"w.yaml", "%YAML 1.1\n---" + pipelineYAML + "...\n"},
	} {
		if w, err := compile(form[0], form[1]); err != nil || !w.CID.Equals(want.CID) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestChecks carries every word about checking through a workflow's block.
func TestChecks(t *testing.T) {
	const referee = "did:key:z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX"
	for word, want := range map[string]workflow.Check{
		`"attest"`: {Mode: workflow.CheckAttest}, `"attestation"`: {Mode: workflow.CheckAttest}, `"rerun"`: {Mode: workflow.CheckRerun},
		`"spot"`: {Mode: workflow.CheckSpot}, `"dispute"`: {Mode: workflow.CheckDispute}, `"zk"`: {Mode: workflow.CheckZK}, `"zkp"`: {Mode: workflow.CheckZK},
		`{"optimistic": {"confirmations": 3, "referee": "` + referee + `"}}`: {Mode: workflow.CheckOptimistic, Confirmations: 3, Referee: referee},
		`{"optimistic": {"confirmations": 3}}`:                               {Mode: workflow.CheckOptimistic, Confirmations: 3},
		`{"consensus": ["` + referee + `"]}`:                                 {Mode: workflow.CheckConsensus, Executors: []string{referee}},
	} {
		for place, text := range map[string]string{
			"task":     `{"trilemma": "workflow/1", "tasks": {"a": {"check": ` + word + `, "run": {"mod": "m.wasm", "fun": "f"}}}}`,
			"defaults": `{"trilemma": "workflow/1", "defaults": {"check": ` + word + `}, "tasks": {"a": {"run": {"mod": "m.wasm", "fun": "f"}}}}`,
		} {
			w, err := compile("w.json", text)
			if err != nil {
				t.Errorf("%s in %s: %v", word, place, err)
				continue
			}
			r, err := workflow.Read(w.CID, getter(w.Blocks))
			if err != nil {
				t.Errorf("%s in %s: %v", word, place, err)
				continue
			}
			if diff := cmp.Diff(want, r.Tasks[0].Check); diff != "" {
				t.Errorf("%s in %s: %s", word, place, diff)
			}
		}
	}
}

// TestNotCanonical refuses linked content that no bundle could hold, before anything runs.
func TestNotCanonical(t *testing.T) {
	data := []byte("\xa2\x61b\x01\x61a\x02") // keys out of order
	c := block.Sum(cid.DagCBOR, data)
	d, err := workflow.Parse("w.json", []byte(`{"trilemma": "workflow/1", "tasks": {"a": {"run": {"mod": "m.wasm", "fun": "f", "params": [{"/": "`+c.String()+`"}]}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	cfg := config()
	cfg.ReadBlock = func(cid.Cid) (block.Block, error) { return block.Block{CID: c, Data: data}, nil }
	if _, err := workflow.Compile(d, cfg); err == nil || !strings.Contains(err.Error(), "params[0]./") {
		t.Errorf("content that is not canonical: %v", err)
	}
}

// TestOrder draws random graphs: every task comes after what it awaits.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "tasks")
		perm := rapid.Permutation(make([]int, n)).Draw(t, "perm")
		var text []string
		for i := range perm {
			var params []string
			for j := range i {
				if rapid.IntRange(0, 4).Draw(t, "edge") == 0 {
					params = append(params, fmt.Sprintf(`{"await/ok": "t%d"}`, j))
				}
			}
			text = append(text, fmt.Sprintf(`"t%d": {"run": {"mod": "m.wasm", "fun": "f", "params": [%s]}}`, i, strings.Join(params, ",")))
		}
		text = rapid.Permutation(text).Draw(t, "order")
		w, err := compile("w.json", `{"trilemma": "workflow/1", "tasks": {`+strings.Join(text, ",")+`}}`)
		if err != nil {
			t.Fatal(err)
		}
		done := make(map[string]bool)
		for _, task := range w.Tasks {
			for _, a := range task.Awaits {
				if !done[a.Label] {
					t.Fatalf("%s stands before %s", task.Label, a.Label)
				}
			}
			done[task.Label] = true
		}
		if len(done) != n {
			t.Fatalf("%d tasks of %d", len(done), n)
		}
	})
}

func TestLongChain(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"trilemma": "workflow/1", "tasks": {"t0": {"run": {"mod": "m.wasm", "fun": "f"}}`)
	for i := 1; i < 20_000; i++ {
		fmt.Fprintf(&b, `,"t%d": {"run": {"mod": "m.wasm", "fun": "f", "params": [{"await/ok": "t%d"}]}}`, i, i-1)
	}
	b.WriteString("}}")
	w, err := compile("w.json", b.String())
	if err != nil || len(w.Tasks) != 20_000 {
		t.Fatal(err)
	}
}

func FuzzParse(f *testing.F) {
	names := []string{"w.json", "w.yaml", "w.cbor"}
	f.Add([]byte(pipeline), byte(0))
	f.Add([]byte(pipelineYAML), byte(1))
	f.Add([]byte(secretJSON), byte(0))
	text, _ := chain(f)
	f.Add([]byte(text), byte(0))
	ipvm, _ := compileIPVM(f)
	f.Add(ipvm.Blocks[ipvm.Source], byte(2))
	f.Fuzz(func(t *testing.T, data []byte, form byte) {
		name := names[int(form)%len(names)]
		d, err := workflow.Parse(name, data)
		if err != nil {
			return
		}
		cfg := config()
		cfg.ReadFile = func(string) ([]byte, error) { return []byte("x"), nil }
		cfg.ReadBlock = func(c cid.Cid) (block.Block, error) { return block.Block{CID: c, Data: []byte{0xf6}}, nil } // null
		cfg.Seal = (&sealing{}).seal
		w, err := workflow.Compile(d, cfg)
		if err != nil {
			var es workflow.Errors
			if !errors.As(err, &es) {
				t.Fatalf("an error without a place: %v", err)
			}
			return
		}
		if r, err := workflow.Read(w.CID, getter(w.Blocks)); err != nil || !r.CID.Equals(w.CID) || len(r.Tasks) != len(w.Tasks) {
			t.Fatalf("what was compiled cannot be read back: %v", err)
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	var s strings.Builder
	s.WriteString(`{"trilemma": "workflow/1", "tasks": {`)
	for i := range 1000 {
		fmt.Fprintf(&s, `%s"t%d": {"run": {"mod": "m.wasm", "fun": "f", "params": [%d]}}`, map[bool]string{true: ","}[i > 0], i, i)
	}
	s.WriteString("}}")
	for b.Loop() {
		if _, err := compile("w.json", s.String()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "µs/task")
}
