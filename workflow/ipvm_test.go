package workflow_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/workflow"
)

// instruction is a task in the form of the IPVM draft.
func instruction(rsc, fun, args, nnc, meta string) string {
	return fmt.Sprintf(`{"cause": null, "meta": {%s}, "prf": [], "run": {"input": {"args": [%s], "func": %q}, "nnc": %s, "op": "wasm/run", "rsc": %q}}`,
		meta, args, fun, nnc, rsc)
}

func ipvm(tasks ...string) string { return `{"tasks": [` + strings.Join(tasks, ",\n") + `]}` }

// homestarMeta is what Homestar's own files say: a fuel that is no integer of 64 bits.
const homestarMeta = `"fuel": 18446744073709552000, "memory": 4294967296, "time": 100000`

// TestIPVMOracle holds the CIDs to those in Homestar's tests (github.com/ipvm-wg/homestar, homestar-runtime/tests): the
// instructions that the fixtures test-workflow-add-one*.json await, and the workflow that cli.rs expects for one of them.
func TestIPVMOracle(t *testing.T) {
	for _, tt := range []struct{ rsc, nnc, want string }{
		{"ipfs://bafkreidgxzucs63ums2yhzs4unin5a3vjemapc373rypon63kdp5xoqlzm", `""`, "bafyrmigpbec3fpc64hxkehxkszctb5f5roylk5ej2t2qgfylf64gpdn54m"},
		{"ipfs://bafybeia32q3oy6u47x624rmsmgrrlpn7ulruissmz5z2ap6alv7goe7h3q", `"1sod60ml6g26mfhsrsa0"`, "bafyrmig5x46c6nzk74adlo6ffwo4bi7fr42jkv54zqa5kzazfirb47ninm"},
		{"ipfs://bafybeia32q3oy6u47x624rmsmgrrlpn7ulruissmz5z2ap6alv7goe7h3q", `""`, "bafyrmigpfy6vvnfmv2wpsnpjmrn6iurejcjhz2doqdl6cfext27etqvi54"},
	} {
		d, err := workflow.Parse("w.json", []byte(ipvm(instruction(tt.rsc, "add_one", "1", tt.nnc, homestarMeta))))
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Tasks[0].Label; got != tt.want {
			t.Errorf("instruction %s of %s, want %s", got, tt.rsc, tt.want)
		}
	}
	const rsc = "ipfs://bafybeiabbxwf2vn4j3zm7bbojr6rt6k7o6cg6xcbhqkllubmsnvocpv7y4"
	const first, whole = "bafyrmig5jivpubiljl26w5qc4om2rxbya6h43ljanotrvp2b2opux6gtbe", "bafyrmibcfltf6vhtfdson5z4av4r4wg3rccpt4hxajt54msacojeecazqy"
	d, err := workflow.Parse("w.json", []byte(ipvm(instruction(rsc, "add_one", "1", `""`, homestarMeta),
		instruction(rsc, "add_one", `{"await/ok": {"/": "`+first+`"}}`, `""`, homestarMeta))))
	if err != nil {
		t.Fatal(err)
	}
	if d.Source.CID.String() != whole {
		t.Errorf("workflow %s, want %s", d.Source.CID, whole)
	}
}

// chain is a workflow of the draft over the test's module: two instructions of one function, the second awaiting the first.
func chain(t testing.TB) (text string, labels [2]string) {
	t.Helper()
	rsc := "ipfs://" + block.Raw([]byte(files["m.wasm"])).CID.String()
	first := instruction(rsc, "f", `1, "two", {"/": {"bytes": "AAE"}}, {"/": "`+block.Raw([]byte(files["small"])).CID.String()+`"}`, `""`,
		`"fuel": 77, "memory": 131072, "result": "bytes"`)
	d, err := workflow.Parse("w.json", []byte(ipvm(first)))
	if err != nil {
		t.Fatal(err)
	}
	labels[0] = d.Tasks[0].Label
	text = ipvm(first, instruction(rsc, "f", `{"await/*": {"/": "`+labels[0]+`"}}`, `{"/": {"bytes": "AAECAwQFBgcICQoL"}}`, homestarMeta))
	if d, err = workflow.Parse("w.json", []byte(text)); err != nil {
		t.Fatal(err)
	}
	labels[1] = d.Tasks[1].Label
	return text, labels
}

func ipvmConfig() workflow.Config {
	cfg := config()
	cfg.ReadBlock = func(c cid.Cid) (block.Block, error) {
		for _, s := range files {
			if b := block.Raw([]byte(s)); b.CID.Equals(c) {
				return b, nil
			}
		}
		return block.Block{}, errors.New("not here")
	}
	return cfg
}

func compileIPVM(t testing.TB) (*workflow.Workflow, [2]string) {
	t.Helper()
	text, labels := chain(t)
	d, err := workflow.Parse("w.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	w, err := workflow.Compile(d, ipvmConfig())
	if err != nil {
		t.Fatal(err)
	}
	return w, labels
}

func TestIPVM(t *testing.T) {
	w, labels := compileIPVM(t)
	a, b := w.Task(labels[0]), w.Task(labels[1])
	if a == nil || b == nil || len(w.Tasks) != 2 {
		t.Fatalf("tasks %v, want the instructions' CIDs %v", w.Tasks, labels)
	}
	if a.Source.String() != labels[0] || b.Source.String() != labels[1] {
		t.Errorf("sources %s, %s", a.Source, b.Source)
	}
	if a.Fuel != 77 || a.Memory != 2 || a.Result != "bytes" {
		t.Errorf("limits of the first task: %+v", a.Call)
	}
	if b.Fuel != 100 || b.Memory != 16 || b.Result != "" {
		t.Errorf("a task without limits has %+v, want the executor's", b.Call)
	}
	p, err := b.Params.LookupByIndex(0)
	if err != nil {
		t.Fatal(err)
	}
	if branch, comp, ok := workflow.PromiseOf(p); !ok || branch != "*" || !comp.Equals(a.Computation) {
		t.Errorf("the await became %s of %s", branch, comp)
	}
	if n, err := b.Node.LookupByString("nonce"); err != nil {
		t.Error(err)
	} else if nonce, err := n.AsBytes(); err != nil || len(nonce) != 12 {
		t.Errorf("nonce %x, %v", nonce, err)
	}
	if data, ok := w.Blocks[w.Source]; !ok || !block.SumSHA3(data).Equals(w.Source) {
		t.Errorf("the draft's workflow %s is not among the blocks", w.Source)
	}

	// The same as a block gives the same workflow.
	d, err := workflow.Parse("w.cbor", w.Blocks[w.Source])
	if err != nil {
		t.Fatal(err)
	}
	again, err := workflow.Compile(d, ipvmConfig())
	if err != nil || !again.CID.Equals(w.CID) {
		t.Errorf("from DAG-CBOR: %s, %v, want %s", again.CID, err, w.CID)
	}

	r, err := workflow.Read(w.CID, getter(w.Blocks))
	if err != nil {
		t.Fatal(err)
	}
	if !r.Source.Equals(w.Source) || !r.Task(labels[1]).Source.Equals(b.Source) {
		t.Error("the source was not read back")
	}
}

// TestIPVMContent looks content up in files that are called by their CID.
func TestIPVMContent(t *testing.T) {
	text, _ := chain(t)
	d, err := workflow.Parse("w.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	cfg := config()
	byName := make(map[string][]byte)
	for _, s := range files {
		byName[block.Raw([]byte(s)).CID.String()] = []byte(s)
	}
	cfg.ReadFile = func(name string) ([]byte, error) { return byName[name], nil }
	if _, err := workflow.Compile(d, cfg); err != nil {
		t.Fatal(err)
	}
	byName[block.Raw([]byte(files["m.wasm"])).CID.String()] = []byte("another module")
	if _, err := workflow.Compile(d, cfg); err == nil || !strings.Contains(err.Error(), block.ErrMismatch.Error()) {
		t.Errorf("a file that is not what its name says: %v", err)
	}
}

// TestIPVMRefuses makes workflows whose tasks are not what the draft's workflow says.
func TestIPVMRefuses(t *testing.T) {
	w, labels := compileIPVM(t)
	entry := func(task *workflow.Task) func(datamodel.MapAssembler) {
		return func(ma datamodel.MapAssembler) {
			qp.MapEntry(ma, "task", qp.Link(cidlink.Link{Cid: task.CID}))
			qp.MapEntry(ma, "check", qp.String("rerun"))
		}
	}
	root := func(source cid.Cid, tasks map[string]*workflow.Task) block.Block {
		n, err := qp.BuildMap(basicnode.Prototype.Any, -1, func(ma datamodel.MapAssembler) {
			qp.MapEntry(ma, "trilemma", qp.String(workflow.Version))
			qp.MapEntry(ma, "source", qp.Link(cidlink.Link{Cid: source}))
			qp.MapEntry(ma, "tasks", qp.Map(-1, func(ma datamodel.MapAssembler) {
				for label, task := range tasks {
					qp.MapEntry(ma, label, qp.Map(-1, entry(task)))
				}
			}))
		})
		if err != nil {
			t.Fatal(err)
		}
		b, err := block.New(n)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	a, b := w.Task(labels[0]), w.Task(labels[1])
	other, err := compile("w.json", `{"trilemma": "workflow/1", "tasks": {"a": {"run": {"mod": "m.wasm", "fun": "f", "params": [2], "result": "bytes"}, "fuel": 77, "memory": 2}}}`)
	if err != nil {
		t.Fatal(err)
	}
	blocks := maps.Clone(w.Blocks)
	maps.Copy(blocks, other.Blocks)
	notIPVM := block.Block{CID: other.CID, Data: other.Blocks[other.CID]}
	tests := map[string]struct {
		source cid.Cid
		tasks  map[string]*workflow.Task
		want   error
	}{
		"honest":              {w.Source, map[string]*workflow.Task{labels[0]: a, labels[1]: b}, nil},
		"another task":        {w.Source, map[string]*workflow.Task{labels[0]: other.Tasks[0], labels[1]: b}, workflow.ErrMalformed},
		"swapped":             {w.Source, map[string]*workflow.Task{labels[0]: b, labels[1]: a}, workflow.ErrMalformed},
		"an instruction less": {w.Source, map[string]*workflow.Task{labels[0]: a}, workflow.ErrMalformed},
		"a task more":         {w.Source, map[string]*workflow.Task{labels[0]: a, labels[1]: b, "more": other.Tasks[0]}, workflow.ErrMalformed},
		"another label":       {w.Source, map[string]*workflow.Task{"x" + labels[0][1:]: a, labels[1]: b}, workflow.ErrMalformed},
		"no source":           {block.Raw([]byte("gone")).CID, map[string]*workflow.Task{labels[0]: a, labels[1]: b}, workflow.ErrMissing},
		"a source of ours":    {notIPVM.CID, map[string]*workflow.Task{labels[0]: a, labels[1]: b}, workflow.ErrMalformed},
	}
	for name, tt := range tests {
		r := root(tt.source, tt.tasks)
		blocks := maps.Clone(blocks)
		blocks[r.CID] = r.Data
		if _, err := workflow.Read(r.CID, getter(blocks)); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	// The source under a SHA2-256 CID is the same content by another name, which is not the draft's.
	sha2 := block.Sum(cid.DagCBOR, w.Blocks[w.Source])
	r := root(sha2, map[string]*workflow.Task{labels[0]: a, labels[1]: b})
	blocks[r.CID], blocks[sha2] = r.Data, w.Blocks[w.Source]
	if _, err := workflow.Read(r.CID, getter(blocks)); !errors.Is(err, workflow.ErrMalformed) {
		t.Errorf("a source under another hash: %v", err)
	}
	for i := range w.Blocks[w.Source] {
		bad := bytes.Clone(w.Blocks[w.Source])
		bad[i] ^= 1
		lie := maps.Clone(w.Blocks)
		lie[w.Source] = bad
		if _, err := workflow.Read(w.CID, getter(lie)); err == nil {
			t.Fatalf("the source with byte %d changed was accepted", i)
		}
	}
}

func TestIPVMErrors(t *testing.T) {
	rsc := "ipfs://" + block.Raw([]byte(files["m.wasm"])).CID.String()
	one := func(args string) string { return ipvm(instruction(rsc, "f", args, `""`, "")) }
	edit := func(from, to string) string { return strings.Replace(one("1"), from, to, 1) }
	const gone = "bafyrmigpbec3fpc64hxkehxkszctb5f5roylk5ej2t2qgfylf64gpdn54m"
	for _, tt := range []struct{ name, text, want string }{
		{"no tasks", `{"tasks": []}`, `w.json:1:11: tasks: a list of 1 to 100000 tasks is expected`},
		{"unknown field", edit(`"prf"`, `"prof"`), `tasks[0]: unknown field "prof"; did you mean "prf"?`},
		{"no meta", edit(`"meta": {}, `, ``), `w.json:1:12: tasks[0]: the field "meta" is missing`},
		{"operation", edit(`wasm/run`, `wasm/ran`), `tasks[0].run.op: the only operation that is known is "wasm/run"; did you mean "wasm/run"?`},
		{"link", edit(`"run": {`, `"run": {"/": "`+gone+`"}, "x": {`), `an instruction that is only linked to is not read here: write it out`},
		{"a path", edit(rsc, "m.wasm"), `tasks[0].run.rsc: the address of content is expected: ipfs://CID`},
		{"no resource", edit(`"rsc"`, `"rsk"`), `tasks[0].run: "rsc" is missing: ipfs://CID`},
		{"function", edit(`"func": "f"`, `"fun": "f"`), `unknown field "fun"; did you mean "func"?`},
		{"no args", edit(`"args": [1], `, ``), `tasks[0].run.input: the field "args" is missing`},
		{"nonce", edit(`"nnc": ""`, `"nnc": 5`), `tasks[0].run.nnc: bytes or a string are expected, found an integer`},
		{"await", one(`{"await/ok": {"/": "` + gone + `"}}`), `tasks[0].run.input.args[0].await/ok./: there is no task "` + gone},
		{"await without a link", one(`{"await/ok": "` + gone + `"}`), `the link of an instruction is expected`},
		{"branch", one(`{"await/okay": {"/": "` + gone + `"}}`), `did you mean "await/ok"?`},
		{"list", one(`["just", 1]`), `tasks[0].run.input.args[0]: a list is no parameter`},
		{"fuel", edit(`"meta": {}`, `"meta": {"fuel": -1}`), `tasks[0].meta.fuel: a positive integer is expected`},
		{"a file of many blocks", edit(rsc, "ipfs://bafybeiabbxwf2vn4j3zm7bbojr6rt6k7o6cg6xcbhqkllubmsnvocpv7y4"), `tasks[0].run.rsc: unsupported CID: bafybeiabbxwf2vn4j3zm7bbojr6rt6k7o6cg6xcbhqkllubmsnvocpv7y4 has codec 0x70`},
		{"not here", edit(rsc, "ipfs://"+block.Raw([]byte("gone")).CID.String()), `is not available: not here`},
		{"other limits", ipvm(instruction(rsc, "f", "1", `""`, `"fuel": 5`), instruction(rsc, "f", "1", `""`, `"fuel": 6`)), `stands at tasks[0] too, with another "meta"`},
	} {
		d, err := workflow.Parse("w.json", []byte(tt.text))
		if err == nil {
			_, err = workflow.Compile(d, ipvmConfig())
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got\n  %v\nwant\n  %s", tt.name, err, tt.want)
		}
	}
	// The same instruction twice has one result; a gateway's address is content too.
	d, err := workflow.Parse("w.json", []byte(ipvm(instruction(rsc, "f", "1", `""`, ""), instruction(rsc, "f", "1", `""`, ""))))
	if err != nil || len(d.Tasks) != 1 {
		t.Errorf("the same instruction twice: %v", err)
	}
	d, err = workflow.Parse("w.json", []byte(edit("ipfs://", "https://gateway.example/ipfs/")))
	if err != nil || d.Tasks[0].Mod != rsc {
		t.Errorf("a gateway's address: %v", err)
	}
}
