package guests_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"
	"pgregory.net/rapid"

	"github.com/trilemma-dev/trilemma/guests"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/link/linktest"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/runtime"
	"github.com/trilemma-dev/trilemma/wasm"
)

func ExampleModule() {
	b, err := guests.Module("fib")
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := wasm.Decode(b)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range m.Exports {
		fmt.Println(e.Name)
	}
	// Output:
	// memory
	// cabi_realloc
	// fib
	// fib_loop
}

// guest is one of the modules, and the engines that run it.
type guest struct {
	m       *wasm.Module
	e       *runtime.Engine
	machine machine.Engine
}

func open(t *testing.T, name string) *guest {
	t.Helper()
	b, err := guests.Module(name)
	if err != nil {
		t.Fatal(err)
	}
	g := &guest{m: linktest.Parse(t, b)}
	if g.e, err = runtime.New(t.Context(), runtime.Config{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return g
}

// run calls an export. The arguments are []byte, string, int or uint64.
func (g *guest) run(t rapid.TB, fun, result string, args ...any) (datamodel.Node, link.Result) {
	t.Helper()
	var params []datamodel.Node
	for _, a := range args {
		switch a := a.(type) {
		case []byte:
			params = append(params, basicnode.NewBytes(a))
		case string:
			params = append(params, basicnode.NewString(a))
		case int:
			params = append(params, basicnode.NewInt(int64(a)))
		case uint64:
			params = append(params, basicnode.NewUint(a))
		default:
			t.Fatalf("argument of type %T", a)
		}
	}
	entry, err := link.Resolve(g.m, fun, params, result)
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.Link(g.m, entry)
	if err != nil {
		t.Fatal(err)
	}
	in, err := link.Streams(entry, params, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	r := g.start(t, l, in)
	v, _ := link.Value(entry, r)
	return v, r
}

// start runs l natively and on the machine, which must agree.
func (g *guest) start(t rapid.TB, l *link.Linked, in [][]byte) link.Result {
	t.Helper()
	lim := link.Limits{Fuel: 1 << 40, Memory: link.DefaultPages, Output: link.DefaultOutput}
	r, err := g.e.Run(context.Background(), l, in, lim)
	if err != nil {
		t.Fatal(err)
	}
	stepped, err := g.machine.Run(context.Background(), l, in, lim)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the machine", stepped, r)
	return r
}

// command runs a WASI command.
func (g *guest) command(t rapid.TB, stdin []byte, args ...string) link.Result {
	t.Helper()
	l, err := link.Link(g.m, link.Entry{})
	if err != nil {
		t.Fatal(err)
	}
	in, err := link.CommandStreams(args, nil, stdin, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return g.start(t, l, in)
}

func (g *guest) ok(t rapid.TB, fun, result string, args ...any) datamodel.Node {
	t.Helper()
	v, r := g.run(t, fun, result, args...)
	if r.Outcome.Kind != link.OK {
		t.Fatalf("%s: %s", fun, r.Outcome)
	}
	return v
}

// bytes calls an export that returns bytes, int one that returns an integer.
func (g *guest) bytes(t rapid.TB, fun string, args ...any) []byte {
	t.Helper()
	b, err := g.ok(t, fun, "bytes", args...).AsBytes()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (g *guest) int(t rapid.TB, fun string, args ...any) int64 {
	t.Helper()
	v, err := g.ok(t, fun, "", args...).AsInt()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func same[T any](t rapid.TB, what string, got, want T) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

// TestIntegers checks that no guest holds a float, and that functions import nothing.
func TestIntegers(t *testing.T) {
	names, err := guests.Names()
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Fatal("there are no guests")
	}
	float := []wasm.ValueType{wasm.F32, wasm.F64}
	for _, name := range names {
		m := open(t, name).m
		if len(m.Imports) > 0 && m.Export("_start") == nil {
			t.Errorf("%s imports %s.%s", name, m.Imports[0].Module, m.Imports[0].Name)
		}
		for _, typ := range m.Types {
			if slices.ContainsFunc(append(slices.Clone(typ.Params), typ.Results...), func(v wasm.ValueType) bool { return slices.Contains(float, v) }) {
				t.Errorf("%s has the type %s", name, typ)
			}
		}
		for _, c := range m.Code {
			for _, l := range c.Locals {
				if slices.Contains(float, l.Type) {
					t.Errorf("%s has a local of type %s", name, l.Type)
				}
			}
			for r := wasm.NewReader(c.Body, c.Offset); r.More(); {
				in, err := r.Next()
				if err != nil {
					t.Fatal(err)
				}
				if s := in.Op.String(); strings.Contains(s, "f32") || strings.Contains(s, "f64") {
					t.Errorf("%s holds %s", name, s)
				}
			}
		}
	}
	if _, err := guests.Module("none"); err == nil {
		t.Error("a module that is not there was found")
	}
}

// TestDocumented checks that the page on guests has every function of every module.
func TestDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/guests.md")
	if err != nil {
		t.Fatal(err)
	}
	names, err := guests.Names()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.Contains(string(page), "| `"+name+"` |") {
			t.Errorf("the module %s is not documented", name)
		}
		for _, e := range open(t, name).m.Exports {
			own := e.Kind == wasm.ExternFunc && e.Name != "cabi_realloc" && e.Name != "_start"
			if own && !strings.Contains(string(page), "| `"+e.Name+"(") {
				t.Errorf("the function %s of %s is not documented", e.Name, name)
			}
		}
	}
}

// TestTraps gives every guest what it cannot use.
func TestTraps(t *testing.T) {
	for _, c := range []struct {
		module, fun, result string
		args                []any
	}{
		{"sha256", "sha256_chain", "bytes", []any{"x", 0}},
		{"sort", "sort", "bytes", []any{[]byte("12345")}},
		{"sort", "sort_random", "", []any{1 << 28, 1}},
		{"sort", "sort_random", "", []any{1<<32 - 1, 1}},
		{"matrix", "matrix_product", "bytes", []any{make([]byte, 16), make([]byte, 12), 2}},
		{"matrix", "matrix_product", "bytes", []any{[]byte{}, []byte{}, 1 << 16}},
		{"matrix", "matrix_random", "", []any{1 << 14, 1}},
		{"threshold", "all_at_least", "", []any{make([]byte, 7), 1}},
		{"threshold", "sum_at_least", "", []any{make([]byte, 9), 1}},
		{"words", "words_count", "bytes", []any{"a b", 1, 1}},
		{"words", "words_merge", "bytes", []any{"a 1", ""}},
		{"words", "words_merge", "bytes", []any{"a 1\n", "b \n"}},
		{"words", "words_merge", "bytes", []any{" 1\n", ""}},
		{"words", "words_merge", "bytes", []any{"a 18446744073709551615\n", "a 1\n"}},
		{"words", "words_top", "bytes", []any{"a b\n", 1}},
	} {
		_, r := open(t, c.module).run(t, c.fun, c.result, c.args...)
		if want := (link.Outcome{Kind: link.Trap, Trap: link.TrapUnreachable}); r.Outcome != want {
			t.Errorf("%s%q: %s", c.fun, c.args, r.Outcome)
		}
	}
}
