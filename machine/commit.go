package machine

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"iter"
	"math"
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
func (s *Scalars) Root(spaces [numStateSpaces]Digest) Digest { return sha256.Sum256(s.encode(spaces)) }

// encode is what the root is the hash of.
func (s *Scalars) encode(spaces [numStateSpaces]Digest) []byte {
	b := make([]byte, 0, stateSize)
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
	return b
}

// stateSize is the size of an encoded state.
const stateSize = 1 + 3*4 + 8 + 4 + link.OutStreams*(8+1+sha256.Size) + 1 + 1 + 4 + int(numStateSpaces)*sha256.Size

// decodeState is the inverse of encode: it accepts nothing else.
func decodeState(b []byte) (s Scalars, spaces [numStateSpaces]Digest, err error) {
	if len(b) != stateSize || b[0] != tagState {
		return s, spaces, errors.New("not an encoded state")
	}
	r := fields{b: b[1:]}
	s.PC, s.FP, s.Depth, s.Fuel, s.Pages = r.u32(), r.u32(), r.u32(), r.u64(), r.u32()
	for i := range s.Out {
		s.Out[i] = Tape{Size: r.u64(), Closed: r.byte() == 1, Digest: r.digest()}
	}
	kind, trap := int(r.byte()), int(r.byte())
	if kind >= len(kinds) || trap >= len(trapKinds) {
		return s, spaces, errors.New("an encoded state has an unknown outcome")
	}
	s.Outcome = link.Outcome{Kind: kinds[kind], Trap: trapKinds[trap], Code: r.u32()}
	for i := range spaces {
		spaces[i] = r.digest()
	}
	if !bytes.Equal(s.encode(spaces), b) {
		return s, spaces, errors.New("an encoded state is not canonical")
	}
	return s, spaces, nil
}

// fields reads what was encoded with a fixed size. Its user has checked that all is there.
type fields struct{ b []byte }

func (f *fields) take(n int) []byte {
	b := f.b[:n]
	f.b = f.b[n:]
	return b
}

func (f *fields) byte() byte     { return f.take(1)[0] }
func (f *fields) u32() uint32    { return binary.LittleEndian.Uint32(f.take(4)) }
func (f *fields) u64() uint64    { return binary.LittleEndian.Uint64(f.take(8)) }
func (f *fields) digest() Digest { return Digest(f.take(sha256.Size)) }

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
func TapeOf(b []byte) (t Tape) {
	t.extend(b, len(b)%8 != 0)
	return t
}

// extend appends words, of which the last may be short if that closes the stream.
func (t *Tape) extend(b []byte, closes bool) {
	if closes && !t.Closed {
		defer func(size uint64) { t.Size, t.Closed = size, true }(t.Size + uint64(len(b)))
	}
	for len(b) >= 8 {
		t.Digest = Extend(t.Digest, binary.LittleEndian.Uint64(b), 8)
		t.Size += 8
		b = b[8:]
	}
	if len(b) > 0 {
		t.Digest = Extend(t.Digest, wordOf(b), len(b))
	}
}

// Commitment follows a machine and commits to its states. Between two roots only pages that were written are hashed again.
type Commitment struct {
	m     *Machine
	h     *hasher
	trees [numStateSpaces]*tree
	out   [link.OutStreams]Tape
}

// NewCommitment begins to follow m, which must be in its initial state.
func NewCommitment(m *Machine) *Commitment { return newCommitment(m, newHasher()) }

// newCommitment begins to follow m with the pages of h, which are one or more of the profile's.
func newCommitment(m *Machine, h *hasher) *Commitment {
	c := &Commitment{m: m, h: h}
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
		t.extend(o.bytes[t.Size-o.before:], o.closed)
	}
	return Scalars{PC: m.pc, FP: m.fp, Depth: m.depth, Fuel: m.fuel, Pages: m.pages(), Out: c.out, Outcome: m.outcome}
}

// Root returns the commitment to the machine's state, and begins to look for changes anew.
func (c *Commitment) Root() Digest {
	m, t, size := c.m, c.trees[spaceMemory], 1<<c.h.bits
	for i := range c.pages(m.touched, pageWritten) {
		at := int(i) * size
		t.set(i, c.h.pageOf(spaceMemory, m.mem[at:at+size]))
	}
	c.cells(spaceGlobals, m.globals, c.pages(m.globalsSeen, pageWritten))
	c.cells(spaceTables, m.tables, c.pages(m.tablesSeen, pageWritten))
	c.cells(spaceRegisters, m.regs, c.framePages())
	m.forget()
	return sha256.Sum256(c.state())
}

// state is the encoded state, as it was at the last root.
func (c *Commitment) state() []byte {
	var roots [numStateSpaces]Digest
	for s, t := range c.trees {
		roots[s] = t.root()
	}
	s := c.Scalars()
	return s.encode(roots)
}

// cells hashes pages of cells.
func (c *Commitment) cells(s space, cells []uint64, pages iter.Seq[uint32]) {
	n := 1 << c.h.bits / 8
	for i := range pages {
		at := int(i) * n
		c.trees[s].set(i, c.h.cellPage(s, cells[at:min(at+n, len(cells))]))
	}
}

// pages goes through the pages that were touched as how says. seen is by pages of the profile.
func (c *Commitment) pages(seen []byte, how uint64) iter.Seq[uint32] {
	shift := c.h.bits - pageBits
	return func(yield func(uint32) bool) {
		for i := 0; i < len(seen); {
			switch {
			case i+8 <= len(seen) && le.Uint64(seen[i:])&(how*(math.MaxUint64/255)) == 0: // most are not
				i += 8
			case uint64(seen[i])&how == 0:
				i++
			default:
				page := i >> shift
				if !yield(uint32(page)) {
					return
				}
				i = (page + 1) << shift
			}
		}
	}
}

// framePages goes through the pages of registers that frames lay in.
func (c *Commitment) framePages() iter.Seq[uint32] {
	shift := c.h.bits - pageBits
	return func(yield func(uint32) bool) {
		first, last := c.m.frames()
		for i := first >> shift; i<<shift < last; i++ {
			if !yield(i) {
				return
			}
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
