package circuits

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math/big"
)

// Digest is a hash of all buses and chips: circuits that were made of other ones show something else.
func (s *System) Digest() [sha256.Size]byte {
	w := describer{sha256.New()}
	w.text("trilemma chips 2")
	w.number(len(s.Buses))
	for i := range s.Buses {
		w.bus(&s.Buses[i])
	}
	w.number(len(s.Chips))
	for _, c := range s.Chips {
		w.chip(c)
	}
	return [sha256.Size]byte(w.h.Sum(nil))
}

// describer writes chips to a hash, every list behind its length, so that no two systems are written alike.
type describer struct{ h hash.Hash }

func (w describer) number(n int) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	w.h.Write(b[:])
}

func (w describer) text(s string) {
	w.number(len(s))
	w.h.Write([]byte(s))
}

func (w describer) flag(b bool) {
	n := 0
	if b {
		n = 1
	}
	w.number(n)
}

// integer writes a number of any size; none is not zero.
func (w describer) integer(k *big.Int) {
	if k == nil {
		w.text("none")
		return
	}
	w.text(k.String())
}

func (w describer) lin(l Lin) {
	w.integer(l.K())
	w.number(len(l.Terms))
	for _, t := range l.Terms {
		w.number(t.Column)
		w.integer(t.Coef)
	}
}

func (w describer) lins(ls []Lin) {
	w.number(len(ls))
	for _, l := range ls {
		w.lin(l)
	}
}

func (w describer) bus(b *Bus) {
	w.text(b.Name)
	w.number(int(b.Kind))
	w.number(b.Keys)
	w.number(b.Values)
	w.number(len(b.Below))
	for _, k := range append([]*big.Int{b.KeyBelow, b.Unit, b.Reach, b.Index}, b.Below...) {
		w.integer(k)
	}
	w.number(int(b.Clock))
	w.flag(b.Tabled)
	w.number(int(b.Origin))
}

func (w describer) chip(c *Chip) {
	w.text(c.Name)
	w.flag(c.Table)
	w.flag(c.Once)
	w.number(len(c.Columns))
	for _, col := range c.Columns {
		w.text(col.Name)
		w.number(col.Bits)
		w.flag(col.Given)
		w.flag(col.Wide)
	}
	w.number(len(c.Constraints))
	for _, con := range c.Constraints {
		w.number(len(con.Sum))
		for _, p := range con.Sum {
			w.lins(p)
		}
	}
	w.number(len(c.NonZero))
	for _, n := range c.NonZero {
		w.lin(n.Of)
	}
	w.number(len(c.Messages))
	for i := range c.Messages {
		w.message(&c.Messages[i])
	}
	if w.flag(c.Permutation != nil); c.Permutation != nil {
		in := c.Permutation.In()
		w.lins(in[:])
		w.lins(c.Permutation.Out[:])
	}
}

func (w describer) message(m *Message) {
	w.number(int(m.Bus))
	w.flag(m.Send)
	w.number(m.Mult)
	w.number(int(m.Role))
	w.number(len(m.Key))
	for _, f := range m.Key {
		w.number(len(f))
		for _, lane := range f {
			w.lin(lane.Of)
			w.number(int(lane.Shift))
			w.number(int(lane.Width))
		}
	}
	w.lins(m.Value)
}
