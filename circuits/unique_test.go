package circuits

import (
	"maps"
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
	l       *local
	chip    *Chip
	honest  []fr.Element
	numbers []unknown
	of      []int      // by column: its number, or −1 if it is given
	bits    []int      // columns of one bit
	equal   []equation // expressions that stay what they are, then the row's laws
	was     map[exchanged]balance
	solved  int
	last    bool // where a number goes that has no limbs
	v       []fr.Element
	known   []bool
}

// equation says that a sum of products is something.
type equation struct {
	sum [][]linear
	is  fr.Element
}

func newPuzzle(l *local, c *Chip, honest []fr.Element) *puzzle {
	q := &puzzle{l: l, chip: c, honest: honest, of: make([]int, len(c.Columns))}
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
			q.stays(f.Lin())
			if m.Bus == BusFetch {
				for _, lane := range f {
					q.stays(lane.Of)
				}
			}
		}
		switch {
		case !m.Send:
			q.stays(m.Value...)
		case m.Bus == BusLoadAt:
			q.stays(m.Value[2]) // somebody else says it
		}
	}
	for _, sum := range l.sys.compiled()[c.Name].constraints {
		q.equal = append(q.equal, equation{sum: sum})
	}
	return q
}

// stays adds expressions that stay what they are.
func (q *puzzle) stays(all ...Lin) {
	for _, l := range all {
		x := newLinear(l)
		q.equal = append(q.equal, equation{[][]linear{{x}}, x.at(q.honest)})
	}
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
		if sumAt(q.equal[i].sum, q.v) != q.equal[i].is {
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
		x.Mul(&units[q.numbers[n].bits[i]/16], &q.honest[col])
		sum.Add(&sum, &x)
	}
	return sum
}

// units are the powers of 2¹⁶, and what undoes them.
var units, fractions = func() (u, f [8]fr.Element) {
	for i := range u {
		u[i].SetBigInt(pow2(uint(16 * i)))
		f[i].Inverse(&u[i])
	}
	return u, f
}()

// put sets a number: in limbs if it fits, else as a whole in the lowest or the last.
func (q *puzzle) put(n int, x fr.Element) {
	u := &q.numbers[n]
	q.known[n] = true
	last := len(u.columns) - 1
	if !x.IsUint64() || last == 0 || last < 3 && x.Uint64()>>(u.bits[last]+16) != 0 {
		for _, col := range u.columns {
			q.v[col] = fr.Element{}
		}
		at := 0
		if q.last {
			at = last
		}
		q.v[u.columns[at]].Mul(&x, &fractions[u.bits[at]/16])
		return
	}
	for i, col := range u.columns {
		q.v[col].SetUint64(x.Uint64() >> u.bits[i] & 0xffff)
	}
}

// solve works out what follows. Numbers that nothing determines stay what they were.
func (q *puzzle) solve() {
	for again := true; again; {
		again = false
		for i := range q.equal {
			again = q.one(&q.equal[i]) || again
		}
	}
}

// one solves an equation that has one unknown number, in degree 1.
func (q *puzzle) one(e *equation) bool {
	n := -1
	for _, p := range e.sum {
		factors := 0
		for i := range p {
			has := false
			for _, t := range p[i].terms {
				k := q.of[t.column]
				if k < 0 || q.known[k] {
					continue
				}
				if n >= 0 && n != k {
					return false
				}
				n, has = k, true
			}
			if has {
				factors++
			}
		}
		if factors > 1 {
			return false
		}
	}
	if n < 0 {
		return false
	}
	at := func(x fr.Element) fr.Element {
		q.put(n, fr.Element{})
		q.v[q.numbers[n].columns[0]] = x
		return sumAt(e.sum, q.v)
	}
	zero, one := at(fr.Element{}), at(fr.One())
	var slope, x fr.Element
	if slope.Sub(&one, &zero); slope.IsZero() {
		q.put(n, q.get(n))
		q.known[n] = false
		return false
	}
	x.Sub(&e.is, &zero)
	slope.Inverse(&slope)
	x.Mul(&x, &slope)
	q.put(n, x)
	return true
}
