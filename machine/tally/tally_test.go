package tally_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/trilemma-dev/trilemma/guests"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/link/linktest"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/machine/tally"
	"github.com/trilemma-dev/trilemma/wasm"
)

var limits = link.Limits{Fuel: 1 << 40, Memory: 16, Output: 1 << 10}

// program links a module for a call with one number and lowers it.
func program(t testing.TB, m *wasm.Module, e link.Entry, arg uint64) (*machine.Program, [][]byte) {
	t.Helper()
	l, err := link.Link(m, e)
	if err != nil {
		t.Fatal(err)
	}
	p, err := machine.Lower(l)
	if err != nil {
		t.Fatal(err)
	}
	streams := make([][]byte, link.StreamParam, link.StreamParam+1)
	streams[link.StreamConfig] = make([]byte, 16)
	return p, append(streams, binary.LittleEndian.AppendUint64(nil, arg))
}

// sample is the module of the listings' test, run(n).
func sample(t testing.TB, n uint64) (*wasm.Module, *tally.Tally) {
	t.Helper()
	m := linktest.Load(t, "../testdata/listing.wasm")
	p, streams := program(t, m, link.Entry{Func: "run", Params: []link.Kind{link.I32}, Results: []link.Kind{link.I32}}, n)
	got, err := tally.Run(t.Context(), p, streams, limits)
	if err != nil {
		t.Fatal(err)
	}
	return m, got
}

// TestSums checks that instructions, classes and functions each add up to the steps, and the profile too, after being written and read; and that
// the weights are the fuel, less what bulk operations charge.
func TestSums(t *testing.T) {
	m, got := sample(t, 9)
	const bulkFuel = 2 + 2 + 2 // memory.init and memory.copy of ten bytes, memory.fill of nine
	var counts, classes, functions, instructions uint64
	for _, n := range got.Counts {
		counts += n
	}
	for _, c := range got.Classes() {
		classes += c.Steps
	}
	for _, f := range got.Functions() {
		functions += f.Steps
		instructions += f.Instructions
	}
	if counts != got.Steps || classes != got.Steps || functions != got.Steps {
		t.Errorf("%d steps: %d by instruction, %d by class, %d by function", got.Steps, counts, classes, functions)
	}
	if got.Result.Outcome.Kind != link.OK || instructions+bulkFuel != got.Result.Fuel {
		t.Errorf("%+v: the weights are %d", got.Result, instructions)
	}
	p, err := got.Profile(m, "listing.wasm", "one")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	if p, err = profile.Parse(&b); err != nil {
		t.Fatal(err)
	}
	var steps, charged int64
	lines := map[string]map[int64]bool{}
	for _, s := range p.Sample {
		steps += s.Value[0]
		charged += s.Value[1]
		l := s.Location[0].Line[0]
		if lines[l.Function.Name] == nil {
			lines[l.Function.Name] = map[int64]bool{}
		}
		lines[l.Function.Name][l.Line] = true
		if s.Label["task"][0] != "one" {
			t.Errorf("%v", s.Label)
		}
	}
	if steps != int64(got.Steps) || charged != int64(instructions) {
		t.Errorf("the profile has %d steps and %d instructions, want %d and %d", steps, charged, got.Steps, instructions)
	}
	if !lines["run"][0x10a] || !lines["bytes"][0xbf] || lines["half"] == nil || !lines["start"][0] {
		t.Errorf("lines %v", lines)
	}
}

// TestObstacle checks that a float stands against a proof if it is executed, and only then.
func TestObstacle(t *testing.T) {
	for n, unprovable := range []bool{false, true} {
		m, got := sample(t, uint64(n))
		stands, err := got.Obstacle(m)
		if err != nil || (stands != nil) != unprovable {
			t.Fatalf("run(%d): %+v, %v", n, stands, err)
		}
		if unprovable && (stands.Origin.Name != "half" || stands.Source.Offset != 0x88 || stands.Op != machine.OpF64ConvertI32U) {
			t.Errorf("run(%d): %+v", n, stands)
		}
		for _, f := range got.Functions() {
			if (f.Floats > 0) != (f.Origin.Name == "half") || f.Floated != (unprovable && f.Origin.Name == "half") {
				t.Errorf("run(%d): %+v", n, f)
			}
		}
	}
}

// TestStopped checks that a run without end stops with its context.
func TestStopped(t *testing.T) {
	b, err := guests.Module("fib")
	if err != nil {
		t.Fatal(err)
	}
	p, streams := program(t, linktest.Parse(t, b), link.Entry{Func: "fib", Params: []link.Kind{link.I32}, Results: []link.Kind{link.I64}}, 60)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tally.Run(ctx, p, streams, limits); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
