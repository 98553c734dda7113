package runtime_test

import (
	"context"
	"encoding/binary"
	"flag"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/link/linktest"
	"github.com/trilemma-dev/trilemma/runtime"
	"github.com/trilemma-dev/trilemma/wasm"
)

var update = flag.Bool("update", false, "rewrite golden files and rebuild modules")

func newEngine(t testing.TB, c runtime.Config) *runtime.Engine {
	t.Helper()
	if !runtime.Supported() {
		t.Skip("wazero has no compiler here")
	}
	e, err := runtime.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

func mustLink(t testing.TB, m *wasm.Module, e link.Entry) *link.Linked {
	t.Helper()
	l, err := link.Link(m, e)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// params encodes numbers as parameter streams behind the four fixed ones.
func params(words ...uint64) [][]byte {
	s := make([][]byte, link.StreamParam, link.StreamParam+len(words))
	s[link.StreamConfig] = make([]byte, 16)
	for _, w := range words {
		s = append(s, binary.LittleEndian.AppendUint64(nil, w))
	}
	return s
}

func words(ws ...uint64) (b []byte) {
	for _, w := range ws {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}

const plenty = 1 << 40

func TestOutcomes(t *testing.T) {
	e := newEngine(t, runtime.Config{})
	m := linktest.Wat(t, "testdata/outcomes.wat", *update)
	i32, i64, f32, f64 := link.I32, link.I64, link.F32, link.F64
	none := []link.Kind(nil)
	ok := link.Outcome{Kind: link.OK}
	trap := func(k link.TrapKind) link.Outcome { return link.Outcome{Kind: link.Trap, Trap: k} }
	two := []link.Kind{i32, i32}
	for _, c := range []struct {
		name    string
		fun     string
		params  []link.Kind
		args    []uint64
		results []link.Kind
		lim     link.Limits
		want    link.Outcome
		out     []byte
	}{
		{"add", "add", two, []uint64{math.MaxUint32, 3}, []link.Kind{i32}, link.Limits{}, ok, words(2)},
		{"several results", "swap", []link.Kind{i64, f32}, []uint64{1 << 63, 0x7fa00001}, []link.Kind{f32, i64}, link.Limits{}, ok, words(0x7fa00001, 1<<63)},
		{"no result", "nothing", none, nil, none, link.Limits{}, ok, nil},
		{"exit 0", "exit", []link.Kind{i32}, []uint64{0}, none, link.Limits{}, ok, nil},
		{"exit 7", "exit", []link.Kind{i32}, []uint64{7}, none, link.Limits{}, link.Outcome{Kind: link.Exit, Code: 7}, nil},
		{"exit -1", "exit", []link.Kind{i32}, []uint64{math.MaxUint32}, none, link.Limits{}, link.Outcome{Kind: link.Exit, Code: math.MaxUint32}, nil},
		{"unreachable", "unreachable", none, nil, none, link.Limits{}, trap(link.TrapUnreachable), nil},
		{"divide by zero", "divide", two, []uint64{1, 0}, []link.Kind{i32}, link.Limits{}, trap(link.TrapDivideByZero), nil},
		{"divide overflow", "divide", two, []uint64{1 << 31, math.MaxUint32}, []link.Kind{i32}, link.Limits{}, trap(link.TrapOverflow), nil},
		{"remainder by zero", "remainder", []link.Kind{i64, i64}, []uint64{1, 0}, []link.Kind{i64}, link.Limits{}, trap(link.TrapDivideByZero), nil},
		{"truncate too big", "truncate", []link.Kind{f64}, []uint64{math.Float64bits(1e10)}, []link.Kind{i32}, link.Limits{}, trap(link.TrapOverflow), nil},
		{"truncate NaN", "truncate", []link.Kind{f64}, []uint64{math.Float64bits(math.NaN())}, []link.Kind{i32}, link.Limits{}, trap(link.TrapConversion), nil},
		{"load inside", "load", []link.Kind{i32}, []uint64{65528}, []link.Kind{i64}, link.Limits{}, ok, words(0)},
		{"load across the end", "load", []link.Kind{i32}, []uint64{65529}, []link.Kind{i64}, link.Limits{}, trap(link.TrapMemory), nil},
		{"load far away", "load", []link.Kind{i32}, []uint64{math.MaxUint32}, []link.Kind{i64}, link.Limits{}, trap(link.TrapMemory), nil},
		{"fill across the end", "fill", two, []uint64{65535, 2}, none, link.Limits{}, trap(link.TrapMemory), nil},
		{"indirect", "indirect", []link.Kind{i32}, []uint64{0}, []link.Kind{i32}, link.Limits{}, ok, words(42)},
		{"indirect wrong type", "indirect", []link.Kind{i32}, []uint64{1}, []link.Kind{i32}, link.Limits{}, trap(link.TrapSignature), nil},
		{"indirect null", "indirect", []link.Kind{i32}, []uint64{2}, []link.Kind{i32}, link.Limits{}, trap(link.TrapTable), nil},
		{"indirect past the end", "indirect", []link.Kind{i32}, []uint64{4}, []link.Kind{i32}, link.Limits{}, trap(link.TrapTable), nil},
		{"element past the end", "element", []link.Kind{i32}, []uint64{4}, []link.Kind{i32}, link.Limits{}, trap(link.TrapTable), nil},
		{"endless loop", "spin", none, nil, none, link.Limits{Fuel: 1e6}, link.Outcome{Kind: link.OutOfFuel}, nil},
		{"no fuel", "nothing", none, nil, none, link.Limits{Fuel: 1}, ok, nil},
		{"deep", "down", []link.Kind{i32}, []uint64{1000}, []link.Kind{i32}, link.Limits{}, ok, words(1000)},
		{"too deep", "down", []link.Kind{i32}, []uint64{1 << 20}, []link.Kind{i32}, link.Limits{}, link.Outcome{Kind: link.TooDeep}, nil},
		{"too little memory", "nothing", none, nil, none, link.Limits{Memory: ^uint32(0)}, link.Outcome{Kind: link.OutOfMem}, nil},
		{"grow", "grow", []link.Kind{i32}, []uint64{1}, []link.Kind{i32}, link.Limits{}, ok, words(1)},
		{"grow past the maximum", "grow", []link.Kind{i32}, []uint64{2}, []link.Kind{i32}, link.Limits{}, ok, words(math.MaxUint32)},
		{"grow past the limit", "grow", []link.Kind{i32}, []uint64{1}, []link.Kind{i32}, link.Limits{Memory: 1}, ok, words(math.MaxUint32)},
		{"output", "say", two, []uint64{1, 100}, none, link.Limits{Output: 1300}, ok, []byte(strings.Repeat("hello, world\n", 100))},
		{"too much output", "say", two, []uint64{1, 100}, none, link.Limits{Output: 1299}, link.Outcome{Kind: link.OutputFull}, []byte(strings.Repeat("hello, world\n", 100)[:1296])},
		{"bytes that wait are lost in a trap", "lose", none, nil, none, link.Limits{}, trap(link.TrapUnreachable), []byte("hello, w")},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := mustLink(t, m, link.Entry{Func: c.fun, Params: c.params, Results: c.results})
			lim := link.Limits{Fuel: plenty, Memory: link.DefaultPages, Output: link.DefaultOutput}
			if c.lim.Fuel != 0 {
				lim.Fuel = c.lim.Fuel
			}
			if c.lim.Output != 0 {
				lim.Output = c.lim.Output
			}
			if c.lim.Memory != 0 {
				lim.Memory = c.lim.Memory
			}
			if c.lim.Memory == ^uint32(0) {
				lim.Memory = 0
			}
			got, err := e.Run(t.Context(), l, params(c.args...), lim)
			if err != nil {
				t.Fatal(err)
			}
			if got.Outcome != c.want {
				t.Errorf("outcome %+v, want %+v", got.Outcome, c.want)
			}
			out := got.Streams[link.OutResult]
			if c.fun == "say" || c.fun == "lose" {
				out = got.Streams[link.OutStdout]
			}
			if diff := cmp.Diff(string(c.out), string(out)); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			if got.Outcome.Kind == link.OutOfFuel && got.Fuel != lim.Fuel || got.Outcome.Kind == link.OutOfMem && got.Fuel != 0 {
				t.Errorf("fuel %d", got.Fuel)
			}
			again, err := e.Run(t.Context(), l, params(c.args...), lim)
			if err != nil || cmp.Diff(got, again) != "" {
				t.Errorf("a second run differs: %v %v", err, cmp.Diff(got, again))
			}
		})
	}
}
