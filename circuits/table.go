package circuits

// rangeTable has a row for each of some numbers below 2^bits.
func rangeTable(name string, bus BusID, bits int) *Chip {
	b := build(name)
	b.Table = true
	v := b.given("number", bits)
	b.message(Message{Bus: bus, Send: true, Key: []Field{{{Of: v, Width: uint(bits)}}}, Mult: b.column("uses", 40).Terms[0].Column})
	return b.Chip
}

// programTable has a row for each entry of the program. How often each is fetched makes up the fuel that is charged.
func programTable() *Chip {
	b := build(nameProgram)
	b.Table = true
	word := Field{{Of: b.given("pc", programBits), Width: programBits}, {Of: b.given("code", codeBits), Shift: codeShift, Width: codeBits}}
	for i, w := range laneWidth {
		word = append(word, Lane{Of: b.given("lane"+string(rune('0'+i)), int(w)), Shift: laneShift[i], Width: w})
	}
	keys := []Field{word}
	for i := range maxExtra {
		keys = append(keys, Field{{Of: b.given("extra"+string(rune('0'+i)), 64), Width: 64}})
	}
	weight := b.given("weight", 32)
	uses := b.column("uses", 40).Terms[0].Column
	b.Messages = append(b.Messages, Message{Bus: BusFetch, Send: true, Key: keys, Mult: uses},
		Message{Bus: BusFuel, Send: true, Value: []Lin{weight}, Mult: uses})
	return b.Chip
}

// statement opens the run and closes it: its one row sends the first state and receives how the run ends and the fuel that was charged; it begins
// the image's chains and bounds their last addresses, and it bounds the clock.
func statement() *Chip {
	b := build(nameStatement)
	b.Once = true
	end, fuel, words := b.given("end", endCode+32), b.given("fuel", 64), b.given("words", 32)
	b.source(BusState, Pow(stepBits), Lin{})
	b.receive(BusEnd, alone(b.limbs("clock", 3)), end)
	b.message(Message{Bus: BusFuel, Value: []Lin{fuel}})
	for _, c := range []struct {
		chain BusID
		last  Lin
	}{
		{BusRegisterImage, b.limbs("registers", 1).Plus(b.small("registers1", slotBits-16).Shl(16), b.bit("all registers"))},
		{BusMemoryImage, words.Minus(b.limbs("room", 2))},
		{BusCellImage, b.limbs("cells", 2)},
	} {
		b.source(c.chain, Lin{})
		b.sink(c.chain, c.last)
	}
	return b.Chip
}
