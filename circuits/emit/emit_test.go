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
	half, head := map[string]int{}, map[string]int{"statement": 1}
	for chip, n := range rows.Counts() {
		if chip != "statement" {
			half[chip] = (n + 3) / 4 * 2
			head[chip] = 1
		}
	}
	delete(half, "range")
	head["range"] = 1 << 16
	a, err := sys.Shape("half", 2, half)
	if err != nil {
		t.Fatal(err)
	}
	b, err := sys.Shape("head", 1, head)
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

// TestCost: rows cost what is said, in the compiled circuit, for every chip.
func TestCost(t *testing.T) {
	chips := circuits.New()
	sys := emit.New(chips)
	for _, block := range []int{1, 3} {
		count := func(n int, of ...*circuits.Chip) int {
			rows := make(map[string]int)
			for _, c := range of {
				rows[c.Name] = n
			}
			sh, err := sys.Shape("cost", block, rows)
			if err != nil {
				t.Fatal(err)
			}
			return compile(t, sys, sh).GetNbConstraints()
		}
		var all []*circuits.Chip
		said := 0
		for _, c := range chips.Chips {
			if !c.Once && c.Name != "range" {
				all = append(all, c)
				said += 2 * sys.BlockCost(c.Name, 3, block)
			}
		}
		if count(9, all...)-count(3, all...) == said {
			continue
		}
		for _, c := range all {
			if got, want := count(9, c)-count(3, c), 2*sys.BlockCost(c.Name, 3, block); got != want {
				t.Errorf("six more rows of %s in blocks of %d take %d constraints, not %d", c.Name, block, got, want)
			}
		}
	}
}
