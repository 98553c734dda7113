package machine

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/trilemma-dev/trilemma/link"
)

// instrSize is how many bytes an instruction takes in a page of code: op, d, a, b, w, t, imm, little-endian.
const instrSize = 24

// pageInstrs is how many instructions a page of code holds.
const pageInstrs = 128

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
func (h *Header) Root() Digest {
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
	return sha256.Sum256(b)
}

// codeTree is the tree over the pages of code.
func (p *Program) codeTree(h *hasher) *tree {
	t := newTree(spaceCode, h)
	var page []byte
	for i := 0; i < len(p.Code); i += pageInstrs {
		page = page[:0]
		for k := i; k < min(i+pageInstrs, len(p.Code)); k++ {
			page = appendInstr(page, &p.Code[k])
		}
		t.set(uint32(i/pageInstrs), h.pageOf(spaceCode, page))
	}
	return t
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
	h := newHasher()
	b := binary.LittleEndian.AppendUint32([]byte{tagInputs}, uint32(len(streams)))
	for _, s := range streams {
		root := ofBytes(spaceInput, h, s).root()
		b = binary.LittleEndian.AppendUint64(b, uint64(len(s)))
		b = append(b, root[:]...)
	}
	return sha256.Sum256(b)
}
