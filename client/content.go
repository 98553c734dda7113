package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/workflow"
)

const typeRaw = "application/octet-stream"

// Put keeps a block at the service.
func (c *Client) Put(ctx context.Context, b block.Block) error {
	var out wire.Stored
	return c.get(ctx, call{method: http.MethodPut, path: "/v1/blocks/" + b.CID.String(), command: capability.CommandPut, typ: typeRaw, body: b.Data}, &out)
}

// Get fetches a block, and checks that it is the one. One that is not there is [ErrNotFound].
func (c *Client) Get(ctx context.Context, id cid.Cid) (block.Block, error) {
	if err := block.Supported(id); err != nil {
		return block.Block{}, err
	}
	resp, err := c.send(ctx, call{method: http.MethodGet, path: "/v1/blocks/" + id.String(), command: capability.CommandGet})
	if p, ok := errors.AsType[*Problem](err); ok && p.Status == http.StatusNotFound {
		return block.Block{}, fmt.Errorf("block %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return block.Block{}, err
	}
	data, err := readAll(resp, block.MaxBlock)
	if err != nil {
		return block.Block{}, err
	}
	return block.Block{CID: id, Data: data}, block.Check(id, data)
}

// ErrNotFound says that a block is not at the service.
var ErrNotFound = errors.New("not found")

// Import keeps all blocks of a CAR file at the service.
func (c *Client) Import(ctx context.Context, car []byte) error {
	var out wire.Imported
	return c.get(ctx, call{method: http.MethodPost, path: "/v1/car", command: capability.CommandPut, typ: "application/vnd.ipld.car", body: car}, &out)
}

// PutBundle keeps a bundle at the service, so that it can be verified there.
func (c *Client) PutBundle(ctx context.Context, b *receipts.Bundle) error {
	var car bytes.Buffer
	if err := b.Write(&car); err != nil {
		return err
	}
	return c.Import(ctx, car.Bytes())
}

// PutWorkflow keeps a workflow that was compiled here at the service, with its modules and inputs. Its tasks must be addressed to the service.
func (c *Client) PutWorkflow(ctx context.Context, w *workflow.Workflow) error {
	var car bytes.Buffer
	cw, err := block.NewCARWriter(&car, w.CID)
	if err != nil {
		return err
	}
	for id, data := range w.Blocks {
		if err := cw.Put(block.Block{CID: id, Data: data}); err != nil {
			return err
		}
	}
	return c.Import(ctx, car.Bytes())
}

// Compile compiles a workflow document at the service, and keeps it there. Its modules and files are named by CID. typ is the document's media
// type: application/json, application/yaml or application/vnd.ipld.dag-cbor.
func (c *Client) Compile(ctx context.Context, typ string, document []byte) (*Workflow, error) {
	var out Workflow
	return &out, c.get(ctx, call{method: http.MethodPost, path: "/v1/workflows", command: capability.CommandPut, typ: typ, body: document}, &out)
}

// Workflow says what a workflow at the service consists of.
func (c *Client) Workflow(ctx context.Context, id string) (*Workflow, error) {
	var out Workflow
	return &out, c.get(ctx, call{method: http.MethodGet, path: "/v1/workflows/" + id, command: capability.CommandGet}, &out)
}

// Receipt says what a receipt at the service says.
func (c *Client) Receipt(ctx context.Context, id string) (*Receipt, error) {
	var out Receipt
	return &out, c.get(ctx, call{method: http.MethodGet, path: "/v1/receipts/" + id, command: capability.CommandGet}, &out)
}

// Bundle fetches the evidence of a run, and checks every block. A bundle of another run is refused.
func (c *Client) Bundle(ctx context.Context, run string) (*receipts.Bundle, error) {
	a, err := c.archive(ctx, "/v1/runs/"+run+"/bundle", run)
	if err != nil {
		return nil, err
	}
	return a.Bundle()
}

// AnswerArchive fetches an answer to a challenge with its openings. Every block is checked to be what its CID says.
func (c *Client) AnswerArchive(ctx context.Context, id string) (*receipts.Archive, error) {
	return c.archive(ctx, "/v1/answers/"+id, id)
}

// RulingArchive fetches a ruling with what it rests on. Every block is checked to be what its CID says.
func (c *Client) RulingArchive(ctx context.Context, id string) (*receipts.Archive, error) {
	return c.archive(ctx, "/v1/rulings/"+id, id)
}

func (c *Client) archive(ctx context.Context, path, root string) (*receipts.Archive, error) {
	resp, err := c.send(ctx, call{method: http.MethodGet, path: path, command: capability.CommandGet})
	if err != nil {
		return nil, err
	}
	a, err := receipts.ReadArchive(resp.Body, block.CARLimits{})
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	if a.Root.String() != root {
		return nil, fmt.Errorf("%w: what %s is the root of, instead of %s", ErrAnswer, a.Root, root)
	}
	return a, nil
}

// Revoke tells the service of revocations: a container, with the chains that lead to what they revoke.
func (c *Client) Revoke(ctx context.Context, tokens []byte) (*wire.Revocations, error) {
	var out wire.Revocations
	return &out, c.get(ctx, call{method: http.MethodPost, path: "/v1/revocations", typ: typeRaw, body: tokens}, &out)
}
