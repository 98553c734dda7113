package prover

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
	"github.com/consensys/gnark/std/rangecheck"
)

// ruleShape is a circuit that may break a rule.
type ruleShape struct {
	define func(api frontend.API, w wires) (frontend.Variable, error)
}

type wires struct{ Columns, Shared, Given []frontend.Variable }

func (ruleShape) Name() string { return "rule" }
func (ruleShape) Columns() int { return 3 }
func (ruleShape) Given() int   { return 1 }

func (s ruleShape) Define(api frontend.API, columns, shared, given []frontend.Variable) (frontend.Variable, error) {
	return s.define(api, wires{columns, shared, given})
}

// copies is a hint that gives what it is given.
func copies(_ *big.Int, in, out []*big.Int) error { out[0].Set(in[0]); return nil }

// lintCases are circuits that keep or break the rules, for both backends.
var lintCases = []struct {
	name   string
	want   string // of the error; "" is a circuit that keeps the rules
	define func(api frontend.API, w wires) (frontend.Variable, error)
}{
	{"a sum", "", func(api frontend.API, w wires) (frontend.Variable, error) {
		return api.Inverse(api.Sub(w.Shared[0], w.Columns[0])), nil
	}},
	{"products and assertions", "", func(api frontend.API, w wires) (frontend.Variable, error) {
		p := api.Mul(w.Columns[0], w.Columns[1], w.Columns[2])
		api.AssertIsEqual(p, w.Given[0])
		api.AssertIsBoolean(w.Columns[0])
		return api.DivUnchecked(api.Add(w.Shared[1], p), api.Sub(w.Shared[0], w.Columns[0])), nil
	}},
	{"a hint", "is a hint", func(api frontend.API, w wires) (frontend.Variable, error) {
		v, err := api.Compiler().NewHint(copies, 1, w.Columns[0])
		if err != nil {
			return nil, err
		}
		api.AssertIsEqual(v[0], w.Columns[0])
		return v[0], nil
	}},
	{"gnark's bits, which come from a hint", "is a hint", func(api frontend.API, w wires) (frontend.Variable, error) {
		return api.ToBinary(w.Columns[0], 4)[0], nil
	}},
	{"a quotient of columns, which is free where both are zero", "divides by what may be zero", func(api frontend.API, w wires) (frontend.Variable, error) {
		return api.DivUnchecked(w.Columns[0], w.Columns[1]), nil
	}},
	{"a second commitment", "2 commitments", func(api frontend.API, w wires) (frontend.Variable, error) {
		return api.(frontend.Committer).Commit(w.Columns[0])
	}},
	{"a gadget that commits by itself", "2 commitments", func(api frontend.API, w wires) (frontend.Variable, error) {
		rangecheck.New(api).Check(w.Columns[0], 16)
		return w.Columns[0], nil
	}},
}

func TestLint(t *testing.T) {
	for _, c := range lintCases {
		_, err := Compile(ruleShape{c.define}, toyLabels)
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, ErrCircuit) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// looseCircuits are compiled as they are, without the definition that commits to everything.
type looseCircuit struct {
	Public frontend.Variable `gnark:",public"`
	A, B   frontend.Variable
	commit func(c *looseCircuit) []frontend.Variable
}

func (c *looseCircuit) Define(api frontend.API) error {
	api.AssertIsEqual(api.Mul(c.A, c.B), c.Public)
	if c.commit == nil {
		return nil
	}
	_, err := api.(frontend.Committer).Commit(c.commit(c)...)
	return err
}

func TestLintCommitment(t *testing.T) {
	for _, c := range []struct {
		name, want string
		commit     func(c *looseCircuit) []frontend.Variable
	}{
		{"all secrets", "", func(c *looseCircuit) []frontend.Variable { return []frontend.Variable{c.A, c.B} }},
		{"none", "0 commitments", nil},
		{"not all secrets", "does not commit to its secret input 1", func(c *looseCircuit) []frontend.Variable { return []frontend.Variable{c.A} }},
		{"a public wire", "1 public wires", func(c *looseCircuit) []frontend.Variable { return []frontend.Variable{c.A, c.B, c.Public} }},
	} {
		err := lint(compileLoose(t, &looseCircuit{commit: c.commit}))
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, ErrCircuit) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func compileLoose(t *testing.T, c frontend.Circuit) *cs.R1CS {
	t.Helper()
	quiet()
	r, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, c)
	if err != nil {
		t.Fatal(err)
	}
	return r.(*cs.R1CS)
}
