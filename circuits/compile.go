package circuits

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/trilemma-dev/trilemma/internal/hidden"
)

// compiled is a chip whose coefficients are elements of the field.
type compiled struct {
	constraints [][][]linear
	nonZero     []linear
	messages    []compiledMessage
	in, out     []linear // of a permutation
}

type compiledMessage struct{ key, value, lanes []linear }

// linear is a [Lin] over the field.
type linear struct {
	k     fr.Element
	terms []linearTerm
}

type linearTerm struct {
	column int
	one    bool
	coef   fr.Element
}

func compile(c *Chip) *compiled {
	k := &compiled{}
	for _, con := range c.Constraints {
		var sum [][]linear
		for _, p := range con.Sum {
			sum = append(sum, linears(p))
		}
		k.constraints = append(k.constraints, sum)
	}
	for _, n := range c.NonZero {
		k.nonZero = append(k.nonZero, newLinear(n.Of))
	}
	for _, m := range c.Messages {
		var key, lanes []Lin
		for _, f := range m.Key {
			key = append(key, f.Lin())
			for _, lane := range f {
				lanes = append(lanes, lane.Of)
			}
		}
		k.messages = append(k.messages, compiledMessage{linears(key), linears(m.Value), linears(lanes)})
	}
	if p := c.Permutation; p != nil {
		in := p.In()
		k.in, k.out = linears(in[:]), linears(p.Out[:])
	}
	return k
}

// permutes reports whether the permutation holds in a row, if there is one.
func (k *compiled) permutes(row []fr.Element) bool {
	if k.in == nil {
		return true
	}
	var s hidden.State
	for i := range s {
		s[i] = k.in[i].at(row)
	}
	s.Permute()
	for i := range s {
		if out := k.out[i].at(row); out != s[i] {
			return false
		}
	}
	return true
}

func linears(ls []Lin) (out []linear) {
	for _, l := range ls {
		out = append(out, newLinear(l))
	}
	return out
}

func newLinear(l Lin) (out linear) {
	out.k.SetBigInt(l.K())
	for _, t := range l.Terms {
		x := linearTerm{column: t.Column}
		x.coef.SetBigInt(t.Coef)
		x.one = x.coef.IsOne()
		out.terms = append(out.terms, x)
	}
	return out
}

// at is the value in a row.
func (l *linear) at(row []fr.Element) fr.Element {
	sum := l.k
	for i := range l.terms {
		t := &l.terms[i]
		x := &row[t.column]
		switch {
		case x.IsZero():
		case t.one:
			sum.Add(&sum, x)
		default:
			var y fr.Element
			y.Mul(x, &t.coef)
			sum.Add(&sum, &y)
		}
	}
	return sum
}

// values is row i of a chip in the field. It fills v, which is as long.
func (f *Filling) values(c *Chip, i int, v []fr.Element) {
	for col, n := range f.Rows[c.Name][i] {
		switch n {
		case 0:
			v[col] = fr.Element{}
		case 1:
			v[col].SetOne()
		default:
			v[col].SetUint64(n)
		}
	}
	if wide := f.Wide[c.Name]; len(wide) > 0 {
		for col := range v {
			if w, ok := wide[Entry{i, col}]; ok {
				v[col] = w
			}
		}
	}
}

// constraint is the value of constraint n in a row.
func (k *compiled) constraint(n int, row []fr.Element) fr.Element {
	return sumAt(k.constraints[n], row)
}

// sumAt is the value of a sum of products in a row.
func sumAt(products [][]linear, row []fr.Element) (sum fr.Element) {
	for _, p := range products {
		x := p[0].at(row)
		for i := 1; i < len(p); i++ {
			y := p[i].at(row)
			x.Mul(&x, &y)
		}
		sum.Add(&sum, &x)
	}
	return sum
}

// tuple is the key of message n in a row.
func (k *compiled) tuple(n int, row []fr.Element) (t tuple) {
	for i := range k.messages[n].key {
		t[i] = k.messages[n].key[i].at(row)
	}
	return t
}
