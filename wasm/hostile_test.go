package wasm_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/trilemma-dev/trilemma/wasm"
)

// real are modules made by other toolchains (Rust, TinyGo, Zig, Emscripten), from wazero's own tests.
func real(t testing.TB) map[string][]byte {
	t.Helper()
	root := filepath.Join(specDir(t), "..", "..", "..")
	all := map[string][]byte{}
	for _, name := range []string{
		"imports/wasi_snapshot_preview1/testdata/zig-cc/wasi.wasm",
		"imports/wasi_snapshot_preview1/testdata/cargo-wasi/wasi.wasm",
		"imports/wasi_snapshot_preview1/testdata/tinygo/wasi.wasm",
		"imports/wasi_snapshot_preview1/testdata/zig/wasi.wasm",
		"imports/emscripten/testdata/grow.wasm",
		"internal/integration_test/bench/testdata/case.wasm",
		"examples/allocation/rust/testdata/greet.wasm",
		"examples/allocation/tinygo/testdata/greet.wasm",
	} {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = b
	}
	return all
}

func TestRealModules(t *testing.T) {
	for name, b := range real(t) {
		m, err := accept(b)
		if err == nil {
			err = wasm.CheckProfile(m)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if len(m.FuncNames) == 0 && len(m.Customs) > 3 {
			t.Errorf("%s: no function names", name)
		}
	}
}

// TestTruncation cuts a file at every byte. What is left is refused, unless the cut falls between two sections: then it may
// happen to be a smaller module (without data, say) that nobody can tell from a whole one.
func TestTruncation(t *testing.T) {
	files := map[string][]byte{"stage": stage([]byte{byte(wasm.OpI32Const), 0, byte(wasm.OpEnd)}).Encode()}
	for name, b := range real(t) {
		if len(b) < 15_000 {
			files[name] = b
		}
	}
	for name, b := range files {
		if _, err := accept(b); err != nil {
			t.Fatal(name, err)
		}
		ends := map[int]bool{8: true}
		for s := (scan{b: b, i: 8}); s.i < len(b); {
			s.byte()
			size := s.leb()
			s.i += size
			ends[s.i] = true
		}
		for cut := range len(b) {
			if _, err := accept(b[:cut:cut]); err == nil && !ends[cut] {
				t.Errorf("%s: accepted when cut at byte %d", name, cut)
			}
		}
	}
}

// within fails the test if f takes longer than a bound that leaves room for slow machines but not for quadratic work.
func within(t *testing.T, limit time.Duration, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if d := time.Since(start); d > limit {
		t.Errorf("took %v, at most %v was wanted", d, limit)
	} else {
		t.Logf("took %v", d)
	}
}

// TestLinear validates modules that hurt validators whose work is not linear, or that recurse.
func TestLinear(t *testing.T) {
	type ts = []wasm.ValueType
	none := wasm.FuncType{}
	const end, deep = byte(wasm.OpEnd), 100_000
	wide := slices.Repeat(ts{wasm.I64}, wasm.MaxTypeArity)
	index := func(n uint32) []byte { return wasm.AppendInstr(nil, wasm.Instr{Op: wasm.OpLocalGet, Index: n}) }
	nest := func(open string) []byte {
		return append(bytes.Repeat([]byte(open), deep), bytes.Repeat([]byte{end}, deep+1)...)
	}
	table := wasm.Instr{Op: wasm.OpBrTable, Targets: make([]uint32, 100_001)}
	for i := range table.Targets {
		table.Targets[i] = uint32(i % 1000)
	}
	cases := map[string]*wasm.Module{
		"nested blocks": raw(none, nest("\x02\x40")),
		"nested loops":  raw(none, nest("\x03\x40")),
		"nested ifs":    raw(none, nest("\x41\x00\x04\x40")),
		"br_table": raw(none, slices.Concat(bytes.Repeat([]byte("\x02\x40"), 1000), bytes.Repeat(wasm.AppendInstr([]byte{0x41, 0}, table), 10),
			bytes.Repeat([]byte{end}, 1001))),
		"calls of a thousand parameters": raw(wasm.FuncType{Params: wide, Results: wide},
			slices.Concat([]byte("\x00"), bytes.Repeat([]byte("\x10\x00"), 1_000_000), []byte{end})),
		"calls of a thousand in dead code": raw(wasm.FuncType{Params: wide, Results: wide},
			slices.Concat([]byte("\x00"), bytes.Repeat([]byte("\x00\x10\x00"), 1_000_000), []byte{end})),
		"branches with a thousand values": raw(wasm.FuncType{Params: wide, Results: wide},
			slices.Concat([]byte("\x00\x10\x00"), bytes.Repeat([]byte("\x41\x00\x0d\x00"), 1_000_000), []byte{end})),
	}
	functions := raw(none, []byte{end})
	functions.Funcs, functions.Code = slices.Repeat(functions.Funcs, 10_000), slices.Repeat(functions.Code, 10_000)
	cases["ten thousand functions"] = functions

	locals := raw(none, slices.Concat(index(wasm.MaxLocals-1), []byte{byte(wasm.OpDrop), end}))
	for range 1000 {
		locals.Code[0].Locals = append(locals.Code[0].Locals, wasm.LocalGroup{Count: 50, Type: wasm.I32})
	}
	locals.Funcs, locals.Code = slices.Repeat(locals.Funcs, 1000), slices.Repeat(locals.Code, 1000)
	cases["a thousand functions of fifty thousand locals"] = locals

	for name, m := range cases {
		t.Run(name, func(t *testing.T) {
			b := m.Encode()
			within(t, 2*time.Second, func() {
				if _, err := accept(b); err != nil {
					t.Error(err)
				}
			})
			t.Logf("%d bytes", len(b))
		})
	}
}

// TestClaims decodes files whose lengths promise far more than there is, and measures what is reserved for them.
func TestClaims(t *testing.T) {
	const huge = "\xff\xff\xff\xff\x0f"
	const many = "\x80\x80\x04" // 65,536
	pad := string(make([]byte, 1<<17))
	section := func(id byte, body string) []byte {
		n := len(body)
		return file(string([]byte{id, byte(n&0x7f) | 0x80, byte(n>>7&0x7f) | 0x80, byte(n >> 14)}) + body)
	}
	var files [][]byte
	for id := byte(1); id <= 12; id++ {
		files = append(files, section(id, huge), section(id, huge+pad), section(id, many+pad), section(id, "\x01"+huge), section(id, "\x01"+many+pad))
	}
	files = append(files,
		section(1, "\x01\x60"+huge), section(1, "\x01\x60\x00"+huge+pad),
		section(2, "\x01"+huge), section(2, "\x01\x00"+huge+pad),
		section(9, "\x01\x01\x00"+huge+pad), section(9, "\x01\x05\x70"+huge+pad), section(9, "\x01\x05\x70"+many+pad),
		section(10, "\x01"+huge), section(10, "\x01\x06"+huge+"\x0b"), section(10, "\x01\x09\x01"+huge+"\x7f\x0b"),
		section(11, "\x01\x01"+huge+pad),
		section(0, huge), section(0, "\x04name\x01\x06"+huge+"\x00"), section(0, "\x04name\x01\x80\x80\x04"+many+pad),
	)
	for _, b := range files {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := wasm.Decode(b)
		runtime.ReadMemStats(&after)
		if got, most := after.TotalAlloc-before.TotalAlloc, uint64(128*len(b)+16<<10); got > most {
			t.Errorf("%d bytes reserved for a file of %d (%.20x): %v", got, len(b), b[8:], err)
		}
		if err == nil && (len(m.Funcs)+len(m.Datas)+len(m.Elems) > 0) {
			t.Errorf("%.20x accepted", b[8:])
		}
	}
}
