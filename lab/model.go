package lab

import (
	"math"
	"slices"
)

// The quantities of a row that models predict.
const (
	Produce  = "produce"  // milliseconds
	Answer   = "answer"   // milliseconds
	Check    = "check"    // milliseconds
	Evidence = "evidence" // bytes
	Shown    = "revealed" // bytes
	Peak     = "peak"     // bytes
)

// quantities are all of them, and what a row has of each.
func quantities() []quantity {
	return []quantity{
		{Produce, "ms", func(r *Row) float64 { return r.Produce.Time() }},
		{Answer, "ms", func(r *Row) float64 { return r.Answer.Time() }},
		{Check, "ms", func(r *Row) float64 { return r.Check.Time() }},
		{Evidence, "bytes", func(r *Row) float64 { return float64(r.Evidence) }},
		{Shown, "bytes", func(r *Row) float64 { return float64(r.Revealed.Total()) }},
		{Peak, "bytes", func(r *Row) float64 { return float64(r.Peak()) }},
	}
}

type quantity struct {
	name, unit string
	of         func(*Row) float64
}

// Model predicts a quantity of a mode on a guest from the length of the run:
//
//	a + b·instructions + c·min(instructions, reach)
//
// with no coefficient below 0: what is there in any case, what grows with the run, and what grows until the run has as many segments as are replayed: those that a
// spot-check draws, or the one of a dispute. It is the least sum of squared relative errors.
type Model struct {
	Guest    string  `json:"guest"`
	Mode     string  `json:"mode"`
	Quantity string  `json:"quantity"`
	Unit     string  `json:"unit"`
	Fixed    float64 `json:"fixed"`
	Each     float64 `json:"per_instruction"`
	Within   float64 `json:"per_instruction_within_reach"`
	Reach    float64 `json:"reach_instructions"` // 0: the mode replays no segments
	Points   int     `json:"points"`
	Longest  float64 `json:"longest_measured"` // in instructions: what lies beyond is extrapolated
	Error    Spread  `json:"error"`            // relative, of each point as the others predict it; zeros if there are too few
}

// Predict is the quantity for a run of so many instructions.
func (m *Model) Predict(instructions float64) float64 {
	return m.Fixed + m.Each*instructions + m.Within*min(instructions, m.Reach)
}

// sample is one measurement: a run's length and the quantity.
type sample struct{ x, y float64 }

// fit finds the coefficients for samples of which none is negative.
func (m *Model) fit(ss []sample) {
	m.Points = len(ss)
	c := solve(ss, m.Reach)
	m.Fixed, m.Each, m.Within = c[0], c[1], c[2]
	m.Longest = 0
	for _, s := range ss {
		m.Longest = max(m.Longest, s.x)
	}
	if len(ss) < 3 {
		return
	}
	var errs []float64
	for i, s := range ss {
		c := solve(slices.Delete(slices.Clone(ss), i, i+1), m.Reach)
		guess := Model{Fixed: c[0], Each: c[1], Within: c[2], Reach: m.Reach}
		errs = append(errs, math.Abs(guess.Predict(s.x)-s.y)/scale(s.y, ss))
	}
	m.Error = spreadOf(errs)
}

// scale is what an error is relative to: the value, or if it is 0 a tenth of the largest one.
func scale(y float64, ss []sample) float64 {
	if y > 0 {
		return y
	}
	for _, s := range ss {
		y = max(y, s.y/10)
	}
	return max(y, math.SmallestNonzeroFloat32)
}

// solve finds the best non-negative coefficients: those of the best subset of the terms of which the unconstrained solution has none below 0. No
// more terms are used than there are samples.
func solve(ss []sample, reach float64) (best [3]float64) {
	least := math.Inf(1)
	for set := range 1 << 3 {
		var terms []int
		for t := range 3 {
			if set>>t&1 == 1 && (t != 2 || reach > 0) {
				terms = append(terms, t)
			}
		}
		if len(terms) == 0 || len(terms) > len(ss) {
			continue
		}
		c, ok := unconstrained(ss, reach, terms)
		if !ok {
			continue
		}
		if left := residual(ss, reach, c); left < least*(1-1e-9) {
			best, least = c, left
		}
	}
	return best
}

func basis(x, reach float64) [3]float64 { return [3]float64{1, x, min(x, reach)} }

// residual is the sum of squared relative errors.
func residual(ss []sample, reach float64, c [3]float64) (sum float64) {
	for _, s := range ss {
		b := basis(s.x, reach)
		e := (c[0]*b[0] + c[1]*b[1] + c[2]*b[2] - s.y) / scale(s.y, ss)
		sum += e * e
	}
	return sum
}

// unconstrained solves the normal equations for some of the terms, in columns of one size. It fails if they do not tell the terms apart or a
// coefficient is negative.
func unconstrained(ss []sample, reach float64, terms []int) (c [3]float64, ok bool) {
	n := len(terms)
	most := make([]float64, n)
	rows := make([][]float64, len(ss))
	for i, s := range ss {
		b, w := basis(s.x, reach), scale(s.y, ss)
		rows[i] = make([]float64, n+1)
		for j, t := range terms {
			rows[i][j] = b[t] / w
			most[j] = max(most[j], rows[i][j])
		}
		rows[i][n] = s.y / w
	}
	a := make([][]float64, n) // the normal equations, their right side last
	for j := range a {
		a[j] = make([]float64, n+1)
		for _, r := range rows {
			for k := range n {
				a[j][k] += r[j] / most[j] * r[k] / most[k]
			}
			a[j][n] += r[j] / most[j] * r[n]
		}
	}
	x, ok := eliminate(a)
	if !ok {
		return c, false
	}
	for j, t := range terms {
		if c[t] = x[j] / most[j]; c[t] < 0 {
			return c, false
		}
	}
	return c, true
}

// eliminate solves linear equations in place, the right side in the last column.
func eliminate(a [][]float64) ([]float64, bool) {
	n := len(a)
	for i := range n {
		p := i
		for r := i + 1; r < n; r++ {
			if math.Abs(a[r][i]) > math.Abs(a[p][i]) {
				p = r
			}
		}
		if a[i], a[p] = a[p], a[i]; math.Abs(a[i][i]) < 1e-12 {
			return nil, false
		}
		for r := range n {
			if r != i {
				f := a[r][i] / a[i][i]
				for k := i; k <= n; k++ {
					a[r][k] -= f * a[i][k]
				}
			}
		}
	}
	x := make([]float64, n)
	for i := range x {
		x[i] = a[i][n] / a[i][i]
	}
	return x, true
}
