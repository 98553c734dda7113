package workflow

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
)

// ErrMalformed is returned for blocks that are not a workflow of a known version, or not a consistent one.
var ErrMalformed = errors.New("malformed workflow")

// ErrMissing is returned if the workflow's block or a task's is not there.
var ErrMissing = errors.New("block is missing")

// Read is the inverse of [Compile]: it rebuilds a workflow from its block and its tasks' blocks, which get returns. The
// blocks may come from anywhere: CIDs are computed again, and a task block under another CID is refused. Only the
// workflow's and the tasks' blocks are read; modules and inputs may be absent.
func Read(root cid.Cid, get func(cid.Cid) (block.Block, bool)) (*Workflow, error) {
	b, ok := get(root)
	if !ok {
		return nil, fmt.Errorf("workflow %s: %w", root, ErrMissing)
	}
	w := &Workflow{CID: root, Blocks: map[cid.Cid][]byte{root: b.Data}}
	name, tasks, err := w.readRoot(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	for it := tasks.MapIterator(); !it.Done(); {
		k, v, err := it.Next()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		label, err := k.AsString()
		if err != nil || !labelPattern.MatchString(label) {
			return nil, fmt.Errorf("%w: label %.80q", ErrMalformed, label)
		}
		t, err := readEntry(label, v, get)
		if errors.Is(err, ErrMissing) {
			return nil, fmt.Errorf("task %q: %w", label, err)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: task %q: %w", ErrMalformed, label, err)
		}
		data, err := block.Encode(t.Node)
		if err != nil {
			return nil, err
		}
		w.Blocks[t.CID] = data
		w.Tasks = append(w.Tasks, t)
	}
	if err := w.connect(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if w.Source.Defined() {
		if err := w.readSource(get); err != nil {
			return nil, err
		}
	}
	// What was read must be what would be written: then every field was known and none was ignored.
	again, err := w.encode(name)
	if err != nil || !again.CID.Equals(root) {
		return nil, fmt.Errorf("%w: block %s has unknown fields", ErrMalformed, root)
	}
	w.index()
	return w, nil
}

func (w *Workflow) readRoot(b block.Block) (name string, tasks datamodel.Node, err error) {
	n, err := block.Decode(b.Data)
	if err != nil {
		return "", nil, err
	}
	r := argReader{args: n}
	if n.Kind() != datamodel.Kind_Map {
		return "", nil, fmt.Errorf("not a map")
	}
	if v := r.text("trilemma", true); r.err == nil && v != Version {
		return "", nil, fmt.Errorf("unknown version %.64q, this program knows %q", v, Version)
	}
	name = r.text("name", false)
	if s := r.get("source", false); s != nil {
		var ok bool
		if w.Source, ok = block.Link(s); !ok {
			r.fail("source is not a link")
		}
	}
	tasks = r.get("tasks", true)
	if r.err == nil && (tasks.Kind() != datamodel.Kind_Map || tasks.Length() == 0 || tasks.Length() > MaxTasks) {
		r.fail("tasks are not a map of 1 to %d", MaxTasks)
	}
	return name, tasks, r.err
}

func readEntry(label string, v datamodel.Node, get func(cid.Cid) (block.Block, bool)) (*Task, error) {
	if v.Kind() != datamodel.Kind_Map {
		return nil, fmt.Errorf("not a map")
	}
	t := &Task{Label: label}
	r := argReader{args: v}
	link, ok := block.Link(r.get("task", true))
	if !ok {
		return nil, fmt.Errorf("task is not a link")
	}
	var err error
	if t.Check, err = readCheck(r.get("check", true)); err != nil {
		return nil, err
	}
	if i := r.get("idempotent", false); i != nil {
		if t.Idempotent, err = i.AsBool(); err != nil {
			return nil, err
		}
	}
	b, ok := get(link)
	if !ok {
		return nil, fmt.Errorf("%s: %w", link, ErrMissing)
	}
	n, err := block.Decode(b.Data)
	if err != nil {
		return nil, err
	}
	if n.Kind() != datamodel.Kind_Map || n.Length() != 4 {
		return nil, fmt.Errorf("block %s is not {sub, cmd, args, nonce}", link)
	}
	f := argReader{args: n}
	sub, cmd := f.text("sub", true), f.text("cmd", true)
	args, nonceNode := f.get("args", true), f.get("nonce", true)
	if f.err != nil {
		return nil, f.err
	}
	nonce, err := nonceNode.AsBytes()
	if err != nil {
		return nil, fmt.Errorf("the nonce is not bytes")
	}
	if err := t.setNode(sub, cmd, args, nonce); err != nil {
		return nil, err
	}
	if !t.CID.Equals(link) {
		return nil, fmt.Errorf("its block is %s, the workflow links to %s", t.CID, link)
	}
	return t, r.err
}

func readCheck(n datamodel.Node) (c Check, err error) {
	if n == nil {
		return c, fmt.Errorf("check is missing")
	}
	if s, err := n.AsString(); err == nil {
		if m, ok := checkNames[s]; ok && string(m) == s {
			return Check{Mode: m}, nil
		}
		return c, fmt.Errorf("unknown check %.20q", s)
	}
	if n.Kind() != datamodel.Kind_Map || n.Length() != 1 {
		return c, fmt.Errorf("malformed check")
	}
	if o, err := n.LookupByString(string(CheckOptimistic)); err == nil && o.Kind() == datamodel.Kind_Map {
		r := argReader{args: o}
		c = Check{Mode: CheckOptimistic, Confirmations: r.number("confirmations", 1000)}
		if ref := r.get("referee", true); ref != nil {
			c.Referee, err = ref.AsString()
		}
		return c, errors.Join(r.err, err)
	}
	l, err := n.LookupByString(string(CheckConsensus))
	if err != nil || l.Kind() != datamodel.Kind_List || l.Length() > 1000 {
		return c, fmt.Errorf("malformed check")
	}
	c.Mode = CheckConsensus
	for it := l.ListIterator(); !it.Done(); {
		_, v, err := it.Next()
		if err != nil {
			return c, err
		}
		s, err := v.AsString()
		if err != nil {
			return c, err
		}
		c.Executors = append(c.Executors, s)
	}
	return c, nil
}

// connect finds the awaits in the tasks' parameters, and orders the tasks. A cycle cannot be: a task's CID would have to
// depend on itself.
func (w *Workflow) connect() error {
	labels := make(map[cid.Cid]string, len(w.Tasks))
	for _, t := range w.Tasks {
		if _, ok := labels[t.Computation]; !ok {
			labels[t.Computation] = t.Label
		}
	}
	docs := make(map[string]*TaskDoc, len(w.Tasks))
	tasks := make(map[*TaskDoc]*Task, len(w.Tasks))
	list := make([]*TaskDoc, len(w.Tasks))
	for i, t := range w.Tasks {
		list[i] = &TaskDoc{Label: t.Label}
		docs[t.Label], tasks[list[i]] = list[i], t
	}
	effect := make(map[string]bool)
	for _, t := range w.Tasks {
		effect[t.Label] = t.Effect()
	}
	for _, t := range w.Tasks {
		err := eachPromise(t.Params, func(branch string, comp cid.Cid) error {
			label, ok := labels[comp]
			if !ok {
				return fmt.Errorf("task %q awaits %s, which is no task of the workflow", t.Label, comp)
			}
			if effect[label] && !t.Effect() {
				return fmt.Errorf("task %q awaits the effect %q", t.Label, label)
			}
			t.Awaits = append(t.Awaits, Await{Label: label, Branch: branch})
			return nil
		})
		if err != nil {
			return err
		}
	}
	order, cycle := topological(list, func(d *TaskDoc) (out []*TaskDoc) {
		for _, a := range tasks[d].Awaits {
			out = append(out, docs[a.Label])
		}
		return out
	})
	if cycle != nil {
		return fmt.Errorf("the tasks await each other in a cycle through %q", cycle[0].Label)
	}
	w.Tasks = w.Tasks[:0]
	for _, d := range order {
		w.Tasks = append(w.Tasks, tasks[d])
	}
	slices.SortStableFunc(w.Tasks, func(a, b *Task) int { return boolInt(a.Effect()) - boolInt(b.Effect()) })
	return w.taint()
}

// eachPromise calls f for every promise in a task's parameters, in their order.
func eachPromise(n datamodel.Node, f func(branch string, computation cid.Cid) error) error {
	if branch, comp, ok := PromiseOf(n); ok {
		return f(branch, comp)
	}
	switch n.Kind() {
	case datamodel.Kind_List:
		for it := n.ListIterator(); !it.Done(); {
			_, v, err := it.Next()
			if err != nil {
				return err
			}
			if err := eachPromise(v, f); err != nil {
				return err
			}
		}
	case datamodel.Kind_Map:
		for it := n.MapIterator(); !it.Done(); {
			_, v, err := it.Next()
			if err != nil {
				return err
			}
			if err := eachPromise(v, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// Resolve returns a task's parameters with every promise replaced by what result gives for it: a value, or false if the
// awaited branch was not taken. A failed promise is returned as mismatch, by its computation.
func Resolve(params datamodel.Node, result func(branch string, computation cid.Cid) (datamodel.Node, bool)) (n datamodel.Node, mismatch *cid.Cid, err error) {
	if branch, comp, ok := PromiseOf(params); ok {
		v, ok := result(branch, comp)
		if !ok {
			return nil, &comp, nil
		}
		return v, nil, nil
	}
	if params.Kind() != datamodel.Kind_List && params.Kind() != datamodel.Kind_Map {
		return params, nil, nil
	}
	nb := params.Prototype().NewBuilder()
	if params.Kind() == datamodel.Kind_List {
		la, err := nb.BeginList(params.Length())
		if err != nil {
			return nil, nil, err
		}
		for it := params.ListIterator(); !it.Done(); {
			_, v, err := it.Next()
			if err != nil {
				return nil, nil, err
			}
			v, mismatch, err := Resolve(v, result)
			if err != nil || mismatch != nil {
				return nil, mismatch, err
			}
			if err := la.AssembleValue().AssignNode(v); err != nil {
				return nil, nil, err
			}
		}
		return finish(nb, la.Finish())
	}
	ma, err := nb.BeginMap(params.Length())
	if err != nil {
		return nil, nil, err
	}
	for it := params.MapIterator(); !it.Done(); {
		k, v, err := it.Next()
		if err != nil {
			return nil, nil, err
		}
		v, mismatch, err := Resolve(v, result)
		if err != nil || mismatch != nil {
			return nil, mismatch, err
		}
		if err := ma.AssembleKey().AssignNode(k); err != nil {
			return nil, nil, err
		}
		if err := ma.AssembleValue().AssignNode(v); err != nil {
			return nil, nil, err
		}
	}
	return finish(nb, ma.Finish())
}

func finish(nb datamodel.NodeBuilder, err error) (datamodel.Node, *cid.Cid, error) {
	if err != nil {
		return nil, nil, err
	}
	return nb.Build(), nil, nil
}
