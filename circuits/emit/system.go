package emit

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"

	"github.com/trilemma-dev/trilemma/circuits"
)

// System is the chips of a system, planned.
type System struct {
	sys    *circuits.System
	plans  []*plan
	labels []string
	x, g   []int // by bus, where among the challenges X and γ are, or −1
	point  int
	digest func() [sha256.Size]byte // of the chips
}

// New plans the chips of a system.
func New(sys *circuits.System) *System {
	s := &System{sys: sys, digest: sync.OnceValue(sys.Digest)}
	for _, b := range sys.Buses {
		x, g := -1, -1
		if b.Kind != circuits.Sum {
			x = s.label(b.Name + " x")
		}
		if b.Values > 0 || b.Keys > 1 {
			g = s.label(b.Name + " gamma")
		}
		s.x, s.g = append(s.x, x), append(s.g, g)
	}
	s.point = s.label("point")
	for _, c := range sys.Chips {
		s.plans = append(s.plans, newPlan(sys, c))
	}
	return s
}

func (s *System) label(l string) int {
	s.labels = append(s.labels, l)
	return len(s.labels) - 1
}

// Labels are the labels of the challenges that all shapes of the system share.
func (s *System) Labels() []string { return slices.Clone(s.labels) }

// index is the index of a chip.
func (s *System) index(chip string) (int, error) {
	for i, p := range s.plans {
		if p.chip.Name == chip {
			return i, nil
		}
	}
	return 0, fmt.Errorf("there is no chip %q", chip)
}
