package prover

import (
	"context"
	"math/bits"
	"runtime"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"golang.org/x/sync/errgroup"
)

// field is the arithmetic of a curve's coordinates; results may be operands.
type field[T any] interface {
	*T
	Add(a, b *T) *T
	Sub(a, b *T) *T
	Mul(a, b *T) *T
	Square(a *T) *T
	Inverse(a *T) *T
	Neg(a *T) *T
	IsZero() bool
	SetOne() *T
}

// point is an affine point of a curve y² = x³ + b; (0, 0) is infinity. It is laid out like gnark-crypto's.
type point[T any] struct{ X, Y T }

// table is the multiples of one point that make a scalar multiplication a sum without doublings: for each window j of the scalar, and each d in
// 1, ..., 2^(window−1), the point d·2^(window·j)·base. It is read by many goroutines at once.
type table[T any, P field[T]] struct {
	window  int
	windows int
	points  []point[T]
}

// scalarBits is one more than a scalar has: signed digits carry over.
const scalarBits = fr.Bits + 1

// newTable makes the table for about so many multiplications of base, which is not infinity and of the order of fr.
func newTable[T any, P field[T]](base point[T], scalars int) *table[T, P] {
	w, least := 0, -1
	for c := 4; c <= maxWindow; c++ {
		if cost := (scalarBits + c - 1) / c * (scalars + 1<<(c-1)); least < 0 || cost < least {
			least, w = cost, c
		}
	}
	return newTableW[T, P](base, w)
}

// maxWindow is the largest window of which the multiples are in a processor's own cache.
const maxWindow = 12

func newTableW[T any, P field[T]](base point[T], w int) *table[T, P] {
	t := &table[T, P]{window: w, windows: (scalarBits + w - 1) / w}
	half := 1 << (t.window - 1)
	t.points = make([]point[T], t.windows*half)
	s := newSums[T, P](half)
	for j := range t.windows {
		row := t.points[j*half : (j+1)*half]
		row[0] = base
		for m := 1; m < half; m *= 2 { // of 1, ..., m multiples make 2m
			for i := range m {
				row[m+i] = row[i]
				s.add(&row[m+i], &row[m-1], false)
			}
			s.flush()
		}
		base = row[half-1]
		s.add(&base, &row[half-1], false)
		s.flush()
	}
	return t
}

// sums adds points in batches that share one inversion (Montgomery's trick): to each sum at most one point in a batch.
type sums[T any, P field[T]] struct {
	sums  []*point[T]
	terms []*point[T]
	num   []T // of the slope
	den   []T
	pre   []T // products of all denominators before
	a, b  T
}

func newSums[T any, P field[T]](n int) *sums[T, P] {
	return &sums[T, P]{
		sums: make([]*point[T], 0, n), terms: make([]*point[T], 0, n),
		num: make([]T, 0, n), den: make([]T, 0, n), pre: make([]T, 0, n),
	}
}

// add puts off sum += ±term until the batch is flushed. term must not be infinity. Nothing here waits for the additions before, so that several terms, which
// lie anywhere in a table, are fetched at a time.
func (s *sums[T, P]) add(sum, term *point[T], neg bool) {
	if P(&sum.X).IsZero() && P(&sum.Y).IsZero() {
		*sum = *term
		if neg {
			P(&sum.Y).Neg(&term.Y)
		}
		return
	}
	n := len(s.den)
	s.den, s.num = s.den[:n+1], s.num[:n+1]
	if neg { // both signs turned, so that nothing is negated
		P(&s.den[n]).Sub(&sum.X, &term.X)
		P(&s.num[n]).Add(&term.Y, &sum.Y)
	} else {
		P(&s.den[n]).Sub(&term.X, &sum.X)
		P(&s.num[n]).Sub(&term.Y, &sum.Y)
	}
	s.sums, s.terms = append(s.sums, sum), append(s.terms, term)
}

// products multiplies the denominators.
func (s *sums[T, P]) products() {
	s.pre = append(s.pre[:0], s.den[0])
	for i := 1; i < len(s.den); i++ {
		s.pre = s.pre[:i+1]
		P(&s.pre[i]).Mul(&s.pre[i-1], &s.den[i])
	}
}

// special repairs a batch in which points have the same X: equal ones, which are doubled, and opposite ones, whose sum is infinity. It returns the
// latter.
func (s *sums[T, P]) special() (gone []*point[T]) {
	for i := range s.den {
		num, den, sum := P(&s.num[i]), P(&s.den[i]), s.sums[i]
		switch {
		case !den.IsZero():
		case num.IsZero():
			num.Square(&sum.X)
			den.Add(&s.num[i], &s.num[i])
			num.Add(&s.num[i], &s.den[i])
			den.Add(&sum.Y, &sum.Y) // not zero: the order is odd
		default:
			den.SetOne()
			gone = append(gone, sum)
		}
	}
	s.products()
	return gone
}

// flush does what was put off.
func (s *sums[T, P]) flush() {
	n := len(s.den)
	if n == 0 {
		return
	}
	s.products()
	var gone []*point[T]
	if P(&s.pre[n-1]).IsZero() {
		gone = s.special()
	}
	P(&s.a).Inverse(&s.pre[n-1])
	for i := n - 1; i >= 0; i-- {
		sum, slope := s.sums[i], P(&s.num[i])
		if i > 0 {
			P(&s.b).Mul(&s.a, &s.pre[i-1])
			P(&s.a).Mul(&s.a, &s.den[i])
		} else {
			s.b = s.a
		}
		slope.Mul(&s.num[i], &s.b)
		P(&s.b).Square(&s.num[i])
		P(&s.b).Sub(&s.b, &sum.X)
		P(&s.b).Sub(&s.b, &s.terms[i].X)
		P(&sum.X).Sub(&sum.X, &s.b)
		slope.Mul(&s.num[i], &sum.X)
		P(&sum.Y).Sub(&s.num[i], &sum.Y)
		sum.X = s.b
	}
	for _, sum := range gone {
		*sum = point[T]{}
	}
	s.sums, s.terms = s.sums[:0], s.terms[:0]
	s.num, s.den, s.pre = s.num[:0], s.den[:0], s.pre[:0]
}

// Bounds of how many scalars are multiplied together: enough that an inversion costs nothing and a window of the table is used while it is near, few enough
// that sums stay near, too.
const (
	minStretch = 1 << 8
	maxStretch = 1 << 12
)

// stretch is how many of n scalars are multiplied together.
func stretch(n int) int {
	cores := runtime.GOMAXPROCS(0)
	return min(max((n+cores-1)/cores, minStretch), maxStretch)
}

// multiply writes scalars[i]·base to out[i], on all processors. It ends early if ctx does.
func (t *table[T, P]) multiply(ctx context.Context, scalars []fr.Element, out []point[T]) error {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	stretch := stretch(len(scalars))
	for from := 0; from < len(scalars); from += stretch {
		if ctx.Err() != nil {
			break
		}
		to := min(from+stretch, len(scalars))
		g.Go(func() error {
			t.multiplyFew(scalars[from:to], out[from:to])
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

func (t *table[T, P]) multiplyFew(scalars []fr.Element, out []point[T]) {
	clear(out)
	half := 1 << (t.window - 1)
	digits := make([]int32, len(scalars)*t.windows)
	for i := range scalars {
		recode(scalars[i].Bits(), t.window, digits[i*t.windows:(i+1)*t.windows])
	}
	s := newSums[T, P](len(scalars))
	for j := range t.windows {
		row := t.points[j*half : (j+1)*half]
		for i := range scalars {
			switch d := digits[i*t.windows+j]; {
			case d > 0:
				s.add(&out[i], &row[d-1], false)
			case d < 0:
				s.add(&out[i], &row[-d-1], true)
			}
		}
		s.flush()
	}
}

// recode writes the digits of a number in base 2^window, each in −2^(window−1)+1, ..., 2^(window−1).
func recode(limbs [4]uint64, window int, digits []int32) {
	carry := int32(0)
	for j := range digits {
		bit := j * window
		word, shift := bit/64, bit%64
		var v uint64
		if word < 4 {
			v = limbs[word] >> shift
			if shift+window > 64 && word < 3 {
				v |= limbs[word+1] << (64 - shift)
			}
		}
		d := int32(v&(1<<window-1)) + carry
		carry = 0
		if d > 1<<(window-1) {
			d -= 1 << window
			carry = 1
		}
		digits[j] = d
	}
}

// reversed is i with its lowest n bits in reverse order.
func reversed(i, n int) int { return int(bits.Reverse64(uint64(i)) >> (64 - n)) }
