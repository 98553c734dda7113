package proof

import (
	"fmt"

	"github.com/trilemma-dev/trilemma/circuits"
)

// tiny has the smallest circuits, all of one size:
//
//	head       what every proof has once, and the beginning of tables of numbers
//	numbers n  the rest of these tables, in slices
//	often      some rows of every chip that sample programs use, more of those that they use more
//	seldom n   the same of those that they do not use
//	hidden     hidden streams
//
// Every proof has all slices, so that it costs about what one with the scheme small does.
func (s *Scheme) tiny() (*Scheme, error) {
	const size = tinySize - reserve
	rows, from := make(map[string]int), make(map[string]int)
	free, number := size, 0
	add := func(name string) error {
		shape, err := s.System.Slice(name, 1, rows, from)
		s.Shapes = append(s.Shapes, shape)
		rows, from, free = make(map[string]int), make(map[string]int), size
		return err
	}
	for _, c := range s.Chips.Chips {
		if c.Once {
			rows[c.Name] = 1
			free -= s.System.Cost(c.Name)
		}
	}
	for _, c := range s.Chips.Chips {
		n, _ := c.Numbers()
		for at := 0; at < n; {
			rows[c.Name], from[c.Name] = min(n-at, free), at
			free -= rows[c.Name]
			if at += rows[c.Name]; free > 0 {
				continue
			}
			name := "head"
			if number > 0 {
				name = fmt.Sprintf("numbers %d", number)
			}
			if err := add(name); err != nil {
				return nil, err
			}
			number++
		}
	}
	for name, n := range s.constants() {
		rows[name] = n
	}
	if err := add(fmt.Sprintf("numbers %d", number)); err != nil {
		return nil, err
	}
	if err := s.some(size, add, func(name string, n int) { rows[name] += n }); err != nil {
		return nil, err
	}
	return s, s.hidden()
}

// some adds the shapes for what not every proof has.
func (s *Scheme) some(size int, add func(name string) error, put func(name string, n int)) error {
	var often, seldom []*circuits.Chip
	used := usual()
	for _, c := range s.Chips.Chips {
		switch {
		case always(c), c.Permutation != nil:
		case used[c.Name] > 0 || !c.IsStep():
			often = append(often, c)
		default:
			seldom = append(seldom, c)
		}
	}
	shape := func(name string, chips []*circuits.Chip) error {
		rows := make(map[string]int)
		s.share(rows, chips, size)
		for name, n := range rows {
			put(name, n)
		}
		return add(name)
	}
	if err := shape("often", often); err != nil {
		return err
	}
	for number := 1; len(seldom) > 0; number++ {
		n, cost := 0, 0
		for n < len(seldom) && cost+s.System.Cost(seldom[n].Name) <= size {
			cost += s.System.Cost(seldom[n].Name)
			n++
		}
		if err := shape(fmt.Sprintf("seldom %d", number), seldom[:n]); err != nil {
			return err
		}
		seldom = seldom[n:]
	}
	return nil
}
