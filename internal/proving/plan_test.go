package proving

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/plonk"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/wasm"
)

// call is a function of a module in a file, called with a number.
func call(t *testing.T, file, fun string, n int64) (*machine.Program, *wasm.Module, [][]byte) {
	t.Helper()
	data, err := os.ReadFile(filepath.FromSlash(file))
	if err != nil {
		t.Fatal(err)
	}
	m, err := wasm.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	params := []datamodel.Node{basicnode.NewInt(n)}
	e, err := link.Resolve(m, fun, params, "")
	if err != nil {
		t.Fatal(err)
	}
	in, err := link.Streams(e, params, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.Link(m, e)
	if err != nil {
		t.Fatal(err)
	}
	p, err := machine.Lower(l)
	if err != nil {
		t.Fatal(err)
	}
	return p, m, in
}

var limits = link.Limits{Fuel: 1 << 40, Memory: link.DefaultPages, Output: link.DefaultOutput}

// TestTrace: a run is planned as it will be proved, and refused with its place or for its size.
func TestTrace(t *testing.T) {
	s, err := proof.Named(proof.Small)
	if err != nil {
		t.Fatal(err)
	}
	p, m, in := call(t, "../../guests/wasm/fib.wasm", "fib", 10)
	got, err := Trace(t.Context(), s, p, m, in, limits, 0, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	run, err := s.Chips.Fill(p, in, limits)
	if err != nil {
		t.Fatal(err)
	}
	if got.Steps != run.Steps || got.Fuel != run.Result.Fuel || got.Parts < 1 || got.Used == 0 || got.Constraints < got.Used || got.Bytes < int64(got.Parts) {
		t.Errorf("%+v of a run of %d steps", got.Estimate, run.Steps)
	}
	if one, two := got.Needs(1), got.Needs(2); got.Parts > 1 && two <= one {
		t.Errorf("two parts at once take %d bytes, one takes %d", two, one)
	}
	if got.Seconds(Rate{}) != 0 || got.Seconds(Rate{Constraints: float64(got.Constraints)}) < 1 {
		t.Errorf("it takes %f s, at an unknown rate %f s", got.Seconds(Rate{Constraints: float64(got.Constraints)}), got.Seconds(Rate{}))
	}

	p, m, in = call(t, "../../guests/wasm/fib.wasm", "fib", 25)
	if _, err := Trace(t.Context(), s, p, m, in, limits, 1<<20, time.Now); !errors.Is(err, ErrMemory) {
		t.Errorf("a run of a million steps in a MiB: %v", err)
	}
	p, m, in = call(t, "../../machine/testdata/listing.wasm", "run", 1)
	_, err = Trace(t.Context(), s, p, m, in, limits, 0, time.Now)
	u, ok := errors.AsType[*Unprovable](err)
	if !ok || !errors.Is(err, ErrUnprovable) || u.Origin.Name != "half" || u.Source.Offset != 0x88 || u.Step != 52 {
		t.Errorf("a float: %v, %+v", err, u)
	}
}

// TestRate: a rate comes back; without one there is none, and a damaged one is no rate.
func TestRate(t *testing.T) {
	dir := t.TempDir()
	if r, err := LoadRate(dir); err != nil || r != (Rate{}) {
		t.Errorf("without a file: %v, %v", r, err)
	}
	made := []Proved{{Estimate: Estimate{Constraints: 1000}, Backend: parts.Groth16{}.Name(), Commit: time.Second, Proving: time.Second, Workers: 2}, {Estimate: Estimate{Constraints: 1e9}, Backend: parts.Groth16{}.Name(), Resumed: 1, Proving: 1}}
	want := Rate{Constraints: 500, Workers: 2}
	if r := RateOf(made); r != want {
		t.Errorf("the rate is %v", r)
	}
	if err := SaveRate(dir, want); err != nil {
		t.Fatal(err)
	}
	if r, err := LoadRate(dir); err != nil || r != want {
		t.Errorf("it comes back as %v, %v", r, err)
	}
	if err := os.WriteFile(filepath.Join(dir, rateName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadRate(dir); err == nil {
		t.Error("a damaged file was read")
	}
}

// TestSizes: PLONK is refused where it would take hours, by the name of the circuit; what it takes is told apart.
func TestSizes(t *testing.T) {
	for _, name := range proof.Names() {
		s, err := proof.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckSize(s, parts.Groth16{}); err != nil {
			t.Errorf("%s in Groth16: %v", name, err)
		}
		if err := CheckSize(s, plonk.Backend{}); (err == nil) != (name == proof.Tiny) || err != nil && !errors.Is(err, ErrSize) {
			t.Errorf("%s in PLONK: %v", name, err)
		}
	}
	e := Estimate{Parts: 3, Part: 8000, PartBytes: 8000 * perPart, Keys: 8000 * circuitBytes}
	e.Bytes = e.Size(parts.Groth16{})
	if got := e.In(parts.Groth16{}); got != e {
		t.Errorf("in Groth16 it becomes %+v", got)
	}
	if got := e.In(plonk.Backend{}); got.Bytes-e.Bytes != 3*int64(plonk.ProofSize-parts.ProofSize) || got.Needs(1) <= e.Needs(1) {
		t.Errorf("in PLONK it becomes %+v", got)
	}
}
