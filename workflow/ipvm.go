package workflow

import (
	"fmt"
	"math"
	"path"
	"strings"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
)

// The form of the IPVM 0.1 draft, as Homestar writes it (github.com/ipvm-wg/homestar, homestar-invocation and
// homestar-workflow): {tasks: [{run: {rsc, op, input: {func, args}, nnc}, meta, prf, cause}]}. A run is called an
// instruction; awaits and receipts name instructions by the SHA3-256 CID of their DAG-CBOR. Those CIDs become the labels
// of our tasks, so that the receipt of a run, which names receipts by label, is an index by instruction.

const ipvmRun = "wasm/run"

// pageSize is the size of a Wasm page in bytes: the draft counts memory in bytes.
const pageSize = 64 << 10

// isIPVM reports whether a document without a version has the draft's shape.
func isIPVM(root *value) bool {
	tasks := root.get("tasks")
	return root.get("trilemma") == nil && tasks != nil && tasks.kind == kindList
}

// ipvm reads a workflow of the draft.
func (r *docReader) ipvm(root *value) {
	if !r.fields(root, "tasks") {
		return
	}
	tasks := root.get("tasks")
	if len(tasks.items) == 0 || len(tasks.items) > MaxTasks {
		r.at(tasks, "a list of 1 to %d tasks is expected", MaxTasks)
		return
	}
	var nodes []datamodel.Node
	for _, v := range tasks.items {
		if n := r.ipvmTask(v); n != nil {
			nodes = append(nodes, n)
		}
	}
	if len(r.errs) > 0 {
		return
	}
	source, err := qp.BuildMap(basicnode.Prototype.Any, 1, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, "tasks", qp.List(int64(len(nodes)), func(la datamodel.ListAssembler) {
			for _, n := range nodes {
				qp.ListEntry(la, qp.Node(n))
			}
		}))
	})
	if err == nil {
		r.doc.Source, err = sha3Block(source)
	}
	if err != nil {
		r.at(root, "%v", err)
	}
}

func sha3Block(n datamodel.Node) (block.Block, error) {
	data, err := block.Encode(n)
	if err != nil {
		return block.Block{}, err
	}
	return block.Block{CID: block.SumSHA3(data), Data: data}, nil
}

// ipvmTask reads one task, and returns it as the draft's implementation encodes it: absent fields filled in.
func (r *docReader) ipvmTask(v *value) datamodel.Node {
	before := len(r.errs) + r.more
	if !r.fields(v, "run", "meta", "prf", "cause") {
		return nil
	}
	t := &TaskDoc{Check: Check{Mode: CheckRerun}, at: v}
	run, cause := r.ipvmInstruction(t, v), v.get("cause")
	meta, prf := r.ipvmField(v, "meta", kindMap), r.ipvmField(v, "prf", kindList)
	if meta != nil {
		r.ipvmLimits(t, meta)
	}
	if cause == nil {
		cause = &value{kind: kindNull}
	}
	if len(r.errs)+r.more > before {
		return nil
	}
	n, err := qp.BuildMap(basicnode.Prototype.Any, 4, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, "run", qp.Node(run))
		qp.MapEntry(ma, "cause", qp.Node(r.ipld(cause)))
		qp.MapEntry(ma, "meta", qp.Node(r.ipld(meta)))
		qp.MapEntry(ma, "prf", qp.Node(r.ipld(prf)))
	})
	if err != nil {
		r.at(v, "%v", err)
		return nil
	}
	r.ipvmAdd(t)
	return n
}

// ipvmAdd adds a task unless the same instruction stands in the document already, which the draft allows: it has one result.
func (r *docReader) ipvmAdd(t *TaskDoc) {
	first := r.doc.byLabel[t.Label]
	switch {
	case first == nil:
		r.doc.Tasks = append(r.doc.Tasks, t)
		r.doc.byLabel[t.Label] = t
	case first.Fuel != t.Fuel || first.Memory != t.Memory || first.Result != t.Result:
		r.at(t.at, "the instruction %s stands at %s too, with another \"meta\": its result could not be told apart", t.Label, first.at.path)
	}
}

// ipvmField is a required field of a kind, or nil.
func (r *docReader) ipvmField(v *value, key string, k kind) *value {
	f := v.get(key)
	switch {
	case f == nil:
		r.at(v, "the field %q is missing", key)
	case f.kind != k:
		r.at(f, "%s is expected, found %s", k, f.kind)
		return nil
	}
	return f
}

// ipvmInstruction reads a task's run into t, and returns it as it is hashed. The label of t becomes its CID.
func (r *docReader) ipvmInstruction(t *TaskDoc, v *value) datamodel.Node {
	run := v.get("run")
	if run != nil && run.get("/") != nil {
		r.at(run, "an instruction that is only linked to is not read here: write it out")
		return nil
	}
	if run = r.ipvmField(v, "run", kindMap); run == nil || !r.fields(run, "rsc", "op", "input", "nnc") {
		return nil
	}
	if op := r.ipvmField(run, "op", kindString); op != nil && op.s != ipvmRun {
		r.at(op, "the only operation that is known is %q%s", ipvmRun, nearest(op.s, []string{ipvmRun}))
	}
	nnc := run.get("nnc")
	if nnc == nil {
		nnc = &value{kind: kindString}
	}
	t.Nonce = r.ipvmNonce(nnc)
	t.modAt = run.get("rsc")
	if t.modAt != nil && t.modAt.kind == kindMap { // a link, which is hashed as a URL
		if link := t.modAt.get("/"); link != nil && link.kind == kindString {
			t.modAt = &value{kind: kindString, s: "ipfs://" + link.s, line: link.line, col: link.col, path: link.path}
		}
	}
	if t.modAt == nil {
		r.at(run, "\"rsc\" is missing: ipfs://CID")
		return nil
	}
	if t.Mod = ipvmContent(r.text(t.modAt)); !strings.HasPrefix(t.Mod, "ipfs://") {
		r.at(t.modAt, "the address of content is expected: ipfs://CID")
	}
	input := r.ipvmField(run, "input", kindMap)
	if input == nil || !r.fields(input, "func", "args") {
		return nil
	}
	if t.Fun = r.text(input.get("func")); t.Fun == "" {
		r.at(input, "\"func\" is missing: the name of an export")
	}
	args := r.ipvmField(input, "args", kindList)
	if args == nil {
		return nil
	}
	t.args = r.ipvmArgs(t, args)
	n, err := qp.BuildMap(basicnode.Prototype.Any, 4, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, "rsc", qp.String(t.modAt.s))
		qp.MapEntry(ma, "op", qp.String(ipvmRun))
		qp.MapEntry(ma, "input", qp.Node(r.ipld(input)))
		qp.MapEntry(ma, "nnc", qp.Node(r.ipld(nnc)))
	})
	if err != nil {
		r.at(run, "%v", err)
		return nil
	}
	b, err := sha3Block(n)
	if err != nil {
		r.at(run, "%v", err)
		return nil
	}
	t.Label, t.source = b.CID.String(), b.CID
	return n
}

// ipvmContent turns the address of a gateway into ipfs://CID. Anything else stays as it is.
func ipvmContent(rsc string) string {
	if scheme, rest, ok := strings.Cut(rsc, "://"); ok && (scheme == "https" || scheme == "http") {
		if dir, id := path.Split(rest); strings.HasSuffix(dir, "/ipfs/") {
			return "ipfs://" + id
		}
	}
	return rsc
}

// ipvmNonce is a nonce's bytes: the draft writes bytes, older files text.
func (r *docReader) ipvmNonce(v *value) []byte {
	if v.kind == kindString {
		return []byte(v.s)
	}
	if b := v.get("/"); b != nil && len(v.keys) == 1 && b.kind == kindMap && b.get("bytes") != nil {
		data, err := decodeBase64(b.get("bytes").s)
		if err != nil {
			r.at(v, "base64 is expected: %v", err)
		}
		return data
	}
	r.at(v, "bytes or a string are expected, found %s", v.kind)
	return nil
}

// ipvmArgs brings arguments into the form of our parameters, whose values are checked as such.
func (r *docReader) ipvmArgs(t *TaskDoc, args *value) *value {
	if len(args.items) > MaxParams {
		r.at(args, "%d arguments, the limit is %d", len(args.items), MaxParams)
		return nil
	}
	out := *args
	out.items = make([]*value, len(args.items))
	for i, v := range args.items {
		p := v
		if v.kind == kindMap && len(v.keys) == 1 {
			inner := v.items[0]
			switch {
			case v.keys[0] == "/" && inner.kind == kindMap && len(inner.keys) == 1 && inner.keys[0] == "bytes":
				p = inner
			case contains(promiseFields, v.keys[0]):
				label := inner.get("/")
				if label == nil || label.kind != kindString || len(inner.keys) != 1 {
					r.at(inner, "the link of an instruction is expected: {\"/\": CID}")
					continue
				}
				wrapped := *v
				wrapped.items = []*value{label}
				p = &wrapped
			case v.keys[0] != "/":
				r.at(v, "an argument that is a map is a link, bytes or a promise: one of the fields /, %s%s",
					strings.Join(promiseFields, ", "), nearest(v.keys[0], promiseFields))
				continue
			}
		}
		out.items[i] = p
		r.param(t, p)
	}
	for _, v := range t.hidden {
		r.at(v, "the draft's form has no secrets: write the workflow as %s", Version)
	}
	return &out
}

// ipvmLimits reads what decides an outcome from a task's meta: "fuel" in instructions, "memory" in bytes, and our own
// "result". A number that is no int64 means no limit, which the executor sets then, and a task gets no more memory than the
// executor gives by itself. "time" decides nothing: nobody could reproduce it.
func (r *docReader) ipvmLimits(t *TaskDoc, meta *value) {
	number := func(key string) uint64 {
		v := meta.get(key)
		if v == nil || v.kind == kindNull || v.kind == kindFloat && v.f >= math.MaxInt64 {
			return 0
		}
		if v.kind != kindInt || v.i.Sign() <= 0 {
			r.at(v, "a positive integer is expected")
			return 0
		}
		if !v.i.IsInt64() {
			return 0
		}
		return v.i.Uint64()
	}
	if s := meta.get(secretKey); s != nil {
		r.at(s, "the draft's form has no secrets: write the workflow as %s", Version)
	}
	t.Fuel = number("fuel")
	t.memoryCap = number("memory")
	r.result(t, meta.get("result"))
}

// ipld is a value in the data model, maps read as DAG-JSON. An integer of more than 64 bits is a float, as it is for the
// JSON reader of the draft's implementation.
func (r *docReader) ipld(v *value) datamodel.Node {
	n, err := v.ipld()
	if err != nil {
		r.at(v, "%v", err)
		return datamodel.Null
	}
	return n
}

func (v *value) ipld() (datamodel.Node, error) {
	switch {
	case v.kind == kindInt && !v.i.IsInt64() && !v.i.IsUint64():
		f, _ := v.i.Float64()
		if math.IsInf(f, 0) {
			return nil, fmt.Errorf("the integer does not fit a number of 64 bits")
		}
		return basicnode.NewFloat(f), nil
	case v.kind == kindList:
		return qp.BuildList(basicnode.Prototype.Any, int64(len(v.items)), func(la datamodel.ListAssembler) {
			for _, item := range v.items {
				qp.ListEntry(la, item.assign)
			}
		})
	case v.kind == kindMap && len(v.keys) == 1 && v.keys[0] == "/":
		return v.items[0].special()
	case v.kind == kindMap:
		return qp.BuildMap(basicnode.Prototype.Any, int64(len(v.items)), func(ma datamodel.MapAssembler) {
			for i, item := range v.items {
				qp.MapEntry(ma, v.keys[i], item.assign)
			}
		})
	}
	return v.scalar()
}

// assign is ipld within a builder of qp, which takes errors as panics and returns them.
func (v *value) assign(na datamodel.NodeAssembler) {
	n, err := v.ipld()
	if err != nil {
		panic(err)
	}
	qp.Node(n)(na)
}

// special is what stands under "/" in DAG-JSON: the CID of a link, or {bytes: base64}.
func (v *value) special() (datamodel.Node, error) {
	if v.kind == kindString {
		c, err := cid.Decode(v.s)
		if err != nil || len(v.s) > 256 {
			return nil, fmt.Errorf("not a CID: %.64q", v.s)
		}
		return basicnode.NewLink(cidlink.Link{Cid: c}), nil
	}
	b := v.get("bytes")
	if b == nil || len(v.keys) != 1 || b.kind != kindString {
		return nil, fmt.Errorf("under \"/\" stands a CID or {\"bytes\": base64}")
	}
	data, err := decodeBase64(b.s)
	if err != nil {
		return nil, fmt.Errorf("base64 is expected: %v", err)
	}
	return basicnode.NewBytes(data), nil
}
