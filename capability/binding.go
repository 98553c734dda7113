package capability

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"
)

// Commands of the service.
const (
	CommandRun       = "/wasm/run"
	CommandProve     = "/prove"
	CommandChallenge = "/challenge"
	CommandPut       = "/block/put"
	CommandGet       = "/block/get"
	CommandJobRead   = "/job/read"
	CommandJobCancel = "/job/cancel"
)

// Binding ties an invocation to one HTTP request, and states what the request asks for, so that policies can cap it. As
// arguments it is {http: {method, path, digest}, fuel?, memory?, modules?, check?}.
type Binding struct {
	Method string
	Path   string            // with the query, as on the request line
	Digest [sha256.Size]byte // SHA2-256 of the body as it is sent, an empty one included

	Use *Use // of a request that runs something
}

// Use is what a request that runs something may use.
type Use struct {
	Fuel    uint64   // Wasm instructions, all tasks together
	Memory  uint32   // pages of 64 KiB, of the greediest task
	Modules []string // CIDs, sorted
	Check   string   // the mode that every task asks for, or that of a verification; empty if there is no such one
}

// Args are the arguments of an invocation that is bound to the request.
func (b Binding) Args() (datamodel.Node, error) {
	return qp.BuildMap(basicnode.Prototype.Any, -1, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, "http", qp.Map(3, func(ma datamodel.MapAssembler) {
			qp.MapEntry(ma, "method", qp.String(b.Method))
			qp.MapEntry(ma, "path", qp.String(b.Path))
			qp.MapEntry(ma, "digest", qp.Bytes(b.Digest[:]))
		}))
		if b.Use == nil {
			return
		}
		qp.MapEntry(ma, "fuel", qp.Int(int64(min(b.Use.Fuel, math.MaxInt64))))
		qp.MapEntry(ma, "memory", qp.Int(int64(b.Use.Memory)))
		qp.MapEntry(ma, "modules", qp.List(int64(len(b.Use.Modules)), func(la datamodel.ListAssembler) {
			for _, m := range b.Use.Modules {
				qp.ListEntry(la, qp.String(m))
			}
		}))
		if b.Use.Check != "" {
			qp.MapEntry(ma, "check", qp.String(b.Use.Check))
		}
	})
}

// Bound is what an invocation says of the request that it is for. It was read strictly, and believed in nothing.
type Bound struct {
	http datamodel.Node
	use  map[string]datamodel.Node
}

// ReadBinding reads the arguments of an invocation. Those of other names are left to policies.
func ReadBinding(args datamodel.Node) (*Bound, error) {
	f := fields{node: args}
	b := &Bound{http: f.mapNode("http", true), use: make(map[string]datamodel.Node)}
	for _, key := range []string{"fuel", "memory", "modules", "check"} {
		if n := f.get(key, false); n != nil {
			b.use[key] = n
		}
	}
	return b, f.err
}

// Request checks that the binding is for a request of this method and path.
func (b *Bound) Request(method, path string) error {
	f := fields{node: b.http}
	m, p := f.text("method"), f.text("path")
	f.bytes("digest")
	if err := f.done(); err != nil {
		return err
	}
	if m != method || p != path {
		return fmt.Errorf("%w: an invocation for %.20q %.200q", ErrBinding, m, p)
	}
	return nil
}

// Body checks that the binding is for a body of this digest.
func (b *Bound) Body(digest [sha256.Size]byte) error {
	f := fields{node: b.http}
	if d := f.bytes("digest"); f.err != nil || !bytes.Equal(d, digest[:]) {
		return fmt.Errorf("%w: an invocation for another body", ErrBinding)
	}
	return nil
}

// Use checks that what the invocation states of the request is what the request asks for. A statement may be left out: then
// policies about it refuse.
func (b *Bound) Use(u Use) error {
	whole, err := (Binding{Use: &u}).Args()
	if err != nil {
		return err
	}
	for _, key := range []string{"fuel", "memory", "modules", "check"} {
		said, ok := b.use[key]
		if !ok {
			continue
		}
		is, err := whole.LookupByString(key)
		if err != nil || !datamodel.DeepEqual(said, is) {
			return fmt.Errorf("%w: it states another %q than the request asks for", ErrBinding, key)
		}
	}
	return nil
}

// Merge is the use of both together.
func (u Use) Merge(v Use) Use {
	w := Use{Fuel: u.Fuel + v.Fuel, Memory: max(u.Memory, v.Memory), Modules: slices.Concat(u.Modules, v.Modules)}
	if w.Fuel < u.Fuel {
		w.Fuel = math.MaxUint64
	}
	slices.Sort(w.Modules)
	w.Modules = slices.Compact(w.Modules)
	if u.Check == v.Check {
		w.Check = u.Check
	}
	return w
}
