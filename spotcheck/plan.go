package spotcheck

import (
	"errors"
	"fmt"
	"math/big"
)

// maxExact bounds the factors of a binomial coefficient that is computed exactly.
const maxExact = 1 << 16

// ErrTooMany says that an exact answer would take too long to compute.
var ErrTooMany = errors.New("too many segments for exact arithmetic")

// Detection is the probability that k distinct segments, drawn uniformly from n of which b are bad, hold a bad one:
// 1 − C(n−b,k)/C(n,k), exactly. b and k are at most n.
func Detection(n, b, k uint64) (*big.Rat, error) {
	if b > n || k > n {
		return nil, fmt.Errorf("%d bad and %d drawn of %d segments", b, k, n)
	}
	if b > n-k { // more are bad than are left out
		return big.NewRat(1, 1), nil
	}
	// C(n−b,k)/C(n,k) = C(n−k,b)/C(n,b): the falling products of the smaller number of factors.
	drop, factors := b, k
	if b < k {
		drop, factors = k, b
	}
	if factors > maxExact || n >= 1<<62 {
		return nil, fmt.Errorf("%w: %d bad, %d drawn of %d", ErrTooMany, b, k, n)
	}
	miss := new(big.Rat).SetFrac(falling(n-drop, factors), falling(n, factors))
	return miss.Sub(big.NewRat(1, 1), miss), nil
}

// falling is n·(n−1)·…, of so many factors.
func falling(n, factors uint64) *big.Int {
	return new(big.Int).MulRange(int64(n-factors+1), int64(n))
}

// Bad is how many of n segments are bad at a rate of corruption: the next whole number, and at least one.
func Bad(n uint64, rate *big.Rat) uint64 {
	v := new(big.Rat).Mul(rate, new(big.Rat).SetInt(new(big.Int).SetUint64(n)))
	q, r := new(big.Int).QuoRem(v.Num(), v.Denom(), new(big.Int))
	if r.Sign() > 0 || q.Sign() == 0 {
		q.Add(q, big.NewInt(1))
	}
	return min(q.Uint64(), n)
}

// Samples is the least number of segments to draw from n, of which b ≥ 1 are bad, so that a bad one is among them with at least the probability
// confidence.
func Samples(n, b uint64, confidence *big.Rat) (uint64, error) {
	if n == 0 || b == 0 || b > n {
		return 0, fmt.Errorf("%d bad of %d segments", b, n)
	}
	if confidence.Sign() < 0 || confidence.Cmp(big.NewRat(1, 1)) > 0 {
		return 0, fmt.Errorf("a confidence of %s is not between 0 and 1", confidence.RatString())
	}
	enough := func(k uint64) (bool, error) {
		p, err := Detection(n, b, k)
		return err == nil && p.Cmp(confidence) >= 0, err
	}
	low, high := uint64(0), uint64(1) // what is known to be too few, and not yet known to be
	if ok, err := enough(0); ok || err != nil {
		return 0, err
	}
	for {
		ok, err := enough(high)
		if err != nil {
			return 0, err
		}
		if ok {
			break
		}
		low, high = high, min(2*high, n)
	}
	for low+1 < high {
		mid := low + (high-low)/2
		ok, err := enough(mid)
		if err != nil {
			return 0, err
		}
		if ok {
			high = mid
		} else {
			low = mid
		}
	}
	return high, nil
}

// Expected is what an executor may expect from cheating if it gains gain undetected, loses stake when detected, and is detected with probability
// p: (1−p)·gain − p·stake.
func Expected(p, gain, stake *big.Rat) *big.Rat {
	win := new(big.Rat).Mul(new(big.Rat).Sub(big.NewRat(1, 1), p), gain)
	return win.Sub(win, new(big.Rat).Mul(p, stake))
}

// Stake is the stake at which [Expected] is zero: with any more, cheating is a losing bet. There is none if p is zero.
func Stake(p, gain *big.Rat) (*big.Rat, bool) {
	if p.Sign() <= 0 {
		return nil, false
	}
	s := new(big.Rat).Sub(big.NewRat(1, 1), p)
	s.Mul(s, gain)
	return s.Quo(s, p), true
}

// Point is one point of a detection curve.
type Point struct {
	Bad         uint64
	Probability *big.Rat
}

// Curve is the probability of detection for one bad segment of n, then for ten times as many each, and for all, if k are drawn.
func Curve(n, k uint64) ([]Point, error) {
	var points []Point
	for b := uint64(1); b <= n; b *= 10 {
		p, err := Detection(n, b, k)
		if errors.Is(err, ErrTooMany) || err == nil && b > n/10 {
			if err != nil {
				return points, nil // what is far off the end is as good as certain
			}
			return append(points, Point{b, p}), nil
		}
		if err != nil {
			return nil, err
		}
		points = append(points, Point{b, p})
	}
	return points, nil
}
