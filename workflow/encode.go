package workflow

import (
	"fmt"
	"slices"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
)

// encode makes the workflow's block: {trilemma, name?, source?, tasks: {label: {task, check, idempotent?}}}. Awaits are not written:
// they stand in the tasks.
func (w *Workflow) encode(name string) (block.Block, error) {
	n, err := qp.BuildMap(basicnode.Prototype.Any, -1, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, "trilemma", qp.String(Version))
		if name != "" {
			qp.MapEntry(ma, "name", qp.String(name))
		}
		if w.Source.Defined() {
			qp.MapEntry(ma, "source", qp.Link(cidlink.Link{Cid: w.Source}))
		}
		qp.MapEntry(ma, "tasks", qp.Map(int64(len(w.Tasks)), func(ma datamodel.MapAssembler) {
			for _, t := range w.Tasks {
				check, err := t.Check.node()
				if err != nil {
					check = datamodel.Null
				}
				qp.MapEntry(ma, t.Label, qp.Map(-1, func(ma datamodel.MapAssembler) {
					qp.MapEntry(ma, "task", qp.Link(cidlink.Link{Cid: t.CID}))
					qp.MapEntry(ma, "check", qp.Node(check))
					if t.Idempotent {
						qp.MapEntry(ma, "idempotent", qp.Bool(true))
					}
				}))
			}
		}))
	})
	if err != nil {
		return block.Block{}, fmt.Errorf("encode workflow: %w", err)
	}
	return block.New(n)
}

// PromiseOf returns the branch and the computation of a promise in a task's parameters.
func PromiseOf(n datamodel.Node) (branch string, computation cid.Cid, ok bool) {
	if n.Kind() != datamodel.Kind_Map || n.Length() != 1 {
		return "", cid.Undef, false
	}
	k, v, err := n.MapIterator().Next()
	if err != nil {
		return "", cid.Undef, false
	}
	key, err := k.AsString()
	if err != nil || !slices.Contains(promiseFields, key) {
		return "", cid.Undef, false
	}
	c, ok := block.Link(v)
	return key[len("await/"):], c, ok
}
