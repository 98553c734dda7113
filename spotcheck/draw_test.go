package spotcheck_test

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/trilemma-dev/trilemma/spotcheck"
)

func seedOf(i int) [32]byte { return sha256.Sum256(fmt.Append(nil, "seed ", i)) }

// TestDraw: distinct places that exist, in order, the same every time, and all if there are no more.
func TestDraw(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var parts []spotcheck.Part
		n := uint64(0)
		for i := range rapid.IntRange(1, 6).Draw(r, "tasks") {
			p := spotcheck.Part{Task: fmt.Sprint(i), Segments: rapid.Uint64Range(0, 40).Draw(r, "segments")}
			parts = append(parts, p)
			n += p.Segments
		}
		k := rapid.Uint64Range(1, 60).Draw(r, "samples")
		var weights map[string]uint64
		if rapid.Bool().Draw(r, "weighted") {
			weights = make(map[string]uint64)
			for _, p := range parts {
				if w := rapid.Uint64Range(0, 5).Draw(r, "weight"); w != 3 {
					weights[p.Task] = w
				}
			}
		}
		seed := seedOf(rapid.Int().Draw(r, "seed"))
		places, err := spotcheck.Draw(seed, parts, k, weights)
		if err != nil {
			r.Fatal(err)
		}
		again, err := spotcheck.Draw(seed, parts, k, weights)
		if err != nil || !slices.Equal(places, again) {
			r.Fatal("the same seed draws other segments")
		}
		index := func(p spotcheck.Place) int {
			return slices.IndexFunc(parts, func(q spotcheck.Part) bool { return q.Task == p.Task })
		}
		may := uint64(0)
		for _, p := range parts {
			if weights == nil || weights[p.Task] > 0 {
				may += p.Segments
			}
		}
		if uint64(len(places)) != min(k, may) {
			r.Fatalf("%d places, want %d", len(places), min(k, may))
		}
		for i, p := range places {
			if at := index(p); p.Segment >= parts[at].Segments || weights != nil && weights[p.Task] == 0 {
				r.Fatalf("%v was drawn", p)
			}
			if i > 0 {
				q := places[i-1]
				if index(q) > index(p) || q.Task == p.Task && q.Segment >= p.Segment {
					r.Fatalf("%v after %v", p, q)
				}
			}
		}
	})
}

// TestUniform: each segment is drawn as often as any other, within five standard deviations; the seeds are fixed.
func TestUniform(t *testing.T) {
	const seeds, n, k = 6000, 30, 7
	count := make(map[spotcheck.Place]int)
	for i := range seeds {
		places, err := spotcheck.Draw(seedOf(i), []spotcheck.Part{{Task: "a", Segments: 11}, {Task: "b", Segments: n - 11}}, k, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range places {
			count[p]++
		}
	}
	p := float64(k) / n
	if len(count) != n {
		t.Fatalf("%d of %d segments were ever drawn", len(count), n)
	}
	for place, c := range count {
		if off := 5 * math.Sqrt(p*(1-p)*seeds); math.Abs(float64(c)-p*seeds) > off {
			t.Errorf("%v was drawn %d times, expected %.0f ± %.0f", place, c, p*seeds, off)
		}
	}
}

func TestAllot(t *testing.T) {
	parts := []spotcheck.Part{{Task: "a", Segments: 100}, {Task: "b", Segments: 300}, {Task: "c", Segments: 2}}
	for _, tt := range []struct {
		k       uint64
		weights map[string]uint64
		want    []uint64
	}{
		{8, map[string]uint64{"a": 1, "b": 1}, []uint64{2, 6, 0}},
		{8, map[string]uint64{"a": 3, "b": 1}, []uint64{4, 4, 0}},
		{10, map[string]uint64{"c": 1}, []uint64{0, 0, 2}},
		{10, map[string]uint64{"c": 1000, "a": 1}, []uint64{8, 0, 2}},
		{5, map[string]uint64{"a": 0}, []uint64{0, 0, 0}},
		{4096, map[string]uint64{"a": 1, "b": 2, "c": 3}, []uint64{100, 300, 2}},
	} {
		got, err := spotcheck.Allot(parts, tt.k, tt.weights)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%d by %v: %v (%v), want %v", tt.k, slices.Sorted(maps.Keys(tt.weights)), got, err, tt.want)
		}
	}
	for name, weights := range map[string]map[string]uint64{"no such task": {"d": 1}, "too heavy": {"a": 1 << 21}} {
		if _, err := spotcheck.Allot(parts, 5, weights); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	huge := []spotcheck.Part{{Task: "a", Segments: 1 << 56}, {Task: "b", Segments: 1<<56 - 1}}
	if got, err := spotcheck.Allot(huge, 4095, map[string]uint64{"a": 1 << 20, "b": 1 << 20}); err != nil || got[0] != 2048 {
		t.Errorf("%v (%v)", got, err)
	}
}

func TestDrawRefuses(t *testing.T) {
	parts := []spotcheck.Part{{Task: "a", Segments: 5}}
	for _, k := range []uint64{0, spotcheck.MaxSamples + 1, math.MaxUint64} {
		if _, err := spotcheck.Draw(seedOf(1), parts, k, nil); err == nil {
			t.Errorf("%d samples are drawn", k)
		}
	}
	if _, err := spotcheck.Draw(seedOf(1), []spotcheck.Part{{Segments: math.MaxUint64}}, 5, nil); err == nil {
		t.Error("more segments than there can be")
	}
}

// TestDrawIsFixed: what a seed draws may never change, or old challenges would draw anew.
func TestDrawIsFixed(t *testing.T) {
	places, err := spotcheck.Draw(seedOf(7), []spotcheck.Part{{Task: "a", Segments: 1000}, {Task: "b", Segments: 1_000_000}}, 5, nil)
	if got := fmt.Sprint(places, err); got != drawnBySeven {
		t.Errorf("%s, want %s", got, drawnBySeven)
	}
}

const drawnBySeven = "[{b 504574} {b 614060} {b 623714} {b 646699} {b 739948}] <nil>"
