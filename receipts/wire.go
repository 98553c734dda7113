package receipts

import (
	"fmt"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"
	"github.com/ipld/go-ipld-prime/node/bindnode"

	"github.com/trilemma-dev/trilemma/block"
)

// node is the claim in the data model. The result is assembled by hand: a value may be null, which the schema binding cannot
// tell from an absent one.
func (c Claim) node() (datamodel.Node, error) {
	if (c.Out.Ok == nil) == (c.Out.Error == nil) {
		return nil, fmt.Errorf("%w: a result is either ok or an error", ErrReceipt)
	}
	run, err := c.Run.node()
	if err != nil {
		return nil, err
	}
	return qp.BuildMap(basicnode.Prototype.Any, 3, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, "ran", qp.Link(c.Ran))
		qp.MapEntry(ma, "out", qp.Map(1, func(ma datamodel.MapAssembler) {
			if c.Out.Ok != nil {
				qp.MapEntry(ma, "ok", qp.Node(*c.Out.Ok))
				return
			}
			qp.MapEntry(ma, "error", qp.Map(-1, c.Out.Error.assemble))
		}))
		qp.MapEntry(ma, "run", qp.Node(run))
	})
}

func (f *Failure) assemble(ma datamodel.MapAssembler) {
	qp.MapEntry(ma, "kind", qp.String(f.Kind))
	if f.Code != nil {
		qp.MapEntry(ma, "code", qp.Int(*f.Code))
	}
	if f.Trap != nil {
		qp.MapEntry(ma, "trap", qp.String(*f.Trap))
	}
	if f.Message != nil {
		qp.MapEntry(ma, "message", qp.String(*f.Message))
	}
}

// node copies the bound value, so that the result is a plain node.
func (r Run) node() (datamodel.Node, error) {
	nb := basicnode.Prototype.Any.NewBuilder()
	if err := datamodel.Copy(bindnode.Wrap(&r, types().TypeByName("Run")).Representation(), nb); err != nil {
		return nil, err
	}
	return nb.Build(), nil
}

// readClaim is the inverse of node. It refuses unknown fields everywhere.
func readClaim(n datamodel.Node) (c Claim, err error) {
	if n.Length() != 3 {
		return c, fmt.Errorf("%d fields, want ran, out and run", n.Length())
	}
	for key, read := range map[string]func(datamodel.Node) error{
		"ran": func(v datamodel.Node) error {
			l, ok := block.Link(v)
			c.Ran = Link(l)
			if !ok {
				return fmt.Errorf("not a link")
			}
			return nil
		},
		"out": func(v datamodel.Node) error { return c.Out.read(v) },
		"run": func(v datamodel.Node) error { return unmarshal(v, &c.Run, "Run") },
	} {
		v, err := n.LookupByString(key)
		if err != nil {
			return c, fmt.Errorf("no field %s", key)
		}
		if err := read(v); err != nil {
			return c, fmt.Errorf("field %s: %w", key, err)
		}
	}
	return c, nil
}

func (o *Out) read(n datamodel.Node) error {
	if n.Kind() != datamodel.Kind_Map || n.Length() != 1 {
		return fmt.Errorf("a result is either ok or an error")
	}
	if v, err := n.LookupByString("ok"); err == nil {
		o.Ok = &v
		return nil
	}
	v, err := n.LookupByString("error")
	if err != nil {
		return fmt.Errorf("a result is either ok or an error")
	}
	o.Error = &Failure{}
	return unmarshal(v, o.Error, "Failure")
}

func unmarshal(n datamodel.Node, v any, name string) error {
	data, err := block.Encode(n)
	if err != nil {
		return err
	}
	return block.Unmarshal(data, v, types().TypeByName(name))
}
