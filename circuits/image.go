package circuits

// The image chips have a row for each cell that a run uses, in the order of addresses: a row sends the cell at time zero and receives
// what the last access left. The chain from row to row makes addresses strictly increase, so that no cell has two beginnings; the statement opens
// and closes it. Where a path ends says nothing about the run, but that clocks stay bounded.

// imageRow begins a chip of image rows, and returns the address and the column of what is left at last.
func imageRow(name string, chain BusID, bits int) (b builder, address, last Lin) {
	b = build(name)
	address, last = b.column("address", bits), b.column("last", 64)
	gap := b.limbs("gap", 2)
	b.edge(chain, address.Minus(gap), address.Plus(Int(1)), nil, nil)
	return b, address, last
}

// The names of chips that a filling treats in its own way.
const (
	nameStatement   = "statement"
	nameProgram     = "program"
	nameRange       = "range"
	nameOnes        = "ones"
	nameLengths     = "input lengths"
	nameStreams     = "input streams"
	nameInput       = "input words"
	nameSegments    = "segments"
	nameMost        = "most pages"
	namePage        = "page"
	nameGrown       = "grown word"
	nameElements    = "elements"
	nameOutput      = "output words"
	nameNoFuel      = "out of fuel"
	namePower       = "powers "
	nameSpread      = "spread"
	nameByte        = "byte"
	nameRefresh     = "register refresh"
	nameRegister    = "register"
	nameWord        = "word"
	nameWordInit    = "initial word"
	nameCell        = "cell"
	nameCellInit    = "initial cell"
	nameMemoryTable = "memory table"
	nameCellTable   = "cell table"
	nameHiddenIn    = "hidden input"
	nameHiddenOut   = "hidden output"
	nameWordsIn     = "hidden input words"
	nameWordsOut    = "hidden output words"
)

func registerImage() *Chip {
	b, address, last := imageRow(nameRegister, BusRegisterImage, slotBits)
	slot := b.limbs("slot", 1).Plus(b.small("slot1", clockBits-slotBits-16).Shl(16))
	b.source(BusRegisters, address, Lin{})
	b.sink(BusRegisters, address.Plus(slot.Shl(slotBits)), last)
	return b.Chip
}

// registerRefresh makes a cell younger that is not used for more steps than a read's 16 bits reach. Its row carries no state: whatever it takes up it puts
// down again, later.
func registerRefresh() *Chip {
	b := build(nameRefresh)
	key, v := b.column("key", slotBits+33), b.column("value", 64)
	since := b.limbs("since", 2)
	b.edge(BusRegisters, key, key.Plus(since.Plus(Int(1)).Shl(slotBits)), []Lin{v}, []Lin{v})
	return b.Chip
}

// wideImage is a chip for cells of the buses that have their clock above an address. With init the cell begins as the program says, else as 0.
func wideImage(name string, bus, chain, init BusID, bits int) *Chip {
	b, address, last := imageRow(name, chain, bits)
	clock := b.limbs("clock", 3)
	first := Lin{}
	if init != 0 {
		first = b.column("first", 64)
		b.receive(init, alone(address), first)
	}
	b.source(bus, address, first)
	b.sink(bus, address.Plus(clock.Shl(wideBits)), last)
	return b.Chip
}

// initTable is the table of what a program puts into a space at the start. Each row is sent once, so that each of these cells has its
// image row, and begins as it must.
func initTable(name string, bus BusID, bits int) *Chip {
	b := build(name)
	b.Columns[On].Given = true
	b.Table = true
	b.send(bus, alone(b.given("address", 32)), b.given("first", bits))
	return b.Chip
}
