package machine

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/trilemma-dev/trilemma/link"
)

// Scalars is what of a state does not lie in pages.
type Scalars struct {
	PC, FP, Depth uint32
	Fuel          uint64 // left
	Pages         uint32 // of 64 KiB
	Out           [link.OutStreams]Tape
	Outcome       link.Outcome // its kind is empty while the run goes on
}

// Tape is what a state holds of an output stream.
type Tape struct {
	Size   uint64
	Closed bool
	Digest Digest // of its words, see [Extend]
}

// kinds are the outcomes by the number that stands for them in a state.
var kinds = []link.OutcomeKind{"", link.OK, link.Exit, link.Trap, link.OutOfFuel, link.TooDeep, link.OutOfMem, link.OutputFull}

// Root is the commitment to a state: SHA-256 of its scalars, little-endian in the order of their declaration, and the roots of memory, globals,
// registers and tables.
func (s *Scalars) Root(spaces [numStateSpaces]Digest) Digest {
	b := make([]byte, 0, 512)
	b = append(b, tagState)
	b = binary.LittleEndian.AppendUint32(b, s.PC)
	b = binary.LittleEndian.AppendUint32(b, s.FP)
	b = binary.LittleEndian.AppendUint32(b, s.Depth)
	b = binary.LittleEndian.AppendUint64(b, s.Fuel)
	b = binary.LittleEndian.AppendUint32(b, s.Pages)
	for _, t := range s.Out {
		b = binary.LittleEndian.AppendUint64(b, t.Size)
		b = append(b, byte(bit(t.Closed)))
		b = append(b, t.Digest[:]...)
	}
	b = append(b, byte(slices.Index(kinds, s.Outcome.Kind)), byte(trapCode(s.Outcome.Trap)))
	b = binary.LittleEndian.AppendUint32(b, s.Outcome.Code)
	for _, d := range spaces {
		b = append(b, d[:]...)
	}
	return sha256.Sum256(b)
}

// Extend is the digest of an output stream with one more word, of which n bytes count: SHA-256 of the digest before, the word, n. An empty
// stream's digest is zero.
func Extend(d Digest, word uint64, n int) Digest {
	var b [1 + sha256.Size + 9]byte
	b[0] = tagWord
	copy(b[1:], d[:])
	binary.LittleEndian.PutUint64(b[1+sha256.Size:], word)
	b[1+sha256.Size+8] = byte(n)
	return sha256.Sum256(b[:])
}

// TapeOf is what a state holds of a stream after b was written to it.
func TapeOf(b []byte) Tape {
	t := Tape{Size: uint64(len(b)), Closed: len(b)%8 != 0}
	for len(b) >= 8 {
		t.Digest = Extend(t.Digest, binary.LittleEndian.Uint64(b), 8)
		b = b[8:]
	}
	if len(b) > 0 {
		var last [8]byte
		copy(last[:], b)
		t.Digest = Extend(t.Digest, binary.LittleEndian.Uint64(last[:]), len(b))
	}
	return t
}

// Commitment follows a machine and commits to its states. Between two roots only pages that were written are hashed again.
type Commitment struct {
	m     *Machine
	h     *hasher
	trees [numStateSpaces]*tree
	out   [link.OutStreams]Tape
}

// NewCommitment begins to follow m, which must be in its initial state.
func NewCommitment(m *Machine) *Commitment {
	c := &Commitment{m: m, h: newHasher()}
	for s := range c.trees {
		c.trees[s] = newTree(space(s), c.h)
	}
	for i := range m.globalsSeen {
		m.globalsSeen[i] = pageWritten
	}
	for i := range m.tablesSeen {
		m.tablesSeen[i] = pageWritten
	}
	return c
}

// Scalars returns the scalars of the machine's state.
func (c *Commitment) Scalars() Scalars {
	m := c.m
	for i := range m.out {
		o, t := m.out[i], &c.out[i]
		for t.Size+8 <= uint64(len(o.bytes)) {
			t.Digest = Extend(t.Digest, binary.LittleEndian.Uint64(o.bytes[t.Size:]), 8)
			t.Size += 8
		}
		if o.closed && !t.Closed {
			rest := o.bytes[t.Size:]
			var last [8]byte
			copy(last[:], rest)
			t.Digest = Extend(t.Digest, binary.LittleEndian.Uint64(last[:]), len(rest))
			t.Size, t.Closed = uint64(len(o.bytes)), true
		}
	}
	return Scalars{PC: m.pc, FP: m.fp, Depth: m.depth, Fuel: m.fuel, Pages: m.pages(), Out: c.out, Outcome: m.outcome}
}

// Root returns the commitment to the machine's state, and begins to look for changes anew.
func (c *Commitment) Root() Digest {
	m := c.m
	for i, t := range m.touched {
		if t&pageWritten != 0 {
			at := i << pageBits
			c.trees[spaceMemory].set(uint32(i), c.h.pageOf(spaceMemory, m.mem[at:at+PageSize]))
		}
	}
	c.cells(spaceGlobals, m.globals, m.globalsSeen)
	c.cells(spaceTables, m.tables, m.tablesSeen)
	first, last := m.frames()
	for i := first; i < last; i++ {
		c.trees[spaceRegisters].set(i, c.h.cellPage(spaceRegisters, m.regs[i*pageCells:(i+1)*pageCells]))
	}
	m.forget()
	var roots [numStateSpaces]Digest
	for s, t := range c.trees {
		roots[s] = t.root()
	}
	s := c.Scalars()
	return s.Root(roots)
}

func (c *Commitment) cells(s space, cells []uint64, seen []byte) {
	for i, t := range seen {
		if t&pageWritten != 0 {
			c.trees[s].set(uint32(i), c.h.cellPage(s, cells[i*pageCells:min((i+1)*pageCells, len(cells))]))
		}
	}
}

// frames returns the pages of registers that frames lay in since the last look, as first and one past the last. It errs on the side of
// too many: a frame is as long as the program's longest.
func (m *Machine) frames() (first, last uint32) {
	end := min(m.top+m.program.widest, MaxCells, uint32(len(m.regs)))
	return m.low / pageCells, (end + pageCells - 1) / pageCells
}

// forget begins to look at what is touched anew.
func (m *Machine) forget() {
	clear(m.touched)
	clear(m.globalsSeen)
	clear(m.tablesSeen)
	m.low, m.top = m.fp, m.fp
}
