package prover

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/consensys/gnark-crypto/ecc"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"

	"github.com/trilemma-dev/trilemma/circuits/emit"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/machine"
)

// plain is a circuit of n multiplications, what a proof system's speed is usually quoted for.
type plain struct {
	X, Y frontend.Variable `gnark:",public"`
	n    int
}

func (c *plain) Define(api frontend.API) error {
	x := c.X
	for range c.n {
		x = api.Mul(x, x)
	}
	api.AssertIsEqual(x, c.Y)
	return nil
}

func raw(b *testing.B, n int) float64 {
	b.Helper()
	quiet()
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, &plain{n: n - 1})
	if err != nil {
		b.Fatal(err)
	}
	system := compiled.(*cs.R1CS)
	pk, _, err := NewGenerator(rand.Reader).Generate(b.Context(), system)
	if err != nil {
		b.Fatal(err)
	}
	w, err := frontend.NewWitness(&plain{X: 1, Y: 1}, ecc.BN254.ScalarField())
	if err != nil {
		b.Fatal(err)
	}
	best := time.Hour
	for range 3 {
		start := time.Now()
		if _, err := groth16.Prove(system, pk, w); err != nil {
			b.Fatal(err)
		}
		best = min(best, time.Since(start))
	}
	return float64(system.GetNbConstraints()) / best.Seconds()
}

func BenchmarkProveRun(b *testing.B) {
	mix := emit.Mix{"add32": 3, "add32i": 2, "const": 1, "move": 1}
	s, err := proof.NewScheme(1<<17, mix)
	if err != nil {
		b.Fatal(err)
	}
	g := NewGenerator(rand.Reader)
	var keys []Keys
	for _, sh := range s.Shapes {
		start := time.Now()
		k, err := g.keys(b.Context(), sh, s.System.Labels())
		if err != nil {
			b.Fatal(err)
		}
		fmt.Printf("%s: %d constraints, %d wires in A, %d in B, key in %v\n", sh.Name(), k.Circuit.Constraints(), len(k.Proving.G1.A), len(k.Proving.G1.B), time.Since(start))
		keys = append(keys, k)
	}
	p, err := New(s.System.Labels(), keys)
	if err != nil {
		b.Fatal(err)
	}
	code := []machine.Instr{{Op: machine.OpConst, D: 1, Imm: 5, W: 3}, {Op: machine.OpConst, D: 2, Imm: 7}}
	for i := range 20000 {
		switch d := uint16(3 + i%100); i % 6 {
		case 0, 1, 2:
			code = append(code, machine.Instr{Op: machine.OpAdd32, D: d, A: 1 + uint16(i%17), B: 2 + uint16(i%31), W: 1})
		case 3, 4:
			code = append(code, machine.Instr{Op: machine.OpAdd32I, D: d, A: 1 + uint16(i%17), Imm: uint64(i), W: 1})
		case 5:
			code = append(code, machine.Instr{Op: machine.OpMove, D: d, A: 1 + uint16(i%17), W: 1})
		}
	}
	program := &machine.Program{Code: append(code, machine.Instr{Op: machine.OpHalt})}
	run, err := s.Chips.Fill(program, nil, runLimits)
	if err != nil {
		b.Fatal(err)
	}
	rawSpeed := raw(b, 1<<17)
	constraints := 0
	var pr *proof.Proof
	for b.Loop() {
		pr, err = p.ProveRun(b.Context(), &RunJob{Scheme: s, Program: program, Run: run, Seed: Seed{1}, Planned: func(shapes []*emit.Shape) {
			for _, sh := range shapes {
				for k := range s.Shapes {
					if s.Shapes[k] == sh {
						constraints += keys[k].Circuit.Constraints()
					}
				}
				fmt.Print(sh.Name(), " ")
			}
			fmt.Println()
		}})
		if err != nil {
			b.Fatal(err)
		}
	}
	speed := float64(constraints) / b.Elapsed().Seconds()
	b.ReportMetric(speed, "constraints/s")
	b.ReportMetric(speed/rawSpeed, "relative_to_raw")
	b.ReportMetric(float64(run.Steps)*float64(b.N)/b.Elapsed().Seconds(), "steps/s")
	b.ReportMetric(float64(len(pr.Parts)), "parts")
}
