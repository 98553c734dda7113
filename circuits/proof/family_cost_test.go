package proof

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/trilemma-dev/trilemma/internal/guesttest"
)

// TestFamilyCost keeps what the schemes' circuits are, which is what their keys take, and what proofs of the guests take with them, all included: rows that are
// not used, tables, image and program. Nothing is proved for it.
//
//	go test ./circuits/proof -run TestFamilyCost -update && cat circuits/proof/testdata/family.txt
func TestFamilyCost(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs some million instructions")
	}
	var schemes []*Scheme
	for _, name := range []string{Standard, Small} {
		s, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		schemes = append(schemes, s)
	}
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, runs := range []struct {
		length string
		needs  []need
	}{
		{"short runs", needs(t, schemes[0], guesttest.Works(t))}, {"100,000 instructions", needs(t, schemes[0], guesttest.Medium(t))},
		{"1,000,000 instructions", needs(t, schemes[0], guesttest.Long(t))},
	} {
		fmt.Fprintf(w, "steps\tinstructions\tconstraints\tparts\ta step\tan instruction\t  %s\n", runs.length)
		for i, s := range schemes {
			if i > 0 && runs.length != "short runs" {
				continue // small is for short ones
			}
			var sum need
			parts, constraints := 0, 0
			for _, n := range runs.needs {
				shapes, err := s.System.Choose(s.Shapes, n.rows)
				if err != nil {
					t.Fatalf("%s: %v", n.name, err)
				}
				of := 0
				for _, sh := range shapes {
					of += sh.Constraints()
				}
				n.line(w, of, len(shapes), n.name)
				parts, constraints = parts+len(shapes), constraints+of
				sum.steps, sum.fuel = sum.steps+n.steps, sum.fuel+n.fuel
			}
			sum.line(w, constraints, parts, "all, "+Names()[i])
		}
	}
	for i, s := range schemes {
		constraints, columns := 0, 0
		for _, sh := range s.Shapes {
			constraints, columns = constraints+sh.Constraints(), columns+sh.Columns()
		}
		fmt.Fprintf(w, "\t\t\t\t\t\t\nconstraints\tcolumns\tchips\trows\tblock\t\t  circuit of %s\n", Names()[i])
		fmt.Fprintf(w, "%d\t%d\t%d\t\t\t\t  %d circuits\n", constraints, columns, len(s.Chips.Chips), len(s.Shapes))
		for _, sh := range s.Shapes {
			chips, rows := 0, 0
			for _, c := range s.Chips.Chips {
				if n := sh.Rows(c.Name); n > 0 {
					chips, rows = chips+1, rows+n
				}
			}
			fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\t\t  %s\n", sh.Constraints(), sh.Columns(), chips, rows, sh.Block(), sh.Name())
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/family.txt", strings.ReplaceAll(b.String(), " \n", "\n"))
}

// line writes what a run takes.
func (n *need) line(w *tabwriter.Writer, constraints, parts int, name string) {
	fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%.2f\t%.2f\t  %s\n", n.steps, n.fuel, constraints, parts, float64(constraints)/float64(n.steps), float64(constraints)/float64(n.fuel), name)
}
