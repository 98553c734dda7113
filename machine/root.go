package machine

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/wasm"
)

// instrSize is how many bytes an instruction takes in a page of code: op, d, a, b, w, t, imm, little-endian.
const instrSize = 24

// pageInstrs is how many instructions a page of code holds: a power of two.
const pageInstrs = PageSize / 32

// appendInstr encodes an instruction.
func appendInstr(b []byte, in *Instr) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(in.Op))
	b = binary.LittleEndian.AppendUint16(b, in.D)
	b = binary.LittleEndian.AppendUint16(b, in.A)
	b = binary.LittleEndian.AppendUint16(b, in.B)
	b = binary.LittleEndian.AppendUint32(b, in.W)
	b = binary.LittleEndian.AppendUint32(b, in.T)
	return binary.LittleEndian.AppendUint64(b, in.Imm)
}

// Header is what commits to a program: everything of it that is not in pages, and the roots of what is.
type Header struct {
	Instructions uint32
	Widest       uint32 // cells of the largest frame
	Globals      uint32 // cells, lengths of segments included
	Tables       []uint32
	MemoryMin    uint32 // in pages of 64 KiB
	MemoryMax    uint32 // likewise; the profile's greatest if none is declared
	DataSize     uint32 // bytes that memory.init reads
	Elements     uint32 // cells that table.init reads

	Code, Data, Segments                         Digest
	InitialMemory, InitialGlobals, InitialTables Digest
}

// Root is SHA-256 of the profile's name and the header, little-endian in the order of declaration.
func (h *Header) Root() Digest { return sha256.Sum256(h.encode()) }

// encode is what the root is the hash of.
func (h *Header) encode() []byte {
	b := append([]byte{tagProgram}, link.Profile...)
	for _, v := range []uint32{h.Instructions, h.Widest, h.Globals, uint32(len(h.Tables))} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	for _, v := range h.Tables {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	for _, v := range []uint32{h.MemoryMin, h.MemoryMax, h.DataSize, h.Elements} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	for _, d := range []Digest{h.Code, h.Data, h.Segments, h.InitialMemory, h.InitialGlobals, h.InitialTables} {
		b = append(b, d[:]...)
	}
	return b
}

// decodeHeader is the inverse of encode: it accepts nothing else.
func decodeHeader(b []byte) (*Header, error) {
	fixed := 1 + len(link.Profile) + 8*4 + 6*sha256.Size
	if len(b) < fixed || len(b) > fixed+4*wasm.MaxTables || (len(b)-fixed)%4 != 0 || !bytes.HasPrefix(b, append([]byte{tagProgram}, link.Profile...)) {
		return nil, errors.New("not the header of a program of this profile")
	}
	h := &Header{}
	r := fields{b: b[1+len(link.Profile):]}
	h.Instructions, h.Widest, h.Globals = r.u32(), r.u32(), r.u32()
	if n := r.u32(); uint64(n) != uint64(len(b)-fixed)/4 {
		return nil, errors.New("the header of a program has another number of tables than it says")
	}
	cells := uint64(0)
	for range (len(b) - fixed) / 4 {
		h.Tables = append(h.Tables, r.u32())
		cells += uint64(h.Tables[len(h.Tables)-1])
	}
	h.MemoryMin, h.MemoryMax, h.DataSize, h.Elements = r.u32(), r.u32(), r.u32(), r.u32()
	for _, d := range []*Digest{&h.Code, &h.Data, &h.Segments, &h.InitialMemory, &h.InitialGlobals, &h.InitialTables} {
		*d = r.digest()
	}
	if h.Instructions > MaxProgram || h.Widest > MaxCells || h.Globals > 1<<sizes[spaceGlobals]/8 || cells > wasm.MaxTableCells ||
		h.MemoryMin > link.MaxPages || h.MemoryMax > link.MaxPages || h.DataSize > wasm.MaxModule || h.Elements > wasm.MaxElements {
		return nil, errors.New("the header of a program is beyond the profile's bounds")
	}
	return h, nil
}

// codeTree is the tree over the pages of code.
func (p *Program) codeTree(h *hasher) *tree {
	t := newTree(spaceCode, h)
	var page []byte
	for i := range uint32(len(p.Code)+pageInstrs-1) / pageInstrs {
		page = p.codePage(page[:0], i)
		t.set(i, h.pageOf(spaceCode, page))
	}
	return t
}

// codePage appends page i of the code to b.
func (p *Program) codePage(b []byte, i uint32) []byte {
	for k := i * pageInstrs; k < min((i+1)*pageInstrs, uint32(len(p.Code))); k++ {
		b = appendInstr(b, &p.Code[k])
	}
	return b
}

// Header computes the commitment to p, once.
func (p *Program) Header() *Header {
	p.once.Do(func() {
		h := newHasher()
		empty := New(p, nil, link.Limits{Memory: p.memory.Min})
		c := NewCommitment(empty)
		c.Root()
		p.header = &Header{
			Instructions: uint32(len(p.Code)), Widest: p.widest, Globals: uint32(len(p.globals)),
			MemoryMin: p.memory.Min, MemoryMax: p.most(), DataSize: uint32(len(p.segments)), Elements: uint32(len(p.elems)),
			Code: p.codeTree(h).root(), Data: ofBytes(spaceData, h, p.segments).root(), Segments: ofCells(spaceElements, h, p.elems).root(),
			InitialMemory: c.trees[spaceMemory].root(), InitialGlobals: c.trees[spaceGlobals].root(), InitialTables: c.trees[spaceTables].root(),
		}
		for _, t := range p.tables {
			p.header.Tables = append(p.header.Tables, t.size)
		}
	})
	return p.header
}

// Root is the program's root, which receipts name.
func (p *Program) Root() Digest { return p.Header().Root() }

// most is how many pages the memory may ever have, whatever the task allows.
func (p *Program) most() uint32 {
	if p.memory.HasMax {
		return min(p.memory.Max, link.MaxPages)
	}
	return link.MaxPages
}

// InitialScalars is what a run of a program begins with within limits.
func (h *Header) InitialScalars(lim link.Limits) Scalars {
	s := Scalars{Depth: MaxCells, Fuel: lim.Fuel, Pages: h.MemoryMin}
	if h.MemoryMin > lim.Memory {
		s.Outcome.Kind = link.OutOfMem
	}
	return s
}

// InputRoot commits to input streams: SHA-256 of their number, and of each its size and the root of its pages.
func InputRoot(streams [][]byte) Digest {
	root, _ := inputRoot(streams)
	return root
}

func inputRoot(streams [][]byte) (Digest, []*tree) {
	h := newHasher()
	trees := make([]*tree, len(streams))
	sizes, roots := make([]uint64, len(streams)), make([]Digest, len(streams))
	for i, s := range streams {
		trees[i] = ofBytes(spaceInput, h, s)
		sizes[i], roots[i] = uint64(len(s)), trees[i].root()
	}
	return joinInputs(sizes, roots), trees
}

// joinInputs is the commitment to streams of these sizes and roots.
func joinInputs(sizes []uint64, roots []Digest) Digest {
	b := binary.LittleEndian.AppendUint32([]byte{tagInputs}, uint32(len(sizes)))
	for i := range sizes {
		b = binary.LittleEndian.AppendUint64(b, sizes[i])
		b = append(b, roots[i][:]...)
	}
	return sha256.Sum256(b)
}
