package circuits

import (
	"fmt"
	"math/big"

	"github.com/trilemma-dev/trilemma/internal/hidden"
)

// A hidden stream is known to the verifier by its commitment alone, which is a sponge over its words: see package hidden. A row for each hidden stream begins the
// sponge and ends it, rows of six words take it on: its state goes over a bus of its own, whose keys are stream and index of a word, so that it can only go
// forward. The same rows are the table in which the run's steps look input words up, or by which output words are received, so that what a step reads or writes is what
// is committed to.

// streamBits is how many bits the number of a stream has: see [firstInput].
const streamBits = 8

// tapeKey is how many bits a stream with an index has.
const tapeKey = tapeShift + 32

// Permutation says that Out is the permutation of package hidden, applied to State with what it absorbs, in every row, padding included. What is absorbed is
// packed so that it says which numbers it is made of: see [System.Lint].
type Permutation struct {
	Name   string
	State  [hidden.Width]Lin
	Absorb [hidden.Width]Field
	Out    [hidden.Width]Lin
}

// In is what goes into the permutation.
func (p *Permutation) In() (in [hidden.Width]Lin) {
	for i := range in {
		in[i] = p.State[i].Plus(p.Absorb[i].Lin())
	}
	return in
}

// permute adds the permutation of a chip, and columns for what comes out. In padding that is what comes out of zeros.
func (b builder) permute(state [hidden.Width]Lin, absorb [hidden.Width]Field) (out [hidden.Width]Lin) {
	p := &Permutation{Name: "the state is what comes out of the permutation", State: state, Absorb: absorb}
	for i, z := range permutedZeros() {
		out[i] = b.wide(fmt.Sprintf("after%d", i))
		p.Out[i] = out[i].Plus(constant(z)).Minus(column(On).scale(z))
	}
	b.Permutation = p
	return out
}

// permutedZeros is what comes out of zeros.
func permutedZeros() (z [hidden.Width]*big.Int) {
	var s hidden.State
	s.Permute()
	for i := range z {
		z[i] = s[i].BigInt(new(big.Int))
	}
	return z
}

// uses adds a column that says how often something is looked up: never if another one is 0.
func (b builder) uses(name string, by Lin) int {
	n := b.column(name, 40)
	b.law(name+" only if it is there", Product{n, by.Minus(Int(1))})
	return n.Terms[0].Column
}

// absent says that l is 0 if a bit is.
func (b builder) absent(name string, l, bit Lin) {
	b.law(name+" is 0 if it is not there", Product{l, bit.Minus(Int(1))})
}

// bits adds bits of which each is 0 if the one before is, the first one if before is.
func (b builder) bits(name string, n int, before Lin) (all []Lin) {
	for i := range n {
		bit := b.bit(fmt.Sprintf("%s%d", name, i))
		b.law(fmt.Sprintf("%s%d only behind another one", name, i), Product{bit, before.Minus(Int(1))})
		all, before = append(all, bit), bit
	}
	return all
}

// hiddenStream has a row for each hidden stream that there is: it begins the sponge with salt, length and what is no whole word, and receives its last state, which
// begins with the commitment.
func hiddenStream(name string, out bool) *Chip {
	b := build(name)
	b.Table, b.Columns[On].Given = true, true
	stream, on, domain := b.given("stream", streamBits), column(On), hidden.Domain()
	var commitment, most Lin
	for i := range 4 {
		commitment = commitment.Plus(b.given(fmt.Sprintf("commitment%d", i), 64).Shl(uint(64 * i)))
	}
	if out {
		most = b.given("most", 32)
	}
	salt, words := b.wide("salt"), b.limbs("words", 1).Plus(b.small("words1", 13).Shl(16))
	there := b.bits("there", 7, on)
	var tail, bytes Lin
	for i, bit := range there {
		v := b.byte(fmt.Sprintf("byte%d", i))
		b.absent(fmt.Sprintf("byte %d", i), v, bit)
		tail, bytes = tail.Plus(v.Shl(uint(8*i))), bytes.Plus(bit)
	}
	size := words.Shl(3).Plus(bytes)
	after := b.permute([hidden.Width]Lin{salt, {}, on.scale(domain.BigInt(new(big.Int)))},
		[hidden.Width]Field{1: {{Of: tail, Width: 56}, {Of: size, Shift: 64, Width: 32}}})
	b.source(BusSponge, stream, after[0], after[1], after[2], Lin{})
	b.sink(BusSponge, stream.Plus(words.Shl(tapeShift)), commitment, b.wide("last1"), b.wide("last2"), b.column("closed", 1))
	at := Field{{Of: stream, Width: streamBits}, {Of: words, Shift: tapeShift, Width: 32}}
	if out {
		b.law("it has that many bytes at most", Product{size.Plus(b.limbs("room", 2)).Minus(most)})
		at = append(at, Lane{Of: bytes, Shift: 2 * tapeShift, Width: 4})
		b.message(Message{Bus: BusOutput, Key: []Field{at}, Value: []Lin{tail}, Mult: there[0].Terms[0].Column})
		return b.Chip
	}
	b.message(Message{Bus: BusLengths, Send: true, Key: []Field{{{Of: stream, Width: streamBits}}, {{Of: size, Width: 32}}}, Mult: b.uses("lengths", on)})
	b.message(Message{Bus: BusInput, Send: true, Key: []Field{at, {{Of: tail, Width: 64}}}, Mult: b.uses("tails", there[0])})
	return b.Chip
}

// hiddenWords has rows of up to six words of hidden streams. A row that has fewer closes the sponge, which no other row takes on: else one last state could be
// that of several streams.
func hiddenWords(name string, out bool) *Chip {
	b := build(name)
	b.Table = true
	at, on := b.wide("at"), column(On)
	state := [hidden.Width]Lin{b.wide("before0"), b.wide("before1"), b.wide("before2")}
	there := append([]Lin{on}, b.bits("there", hidden.BlockWords-1, on)...)
	var words [hidden.BlockWords]Lin
	var absorb [hidden.Width]Field
	more := Int(1)
	for i := range words {
		if out {
			words[i] = b.column(fmt.Sprintf("word%d", i), 64) // who writes it sees to it that it is a cell
		} else {
			words[i] = b.limbs(fmt.Sprintf("word%d_", i), 4)
		}
		b.absent(fmt.Sprintf("word %d", i), words[i], there[i])
		absorb[i/3] = append(absorb[i/3], Lane{Of: words[i], Shift: uint(64 * (i % 3)), Width: 64})
		if i > 0 {
			more = more.Plus(there[i])
		}
	}
	after := b.permute(state, absorb)
	b.edge(BusSponge, at, at.Plus(more.Shl(tapeShift)), []Lin{state[0], state[1], state[2], {}}, []Lin{after[0], after[1], after[2], on.Minus(there[hidden.BlockWords-1])})
	for i, w := range words {
		key := Field{{Of: at.Plus(Pow(tapeShift).Times(int64(i))), Width: tapeKey}}
		if out {
			key = append(key, Lane{Of: Int(8), Shift: 2 * tapeShift, Width: 4})
			b.message(Message{Bus: BusOutput, Key: []Field{key}, Value: []Lin{w}, Mult: there[i].Terms[0].Column})
			continue
		}
		b.message(Message{Bus: BusInput, Send: true, Key: []Field{key, {{Of: w, Width: 64}}}, Mult: b.uses(fmt.Sprintf("uses%d", i), there[i])})
	}
	return b.Chip
}
