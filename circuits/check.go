package circuits

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// maxKeys and maxValues are how many numbers a tuple has at most.
const maxKeys, maxValues = 3, 4

// Check decides whether a filling shows what the contents state: every constraint holds in every row, and every bus balances. The
// arithmetic is that of the scalar field of BN254. On a bus with unique keys it asks what a backend asks, and no more: that for each key as
// many tuples are sent as received, and that the sums of their values agree. The error wraps [ErrRefused] and names chip, row and constraint, or a tuple
// with the rows that it comes from. It says nothing about the time that a hostile filling takes but that it is linear.
func (s *System) Check(f *Filling, contents Contents) error {
	if err := s.checkShape(f); err != nil {
		return err
	}
	if err := s.checkGiven(f, contents); err != nil {
		return err
	}
	b := make([]map[tuple]*balance, len(s.Buses))
	for i := range b {
		b[i] = make(map[tuple]*balance)
	}
	for _, c := range s.Chips {
		if err := s.checkChip(c, f, b); err != nil {
			return err
		}
	}
	for i := range b {
		for t, sum := range b[i] {
			if *sum != (balance{}) {
				return s.unbalanced(f, BusID(i), t)
			}
		}
	}
	return nil
}

// checkShape checks that a filling has rows of this system's chips, as wide as they are, and one row of chips that have one.
func (s *System) checkShape(f *Filling) error {
	for name, rows := range f.Rows {
		c := s.Chip(name)
		if c == nil {
			return fmt.Errorf("%w: there is no chip %q", ErrRefused, name)
		}
		for i, r := range rows {
			if len(r) != len(c.Columns) {
				return fmt.Errorf("%w: %s row %d has %d columns, not %d", ErrRefused, name, i, len(r), len(c.Columns))
			}
		}
	}
	for _, c := range s.Chips {
		if n := f.Count(c.Name); c.Once && n != 1 {
			return fmt.Errorf("%w: %s has %d rows that count, not one", ErrRefused, c.Name, n)
		}
	}
	return nil
}

// tuple is the key of a message, padded.
type tuple [maxKeys]fr.Element

// balance is what was sent less what was received with one key.
type balance struct {
	count  fr.Element
	values [maxValues]fr.Element
}

// checkChip checks a chip's rows and adds their messages up.
func (s *System) checkChip(c *Chip, f *Filling, b []map[tuple]*balance) error {
	rows := len(f.Rows[c.Name])
	if rows == 0 {
		return nil
	}
	k := s.compiled()[c.Name]
	v := make([]fr.Element, len(c.Columns))
	for i := range rows {
		f.values(c, i, v)
		for n := range c.Constraints {
			if x := k.constraint(n, v); !x.IsZero() {
				return fmt.Errorf("%w: %s row %d: %s: off by %s", ErrRefused, c.Name, i, c.Constraints[n].Name, x.String())
			}
		}
		if !k.permutes(v) {
			return fmt.Errorf("%w: %s row %d: %s", ErrRefused, c.Name, i, c.Permutation.Name)
		}
		if !v[On].IsZero() {
			for n := range c.NonZero {
				if x := k.nonZero[n].at(v); x.IsZero() {
					return fmt.Errorf("%w: %s row %d: %s", ErrRefused, c.Name, i, c.NonZero[n].Name)
				}
			}
		}
		for n := range c.Messages {
			m := &c.Messages[n]
			mult := v[m.Mult]
			if mult.IsZero() {
				continue
			}
			if !m.Send {
				mult.Neg(&mult)
			}
			t := k.tuple(n, v)
			sum := b[m.Bus][t]
			if sum == nil {
				sum = new(balance)
				b[m.Bus][t] = sum
			}
			if s.Buses[m.Bus].Kind != Sum {
				sum.count.Add(&sum.count, &mult)
			}
			for j := range k.messages[n].value {
				x := k.messages[n].value[j].at(v)
				x.Mul(&x, &mult)
				sum.values[j].Add(&sum.values[j], &x)
			}
		}
	}
	return nil
}

// unbalanced says which tuple is not sent as often as it is received, and who sends and receives it.
func (s *System) unbalanced(f *Filling, bus BusID, t tuple) error {
	const most = 6
	var who []string
	for _, c := range s.Chips {
		rows := len(f.Rows[c.Name])
		if rows == 0 {
			continue
		}
		k := s.compiled()[c.Name]
		v := make([]fr.Element, len(c.Columns))
		for i := range rows {
			f.values(c, i, v)
			for n := range c.Messages {
				m := &c.Messages[n]
				if m.Bus != bus || v[m.Mult].IsZero() || k.tuple(n, v) != t {
					continue
				}
				how := "receives"
				if m.Send {
					how = "sends"
				}
				text := fmt.Sprintf("%s row %d %s", c.Name, i, how)
				if mult := v[m.Mult]; !mult.IsOne() {
					text += " " + mult.String() + " times"
				}
				for j := range k.messages[n].value {
					x := k.messages[n].value[j].at(v)
					text += " " + x.String()
				}
				if who = append(who, text); len(who) > most {
					who[most] = "…"
					return unbalancedError(&s.Buses[bus], t, who)
				}
			}
		}
	}
	return unbalancedError(&s.Buses[bus], t, who)
}

func unbalancedError(b *Bus, t tuple, who []string) error {
	var key []string
	for i := range b.Keys {
		key = append(key, keyText(&t[i]))
	}
	return fmt.Errorf("%w: bus %s does not balance at (%s): %s", ErrRefused, b.Name, strings.Join(key, ", "), strings.Join(who, "; "))
}

// keyText writes a key; one that is packed of several in hexadecimal.
func keyText(x *fr.Element) string {
	n := x.BigInt(new(big.Int))
	if n.BitLen() > 64 {
		return fmt.Sprintf("%#x", n)
	}
	return n.String()
}
