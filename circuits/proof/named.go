package proof

import (
	"fmt"

	"github.com/trilemma-dev/trilemma/circuits/emit"
)

// Names of schemes that this program has: see [Named].
const (
	Standard = "standard" // for runs of any length
	Small    = "small"    // for short runs: fewer and smaller keys
)

// Names are the names of schemes.
func Names() []string { return []string{Standard, Small} }

// Sizes of circuits, in constraints: just below powers of two, which the evaluation domain is.
const (
	standardSize = 1<<18 - 64
	smallSize    = 1<<16 - 64
)

// Named makes the scheme of a name.
func Named(name string) (*Scheme, error) {
	s, err := NewScheme(standardSize, mix())
	if err != nil {
		return nil, err
	}
	switch name {
	case Standard:
		return s, nil
	case Small:
		return s.small()
	}
	return nil, fmt.Errorf("unknown scheme %q, want one of %v", name, Names())
}

// small is what holds the tables of every proof, which short runs fit into, and a smaller shape with the same rows in proportion.
func (s *Scheme) small() (*Scheme, error) {
	out := *s
	out.Shapes = nil
	total, rows := 0, make(map[string]int)
	for i, sh := range s.Shapes {
		tables := i == 0
		for _, c := range s.Chips.Chips {
			if tables = tables || s.System.Constant(c.Name) && sh.Rows(c.Name) > 0; i > 0 || c.Once || s.System.Constant(c.Name) {
				continue
			}
			rows[c.Name] = sh.Rows(c.Name)
			total += rows[c.Name] * s.System.Cost(c.Name)
		}
		if tables {
			out.Shapes = append(out.Shapes, sh)
		}
	}
	for c := range rows {
		rows[c] = max(1, rows[c]*smallSize/total)
	}
	rest, err := s.System.Shape("rest", 1, rows)
	if err != nil {
		return nil, err
	}
	out.Shapes = append(out.Shapes, rest)
	return &out, nil
}

// mix is how often the chips of steps are used: by the sample guests, in parts of a thousand.
func mix() emit.Mix { return emit.Mix{} }
