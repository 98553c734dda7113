package lab_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/trilemma-dev/trilemma/lab"
)

// stageOf is a stage that takes exactly so many milliseconds.
func stageOf(ms float64) *lab.Stage {
	s := lab.Spread{Median: ms, Low: ms, High: ms}
	return &lab.Stage{Spent: lab.Spent{Wall: s, CPU: s}, Turns: 3, Peak: 1 << 20}
}

// samples of runs whose steps are half of their instructions, so that 4 segments reach 8 of these.
func made(sizes []uint64, produce, answer, check func(n float64) float64, mode string) (rows []lab.Row) {
	for _, n := range sizes {
		r := lab.Row{Mode: mode, Guest: "g", Size: n, Fuel: n, Steps: n / 2, Produce: stageOf(produce(float64(n))), Check: stageOf(check(float64(n)))}
		if answer != nil {
			r.Answer = stageOf(answer(float64(n)))
		}
		rows = append(rows, r)
	}
	return rows
}

func near(a, b, within float64) bool { return math.Abs(a-b) <= within*math.Abs(b) }

func line(a, b float64) func(float64) float64 { return func(n float64) float64 { return a + b*n } }

// comparison is one whose rows obey known laws: with segments of 1,000 steps, of which 4 are drawn, spot-checks reach 8,000 instructions.
func comparison() *lab.Comparison {
	sizes := []uint64{1000, 3000, 6000, 20_000, 100_000, 1_000_000}
	c := &lab.Comparison{Trilemma: lab.ComparisonVersion, Settings: lab.Settings{Turns: 3, Samples: 4, Limit: 1000}, Segment: 1000}
	for _, n := range sizes {
		c.Baselines = append(c.Baselines, lab.Row{Mode: lab.BaseWazero, Guest: "g", Size: n, Fuel: n, Produce: stageOf(1e-6 * float64(n))})
	}
	c.Rows = append(c.Rows, made(sizes, line(2, 1e-5), nil, line(1, 1e-5), "rerun")...)
	c.Rows = append(c.Rows, made(sizes, line(3, 1e-4), line(0, 1e-6), func(n float64) float64 { return 5 + 1e-7*n + 1e-3*min(n, 8000) }, "spot")...)
	return c
}

// TestModels checks that laws are found again, that they predict what was not measured, and that the error of what obeys a law is none.
func TestModels(t *testing.T) {
	c := comparison()
	c.Conclude()
	for _, want := range []lab.Model{
		{Mode: "rerun", Quantity: lab.Produce, Fixed: 2, Each: 1e-5}, {Mode: "rerun", Quantity: lab.Check, Fixed: 1, Each: 1e-5},
		{Mode: "spot", Quantity: lab.Check, Fixed: 5, Each: 1e-7, Within: 1e-3, Reach: 8000}, {Mode: "spot", Quantity: lab.Answer, Each: 1e-6, Reach: 8000},
	} {
		m := c.Model("g", want.Mode, want.Quantity)
		for _, n := range []float64{500, 5000, 1e5, 1e9} {
			if got, law := m.Predict(n), want.Predict(n); !near(got, law, 1e-6) {
				t.Errorf("%s %s of %g: %g, want %g (%+v)", want.Mode, want.Quantity, n, got, law, m)
			}
		}
		if m.Points != 6 || m.Error.High > 1e-6 || m.Longest != 1e6 {
			t.Errorf("%+v", m)
		}
	}
	if m := c.Model("g", "attest", lab.Check); m.Points != 0 || m.Predict(1e6) != 0 {
		t.Errorf("of what was not measured: %+v", m)
	}
}

// TestModelError checks that the error is that of a point which the model has not seen: one that lies apart shows, and noise of a known size gives an
// error of that size.
func TestModelError(t *testing.T) {
	c := comparison()
	c.Rows[2].Check = stageOf(c.Rows[2].Check.Time() * 3) // of rerun
	c.Conclude()
	if e := c.Model("g", "rerun", lab.Check).Error; e.High < 0.05 {
		t.Errorf("a point that is three times too large gives the error %+v", e)
	}
	r := rand.New(rand.NewPCG(1, 2))
	noisy := &lab.Comparison{Settings: c.Settings, Segment: c.Segment}
	var sizes []uint64
	for i := range 60 {
		sizes = append(sizes, uint64(1000*math.Pow(1.2, float64(i))))
	}
	noisy.Rows = made(sizes, line(2, 1e-5), nil, func(n float64) float64 { return (1 + 1e-5*n) * (0.9 + 0.2*r.Float64()) }, "rerun")
	noisy.Conclude()
	if e := noisy.Model("g", "rerun", lab.Check).Error; e.Median < 0.03 || e.Median > 0.08 { // the median of |U(−0.1, 0.1)| is 0.05
		t.Errorf("noise of up to a tenth gives the error %+v", e)
	}
}

// TestNoNegativeCost checks that a model never says that something costs less than nothing.
func TestNoNegativeCost(t *testing.T) {
	c := &lab.Comparison{Settings: lab.Settings{Samples: 1}, Segment: 1}
	c.Rows = made([]uint64{1000, 2000, 4000}, line(10, -1e-3), nil, line(-0.5, 1e-3), "rerun")
	c.Conclude()
	for _, q := range []string{lab.Produce, lab.Check} {
		if m := c.Model("g", "rerun", q); m.Fixed < 0 || m.Each < 0 || m.Within < 0 || m.Predict(1) < 0 || m.Predict(1e12) < 0 {
			t.Errorf("%s: %+v", q, m)
		}
	}
}

// TestCrossover checks lengths and numbers of checkers against the laws: 5 + 1e-7·n + 8 < 1 + 1e-5·n from n = 12/9.9e-6 on.
func TestCrossover(t *testing.T) {
	c := comparison()
	c.Conclude()
	if len(c.Crossovers) != 1 {
		t.Fatalf("%+v", c.Crossovers)
	}
	x := c.Crossovers[0]
	want := 12 / 9.9e-6
	if x.Length == nil || *x.Length < want || *x.Length > want*1.07 || !x.Extended {
		t.Errorf("from %v on (extrapolated: %v), want %g", x.Length, x.Extended, want)
	}
	if got := c.Summary.Lengths["spot"]; !near(got, *x.Length, 1e-9) {
		t.Errorf("summary: %v", got)
	}
	for _, p := range x.Payoffs {
		more := (3 - 2) + (1e-4-1e-5)*p.Instructions
		saved := (1 + 1e-5*p.Instructions) - (5 + 1e-7*p.Instructions + 1e-3*min(p.Instructions, 8000)) - 1e-6*p.Instructions
		switch {
		case (saved > 0) != (p.Checkers != nil):
			t.Errorf("of %g: %v checkers, each saves %g", p.Instructions, p.Checkers, saved)
		case saved > 0 && !near(*p.Checkers, more/saved, 1e-6):
			t.Errorf("of %g: %v checkers, want %g", p.Instructions, *p.Checkers, more/saved)
		}
	}
}

// TestNeverCheaper checks that a mode whose check always takes more has no length.
func TestNeverCheaper(t *testing.T) {
	c := comparison()
	for i := range c.Rows {
		if c.Rows[i].Mode == "spot" {
			c.Rows[i].Check = stageOf(7 + 1e-3*float64(c.Rows[i].Fuel))
		}
	}
	c.Conclude()
	if x := c.Crossovers[0]; x.Length != nil || !x.Extended {
		t.Errorf("%+v", x)
	}
	for _, p := range c.Crossovers[0].Payoffs {
		if p.Checkers != nil {
			t.Errorf("pays for %v checkers at %g", *p.Checkers, p.Instructions)
		}
	}
}

// TestSummary checks the trilemma's points: they are of the largest size at which every mode was measured, or can be predicted from two other sizes.
func TestSummary(t *testing.T) {
	c := comparison()
	n := len(c.Rows)
	skip := func(r *lab.Row) {
		*r = lab.Row{Mode: r.Mode, Guest: r.Guest, Size: r.Size, Skipped: "it would take too long"}
	}
	skip(&c.Rows[n-1])
	single := 0.25
	c.Rows[n-2].Soundness = lab.Soundness{Kind: lab.SoundProbability, Single: &single}
	for i := range c.Rows {
		c.Rows[i].Revealed = lab.Revealed{Input: 1, State: 2, Output: 4}
	}
	for _, want := range []struct {
		size           uint64
		guessed        bool
		produce, check float64
	}{{1_000_000, true, 3 + 100, 5 + 0.1 + 8}, {1000, false, 3 + 0.1, 5 + 1e-4 + 1}} {
		c.Conclude()
		s := c.Summary
		if s.Size != want.size || len(s.Guests) != 1 || len(s.Points) != 2 {
			t.Fatalf("%+v", s)
		}
		p, bare := s.Points[1], 1e-6*float64(want.size)
		answer := bare
		if p.Mode != "spot" || p.Guessed != want.guessed || s.Points[0].Guessed || !near(p.Produce, want.produce, 1e-6) || !near(p.Answer, answer, 1e-6) ||
			!near(p.Check, want.check, 1e-6) || !near(p.Over, (want.produce+answer+want.check)/bare, 1e-6) || !near(p.Shown, 7, 1e-6) {
			t.Errorf("%+v", p)
		}
		if want.guessed && (p.Kind != lab.SoundProbability || p.Single != 0.25) {
			t.Errorf("%+v", p)
		}
		for i := n - 5; i < n; i++ { // of spot the first size is left
			skip(&c.Rows[i])
		}
	}
}

// TestOverPlain checks the comparison of proofs with plain circuits: 2 parts of 1,000 constraints, where plain ones take 1 + 0.01·n milliseconds.
func TestOverPlain(t *testing.T) {
	c := comparison()
	for _, n := range []int64{100, 500, 2000} {
		c.Baselines = append(c.Baselines, lab.Row{Mode: lab.BaseGroth16, Constraints: n, Produce: stageOf(1 + 0.01*float64(n))})
	}
	c.Conclude()
	if c.Summary.Plain != 0 {
		t.Errorf("without proofs: %v", c.Summary.Plain)
	}
	for _, ms := range []float64{44, 11} {
		c.Rows = append(c.Rows, lab.Row{Mode: "zk", Guest: "g", Size: 1000, Fuel: 1000, Parts: 2, Constraints: 2000, Produce: stageOf(ms), Check: stageOf(1)})
	}
	c.Conclude()
	if !near(c.Summary.Plain, 1, 1e-6) { // the geometric mean of 2 and a half
		t.Errorf("%v", c.Summary.Plain)
	}
}
