package circuits

import (
	"math/big"

	"github.com/trilemma-dev/trilemma/internal/hidden"
)

// The buses.
const (
	BusState       BusID = iota // clock → program counter
	BusFetch                    // program entries: packed word, and two numbers that are not packed
	BusRegisters                // index + clock → cell
	BusMemory                   // index of a word of four bytes + 2⁶⁶·clock → word
	BusCells                    // globals, table elements and what else there is of the state: index + 2⁶⁶·clock → cell
	BusRange                    // numbers below 2¹⁶
	BusPowerLeft32              // amount of a shift, what to multiply with less 1
	BusPowerRight32
	BusPowerLeft64
	BusPowerRight64
	BusSpread        // spread numbers
	BusOnes          // a byte, how many of its bits are set
	BusLengths       // an input stream, its bytes
	BusStreams       // how many input streams there are
	BusInput         // stream and index, the word there
	BusMost          // how many pages the memory may have
	BusGrowth        // page and time at which it grew, on the way from the old size to the new
	BusPages         // a page, when it grew
	BusGrownImage    // the chain of the words that grew
	BusElements      // an element of the program's passive segments
	BusSegments      // a byte of the program's passive segments
	BusLoadAt        // clock of a step → bytes, address and value of what it loads, for bulk operations
	BusStoreAt       // likewise of what it stores
	BusOutput        // stream, position and bytes → word
	BusByte          // numbers below 2⁸
	BusEnd           // last clock → how the run ends
	BusFuel          // what was charged
	BusRegisterImage // the chain of the register cells that are used
	BusMemoryImage
	BusCellImage
	BusMemoryInit // index of a word → its initial value, where the program gives one
	BusCellInit
	BusSponge // stream and index of a word of it → state of the sponge before that, whether it is closed
	numBuses
)

// Where numbers lie in a clock and in keys. The clock is frame pointer + 2²²·step. A register's key is the clock plus its index, plus 2²⁰
// for each of the four slots of a step.
const (
	stepBits = 22 // of the clock, below the number of the step
	slotBits = 20 // of a register's key, below its slot
	wideBits = 66 // of the keys of words and cells, below the clock

	clockBits   = 48 // of the clock
	pcBits      = 25 // of what is sent as a program counter
	programBits = 24 // of one that has an instruction
)

// MaxSteps bounds the steps of a run that these chips can show: the clock stays below 2⁴⁸.
const MaxSteps = 1<<(clockBits-stepBits) - 2

// Kinds of end, in the number that goes over [BusEnd]: kind + 2⁸·trap + 2¹⁶·code.
const (
	endTrap = 8
	endCode = 16
)

func buses() []Bus {
	one := big.NewInt(1)
	below := func(bits uint) []*big.Int { return []*big.Int{pow2(bits)} }
	chain := func(name string, bits uint) Bus {
		return Bus{Name: name, Kind: Stepping, Keys: 1, Unit: one, Reach: pow2(33), KeyBelow: pow2(bits)}
	}
	wide := func(name string, bits uint) Bus {
		return Bus{Name: name, Kind: Stepping, Keys: 1, Values: 1, Below: below(bits), Unit: pow2(wideBits), Reach: pow2(wideBits + clockBits + 1),
			Clock: wideBits, Index: new(big.Int).Add(pow2(wideBits+clockBits), pow2(wideBits+3))}
	}
	return []Bus{
		BusState: {Name: "state", Kind: Stepping, Keys: 1, Values: 1, Below: below(pcBits), Unit: one, Reach: pow2(stepBits + 1), KeyBelow: pow2(clockBits)},
		BusFetch: {Name: "fetch", Kind: Plain, Keys: 3},
		BusRegisters: {Name: "registers", Kind: Stepping, Keys: 1, Values: 1, Below: below(64), Unit: pow2(slotBits), Reach: pow2(slotBits + 33),
			Index: new(big.Int).Add(pow2(clockBits), pow2(stepBits+1))},
		BusMemory:        wide("memory", 32),
		BusCells:         wide("cells", 64),
		BusRange:         {Name: "range", Kind: Plain, Keys: 1},
		BusByte:          {Name: "bytes", Kind: Plain, Keys: 1},
		BusSpread:        {Name: "spread", Kind: Plain, Keys: 1},
		BusPowerLeft32:   {Name: "left powers 32", Kind: Plain, Keys: 2},
		BusPowerRight32:  {Name: "right powers 32", Kind: Plain, Keys: 2},
		BusPowerLeft64:   {Name: "left powers 64", Kind: Plain, Keys: 2},
		BusPowerRight64:  {Name: "right powers 64", Kind: Plain, Keys: 2},
		BusOnes:          {Name: "ones", Kind: Plain, Keys: 2},
		BusLengths:       {Name: "input lengths", Kind: Plain, Keys: 2},
		BusStreams:       {Name: "input streams", Kind: Plain, Keys: 1},
		BusInput:         {Name: "input", Kind: Plain, Keys: 2},
		BusOutput:        {Name: "output", Kind: Keyed, Keys: 1, Values: 1, Below: below(64), Tabled: true},
		BusSegments:      {Name: "segments", Kind: Plain, Keys: 2},
		BusLoadAt:        {Name: "load at", Kind: Keyed, Keys: 1, Values: 3, KeyBelow: pow2(clockBits)},
		BusStoreAt:       {Name: "store at", Kind: Keyed, Keys: 1, Values: 3, KeyBelow: pow2(clockBits)},
		BusMost:          {Name: "most pages", Kind: Plain, Keys: 1},
		BusGrowth:        {Name: "growth", Kind: Stepping, Keys: 1, Unit: one, Reach: one},
		BusPages:         {Name: "pages", Kind: Plain, Keys: 2},
		BusGrownImage:    chain("grown image", 32),
		BusElements:      {Name: "elements", Kind: Plain, Keys: 2},
		BusEnd:           {Name: "end", Kind: Keyed, Keys: 1, Values: 1, Below: below(endCode + 32)},
		BusFuel:          {Name: "fuel", Kind: Sum, Values: 1},
		BusRegisterImage: chain("register image", slotBits+1),
		BusMemoryImage:   chain("memory image", 32),
		BusCellImage:     chain("cell image", 32),
		BusMemoryInit:    {Name: "memory init", Kind: Keyed, Keys: 1, Values: 1, Below: below(32)},
		BusCellInit:      {Name: "cell init", Kind: Keyed, Keys: 1, Values: 1, Below: below(64)},
		BusSponge: {Name: "sponge", Kind: Stepping, Keys: 1, Values: 4, Unit: pow2(tapeShift), Reach: new(big.Int).Lsh(big.NewInt(hidden.BlockWords), tapeShift), KeyBelow: pow2(tapeShift + 30),
			Origin: streamBits},
	}
}
