package workflow

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"path"
	"regexp"
	"strings"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
)

// Version is the value of "trilemma" in every document of this format.
const Version = "workflow/1"

// Document is a parsed workflow as somebody wrote it; [Compile] turns it into tasks.
type Document struct {
	File  string
	Name  string
	Tasks []*TaskDoc // in the document's order

	// Source is the workflow under its own CID, if the document has the form of the IPVM draft; else its CID is undefined.
	Source block.Block

	root    *value
	byLabel map[string]*TaskDoc
}

// TaskDoc is one task of a document. Zero limits stand for the defaults.
type TaskDoc struct {
	Label      string
	Mod        string // path, CID or ipfs:// CID
	Fun        string // empty for a WASI command
	Result     string // "", bytes or string
	Effect     string // command of an effect; Mod and Fun are then empty
	Idempotent bool
	Secret     bool // its parameters and its result are hidden
	Declassify bool // its result is public, whatever it consumes
	Fuel       uint64
	Memory     uint32
	Output     uint64
	Clock      uint64
	Seed       uint64
	Nonce      []byte
	Check      Check

	args    *value // params of a run, or args of an effect; nil if absent
	at      *value
	modAt   *value
	checkAt *value // nil if nobody wishes anything
	awaits  []await
	hidden  []*value // parameters that are hidden, in plain or redacted
	tainted bool     // it consumes something that is hidden, or is meant to be secret

	source    cid.Cid // of a task in the form of the IPVM draft: its instruction
	memoryCap uint64  // of such a task, in bytes; 0 if it has none
}

// await is a promise met in a task's arguments.
type await struct {
	branch, label string
	at            *value
	shared        bool // its value would stand in a stream together with others
}

var labelPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,63}$`)

// Parse reads a workflow document in JSON, in YAML if name ends in .yaml or .yml, or in DAG-CBOR if it ends in .cbor: this
// program's form, or that of the IPVM 0.1 draft. The error is an [Errors] with the
// places of up to twenty mistakes.
func Parse(name string, data []byte) (*Document, error) {
	if len(data) > MaxDocument {
		return nil, Errors{{File: name, Msg: fmt.Sprintf("the document has %d bytes, the limit is %d", len(data), MaxDocument)}}
	}
	parse := parseJSON
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml":
		parse = parseYAML
	case ".cbor":
		parse = parseCBOR
	}
	root, err := parse(bytes.TrimPrefix(data, []byte("\ufeff")))
	if err != nil {
		var se *syntaxError
		if errors.As(err, &se) {
			return nil, Errors{{File: name, Line: se.line, Col: se.col, Msg: se.msg}}
		}
		return nil, Errors{{File: name, Msg: err.Error()}}
	}
	return read(name, root)
}

// read checks a document's values.
func read(name string, root *value) (*Document, error) {
	root.setPaths("")
	r := &docReader{reporter: reporter{file: name}, doc: &Document{File: name, root: root, byLabel: make(map[string]*TaskDoc)}}
	r.document(root)
	if err := r.err(); err != nil {
		return nil, err
	}
	r.graph()
	return r.doc, r.err()
}

type docReader struct {
	reporter
	doc *Document
}

// fields checks that v is a map with known keys only, and reports the others.
func (r *docReader) fields(v *value, known ...string) bool {
	if v.kind != kindMap {
		r.at(v, "a map is expected, found %s", v.kind)
		return false
	}
	for i, k := range v.keys {
		if !contains(known, k) {
			r.add(&Error{File: r.file, Line: v.keyAt[i][0], Col: v.keyAt[i][1], Path: v.path,
				Msg: fmt.Sprintf("unknown field %q%s", k, nearest(k, known))})
		}
	}
	return true
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func (r *docReader) text(v *value) string {
	if v == nil {
		return ""
	}
	if v.kind != kindString {
		r.at(v, "a string is expected, found %s", v.kind)
	}
	return v.s
}

// number reads an integer in [lo, hi]; nil gives def.
func (r *docReader) number(v *value, lo, hi, def uint64) uint64 {
	if v == nil {
		return def
	}
	if v.kind != kindInt || !v.i.IsUint64() || v.i.Uint64() < lo || v.i.Uint64() > hi {
		r.at(v, "an integer from %d to %d is expected", lo, hi)
		return def
	}
	return v.i.Uint64()
}

func (r *docReader) boolean(v *value) bool {
	if v != nil && v.kind != kindBool {
		r.at(v, "true or false is expected, found %s", v.kind)
	}
	return v != nil && v.b
}

var limitFields = []string{"fuel", "memory", "output", "clock", "seed", "check"}

func (r *docReader) document(root *value) {
	if root.kind != kindMap {
		r.at(root, "a workflow is a map, found %s", root.kind)
		return
	}
	v := root.get("trilemma")
	switch {
	case isIPVM(root):
		r.ipvm(root)
		return
	case v == nil:
		r.at(root, "the field \"trilemma\": %q is missing", Version)
		return
	case v.kind != kindString || v.s != Version:
		r.at(v, "unknown version, this program knows %q", Version)
		return
	}
	if !r.fields(root, "trilemma", "name", "defaults", "tasks") {
		return
	}
	r.doc.Name = r.text(root.get("name"))
	var defaults TaskDoc
	if d := root.get("defaults"); d != nil && r.fields(d, limitFields...) {
		r.limits(&defaults, d)
	}
	tasks := root.get("tasks")
	if tasks == nil {
		r.at(root, "the field \"tasks\" is missing")
		return
	}
	if tasks.kind != kindMap || len(tasks.keys) == 0 || len(tasks.keys) > MaxTasks {
		r.at(tasks, "a map of 1 to %d tasks by label is expected", MaxTasks)
		return
	}
	for i, label := range tasks.keys {
		t := defaults
		t.Label, t.at = label, tasks.items[i]
		if !labelPattern.MatchString(label) {
			r.at(t.at, "the label %.80q is not a letter or _ followed by at most 63 letters, digits, '_', '.' or '-'", label)
		}
		r.task(&t)
		r.doc.Tasks = append(r.doc.Tasks, &t)
		r.doc.byLabel[label] = &t
	}
}

func (r *docReader) limits(t *TaskDoc, v *value) {
	t.Fuel = r.number(v.get("fuel"), 1, math.MaxInt64, t.Fuel)
	t.Memory = uint32(r.number(v.get("memory"), 0, math.MaxUint32, uint64(t.Memory)))
	t.Output = r.number(v.get("output"), 0, math.MaxInt64, t.Output)
	t.Clock = r.number(v.get("clock"), 0, math.MaxInt64, t.Clock)
	t.Seed = r.number(v.get("seed"), 0, math.MaxInt64, t.Seed)
	if c := v.get("check"); c != nil {
		t.Check, t.checkAt = r.check(c), c
	}
}

func (r *docReader) task(t *TaskDoc) {
	v := t.at
	if !r.fields(v, append([]string{"run", "effect", "nonce", "secret", "declassify"}, limitFields...)...) {
		return
	}
	r.limits(t, v)
	t.Nonce = []byte(r.text(v.get("nonce")))
	t.Secret, t.Declassify = r.boolean(v.get("secret")), r.boolean(v.get("declassify"))
	run, effect := v.get("run"), v.get("effect")
	switch {
	case (run == nil) == (effect == nil):
		r.at(v, "a task has either \"run\" or \"effect\"")
	case run != nil:
		r.run(t, run)
	default:
		r.effect(t, effect)
	}
	r.secrets(t)
}

func (r *docReader) run(t *TaskDoc, v *value) {
	if !r.fields(v, "mod", "fun", "params", "result") {
		return
	}
	t.modAt = v.get("mod")
	if t.modAt == nil {
		r.at(v, "the field \"mod\" is missing: a path, a CID or ipfs://CID")
	}
	t.Mod = r.text(t.modAt)
	t.Fun = r.text(v.get("fun"))
	if f := v.get("fun"); f != nil && t.Fun == "" {
		r.at(f, "the name of an export is expected (leave \"fun\" out for a WASI command)")
	}
	if res := v.get("result"); res != nil {
		r.result(t, res)
		if t.Fun == "" {
			r.at(res, "the result of a WASI command is its standard output, as bytes")
		}
	}
	p := v.get("params")
	t.args = p
	switch {
	case p == nil:
	case t.Fun != "" && p.kind != kindList:
		r.at(p, "the parameters of a function are a list, found %s", p.kind)
	case t.Fun != "":
		if len(p.items) > MaxParams {
			r.at(p, "%d parameters, the limit is %d", len(p.items), MaxParams)
		}
		for _, item := range p.items {
			r.param(t, item)
		}
	case r.fields(p, "args", "env", "stdin"):
		r.command(t, p)
	}
}

// result reads the declared kind of a function's result; nil declares none.
func (r *docReader) result(t *TaskDoc, v *value) {
	if v == nil {
		return
	}
	t.Result = r.text(v)
	if kinds := []string{"bytes", "string"}; !contains(kinds, t.Result) {
		r.at(v, "\"bytes\" or \"string\" is expected, found %q%s", t.Result, nearest(t.Result, kinds))
	}
}

func (r *docReader) command(t *TaskDoc, p *value) {
	if a := p.get("args"); a != nil {
		if a.kind != kindList {
			r.at(a, "a list is expected, found %s", a.kind)
		}
		for _, item := range a.items {
			r.param(t, item)
		}
	}
	if e := p.get("env"); e != nil {
		if e.kind != kindMap {
			r.at(e, "a map is expected, found %s", e.kind)
		}
		for _, item := range e.items {
			r.param(t, item)
		}
	}
	r.shared(t)
	if s := p.get("stdin"); s != nil {
		r.param(t, s)
	}
}

func (r *docReader) effect(t *TaskDoc, v *value) {
	if !r.fields(v, "cmd", "args", "idempotent") {
		return
	}
	cmd := v.get("cmd")
	if t.Effect = r.text(cmd); !strings.HasPrefix(t.Effect, "/") {
		r.at(v, "\"cmd\" is missing or does not start with '/', like \"/http/post\"")
	}
	t.Idempotent = r.boolean(v.get("idempotent"))
	t.args = v.get("args")
	if t.args == nil || t.args.kind != kindMap {
		r.at(v, "\"args\" is missing or not a map")
		return
	}
	for _, item := range t.args.items {
		r.param(t, item)
	}
}

var promiseFields = []string{"await/ok", "await/error", "await/*"}

// param checks the form of one parameter and collects its promise.
func (r *docReader) param(t *TaskDoc, v *value) {
	switch v.kind {
	case kindList:
		r.at(v, "a list is no parameter")
	case kindMap:
		r.special(t, v)
	default:
		r.scalar(v, t.Secret)
	}
}

// scalar checks a scalar. What is wrong with a secret is told without quoting it.
func (r *docReader) scalar(v *value, secret bool) {
	_, err := v.scalar()
	if err != nil && secret {
		err = errors.New("the secret is no scalar of at most 64 bits")
	}
	if err != nil {
		r.at(v, "%v", err)
	}
}

func (r *docReader) special(t *TaskDoc, v *value) {
	known := append([]string{"file", "bytes", "value", "/"}, promiseFields...)
	if s := v.get(secretKey); s != nil && s.kind == kindMap {
		r.redacted(t, v)
		return
	}
	key, item := v.form()
	if !contains(known, key) {
		hint := ""
		if len(v.keys) > 0 {
			hint = nearest(v.keys[0], known)
		}
		r.at(v, "a parameter that is a map has exactly one of the fields %s%s", strings.Join(known, ", "), hint)
		return
	}
	secret := r.boolean(v.get(secretKey))
	if secret {
		t.hidden = append(t.hidden, v)
	}
	if key == "value" {
		r.scalar(item, secret || t.Secret)
		return
	}
	s := r.text(item)
	switch key {
	case "file":
	case "bytes":
		if _, err := decodeBase64(s); err != nil {
			r.at(item, "base64 is expected: %v", err)
		}
	case "/":
		if _, err := block.Parse(s); err != nil {
			r.at(item, "%v", err)
		}
	default:
		t.awaits = append(t.awaits, await{branch: strings.TrimPrefix(key, "await/"), label: s, at: item})
	}
}
