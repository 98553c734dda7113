package circuits

import (
	"maps"
	"math/big"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// TestOneResult looks for a second way to fill rows of steps: with all that they receive and fetch as it was, another result that satisfies everything. It sets the bits in every way and
// one number to something else, and works out the others from the row's equations as long as one number is left in one of them.
func TestOneResult(t *testing.T) {
	s := New()
	l := newLocal(s)
	solved := 0
	everyRow(t, s, 3, func(r *Run, c *Chip, row int) {
		if !c.IsStep() && !strings.Contains(c.Name, " at +") {
			return
		}
		l.contents = r.Contents
		v := make([]fr.Element, len(c.Columns))
		r.Filling.values(c, row, v)
		q := newPuzzle(l, c, v)
		q.search(func(what string) {
			t.Errorf("%s: another result, with %s: %v", c.Name, what, r.Filling.Rows[c.Name][row])
		})
		solved += q.solved
	})
	t.Logf("%d fillings tried", solved)
	if solved < 100_000 {
		t.Error("these are too few")
	}
}

// unknown is a column, or columns of limbs, as one unknown.
type unknown struct {
	name    string
	columns []int
	bits    []uint
}

// puzzle is a row whose numbers are looked for.
type puzzle struct {
	l        *local
	chip     *Chip
	honest   []fr.Element
	numbers  []unknown
	of       []int // by column: its number, or −1 if it is given
	bits     []int // columns of one bit
	equal    []Lin // expressions that stay what they are
	laws     []Constraint
	was      map[exchanged]balance
	solved   int
	last     bool // where a number goes that has no limbs
	v        []fr.Element
	known    []bool
	constant []fr.Element // by equal: what it is
}

func newPuzzle(l *local, c *Chip, honest []fr.Element) *puzzle {
	q := &puzzle{l: l, chip: c, honest: honest, of: make([]int, len(c.Columns)), laws: c.Constraints}
	q.was = l.exchange(c, honest)
	for i := 0; i < len(c.Columns); i++ {
		q.of[i] = -1
		if i == On || c.Columns[i].Name == "clock" || c.Columns[i].Name == "pc" {
			continue
		}
		if c.Columns[i].Bits == 1 {
			q.bits = append(q.bits, i)
			continue
		}
		n := unknown{name: c.Columns[i].Name, columns: []int{i}, bits: []uint{0}}
		if base, limbs := strings.CutSuffix(n.name, "0"); limbs {
			n.name = base
			for i+1 < len(c.Columns) && c.Columns[i+1].Name == base+string(rune('0'+len(n.columns))) && c.Columns[i+1].Bits > 1 {
				i++
				q.of[i] = len(q.numbers)
				n.columns, n.bits = append(n.columns, i), append(n.bits, uint(16*len(n.bits)))
			}
			if i+1 < len(c.Columns) && c.Columns[i+1].Name == base+" byte" {
				i++
				n.columns, n.bits = append(n.columns, i), append(n.bits, uint(16*len(n.bits)))
			}
		}
		for _, col := range n.columns {
			q.of[col] = len(q.numbers)
		}
		q.numbers = append(q.numbers, n)
	}
	for i := range c.Messages {
		m := &c.Messages[i]
		if k := l.sys.Buses[m.Bus].Kind; k == Plain && m.Bus != BusFetch {
			continue
		}
		for _, f := range m.Key {
			q.equal = append(q.equal, f.Lin())
			if m.Bus == BusFetch {
				for _, lane := range f {
					q.equal = append(q.equal, lane.Of)
				}
			}
		}
		switch {
		case !m.Send:
			q.equal = append(q.equal, m.Value...)
		case m.Bus == BusLoadAt:
			q.equal = append(q.equal, m.Value[2]) // somebody else says it
		}
	}
	for _, e := range q.equal {
		x := newLinear(e)
		q.constant = append(q.constant, x.at(honest))
	}
	return q
}

// search tries every way to set the bits, and for each number what it may be instead.
func (q *puzzle) search(found func(what string)) {
	for set := range 2 << min(len(q.bits), 6) {
		q.last = set&1 == 1
		for n := -1; n < len(q.numbers); n++ {
			for _, x := range q.instead(n) {
				q.v = append(q.v[:0], q.honest...)
				q.known = make([]bool, len(q.numbers))
				for i, col := range q.bits {
					q.v[col] = fr.NewElement(uint64(set >> (i + 1) & 1))
				}
				what := "nothing else"
				if n >= 0 {
					q.put(n, x)
					what = q.numbers[n].name + " " + x.String()
				}
				q.solve()
				q.solved++
				if now := q.l.exchange(q.chip, q.v); now != nil && !maps.Equal(now, q.was) && q.keeps() {
					found(what)
					return
				}
			}
		}
	}
}

// keeps reports whether everything that has to stay did.
func (q *puzzle) keeps() bool {
	for i := range q.equal {
		x := newLinear(q.equal[i])
		if now := x.at(q.v); now != q.constant[i] {
			return false
		}
	}
	return true
}

// instead is what a number is tried to be.
func (q *puzzle) instead(n int) (all []fr.Element) {
	if n < 0 {
		return []fr.Element{{}}
	}
	for _, by := range []int64{1, -1, 2, 1 << 16, 1 << 32, -1 << 32} {
		var d fr.Element
		d.SetInt64(by)
		x := q.get(n)
		all = append(all, *x.Add(&x, &d))
	}
	var far fr.Element
	far.SetBigInt(pow2(64))
	x := q.get(n)
	return append(all, *x.Add(&x, &far), fr.Element{}, fr.NewElement(1))
}

// get is a number as it was.
func (q *puzzle) get(n int) (sum fr.Element) {
	for i, col := range q.numbers[n].columns {
		var x fr.Element
		x.SetBigInt(pow2(q.numbers[n].bits[i]))
		x.Mul(&x, &q.honest[col])
		sum.Add(&sum, &x)
	}
	return sum
}

// put sets a number: in limbs if it fits, else as a whole in the lowest or the last.
func (q *puzzle) put(n int, x fr.Element) {
	u := &q.numbers[n]
	q.known[n] = true
	v := x.BigInt(new(big.Int))
	last := len(u.columns) - 1
	if v.BitLen() > int(u.bits[last])+16 || last == 0 {
		for _, col := range u.columns {
			q.v[col] = fr.Element{}
		}
		at := 0
		if q.last {
			at = last
		}
		var unit fr.Element
		unit.SetBigInt(pow2(u.bits[at]))
		unit.Inverse(&unit)
		q.v[u.columns[at]].Mul(&x, &unit)
		return
	}
	for i, col := range u.columns {
		limb := new(big.Int).Rsh(v, u.bits[i])
		q.v[col].SetUint64(limb.And(limb, big.NewInt(1<<16-1)).Uint64())
	}
}

// solve works out what follows. Numbers that nothing determines stay what they were.
func (q *puzzle) solve() {
	for again := true; again; {
		again = false
		for i := range q.equal {
			again = q.one([]Product{{q.equal[i]}}, q.constant[i]) || again
		}
		for i := range q.laws {
			again = q.one(q.laws[i].Sum, fr.Element{}) || again
		}
	}
}

// one solves an equation that has one unknown number, in degree 1.
func (q *puzzle) one(sum []Product, is fr.Element) bool {
	n := -1
	for _, p := range sum {
		inside := -1
		for _, f := range p {
			for _, t := range f.Terms {
				k := q.of[t.Column]
				if k < 0 || q.known[k] {
					continue
				}
				if n >= 0 && n != k {
					return false
				}
				n = k
			}
			if has := n >= 0 && q.has(f, n); has {
				if inside >= 0 {
					return false
				}
				inside = 1
			}
		}
	}
	if n < 0 {
		return false
	}
	at := func(x fr.Element) (total fr.Element) {
		q.put(n, fr.Element{})
		q.v[q.numbers[n].columns[0]] = x
		for _, p := range sum {
			f := newLinear(p[0])
			y := f.at(q.v)
			for i := 1; i < len(p); i++ {
				f := newLinear(p[i])
				z := f.at(q.v)
				y.Mul(&y, &z)
			}
			total.Add(&total, &y)
		}
		return total
	}
	zero, one := at(fr.Element{}), at(fr.One())
	var slope, x fr.Element
	if slope.Sub(&one, &zero); slope.IsZero() {
		q.put(n, q.get(n))
		q.known[n] = false
		return false
	}
	x.Sub(&is, &zero)
	slope.Inverse(&slope)
	x.Mul(&x, &slope)
	q.put(n, x)
	return true
}

// has reports whether an expression has a column of a number.
func (q *puzzle) has(l Lin, n int) bool {
	for _, t := range l.Terms {
		if q.of[t.Column] == n {
			return true
		}
	}
	return false
}
