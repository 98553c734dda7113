package spotcheck_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"testing"

	"github.com/trilemma-dev/trilemma/spotcheck"
)

func rat(t testing.TB, s string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("%q is no number", s)
	}
	return r
}

func ExampleDetection() {
	p, err := spotcheck.Detection(1000, 1, 20)
	fmt.Println(p, err)
	k, err := spotcheck.Samples(1000, 10, big.NewRat(99, 100))
	fmt.Println(k, err)
	// Output:
	// 1/50 <nil>
	// 368 <nil>
}

// TestDetection compares with an oracle that looks at every way to draw: for each set of k of n segments, of which the first b are bad, whether it holds a
// bad one.
func TestDetection(t *testing.T) {
	for n := uint64(1); n <= 12; n++ {
		for b := range n + 1 {
			hit, all := make([]int64, n+1), make([]int64, n+1)
			for set := range uint64(1) << n {
				k := bits.OnesCount64(set)
				all[k]++
				if set&(1<<b-1) != 0 {
					hit[k]++
				}
			}
			for k := range n + 1 {
				got, err := spotcheck.Detection(n, b, k)
				if want := big.NewRat(hit[k], all[k]); err != nil || got.Cmp(want) != 0 {
					t.Fatalf("n %d, b %d, k %d: %v (%v), want %v", n, b, k, got, err, want)
				}
				if b == 1 && got.Cmp(new(big.Rat).SetFrac64(int64(k), int64(n))) != 0 {
					t.Fatalf("a single bad one of %d is caught by %d with probability %v", n, k, got)
				}
			}
		}
	}
	for _, x := range [][3]uint64{{5, 6, 1}, {5, 1, 6}} {
		if _, err := spotcheck.Detection(x[0], x[1], x[2]); err == nil {
			t.Errorf("%v has an answer", x)
		}
	}
	if _, err := spotcheck.Detection(1<<40, 1<<30, 1<<30); !errors.Is(err, spotcheck.ErrTooMany) {
		t.Errorf("a number without end is computed: %v", err)
	}
}

// TestSamples: what is answered is enough, and one less is not.
func TestSamples(t *testing.T) {
	for _, conf := range []string{"0", "1/2", "9/10", "99/100", "999999/1000000", "1"} {
		confidence := rat(t, conf)
		for n := uint64(1); n <= 60; n++ {
			for b := uint64(1); b <= n; b += 3 {
				k, err := spotcheck.Samples(n, b, confidence)
				if err != nil {
					t.Fatal(err)
				}
				for i := range n + 1 { // the first that is enough, by looking at all
					p, err := spotcheck.Detection(n, b, i)
					if err != nil {
						t.Fatal(err)
					}
					if p.Cmp(confidence) >= 0 {
						if i != k {
							t.Fatalf("n %d, b %d, %s: %d, want %d", n, b, conf, k, i)
						}
						break
					}
				}
			}
		}
	}
	if k, err := spotcheck.Samples(1_000_000_000, 10_000_000, big.NewRat(99, 100)); err != nil || k != 459 {
		t.Errorf("%d (%v), want 459: ln 0.01 / ln 0.99 is 458.2", k, err)
	}
	for _, c := range []string{"-1/2", "11/10"} {
		if _, err := spotcheck.Samples(10, 1, rat(t, c)); err == nil {
			t.Errorf("a confidence of %s", c)
		}
	}
}

func TestBadAndStake(t *testing.T) {
	for rate, want := range map[string]uint64{"0": 1, "1/1000": 1, "1/100": 1, "101/10000": 2, "1/2": 50, "1": 100, "2": 100} {
		if got := spotcheck.Bad(100, rat(t, rate)); got != want {
			t.Errorf("a rate of %s of 100 is %d, want %d", rate, got, want)
		}
	}
	p, gain := big.NewRat(1, 50), big.NewRat(100, 1)
	stake, ok := spotcheck.Stake(p, gain)
	if !ok || stake.Cmp(big.NewRat(4900, 1)) != 0 {
		t.Errorf("stake %v", stake)
	}
	if e := spotcheck.Expected(p, gain, stake); e.Sign() != 0 {
		t.Errorf("at that stake one may expect %v", e)
	}
	if e := spotcheck.Expected(p, gain, new(big.Rat).Add(stake, big.NewRat(1, 1))); e.Sign() >= 0 {
		t.Errorf("above it %v", e)
	}
	if _, ok := spotcheck.Stake(new(big.Rat), gain); ok {
		t.Error("what is never detected has a stake that makes it a losing bet")
	}
}

func TestCurve(t *testing.T) {
	points, err := spotcheck.Curve(2500, 50)
	if err != nil || len(points) != 4 || points[3].Bad != 1000 {
		t.Fatalf("%v (%v)", points, err)
	}
	for _, p := range points {
		want, err := spotcheck.Detection(2500, p.Bad, 50)
		if err != nil || p.Probability.Cmp(want) != 0 {
			t.Errorf("%d bad: %v", p.Bad, p.Probability)
		}
	}
	if points, err := spotcheck.Curve(1, 1); err != nil || len(points) != 1 || points[0].Probability.Cmp(big.NewRat(1, 1)) != 0 {
		t.Errorf("%v (%v)", points, err)
	}
}

// TestDetectionMeasured draws with thousands of seeds, and compares how often a forged segment is caught with the formula. The bound is five standard
// deviations, which honest draws leave once in a million; the seeds are fixed.
func TestDetectionMeasured(t *testing.T) {
	const seeds = 4000
	parts := []spotcheck.Part{{Task: "a", Segments: 37}, {Task: "b", Segments: 1}, {Task: "none"}, {Task: "c", Segments: 62}}
	for _, tt := range []struct {
		k    uint64
		bad  []spotcheck.Place
		name string
	}{
		{5, []spotcheck.Place{{Task: "a", Segment: 0}}, "the first"},
		{10, []spotcheck.Place{{Task: "b", Segment: 0}}, "the only one of a task"},
		{10, []spotcheck.Place{{Task: "c", Segment: 61}}, "the last"},
		{20, []spotcheck.Place{{Task: "a", Segment: 36}, {Task: "b", Segment: 0}, {Task: "c", Segment: 0}, {Task: "c", Segment: 30}}, "four"},
	} {
		bad := make(map[spotcheck.Place]bool)
		for _, p := range tt.bad {
			bad[p] = true
		}
		caught := 0
		for i := range seeds {
			places, err := spotcheck.Draw(seedOf(i), parts, tt.k, nil)
			if err != nil || len(places) != int(tt.k) {
				t.Fatalf("%d places (%v)", len(places), err)
			}
			for _, p := range places {
				if bad[p] {
					caught++
					break
				}
			}
		}
		exact, err := spotcheck.Detection(100, uint64(len(tt.bad)), tt.k)
		if err != nil {
			t.Fatal(err)
		}
		p, _ := exact.Float64()
		if got, off := float64(caught)/seeds, 5*math.Sqrt(p*(1-p)/seeds); math.Abs(got-p) > off {
			t.Errorf("%s of 100 with %d samples: caught at a rate of %.4f, the formula says %.4f ± %.4f", tt.name, tt.k, got, p, off)
		}
	}
}
