package circuits

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestCost keeps what the chips cost, each row of them and the guests' steps, so that a change is seen for what it costs.
func TestCost(t *testing.T) {
	s := New()
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	const head = "columns\tmessages\tconstraints\t"
	fmt.Fprintln(w, head+"  chip")
	for _, c := range s.Chips {
		fmt.Fprintf(w, "%d\t%d\t%d\t  %s\n", len(c.Columns), len(c.Messages), s.Cost(c), c.Name)
	}
	fmt.Fprintf(w, "\t\t\t\nper step\tbeside\ttogether\t  guest; beside the steps themselves: refreshes, helpers, image and tapes\n")
	uses := make(map[string]int)
	sumSteps, sumAll := 0, 0
	for _, k := range works(t) {
		r := honest(t, s, k.program, k.streams)
		steps, all := 0, 0
		for _, c := range s.Chips {
			rows := len(r.Filling.Rows[c.Name])
			switch {
			case c.IsStep():
				steps += rows * s.Cost(c)
				uses[c.Name] += rows
			case c.Name == nameOutput, c.Name == nameInput:
				rows = len(r.Contents[c.Name].Rows)
			case c.Table:
				rows = 0
			}
			all += rows * s.Cost(c)
		}
		n := float64(r.Steps)
		entries := 0
		for _, k := range programKinds() {
			entries += len(r.Contents[k.name].Rows)
		}
		fmt.Fprintf(w, "%.2f\t%.2f\t%.2f\t  %s: %d steps, %d entries of the program\n", float64(steps)/n, float64(all-steps)/n, float64(all)/n, k.name, r.Steps, entries)
		sumSteps, sumAll = sumSteps+int(r.Steps), sumAll+all
	}
	fmt.Fprintf(w, "\t\t%.2f\t  all\n", float64(sumAll)/float64(sumSteps))
	fmt.Fprintf(w, "\t\t\t\nrows\tpart\tconstraints\t  chip of steps, by what it costs the guests\n")
	chips := slices.Clone(s.Chips)
	slices.SortStableFunc(chips, func(a, b *Chip) int { return uses[b.Name]*s.Cost(b) - uses[a.Name]*s.Cost(a) })
	for _, c := range chips {
		if n := uses[c.Name]; n > 0 {
			fmt.Fprintf(w, "%d\t%.2f\t%d\t  %s\n", n, float64(n*s.Cost(c))/float64(sumAll), s.Cost(c), c.Name)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(b.String(), " \n", "\n")
	const golden = "testdata/cost.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("run the test with -update if this is meant (-want +got):\n%s", d)
	}
}
