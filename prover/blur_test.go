package prover

import (
	"testing"

	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/circuits/emit"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/guesttest"
)

// TestBlur: counts go up in four steps for each power of two.
func TestBlur(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 1, 4: 4, 7: 7, 8: 8, 9: 10, 11: 12, 15: 16, 16: 16, 17: 20, 33: 40, 63: 64, 65: 80, 1000: 1024} {
		if got := Blur(n); got != want {
			t.Errorf("%d: %d, want %d", n, got, want)
		}
	}
	for n := range 5000 {
		if b := Blur(n); b < n || 4*b > 5*n || Blur(b) != b {
			t.Errorf("%d becomes %d", n, b)
		}
	}
}

// TestBlurCost tells what it takes that the parts of a run which hides something are as many as a bucket of runs has, and hold all rows of what the verifier knows: parts and
// constraints, for calls of the guests.
func TestBlurCost(t *testing.T) {
	for _, name := range []string{proof.Small, proof.Standard} {
		s, err := proof.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		size := func(run *circuits.Run) (parts, constraints int, kinds map[*emit.Shape]int) {
			cut, err := Cut(s, run)
			if err != nil {
				t.Fatal(err)
			}
			kinds = make(map[*emit.Shape]int)
			for i := range cut {
				constraints += cut[i].Shape.Constraints()
				kinds[cut[i].Shape]++
			}
			return len(cut), constraints, kinds
		}
		more, all := 0, 0
		for _, w := range guesttest.Works(t) {
			run, err := s.Chips.Fill(w.Program, w.Streams, runLimits)
			if err != nil {
				t.Fatal(err)
			}
			parts, open, _ := size(run)
			run.Statement.Hidden = &circuits.Hidden{}
			blurred, covered, kinds := size(run)
			for sh, n := range kinds {
				if Blur(n) != n {
					t.Errorf("%s: %d parts of %s", w.Name, n, sh.Name())
				}
			}
			if covered < open {
				t.Errorf("%s: %d constraints, and %d where something is hidden", w.Name, open, covered)
			}
			t.Logf("%s: %s: %d parts, %d constraints; where something is hidden %d of %d kinds, %d constraints: %.2f of it", name, w.Name, parts, open, blurred, len(kinds), covered, float64(covered)/float64(open))
			more, all = more+covered, all+open
		}
		if ratio := float64(more) / float64(all); ratio > 1.5 {
			t.Errorf("%s: %.2f as many constraints where something is hidden", name, ratio)
		} else {
			t.Logf("%s: %.2f as many constraints where something is hidden", name, ratio)
		}
	}
}
