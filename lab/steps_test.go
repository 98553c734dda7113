package lab_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"testing"
	"text/tabwriter"

	"github.com/google/go-cmp/cmp"

	"github.com/trilemma-dev/trilemma/lab"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestSteps keeps how many steps of the machine each work takes, so that a change of lowering or of a guest is seen for what it costs.
func TestSteps(t *testing.T) {
	works, err := lab.Works(lab.Small)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "guest\tcall\tinstructions\tsteps\tsteps each")
	for _, k := range works {
		p, err := machine.Lower(k.Linked)
		if err != nil {
			t.Fatal(err)
		}
		m := machine.New(p, k.Streams, k.Limits)
		if _, err := m.Run(1 << 40); err != nil {
			t.Fatal(err)
		}
		r := m.Result()
		if r.Outcome.Kind != link.OK {
			t.Fatalf("%s: %s", k.Call, r.Outcome)
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%.3f\n", k.Guest, k.Call, r.Fuel, m.Steps(), float64(m.Steps())/float64(r.Fuel))
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/steps.txt"
	if *update {
		if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("run the test with -update if this is meant (-want +got):\n%s", d)
	}
}
