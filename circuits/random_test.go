package circuits

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/link/linktest"
)

// TestGenerated fills the chips with runs of generated modules, which use every operation: each is accepted, up to the first float.
func TestGenerated(t *testing.T) {
	s := New()
	ends := make(map[link.OutcomeKind]int)
	for _, r := range generatedRuns(t, s, 150) {
		if err := s.Check(r.Filling, r.Contents); err != nil {
			t.Fatal(err)
		}
		ends[r.Result.Outcome.Kind]++
	}
	t.Log(ends)
	for _, k := range []link.OutcomeKind{link.OK, link.Trap, link.OutOfFuel, link.OutputFull} {
		if ends[k] == 0 {
			t.Errorf("no run ended in %s", k)
		}
	}
}

// generatedRuns are runs of modules that are generated from n strings of bytes, those left out that execute a float before anything charges.
func generatedRuns(t testing.TB, s *System, n int) (all []*Run) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range n {
		b := make([]byte, 100+rng.IntN(1500))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		if r := generated(t, s, b, rng.Uint64(), link.Limits{Fuel: 3000, Memory: 4, Output: uint64(rng.IntN(40))}); r != nil {
			all = append(all, r)
		}
	}
	return all
}

// generated is a run of a module that is made of bytes, or nil.
func generated(t testing.TB, s *System, b []byte, arg uint64, lim link.Limits) *Run {
	t.Helper()
	p := lowered(t, linktest.Generate(b, linktest.Shape{}), link.Entry{Func: "f", Params: []link.Kind{link.I64}, Results: []link.Kind{link.I64, link.F64}})
	streams := make([][]byte, link.StreamParam+1)
	streams[link.StreamParam] = binary.LittleEndian.AppendUint64(nil, arg)
	for {
		r, err := s.Fill(p, streams, lim)
		var un *UnprovableError
		switch {
		case errors.As(err, &un) && un.Op.IsFloat() && un.Fuel < lim.Fuel:
			lim.Fuel = un.Fuel // it ends before the float
			continue
		case errors.As(err, &un) && un.Op.IsFloat():
			return nil
		case err != nil:
			t.Fatal(err)
		}
		if !r.Statement.Of(r.Result.Outcome, r.Result.Fuel, lim) {
			t.Fatalf("%+v does not state %s within %+v", r.Statement, r.Result.Outcome, lim)
		}
		return r
	}
}
