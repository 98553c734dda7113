package evaluate

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/workflow"
)

// Secret is what is hidden of a job: its input is empty in the job's streams until somebody reveals it, and all output streams are hidden but, if the result is
// declassified and there is one, that of the result.
type Secret struct {
	Inputs     map[int]hidden.Value // by stream
	Declassify bool
}

// Sealer gives the regions of output streams that stay hidden, in their order, each with a commitment and a bound of its size.
type Sealer func(streams []int) ([]receipts.Region, error)

// Task is [Cache.Prepare] for a task of a workflow, which may be secret though none of its parameters is hidden.
func (c *Cache) Task(t *workflow.Task, params datamodel.Node, get Getter) (*Job, *receipts.Failure, error) {
	j, failure, err := c.Prepare(t.Call, params, get)
	if j != nil && t.Secret && j.Secret == nil {
		j.Secret = &Secret{Declassify: t.Declassify}
	}
	return j, failure, err
}

// standIn is a value of the kind that a hidden one has.
func standIn(kind string) datamodel.Node {
	switch kind {
	case hidden.Bytes:
		return basicnode.NewBytes(nil)
	case hidden.String:
		return basicnode.NewString("")
	case hidden.Integer, string(link.I32), string(link.I64):
		return basicnode.NewInt(0)
	}
	return datamodel.Null // fits nothing
}

// takes reports whether a parameter takes a secret of a kind. A hidden result is the word that it is, so that types have to be the same.
func takes(k link.Kind, kind string) bool {
	return string(k) == kind || kind == hidden.Integer && (k == link.I32 || k == link.I64)
}

// hiddenInput is the region of an input stream, if it is hidden.
func (j *Job) hiddenInput(stream int) (r receipts.Region, ok bool) {
	if j.Secret == nil {
		return r, false
	}
	h, ok := j.Secret.Inputs[stream]
	b := h.Commitment[:]
	return receipts.Region{Stream: int64(stream), Commitment: &b}, ok
}

// hides reports whether the result is hidden.
func (j *Job) hides() bool { return j.Secret != nil && !j.Secret.Declassify }

// resultStream is the output stream that the result is in.
func (j *Job) resultStream() int {
	if j.Linked.Entry.Func == "" {
		return link.OutStdout
	}
	return link.OutResult
}

// hiddenOutputs are the output streams that are hidden; what a task that failed has written is hidden whatever was declassified.
func (j *Job) hiddenOutputs(ok bool) (streams []int) {
	for i := range link.OutStreams {
		if !ok || j.hides() || i != j.resultStream() {
			streams = append(streams, i)
		}
	}
	return streams
}

// Hides is the streams that are hidden of a run that ends well.
func (j *Job) Hides() (in, out []int) {
	if j.Secret == nil {
		return nil, nil
	}
	return slices.Sorted(maps.Keys(j.Secret.Inputs)), j.hiddenOutputs(true)
}

// resultKind says how a hidden result is read: bytes, string, or its Wasm types with commas between; null if there is none.
func (j *Job) resultKind() string {
	e := j.Linked.Entry
	if e.Func == "" {
		return hidden.Bytes
	}
	kinds := make([]string, len(e.Results))
	for i, k := range e.Results {
		kinds[i] = string(k)
	}
	if len(kinds) == 0 {
		return nullKind
	}
	return strings.Join(kinds, ",")
}

const nullKind = "null"

// ErrOpen says that a hidden value could not be opened.
var ErrOpen = errors.New("cannot be opened")

// Open reads a hidden result of a kind from its stream. A string that is no text is read as bytes.
func Open(kind string, stream []byte) (datamodel.Node, error) {
	e := link.Entry{Func: "open"}
	if kind != nullKind {
		for k := range strings.SplitSeq(kind, ",") {
			switch k := link.Kind(k); k {
			case link.I32, link.I64, link.F32, link.F64, link.Bytes, link.String:
				e.Results = append(e.Results, k)
			default:
				return nil, fmt.Errorf("a secret of the kind %.40q %w", kind, ErrOpen)
			}
		}
	}
	r := link.Result{Outcome: link.Outcome{Kind: link.OK}}
	r.Streams[link.OutResult] = stream
	v, out := link.Value(e, r)
	switch {
	case out.Kind == link.OK:
		return v, nil
	case kind == hidden.String:
		return basicnode.NewBytes(stream), nil
	}
	return nil, fmt.Errorf("a secret of %d bytes and the kind %.40q %w", len(stream), kind, ErrOpen)
}

// Reveal returns the job with its hidden input in its streams. The error wraps [ErrOpen], and quotes nothing that is hidden.
func (j *Job) Reveal(find func(hidden.Commitment) (hidden.Opening, bool)) (*Job, error) {
	if j.Secret == nil || len(j.Secret.Inputs) == 0 {
		return j, nil
	}
	out := *j
	out.Streams = slices.Clone(j.Streams)
	for i, h := range j.Secret.Inputs {
		o, ok := find(h.Commitment)
		if !ok || o.Commitment() != h.Commitment {
			return nil, fmt.Errorf("the secret behind the commitment %x %w: nothing that opens it is at hand", h.Commitment[:8], ErrOpen)
		}
		if p := i - link.StreamParam; p >= 0 {
			if err := fits(j.Linked.Entry.Params[p], o.Stream); err != nil {
				return nil, fmt.Errorf("parameter %d %w: %w", p, ErrOpen, err)
			}
		}
		out.Streams[i] = o.Stream
	}
	return &out, nil
}

// fits refuses a stream that no value of the kind has: the module would take it for another value than is committed to.
func fits(k link.Kind, stream []byte) error {
	switch {
	case len(stream) > link.MaxInput:
		return fmt.Errorf("a secret of more than %d bytes", link.MaxInput)
	case k != link.I32 && k != link.I64:
		return nil
	case len(stream) != 8:
		return errors.New("a secret integer has 8 bytes")
	case k == link.I32 && binary.LittleEndian.Uint64(stream) > math.MaxUint32:
		return errors.New("a secret integer that does not fit i32 (write a negative one as 2³² more: 4294967295 for -1)")
	}
	return nil
}

// Seal is a [Sealer] that commits to what a run wrote. Sizes are bounded by powers of two, those of numbers are exact.
func (j *Job) Seal(r link.Result, commit func(stream int, data []byte) (hidden.Commitment, error)) Sealer {
	return func(streams []int) ([]receipts.Region, error) {
		most := j.bounds(r, streams)
		var out []receipts.Region
		for n, i := range streams {
			c, err := commit(i, r.Streams[i])
			if err != nil {
				return nil, err
			}
			b := c[:]
			out = append(out, receipts.Region{Stream: int64(i), Size: int64(most[n]), Commitment: &b})
		}
		return out, nil
	}
}

// bounds are public bounds of the sizes of hidden streams, which together with the public ones keep within the cap. Where the cap leaves no room for powers of two the
// smaller streams get theirs first.
func (j *Job) bounds(r link.Result, streams []int) []uint64 {
	left := j.Limits.Output
	for _, s := range r.Streams {
		left -= uint64(len(s)) // the engine has kept to the cap
	}
	order := make([]int, len(streams))
	for n := range order {
		order[n] = n
	}
	size := func(n int) uint64 { return uint64(len(r.Streams[streams[n]])) }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(size(a), size(b)) })
	most := make([]uint64, len(streams))
	for _, n := range order {
		want := hidden.Bucket(size(n))
		if e := j.Linked.Entry; streams[n] == link.OutResult && r.Outcome.Kind == link.OK && !slices.Contains(e.Results, link.Bytes) && !slices.Contains(e.Results, link.String) {
			want = size(n)
		}
		most[n] = size(n) + min(want-size(n), left)
		left -= most[n] - size(n)
	}
	return most
}

// hide puts what is hidden into a conclusion: commitments in place of streams and of the result, a bound in place of the fuel, and of a failure the kind alone.
func (c *Conclusion) hide(j *Job, r link.Result, sealed Sealer) error {
	c.Fuel = int64(min(hidden.Bucket(r.Fuel), j.Limits.Fuel))
	if c.Out.Error != nil {
		c.Out.Error = &receipts.Failure{Kind: c.Out.Error.Kind}
	}
	streams := j.hiddenOutputs(c.Out.Error == nil)
	if sealed == nil {
		return fmt.Errorf("nobody seals the output streams %v", streams)
	}
	regions, err := sealed(streams)
	if err != nil {
		return err
	}
	for i, s := range r.Streams {
		switch n := slices.Index(streams, i); {
		case n >= 0:
			c.Outputs = append(c.Outputs, regions[n])
		default:
			c.Outputs = c.region(c.Outputs, i, s)
		}
		if i == j.resultStream() && c.Out.Error == nil && j.hides() {
			if err := c.sealedResult(j.resultKind(), c.Outputs[len(c.Outputs)-1]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Conclusion) sealedResult(kind string, r receipts.Region) error {
	commitment, err := r.Sealed()
	if err != nil {
		return err
	}
	n, err := hidden.Value{Kind: kind, Commitment: commitment}.Node()
	c.Out.Ok = &n
	return err
}

// Stated is a [Sealer] for what a receipt says of hidden streams. The error is what is wrong with it.
func Stated(claimed *[]receipts.Region) Sealer {
	return func(streams []int) (out []receipts.Region, err error) {
		for _, i := range streams {
			var found *receipts.Region
			if claimed != nil {
				if n := slices.IndexFunc(*claimed, func(r receipts.Region) bool { return r.Stream == int64(i) }); n >= 0 {
					found = &(*claimed)[n]
				}
			}
			if found == nil {
				return nil, fmt.Errorf("its receipt has no commitment to output stream %d, which is hidden", i)
			}
			if _, err := found.Sealed(); err != nil {
				return nil, fmt.Errorf("its receipt about output stream %d, which is hidden: %w", i, err)
			}
			out = append(out, *found)
		}
		return out, nil
	}
}

// SameHidden reports whether two results are hidden and of one kind: whether they are the same nobody can see.
func SameHidden(a, b receipts.Out) bool {
	if a.Ok == nil || b.Ok == nil {
		return false
	}
	x, hidesA, _ := hidden.ValueOf(*a.Ok)
	y, hidesB, _ := hidden.ValueOf(*b.Ok)
	return hidesA && hidesB && x.Kind == y.Kind
}

// Secrets opens what is hidden, and hides what secret tasks give.
type Secrets interface {
	Opening(c hidden.Commitment) (hidden.Opening, bool)
	Seal(computation cid.Cid, stream int, data []byte) (hidden.Commitment, error)
}
