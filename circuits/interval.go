package circuits

import "math/big"

// interval is the numbers from lo to hi. The zero value is everything.
type interval struct{ lo, hi *big.Int }

func (v interval) known() bool { return v.lo != nil }

// upTo is the numbers below n.
func upTo(n *big.Int) interval {
	return interval{new(big.Int), new(big.Int).Sub(n, big.NewInt(1))}
}

// within reports whether v is a part of w.
func (v interval) within(w interval) bool {
	return v.known() && v.lo.Cmp(w.lo) >= 0 && v.hi.Cmp(w.hi) <= 0
}

func (v interval) String() string {
	if !v.known() {
		return "anything"
	}
	return coefText(v.lo) + " … " + coefText(v.hi)
}

// bounds is what is known of the columns of a chip, in rows that count.
//
// Every bound is one of numbers in the field: that a column is in an interval means that its element is that of a number in it. Sums of what is
// known stay far below the field's order, so that equations between them hold for the numbers.
type bounds struct {
	cols []interval
	news bool
}

// wrap is how many bits a number has at most that is small: twice as much is below the field's order.
const wrap = 252

// of is the interval of a polynomial.
func (b *bounds) of(l Lin) interval {
	lo, hi := new(big.Int).Set(l.K()), new(big.Int).Set(l.K())
	for _, t := range l.Terms {
		v := b.cols[t.Column]
		if !v.known() {
			return interval{}
		}
		x, y := new(big.Int).Mul(v.lo, t.Coef), new(big.Int).Mul(v.hi, t.Coef)
		if t.Coef.Sign() < 0 {
			x, y = y, x
		}
		lo.Add(lo, x)
		hi.Add(hi, y)
	}
	if lo.BitLen() > wrap || hi.BitLen() > wrap {
		return interval{}
	}
	return interval{lo, hi}
}

// learn takes note of the interval of a polynomial: it says something of a column with coefficient 1 or −1 if the others are known, and of
// a column alone that is known to be a small number.
func (b *bounds) learn(l Lin, in interval) {
	for i, t := range l.Terms {
		rest := Lin{Const: l.Const}
		rest.Terms = append(append(rest.Terms, l.Terms[:i]...), l.Terms[i+1:]...)
		others := b.of(rest)
		if !others.known() {
			continue
		}
		lo, hi := new(big.Int).Sub(in.lo, others.hi), new(big.Int).Sub(in.hi, others.lo)
		if t.Coef.Sign() < 0 {
			lo, hi = hi.Neg(hi), lo.Neg(lo)
		}
		k := new(big.Int).Abs(t.Coef)
		if k.Cmp(big.NewInt(1)) != 0 {
			// k·x is the number that it seems to be only if x is known to be one
			if whole := b.of(column(t.Column).scale(k)); !whole.known() {
				continue
			}
			lo.Neg(lo).Div(lo, k).Neg(lo) // upward; Div rounds down for a positive k
			hi.Div(hi, k)
		}
		b.refine(t.Column, interval{lo, hi})
	}
}

// refine narrows a column.
func (b *bounds) refine(col int, in interval) {
	v := &b.cols[col]
	if !v.known() {
		*v, b.news = in, true
		return
	}
	if in.lo.Cmp(v.lo) > 0 {
		v.lo, b.news = in.lo, true
	}
	if in.hi.Cmp(v.hi) < 0 {
		v.hi, b.news = in.hi, true
	}
}
