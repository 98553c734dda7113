package circuits

import (
	"fmt"
	"math/big"
	"strings"
)

// Term is a column times a constant.
type Term struct {
	Column int
	Coef   *big.Int
}

// Lin is a polynomial of degree at most 1 over the columns of one row, with integers for coefficients. It is immutable; the zero value is 0.
// Terms are in the order of their columns, each column once, none with coefficient 0.
type Lin struct {
	Const *big.Int // nil is 0
	Terms []Term
}

// Int is the constant k.
func Int(k int64) Lin { return constant(big.NewInt(k)) }

// Pow is the constant 2ⁿ.
func Pow(n uint) Lin { return constant(pow2(n)) }

func constant(k *big.Int) Lin {
	if k.Sign() == 0 {
		return Lin{}
	}
	return Lin{Const: k}
}

func pow2(n uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), n) }

// column is column i.
func column(i int) Lin { return Lin{Terms: []Term{{i, big.NewInt(1)}}} }

// K is the constant part, never nil.
func (l Lin) K() *big.Int {
	if l.Const == nil {
		return new(big.Int)
	}
	return l.Const
}

// Plus is the sum of l and all of them.
func (l Lin) Plus(more ...Lin) Lin {
	for _, m := range more {
		l = l.add(m)
	}
	return l
}

func (l Lin) add(m Lin) Lin {
	sum := constant(new(big.Int).Add(l.K(), m.K()))
	a, b := l.Terms, m.Terms
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Column < b[0].Column:
			sum.Terms, a = append(sum.Terms, a[0]), a[1:]
		case len(a) == 0 || b[0].Column < a[0].Column:
			sum.Terms, b = append(sum.Terms, b[0]), b[1:]
		default:
			if c := new(big.Int).Add(a[0].Coef, b[0].Coef); c.Sign() != 0 {
				sum.Terms = append(sum.Terms, Term{a[0].Column, c})
			}
			a, b = a[1:], b[1:]
		}
	}
	return sum
}

// Minus is l − m.
func (l Lin) Minus(m Lin) Lin { return l.add(m.Times(-1)) }

// Times is k·l.
func (l Lin) Times(k int64) Lin { return l.scale(big.NewInt(k)) }

// Shl is 2ⁿ·l.
func (l Lin) Shl(n uint) Lin { return l.scale(pow2(n)) }

func (l Lin) scale(k *big.Int) Lin {
	if k.Sign() == 0 {
		return Lin{}
	}
	out := constant(new(big.Int).Mul(l.K(), k))
	for _, t := range l.Terms {
		out.Terms = append(out.Terms, Term{t.Column, new(big.Int).Mul(t.Coef, k)})
	}
	return out
}

// single returns the column that l is, if it is one plus a constant.
func (l Lin) single() (col int, ok bool) {
	if len(l.Terms) == 1 && l.Terms[0].Coef.IsInt64() && l.Terms[0].Coef.Int64() == 1 {
		return l.Terms[0].Column, true
	}
	return 0, false
}

// text writes l with the names of columns.
func (l Lin) text(cols []Column) string {
	var b strings.Builder
	for i, t := range l.Terms {
		if i > 0 {
			b.WriteString(" + ")
		}
		if t.Coef.Cmp(big.NewInt(1)) != 0 {
			b.WriteString(coefText(t.Coef) + "·")
		}
		b.WriteString(cols[t.Column].Name)
	}
	if l.Const != nil || len(l.Terms) == 0 {
		if len(l.Terms) > 0 {
			b.WriteString(" + ")
		}
		b.WriteString(coefText(l.K()))
	}
	return b.String()
}

// coefText writes powers of two as such.
func coefText(k *big.Int) string {
	abs := new(big.Int).Abs(k)
	n := abs.BitLen() - 1
	if n < 8 || abs.Cmp(pow2(uint(n))) != 0 {
		return k.String()
	}
	if k.Sign() < 0 {
		return fmt.Sprintf("−2^%d", n)
	}
	return fmt.Sprintf("2^%d", n)
}
