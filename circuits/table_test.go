package circuits

import "testing"

// TestConstantTables checks that the rows of a table of numbers are the numbers that it has, each once.
func TestConstantTables(t *testing.T) {
	tables, contents := constantTables()
	for i, c := range tables {
		seen := make(map[uint64]bool)
		for k := range contents[i].Len() {
			r := contents[i].Row(k)
			if len(r) != len(c.given()) {
				t.Fatalf("%s: %v", c.Name, r)
			}
			if seen[r[0]] {
				t.Fatalf("%s: %v comes twice", c.Name, r)
			}
			seen[r[0]] = true
			if h := contents[i].has; h != nil && (!h(r[0]) || h(r[0]|1<<31)) {
				t.Fatalf("%s: %v", c.Name, r)
			}
		}
		if len(seen) == 0 {
			t.Errorf("%s is empty", c.Name)
		}
	}
}

// BenchmarkFill fills and checks a run: steps/s of each.
func BenchmarkFill(b *testing.B) {
	s := New()
	w := works(b)[2]
	b.Run("fill", func(b *testing.B) {
		steps := uint64(0)
		for b.Loop() {
			r, err := s.Fill(w.program, w.streams, w.limits)
			if err != nil {
				b.Fatal(err)
			}
			steps += r.Steps
		}
		b.ReportMetric(float64(steps)/b.Elapsed().Seconds(), "steps/s")
	})
	r, err := s.Fill(w.program, w.streams, w.limits)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("check", func(b *testing.B) {
		for b.Loop() {
			if err := s.Check(r.Filling, r.Contents); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(r.Steps)*float64(b.N)/b.Elapsed().Seconds(), "steps/s")
	})
}
