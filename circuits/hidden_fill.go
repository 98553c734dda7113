package circuits

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// ErrSecrets says that secrets do not open what is hidden, or that a run does not stay within what is said of it. It quotes none of them.
var ErrSecrets = errors.New("circuits: the secrets do not open what is hidden")

// Cover is what a run hides, and all that it is.
type Cover struct {
	Hidden  *Hidden
	Secrets *Secrets
	Fuel    uint64 // the bound that is stated
}

// Streams is the input of a run of which streams are the public ones. A cover that is nil hides nothing.
func (c *Cover) Streams(streams [][]byte) ([][]byte, error) {
	if c == nil {
		return streams, nil
	}
	all := slices.Clone(streams)
	for i, want := range c.Hidden.Inputs {
		o, ok := c.Secrets.Inputs[i]
		switch {
		case i < 0 || i >= len(all) || len(all[i]) > 0:
			return nil, fmt.Errorf("%w: there is no input stream %d that could be hidden", ErrSecrets, i)
		case !ok || o.Commitment() != want:
			return nil, fmt.Errorf("%w: input stream %d", ErrSecrets, i)
		}
		all[i] = o.Stream
	}
	return all, nil
}

// FillHidden is [System.Fill] for a run that hides streams, of which the public ones are given. The error can also be [ErrSecrets], if what happens is not what
// the cover says. A cover that is nil hides nothing.
func (s *System) FillHidden(p *machine.Program, streams [][]byte, lim link.Limits, c *Cover) (*Run, error) {
	all, err := c.Streams(streams)
	if err != nil {
		return nil, err
	}
	return s.follow(p, all, lim, nil, c)
}

// cover makes a statement that hides what the cover says, of one that hides nothing.
func (c *Cover) cover(st *Statement) error {
	switch {
	case c == nil:
		return nil
	case st.Fuel > c.Fuel:
		return fmt.Errorf("%w: more fuel was charged", ErrSecrets)
	}
	st.Hidden, st.Fuel = c.Hidden, c.Fuel
	st.Inputs = slices.Clone(st.Inputs)
	for i := range c.Hidden.Inputs {
		st.Inputs[i] = nil
	}
	for i, o := range c.Hidden.Outputs {
		switch salt, ok := c.Secrets.Outputs[i]; {
		case i < 0 || i >= len(st.Outputs):
			return fmt.Errorf("%w: there is no output stream %d", ErrSecrets, i)
		case !ok || hidden.Commit(st.Outputs[i], salt) != o.Commitment:
			return fmt.Errorf("%w: output stream %d", ErrSecrets, i)
		case uint64(len(st.Outputs[i])) > o.Most:
			return fmt.Errorf("%w: output stream %d is longer", ErrSecrets, i)
		}
		st.Outputs[i] = nil
	}
	if err := st.Covers(); err != nil {
		return fmt.Errorf("%w: %w", ErrSecrets, err)
	}
	return nil
}

// cover fills the chips of hidden streams.
func (f *filler) cover() {
	if f.hides == nil {
		return
	}
	for i, given := range f.hides.Hidden.inputs() {
		o := f.hides.Secrets.Inputs[slices.Sorted(maps.Keys(f.hides.Hidden.Inputs))[i]]
		f.hidden(nameHiddenIn, nameWordsIn, given, &o)
	}
	for i, given := range f.hides.Hidden.outputs() {
		stream := slices.Sorted(maps.Keys(f.hides.Hidden.Outputs))[i]
		f.hidden(nameHiddenOut, nameWordsOut, given, &hidden.Opening{Stream: f.machine.Result().Streams[stream], Salt: f.hides.Secrets.Outputs[stream]})
	}
}

// hidden fills the rows of a hidden stream.
func (f *filler) hidden(stream, rows string, given []uint64, o *hidden.Opening) {
	c, r := f.sys.Chip(stream), f.add(f.sys.Chip(stream))
	row := len(f.filling.Rows[stream]) - 1
	copy(r, given)
	words, tail := hidden.Split(o.Stream)
	c.put(r, "words0", 2, uint64(len(words)))
	for i := range uint(len(o.Stream) % 8) {
		c.put(r, fmt.Sprintf("there%d", i), 1, 1)
		c.put(r, fmt.Sprintf("byte%d", i), 1, tail>>(8*i)&0xff)
	}
	if c.Column("room0") >= 0 {
		c.put(r, "room0", 2, r[c.Column("most")]-uint64(len(o.Stream)))
	}
	c.put(r, "closed", 1, b2u(len(words)%hidden.BlockWords > 0))
	s := hidden.Start(o.Salt, uint64(len(o.Stream)), tail)
	f.elements(c, row, "salt", o.Salt.Element())
	f.elements(c, row, "after0", s[:]...)
	at := new(big.Int).SetUint64(given[1])
	for block := range slices.Chunk(words, hidden.BlockWords) {
		s = f.block(rows, at, s, block)
		at = new(big.Int).Add(at, new(big.Int).Lsh(big.NewInt(int64(len(block))), tapeShift))
	}
	f.elements(c, row, "last1", s[1:]...)
}

// block fills a row of words of a hidden stream, and returns the state behind it.
func (f *filler) block(rows string, at *big.Int, s hidden.State, block []uint64) hidden.State {
	c, r := f.sys.Chip(rows), f.add(f.sys.Chip(rows))
	row := len(f.filling.Rows[rows]) - 1
	f.elements(c, row, "at", *new(fr.Element).SetBigInt(at))
	f.elements(c, row, "before0", s[:]...)
	var b [hidden.BlockWords]uint64
	for i := range b[:copy(b[:], block)] {
		if i > 0 {
			c.put(r, fmt.Sprintf("there%d", i-1), 1, 1)
		}
		if c.Column(fmt.Sprintf("word%d", i)) >= 0 {
			c.put(r, fmt.Sprintf("word%d", i), 1, b[i])
		} else {
			c.put(r, fmt.Sprintf("word%d_0", i), 4, b[i])
		}
	}
	s.Absorb(b)
	f.elements(c, row, "after0", s[:]...)
	return s
}

// elements puts elements into a column and those behind it.
func (f *filler) elements(c *Chip, row int, name string, all ...fr.Element) {
	for i, e := range all {
		f.filling.Put(c.Name, Entry{row, c.Column(name) + i}, e)
	}
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// uncover moves what was looked up of hidden streams from the tables of public ones to the rows of the hidden.
func (f *filler) uncover(lengths, words map[[maxParts]uint64]uint64) {
	streams, blocks := f.sys.Chip(nameHiddenIn), f.sys.Chip(nameWordsIn)
	first := 0 // row of words
	for _, r := range f.filling.Rows[nameHiddenIn] {
		stream, n := r[streams.Column("stream")], streams.number(r, "words0", 2)
		take := func(m map[[maxParts]uint64]uint64, keep func(key [maxParts]uint64, n uint64)) {
			for key, n := range m {
				if key[0] == stream {
					keep(key, n)
					delete(m, key)
				}
			}
		}
		take(lengths, func(_ [maxParts]uint64, n uint64) { streams.put(r, "lengths", 1, n) })
		take(words, func(key [maxParts]uint64, uses uint64) {
			if key[1] == n {
				streams.put(r, "tails", 1, uses)
				return
			}
			row := f.filling.Rows[nameWordsIn][first+int(key[1]/hidden.BlockWords)]
			blocks.put(row, fmt.Sprintf("uses%d", key[1]%hidden.BlockWords), 1, uses)
		})
		first += int((n + hidden.BlockWords - 1) / hidden.BlockWords)
	}
}

// number is what [Chip.put] put there.
func (c *Chip) number(r Row, name string, limbs int) (v uint64) {
	at := c.Column(name)
	for i := range limbs {
		v |= r[at+i] << (16 * i)
	}
	return v
}
