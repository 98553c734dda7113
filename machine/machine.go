// Package machine is the one semantics that checks and proofs share: it lowers a linked module to a register program and runs that
// step by step, with the outcome, output and fuel of a native run, always; it cuts runs into segments, commits to the state
// between them, and opens single segments.
package machine

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/trilemma-dev/trilemma/link"
)

// Machine is a run of a program in some state. It is not safe for concurrent use.
//
// Everything that a step depends on or changes is in the state: the program counter, the frame pointer, the depth and fuel left,
// the memory's size, what was written to each output stream, the register cells, globals, tables, memory, and the outcome. A machine
// that has ended stays as it is.
type Machine struct {
	program *Program
	input   tapes
	limits  link.Limits

	pc      uint32
	fp      uint32
	depth   uint32 // cells that frames may still take
	fuel    uint64 // left
	steps   uint64 // done; not part of the state
	ended   bool
	outcome link.Outcome

	regs    []uint64 // register cells, as many as were needed so far; the rest is zero
	globals []uint64 // and the lengths of segments
	tables  []uint64
	mem     []byte
	out     [link.OutStreams]output
	written uint64 // bytes on all output streams

	// What was touched since the last look, by page: pageRead, pageWritten. Frame pointers were low … top.
	touched, globalsSeen, tablesSeen, dataSeen, elemsSeen []byte
	low, top                                              uint32

	err error // the host failed
}

// output is one output stream.
type output struct {
	before uint64 // bytes that were written before this machine was made
	bytes  []byte
	closed bool // its last word was shorter than eight bytes
}

// tapes is a run's input.
type tapes interface {
	// size is the length of a stream in bytes; those that do not exist are empty.
	size(stream uint64) uint64
	// word reads a word that begins within a stream. The error is [ErrAbsent] if it is not known here.
	word(stream, index uint64) (uint64, error)
}

// PageSize is the size of a page of the state's commitment, in bytes: part of profile tm/1. docs/machine-sweep.md says why.
const (
	pageBits = 10
	PageSize = 1 << pageBits
)

// ErrHost says that the host could not go on, which says nothing about the run.
var ErrHost = errors.New("machine: the host could not run the task")

// ErrAbsent says that a run came to something that was not opened.
var ErrAbsent = errors.New("machine: the run needs what was not opened")

// New makes a machine in the canonical initial state of a program on input streams, within limits. Program and streams are not
// changed, and must not be changed while the machine is used.
func New(p *Program, streams [][]byte, lim link.Limits) *Machine {
	m := &Machine{program: p, input: streamTapes(streams), limits: lim, depth: MaxCells, fuel: lim.Fuel}
	if p.memory.Min > lim.Memory {
		m.end(link.Outcome{Kind: link.OutOfMem})
		m.mem = make([]byte, 0)
	}
	m.globals = append([]uint64(nil), p.globals...)
	m.tables = append([]uint64(nil), p.elements...)
	m.watch()
	m.reserve(0)
	m.resize(p.memory.Min)
	for _, s := range p.active {
		if at := uint32(s.Place.Value); len(s.Init) > 0 {
			copy(m.mem[at:], s.Init)
			mark(m.touched, uint64(at), uint64(len(s.Init)), pageWritten)
		}
	}
	return m
}

// watch makes room for what was touched.
func (m *Machine) watch() {
	m.globalsSeen, m.tablesSeen = make([]byte, cellPages(m.globals)), make([]byte, cellPages(m.tables))
	m.dataSeen, m.elemsSeen = make([]byte, (len(m.program.segments)+PageSize-1)/PageSize), make([]byte, cellPages(m.program.elems))
}

func cellPages(cells []uint64) int { return (len(cells) + pageCells - 1) / pageCells }

// slack is how many cells of frames there is room for at first: calls that go no deeper never copy the registers.
const slack = 1 << 12

// reserve makes room for a frame at fp: whatever an operand can name, and the largest frame.
func (m *Machine) reserve(fp uint32) {
	need := (int(fp) + 2*reach + slack + pageCells - 1) / pageCells * pageCells
	if int(fp)+2*reach <= len(m.regs) {
		return
	}
	grown := make([]uint64, min(max(need, 2*len(m.regs)), MaxCells+2*reach+slack))
	copy(grown, m.regs)
	m.regs = grown
}

// resize sets the memory's size in pages of 64 KiB.
func (m *Machine) resize(pages uint32) {
	size := int(pages) * link.PageSize
	if size > cap(m.mem) {
		grown := make([]byte, size, min(max(size, cap(m.mem)*3/2), max(size, int(m.limits.Memory)*link.PageSize)))
		copy(grown, m.mem)
		m.mem = grown
	}
	m.mem = m.mem[:size]
	if n := size >> pageBits; n > len(m.touched) {
		m.touched = append(m.touched, make([]byte, n-len(m.touched))...)
	}
}

// pages is the memory's size.
func (m *Machine) pages() uint32 { return uint32(len(m.mem) / link.PageSize) }

// end makes the state final.
func (m *Machine) end(o link.Outcome) { m.ended, m.outcome = true, o }

// Ended reports whether the run has ended.
func (m *Machine) Ended() bool { return m.ended }

// Steps is how many steps were taken since [New].
func (m *Machine) Steps() uint64 { return m.steps }

// PC is the instruction that the next step executes, or that the run ended at.
func (m *Machine) PC() uint32 { return m.pc }

// Run takes at most n steps, and returns how many it took: fewer only if the run ended. The error wraps [ErrHost] if
// the host ran out of something; the machine is of no use then.
func (m *Machine) Run(n uint64) (took uint64, err error) {
	defer func() {
		if r := recover(); r != nil {
			m.err = fmt.Errorf("%w: %v", ErrHost, r)
			err = m.err
		}
	}()
	if m.err != nil || m.ended {
		return 0, m.err
	}
	left := m.run(n)
	took = n - left
	m.steps += took
	return took, m.err
}

// Result is what the run left. It is valid once the run has ended.
func (m *Machine) Result() link.Result {
	r := link.Result{Outcome: m.outcome, Fuel: m.limits.Fuel - m.fuel}
	for i := range m.out {
		r.Streams[i] = m.out[i].bytes
	}
	return r
}

// Globals returns the globals that the linked module defines, as they are now.
func (m *Machine) Globals() []uint64 { return m.globals[:len(m.program.Linked.Module.Globals)] }

// Memory returns the memory as it is now. The caller must not change it.
func (m *Machine) Memory() []byte { return m.mem }

// streamTapes is input that lies there whole.
type streamTapes [][]byte

func (s streamTapes) size(stream uint64) uint64 {
	if stream < uint64(len(s)) {
		return uint64(len(s[stream]))
	}
	return 0
}

func (s streamTapes) word(stream, index uint64) (uint64, error) {
	return wordOf(s[stream][index*8:]), nil
}

// wordOf is the word at the beginning of b, padded with zeros.
func wordOf(b []byte) uint64 {
	if len(b) >= 8 {
		return binary.LittleEndian.Uint64(b)
	}
	var last [8]byte
	copy(last[:], b)
	return binary.LittleEndian.Uint64(last[:])
}

// outWord writes the first n bytes of a word to a stream. It returns how the run ends, if it does.
func (m *Machine) outWord(stream, word, n uint64) link.Outcome {
	if stream >= link.OutStreams || n < 1 || n > 8 || m.out[stream].closed || n < 8 && word>>(8*n) != 0 {
		return link.Outcome{Kind: link.Trap, Trap: link.TrapTape}
	}
	if m.written+n > m.limits.Output {
		return link.Outcome{Kind: link.OutputFull}
	}
	m.written += n
	o := &m.out[stream]
	o.bytes = binary.LittleEndian.AppendUint64(o.bytes, word)
	if n < 8 {
		o.bytes = o.bytes[:len(o.bytes)-8+int(n)]
		o.closed = true
	}
	return link.Outcome{}
}

// trapKinds are the traps by the number that instructions and states name them with.
var trapKinds = [...]link.TrapKind{"", link.TrapUnreachable, link.TrapDivideByZero, link.TrapOverflow, link.TrapConversion,
	link.TrapMemory, link.TrapTable, link.TrapSignature, link.TrapTape}

const (
	trapNone = iota
	trapUnreachable
	trapDivideByZero
	trapOverflow
	trapConversion
	trapMemory
	trapTable
	trapSignature
	trapTape
)

// trapCode is the number of a trap.
func trapCode(k link.TrapKind) uint64 {
	for i, t := range trapKinds {
		if t == k {
			return uint64(i)
		}
	}
	return trapNone
}
