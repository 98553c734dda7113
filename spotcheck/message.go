package spotcheck

import (
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/machine"
)

// maxReply bounds a reply with its opening, in bytes.
const maxReply = 8 << 20

// Shown is a state root and its path to a transcript's root. Its fields follow schema.ipldsch.
type Shown struct {
	Root []byte
	Path [][]byte
}

// Show shows place i of a list of state roots, over which the tree is.
func Show(roots []machine.Digest, tree *machine.RootTree, i uint64) Shown {
	s := Shown{Root: append([]byte(nil), roots[i][:]...), Path: [][]byte{}}
	for _, d := range tree.Path(i) {
		s.Path = append(s.Path, append([]byte(nil), d[:]...))
	}
	return s
}

// digests reads a shown root and its path.
func (s *Shown) digests() (root machine.Digest, path []machine.Digest, err error) {
	if len(s.Root) != len(root) || len(s.Path) > 64 {
		return root, nil, fmt.Errorf("%w: a root of %d bytes with a path of %d hashes", ErrMalformed, len(s.Root), len(s.Path))
	}
	for _, p := range s.Path {
		if len(p) != len(root) {
			return root, nil, fmt.Errorf("%w: a hash of %d bytes", ErrMalformed, len(p))
		}
		path = append(path, machine.Digest(p))
	}
	return machine.Digest(s.Root), path, nil
}

// At returns the state root, if it is shown to stand at place i of the n that root commits to.
func (s *Shown) At(root machine.Digest, n, i uint64) (machine.Digest, error) {
	d, path, err := s.digests()
	if err != nil {
		return d, err
	}
	if !machine.CheckRootPath(root, n, i, d, path) {
		return d, fmt.Errorf("%w: state root %d is not shown to be one of the %d of the transcript", ErrMalformed, i, n)
	}
	return d, nil
}

// Dispute names two receipts that do not agree. Its fields follow schema.ipldsch; the CID of its block is its name.
type Dispute struct {
	Trilemma string
	A, B     datamodel.Link
}

// NewDispute names a dispute.
func NewDispute(a, b cid.Cid) (block.Block, error) {
	return marshal(&Dispute{DisputeVersion, linkTo(a), linkTo(b)}, "Dispute")
}

// ReadDispute reads the receipts that a dispute is about.
func ReadDispute(data []byte) (a, b cid.Cid, err error) {
	d, err := read(data, maxMessage, "Dispute", DisputeVersion, func(d *Dispute) string { return d.Trilemma })
	if err != nil {
		return a, b, err
	}
	return cidOf(d.A), cidOf(d.B), nil
}

// Ask is what the referee asks of one side in one round. Its fields follow schema.ipldsch.
type Ask struct {
	Trilemma string
	Dispute  datamodel.Link
	Round    int64
	Roots    []int64
	Opening  *int64
}

// Block encodes the question.
func (a *Ask) Block() (block.Block, error) { return marshal(a, "Ask") }

// ReadAsk decodes a question. The error wraps [ErrMalformed].
func ReadAsk(data []byte) (*Ask, error) {
	return read(data, maxMessage, "Ask", AskVersion, func(a *Ask) string { return a.Trilemma })
}

// Reply is what a side answers. Its fields follow schema.ipldsch.
type Reply struct {
	Trilemma string
	Dispute  datamodel.Link
	Round    int64
	Roots    []Shown
	Opening  *[]byte
}

// Block encodes the reply.
func (r *Reply) Block() (block.Block, error) { return marshal(r, "Reply") }

// ReadReply decodes a reply. The error wraps [ErrMalformed].
func ReadReply(data []byte) (*Reply, error) {
	return read(data, maxReply, "Reply", ReplyVersion, func(r *Reply) string { return r.Trilemma })
}

// NewReply answers a question from a list of state roots. open opens a segment and is called only if that is asked for. It refuses places that
// the list does not have.
func NewReply(a *Ask, roots []machine.Digest, open func(segment uint64) ([]byte, error)) (*Reply, error) {
	r := &Reply{Trilemma: ReplyVersion, Dispute: a.Dispute, Round: a.Round, Roots: []Shown{}}
	if len(a.Roots) > maxAsked {
		return nil, fmt.Errorf("%w: %d state roots are asked for at once, at most %d are shown", ErrRefused, len(a.Roots), maxAsked)
	}
	var tree *machine.RootTree
	if len(a.Roots) > 0 {
		tree = machine.NewRootTree(roots)
	}
	for _, i := range a.Roots {
		if i < 0 || i >= int64(len(roots)) {
			return nil, fmt.Errorf("%w: there is no state root %d", ErrRefused, i)
		}
		r.Roots = append(r.Roots, Show(roots, tree, uint64(i)))
	}
	if a.Opening != nil {
		if i := *a.Opening; i < 0 || i+1 >= int64(len(roots)) {
			return nil, fmt.Errorf("%w: there is no segment %d", ErrRefused, i)
		}
		data, err := open(uint64(*a.Opening))
		if err != nil {
			return nil, err
		}
		r.Opening = &data
	}
	return r, nil
}
