package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/report"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/internal/work"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/wasm"
	"github.com/trilemma-dev/trilemma/workflow"
)

// Media types.
const (
	typeRaw  = "application/octet-stream"
	typeCAR  = "application/vnd.ipld.car"
	typeJSON = "application/json"
	typeYAML = "application/yaml"
	typeCBOR = "application/vnd.ipld.dag-cbor"
	typeWasm = "application/wasm"
)

// accepts describes a body of these types.
func accepts(types ...string) *huma.RequestBody {
	b := &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{}}
	for _, t := range types {
		b.Content[t] = &huma.MediaType{}
	}
	return b
}

// answers describes an answer that is no JSON.
func answers(text string, types ...string) map[string]*huma.Response {
	r := &huma.Response{Description: text, Content: map[string]*huma.MediaType{}}
	for _, t := range types {
		r.Content[t] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	return map[string]*huma.Response{"200": r}
}

// named is an input with a CID in its path.
type named struct {
	CID string `path:"cid" maxLength:"256" doc:"CIDv1, raw or DAG-CBOR, SHA2-256 or SHA3-256"`
}

func (n *named) parse() (cid.Cid, error) {
	c, err := block.Parse(n.CID)
	if err != nil {
		return c, problem(CodeRequest, "%v", err)
	}
	return c, nil
}

func (s *Server) contentOperations() {
	register(s, huma.Operation{OperationID: "put-block", Method: http.MethodPut, Path: "/v1/blocks/{cid}", Tags: []string{"content"}, RequestBody: accepts(typeRaw),
		Summary: "Keep a block", Description: "The bytes must be what the CID says. Of a small block the same CID may be put again; nothing changes.", DefaultStatus: http.StatusCreated},
		need{command: capability.CommandPut, body: block.MaxBlock}, s.putBlock)
	register(s, huma.Operation{OperationID: "post-block", Method: http.MethodPost, Path: "/v1/blocks", Tags: []string{"content"}, RequestBody: accepts(typeRaw),
		Summary: "Keep bytes, under the CID that the service computes", Description: "CIDv1, raw, SHA2-256. Whoever knows the CID had better put them under it.", DefaultStatus: http.StatusCreated},
		need{command: capability.CommandPut, body: block.MaxBlock}, func(ctx context.Context, _ *struct{}) (*reply[wire.Stored], error) { return s.putBlock(ctx, nil) })
	register(s, huma.Operation{OperationID: "get-block", Method: http.MethodGet, Path: "/v1/blocks/{cid}", Tags: []string{"content"},
		Responses: answers("The block's bytes", typeRaw), Summary: "Read a block", Description: "The gateway at /ipfs/{cid} does the same, with ranges and whole graphs."},
		need{command: capability.CommandGet, public: true}, s.getBlock)
	register(s, huma.Operation{OperationID: "import-car", Method: http.MethodPost, Path: "/v1/car", Tags: []string{"content"}, RequestBody: accepts(typeCAR),
		Summary: "Keep all blocks of a CAR file", Description: "CARv1 with one root. Every block is hashed again; the first wrong one ends the import.", DefaultStatus: http.StatusCreated},
		need{command: capability.CommandPut, body: s.cfg.Limits.Body}, s.importCAR)
	register(s, huma.Operation{OperationID: "put-module", Method: http.MethodPut, Path: "/v1/modules/{cid}", Tags: []string{"content"}, RequestBody: accepts(typeWasm, typeRaw),
		Summary: "Keep a module that the profile allows", DefaultStatus: http.StatusCreated}, need{command: capability.CommandPut, body: block.MaxBlock}, s.putModule)
	register(s, huma.Operation{OperationID: "post-module", Method: http.MethodPost, Path: "/v1/modules", Tags: []string{"content"}, RequestBody: accepts(typeWasm, typeRaw),
		Summary: "Keep a module that the profile allows, under the CID that the service computes", DefaultStatus: http.StatusCreated},
		need{command: capability.CommandPut, body: block.MaxBlock}, func(ctx context.Context, _ *struct{}) (*reply[wire.Module], error) { return s.putModule(ctx, nil) })
	register(s, huma.Operation{OperationID: "get-module", Method: http.MethodGet, Path: "/v1/modules/{cid}", Tags: []string{"content"}, Summary: "What a module offers"},
		need{command: capability.CommandGet, public: true}, s.getModule)
	register(s, huma.Operation{OperationID: "post-workflow", Method: http.MethodPost, Path: "/v1/workflows", Tags: []string{"content"}, RequestBody: accepts(typeJSON, typeYAML, typeCBOR),
		Summary:     "Compile a workflow and keep it",
		Description: "The body is a workflow document; its modules and files are named by CID and must be here. Its tasks are addressed to this service.", DefaultStatus: http.StatusCreated},
		need{command: capability.CommandPut, body: workflow.MaxDocument}, func(ctx context.Context, in *documentInput) (*reply[wire.Workflow], error) {
			return s.compile(ctx, in, true)
		})
	register(s, huma.Operation{OperationID: "validate-workflow", Method: http.MethodPost, Path: "/v1/workflows/validate", Tags: []string{"content"}, RequestBody: accepts(typeJSON, typeYAML, typeCBOR),
		Summary: "Compile a workflow and keep nothing"}, need{command: capability.CommandPut, body: workflow.MaxDocument},
		func(ctx context.Context, in *documentInput) (*reply[wire.Workflow], error) {
			return s.compile(ctx, in, false)
		})
	register(s, huma.Operation{OperationID: "get-workflow", Method: http.MethodGet, Path: "/v1/workflows/{cid}", Tags: []string{"content"}, Summary: "What a workflow consists of"},
		need{command: capability.CommandGet, public: true}, s.getWorkflow)
}

// keepBody puts the request's body as the block of a CID; n is nil if the service is to compute that.
func (s *Server) keepBody(ctx context.Context, n *named, check func([]byte) error) (block.Block, error) {
	data, err := granted(ctx).body.bytes()
	if err != nil {
		return block.Block{}, err
	}
	b := block.Block{Data: data}
	if n == nil {
		b = block.Raw(data)
	} else if b.CID, err = n.parse(); err != nil {
		return b, err
	}
	if err := block.Check(b.CID, data); err != nil {
		return b, err
	}
	if err := check(data); err != nil {
		return b, problem(CodeContent, "%v", err)
	}
	return b, s.put(ctx, b)
}

func (s *Server) put(ctx context.Context, b block.Block) error {
	if b.CID.Prefix().Codec == cid.DagCBOR {
		if _, err := block.Decode(b.Data); err != nil {
			return problem(CodeContent, "block %s: %v", b.CID, err)
		}
	}
	if err := s.cfg.Blocks.Put(ctx, b); err != nil {
		return err
	}
	s.cfg.Metrics.blocks.Inc()
	s.cfg.Metrics.bytes.Add(float64(len(b.Data)))
	return nil
}

func (s *Server) putBlock(ctx context.Context, in *named) (*reply[wire.Stored], error) {
	b, err := s.keepBody(ctx, in, func([]byte) error { return nil })
	if err != nil {
		return nil, err
	}
	return &reply[wire.Stored]{wire.Stored{CID: b.CID.String(), Bytes: int64(len(b.Data))}}, nil
}

// rawReply is an answer of bytes that never change.
type rawReply struct {
	ContentType  string `header:"Content-Type"`
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
	Body         []byte
}

// immutable is how long content may be cached that is named by its CID: for ever.
const immutable = "public, max-age=29030400, immutable"

func (s *Server) getBlock(ctx context.Context, in *named) (*rawReply, error) {
	b, err := s.load(ctx, in)
	if err != nil {
		return nil, err
	}
	return &rawReply{typeRaw, `"` + b.CID.String() + `"`, immutable, b.Data}, nil
}

func (s *Server) load(ctx context.Context, n *named) (block.Block, error) {
	c, err := n.parse()
	if err != nil {
		return block.Block{}, err
	}
	return s.cfg.Blocks.Get(ctx, c)
}

func (s *Server) importCAR(ctx context.Context, _ *struct{}) (*reply[wire.Imported], error) {
	l := s.cfg.Limits
	r, err := block.NewCARReader(granted(ctx).body, block.CARLimits{Blocks: l.Blocks, Bytes: l.Body})
	if err != nil {
		return nil, carProblem(err)
	}
	out := wire.Imported{Root: r.Root.String()}
	for {
		b, err := r.Next()
		if err == io.EOF {
			return &reply[wire.Imported]{out}, nil
		}
		if err != nil {
			return nil, carProblem(err)
		}
		if err := s.put(ctx, b); err != nil {
			return nil, err
		}
		out.Blocks++
		out.Bytes += int64(len(b.Data))
	}
}

func carProblem(err error) error {
	if errors.Is(err, block.ErrMismatch) || errors.Is(err, block.ErrTooLarge) {
		return err
	}
	return problem(CodeContent, "%v", err)
}

func (s *Server) putModule(ctx context.Context, in *named) (*reply[wire.Module], error) {
	var m *wasm.Module
	b, err := s.keepBody(ctx, in, func(data []byte) (err error) {
		m, err = wasm.Load(data)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &reply[wire.Module]{moduleOf(b, m)}, nil
}

func (s *Server) getModule(ctx context.Context, in *named) (*reply[wire.Module], error) {
	b, err := s.load(ctx, in)
	if err != nil {
		return nil, err
	}
	m, err := wasm.Load(b.Data)
	if err != nil {
		return nil, problem(CodeContent, "%v", err)
	}
	return &reply[wire.Module]{moduleOf(b, m)}, nil
}

func moduleOf(b block.Block, m *wasm.Module) wire.Module {
	out := wire.Module{CID: b.CID.String(), Bytes: int64(len(b.Data)), Exports: []wire.ModuleFunction{}}
	for _, e := range m.Exports {
		if e.Kind != wasm.ExternFunc {
			continue
		}
		if e.Name == "_start" {
			out.Command = true
			continue
		}
		if link.Check(m, e.Name) == nil {
			sig, _ := m.TypeOfFunc(e.Index)
			out.Exports = append(out.Exports, wire.ModuleFunction{Name: e.Name, Type: fmt.Sprint(sig)})
		}
	}
	return out
}

type documentInput struct {
	ContentType string `header:"Content-Type"`
}

// file is a name for a document of a media type, by which its form is told.
func (d *documentInput) file() (string, error) {
	if d.ContentType == "" {
		return "workflow.json", nil
	}
	t, _, err := mime.ParseMediaType(d.ContentType)
	if err != nil {
		return "", problem(CodeMedia, "the type %.100q cannot be read", d.ContentType)
	}
	switch t {
	case typeJSON:
		return "workflow.json", nil
	case typeYAML, "text/yaml", "application/x-yaml":
		return "workflow.yaml", nil
	case typeCBOR, "application/cbor":
		return "workflow.cbor", nil
	}
	return "", problem(CodeMedia, "a workflow is %s, %s or %s", typeJSON, typeYAML, typeCBOR)
}

func (s *Server) compile(ctx context.Context, in *documentInput, keep bool) (*reply[wire.Workflow], error) {
	name, err := in.file()
	if err != nil {
		return nil, err
	}
	data, err := granted(ctx).body.bytes()
	if err != nil {
		return nil, err
	}
	w, parts, err := work.Compile(ctx, s.cfg.Blocks, name, data, s.cfg.Signer.DID())
	if err != nil {
		return nil, err
	}
	if err := s.checker.Check(ctx, s.cfg.Blocks, w); err != nil {
		return nil, problem(CodeContent, "%v", err)
	}
	if keep {
		for _, b := range parts {
			if err := s.put(ctx, b); err != nil {
				return nil, err
			}
		}
	}
	return &reply[wire.Workflow]{report.Workflow(w, s.cfg.Signer.DID())}, nil
}

func (s *Server) getWorkflow(ctx context.Context, in *named) (*reply[wire.Workflow], error) {
	w, err := s.workflow(ctx, in.CID)
	if err != nil {
		return nil, err
	}
	executor := ""
	for _, t := range w.Tasks {
		executor = t.Sub
	}
	return &reply[wire.Workflow]{report.Workflow(w, executor)}, nil
}

// workflow reads a workflow; one that is not here is missing and not refused.
func (s *Server) workflow(ctx context.Context, name string) (*workflow.Workflow, error) {
	w, err := work.Workflow(ctx, s.cfg.Blocks, name)
	if errors.Is(err, workflow.ErrMissing) {
		return nil, problem(CodeNotFound, "%v", err)
	}
	if errors.Is(err, workflow.ErrMalformed) {
		return nil, problem(CodeContent, "%v", err)
	}
	return w, err
}
