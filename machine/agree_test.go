package machine_test

import (
	"bytes"
	"flag"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/link/linktest"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/runtime"
	"github.com/trilemma-dev/trilemma/wasm"
)

// engines are what has to agree.
type engines struct {
	native  *runtime.Engine
	machine machine.Engine
}

func newEngines(t testing.TB) *engines { return &engines{native: newNative(t)} }

// agree runs l natively, on the machine, and on the machine with a transcript, and reports what they do not agree on: outcome, outputs
// and fuel; after ok, exit and trap memory and globals; the last state root.
func (e *engines) agree(t testing.TB, l *link.Linked, streams [][]byte, lim link.Limits) link.Result {
	t.Helper()
	want, state, err := e.native.Final(t.Context(), l, streams, lim)
	if err != nil {
		t.Fatalf("native: %v", err)
	}
	p, err := e.machine.Program(l)
	if err != nil {
		t.Fatal(err)
	}
	if most := machine.SizeBound(l); uint64(len(p.Code)) > most {
		t.Errorf("%d instructions, at most %d were expected", len(p.Code), most)
	}
	m := machine.New(p, streams, lim)
	c := machine.NewCommitment(m)
	c.Root()
	for !m.Ended() {
		if _, err := m.Run(1 << 20); err != nil {
			t.Fatal(err)
		}
	}
	got := m.Result()
	same(t, "native", got, want)
	switch got.Outcome.Kind {
	case link.OK, link.Exit, link.Trap:
		if !bytes.Equal(m.Memory(), state.Memory) {
			t.Errorf("%v: memory differs from native, %s", got.Outcome, difference(m.Memory(), state.Memory))
		}
		for i, g := range m.Globals() {
			v := state.Globals[i]
			if l.Module.Globals[i].Type.Type.IsRef() {
				g, v = min(g, 1), min(v, 1)
			}
			if g != v {
				t.Errorf("%v: global %d is %#x, natively %#x", got.Outcome, i, g, v)
			}
		}
	}
	var last machine.Digest
	tr, err := e.machine.Trace(t.Context(), l, streams, lim, 997, func(d machine.Digest) error { last = d; return nil })
	if err != nil {
		t.Fatal(err)
	}
	same(t, "with a transcript", got, tr.Result)
	if tr.Steps != m.Steps() || last != c.Root() {
		t.Errorf("%v: a run in segments takes %d steps to %x, at once %d to %x", got.Outcome, tr.Steps, last[:4], m.Steps(), c.Root())
	}
	return got
}

// same compares results.
func same(t rapid.TB, who string, got, want link.Result) {
	t.Helper()
	if got.Outcome != want.Outcome || got.Fuel != want.Fuel {
		t.Errorf("machine %+v with fuel %d, %s %+v with fuel %d", got.Outcome, got.Fuel, who, want.Outcome, want.Fuel)
	}
	for i := range got.Streams {
		if !slices.Equal(got.Streams[i], want.Streams[i]) {
			t.Errorf("%v, output %d: machine %x, %s %x", got.Outcome, i, got.Streams[i], who, want.Streams[i])
		}
	}
}

// entry is that of the modules that linktest generates.
var entry = link.Entry{Func: "f", Params: []link.Kind{link.I64}, Results: []link.Kind{link.I64, link.F64}}

// small are limits for what a test makes by the thousand.
var small = link.Limits{Fuel: 20_000, Memory: 4, Output: 100}

// FuzzAgainstNative makes modules of its bytes.
func FuzzAgainstNative(f *testing.F) {
	e := newEngines(f)
	for i := range 60 {
		f.Add(seed(i, 300+i%5*300), uint64(i))
	}
	f.Fuzz(func(t *testing.T, b []byte, arg uint64) {
		e.agree(t, generated(t, b, linktest.Shape{}), params(arg), small)
	})
}

// seed is the i-th string of n bytes that tests generate modules from.
func seed(i, n int) []byte {
	b := make([]byte, n)
	for x, k := uint32(i)*2654435761+1, 0; k < len(b); k++ {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[k] = byte(x)
	}
	return b
}

// generated makes a module and links it.
func generated(t rapid.TB, b []byte, shape linktest.Shape) *link.Linked {
	t.Helper()
	return linked(t, linktest.Generate(b, shape))
}

// linked links a module for entry.
func linked(t rapid.TB, m *wasm.Module) *link.Linked {
	t.Helper()
	err := wasm.Validate(m)
	if err == nil {
		err = wasm.CheckProfile(m)
	}
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.Link(m, entry)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// difference is the first place where two memories differ.
func difference(a, b []byte) string {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("first at %#x", i)
		}
	}
	return fmt.Sprintf("%d and %d bytes long", len(a), len(b))
}

// farShapes make frames of more cells than an operand's index can name: all operands of the function's own are out of reach, or some.
var farShapes = []linktest.Shape{{Locals: 49_900, Wide: 17}, {Locals: 1_400, Wide: 64}}

// roomy are limits for frames that take a thousand instructions and more to fill.
var roomy = link.Limits{Fuel: 400_000, Memory: 4, Output: 100}

var far = flag.Int("far", 12, "how many modules of each shape with far frames are tried")

func TestFarFrames(t *testing.T) {
	e := newEngines(t)
	ends := make(map[link.OutcomeKind]int)
	for _, shape := range farShapes {
		for i := range *far {
			t.Run(fmt.Sprint(shape, i), func(t *testing.T) {
				ends[e.agree(t, generated(t, seed(i, 300+i%5*300), shape), params(uint64(i)), roomy).Outcome.Kind]++
			})
		}
	}
	t.Log(ends)
	if ends[link.OK] < *far/2 {
		t.Errorf("too few of the modules do what they are there for: %v", ends)
	}
}

// TestFarOperands does what once went wrong out of reach: a reference to a function, and an if whose parameter is a constant.
func TestFarOperands(t *testing.T) {
	e := newEngines(t)
	wide := wasm.FuncType{Results: slices.Repeat([]wasm.ValueType{wasm.I64}, wasm.MaxTypeArity)}
	var ones, b []byte
	for range wide.Results {
		ones = wasm.AppendInstr(ones, wasm.Instr{Op: wasm.OpI64Const, Const: 1})
	}
	emit := func(op wasm.Opcode, index uint32) {
		b = wasm.AppendInstr(b, wasm.Instr{Op: op, Index: index, Const: uint64(index)})
	}
	for range wasm.MaxOperands/wasm.MaxTypeArity - 1 {
		emit(wasm.OpCall, 1)
	}
	emit(wasm.OpI64Const, 7)
	emit(wasm.OpLocalGet, 0)
	emit(wasm.OpI32WrapI64, 0)
	b = wasm.AppendInstr(b, wasm.Instr{Op: wasm.OpIf, Block: 2})
	emit(wasm.OpI64Const, 3)
	emit(wasm.OpI64Add, 0)
	emit(wasm.OpEnd, 0)
	emit(wasm.OpRefFunc, 1)
	emit(wasm.OpRefIsNull, 0)
	emit(wasm.OpF64ConvertI32U, 0)
	emit(wasm.OpReturn, 0)
	emit(wasm.OpEnd, 0)
	i64 := []wasm.ValueType{wasm.I64}
	m := &wasm.Module{
		Types: []wasm.FuncType{{Params: i64, Results: []wasm.ValueType{wasm.I64, wasm.F64}}, wide, {Params: i64, Results: i64}},
		Funcs: []uint32{0, 1},
		Code: []wasm.Code{
			{Locals: []wasm.LocalGroup{{Count: wasm.MaxLocals, Type: wasm.I64}}, Body: b},
			{Body: wasm.AppendInstr(ones, wasm.Instr{Op: wasm.OpEnd})},
		},
		Elems:   []wasm.Elem{{Mode: wasm.Declarative, Type: wasm.FuncRef, Init: []wasm.ConstExpr{{Op: wasm.OpRefFunc, Value: 1}}}},
		Exports: []wasm.Export{{Name: "f", Kind: wasm.ExternFunc}},
	}
	for arg, want := range []uint64{7, 10} {
		r := e.agree(t, linked(t, m), params(uint64(arg)), roomy)
		if out := r.Streams[link.OutResult]; r.Outcome.Kind != link.OK || le64(out) != want || le64(out[8:]) != 0 {
			t.Errorf("if %d: %v %x, want %d and 0", arg, r.Outcome, out, want)
		}
	}
}
