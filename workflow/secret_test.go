package workflow_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/workflow"
)

// sealing compiles a document, and notes the streams that it commits to.
type sealing struct {
	streams [][]byte
}

func (s *sealing) seal(stream []byte) (hidden.Commitment, error) {
	s.streams = append(s.streams, bytes.Clone(stream))
	return hidden.Commit(stream, hidden.Salt{30: byte(len(s.streams))}), nil
}

func (s *sealing) compile(t *testing.T, name, text string) (*workflow.Workflow, *workflow.Document) {
	t.Helper()
	d, err := workflow.Parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	cfg := config()
	cfg.Seal = s.seal
	w, err := workflow.Compile(d, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w, d
}

const secretJSON = `{"trilemma": "workflow/1", "tasks": {
"a": {"run": {"mod": "m.wasm", "fun": "f", "params": [{"value": -2, "secret": true}, 7, {"bytes": "aHVudGVyLTI=", "secret": true}, {"value": "sécret", "secret": true}]}},
"b": {"run": {"mod": "m.wasm", "fun": "f", "params": [{"await/ok": "a"}]}},
"c": {"run": {"mod": "m.wasm", "fun": "f", "params": [{"await/ok": "b"}]}, "declassify": true},
"d": {"run": {"mod": "m.wasm", "fun": "f", "params": [{"await/ok": "c"}, {"await/error": "b"}]}},
"e": {"run": {"mod": "m.wasm", "fun": "f", "params": [true, {"file": "small"}, {"await/ok": "d"}]}, "secret": true},
"f": {"run": {"mod": "m.wasm", "params": {"stdin": {"await/*": "b"}}}},
"g": {"effect": {"cmd": "/x", "args": {"body": {"await/ok": "c"}}}}
}}`

// TestSecret: what is secret becomes commitments to its stream, what consumes it is secret too, and nothing of it is in a block or in the document that is left, which
// compiles to the same.
func TestSecret(t *testing.T) {
	var s sealing
	w, d := s.compile(t, "w.json", secretJSON)
	cat, err := config().ReadFile("small")
	if err != nil {
		t.Fatal(err)
	}
	want := [][]byte{{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, []byte("hunter-2"), []byte("sécret"), {1, 0, 0, 0, 0, 0, 0, 0}, cat}
	if d := cmp.Diff(want, s.streams); d != "" {
		t.Error(d)
	}
	secret, hides := "", ""
	for _, task := range w.Tasks {
		if task.Secret {
			secret += task.Label
		}
		if task.Hides() {
			hides += task.Label
		}
		if want := map[bool]workflow.CheckMode{true: workflow.CheckZK, false: workflow.CheckRerun}[task.Secret]; task.Check.Mode != want {
			t.Errorf("%s is to be checked by %s", task.Label, task.Check.Mode)
		}
	}
	if secret != "abcef" || hides != "abef" {
		t.Errorf("secret are %s, and hidden the results of %s", secret, hides)
	}
	left, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	traces := map[string][]byte{"the document": left}
	for c, data := range w.Blocks {
		traces[c.String()] = data
	}
	for where, data := range traces {
		for _, x := range [][]byte{want[1], want[2], cat} {
			for _, form := range [][]byte{x, []byte(hex.EncodeToString(x)), []byte(base64.StdEncoding.EncodeToString(x))} {
				if bytes.Contains(data, form) {
					t.Errorf("%q is in %s", form, where)
				}
			}
		}
	}
	if !d.Redacted() {
		t.Error("the document is not redacted")
	}
	again := sealing{}
	w2, _ := again.compile(t, "w.json", string(left))
	if !w2.CID.Equals(w.CID) || len(again.streams) > 0 {
		t.Errorf("the redacted document gives %s and seals %q, was %s", w2.CID, again.streams, w.CID)
	}
	read, err := workflow.Read(w.CID, getter(w.Blocks))
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range read.Tasks {
		if was := w.Task(task.Label); task.Secret != was.Secret || task.Hides() != was.Hides() {
			t.Errorf("%s is read as secret %v, with hidden result %v", task.Label, task.Secret, task.Hides())
		}
	}
}

// TestSecretYAML: the same in YAML, and public documents are left as they were.
func TestSecretYAML(t *testing.T) {
	var s sealing
	w, d := s.compile(t, "w.yaml", "trilemma: workflow/1\ntasks:\n  a: {run: {mod: m.wasm, fun: f, params: [{value: 18446744073709551615, secret: true}]}}\n")
	if label, ok := d.Secret(); !w.Task("a").Secret || label != "a" || !ok || !bytes.Equal(s.streams[0], bytes.Repeat([]byte{255}, 8)) {
		t.Errorf("%+v, %x", w.Tasks[0], s.streams)
	}
	plain := `{"trilemma": "workflow/1", "tasks": {"a": {"run": {"mod": "m.wasm", "fun": "f", "params": [1, "x"]}}}}`
	w1, d := s.compile(t, "w.json", plain)
	w2, _ := s.compile(t, "w.json", strings.Replace(plain, `[1, "x"]`, `[{"value": 1, "secret": false}, {"value": "x"}]`, 1))
	if _, ok := d.Secret(); ok || !w1.CID.Equals(w2.CID) || len(s.streams) != 1 {
		t.Errorf("a public document is secret: %v; %s, %s", ok, w1.CID, w2.CID)
	}
}

// TestSecretErrors: what cannot be secret, and what would show a secret, with its place and without the secret.
func TestSecretErrors(t *testing.T) {
	run := func(params, more string) string {
		return `"a": {"run": {"mod": "m.wasm", "fun": "f", "params": [` + params + `]}` + more + `}`
	}
	const secret = `{"value": 99887766, "secret": true}`
	for _, c := range []struct{ name, tasks, want string }{
		{"nowhere to keep it", run(secret, ""), `w.json:2:55: tasks.a.run.params[0]: a secret, which nothing keeps here`},
		{"float", run(`{"value": 99887766.5, "secret": true}`, ""), `w.json:2:55: tasks.a.run.params[0]: a number with a fraction cannot be secret`},
		{"float of a secret task", run(`99887766.5`, `, "secret": true`), `tasks.a.run.params[0]: a number with a fraction cannot be secret`},
		{"null", run(`{"value": null, "secret": true}`, ""), `null cannot be secret`},
		{"65 bits", run(`{"value": 99887766998877669988, "secret": true}`, ""), `the secret is no scalar of at most 64 bits`},
		{"65 bits of a secret task", run(`99887766998877669988`, `, "secret": true`), `the secret is no scalar of at most 64 bits`},
		{"link", run(`{"/": "bafkreidyxbz3qxoltyui5inckumb4ixk5h2hhoth32whkxw3ttsw2wldga", "secret": true}`, ""), `content that a CID names is not secret`},
		{"promise", run(`{"await/ok": "b", "secret": true}`, "") + `, "b": {"run": {"mod": "m.wasm", "fun": "f"}}`, `a result is secret if its task is`},
		{"two values", run(`{"value": 1, "bytes": "", "secret": true}`, ""), `exactly one of the fields`},
		{"no boolean", run(`{"value": 1, "secret": 1}`, ""), `true or false is expected`},
		{"nothing to declassify", run(`1`, `, "declassify": true`), `tasks.a.declassify: the task consumes no secret`},
		{"a wish for others", run(secret, `, "check": "rerun"`), `tasks.a.check: the task "a" is secret, so that nobody else can check it by rerun: it can wish zk, or attest`},
		{"an effect's argument", `"e": {"effect": {"cmd": "/x", "args": {"x": ` + secret + `}}}`, `tasks.e.effect.args.x: effects never consume secrets`},
		{"a secret effect", `"e": {"secret": true, "effect": {"cmd": "/x", "args": {}}}`, `tasks.e.secret: an effect changes the world`},
		{"an effect after a secret", run(secret, "") + `, "e": {"effect": {"cmd": "/x", "args": {"x": {"await/ok": "a"}}}}`,
			`tasks.e.effect.args.x.await/ok: the result of "a" is secret, and effects never consume secrets`},
		{"an argument", `"c": {"run": {"mod": "m.wasm", "params": {"args": [` + secret + `]}}}`, `tasks.c.run.params.args[0]: arguments and environment of a command cannot be secret`},
		{"an awaited argument", run(secret, "") + `, "c": {"run": {"mod": "m.wasm", "params": {"env": {"K": {"await/ok": "a"}}}}}`,
			`tasks.c.run.params.env.K.await/ok: the result of "a" is secret`},
		{"arguments of a secret command", `"c": {"secret": true, "run": {"mod": "m.wasm", "params": {"args": ["99887766"]}}}`, `tasks.c.run.params.args: arguments and environment of a secret command`},
		{"a number on stdin", `"c": {"run": {"mod": "m.wasm", "params": {"stdin": ` + secret + `}}}`, `a secret on stdin is a string, bytes or a file`},
		{"another kind", run(`{"secret": {"kind": "f64", "commitment": ""}}`, ""), `"f64" is no kind of a secret`},
		{"no commitment", run(`{"secret": {"kind": "bytes", "commitment": "AAAA"}}`, ""), `a commitment is not a field element`},
		{"commitment beside a value", run(`{"value": 3, "secret": {"kind": "integer", "commitment": ""}}`, ""), `a commitment stands in place of the value`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := compile("w.json", "{\"trilemma\": \"workflow/1\", \"tasks\": {\n"+c.tasks+"\n}}")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got\n  %v\nwant\n  %s", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "99887766") {
				t.Errorf("the secret is in the error: %v", err)
			}
		})
	}
}

// TestSecretIPVM: the draft's form has no secrets.
func TestSecretIPVM(t *testing.T) {
	const rsc = "ipfs://bafkreidyxbz3qxoltyui5inckumb4ixk5h2hhoth32whkxw3ttsw2wldga"
	for _, c := range [][2]string{
		{`{"value": 1, "secret": true}`, ""},
		{`{"/": "bafkreidyxbz3qxoltyui5inckumb4ixk5h2hhoth32whkxw3ttsw2wldga", "secret": true}`, ""},
		{`{"secret": {"kind": "bytes", "commitment": ""}}`, ""},
		{`1`, `"secret": true`},
	} {
		_, err := workflow.Parse("w.json", []byte(ipvm(instruction(rsc, "f", c[0], `""`, c[1]))))
		if err == nil || !strings.Contains(err.Error(), "secret") && !strings.Contains(err.Error(), "one of the fields /") {
			t.Errorf("%s, %s: %v", c[0], c[1], err)
		}
	}
}
