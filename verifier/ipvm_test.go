package verifier_test

import (
	"fmt"
	"testing"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/verifier"
	"github.com/trilemma-dev/trilemma/workflow"
)

// TestIPVM runs a workflow of the IPVM draft: who holds it finds every receipt by the CID of its instruction, in the signed
// receipt of the run, and the bundle verifies.
func TestIPVM(t *testing.T) {
	task := func(args string) string {
		return fmt.Sprintf(`{"cause": null, "meta": {"fuel": 18446744073709552000, "memory": 4294967296, "time": 100000}, "prf": [],
			"run": {"input": {"args": [%s], "func": "add"}, "nnc": "", "op": "wasm/run", "rsc": "ipfs://%s"}}`, args, block.Raw(arithmetic()).CID)
	}
	first := task("1, 2")
	d, err := workflow.Parse("w.json", []byte(`{"tasks": [`+first+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	instruction := d.Tasks[0].Label
	f := runOf(t, `{"tasks": [`+first+`,`+task(`{"await/ok": {"/": "`+instruction+`"}}, 40`)+`]}`)

	if r := f.verify(t, f.run.Bundle, verifier.All, nil); r.Outcome != verifier.Valid {
		t.Fatalf("%s: %s", r.Outcome, r.Reason)
	}
	if data, ok := f.run.Bundle.Get(f.w.Source); !ok || !block.SumSHA3(data.Data).Equals(f.w.Source) {
		t.Error("the draft's workflow is not in the bundle")
	}
	var sum int64
	for label, link := range f.run.Receipt.Claim.Run.Receipts.Values {
		b, ok := f.run.Bundle.Get(receipts.CID(link))
		if !ok {
			t.Fatalf("no receipt under %s", label)
		}
		r, err := receipts.Open(b)
		if err != nil {
			t.Fatal(err)
		}
		n, err := (*r.Claim.Out.Ok).AsInt()
		if err != nil {
			t.Fatal(err)
		}
		sum += n
		meta, err := r.Meta.LookupByString("instruction")
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := block.Link(meta); !ok || c.String() != label {
			t.Errorf("the receipt under %s says that it is of %s", label, c)
		}
	}
	if _, ok := f.run.Receipt.Claim.Run.Receipts.Values[instruction]; !ok || sum != 3+43 {
		t.Errorf("receipts %v, results add up to %d", f.run.Receipt.Claim.Run.Receipts.Keys, sum)
	}

	// Without the source nobody can tell that the labels are right.
	delete(f.run.Bundle.Blocks, f.w.Source)
	if r := f.verify(t, f.run.Bundle, verifier.All, nil); r.Outcome != verifier.Undecided {
		t.Errorf("without the source: %s (%s)", r.Outcome, r.Reason)
	}
}
