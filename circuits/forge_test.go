package circuits

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/trilemma-dev/trilemma/machine"
)

// settle makes the free multiplicities of tables what the rows need, as a forger would. What is not in a table stays open. The program's are left as they
// are: an honest row fetches what it must.
func (s *System) settle(f *Filling, contents Contents) {
	type key [maxParts]fr.Element
	uses := make([]map[key]uint64, len(s.Buses))
	for _, c := range s.Chips {
		if c.isLookup() {
			uses[c.Messages[0].Bus] = make(map[key]uint64)
		}
	}
	for _, c := range s.Chips {
		if len(f.Rows[c.Name]) == 0 || c.isLookup() {
			continue
		}
		k := s.compiled()[c.Name]
		v := make([]fr.Element, len(c.Columns))
		for i := range f.Rows[c.Name] {
			f.values(c, i, v)
			for n := range c.Messages {
				if u := uses[c.Messages[n].Bus]; u != nil && !c.Messages[n].Send && !v[On].IsZero() {
					var x key
					for j := range k.messages[n].lanes {
						x[j] = k.messages[n].lanes[j].at(v)
					}
					u[x]++
				}
			}
		}
	}
	for _, c := range s.Chips {
		if !c.isLookup() {
			continue
		}
		f.Rows[c.Name] = nil
		for x, n := range uses[c.Messages[0].Bus] {
			r := make(Row, len(c.Columns))
			r[On], r[len(r)-1] = 1, n
			small := true
			if at := c.Column(nameTold); at >= 0 {
				r[at] = 1
			}
			for i := range c.Messages[0].parts() {
				small = small && x[i].IsUint64()
				r[1+i] = x[i].Uint64()
			}
			if small && contents[c.Name].contains(r[1:len(r)-1]) {
				f.Rows[c.Name] = append(f.Rows[c.Name], r)
			}
		}
	}
}

// contains reports whether a table has a row.
func (c Content) contains(given []uint64) bool {
	if c.has != nil {
		return c.has(given)
	}
	return slices.ContainsFunc(c.Rows, func(r []uint64) bool { return slices.Equal(r[:len(given)], given) })
}

// refused checks that a filling is refused, whatever the bits of a row are; row is one of chip c.
func refused(t *testing.T, s *System, r *Run, f *Filling, c *Chip, row int, what string) {
	t.Helper()
	var bits []int
	for i, col := range c.Columns {
		if col.Bits == 1 && i != On && !col.Given {
			bits = append(bits, i)
		}
	}
	for set := range 1 << len(bits) {
		for i, col := range bits {
			f.Rows[c.Name][row][col] = uint64(set >> i & 1)
		}
		s.settle(f, r.Contents)
		switch err := s.Check(f, r.Contents); {
		case err == nil:
			t.Fatalf("%s: %s row %d %v: accepted", what, c.Name, row, f.Rows[c.Name][row])
		case !errors.Is(err, ErrRefused):
			t.Fatal(err)
		}
	}
}

// changes are what a number may be changed to.
func changes(v uint64, bits int) (out []uint64) {
	for _, w := range []uint64{v + 1, v - 1, 0, 1, ^v, v + 1<<16, v + 1<<20, v + 1<<22, v - 1<<22, v + 1<<32, v ^ 1<<63, v ^ 1<<31, v ^ 1<<15, v + uint64(1)<<(bits-1), v << 1} {
		if w != v && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// TestColumns changes every column of every chip, one at a time, in rows of all samples and of generated runs: nothing but the honest number is accepted. Beside
// numbers it tries fractions and negative numbers of the field.
func TestColumns(t *testing.T) {
	s := New()
	l := newLocal(s)
	everyRow(t, s, 12, func(r *Run, c *Chip, row int) { l.columns(t, r, c, row) })
}

// wideChanges are elements of the field that a number may be changed to.
func wideChanges(v uint64) []fr.Element {
	var x, half, minus, big64, shifted fr.Element
	x.SetUint64(v)
	half.SetUint64(2).Inverse(&half).Mul(&half, &x)
	minus.Neg(&x)
	big64.SetBigInt(new(big.Int).Add(new(big.Int).SetUint64(v), pow2(64)))
	shifted.SetBigInt(new(big.Int).Sub(new(big.Int).SetUint64(v), pow2(54)))
	out := []fr.Element{big64, shifted}
	if v != 0 {
		out = append(out, half, minus)
	}
	return out
}

// often is how many instructions of an operation are tried.
const often = 6

// TestWrongResult gives every operation with a result another one, and everything that follows is consistent with it: once for each chip.
func TestWrongResult(t *testing.T) {
	s := New()
	done := make(map[string]int)
	for _, p := range samples(t) {
		for pc := range p.Code {
			right, chip := uint64(0), ""
			if !p.Code[pc].Op.Writes() {
				continue
			}
			if _, err := s.fill(p, nil, limits, func(x *execution) *candidate {
				if x.pc == uint32(pc) && !x.ended {
					right, chip = x.d, (&filler{sys: s}).choose(x).Name
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if done[chip]++; chip == "" || done[chip] > 1 {
				continue
			}
			for _, v := range []uint64{right + 1, right - 1, right + 1<<32, right ^ 1<<31, right ^ 1<<63, right + 1<<16, 0} {
				forge(t, s, p, pc, func(x *execution) *candidate { x.d = v; return nil })
			}
		}
	}
}

// TestWrongQuotient changes quotient and remainder of divisions together, so that they still make up the dividend, and exchanges them.
func TestWrongQuotient(t *testing.T) {
	s := New()
	l := newLocal(s)
	tried := 0
	everyRow(t, s, 12, func(r *Run, c *Chip, row int) {
		if c.Column("quotient0") < 0 {
			return
		}
		l.contents = r.Contents
		bits := 64
		if c.Column("quotient3") < 0 {
			bits = 32
		}
		honest := r.Filling.Rows[c.Name][row]
		number := func(name string) (v uint64) {
			for k := range bits / 16 {
				v |= honest[c.Column(name)+k] << (16 * k)
			}
			return v
		}
		q, rest, more := number("quotient0"), number("remainder0"), number("more0")
		b := rest + more + 1 // the divisor, or what it is modulo 2^bits beside a negative remainder
		if c.Column("remainder is not 0") >= 0 {
			b = more + 1 - rest
		}
		for _, to := range [][3]uint64{{q + 1, rest - b, more + b}, {q - 1, rest + b, more - b}, {q - 1, rest - b, more - b}, {q + 1, rest + b, more + b}, {rest, q, b - q - 1},
			{q + 1, rest, more}, {q - 1, rest, more}, {q, rest + 1, more - 1}, {0, rest + q*b, more - q*b}} {
			if to == [3]uint64{q, rest, more} {
				continue
			}
			for bit := range 2 {
				f := &Filling{Rows: map[string][]Row{c.Name: {slices.Clone(honest)}}}
				for i, name := range []string{"quotient0", "remainder0", "more0"} {
					c.put(f.Rows[c.Name][0], name, bits/16, to[i])
				}
				for _, name := range []string{"quotient is not 0", "remainder is not 0"} {
					if at := c.Column(name); at >= 0 {
						f.Rows[c.Name][0][at] = uint64(bit)
					}
				}
				v := make([]fr.Element, len(c.Columns))
				f.values(c, 0, v)
				if tried++; l.exchange(c, v) != nil {
					t.Errorf("%s: quotient, remainder and difference may be %#x, not %#x: %v", c.Name, to, [3]uint64{q, rest, more}, honest)
				}
			}
		}
	})
	if tried < 1000 {
		t.Errorf("%d tried", tried)
	}
}

// TestWrongOutcome shows every instruction by each other chip that has an entry for it. Both outcomes of a branch go on at the same instruction in the
// samples, so that nothing but the guard stands against it.
func TestWrongOutcome(t *testing.T) {
	s := New()
	done := make(map[machine.Op]int)
	for _, p := range samples(t) {
		for pc := range p.Code {
			if done[p.Code[pc].Op]++; done[p.Code[pc].Op] > often {
				continue
			}
			for i := range s.byOp[p.Code[pc].Op] {
				c := &s.byOp[p.Code[pc].Op][i]
				if !c.use.fits(p, uint32(pc)) || general(c.step.Name) {
					continue
				}
				forge(t, s, p, pc, func(x *execution) *candidate {
					if x.use = c.use; c.use.takes == nil || c.use.takes(x) {
						return nil
					}
					return c
				})
			}
		}
	}
}

// tryFill is fill; a chip that cannot even be filled with a step is an error.
func tryFill(s *System, p *machine.Program, l look) (r *Run, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%v", v)
		}
	}()
	return s.fill(p, nil, limits, l)
}

// general reports whether a chip shows all that the chip of the same operation without that word does: for numbers that are wider.
func general(name string) bool {
	return strings.Contains(name, " far") || strings.Contains(name, " wide") || strings.Contains(name, " of more")
}

// forge fills the chips with a change of the step at pc, if it is executed and changed, and checks that it is refused.
func forge(t *testing.T, s *System, p *machine.Program, pc int, change func(x *execution) *candidate) {
	t.Helper()
	var chip *Chip
	row, changed := 0, false
	count := make(map[string]int)
	r, err := tryFill(s, p, func(x *execution) *candidate {
		before := x.d
		var c *candidate
		if x.pc == uint32(pc) {
			c = change(x)
			changed = changed || c != nil || x.d != before && !x.ended
		}
		chosen := (&filler{sys: s}).choose(x)
		if c != nil {
			chosen = c.step
		}
		if x.pc == uint32(pc) && chosen != nil {
			chip, row = chosen.Chip, count[chosen.Name]
		}
		if chosen != nil {
			count[chosen.Name]++
		}
		return c
	})
	if err != nil || chip == nil || !changed {
		return // a result that no chip can show
	}
	refused(t, s, r, r.Filling, chip, row, p.Code[pc].String())
}
