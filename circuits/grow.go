package circuits

import (
	"github.com/trilemma-dev/trilemma/machine"
)

// When the memory grows, a token goes over the bus of growth from the old size to the new, through a row for each new page. These rows are the table that
// says from when on words of the page are there: a word that grew begins at the time of its page, so that no access comes before.

// pageWords is how many words of four bytes a page has, as a number of bits.
const pageWords = 14

// growKey is the key of a page at a time. Both are bounded wherever they are sent.
func growKey(page, clock Lin) Lin { return page.Plus(clock.Shl(32)) }

// grows makes the chips of memory.grow: one that grows, and one that cannot.
func (m *maker) grows() {
	fails := func(x *execution) bool { return x.d == 1<<32-1 }
	for _, failing := range []bool{false, true} {
		name := "memory.grow"
		if failing {
			name += " beyond"
		}
		s := m.step(name, use{op: machine.OpMemoryGrow, lanes: []operand{opD, opA}, takes: func(x *execution) bool { return fails(x) == failing }})
		i := s.registers("d", "a")
		s.fetch(i)
		s.goOn()
		by, old, most := s.limbs("by", 2), s.limbs("pages", 2), s.column("most", 32)
		more := s.limbs("more", 2)
		s.message(Message{Bus: BusMost, Key: []Field{{{Of: most, Width: 32}}}})
		s.read(1, i[1], slotA, by)
		after := old
		if failing {
			s.law("it is too much", Product{old.Plus(by).Minus(most).Minus(more).Minus(column(On))})
			s.write(0, i[0], Pow(32).Minus(Int(1)), nil)
		} else {
			after = old.Plus(by)
			s.law("it is not too much", Product{after.Plus(more).Minus(most)})
			s.source(BusGrowth, growKey(old, s.clock))
			s.sink(BusGrowth, growKey(after, s.clock))
			s.write(0, i[0], old, nil)
		}
		s.use(BusCells, Int(cellPages), 0, old, after, func(*execution) uint64 { return cellPages }, func(x *execution) uint64 {
			n := x.spaces[BusCells].value(cellPages)
			if !failing {
				n += x.at(1)
			}
			return n
		})
		s.fill = func(x *execution, r Row) {
			n := x.spaces[BusCells].value(cellPages)
			r.limbs(by, x.at(1))
			r.limbs(old, n)
			r.set(most, x.most)
			if failing {
				r.limbs(more, n+x.at(1)-x.most-1)
			} else {
				r.limbs(more, x.most-n-x.at(1))
			}
		}
	}
}

// pageChip has a row for each page that grew. Its multiplicity is free, but what it says is bound to a growth.
func pageChip() *Chip {
	b := build(namePage)
	b.Table = true
	page, clock := b.limbs("page", 1), b.limbs("clock", 3)
	key := growKey(page, clock)
	b.edge(BusGrowth, key, key.Plus(Int(1)), nil, nil)
	uses := b.column("uses", 40)
	b.law("padding has no uses", Product{uses, column(On).Minus(Int(1))})
	b.message(Message{Bus: BusPages, Send: true, Key: []Field{{{Of: page, Width: 16}}, {{Of: clock, Width: clockBits}}}, Mult: uses.Terms[0].Column})
	return b.Chip
}

// grownWord is the image of words of pages that grew: each begins as 0, at the time of its page.
func grownWord() *Chip {
	b, address, last := imageRow(nameGrown, BusGrownImage, 28)
	clock := b.limbs("clock", 3)
	page, since := b.limbs("page", 1), b.column("since", clockBits)
	within := address.Minus(page.Shl(pageWords)) // below 2¹⁴
	b.below16(within)
	b.below16(within.Shl(16 - pageWords))
	b.message(Message{Bus: BusPages, Key: []Field{{{Of: page, Width: 16}}, {{Of: since, Width: clockBits}}}})
	b.source(BusMemory, address.Plus(since.Shl(wideBits)), Lin{})
	b.sink(BusMemory, address.Plus(clock.Shl(wideBits)), last)
	return b.Chip
}

// grown notes that pages grew in a step.
func (f *filler) grown(old, by uint64) {
	for k := range by {
		c := f.sys.Chip(namePage)
		r := f.add(c)
		c.put(r, "page0", 1, old+k)
		c.put(r, "clock0", 3, f.clock)
		f.grewAt = append(f.grewAt, f.clock)
	}
}

// since is when the page of a word was grown, if it was.
func (f *filler) since(at uint64) (clock uint64, ok bool) {
	page := at>>pageWords - uint64(f.program.InitialPages())
	if at>>pageWords < uint64(f.program.InitialPages()) || page >= uint64(len(f.grewAt)) {
		return 0, false
	}
	return f.grewAt[page], true
}
