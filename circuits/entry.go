package circuits

import "github.com/trilemma-dev/trilemma/machine"

// operand is a part of an instruction.
type operand uint8

const (
	opD operand = iota
	opA
	opB
	opC // in T
	opT
	opImm
	opTarget // T, as a program counter
	opWord   // the word of the address T
	opImm8   // the low bits of Imm
	opImm16
	opImm32
	opSpread // the digits of the low half of Imm
	opSpreadHigh
	opPowerLeft32 // what a shift by Imm multiplies with, less 1
	opPowerLeft64
	opPowerRight32
	opPowerRight64
	opMinus32 // −Imm, as a number of 32 bits
	opMinus64
	opFrame     // of a call, in Imm: what it adds to the frame pointer
	opWeight    // what it charges
	opJumps     // Imm, of a jump table
	opTableSize // of table B
	opOtherSize // of table T
	opBase      // where table B lies among the cells
	opOtherBase // where table T does
	opTypeBase  // a type in T, and above it where table B lies among the cells
	opCells     // of a call, in Imm: the cells that it takes
	opTrap      // in Imm
	opFarTo     // of a far move, in T: a cell of the frame
	opFarFrom   // of a far move, in Imm
	opCell      // a cell of the bus of cells, by its index among globals, in T
	opLess      // Imm − 1
	opFlip32    // Imm with the other sign bit, as a number of 32 bits
	opFlip64
	opFlipLess32 // that number less 1
	opFlipLess64
	opNext // the program counter behind the instruction
	opYes  // 1
	opNo   // 0
)

// width is how many bits an operand has.
func (o operand) width() uint {
	return [...]uint{opD: 16, opA: 16, opB: 16, opC: 16, opT: 32, opImm: 64, opTarget: programBits, opWord: 30, opImm8: 8, opImm16: 16, opImm32: 32, opOtherSize: 32, opBase: 30, opOtherBase: 30, opWeight: 32, opJumps: 16, opMinus32: 32, opMinus64: 64, opPowerLeft32: 32, opPowerLeft64: 64, opPowerRight32: 33, opPowerRight64: 64, opSpread: 64, opSpreadHigh: 64, opFrame: slotBits, opTableSize: 32, opTypeBase: 62, opCells: 32, opTrap: 8, opFarTo: slotBits, opFarFrom: slotBits, opCell: 28,
		opLess: 64, opFlip32: 32, opFlip64: 64, opFlipLess32: 32, opFlipLess64: 64, opNext: programBits, opYes: 1, opNo: 1}[o]
}

// of is the operand of an instruction.
func (o operand) of(in *machine.Instr) uint64 {
	switch o {
	case opD:
		return uint64(in.D)
	case opA:
		return uint64(in.A)
	case opB:
		return uint64(in.B)
	case opC:
		return uint64(uint16(in.T))
	case opT, opFarTo, opCell, opTarget:
		return uint64(in.T)
	case opWord:
		return uint64(in.T >> 2)
	case opImm8:
		return in.Imm & 0xff
	case opImm16:
		return in.Imm & 0xffff
	case opImm32:
		return uint64(uint32(in.Imm))
	case opSpread:
		return spreadOf(in.Imm)
	case opSpreadHigh:
		return spreadOf(in.Imm >> 32)
	case opPowerLeft32:
		return power(in.Imm%32, 32, false)
	case opPowerLeft64:
		return power(in.Imm%64, 64, false)
	case opPowerRight32:
		return power(in.Imm%32, 32, true)
	case opPowerRight64:
		return power(in.Imm%64, 64, true)
	case opMinus32:
		return uint64(-uint32(in.Imm))
	case opMinus64:
		return -in.Imm
	case opWeight:
		return uint64(in.W)
	case opFrame:
		return uint64(uint32(in.Imm))
	case opCells:
		return in.Imm >> 32
	case opLess:
		return in.Imm - 1
	case opFlip32:
		return uint64(uint32(in.Imm) ^ 1<<31)
	case opFlip64:
		return in.Imm ^ 1<<63
	case opFlipLess32:
		return uint64(uint32(in.Imm)^1<<31) - 1
	case opFlipLess64:
		return (in.Imm ^ 1<<63) - 1
	case opYes:
		return 1
	case opNo:
		return 0
	}
	return in.Imm
}

// among is the operand of the instruction at pc of a program.
func (o operand) among(p *machine.Program, pc uint32) uint64 {
	in := &p.Code[pc]
	switch o {
	case opTableSize:
		_, size := p.Table(in.B)
		return uint64(size)
	case opOtherSize:
		_, size := p.Table(uint16(in.T))
		return uint64(size)
	case opBase:
		base, _ := p.Table(in.B)
		return cellElements + uint64(base)
	case opOtherBase:
		base, _ := p.Table(uint16(in.T))
		return cellElements + uint64(base)
	case opTypeBase:
		return uint64(in.T)&(1<<24-1) | opBase.among(p, pc)<<typeBase
	case opNext:
		return uint64(pc) + 1
	}
	return o.of(in)
}

// A program entry is one way in which an instruction can go: the word pc + 2²⁵·code + the lanes, and what is not packed. Taken and not
// taken are two entries of a branch.
const (
	codeShift = pcBits
	codeBits  = 10
	maxLanes  = 3
	maxExtra  = 2
)

// laneShift is where the lanes of a word begin. The index of a register is bounded by its key only to 49 bits; the last lane has room
// for 119, which an address needs: it is four times the index of a word, and that is bounded to 115.
var laneShift = [maxLanes]uint{35, 84, 133}

// laneWidth is how wide the content of a lane may be in a program.
var laneWidth = [maxLanes]uint{48, 48, 64}

// fits reports whether the instruction at pc has an entry of the use, with operands as wide as they may be.
func (u *use) fits(p *machine.Program, pc uint32) bool {
	for _, o := range append(append([]operand(nil), u.lanes...), u.extra...) {
		if w := o.width(); w < 64 && o.among(p, pc)>>w != 0 {
			return false
		}
	}
	return u.when == nil || u.when(&p.Code[pc])
}

// row is the given columns of an entry in the program's table.
func (u *use) row(p *machine.Program, pc uint32, code uint16) []uint64 {
	r := make([]uint64, 2+maxLanes+maxExtra+1)
	r[0], r[1] = uint64(pc), uint64(code)
	for i, o := range u.lanes {
		r[2+i] = o.among(p, pc)
	}
	for i, o := range u.extra {
		r[2+maxLanes+i] = o.among(p, pc)
	}
	if !u.free {
		r[len(r)-1] = uint64(p.Code[pc].W)
	}
	return r
}
