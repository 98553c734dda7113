package emit_test

import (
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"

	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/circuits/emit"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

var limits = link.Limits{Fuel: 1 << 40, Memory: 16, Output: 1 << 20}

func program() *machine.Program {
	return &machine.Program{Code: []machine.Instr{
		{Op: machine.OpConst, D: 1, Imm: 5, W: 3},
		{Op: machine.OpConst, D: 2, Imm: 7},
		{Op: machine.OpAdd32, D: 3, A: 1, B: 2},
		{Op: machine.OpAdd32, D: 1, A: 1, B: 1, W: 1},
		{Op: machine.OpHalt},
	}}
}

// bare is a shape as a circuit without a commitment, whose challenges are given.
type bare struct {
	Columns []frontend.Variable
	Shared  []frontend.Variable `gnark:",public"`
	Given   []frontend.Variable `gnark:",public"`
	Sum     frontend.Variable   `gnark:",public"`
	shape   *emit.Shape
}

func (b *bare) Define(api frontend.API) error {
	sum, err := b.shape.Define(api, b.Columns, b.Shared, b.Given)
	if err != nil {
		return err
	}
	api.AssertIsEqual(sum, b.Sum)
	return nil
}

func newBare(sys *emit.System, sh *emit.Shape) *bare {
	return &bare{shape: sh, Columns: make([]frontend.Variable, sh.Columns()), Shared: make([]frontend.Variable, len(sys.Labels())),
		Given: make([]frontend.Variable, sh.Given())}
}

func compile(t *testing.T, sys *emit.System, sh *emit.Shape) *cs.R1CS {
	t.Helper()
	r, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, newBare(sys, sh), frontend.WithCompressThreshold(0))
	if err != nil {
		t.Fatal(err)
	}
	return r.(*cs.R1CS)
}

func challenges(sys *emit.System) *parts.Challenges {
	ch := &parts.Challenges{}
	for i := range sys.Labels() {
		ch.Shared = append(ch.Shared, *new(fr.Element).SetUint64(uint64(1)<<60 + uint64(i)*12345))
	}
	return ch
}

// TestSmall: a run satisfies the circuits of its parts, whose sums are zero together.
func TestSmall(t *testing.T) {
	chips := circuits.New()
	run, err := chips.Fill(program(), nil, limits)
	if err != nil {
		t.Fatal(err)
	}
	sys := emit.New(chips)
	rows, err := sys.Rows(run.Filling, run.Contents)
	if err != nil {
		t.Fatal(err)
	}
	half := map[string]int{}
	for chip, n := range rows.Counts() {
		if chip != "statement" {
			half[chip] = (n + 1) / 2
		}
	}
	head := map[string]int{"statement": 1}
	a, err := sys.Shape("half", half)
	if err != nil {
		t.Fatal(err)
	}
	b, err := sys.Shape("head", head)
	if err != nil {
		t.Fatal(err)
	}
	shapes, err := sys.Choose([]*emit.Shape{a, b}, rows.Counts())
	if err != nil {
		t.Fatal(err)
	}
	cut, err := rows.Cut(shapes)
	if err != nil {
		t.Fatal(err)
	}
	givens, err := sys.Givens(shapes, run.Contents)
	if err != nil {
		t.Fatal(err)
	}
	ch := challenges(sys)
	var total fr.Element
	for i, p := range cut {
		v := make([]fr.Element, p.Shape.Columns())
		if err := p.Columns(v); err != nil {
			t.Fatal(err)
		}
		sum, err := p.Shape.Sum(v, ch)
		if err != nil {
			t.Fatal(err)
		}
		total.Add(&total, &sum)
		w := newBare(sys, p.Shape)
		for k := range v {
			w.Columns[k] = v[k]
		}
		for k := range ch.Shared {
			w.Shared[k] = ch.Shared[k]
		}
		for k, g := range givens.Of(i, ch.Shared) {
			w.Given[k] = g
		}
		w.Sum = sum
		full, err := frontend.NewWitness(w, ecc.BN254.ScalarField())
		if err != nil {
			t.Fatal(err)
		}
		if err := compile(t, sys, p.Shape).IsSolved(full); err != nil {
			t.Errorf("part %d, %s: %v", i, p.Shape.Name(), err)
		}
	}
	if !total.IsZero() {
		t.Error("the sums do not add up to zero")
	}
}

// TestCost: a row costs what is said, in the compiled circuit, for every chip.
func TestCost(t *testing.T) {
	chips := circuits.New()
	sys := emit.New(chips)
	for _, c := range chips.Chips {
		if c.Once {
			continue
		}
		var n [2]int
		for i := range n {
			sh, err := sys.Shape(c.Name, map[string]int{c.Name: 4 + 3*i})
			if err != nil {
				t.Fatal(err)
			}
			n[i] = compile(t, sys, sh).GetNbConstraints()
		}
		if got, want := n[1]-n[0], 3*sys.Cost(c.Name); got != want {
			t.Errorf("three rows of %s take %d constraints, not %d", c.Name, got, want)
		}
	}
}
