package work

import (
	"context"
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/verifier"
	"github.com/trilemma-dev/trilemma/workflow"
)

// DefaultFuel is the fuel of a task that names none: some ten seconds of native code.
const DefaultFuel = 10_000_000_000

// Modes are the modes of verification, as parameters name them.
func Modes() []string {
	return []string{string(verifier.Attest), string(verifier.Rerun), string(verifier.Spot), string(verifier.ZK), string(verifier.Check), string(verifier.All)}
}

// Compile compiles a document whose modules and files are stored blocks. name tells its form, as a file's name would. parts are the
// blocks that it made.
func Compile(ctx context.Context, blocks store.Blocks, name string, data []byte, sub string) (w *workflow.Workflow, parts []block.Block, err error) {
	d, err := workflow.Parse(name, data)
	if err != nil {
		return nil, nil, err
	}
	g := &getter{ctx: ctx, blocks: blocks}
	here := make(map[cid.Cid]bool)
	w, err = workflow.Compile(d, workflow.Config{Sub: sub, Profile: link.Profile, Fuel: DefaultFuel, Memory: link.DefaultPages, Output: link.DefaultOutput,
		ReadFile: func(string) ([]byte, error) {
			return nil, errors.New("a file of yours: put it as a block and name its CID")
		},
		Seal: func([]byte) (hidden.Commitment, error) {
			return hidden.Commitment{}, fmt.Errorf("the parameter is %w", ErrSecret)
		},
		ReadBlock: func(c cid.Cid) (block.Block, error) {
			b, ok := g.get(c)
			if !ok {
				return b, errors.New("it is not here: put it first")
			}
			here[c] = true
			return b, nil
		}})
	if g.err != nil {
		return nil, nil, g.err
	}
	if err != nil {
		return nil, nil, err
	}
	for c, data := range w.Blocks {
		if !here[c] {
			parts = append(parts, block.Block{CID: c, Data: data})
		}
	}
	return w, parts, nil
}

// Computations are the blocks of a workflow's tasks without their subjects, which receipts and promises link to.
func Computations(w *workflow.Workflow) (out []block.Block, err error) {
	for _, t := range w.Tasks {
		n, err := qp.BuildMap(basicnode.Prototype.Any, 3, func(ma datamodel.MapAssembler) {
			for _, key := range []string{"cmd", "args", "nonce"} {
				v, err := t.Node.LookupByString(key)
				if err != nil {
					panic(err) // qp returns it
				}
				qp.MapEntry(ma, key, qp.Node(v))
			}
		})
		if err != nil {
			return nil, err
		}
		b, err := block.New(n)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// ErrSecret says that a workflow has secrets.
var ErrSecret = errors.New("secret: whoever runs it sees what is hidden, so that its owner does, on a machine of his own (trilemma run --secrets)")

// Checker finds tasks that must fail, whatever they are given. It remembers modules; it is safe for concurrent use, and its zero
// value is ready.
type Checker struct{ cache evaluate.Cache }

// Check looks at the tasks of a workflow whose modules are stored blocks, or among its own. It runs nothing.
func (c *Checker) Check(ctx context.Context, blocks store.Blocks, w *workflow.Workflow) error {
	g := &getter{ctx: ctx, blocks: blocks}
	get := func(id cid.Cid) (block.Block, bool) {
		if data, ok := w.Blocks[id]; ok {
			return block.Block{CID: id, Data: data}, true
		}
		return g.get(id)
	}
	for _, t := range w.Tasks {
		if t.Secret {
			return refuse(fmt.Errorf("task %q is %w", t.Label, ErrSecret))
		}
		if t.Effect() {
			continue
		}
		failure, err := c.cache.Check(t.Call, get)
		if g.err != nil {
			return g.err
		}
		if err == nil && failure != nil {
			err = errors.New(*failure.Message)
		}
		if err != nil {
			return refuse(fmt.Errorf("task %q: %w", t.Label, err))
		}
	}
	return nil
}
