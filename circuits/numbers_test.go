package circuits

import (
	"math/bits"
	"testing"
)

// TestNumbers: a table of numbers holds the numbers that its content allows, each once.
func TestNumbers(t *testing.T) {
	contents := New().Contents(withState(t), Statement{})
	seen := 0
	for _, c := range New().Chips {
		n, number := c.Numbers()
		content := contents[c.Name]
		if (n > 0) != (content.has != nil) {
			t.Errorf("%s has %d numbers", c.Name, n)
		}
		if n == 0 {
			continue
		}
		seen++
		all := make(map[uint64]bool)
		for i := range n {
			v := number(i)
			if all[v] || !content.has([]uint64{v}) {
				t.Fatalf("%s: row %d holds %d, which is there twice or not allowed", c.Name, i, v)
			}
			all[v] = true
		}
		if top := number(n - 1); content.has([]uint64{top + 1}) || c.Columns[c.given()[0]].Bits == bits.OnesCount64(uint64(n-1)) && top != uint64(n-1) {
			t.Errorf("%s: %d is not the greatest number", c.Name, top)
		}
	}
	if seen != 3 {
		t.Errorf("%d tables of numbers", seen)
	}
}
