package machine

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/link"
)

//go:embed schema.ipldsch
var schemaText []byte

var types = block.Schema(schemaText)

// TranscriptVersion is the version of the schema that this package writes and reads.
const TranscriptVersion = "transcript/1"

// SegmentSteps is how many steps a segment has, but for a run's last: part of profile tm/1.
const SegmentSteps = 1 << 18

// rootsInBlock is how many state roots one block holds: a mebibyte of them.
const rootsInBlock = 1 << 15

// ErrTranscript says that a block is not a transcript of this profile.
var ErrTranscript = errors.New("not a transcript")

// Transcript is what a run leaves for its checks. Its fields follow schema.ipldsch.
type Transcript struct {
	Trilemma string
	Profile  string
	Program  []byte
	Inputs   []byte
	Fuel     int64
	Memory   int64
	Output   int64
	Segment  int64
	Steps    int64
	Used     int64
	Outcome  string
	Code     *int64
	Trap     *string
	Outputs  []Output
	Header   []byte
	Final    []byte
	Root     []byte
	Roots    []datamodel.Link
}

// Output is what a transcript says of an output stream.
type Output struct {
	Size   int64
	Digest []byte
}

// Segments is how many segments a run of so many steps has.
func Segments(steps int64) int64 {
	if steps == 0 { // it ended before it began
		return 0
	}
	return (steps-1)/SegmentSteps + 1
}

// Segments is how many segments the run has: there is one state root more.
func (t *Transcript) Segments() uint64 { return uint64(Segments(t.Steps)) }

// End is how the run ended.
func (t *Transcript) End() link.Outcome {
	o := link.Outcome{Kind: link.OutcomeKind(t.Outcome)}
	if t.Code != nil {
		o.Code = uint32(*t.Code)
	}
	if t.Trap != nil {
		o.Trap = link.TrapKind(*t.Trap)
	}
	return o
}

// Block encodes the transcript.
func (t *Transcript) Block() (block.Block, error) {
	return block.Marshal(t, types().TypeByName("Transcript"))
}

// ReadTranscript reads a transcript and refuses one of another version or profile, or with another length of segments: whoever
// makes it must not choose them. The error wraps [ErrTranscript].
func ReadTranscript(data []byte) (*Transcript, error) {
	t := &Transcript{}
	if err := block.Unmarshal(data, t, types().TypeByName("Transcript")); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTranscript, err)
	}
	switch {
	case t.Trilemma != TranscriptVersion:
		return nil, fmt.Errorf("%w: version %.40q, this program knows %q", ErrTranscript, t.Trilemma, TranscriptVersion)
	case t.Profile != link.Profile:
		return nil, fmt.Errorf("%w: profile %.40q, this program knows %q", ErrTranscript, t.Profile, link.Profile)
	case t.Segment != SegmentSteps:
		return nil, fmt.Errorf("%w: segments of %d steps, the profile says %d", ErrTranscript, t.Segment, SegmentSteps)
	case t.Steps < 0 || t.Fuel < 0 || t.Memory < 0 || t.Memory > math.MaxUint32 || t.Output < 0 || t.Used < 0:
		return nil, fmt.Errorf("%w: a number is out of range", ErrTranscript)
	case len(t.Program) != len(Digest{}) || len(t.Inputs) != len(Digest{}) || len(t.Root) != len(Digest{}):
		return nil, fmt.Errorf("%w: a root is not 32 bytes long", ErrTranscript)
	case len(t.Outputs) != link.OutStreams:
		return nil, fmt.Errorf("%w: %d output streams, there are %d", ErrTranscript, len(t.Outputs), link.OutStreams)
	case uint64(len(t.Roots)) != t.Segments()/rootsInBlock+1:
		return nil, fmt.Errorf("%w: %d blocks of roots for %d segments", ErrTranscript, len(t.Roots), t.Segments())
	}
	for _, o := range t.Outputs {
		if o.Size < 0 || len(o.Digest) != len(Digest{}) {
			return nil, fmt.Errorf("%w: an output stream has no size or digest", ErrTranscript)
		}
	}
	return t, nil
}

// Trace is what [Engine.Trace] finds beside the state roots.
type Trace struct {
	Result  link.Result
	Steps   uint64
	Program Digest
	Inputs  Digest
	Final   Scalars
	header  []byte
	final   []byte // what the last root is the hash of
}

// Trace runs l on streams within lim and gives root the commitment to the initial state, then to the state after each segment of the given number
// of steps, in order; the last one is of the final state. Memory does not grow with the length of the run. Errors are those of [Engine.Run] and of
// root.
func (e *Engine) Trace(ctx context.Context, l *link.Linked, streams [][]byte, lim link.Limits, segment uint64, root func(Digest) error) (Trace, error) {
	p, err := e.Program(l)
	if err != nil {
		return Trace{}, err
	}
	m := New(p, streams, lim)
	c := NewCommitment(m)
	if err := root(c.Root()); err != nil {
		return Trace{}, err
	}
	for !m.Ended() {
		for left := segment; left > 0 && !m.Ended(); {
			if err := ctx.Err(); err != nil {
				return Trace{}, fmt.Errorf("machine: run stopped: %w", err)
			}
			took, err := m.Run(min(left, slice))
			if err != nil {
				return Trace{}, err
			}
			left -= took
		}
		if err := root(c.Root()); err != nil {
			return Trace{}, err
		}
	}
	return Trace{Result: m.Result(), Steps: m.Steps(), Program: p.Root(), Inputs: InputRoot(streams), Final: c.Scalars(),
		header: p.Header().encode(), final: c.state()}, nil
}

// Record runs l on streams within lim and returns the result and the transcript. put is given the blocks that the transcript links to,
// as they are ready.
func (e *Engine) Record(ctx context.Context, l *link.Linked, streams [][]byte, lim link.Limits, put func(block.Block) error) (link.Result, *Transcript, error) {
	if lim.Fuel > math.MaxInt64 || lim.Output > math.MaxInt64 {
		return link.Result{}, nil, errors.New("machine: limits above 2⁶³ cannot be recorded")
	}
	var log rootLog
	var chunk []byte
	var roots []datamodel.Link
	flush := func() error {
		b := block.Raw(bytes.Clone(chunk))
		roots, chunk = append(roots, cidlink.Link{Cid: b.CID}), chunk[:0]
		return put(b)
	}
	tr, err := e.Trace(ctx, l, streams, lim, SegmentSteps, func(d Digest) error {
		if len(chunk) == rootsInBlock*len(d) {
			if err := flush(); err != nil {
				return err
			}
		}
		log.add(d)
		chunk = append(chunk, d[:]...)
		return nil
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return link.Result{}, nil, err
	}
	root := log.root()
	t := &Transcript{Trilemma: TranscriptVersion, Profile: link.Profile, Program: tr.Program[:], Inputs: tr.Inputs[:],
		Fuel: int64(lim.Fuel), Memory: int64(lim.Memory), Output: int64(lim.Output), Segment: SegmentSteps,
		Steps: int64(tr.Steps), Used: int64(tr.Result.Fuel), Outcome: string(tr.Result.Outcome.Kind), Header: tr.header, Final: tr.final, Root: root[:], Roots: roots}
	switch o := tr.Result.Outcome; o.Kind {
	case link.Exit:
		code := int64(o.Code)
		t.Code = &code
	case link.Trap:
		trap := string(o.Trap)
		t.Trap = &trap
	}
	for _, o := range tr.Final.Out {
		t.Outputs = append(t.Outputs, Output{Size: int64(o.Size), Digest: bytes.Clone(o.Digest[:])})
	}
	return tr.Result, t, nil
}

// ReadRoots reads the state roots of t from its blocks, and checks them against its root.
func (t *Transcript) ReadRoots(get func(cid.Cid) (block.Block, bool)) ([]Digest, error) {
	var roots []Digest
	var log rootLog
	for i, l := range t.Roots {
		cl, ok := l.(cidlink.Link)
		if !ok || cl.Prefix().Codec != cid.Raw {
			return nil, fmt.Errorf("%w: its state roots are not in raw blocks", ErrTranscript)
		}
		b, ok := get(cl.Cid)
		if !ok {
			return nil, fmt.Errorf("state roots %s: %w", cl.Cid, ErrMissing)
		}
		want := uint64(rootsInBlock)
		if i == len(t.Roots)-1 {
			want = t.Segments() + 1 - uint64(i)*rootsInBlock
		}
		if uint64(len(b.Data)) != want*uint64(len(Digest{})) {
			return nil, fmt.Errorf("%w: block %d of its state roots holds %d bytes, want %d", ErrTranscript, i, len(b.Data), want*uint64(len(Digest{})))
		}
		for d := range bytesIn(b.Data) {
			roots = append(roots, d)
			log.add(d)
		}
	}
	if log.root() != Digest(t.Root) {
		return nil, fmt.Errorf("%w: its state roots do not give its root", ErrTranscript)
	}
	return roots, nil
}

// ErrMissing says that a block is not there, which says nothing about the run.
var ErrMissing = errors.New("content is missing")

func bytesIn(b []byte) func(func(Digest) bool) {
	return func(yield func(Digest) bool) {
		for ; len(b) >= len(Digest{}); b = b[len(Digest{}):] {
			if !yield(Digest(b)) {
				return
			}
		}
	}
}
