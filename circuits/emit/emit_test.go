package emit_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/backend/witness"
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

// program is a loop of a few steps.
func program() *machine.Program {
	return &machine.Program{Code: []machine.Instr{
		{Op: machine.OpConst, D: 1, Imm: 5, W: 3},
		{Op: machine.OpConst, D: 2, Imm: 5},
		{Op: machine.OpAdd32, D: 3, A: 1, B: 2, W: 4},
		{Op: machine.OpSub64, D: 4, A: 3, B: 1},
		{Op: machine.OpAdd32I, D: 2, A: 2, Imm: 1<<32 - 1},
		{Op: machine.OpBrNe32I, A: 2, T: 2},
		{Op: machine.OpMove, D: 5, A: 4, W: 1},
		{Op: machine.OpHalt},
	}}
}

// bare is a shape as a circuit without a commitment, whose challenges are given.
type bare struct {
	Shared  []frontend.Variable `gnark:",public"`
	Given   []frontend.Variable `gnark:",public"`
	Sum     frontend.Variable   `gnark:",public"`
	Columns []frontend.Variable
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

// example is a run and shapes that hold it: one with the numbers, one with everything else.
type example struct {
	sys      *emit.System
	run      *circuits.Run
	rows     *emit.Rows
	shapes   []*emit.Shape
	compiled map[*emit.Shape]*cs.R1CS
}

func newExample(t *testing.T, block int) *example {
	t.Helper()
	chips := circuits.New()
	run, err := chips.Fill(program(), nil, limits)
	if err != nil {
		t.Fatal(err)
	}
	return exampleOf(t, chips, run, block)
}

// exampleOf makes shapes for a run.
func exampleOf(t *testing.T, chips *circuits.System, run *circuits.Run, block int) *example {
	t.Helper()
	e := &example{sys: emit.New(chips), run: run, compiled: make(map[*emit.Shape]*cs.R1CS)}
	e.arrange(t)
	some, head := map[string]int{}, map[string]int{"statement": 1}
	for chip, n := range e.rows.Counts() {
		switch {
		case e.sys.Constant(chip):
			head[chip] = n
		case chip != "statement":
			some[chip] = n + block
			head[chip] = block
		}
	}
	for _, sh := range []struct {
		name  string
		block int
		rows  map[string]int
	}{{"head", 1, head}, {"some", block, some}} {
		shape, err := e.sys.Shape(sh.name, sh.block, sh.rows)
		if err != nil {
			t.Fatal(err)
		}
		e.shapes = append(e.shapes, shape)
		e.compiled[shape] = compile(t, e.sys, shape)
	}
	return e
}

// arrange reads the run's filling again.
func (e *example) arrange(t *testing.T) {
	t.Helper()
	var err error
	if e.rows, err = e.sys.Rows(e.run.Filling, e.run.Contents); err != nil {
		t.Fatal(err)
	}
}

// check proves nothing, but solves the circuits: the error is that of the first part that cannot be, or that the sums are not zero together. In given
// inputs it trusts contents alone.
func (e *example) check(t *testing.T) error {
	t.Helper()
	cut, err := e.rows.Cut(e.shapes)
	if err != nil {
		t.Fatal(err)
	}
	givens, err := e.sys.Givens(e.shapes, e.run.Contents)
	if err != nil {
		t.Fatal(err)
	}
	ch := challenges(e.sys)
	var total fr.Element
	var solve []func() error // after the sums, which cost less
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
		public := append(append(append(fr.Vector{}, ch.Shared...), givens.Of(i, ch.Shared)...), sum)
		solve = append(solve, func() error {
			if _, err := e.compiled[p.Shape].Solve(&inputs{vector: append(public, v...)}); err != nil {
				return fmt.Errorf("part %d, %s: %w", i, p.Shape.Name(), err)
			}
			return nil
		})
	}
	if !total.IsZero() {
		return errors.New("the sums do not add up to zero")
	}
	for _, s := range solve {
		if err := s(); err != nil {
			return err
		}
	}
	return nil
}

// inputs is a circuit's inputs, as far as gnark's solver reads them.
type inputs struct {
	witness.Witness
	vector fr.Vector
}

func (i *inputs) Vector() any { return i.vector }

// TestRun: a run satisfies the circuits of its parts, whose sums are zero together, in blocks and without.
func TestRun(t *testing.T) {
	for _, block := range []int{1, 3} {
		if err := newExample(t, block).check(t); err != nil {
			t.Errorf("blocks of %d: %v", block, err)
		}
	}
}

// TestForgedColumns: a run with any one number changed is refused by the circuits wherever the reference checker refuses it.
func TestForgedColumns(t *testing.T) {
	if forged := forgeColumns(t, newExample(t, 3), func(*circuits.Chip) bool { return true }); forged < 30 {
		t.Errorf("only %d forgeries", forged)
	}
}

// forgeColumns compares the circuits with the reference checker about a run with any one number of some chips changed, and returns how many are refused.
func forgeColumns(t *testing.T, e *example, of func(c *circuits.Chip) bool) (forged int) {
	t.Helper()
	chips := circuits.New()
	one := fr.One()
	for chip, rows := range e.run.Filling.Rows {
		c := chips.Chip(chip)
		if !of(c) {
			continue
		}
		for column := range c.Columns {
			if c.Table && column == circuits.On {
				continue // whether a row of a table counts is in its multiplicity
			}
			at := circuits.Entry{Row: len(rows) / 2, Column: column}
			if column == circuits.On {
				at.Row = 0 // a whole block counts or does not
			}
			v := new(fr.Element).SetUint64(rows[at.Row][column])
			numbered := c.Table && !c.Columns[column].Wide // rows of tables are found by their numbers
			honest, wide := e.run.Filling.Wide[chip][at]
			if wide {
				*v = honest
			}
			if numbered {
				rows[at.Row][column]++
				if _, err := e.sys.Rows(e.run.Filling, e.run.Contents); err != nil && c.Columns[column].Given {
					rows[at.Row][column]--
					continue // there is no such row
				}
			} else {
				e.run.Filling.Put(chip, at, *v.Add(v, &one))
			}
			e.arrange(t)
			want := chips.Check(e.run.Filling, e.run.Contents)
			got := e.check(t)
			if (want == nil) != (got == nil) {
				t.Errorf("%s row %d, %s: the checker says %v, the circuits %v", chip, at.Row, c.Columns[column].Name, want, got)
			}
			if want != nil {
				forged++
			}
			switch {
			case numbered:
				rows[at.Row][column]--
			case wide:
				e.run.Filling.Put(chip, at, honest)
			default:
				delete(e.run.Filling.Wide[chip], at)
			}
		}
	}
	return forged
}

// TestPadding: a row behind those that a table of free multiplicity has is not a row of zeros, which would be a row that the table does not have, for
// everybody to use: that the first stream is empty, that its first word is 0.
func TestPadding(t *testing.T) {
	chips := circuits.New()
	sys := emit.New(chips)
	tried := map[string]int{}
	for name, streams := range map[string][][]byte{"no input": nil, "some input": {[]byte("some input that is not zero")}} {
		run, err := chips.Fill(program(), streams, limits)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := sys.Rows(run.Filling, run.Contents)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range chips.Chips {
			content := run.Contents[c.Name]
			if !c.Table || c.Columns[circuits.On].Given || sys.Constant(c.Name) || !slices.ContainsFunc(c.Columns, func(c circuits.Column) bool { return c.Given }) {
				continue
			}
			head, err := sys.Shape("head", 1, map[string]int{"statement": 1, c.Name: len(content.Rows) + 2})
			if err != nil {
				t.Fatal(err)
			}
			rest := rows.Counts()
			delete(rest, "statement")
			delete(rest, c.Name)
			other, err := sys.Shape("other", 1, rest)
			if err != nil {
				t.Fatal(err)
			}
			e := &example{sys: sys, run: run, rows: rows, shapes: []*emit.Shape{head, other}}
			cut, err := rows.Cut(e.shapes)
			if err != nil {
				t.Fatal(err)
			}
			givens, err := sys.Givens(e.shapes, run.Contents)
			if err != nil {
				t.Fatal(err)
			}
			ch, system := challenges(sys), compile(t, sys, head)
			v := make([]fr.Element, head.Columns())
			if err := cut[0].Columns(v); err != nil {
				t.Fatal(err)
			}
			solve := func() error {
				sum, err := head.Sum(v, ch)
				if err != nil {
					t.Fatal(err)
				}
				public := append(append(append(fr.Vector{}, ch.Shared...), givens.Of(0, ch.Shared)...), sum)
				_, err = system.Solve(&inputs{vector: append(public, v...)})
				return err
			}
			if err := solve(); err != nil {
				t.Errorf("%s, %s: %v", name, c.Name, err)
			}
			per := 0 // wires of a row of the table
			if one, err := sys.Shape("one", 1, map[string]int{c.Name: 1}); err == nil {
				per = one.Columns()
			}
			// The statement's chip comes before or after: the table's last row is at one of the two ends of its columns.
			at := len(v) - per
			if first, err := sys.Shape("statement", 1, map[string]int{"statement": 1}); err == nil && chipIndex(chips, "statement") > chipIndex(chips, c.Name) {
				at -= first.Columns()
			}
			clear(v[at : at+per])
			if len(content.Rows) > 0 && allZero(content.Rows[0]) {
				continue
			}
			tried[name]++
			if err := solve(); err == nil {
				t.Errorf("%s: %s may hold a row of zeros", name, c.Name)
			}
		}
	}
	if tried["no input"] == 0 || tried["some input"] == 0 {
		t.Errorf("tables that were tried: %v", tried)
	}
}

func chipIndex(s *circuits.System, name string) int {
	return slices.IndexFunc(s.Chips, func(c *circuits.Chip) bool { return c.Name == name })
}

func allZero(row []uint64) bool {
	return !slices.ContainsFunc(row, func(v uint64) bool { return v != 0 })
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
			if !c.Once && !sys.Constant(c.Name) {
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
