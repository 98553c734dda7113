package link_test

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/wasm"
)

// signature returns a module that exports f with the given parameters and results.
func signature(params, results []wasm.ValueType) *wasm.Module {
	return &wasm.Module{
		Types:   []wasm.FuncType{{Params: params, Results: results}},
		Funcs:   []uint32{0},
		Code:    []wasm.Code{{Body: []byte{byte(wasm.OpUnreachable), byte(wasm.OpEnd)}}},
		Exports: []wasm.Export{{Name: "f", Kind: wasm.ExternFunc}},
	}
}

func nodes(t *testing.T, json string) []datamodel.Node {
	t.Helper()
	n, err := block.DecodeJSON([]byte(json))
	if err != nil {
		t.Fatal(err)
	}
	var out []datamodel.Node
	for it := n.ListIterator(); !it.Done(); {
		_, v, err := it.Next()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

const (
	i32 = wasm.I32
	i64 = wasm.I64
	f32 = wasm.F32
	f64 = wasm.F64
)

func TestStreams(t *testing.T) {
	tests := []struct {
		name   string
		params []wasm.ValueType
		json   string
		want   []uint64 // the words of scalar parameters
		err    string
	}{
		{"integers", []wasm.ValueType{i32, i32, i32, i64, i64}, `[-1, 4294967295, -2147483648, -1, 9223372036854775807]`,
			[]uint64{0xffffffff, 0xffffffff, 0x80000000, math.MaxUint64, math.MaxInt64}, ""},
		{"booleans", []wasm.ValueType{i32, i64}, `[true, false]`, []uint64{1, 0}, ""},
		{"numbers", []wasm.ValueType{f64, f32, f64}, `[1.5, 1.5, 3]`, []uint64{math.Float64bits(1.5), uint64(math.Float32bits(1.5)), math.Float64bits(3)}, ""},
		{"not finite", []wasm.ValueType{f64, f32, f64, f32}, `["NaN", "NaN", "inf", "-inf"]`,
			[]uint64{0x7ff8000000000000, 0x7fc00000, 0x7ff0000000000000, 0xff800000}, ""},
		{"too large for i32", []wasm.ValueType{i32}, `[4294967296]`, nil, "parameter 0 of f: 4294967296 does not fit i32"},
		{"too small for i32", []wasm.ValueType{i32}, `[-2147483649]`, nil, "does not fit i32"},
		{"inexact", []wasm.ValueType{f64}, `[9007199254740993]`, nil, "is no exact number"},
		{"too large for f32", []wasm.ValueType{f32}, `[1e39]`, nil, "1e+39 does not fit f32"},
		{"word for a number", []wasm.ValueType{f64}, `["nan"]`, nil, `"nan" is no number`},
		{"too few", []wasm.ValueType{i32, i32}, `[1]`, nil, "1 parameters are too few for f (i32, i32) → ()"},
		{"too many", []wasm.ValueType{i32}, `[1, 2]`, nil, "parameter 1 of f (i32) → (): one parameter too many"},
		{"string for i64", []wasm.ValueType{i64}, `["x"]`, nil, "a value of kind string does not fit i64"},
		{"number for i32", []wasm.ValueType{i32}, `[1.5]`, nil, "a value of kind float does not fit i32"},
		{"null", []wasm.ValueType{i32}, `[null]`, nil, "a value of kind null does not fit i32"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			params := nodes(t, tt.json)
			e, err := link.Resolve(signature(tt.params, nil), "f", params, "")
			var streams [][]byte
			if err == nil {
				streams, err = link.Streams(e, params, 5, 6)
			}
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if string(streams[link.StreamConfig]) != "\x05\x00\x00\x00\x00\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00" {
				t.Errorf("config %x", streams[link.StreamConfig])
			}
			for i, w := range tt.want {
				if got := binary.LittleEndian.Uint64(streams[link.StreamParam+i]); got != w {
					t.Errorf("parameter %d is %#x, want %#x", i, got, w)
				}
			}
		})
	}
}

// TestUnsigned passes an integer above the signed range, which DAG-JSON's reader does not know but DAG-CBOR has.
func TestUnsigned(t *testing.T) {
	params := []datamodel.Node{basicnode.NewUint(math.MaxUint64)}
	e, err := link.Resolve(signature([]wasm.ValueType{i64}, nil), "f", params, "")
	if err != nil {
		t.Fatal(err)
	}
	s, err := link.Streams(e, params, 0, 0)
	if err != nil || binary.LittleEndian.Uint64(s[link.StreamParam]) != math.MaxUint64 {
		t.Errorf("%x, %v", s, err)
	}
}

func TestResolveBytes(t *testing.T) {
	m := signature([]wasm.ValueType{i32, i32, i64, i32, i32}, []wasm.ValueType{i32})
	params := []datamodel.Node{basicnode.NewBytes([]byte("abc")), basicnode.NewInt(1), basicnode.NewString("def")}
	e, err := link.Resolve(m, "f", params, "string")
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Params) != 3 || e.Params[0] != link.Bytes || e.Params[1] != link.I64 || e.Params[2] != link.String || e.Results[0] != link.String {
		t.Errorf("entry %+v", e)
	}
	s, err := link.Streams(e, params, 0, 0)
	if err != nil || string(s[link.StreamParam]) != "abc" || string(s[link.StreamParam+2]) != "def" {
		t.Errorf("streams %q, %v", s, err)
	}
	notText := []datamodel.Node{basicnode.NewBytes(nil), basicnode.NewInt(1), basicnode.NewString("\xff")}
	if _, err := link.Streams(e, notText, 0, 0); err == nil {
		t.Error("a string that is not UTF-8 was taken")
	}
	if _, err := link.Resolve(m, "g", params, ""); err == nil {
		t.Error("an export that does not exist was found")
	}
	if _, err := link.Resolve(m, "f", params, "list"); err == nil {
		t.Error("an unknown kind of result was taken")
	}
}

func TestCommandStreams(t *testing.T) {
	s, err := link.CommandStreams([]string{"one", ""}, []string{"K=V"}, []byte("in"), 0, 0)
	if err != nil || string(s[link.StreamArgs]) != "main\x00one\x00\x00" || string(s[link.StreamEnv]) != "K=V\x00" || string(s[link.StreamStdin]) != "in" {
		t.Errorf("%q, %v", s, err)
	}
	if _, err := link.CommandStreams([]string{"a\x00b"}, nil, nil, 0, 0); err == nil {
		t.Error("an argument with a NUL was taken")
	}
}

func TestValue(t *testing.T) {
	words := func(ws ...uint64) (out []byte) {
		for _, w := range ws {
			out = binary.LittleEndian.AppendUint64(out, w)
		}
		return out
	}
	ok := link.Outcome{Kind: link.OK}
	tests := []struct {
		name  string
		entry link.Entry
		out   []byte
		want  string // DAG-JSON, or the outcome
	}{
		{"command", link.Entry{}, []byte("hi"), `{"/":{"bytes":"aGk"}}`},
		{"nothing", link.Entry{Func: "f"}, nil, `null`},
		{"i32 is signed", link.Entry{Func: "f", Results: []link.Kind{link.I32}}, words(0xffffffff), `-1`},
		{"i64", link.Entry{Func: "f", Results: []link.Kind{link.I64}}, words(1 << 62), `4611686018427387904`},
		{"several", link.Entry{Func: "f", Results: []link.Kind{link.I32, link.F64}}, words(7, math.Float64bits(0.5)), `[7,0.5]`},
		{"NaN", link.Entry{Func: "f", Results: []link.Kind{link.F32}}, words(0x7fc00000), `"NaN"`},
		{"-inf", link.Entry{Func: "f", Results: []link.Kind{link.F64}}, words(0xfff0000000000000), `"-inf"`},
		{"bytes", link.Entry{Func: "f", Results: []link.Kind{link.Bytes}}, []byte{0xff}, `{"/":{"bytes":"/w"}}`},
		{"string", link.Entry{Func: "f", Results: []link.Kind{link.String}}, []byte("grün"), `"grün"`},
		{"not UTF-8", link.Entry{Func: "f", Results: []link.Kind{link.String}}, []byte{0xff}, `trap(result)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := link.Result{Outcome: ok}
			r.Streams[link.OutResult] = tt.out
			if tt.entry.Func == "" {
				r.Streams[link.OutStdout] = tt.out
			}
			n, o := link.Value(tt.entry, r)
			got := string(o.Kind) + "(" + string(o.Trap) + ")"
			if o == ok {
				b, err := block.EncodeJSON(n)
				if err != nil {
					t.Fatal(err)
				}
				got = string(b)
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	if n, o := link.Value(link.Entry{Func: "f"}, link.Result{Outcome: link.Outcome{Kind: link.Trap}}); n != nil || o.Kind != link.Trap {
		t.Errorf("a trap has the value %v", n)
	}
}
