//go:build unix

package prover

import (
	"crypto/rand"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/circuits/emit"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/machine"
)

// cpuSeconds is the processor time that this process has used: on a machine that others use too, the only measure that says anything.
func cpuSeconds(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// raw is how many constraints of a plain circuit gnark proves in a second of a processor.
func raw(b *testing.B, n int) float64 {
	b.Helper()
	p, err := NewPlain(b.Context(), rand.Reader, n)
	if err != nil {
		b.Fatal(err)
	}
	const rounds = 3
	start := cpuSeconds(b)
	for range rounds {
		if err := p.Prove(); err != nil {
			b.Fatal(err)
		}
	}
	return rounds * float64(p.Constraints()) / (cpuSeconds(b) - start)
}

func BenchmarkProveRun(b *testing.B) {
	mix := emit.Mix{"add32": 1, "add32 constant": 2, "move": 1, "add64": 1, "branch if not 0": 1}
	s, err := proof.NewScheme(1<<17, mix)
	if err != nil {
		b.Fatal(err)
	}
	program := &machine.Program{Code: []machine.Instr{
		{Op: machine.OpConst, D: 1, Imm: 5, W: 3}, {Op: machine.OpConst, D: 2, Imm: 9000},
		{Op: machine.OpAdd32, D: 3, A: 1, B: 2, W: 6}, {Op: machine.OpAdd32I, D: 1, A: 3, Imm: 12345},
		{Op: machine.OpMove, D: 4, A: 1}, {Op: machine.OpAdd64, D: 5, A: 4, B: 3}, {Op: machine.OpAdd32I, D: 2, A: 2, Imm: 1<<32 - 1},
		{Op: machine.OpBrNe32I, A: 2, T: 2}, {Op: machine.OpHalt},
	}}
	run, err := s.Chips.Fill(program, nil, runLimits)
	if err != nil {
		b.Fatal(err)
	}
	cut, err := Cut(s, run)
	if err != nil {
		b.Fatal(err)
	}
	s.Shapes = slices.DeleteFunc(s.Shapes, func(sh *emit.Shape) bool { // the run needs few of them
		return !slices.ContainsFunc(cut, func(p emit.Part) bool { return p.Shape == sh })
	})
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
	p, err := NewRuns(s, keys, cid.Undef)
	if err != nil {
		b.Fatal(err)
	}
	rawSpeed := raw(b, 1<<17)
	constraints := 0
	var pr *proof.Proof
	start := cpuSeconds(b)
	for b.Loop() {
		if pr, err = p.Prove(b.Context(), &RunJob{Claim: claimOf(program, run.Result), Run: run, Seed: Seed{1}}); err != nil {
			b.Fatal(err)
		}
		for _, part := range pr.Parts {
			constraints += keys[part.Kind].Circuit.Constraints()
		}
	}
	spent := cpuSeconds(b) - start
	b.ReportMetric(float64(constraints)/spent, "constraints/cpu-s")
	b.ReportMetric(float64(constraints)/spent/rawSpeed, "relative_to_raw")
	b.ReportMetric(float64(run.Steps)*float64(b.N)/spent, "steps/cpu-s")
	b.ReportMetric(float64(run.Steps)*float64(b.N)/b.Elapsed().Seconds(), "steps/s")
	b.ReportMetric(float64(len(pr.Parts)), "parts")
}

// BenchmarkGenerate makes the keys of a circuit of about 2¹⁷ constraints: once as gnark does, for the ratio of processor times.
func BenchmarkGenerate(b *testing.B) {
	c, err := Compile(toyShape{"bench", 65000, false}, toyLabels)
	if err != nil {
		b.Fatal(err)
	}
	start := cpuSeconds(b)
	var pk groth16.ProvingKey
	var vk groth16.VerifyingKey
	if err := groth16.Setup(c.system, &pk, &vk); err != nil {
		b.Fatal(err)
	}
	gnark := cpuSeconds(b) - start
	start = cpuSeconds(b)
	for b.Loop() {
		if _, _, err := NewGenerator(rand.Reader).Generate(b.Context(), c.system); err != nil {
			b.Fatal(err)
		}
	}
	ours := (cpuSeconds(b) - start) / float64(b.N)
	b.ReportMetric(float64(c.Constraints()), "constraints")
	b.ReportMetric(gnark, "gnark-cpu-s")
	b.ReportMetric(ours, "cpu-s")
	b.ReportMetric(gnark/ours, "speedup")
}
