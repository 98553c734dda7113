package machine

import (
	"encoding/binary"
	"math/bits"

	"github.com/trilemma-dev/trilemma/link"
)

// frame is what the operands of an instruction can name.
type frame = [reach]uint64

var le = binary.LittleEndian

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// run takes up to n steps and returns how many it did not take. It is the semantics of the operations below firstSlow.
//
// A step charges the weight of the instruction; if the fuel is not enough, the run ends there. Otherwise it does what the operation
// says. A trap ends the run at the instruction, with nothing changed but the fuel.
func (m *Machine) run(n uint64) uint64 {
	var (
		code = m.program.Code
		mem  = m.mem
		pc   = m.pc
		fp   = m.fp
		fuel = m.fuel
		r    = (*frame)(m.regs[fp:])
		seen = m.touched
		trap = uint64(trapNone)
	)
loop:
	for n > 0 {
		in := &code[pc]
		n--
		if uint64(in.W) > fuel {
			m.end(link.Outcome{Kind: link.OutOfFuel})
			fuel = 0
			break
		}
		fuel -= uint64(in.W)
		pc++
		switch in.Op {
		case OpTrap:
			trap = in.Imm
			break loop
		case OpCharge:
		case OpJump:
			pc = in.T
		case OpJumpTable:
			pc += uint32(min(r[in.A], in.Imm))
		case OpCall, OpCallTable:
			cells, to := uint32(in.Imm>>32), in.T
			if in.Op == OpCallTable {
				t := m.program.tables[in.B]
				i := r[in.A]
				if i >= uint64(t.size) || m.tables[uint64(t.base)+i] == 0 {
					trap = trapTable
					break loop
				}
				m.tablesSeen[(uint64(t.base)+i)/pageCells] |= pageRead
				ref := m.tables[uint64(t.base)+i]
				if ref>>refType != uint64(in.T) {
					trap = trapSignature
					break loop
				}
				cells, to = uint32(ref>>refCells&(1<<(refType-refCells)-1)), uint32(ref&refCode)
			}
			if cells > m.depth {
				m.end(link.Outcome{Kind: link.TooDeep})
				pc--
				break loop
			}
			m.depth -= cells
			step := uint32(in.Imm)
			fp += step
			m.top = max(m.top, fp)
			if int(fp)+2*reach > len(m.regs) {
				m.reserve(fp)
			}
			r = (*frame)(m.regs[fp:])
			r[in.D] = uint64(pc) | uint64(step)<<32
			pc = to
		case OpReturn:
			back := r[in.A]
			m.depth += uint32(in.Imm)
			fp -= uint32(back >> 32)
			m.low = min(m.low, fp)
			r = (*frame)(m.regs[fp:])
			pc = uint32(back)
		case OpHalt:
			m.end(link.Outcome{Kind: link.OK})
			pc--
			break loop
		case OpExit:
			o := link.Outcome{Kind: link.OK}
			if c := uint32(r[in.A]); c != 0 {
				o = link.Outcome{Kind: link.Exit, Code: c}
			}
			m.end(o)
			pc--
			break loop

		case OpConst:
			r[in.D] = in.Imm
		case OpMove:
			r[in.D] = r[in.A]
		case OpMoveFar:
			m.regs[fp+in.T] = m.regs[fp+uint32(in.Imm)]
		case OpSelect:
			v := r[in.A]
			if r[uint16(in.T)] == 0 {
				v = r[in.B]
			}
			r[in.D] = v
		case OpGlobalGet:
			r[in.D] = m.globals[in.T]
			m.globalsSeen[in.T/pageCells] |= pageRead
		case OpGlobalSet:
			m.globals[in.T] = r[in.A]
			m.globalsSeen[in.T/pageCells] |= pageWritten

		case OpAdd32:
			r[in.D] = uint64(uint32(r[in.A]) + uint32(r[in.B]))
		case OpAdd32I:
			r[in.D] = uint64(uint32(r[in.A]) + uint32(in.Imm))
		case OpAdd64:
			r[in.D] = r[in.A] + r[in.B]
		case OpAdd64I:
			r[in.D] = r[in.A] + in.Imm
		case OpSub32:
			r[in.D] = uint64(uint32(r[in.A]) - uint32(r[in.B]))
		case OpSub32I:
			r[in.D] = uint64(uint32(in.Imm) - uint32(r[in.A]))
		case OpSub64:
			r[in.D] = r[in.A] - r[in.B]
		case OpSub64I:
			r[in.D] = in.Imm - r[in.A]
		case OpMul32:
			r[in.D] = uint64(uint32(r[in.A]) * uint32(r[in.B]))
		case OpMul32I:
			r[in.D] = uint64(uint32(r[in.A]) * uint32(in.Imm))
		case OpMul64:
			r[in.D] = r[in.A] * r[in.B]
		case OpMul64I:
			r[in.D] = r[in.A] * in.Imm
		case OpDivS32, OpDivS64, OpDivU32, OpDivU64, OpRemS32, OpRemS64, OpRemU32, OpRemU64:
			var v uint64
			if v, trap = divide(in.Op, r[in.A], r[in.B]); trap != trapNone {
				break loop
			}
			r[in.D] = v
		case OpDivS32I, OpDivS64I, OpDivU32I, OpDivU64I, OpRemS32I, OpRemS64I, OpRemU32I, OpRemU64I:
			var v uint64
			if v, trap = divide(in.Op-1, r[in.A], in.Imm); trap != trapNone {
				break loop
			}
			r[in.D] = v
		case OpAnd32, OpAnd64:
			r[in.D] = r[in.A] & r[in.B]
		case OpAnd32I, OpAnd64I:
			r[in.D] = r[in.A] & in.Imm
		case OpOr32, OpOr64:
			r[in.D] = r[in.A] | r[in.B]
		case OpOr32I, OpOr64I:
			r[in.D] = r[in.A] | in.Imm
		case OpXor32, OpXor64:
			r[in.D] = r[in.A] ^ r[in.B]
		case OpXor32I, OpXor64I:
			r[in.D] = r[in.A] ^ in.Imm
		case OpShl32:
			r[in.D] = uint64(uint32(r[in.A]) << (r[in.B] & 31))
		case OpShl32I:
			r[in.D] = uint64(uint32(r[in.A]) << (in.Imm & 31))
		case OpShl64:
			r[in.D] = r[in.A] << (r[in.B] & 63)
		case OpShl64I:
			r[in.D] = r[in.A] << (in.Imm & 63)
		case OpShrS32:
			r[in.D] = uint64(uint32(int32(r[in.A]) >> (r[in.B] & 31)))
		case OpShrS32I:
			r[in.D] = uint64(uint32(int32(r[in.A]) >> (in.Imm & 31)))
		case OpShrS64:
			r[in.D] = uint64(int64(r[in.A]) >> (r[in.B] & 63))
		case OpShrS64I:
			r[in.D] = uint64(int64(r[in.A]) >> (in.Imm & 63))
		case OpShrU32:
			r[in.D] = r[in.A] >> (r[in.B] & 31)
		case OpShrU32I:
			r[in.D] = r[in.A] >> (in.Imm & 31)
		case OpShrU64:
			r[in.D] = r[in.A] >> (r[in.B] & 63)
		case OpShrU64I:
			r[in.D] = r[in.A] >> (in.Imm & 63)
		case OpRotl32:
			r[in.D] = uint64(bits.RotateLeft32(uint32(r[in.A]), int(r[in.B]&31)))
		case OpRotl32I:
			r[in.D] = uint64(bits.RotateLeft32(uint32(r[in.A]), int(in.Imm&31)))
		case OpRotl64:
			r[in.D] = bits.RotateLeft64(r[in.A], int(r[in.B]&63))
		case OpRotl64I:
			r[in.D] = bits.RotateLeft64(r[in.A], int(in.Imm&63))
		case OpRotr32:
			r[in.D] = uint64(bits.RotateLeft32(uint32(r[in.A]), -int(r[in.B]&31)))
		case OpRotr64:
			r[in.D] = bits.RotateLeft64(r[in.A], -int(r[in.B]&63))

		case OpEq32, OpEq64:
			r[in.D] = bit(r[in.A] == r[in.B])
		case OpEq32I, OpEq64I:
			r[in.D] = bit(r[in.A] == in.Imm)
		case OpNe32, OpNe64:
			r[in.D] = bit(r[in.A] != r[in.B])
		case OpNe32I, OpNe64I:
			r[in.D] = bit(r[in.A] != in.Imm)
		case OpLtS32:
			r[in.D] = bit(int32(r[in.A]) < int32(r[in.B]))
		case OpLtS32I:
			r[in.D] = bit(int32(r[in.A]) < int32(in.Imm))
		case OpGeS32:
			r[in.D] = bit(int32(r[in.A]) >= int32(r[in.B]))
		case OpGeS32I:
			r[in.D] = bit(int32(r[in.A]) >= int32(in.Imm))
		case OpLtU32, OpLtU64:
			r[in.D] = bit(r[in.A] < r[in.B])
		case OpLtU32I, OpLtU64I:
			r[in.D] = bit(r[in.A] < in.Imm)
		case OpGeU32, OpGeU64:
			r[in.D] = bit(r[in.A] >= r[in.B])
		case OpGeU32I, OpGeU64I:
			r[in.D] = bit(r[in.A] >= in.Imm)
		case OpLtS64:
			r[in.D] = bit(int64(r[in.A]) < int64(r[in.B]))
		case OpLtS64I:
			r[in.D] = bit(int64(r[in.A]) < int64(in.Imm))
		case OpGeS64:
			r[in.D] = bit(int64(r[in.A]) >= int64(r[in.B]))
		case OpGeS64I:
			r[in.D] = bit(int64(r[in.A]) >= int64(in.Imm))

		case OpBrEq32, OpBrEq64:
			if r[in.A] == r[in.B] {
				pc = in.T
			}
		case OpBrEq32I, OpBrEq64I:
			if r[in.A] == in.Imm {
				pc = in.T
			}
		case OpBrNe32, OpBrNe64:
			if r[in.A] != r[in.B] {
				pc = in.T
			}
		case OpBrNe32I, OpBrNe64I:
			if r[in.A] != in.Imm {
				pc = in.T
			}
		case OpBrLtS32:
			if int32(r[in.A]) < int32(r[in.B]) {
				pc = in.T
			}
		case OpBrLtS32I:
			if int32(r[in.A]) < int32(in.Imm) {
				pc = in.T
			}
		case OpBrGeS32:
			if int32(r[in.A]) >= int32(r[in.B]) {
				pc = in.T
			}
		case OpBrGeS32I:
			if int32(r[in.A]) >= int32(in.Imm) {
				pc = in.T
			}
		case OpBrLtU32, OpBrLtU64:
			if r[in.A] < r[in.B] {
				pc = in.T
			}
		case OpBrLtU32I, OpBrLtU64I:
			if r[in.A] < in.Imm {
				pc = in.T
			}
		case OpBrGeU32, OpBrGeU64:
			if r[in.A] >= r[in.B] {
				pc = in.T
			}
		case OpBrGeU32I, OpBrGeU64I:
			if r[in.A] >= in.Imm {
				pc = in.T
			}
		case OpBrLtS64:
			if int64(r[in.A]) < int64(r[in.B]) {
				pc = in.T
			}
		case OpBrLtS64I:
			if int64(r[in.A]) < int64(in.Imm) {
				pc = in.T
			}
		case OpBrGeS64:
			if int64(r[in.A]) >= int64(r[in.B]) {
				pc = in.T
			}
		case OpBrGeS64I:
			if int64(r[in.A]) >= int64(in.Imm) {
				pc = in.T
			}

		case OpClz32:
			r[in.D] = uint64(bits.LeadingZeros32(uint32(r[in.A])))
		case OpClz64:
			r[in.D] = uint64(bits.LeadingZeros64(r[in.A]))
		case OpCtz32:
			r[in.D] = uint64(bits.TrailingZeros32(uint32(r[in.A])))
		case OpCtz64:
			r[in.D] = uint64(bits.TrailingZeros64(r[in.A]))
		case OpPopcnt32, OpPopcnt64:
			r[in.D] = uint64(bits.OnesCount64(r[in.A]))
		case OpExtend8S32:
			r[in.D] = uint64(uint32(int32(int8(r[in.A]))))
		case OpExtend16S32:
			r[in.D] = uint64(uint32(int32(int16(r[in.A]))))
		case OpExtend8S64:
			r[in.D] = uint64(int64(int8(r[in.A])))
		case OpExtend16S64:
			r[in.D] = uint64(int64(int16(r[in.A])))
		case OpExtend32S64:
			r[in.D] = uint64(int64(int32(r[in.A])))
		case OpWrap:
			r[in.D] = uint64(uint32(r[in.A]))

		case OpLoad8U, OpLoad8UA, OpLoad8S32, OpLoad8S32A, OpLoad8S64, OpLoad8S64A:
			at := uint64(in.T)
			if in.Op&1 == OpLoad8U&1 {
				at += r[in.A]
			}
			if at >= uint64(len(mem)) {
				trap = trapMemory
				break loop
			}
			seen[at>>pageBits] |= pageRead
			v := uint64(mem[at])
			switch in.Op {
			case OpLoad8S32, OpLoad8S32A:
				v = uint64(uint32(int32(int8(v))))
			case OpLoad8S64, OpLoad8S64A:
				v = uint64(int64(int8(v)))
			}
			r[in.D] = v
		case OpLoad16U, OpLoad16UA, OpLoad16S32, OpLoad16S32A, OpLoad16S64, OpLoad16S64A:
			at := uint64(in.T)
			if in.Op&1 == OpLoad16U&1 {
				at += r[in.A]
			}
			end := at + 1
			if end >= uint64(len(mem)) {
				trap = trapMemory
				break loop
			}
			seen[at>>pageBits] |= pageRead
			seen[end>>pageBits] |= pageRead
			v := uint64(le.Uint16(mem[at:]))
			switch in.Op {
			case OpLoad16S32, OpLoad16S32A:
				v = uint64(uint32(int32(int16(v))))
			case OpLoad16S64, OpLoad16S64A:
				v = uint64(int64(int16(v)))
			}
			r[in.D] = v
		case OpLoad32U:
			at := r[in.A] + uint64(in.T)
			end := at + 3
			if end >= uint64(len(mem)) {
				trap = trapMemory
				break loop
			}
			seen[at>>pageBits] |= pageRead
			seen[end>>pageBits] |= pageRead
			r[in.D] = uint64(le.Uint32(mem[at:]))
		case OpLoad32UA, OpLoad32S64, OpLoad32S64A:
			at := uint64(in.T)
			if in.Op == OpLoad32S64 {
				at += r[in.A]
			}
			end := at + 3
			if end >= uint64(len(mem)) {
				trap = trapMemory
				break loop
			}
			seen[at>>pageBits] |= pageRead
			seen[end>>pageBits] |= pageRead
			v := uint64(le.Uint32(mem[at:]))
			if in.Op != OpLoad32UA {
				v = uint64(int64(int32(v)))
			}
			r[in.D] = v
		case OpLoad64, OpLoad64A:
			at := uint64(in.T)
			if in.Op == OpLoad64 {
				at += r[in.A]
			}
			end := at + 7
			if end >= uint64(len(mem)) {
				trap = trapMemory
				break loop
			}
			seen[at>>pageBits] |= pageRead
			seen[end>>pageBits] |= pageRead
			r[in.D] = le.Uint64(mem[at:])

		case OpStore8, OpStore8I, OpStore8A, OpStore8AI:
			at, v := in.place(r)
			if at >= uint64(len(mem)) {
				trap = trapMemory
				break loop
			}
			seen[at>>pageBits] |= pageWritten
			mem[at] = byte(v)
		case OpStore16, OpStore16I, OpStore16A, OpStore16AI:
			at, v := in.place(r)
			end := at + 1
			if end >= uint64(len(mem)) {
				trap = trapMemory
				break loop
			}
			seen[at>>pageBits] |= pageWritten
			seen[end>>pageBits] |= pageWritten
			le.PutUint16(mem[at:], uint16(v))
		case OpStore32, OpStore32I, OpStore32A, OpStore32AI:
			at, v := in.place(r)
			end := at + 3
			if end >= uint64(len(mem)) {
				trap = trapMemory
				break loop
			}
			seen[at>>pageBits] |= pageWritten
			seen[end>>pageBits] |= pageWritten
			le.PutUint32(mem[at:], uint32(v))
		case OpStore64, OpStore64I, OpStore64A, OpStore64AI:
			at, v := in.place(r)
			end := at + 7
			if end >= uint64(len(mem)) {
				trap = trapMemory
				break loop
			}
			seen[at>>pageBits] |= pageWritten
			seen[end>>pageBits] |= pageWritten
			le.PutUint64(mem[at:], v)

		default:
			m.pc, m.fp, m.fuel = pc-1, fp, fuel
			n, trap = m.slow(in, r, n)
			mem, pc, fuel, seen = m.mem, m.pc, m.fuel, m.touched
			if trap != trapNone {
				pc++
				break loop
			}
			if m.ended || m.err != nil {
				break loop
			}
		}
	}
	if trap != trapNone {
		pc--
		m.end(link.Outcome{Kind: link.Trap, Trap: trapKinds[trap]})
	}
	m.pc, m.fp, m.fuel = pc, fp, fuel
	return n
}

// What [Machine.touched] holds of a page.
const (
	pageRead    = 1
	pageWritten = 2
)

// place is where a store goes, and what it stores.
func (in *Instr) place(r *frame) (at, v uint64) {
	at, v = uint64(in.T), in.Imm
	form := (in.Op - OpStore8) & 3
	if form < 2 {
		at += r[in.A]
	}
	if form&1 == 0 {
		v = r[in.B]
	}
	return at, v
}
