package workflow

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/hidden"
)

// Commands of tasks that this program runs itself.
const CommandRun = "/wasm/run"

// MaxInline is the size in bytes up to which bytes that a document holds stand in a task, and results in a receipt; larger
// ones, and all files, are blocks of their own.
const MaxInline = 4096

// Config is what compiling needs from outside.
type Config struct {
	Sub     string // did:key of the executor that the tasks are addressed to
	Profile string
	Fuel    uint64 // defaults of limits that the document does not set
	Memory  uint32
	Output  uint64

	// ReadFile reads a file that the document names, relative to the document.
	ReadFile func(name string) ([]byte, error)
	// ReadBlock reads a block that the document names by CID; nil if there are none.
	ReadBlock func(c cid.Cid) (block.Block, error)
	// Seal commits to the stream of a secret, and keeps what opens it; nil refuses secrets.
	Seal func(stream []byte) (hidden.Commitment, error)
}

// Task is one task of a compiled workflow.
type Task struct {
	Label       string
	Sub         string         // did:key of the executor that the task is addressed to
	CID         cid.Cid        // of {sub, cmd, args, nonce}
	Computation cid.Cid        // of {cmd, args, nonce}
	Node        datamodel.Node // the task
	Awaits      []Await
	Check       Check
	Idempotent  bool    // of an effect: may be repeated after a crash
	Secret      bool    // something that it consumes is hidden, or all that it consumes and gives
	Source      cid.Cid // of a task of the IPVM draft: its instruction, whose CID is the label; else undefined

	Call // what the args say
}

// Await is a task that another one waits for.
type Await struct {
	Label  string
	Branch string // ok, error or *
}

// Workflow is a compiled workflow: tasks in an order in which each comes after what it awaits, effects last.
type Workflow struct {
	CID    cid.Cid
	Tasks  []*Task
	Blocks map[cid.Cid][]byte // the workflow, its tasks, and the modules and inputs that they link to
	Source cid.Cid            // of a workflow of the IPVM draft: the draft's workflow; else undefined

	byLabel map[string]*Task
}

// Task returns the task of a label, or nil.
func (w *Workflow) Task(label string) *Task { return w.byLabel[label] }

// index makes Task work.
func (w *Workflow) index() {
	w.byLabel = make(map[string]*Task, len(w.Tasks))
	for _, t := range w.Tasks {
		w.byLabel[t.Label] = t
	}
}

type compiler struct {
	reporter
	cfg          Config
	computations map[string]cid.Cid // by label
	files        map[string]block.Block
	hidden       map[*value]bool
	w            *Workflow
}

// Compile resolves files and labels to content, and secrets to commitments. The error is an [Errors] with places. Where it commits to a secret, the document holds
// the commitment from then on, and no longer the secret: see [Document.Redacted].
func Compile(d *Document, cfg Config) (*Workflow, error) {
	c := newCompiler(d, cfg)
	for _, doc := range d.Tasks {
		if _, err := c.add(doc); err != nil {
			return nil, err
		}
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	if c.w.Source = d.Source.CID; c.w.Source.Defined() {
		c.put(d.Source)
	}
	if err := c.w.taint(); err != nil {
		return nil, err
	}
	b, err := c.w.encode(d.Name)
	if err != nil {
		return nil, err
	}
	c.w.CID = b.CID
	c.w.Blocks[b.CID] = b.Data
	c.w.index()
	return c.w, nil
}

func newCompiler(d *Document, cfg Config) *compiler {
	c := &compiler{reporter: reporter{file: d.File}, cfg: cfg, computations: make(map[string]cid.Cid),
		files: make(map[string]block.Block), hidden: make(map[*value]bool), w: &Workflow{Blocks: make(map[cid.Cid][]byte)}}
	for _, t := range d.Tasks {
		for _, v := range t.hidden {
			c.hidden[v] = true
		}
	}
	return c
}

// add compiles a task whose awaited tasks were added before. It returns nil if the task has a mistake, which it reports.
func (c *compiler) add(doc *TaskDoc) (*Task, error) {
	t, err := c.task(doc)
	if err != nil {
		return nil, fmt.Errorf("task %q: %w", doc.Label, err)
	}
	if t == nil { // those that await it would only repeat the mistake
		c.computations[doc.Label] = block.Raw(nil).CID
		return nil, nil
	}
	c.computations[doc.Label] = t.Computation
	c.w.Tasks = append(c.w.Tasks, t)
	return t, nil
}

func (c *compiler) put(b block.Block) { c.w.Blocks[b.CID] = b.Data }

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

func (c *compiler) task(d *TaskDoc) (*Task, error) {
	before := len(c.errs) + c.more
	t := &Task{Label: d.Label, Check: d.Check, Idempotent: d.Idempotent, Source: d.source}
	for _, a := range d.awaits {
		t.Awaits = append(t.Awaits, Await{Label: a.label, Branch: a.branch})
	}
	cmd := CommandRun
	var args datamodel.Node
	var err error
	if d.Effect != "" {
		cmd = d.Effect
		args, err = c.params(d.args)
	} else {
		args, err = c.runArgs(d)
	}
	if len(c.errs)+c.more > before {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	nonce := d.Nonce
	if nonce == nil {
		nonce = []byte{}
	}
	if err := t.setNode(c.cfg.Sub, cmd, args, nonce); err != nil {
		return nil, err
	}
	data, err := block.Encode(t.Node)
	if err != nil {
		return nil, err
	}
	c.put(block.Block{CID: t.CID, Data: data})
	return t, nil
}

// setNode fills Node and both CIDs, and reads the call back from the args.
func (t *Task) setNode(sub, cmd string, args datamodel.Node, nonce []byte) (err error) {
	build := func(withSub bool) (datamodel.Node, error) {
		return qp.BuildMap(basicnode.Prototype.Any, -1, func(ma datamodel.MapAssembler) {
			if withSub {
				qp.MapEntry(ma, "sub", qp.String(sub))
			}
			qp.MapEntry(ma, "cmd", qp.String(cmd))
			qp.MapEntry(ma, "args", qp.Node(args))
			qp.MapEntry(ma, "nonce", qp.Bytes(nonce))
		})
	}
	if t.Node, err = build(true); err != nil {
		return err
	}
	whole, err := block.New(t.Node)
	if err != nil {
		return err
	}
	bare, err := build(false)
	if err != nil {
		return err
	}
	comp, err := block.New(bare)
	if err != nil {
		return err
	}
	t.Sub, t.CID, t.Computation = sub, whole.CID, comp.CID
	t.Call, err = readCall(cmd, args)
	return err
}

func (c *compiler) runArgs(d *TaskDoc) (datamodel.Node, error) {
	mod := c.content(d.modAt, d.Mod)
	var params datamodel.Node
	var err error
	switch {
	case d.args != nil:
		params, err = c.params(d.args)
	case d.Fun != "":
		params, err = qp.BuildList(basicnode.Prototype.Any, 0, func(datamodel.ListAssembler) {})
	default:
		params, err = qp.BuildMap(basicnode.Prototype.Any, 0, func(datamodel.MapAssembler) {})
	}
	if err != nil {
		return nil, err
	}
	memory := orDefault(d.Memory, c.cfg.Memory)
	if d.memoryCap > 0 {
		memory = uint32(min(d.memoryCap/pageSize, uint64(memory)))
	}
	return qp.BuildMap(basicnode.Prototype.Any, -1, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, "mod", qp.Link(cidlink.Link{Cid: mod}))
		if d.Fun != "" {
			qp.MapEntry(ma, "fun", qp.String(d.Fun))
		}
		qp.MapEntry(ma, "params", qp.Node(params))
		if d.Result != "" {
			qp.MapEntry(ma, "result", qp.String(d.Result))
		}
		qp.MapEntry(ma, "profile", qp.String(c.cfg.Profile))
		qp.MapEntry(ma, "fuel", qp.Int(int64(orDefault(d.Fuel, c.cfg.Fuel))))
		qp.MapEntry(ma, "memory", qp.Int(int64(memory)))
		qp.MapEntry(ma, "output", qp.Int(int64(orDefault(d.Output, c.cfg.Output))))
		qp.MapEntry(ma, "clock", qp.Int(int64(d.Clock)))
		qp.MapEntry(ma, "seed", qp.Int(int64(d.Seed)))
		if d.Secret {
			qp.MapEntry(ma, "secret", qp.Bool(true))
		}
		if d.Declassify {
			qp.MapEntry(ma, "declassify", qp.Bool(true))
		}
	})
}

// content finds what a path, a CID or an ipfs:// CID names, keeps it with the workflow and returns its CID.
func (c *compiler) content(at *value, name string) cid.Cid {
	if id, ok := cidOf(name); ok {
		b, err := c.block(id)
		if err == nil && id.Prefix().Codec == cid.DagCBOR { // what no bundle could hold must not run
			_, err = block.Decode(b.Data)
		}
		if err != nil {
			c.at(at, "%s is not available: %v (a file of that name beside the workflow would do)", id, err)
			return cid.Undef
		}
		c.put(b)
		return b.CID
	}
	if id, ok := strings.CutPrefix(name, "ipfs://"); ok {
		_, err := block.Parse(id)
		c.at(at, "%v", err)
		return cid.Undef
	}
	b, ok := c.file(at, name)
	if ok {
		c.put(b)
	}
	return b.CID
}

// block finds content by its CID: where the configuration says, or in a file of that name.
func (c *compiler) block(id cid.Cid) (block.Block, error) {
	err := errors.New("there is no store here")
	if c.cfg.ReadBlock != nil {
		var b block.Block
		if b, err = c.cfg.ReadBlock(id); err == nil {
			return b, nil
		}
	}
	if c.cfg.ReadFile == nil {
		return block.Block{}, err
	}
	data, fileErr := c.cfg.ReadFile(id.String())
	if errors.Is(fileErr, fs.ErrNotExist) {
		return block.Block{}, err
	}
	if fileErr == nil {
		fileErr = block.Check(id, data)
	}
	return block.Block{CID: id, Data: data}, fileErr
}

func (c *compiler) file(at *value, name string) (block.Block, bool) {
	if b, ok := c.files[name]; ok {
		return b, true
	}
	data, err := c.cfg.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.at(at, "the file %q does not exist (paths are relative to the workflow's file)", name)
		return block.Block{}, false
	case err != nil:
		c.at(at, "the file %q cannot be read: %v", name, err)
		return block.Block{}, false
	case len(data) > block.MaxBlock:
		c.at(at, "the file %q has %d bytes, the limit is %d", name, len(data), block.MaxBlock)
		return block.Block{}, false
	}
	b := block.Raw(data)
	c.files[name] = b
	return b, true
}

func cidOf(name string) (cid.Cid, bool) {
	id, err := block.Parse(strings.TrimPrefix(name, "ipfs://"))
	return id, err == nil
}

// params turns parameters into IPLD: scalars as they are, files linked, bytes inline if they are few, promises as links to
// computations.
func (c *compiler) params(v *value) (n datamodel.Node, err error) {
	switch v.kind {
	case kindList:
		return qp.BuildList(basicnode.Prototype.Any, int64(len(v.items)), func(la datamodel.ListAssembler) {
			for _, item := range v.items {
				qp.ListEntry(la, qp.Node(c.param(item)))
			}
		})
	case kindMap:
		return qp.BuildMap(basicnode.Prototype.Any, int64(len(v.items)), func(ma datamodel.MapAssembler) {
			for i, key := range v.keys {
				item := v.items[i]
				if key == "args" && item.kind == kindList || key == "env" && item.kind == kindMap && item.get("bytes") == nil {
					sub, err := c.params(item)
					if err != nil {
						c.at(item, "%v", err)
						sub = datamodel.Null
					}
					qp.MapEntry(ma, key, qp.Node(sub))
					continue
				}
				qp.MapEntry(ma, key, qp.Node(c.param(item)))
			}
		})
	}
	return nil, fmt.Errorf("parameters are a list or a map, found %s", v.kind)
}

func (c *compiler) param(v *value) datamodel.Node {
	if c.hidden[v] {
		return c.secret(v)
	}
	if v.kind != kindMap {
		n, err := v.scalar()
		if err != nil {
			c.at(v, "%v", err)
			return datamodel.Null
		}
		return n
	}
	key, item := v.form()
	switch key {
	case "value":
		return c.param(item)
	case "file":
		b, ok := c.file(item, item.s)
		if !ok {
			return datamodel.Null
		}
		c.put(b) // whatever its size, so that it can be left out of a bundle
		return basicnode.NewLink(cidlink.Link{Cid: b.CID})
	case "bytes":
		data, err := decodeBase64(item.s)
		if err != nil {
			c.at(item, "%v", err)
		}
		return c.bytes(block.Raw(data))
	case "/":
		return basicnode.NewLink(cidlink.Link{Cid: c.content(item, item.s)})
	}
	n, err := qp.BuildMap(basicnode.Prototype.Any, 1, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, key, qp.Link(cidlink.Link{Cid: c.computations[item.s]}))
	})
	if err != nil {
		c.at(v, "%v", err)
		return datamodel.Null
	}
	return n
}

func (c *compiler) bytes(b block.Block) datamodel.Node {
	if len(b.Data) <= MaxInline {
		return basicnode.NewBytes(b.Data)
	}
	c.put(b)
	return basicnode.NewLink(cidlink.Link{Cid: b.CID})
}
