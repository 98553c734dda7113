package circuits

import (
	"maps"
	"math/big"
	"slices"
)

// finish fills the chips that are not steps, once the run has ended.
func (f *filler) finish(contents Contents) {
	last := map[BusID]uint64{}
	for _, img := range []struct {
		bus, chain  BusID
		plain, init string
	}{{BusRegisters, BusRegisterImage, nameRegister, ""}, {BusMemory, BusMemoryImage, nameWord, nameWordInit}, {BusCells, BusCellImage, nameCell, nameCellInit}} {
		f.image(f.spaces[img.bus], img.chain, img.plain, img.init, last)
	}
	f.statement(contents[nameStatement].Rows[0], last)
	for _, name := range []string{nameMemoryTable, nameCellTable, nameOutput} {
		for _, given := range contents[name].Rows {
			copy(f.add(f.sys.Chip(name)), given)
		}
	}
	for _, k := range programKinds() {
		program := f.sys.Chip(k.name)
		for _, entry := range contents[k.name].Rows {
			if n := f.uses[entryKey{uint32(entry[0]), uint16(entry[1])}]; n > 0 {
				r := f.add(program)
				copy(r[1:], entry)
				r[len(r)-1] = n
			}
		}
	}
	f.cover()
	f.lookups()
	f.pages()
}

// pages counts how often each page is looked up.
func (f *filler) pages() {
	uses, grown := make(map[uint64]uint64), f.sys.Chip(nameGrown)
	for _, r := range f.filling.Rows[nameGrown] {
		uses[r[grown.Column("page0")]]++
	}
	c := f.sys.Chip(namePage)
	for _, r := range f.filling.Rows[namePage] {
		c.put(r, "uses", 1, uses[r[c.Column("page0")]])
	}
}

// image fills the image chips of a space, and notes the last key of their chains.
func (f *filler) image(s *space, chain BusID, plain, init string, last map[BusID]uint64) {
	for _, at := range s.sorted() {
		c := s.cells[at]
		name, on := plain, chain
		since, grew := f.since(at)
		switch {
		case chain == BusMemoryImage && grew:
			name, on = nameGrown, BusGrownImage
		case c.given:
			name = init
		}
		chip := f.sys.Chip(name)
		r := f.add(chip)
		chip.put(r, "address", 1, at)
		chip.put(r, "last", 1, c.value)
		chip.put(r, "gap0", 2, at-last[on])
		switch {
		case chain == BusRegisterImage:
			chip.put(r, "slot0", 2, c.last)
		case on == BusGrownImage:
			chip.put(r, "clock0", 3, c.last)
			chip.put(r, "page0", 1, at>>pageWords)
			chip.put(r, "since", 1, since)
		default:
			chip.put(r, "clock0", 3, c.last)
			if c.given {
				chip.put(r, "first", 1, c.first)
			}
		}
		last[on] = at + 1
	}
}

// put puts a number into a column, or into as many limbs of 16 bits from there on.
func (c *Chip) put(r Row, name string, limbs int, v uint64) {
	at := c.Column(name)
	if limbs == 1 {
		r[at] = v
		return
	}
	for i := range limbs {
		r[at+i] = v >> (16 * i) & 0xffff
	}
}

// statement fills the one row of the statement.
func (f *filler) statement(given []uint64, last map[BusID]uint64) {
	c := f.sys.Chip(nameStatement)
	r := f.add(c)
	copy(r[1:], given)
	c.put(r, "clock0", 3, f.clock+1<<stepBits)
	c.put(r, "slack0", 4, given[1]-f.fuel)
	registers := last[BusRegisterImage]
	if registers == 1<<slotBits {
		registers--
		c.put(r, "all registers", 1, 1)
	}
	c.put(r, "registers0", 2, registers)
	c.put(r, "room0", 2, given[2]-last[BusMemoryImage])
	c.put(r, "grown0", 2, last[BusGrownImage])
	c.put(r, "cells0", 2, last[BusCellImage])
}

// maxParts is how many numbers a row of a lookup table has at most.
const maxParts = 3

// isProgram reports whether a chip is one of the program's tables.
func (c *Chip) isProgram() bool {
	return slices.ContainsFunc(programKinds(), func(k programKind) bool { return k.name == c.Name })
}

// isLookup reports whether a chip is a table made by [lookup].
func (c *Chip) isLookup() bool {
	return c.Table && !c.isProgram() && c.Name != namePage && c.Messages[0].Mult != On
}

// parts are the parts of the fields of a message.
func (m *Message) parts() (all []Lin) {
	for _, f := range m.Key {
		for _, lane := range f {
			all = append(all, lane.Of)
		}
	}
	return all
}

// lookups counts how often each row of a lookup table is looked up.
func (f *filler) lookups() {
	uses := make([]map[[maxParts]uint64]uint64, len(f.sys.Buses))
	for _, c := range f.sys.Chips {
		if c.isLookup() {
			uses[c.Messages[0].Bus] = make(map[[maxParts]uint64]uint64)
		}
	}
	for _, c := range f.sys.Chips {
		rows := f.filling.Rows[c.Name]
		for i := range c.Messages {
			m := &c.Messages[i]
			n := uses[m.Bus]
			if len(rows) == 0 || n == nil || m.Send {
				continue
			}
			parts := m.parts()
			for _, r := range rows {
				var key [maxParts]uint64
				for k, l := range parts {
					key[k] = l.of(r)
				}
				n[key]++
			}
		}
	}
	f.uncover(uses[BusLengths], uses[BusInput])
	for _, c := range f.sys.Chips {
		if !c.isLookup() {
			continue
		}
		n := uses[c.Messages[0].Bus]
		for _, key := range slices.SortedFunc(maps.Keys(n), func(a, b [maxParts]uint64) int { return slices.Compare(a[:], b[:]) }) {
			r := f.add(c)
			copy(r[1:len(r)-1], key[:])
			if at := c.Column(nameTold); at >= 0 {
				r[at] = 1
			}
			r[len(r)-1] = n[key]
		}
	}
}

// of is the value of a polynomial, if that is a number below 2⁶⁴; the coefficients may be others.
func (l Lin) of(r Row) uint64 {
	sum := low(l.K())
	for _, t := range l.Terms {
		sum += low(t.Coef) * r[t.Column]
	}
	return sum
}

// low is a number modulo 2⁶⁴.
func low(k *big.Int) uint64 {
	v := new(big.Int).Abs(k).Uint64() // of greater numbers, the low bits
	if k.Sign() < 0 {
		return -v
	}
	return v
}
