package circuits

import (
	"math/big"
	"slices"
	"strings"
	"testing"
)

// TestLint checks that the chips follow the rules.
func TestLint(t *testing.T) {
	if err := New().Lint(); err != nil {
		t.Error(err)
	}
}

// TestLintFinds breaks each rule in a chip that follows it.
func TestLintFinds(t *testing.T) {
	// lookups takes away the lookups of a column.
	lookups := func(column string) func(s *System, c *Chip) {
		return func(s *System, c *Chip) {
			at := c.Column(column)
			c.Messages = slices.DeleteFunc(c.Messages, func(m Message) bool {
				return s.Buses[m.Bus].Kind == Plain && m.Bus != BusFetch && slices.ContainsFunc(m.parts(), func(l Lin) bool {
					return slices.ContainsFunc(l.Terms, func(t Term) bool { return t.Column == at })
				})
			})
		}
	}
	law := func(name string) func(s *System, c *Chip) {
		return func(_ *System, c *Chip) {
			c.Constraints = slices.DeleteFunc(c.Constraints, func(con Constraint) bool { return con.Name == name })
		}
	}
	add := func(sum ...Product) func(s *System, c *Chip) {
		return func(_ *System, c *Chip) { c.Constraints = append(c.Constraints, Constraint{"more", sum}) }
	}
	message := func(m Message) func(s *System, c *Chip) {
		return func(_ *System, c *Chip) { c.Messages = append(c.Messages, m) }
	}
	x := column(1)
	for _, r := range []struct {
		rule, chip string
		change     func(s *System, c *Chip)
		want       string
	}{
		{"a result is a cell", "add64", lookups("result2"), "sends result0"},
		{"a carry is a bit", "add32 constant", law("carry is a bit"), "packed on fetch"},
		{"a word that is stored has 32 bits", "store32 +0", lookups("stored01"), "on memory"},
		{"a link's program counter has 25 bits", "return", lookups("back byte"), "on state"},
		{"a frame's step is less than the clock's", "return", lookups("frame0"), "goes on by"},
		{"a jump of a table stays a program counter", "jump_table", lookups("more0"), "on state"},
		{"time goes on", "move", lookups("since0_0"), "goes on by"},
		{"the image's addresses go on", nameWord, lookups("gap1"), "goes on by"},
		{"the image's last clocks are bounded", nameWord, lookups("clock2"), "last key on memory"},
		{"a constant that nothing bounds has a field of its own", "const", func(_ *System, c *Chip) {
			for i := range c.Messages {
				if m := &c.Messages[i]; m.Bus == BusFetch {
					m.Key[0] = append(m.Key[0], Lane{Of: m.Key[1][0].Of, Shift: laneShift[1], Width: 64})
					m.Key[1] = Field{{Width: 1}}
				}
			}
		}, "packed on fetch"},
		{"a 64-bit operand does not fit into a lane of an index", "add64 constant", func(_ *System, c *Chip) {
			for i := range c.Messages {
				if m := &c.Messages[i]; m.Bus == BusFetch {
					last := len(m.Key[0]) - 1
					m.Key[0][last-1].Of, m.Key[0][last].Of = m.Key[0][last].Of, m.Key[0][last-1].Of
				}
			}
		}, "packed on fetch"},
		{"multiplicities are the row's bit", "add32", func(_ *System, c *Chip) { c.Messages[0].Mult = 1 }, "free multiplicity"},
		{"a table's multiplicity is free on plain buses only", nameCellTable, func(_ *System, c *Chip) { c.Messages[0].Mult = 1 }, "free multiplicity"},
		{"padding of a table has no uses", namePower + "3", law("padding has no uses"), "may look up the padding"},
		{"padding of the table of pages has no uses", namePage, law("padding has no uses"), "which nothing binds"},
		{"nobody asks for zeros", "in_len", func(_ *System, c *Chip) {
			for i := range c.Messages {
				if m := &c.Messages[i]; m.Bus == BusLengths {
					m.Key[0][0].Of = m.Key[0][0].Of.Minus(Int(firstInput))
				}
			}
		}, "may look up the padding"},
		{"whether a row counts is a bit", "add32", law(onIsBit), "is not a bit"},
		{"rows of zeros hold", "add32", add(Product{x}, Product{Int(1)}), "does not hold in a row of zeros"},
		{"constraints have degree 3 at most", "add32", add(Product{x, x, x, x}), "degree 4"},
		{"only image rows have first keys", "add32", message(Message{Bus: BusRegisters, Send: true, Key: []Field{alone(x)}, Value: []Lin{{}}, Role: Source}), "that nothing makes the only one"},
		{"steps come in pairs", "add32", message(Message{Bus: BusRegisters, Key: []Field{alone(x)}, Value: []Lin{{}}}), "keys are taken"},
		{"chips do not make up tables", "add32", message(Message{Bus: BusRange, Send: true, Key: []Field{{{Of: x, Width: 16}}}}), "and nobody else"},
		{"tables are bound to something", namePage, func(_ *System, c *Chip) {
			c.Messages = slices.DeleteFunc(c.Messages, func(m Message) bool { return m.Bus == BusGrowth })
		}, "which nothing binds"},
		{"tables hold what they say", nameRange, func(_ *System, c *Chip) { c.Columns[1].Bits = 17 }, "the table of range holds"},
		{"only the verifier's chips have given columns", "add32", func(_ *System, c *Chip) { c.Columns[1].Given = true }, "is given"},
		{"messages fit their bus", "add32", message(Message{Bus: BusState, Key: []Field{alone(x)}}), "1 keys and 0 values"},
		{"a helper is told at its step's time, once", "memory.fill of 8", func(_ *System, c *Chip) {
			i := slices.IndexFunc(c.Messages, func(m Message) bool { return m.Bus == BusStoreAt })
			c.Messages = append(c.Messages, c.Messages[i])
		}, "two messages on store at"},
		{"a step fetches at its program counter", "add32", func(_ *System, c *Chip) { c.fetchOf().Key[0][0].Of = x }, "something else than an entry"},
		{"a step fetches", "add32", func(_ *System, c *Chip) {
			c.Messages = slices.DeleteFunc(c.Messages, func(m Message) bool { return m.Bus == BusFetch })
		}, "does not fetch"},
		{"a step has a code of its own", "add32", func(s *System, c *Chip) { c.fetchOf().Key[0][1] = s.Chip("sub32").fetchOf().Key[0][1] }, "by one code"},
		{"a step goes on once", "add32", message(Message{Bus: BusState, Send: true, Key: []Field{alone(x)}, Value: []Lin{{}}}), "goes on 2 times"},
		{"registers are used by what is fetched", "move", func(_ *System, c *Chip) {
			for i := range c.Messages {
				if m := &c.Messages[i]; m.Bus == BusRegisters {
					m.Key[0][0].Of = m.Key[0][0].Of.Plus(column(c.Column("x")))
				}
			}
		}, "which it does not fetch"},
		{"nobody but steps takes part in the state", nameRefresh, message(Message{Bus: BusState, Key: []Field{alone(x)}, Value: []Lin{{}}}), "is no step"},
		{"what is absorbed is as wide as its lane", nameWordsIn, lookups("word0_3"), "absorbs"},
		{"what is absorbed lies apart", nameWordsIn, func(_ *System, c *Chip) { c.Permutation.Absorb[0][1].Shift-- }, "absorbs"},
		{"a word that is not there is 0", nameWordsOut, law("word 3 is 0 if it is not there"), "absorbs"},
		{"a byte that is not there is no part of the length", nameHiddenIn, lookups("words1"), "absorbs"},
		{"a sponge goes on from the state that it received", nameWordsIn, func(_ *System, c *Chip) { c.Permutation.State[0] = x }, "which nothing binds"},
		{"a closed sponge does not go on", nameWordsIn, func(_ *System, c *Chip) {
			i := slices.IndexFunc(c.Messages, func(m Message) bool { return m.Bus == BusSponge && !m.Send })
			c.Messages[i].Value[3] = x
		}, "which nothing binds"},
		{"a sponge sends what comes out", nameWordsOut, func(_ *System, c *Chip) {
			i := slices.IndexFunc(c.Messages, func(m Message) bool { return m.Bus == BusSponge && m.Send })
			c.Messages[i].Value[1] = x
		}, "comes out of its permutation"},
		{"a sponge begins where the verifier says", nameHiddenOut, func(_ *System, c *Chip) { c.Columns[c.Column("stream")].Given = false }, "sends the first key"},
		{"streams have few bits", nameHiddenIn, func(_ *System, c *Chip) { c.Columns[c.Column("stream")].Bits = 9 }, "sends the first key"},
		{"a word that is not there is not looked up", nameWordsIn, law("uses3 only if it is there"), "which nothing binds"},
		{"words come without gaps", nameWordsIn, law("there2 only behind another one"), "which nothing binds"},
		{"a word is received or not", nameWordsOut, law("there2 is a bit"), "free multiplicity"},
		{"padding receives no word", nameWordsOut, law("there0 only behind another one"), "free multiplicity"},
		{"tables of a bus have the same lanes", nameHiddenIn, func(_ *System, c *Chip) {
			i := slices.IndexFunc(c.Messages, func(m Message) bool { return m.Bus == BusInput })
			c.Messages[i].Key[0][1].Shift--
		}, "has other lanes"},
		{"words lie where their path is", nameWordsIn, func(_ *System, c *Chip) {
			i := slices.IndexFunc(c.Messages, func(m Message) bool { return m.Bus == BusInput })
			c.Messages[i].Key[0][0].Of = c.Messages[i].Key[0][0].Of.Plus(Int(1))
		}, "has other lanes"},
		{"a permutation holds in a row of zeros", nameWordsIn, func(_ *System, c *Chip) { c.Permutation.Out[2] = c.Permutation.Out[2].Plus(Int(1).Minus(column(On))) }, "does not hold in a row of zeros"},
		{"columns of numbers are narrow", nameWordsIn, func(_ *System, c *Chip) { c.Columns[1].Wide = false }, "has 254 bits"},
		{"wide columns are not given", nameWordsIn, func(_ *System, c *Chip) { c.Columns[1].Given = true }, "has 254 bits"},
		{"columns have names of their own", "add32", func(_ *System, c *Chip) { c.Columns[2].Name = "clock" }, "two columns"},
	} {
		s := New()
		c := s.Chip(r.chip)
		r.change(s, c)
		switch err := s.Lint(); {
		case err == nil:
			t.Errorf("%s: %s without it is accepted", r.rule, r.chip)
		case !strings.Contains(err.Error(), r.want):
			t.Errorf("%s: want %q, got %v", r.rule, r.want, err)
		}
	}
	s := New()
	s.Chips = append(s.Chips, s.Chip(nameRange))
	if err := s.Lint(); err == nil || !strings.Contains(err.Error(), "has 2 tables") {
		t.Errorf("two tables of one bus: %v", err)
	}
}

// TestArguments checks the reasons of what the linter takes on trust, and that there are no others.
func TestArguments(t *testing.T) {
	names := make(map[string]int)
	for _, c := range New().Chips {
		for _, a := range c.Argued {
			names[a.Name]++
		}
	}
	for _, known := range []string{"digits of a sum", "parts of a turn", "an address in memory"} {
		if names[known] == 0 {
			t.Errorf("nobody argues by %q", known)
		}
		delete(names, known)
	}
	if len(names) > 0 {
		t.Errorf("arguments without a test: %v", names)
	}
	// digits of a sum: where a digit of xor + 2·and is the sum of two digits, and + xor is a digit, too.
	for sum := range 4 {
		and, xor := sum>>1, sum&1
		if a := sum <= 2; a && and+xor > 1 {
			t.Errorf("digits %d and %d make %d", and, xor, and+xor)
		}
	}
	// parts of a turn: for x < 2⁶⁴ and a power of two p ≤ 2⁶⁴, the parts of x·p have no bit in common.
	for k := range uint(65) {
		for _, v := range numbers(64) {
			product := new(big.Int).Lsh(new(big.Int).SetUint64(v), k)
			high, low := new(big.Int).Rsh(product, 64), new(big.Int).And(product, new(big.Int).SetUint64(1<<64-1))
			if sum := new(big.Int).Add(low, high); sum.BitLen() > 64 {
				t.Errorf("%#x turned by %d is %s", v, k, sum)
			}
		}
	}
	// an address in memory: what a helper accesses is 4·word + offset, for a word of the image, which the linter bounds by BusMemory's index; TestGuards and TestForgeries try
	// others.
}
