package machine

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/wasm"
)

// Replayed is what the replay of a segment establishes.
type Replayed struct {
	Before, After   Digest // state roots
	Program, Inputs Digest
	End             link.Outcome // of the state after the segment; its kind is empty if the run goes on
	State, Input    int64        // bytes that the opening reveals
}

// ErrEarly says that a run ends before the last step of a segment: that the segment is not what its transcript says, not that its opening is bad.
var ErrEarly = errors.New("the run ends early")

// Replay runs a segment of so many steps from its opening alone, within the limits of the run. It establishes that a run of the program
// with root Program on the input with root Inputs goes from the state with root Before to that with root After in exactly these steps. Any error
// wraps [ErrOpening], but for [ErrHost]: if the opening does not lead to its own roots, if the segment touches what was not opened, or if
// the run ends before its last step. In the last case it wraps [ErrEarly] too, and the result is established all the same, with the state in
// which the run ended as the one after.
func (o *Opening) Replay(lim link.Limits, steps uint64) (Replayed, error) {
	r, err := o.replay(lim, steps)
	if err == nil {
		return r, nil
	}
	if !errors.Is(err, ErrEarly) {
		r = Replayed{}
	}
	return r, fmt.Errorf("%w: %w", ErrOpening, err)
}

func (o *Opening) replay(lim link.Limits, steps uint64) (r Replayed, err error) {
	header, err := decodeHeader(o.Header)
	if err != nil {
		return r, err
	}
	state, spaces, err := decodeState(o.State)
	if err != nil {
		return r, err
	}
	h := newHasher()
	if err := o.verify(h, header, spaces); err != nil {
		return r, err
	}
	r.Before, r.Program = sha256.Sum256(o.State), sha256.Sum256(o.Header)
	input, root, err := o.inputs(h)
	if err != nil {
		return r, err
	}
	r.Inputs = root
	m, err := o.machine(header, &state, lim)
	if err != nil {
		return r, err
	}
	m.input = input
	took, err := m.Run(steps)
	if err != nil {
		return r, err
	}
	if err := o.covers(m); err != nil {
		return r, err
	}
	after, err := o.after(m, h, spaces)
	if err != nil {
		return r, err
	}
	c := Commitment{m: m, out: state.Out}
	end := c.Scalars()
	r.After, r.End = end.Root(after), end.Outcome
	r.State = o.Memory.size() + o.Globals.size() + o.Registers.size() + o.Tables.size()
	for i := range o.Inputs {
		r.Input += o.Inputs[i].Pages.size()
	}
	if took != steps {
		return r, fmt.Errorf("%w, after %d of %d steps", ErrEarly, took, steps)
	}
	return r, nil
}

// verify checks every page against the roots of the state and the program.
func (o *Opening) verify(h *hasher, header *Header, spaces [numStateSpaces]Digest) error {
	for _, c := range []struct {
		name  string
		pages *Pages
		space space
		root  Digest
	}{
		{"memory", &o.Memory, spaceMemory, spaces[spaceMemory]}, {"globals", &o.Globals, spaceGlobals, spaces[spaceGlobals]},
		{"registers", &o.Registers, spaceRegisters, spaces[spaceRegisters]}, {"tables", &o.Tables, spaceTables, spaces[spaceTables]},
		{"code", &o.Code, spaceCode, header.Code}, {"data", &o.Data, spaceData, header.Data}, {"elements", &o.Elements, spaceElements, header.Segments},
	} {
		if err := c.pages.verify(c.space, h, c.root); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// openedTapes is input of which some pages are known.
type openedTapes []Stream

func (t openedTapes) size(stream uint64) uint64 {
	if stream < uint64(len(t)) {
		return uint64(t[stream].Size)
	}
	return 0
}

func (t openedTapes) word(stream, index uint64) (uint64, error) {
	b, ok := t[stream].Pages.find(int64(index * 8 / PageSize))
	if !ok {
		return 0, ErrAbsent
	}
	return wordOf(b[min(index*8%PageSize, uint64(len(b))):]), nil
}

// inputs checks the input streams, and returns their root.
func (o *Opening) inputs(h *hasher) (openedTapes, Digest, error) {
	sizes, roots := make([]uint64, len(o.Inputs)), make([]Digest, len(o.Inputs))
	for i := range o.Inputs {
		s := &o.Inputs[i]
		if s.Size < 0 || s.Size > math.MaxInt32 || len(s.Root) != sha256.Size {
			return nil, Digest{}, fmt.Errorf("input stream %d has no size or root", i)
		}
		sizes[i], roots[i] = uint64(s.Size), Digest(s.Root)
		if err := s.Pages.verify(spaceInput, h, roots[i]); err != nil {
			return nil, Digest{}, fmt.Errorf("input stream %d: %w", i, err)
		}
	}
	return o.Inputs, joinInputs(sizes, roots), nil
}

// machine makes a machine in the state that was opened. What was not opened is zero.
func (o *Opening) machine(h *Header, s *Scalars, lim link.Limits) (*Machine, error) {
	switch {
	case s.FP >= MaxCells || s.Depth > MaxCells || s.PC >= h.Instructions:
		return nil, fmt.Errorf("the state is none that a run comes to")
	case s.Pages > min(max(lim.Memory, h.MemoryMin), h.MemoryMax):
		return nil, fmt.Errorf("the state has a memory of %d pages", s.Pages)
	case s.Outcome.Kind != "":
		return nil, fmt.Errorf("the run has ended before the segment: %s", s.Outcome)
	}
	p := &Program{Code: make([]Instr, h.Instructions), widest: h.Widest, memory: wasm.Limits{Min: h.MemoryMin, Max: h.MemoryMax, HasMax: true},
		segments: make([]byte, h.DataSize), elems: make([]uint64, h.Elements)}
	base := uint32(0)
	for _, n := range h.Tables {
		p.tables = append(p.tables, tablePlace{base: base, size: n})
		base += n
	}
	for k, i := range o.Code.Index {
		decodeCode(p.Code, uint64(i)*pageInstrs, o.Code.Pages[k])
	}
	o.Data.fillBytes(p.segments)
	o.Elements.fillCells(p.elems)
	m := &Machine{program: p, limits: lim, pc: s.PC, fp: s.FP, depth: s.Depth, fuel: s.Fuel, low: s.FP, top: s.FP,
		globals: make([]uint64, h.Globals), tables: make([]uint64, base)}
	m.watch()
	m.reserve(s.FP)
	m.resize(s.Pages)
	o.Memory.fillBytes(m.mem)
	o.Globals.fillCells(m.globals)
	o.Tables.fillCells(m.tables)
	if n := len(o.Registers.Index); n > 0 {
		m.reserve(uint32(o.Registers.Index[n-1]) * pageCells)
	}
	o.Registers.fillCells(m.regs)
	for i, t := range s.Out {
		m.out[i] = output{before: t.Size, closed: t.Closed}
		m.written += t.Size
	}
	return m, nil
}

// decodeCode decodes a page of instructions, without its trailing zeros.
func decodeCode(code []Instr, at uint64, page []byte) {
	for ; len(page) > 0 && at < uint64(len(code)); at++ {
		var b [instrSize]byte
		page = page[copy(b[:], page):]
		code[at] = Instr{Op: Op(le.Uint16(b[0:])), D: le.Uint16(b[2:]), A: le.Uint16(b[4:]), B: le.Uint16(b[6:]),
			W: le.Uint32(b[8:]), T: le.Uint32(b[12:]), Imm: le.Uint64(b[16:])}
	}
}

func (p *Pages) fillBytes(to []byte) {
	for k, i := range p.Index {
		if at := i * PageSize; at < int64(len(to)) {
			copy(to[at:], p.Pages[k])
		}
	}
}

func (p *Pages) fillCells(to []uint64) {
	for k, i := range p.Index {
		at := i * pageCells
		for b := p.Pages[k]; len(b) > 0 && at < int64(len(to)); at++ {
			to[at] = wordOf(b)
			b = b[min(8, len(b)):]
		}
	}
}

// covers checks that everything that the replay touched was opened.
func (o *Opening) covers(m *Machine) error {
	for _, c := range []struct {
		name  string
		pages *Pages
		seen  []byte
	}{
		{"memory", &o.Memory, m.touched}, {"globals", &o.Globals, m.globalsSeen}, {"tables", &o.Tables, m.tablesSeen},
		{"data", &o.Data, m.dataSeen}, {"elements", &o.Elements, m.elemsSeen},
	} {
		for i, t := range c.seen {
			if t != 0 && !c.pages.has(int64(i)) {
				return fmt.Errorf("%w: page %d of %s", ErrAbsent, i, c.name)
			}
		}
	}
	first, last := m.frames()
	for i := first; i < last; i++ {
		if !o.Registers.has(int64(i)) {
			return fmt.Errorf("%w: page %d of registers", ErrAbsent, i)
		}
	}
	return nil
}

// after computes the roots of the spaces after the segment: the opened pages may have changed, nothing else did.
func (o *Opening) after(m *Machine, h *hasher, spaces [numStateSpaces]Digest) ([numStateSpaces]Digest, error) {
	content := [numStateSpaces]func(int64) Digest{
		spaceMemory: func(i int64) Digest {
			if at := i * PageSize; at < int64(len(m.mem)) {
				return h.pageOf(spaceMemory, m.mem[at:at+PageSize])
			}
			return h.pageOf(spaceMemory, nil)
		},
		spaceGlobals:   func(i int64) Digest { return h.pageOf(spaceGlobals, pagesOfCells(m.globals)(uint32(i))) },
		spaceRegisters: func(i int64) Digest { return h.pageOf(spaceRegisters, pagesOfCells(m.regs)(uint32(i))) },
		spaceTables:    func(i int64) Digest { return h.pageOf(spaceTables, pagesOfCells(m.tables)(uint32(i))) },
	}
	for s, p := range map[space]*Pages{spaceMemory: &o.Memory, spaceGlobals: &o.Globals, spaceRegisters: &o.Registers, spaceTables: &o.Tables} {
		if len(p.Index) == 0 {
			continue
		}
		digests := make([]Digest, len(p.Index))
		for k, i := range p.Index {
			digests[k] = content[s](i)
		}
		var err error
		if spaces[s], err = p.root(s, h, digests); err != nil {
			return spaces, err
		}
	}
	return spaces, nil
}
