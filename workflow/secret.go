package workflow

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/internal/hidden"
)

// Secrets. A parameter with "secret": true beside its value stands in the task as a commitment, {"secret": {"kind": string, "commitment": bytes}}, which the
// computation covers. What consumes a secret is secret, and so is its result, unless the task says "declassify": true. In a redacted document commitments stand in place of
// values, {"secret": {"kind": string, "commitment": base64}}.

const secretKey = "secret"

// paramKinds are the kinds of secrets that a document writes.
var paramKinds = []string{hidden.Bytes, hidden.String, hidden.Integer}

// form is a parameter's only field beside "secret", or nothing if there is not exactly one.
func (v *value) form() (key string, item *value) {
	for i, k := range v.keys {
		if k == secretKey {
			continue
		}
		if item != nil {
			return "", nil
		}
		key, item = k, v.items[i]
	}
	return key, item
}

// redacted reads a commitment in place of a value.
func (r *docReader) redacted(t *TaskDoc, v *value) {
	if len(v.keys) != 1 {
		r.at(v, "a commitment stands in place of the value, not beside it")
		return
	}
	if !r.fields(v.items[0], "kind", "commitment") {
		return
	}
	if _, err := v.commitment(); err != nil {
		r.at(v, "%v", err)
		return
	}
	t.hidden = append(t.hidden, v)
}

// commitment is the hidden value that a redacted parameter is.
func (v *value) commitment() (out hidden.Value, err error) {
	s := v.get(secretKey)
	kind, c := s.get("kind"), s.get("commitment")
	if kind == nil || c == nil || kind.kind != kindString || c.kind != kindString {
		return out, fmt.Errorf("a secret is true, or a map of the strings kind and commitment")
	}
	if out.Kind = kind.s; !contains(paramKinds, out.Kind) {
		return out, fmt.Errorf("%.20q is no kind of a secret, which are %s%s", out.Kind, strings.Join(paramKinds, ", "), nearest(out.Kind, paramKinds))
	}
	data, err := decodeBase64(c.s)
	if err != nil {
		return out, fmt.Errorf("base64 is expected: %v", err)
	}
	out.Commitment, err = hidden.ParseCommitment(data)
	return out, err
}

// plain reports whether a hidden parameter is there in plain.
func (v *value) plain() bool {
	s := v.get(secretKey)
	return s == nil || s.kind != kindMap
}

// shared notes that what was read of a task so far shares a stream with other things, and cannot be hidden.
func (r *docReader) shared(t *TaskDoc) {
	for i := range t.awaits {
		t.awaits[i].shared = true
	}
	for _, v := range t.hidden {
		r.at(v, "arguments and environment of a command cannot be secret: give the secret on stdin")
	}
	if p := t.args; t.Secret {
		for _, key := range []string{"args", "env"} {
			if v := p.get(key); v != nil && len(v.items) > 0 {
				r.at(v, "arguments and environment of a secret command cannot be hidden: give all on stdin")
			}
		}
	}
}

// secrets checks what is hidden of a task. In a secret task all parameters are that are not another task's.
func (r *docReader) secrets(t *TaskDoc) {
	if t.Effect != "" {
		for _, key := range []string{secretKey, "declassify"} {
			if v := t.at.get(key); v != nil {
				r.at(v, "an effect changes the world, which sees it: %q is about tasks that run", key)
			}
		}
		for _, v := range t.hidden {
			r.at(v, "effects never consume secrets")
		}
		return
	}
	if t.Secret && t.args != nil {
		for _, v := range t.args.items {
			if key, _ := v.form(); strings.HasPrefix(key, "await/") || slices.Contains(t.hidden, v) || t.Fun == "" && v != t.args.get("stdin") {
				continue
			}
			t.hidden = append(t.hidden, v)
		}
	}
	for _, v := range t.hidden {
		if err := v.hideable(t.Fun == ""); err != nil && v.plain() {
			r.at(v, "%v", err)
		}
	}
}

// hideable says why a parameter cannot be secret.
func (v *value) hideable(stdin bool) error {
	key, item := v.form()
	switch {
	case v.kind != kindMap:
		item = v
	case key == "/":
		return fmt.Errorf("content that a CID names is not secret: whoever has it can tell (name a file, or write it out)")
	case strings.HasPrefix(key, "await/"):
		return fmt.Errorf("a result is secret if its task is: write \"secret\": true there")
	case key != "value":
		return nil
	}
	switch item.kind {
	case kindString:
		return nil
	case kindInt, kindBool:
		if stdin {
			return fmt.Errorf("a secret on stdin is a string, bytes or a file: write the number as a string")
		}
		return nil
	case kindFloat:
		return fmt.Errorf("a number with a fraction cannot be secret: no proof shows what is done with it")
	}
	return fmt.Errorf("%s cannot be secret", item.kind)
}

// taint finds out whether a task consumes secrets, after those that it awaits. It refuses what would show one.
func (r *docReader) taint(t *TaskDoc) {
	t.tainted = t.Secret || len(t.hidden) > 0
	for _, a := range t.awaits {
		on := r.doc.byLabel[a.label]
		if a.branch == "error" || !on.tainted || on.Declassify {
			continue
		}
		switch {
		case t.Effect != "":
			r.at(a.at, "the result of %q is secret, and effects never consume secrets (\"declassify\": true in that task would make it public)", a.label)
		case a.shared:
			r.at(a.at, "the result of %q is secret, and arguments and environment of a command cannot be: give it on stdin", a.label)
		}
		t.tainted = true
	}
	if t.Declassify && !t.tainted {
		r.at(t.at.get("declassify"), "the task consumes no secret: there is nothing to declassify")
	}
	switch {
	case t.checkAt == nil && t.Check.Mode == "" && t.tainted:
		t.Check.Mode = CheckZK
	case t.checkAt == nil && t.Check.Mode == "":
		t.Check.Mode = CheckRerun
	case t.tainted && t.Check.Mode != CheckZK && t.Check.Mode != CheckAttest:
		r.at(t.checkAt, "the task %q is secret, so that nobody else can check it by %s: it can wish zk, or attest", t.Label, t.Check.Mode)
	}
}

// Secret reports whether a document has secrets, and if so the label of the first task that is secret.
func (d *Document) Secret() (label string, ok bool) {
	for _, t := range d.Tasks {
		if t.tainted {
			return t.Label, true
		}
	}
	return "", false
}

// Redacted reports whether some secret stands in the document as a commitment.
func (d *Document) Redacted() bool {
	for _, t := range d.Tasks {
		for _, v := range t.hidden {
			if !v.plain() {
				return true
			}
		}
	}
	return false
}

// Encode is the document as JSON. After [Compile] no secret is in it.
func (d *Document) Encode() ([]byte, error) {
	var b bytes.Buffer
	if err := d.root.json(&b); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err := json.Indent(&out, b.Bytes(), "", "  ")
	out.WriteByte('\n')
	return out.Bytes(), err
}

// json writes a value, the keys of maps in the document's order.
func (v *value) json(b *bytes.Buffer) error {
	var scalar any
	switch v.kind {
	case kindList, kindMap:
		ends := map[kind]string{kindList: "[]", kindMap: "{}"}[v.kind]
		b.WriteByte(ends[0])
		for i, item := range v.items {
			if i > 0 {
				b.WriteByte(',')
			}
			if v.kind == kindMap {
				key, err := json.Marshal(v.keys[i])
				if err != nil {
					return err
				}
				b.Write(append(key, ':'))
			}
			if err := item.json(b); err != nil {
				return err
			}
		}
		b.WriteByte(ends[1])
		return nil
	case kindBool:
		scalar = v.b
	case kindInt:
		scalar = v.i
	case kindFloat:
		scalar = v.f
	case kindString:
		scalar = v.s
	}
	data, err := json.Marshal(scalar)
	b.Write(data)
	return err
}

// secret is a hidden parameter as it stands in a task. One that is there in plain is committed to, and redacted in the document.
func (c *compiler) secret(v *value) datamodel.Node {
	var out hidden.Value
	var err error
	if !v.plain() {
		out, err = v.commitment()
	} else {
		var stream []byte
		before := len(c.errs) + c.more
		stream, out.Kind, err = c.stream(v)
		switch {
		case len(c.errs)+c.more > before:
			return datamodel.Null
		case err == nil && c.cfg.Seal == nil:
			err = fmt.Errorf("a secret, which nothing keeps here")
		case err == nil:
			out.Commitment, err = c.cfg.Seal(stream)
		}
		if err == nil {
			v.redact(out)
		}
	}
	if err != nil {
		c.at(v, "%v", err)
		return datamodel.Null
	}
	n, err := out.Node()
	if err != nil {
		c.at(v, "%v", err)
		return datamodel.Null
	}
	return n
}

// redact puts a commitment in place of a value.
func (v *value) redact(h hidden.Value) {
	s := under("kind", text(h.Kind))
	s.keys, s.keyAt = append(s.keys, "commitment"), append(s.keyAt, [2]int{})
	s.items = append(s.items, text(base64.StdEncoding.EncodeToString(h.Commitment[:])))
	at := *v
	*v = *under(secretKey, s)
	v.line, v.col, v.path = at.line, at.col, at.path
}

// stream is what a secret commits to, and its kind.
func (c *compiler) stream(v *value) (stream []byte, kind string, err error) {
	key, item := v.form()
	switch {
	case v.kind != kindMap:
		item = v
	case key == "file":
		b, _ := c.file(item, item.s)
		return b.Data, hidden.Bytes, nil
	case key == "bytes":
		stream, err := decodeBase64(item.s)
		return stream, hidden.Bytes, err
	}
	switch item.kind {
	case kindString:
		return []byte(item.s), hidden.String, nil
	case kindBool:
		return binary.LittleEndian.AppendUint64(nil, uint64(boolInt(item.b))), hidden.Integer, nil
	case kindInt:
		if item.i.IsInt64() {
			return binary.LittleEndian.AppendUint64(nil, uint64(item.i.Int64())), hidden.Integer, nil
		}
		return binary.LittleEndian.AppendUint64(nil, item.i.Uint64()), hidden.Integer, nil
	}
	return nil, "", fmt.Errorf("%s cannot be secret", item.kind)
}

// Hides reports whether the task's result is hidden.
func (t *Task) Hides() bool { return t.Secret && !t.Declassify }

// taint finds out which tasks are secret: in the order of the tasks, each of which comes after what it awaits.
func (w *Workflow) taint() error {
	hides := make(map[string]bool, len(w.Tasks))
	for _, t := range w.Tasks {
		n, err := t.hiddenParams()
		if err != nil {
			return fmt.Errorf("task %q: %w", t.Label, err)
		}
		t.Secret = t.Hide || n > 0
		for _, a := range t.Awaits {
			if a.Branch != "error" && hides[a.Label] {
				if t.Effect() {
					return fmt.Errorf("the effect %q awaits the secret result of %q", t.Label, a.Label)
				}
				t.Secret = true
			}
		}
		if t.Declassify && !t.Secret {
			return fmt.Errorf("task %q declassifies, and consumes no secret", t.Label)
		}
		if hides[t.Label] = t.Hides(); t.Secret && t.Effect() {
			return fmt.Errorf("the effect %q consumes a secret", t.Label)
		}
	}
	return nil
}

// hiddenParams counts the hidden parameters of a task: those of a function, a command's stdin.
func (t *Task) hiddenParams() (n int, err error) {
	var all []datamodel.Node
	switch t.Params.Kind() {
	case datamodel.Kind_List:
		for it := t.Params.ListIterator(); !it.Done(); {
			_, v, err := it.Next()
			if err != nil {
				return n, err
			}
			all = append(all, v)
		}
	case datamodel.Kind_Map:
		for it := t.Params.MapIterator(); !it.Done(); {
			_, v, err := it.Next()
			if err != nil {
				return n, err
			}
			all = append(all, v)
		}
	}
	for _, v := range all {
		_, ok, err := hidden.ValueOf(v)
		if err != nil {
			return n, err
		}
		n += boolInt(ok)
	}
	return n, nil
}
