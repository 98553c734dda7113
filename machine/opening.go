package machine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/link"
)

// OpeningVersion is the version of the schema that this package writes and reads.
const OpeningVersion = "opening/1"

// ErrOpening says that an opening is malformed, does not lead to its roots, or does not replay.
var ErrOpening = errors.New("not an opening of a segment")

// Opening is what lets anybody replay one segment alone. Its fields follow schema.ipldsch.
type Opening struct {
	Trilemma  string
	Segment   int64
	Header    []byte
	State     []byte
	Memory    Pages
	Globals   Pages
	Registers Pages
	Tables    Pages
	Code      Pages
	Data      Pages
	Elements  Pages
	Inputs    []Stream
}

// Stream is an input stream in an opening: its commitment, and the pages that were read.
type Stream struct {
	Size  int64
	Root  []byte
	Pages Pages
}

// Block encodes the opening.
func (o *Opening) Block() (block.Block, error) {
	return block.Marshal(o, types().TypeByName("Opening"))
}

// ReadOpening reads an opening. Whether it is true is up to [Opening.Replay].
func ReadOpening(data []byte) (*Opening, error) {
	o := &Opening{}
	if err := block.Unmarshal(data, o, types().TypeByName("Opening")); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOpening, err)
	}
	if o.Trilemma != OpeningVersion {
		return nil, fmt.Errorf("%w: version %.40q, this program knows %q", ErrOpening, o.Trilemma, OpeningVersion)
	}
	if o.Segment < 0 || len(o.Inputs) > link.MaxStreams {
		return nil, fmt.Errorf("%w: a number is out of range", ErrOpening)
	}
	return o, nil
}

// Open runs l on streams within lim and opens the segments of these numbers, which ascend. It needs twice the guest's memory.
func (e *Engine) Open(ctx context.Context, l *link.Linked, streams [][]byte, lim link.Limits, segments []uint64) ([]*Opening, error) {
	return e.OpenEvery(ctx, l, streams, lim, SegmentSteps, segments)
}

// OpenEvery opens segments of another length than the profile's, to measure what that would cost: no transcript has such.
func (e *Engine) OpenEvery(ctx context.Context, l *link.Linked, streams [][]byte, lim link.Limits, segment uint64, segments []uint64) ([]*Opening, error) {
	p, err := e.Program(l)
	if err != nil {
		return nil, err
	}
	m := New(p, streams, lim)
	c := NewCommitment(m)
	_, inputs := inputRoot(streams)
	var out []*Opening
	for _, s := range segments {
		for left := s*segment - m.steps; left > 0 && !m.Ended(); {
			if err := ctx.Err(); err != nil {
				return nil, fmt.Errorf("machine: run stopped: %w", err)
			}
			took, err := m.Run(min(left, slice))
			if err != nil {
				return nil, err
			}
			left -= took
		}
		if m.Ended() {
			return nil, fmt.Errorf("machine: the run has no segment %d", s)
		}
		o, err := c.open(s, segment, streams, inputs)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// open opens the segment that begins in the state of c's machine.
func (c *Commitment) open(number, steps uint64, streams [][]byte, inputs []*tree) (*Opening, error) {
	c.Root()
	m := c.m
	scout := m.clone()
	code, err := scout.explore(steps)
	if err != nil {
		return nil, err
	}
	p, h := m.program, newHasher()
	o := &Opening{Trilemma: OpeningVersion, Segment: int64(number), Header: p.Header().encode(), State: c.state()}
	o.Memory = c.trees[spaceMemory].open(touchedPages(scout.touched), func(i uint32) []byte {
		if at := uint64(i) * PageSize; at < uint64(len(m.mem)) {
			return m.mem[at : at+PageSize]
		}
		return nil
	})
	o.Globals = c.trees[spaceGlobals].open(touchedPages(scout.globalsSeen), pagesOfCells(m.globals))
	first, last := scout.frames()
	var registers []uint32
	for i := first; i < last; i++ {
		registers = append(registers, i)
	}
	o.Registers = c.trees[spaceRegisters].open(registers, pagesOfCells(m.regs))
	o.Tables = c.trees[spaceTables].open(touchedPages(scout.tablesSeen), pagesOfCells(m.tables))
	o.Code = p.codeTree(h).openUpdated(code, func(i uint32) []byte { return p.codePage(nil, i) })
	o.Data = ofBytes(spaceData, h, p.segments).openUpdated(touchedPages(scout.dataSeen), pagesOfBytes(p.segments))
	o.Elements = ofCells(spaceElements, h, p.elems).openUpdated(touchedPages(scout.elemsSeen), pagesOfCells(p.elems))
	read := scout.input.(*watched).pages
	for i, t := range inputs {
		root := t.root()
		o.Inputs = append(o.Inputs, Stream{Size: int64(len(streams[i])), Root: root[:], Pages: t.open(read[uint64(i)], pagesOfBytes(streams[i]))})
	}
	return o, nil
}

func (t *tree) openUpdated(indices []uint32, content func(uint32) []byte) Pages {
	t.root()
	return t.open(indices, content)
}

func touchedPages(seen []byte) (indices []uint32) {
	for i, t := range seen {
		if t != 0 {
			indices = append(indices, uint32(i))
		}
	}
	return indices
}

func pagesOfBytes(b []byte) func(uint32) []byte {
	return func(i uint32) []byte {
		at := min(int(i)*PageSize, len(b))
		return b[at:min(at+PageSize, len(b))]
	}
}

func pagesOfCells(cells []uint64) func(uint32) []byte {
	return func(i uint32) (b []byte) {
		at := min(int(i)*pageCells, len(cells))
		for _, c := range cells[at:min(at+pageCells, len(cells))] {
			b = binary.LittleEndian.AppendUint64(b, c)
		}
		return b
	}
}

// clone copies the state, to look ahead.
func (m *Machine) clone() *Machine {
	n := *m
	n.regs, n.globals, n.tables, n.mem = slices.Clone(m.regs), slices.Clone(m.globals), slices.Clone(m.tables), slices.Clone(m.mem)
	n.touched = make([]byte, len(m.touched))
	n.watch()
	n.low, n.top = m.fp, m.fp
	for i := range n.out {
		n.out[i].bytes = slices.Clip(n.out[i].bytes)
	}
	n.input = &watched{tapes: m.input, pages: make(map[uint64][]uint32)}
	return &n
}

// explore takes steps one by one and returns the pages of code that they lie on.
func (m *Machine) explore(steps uint64) ([]uint32, error) {
	pages := make(map[uint32]bool)
	for ; steps > 0 && !m.ended; steps-- {
		pages[m.pc/pageInstrs] = true
		if _, err := m.Run(1); err != nil {
			return nil, err
		}
	}
	return slices.Sorted(maps.Keys(pages)), nil
}

// watched notes which pages of the input are read.
type watched struct {
	tapes
	pages map[uint64][]uint32 // ascending
}

func (w *watched) word(stream, index uint64) (uint64, error) {
	page := uint32(index * 8 / PageSize)
	if at, ok := slices.BinarySearch(w.pages[stream], page); !ok {
		w.pages[stream] = slices.Insert(w.pages[stream], at, page)
	}
	return w.tapes.word(stream, index)
}
