package circuits

import (
	"math/bits"
	"slices"
)

// programKind is a kind of entries, which has a table: what they have beside their words. What an entry has not costs nothing.
type programKind struct {
	name    string
	extras  int
	charges bool
}

// programKinds are the kinds of entries: one is in the first of which it can be.
func programKinds() []programKind {
	return []programKind{{nameProgram + " plain", 0, false}, {nameProgram + " charging", 0, true}, {nameProgram + " extra", 1, false}, {nameProgram, maxExtra, true}}
}

// tableOf is the kind of an entry, and its columns there.
func tableOf(entry []uint64) (name string, given []uint64) {
	weight := entry[len(entry)-1]
	for _, k := range programKinds() {
		n := 2 + maxLanes + k.extras
		if slices.ContainsFunc(entry[n:len(entry)-1], func(extra uint64) bool { return extra != 0 }) || weight != 0 && !k.charges {
			continue
		}
		if given = slices.Clone(entry[:n]); k.charges {
			given = append(given, weight)
		}
		return k.name, given
	}
	return nameProgram, entry // the last one has everything
}

// programTable has a row for each entry of a kind. How often each is fetched makes up the fuel that is charged.
func programTable(k programKind) *Chip {
	b := build(k.name)
	b.Table = true
	word := Field{{Of: b.given("pc", programBits), Width: programBits}, {Of: b.given("code", codeBits), Shift: codeShift, Width: codeBits}}
	for i, w := range laneWidth {
		word = append(word, Lane{Of: b.given("lane"+string(rune('0'+i)), int(w)), Shift: laneShift[i], Width: w})
	}
	keys := []Field{word}
	for i := range k.extras {
		keys = append(keys, Field{{Of: b.given("extra"+string(rune('0'+i)), 64), Width: 64}})
	}
	var weight Lin
	if k.charges {
		weight = b.given("weight", 32)
	}
	uses := b.column("uses", 40).Terms[0].Column
	b.message(Message{Bus: BusFetch, Send: true, Key: noMore(keys), Mult: uses})
	if k.charges {
		b.message(Message{Bus: BusFuel, Send: true, Value: []Lin{weight}, Mult: uses})
	}
	return b.Chip
}

// statement opens the run and closes it: its one row sends the first state and receives how the run ends and the fuel that was charged; it begins
// the image's chains and bounds their last addresses, and it bounds the clock. Where the fuel is a bound, less may have been charged.
func statement() *Chip {
	b := build(nameStatement)
	b.Once = true
	end, fuel, words, bound := b.given("end", endCode+32), b.given("fuel", 64), b.given("words", 32), b.given("bound", 1)
	b.source(BusState, Pow(stepBits), Lin{})
	b.receive(BusEnd, alone(b.limbs("clock", 3)), end)
	slack := b.limbs("slack", 4)
	b.law("fuel is a bound only if that is said", Product{slack, bound.Minus(Int(1))})
	b.message(Message{Bus: BusFuel, Value: []Lin{fuel.Minus(slack)}})
	for _, c := range []struct {
		chain BusID
		last  Lin
	}{
		{BusRegisterImage, b.limbs("registers", 1).Plus(b.small("registers1", slotBits-16).Shl(16), b.bit("all registers"))},
		{BusMemoryImage, words.Minus(b.limbs("room", 2))},
		{BusGrownImage, b.limbs("grown", 2)},
		{BusCellImage, b.limbs("cells", 2)},
	} {
		b.source(c.chain, Lin{})
		b.sink(c.chain, c.last)
	}
	return b.Chip
}

// padding is what keeps rows from looking up the zeros with which a table is padded, whose multiplicities are as free as others.
type padding uint8

const (
	harmless padding = iota // zeros are a row of the table
	unasked                 // nobody can ask for them: the first part is not 0 in what is asked for, whatever else it is
	told                    // a column tells rows from padding, which has no uses
)

// lookup makes a table of free multiplicity for a bus: a column for each part of the bus's fields.
func lookup(name string, bus BusID, pad padding, fields ...[]part) *Chip {
	b := build(name)
	b.Table, b.Zeros = true, pad == harmless
	var key []Field
	for _, parts := range fields {
		var f Field
		for _, p := range parts {
			f = append(f, Lane{Of: b.given(p.name, int(p.bits)), Shift: p.shift, Width: p.bits})
		}
		key = append(key, f)
	}
	var row Lin
	if pad == told {
		row = b.given(nameTold, 1)
	}
	uses := b.column("uses", 40)
	if pad == told {
		b.law("padding has no uses", Product{uses, row.Minus(Int(1))})
	}
	b.message(Message{Bus: bus, Send: true, Key: key, Mult: uses.Terms[0].Column})
	return b.Chip
}

// nameTold is the column that tells rows of a table from padding.
const nameTold = "row"

// part is a part of a field of a table.
type part struct {
	name        string
	bits, shift uint
}

// outputTable has the words of the output tapes. Each is received once, so that each is written, and nothing else.
func outputTable() *Chip {
	b := build(nameOutput)
	b.Columns[On].Given = true
	b.Table = true
	key := Field{{Of: b.given("stream", 8), Width: 8}, {Of: b.given("position", 32), Shift: tapeShift, Width: 32}, {Of: b.given("bytes", 4), Shift: 2 * tapeShift, Width: 4}}
	b.receive(BusOutput, key, b.given("word", 64))
	return b.Chip
}

// constantTables are the tables that are the same for all programs, with their content.
func constantTables() (all []*Chip, contents []Content) {
	add := func(c *Chip, content Content) { all, contents = append(all, c), append(contents, content) }
	number := func(bits uint) []part { return []part{{"number", bits, 0}} }
	add(lookup(nameRange, BusRange, harmless, number(16)), Content{has: func(given []uint64) bool { return given[0] < 1<<16 }})
	add(lookup(nameByte, BusByte, harmless, number(8)), Content{has: func(given []uint64) bool { return given[0] < 1<<8 }})
	add(lookup(nameSpread, BusSpread, harmless, number(spreadBits)), Content{has: func(given []uint64) bool { return given[0]&^spreadMask == 0 }})
	for bus := BusPowerLeft32; bus <= BusPowerRight64; bus++ {
		width := amountBits(32)
		if bus >= BusPowerLeft64 {
			width = amountBits(64)
		}
		add(lookup(namePower+string(rune('0'+bus-BusPowerLeft32)), bus, told, []part{{"amount", width, 0}}, []part{{"power", 64, 0}}), powers(bus))
	}
	var ones Content
	for i := range uint64(256) {
		ones.Rows = append(ones.Rows, []uint64{i, uint64(bits.OnesCount64(i))})
	}
	add(lookup(nameOnes, BusOnes, harmless, []part{{"byte", 8, 0}}, []part{{"ones", 4, 0}}), ones)
	return all, contents
}
