package machine_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/link/linktest"
	"github.com/trilemma-dev/trilemma/wasm"
)

var tries = flag.Int("binaryen", 40, "how many of binaryen's random modules are tried")

// TestBinaryenModules compares random modules of binaryen's fuzzer, which shares no code and no ideas with the generator of linktest. Each of their
// exports is called by itself.
func TestBinaryenModules(t *testing.T) {
	tool, err := exec.LookPath("wasm-opt")
	if err != nil {
		t.Skip("wasm-opt is not installed")
	}
	engines := newEngines(t)
	modules, runs := 0, make(map[link.OutcomeKind]int)
	for i := range *tries {
		m := binaryen(t, tool, i)
		if m == nil {
			continue
		}
		n := addCalls(m)
		if err := wasm.Validate(m); err != nil {
			t.Fatal(err)
		}
		l, err := link.Link(m, link.Entry{Func: driver, Params: []link.Kind{link.I32}})
		if err != nil {
			t.Fatal(err)
		}
		modules++
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			for k := range n {
				runs[engines.agree(t, l, params(uint64(k)), link.Limits{Fuel: small.Fuel, Memory: link.DefaultPages}).Outcome.Kind]++
			}
		})
	}
	t.Logf("%d modules: %v", modules, runs)
	if modules < *tries/3 || runs[link.OK] < 2**tries || runs[link.Trap] < *tries/4 {
		t.Errorf("this is too little of something to mean much")
	}
}

// binaryen makes the i-th module, or nil if it is outside of the profile.
func binaryen(t *testing.T, tool string, i int) *wasm.Module {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "seed"), filepath.Join(dir, "out.wasm")
	if err := os.WriteFile(in, seed(i, 1000+i%4*2000), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"--translate-to-fuzz", "--mvp-features", "--enable-sign-ext", "--enable-mutable-globals", "--enable-nontrapping-float-to-int",
		"--enable-bulk-memory", in, "-o", out}
	if i%3 > 0 { // with both of these it sometimes makes types that are no longer of WebAssembly 2.0
		args = append(args, "--enable-multivalue")
	}
	if i%3 < 2 {
		args = append(args, "--enable-reference-types")
	}
	if msg, err := exec.Command(tool, args...).CombinedOutput(); err != nil {
		t.Fatalf("wasm-opt: %v\n%s", err, msg)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	m, err := wasm.Decode(b)
	if err != nil {
		return nil
	}
	logInside(m)
	if wasm.Validate(m) != nil || wasm.CheckProfile(m) != nil {
		return nil
	}
	return m
}

// logInside replaces the imported functions, which log numbers, by ones that keep the last of each type in a global.
func logInside(m *wasm.Module) {
	var funcs []uint32
	var code []wasm.Code
	for _, im := range m.Imports {
		t := m.Types[im.Func]
		b := []byte(nil)
		for i, p := range t.Params {
			zero := wasm.ConstExpr{Op: linktest.Constant(p, 0).Op}
			m.Globals = append(m.Globals, wasm.Global{Type: wasm.GlobalType{Type: p, Mutable: true}, Init: zero})
			b = wasm.AppendInstr(b, wasm.Instr{Op: wasm.OpLocalGet, Index: uint32(i)})
			b = wasm.AppendInstr(b, wasm.Instr{Op: wasm.OpGlobalSet, Index: uint32(len(m.Globals) - 1)})
		}
		funcs = append(funcs, im.Func)
		code = append(code, wasm.Code{Body: wasm.AppendInstr(b, wasm.Instr{Op: wasm.OpEnd})})
	}
	m.Imports, m.Funcs, m.Code = nil, append(funcs, m.Funcs...), append(code, m.Code...)
}

// addCalls adds a function that calls the k-th of the n exported functions, with zeros.
func addCalls(m *wasm.Module) (n int) {
	var b []byte
	emit := func(in wasm.Instr) { b = wasm.AppendInstr(b, in) }
	for _, e := range m.Exports {
		if e.Kind != wasm.ExternFunc {
			continue
		}
		emit(wasm.Instr{Op: wasm.OpLocalGet})
		emit(wasm.Instr{Op: wasm.OpI32Const, Const: uint64(n)})
		emit(wasm.Instr{Op: wasm.OpI32Eq})
		emit(wasm.Instr{Op: wasm.OpIf, Block: wasm.BlockEmpty})
		t, _ := m.TypeOfFunc(e.Index)
		for _, p := range t.Params {
			emit(linktest.Constant(p, uint64(n)))
		}
		emit(wasm.Instr{Op: wasm.OpCall, Index: e.Index})
		for range t.Results {
			emit(wasm.Instr{Op: wasm.OpDrop})
		}
		emit(wasm.Instr{Op: wasm.OpEnd})
		n++
	}
	emit(wasm.Instr{Op: wasm.OpEnd})
	m.Types = append(m.Types, wasm.FuncType{Params: []wasm.ValueType{wasm.I32}})
	m.Funcs = append(m.Funcs, uint32(len(m.Types)-1))
	m.Code = append(m.Code, wasm.Code{Body: b})
	m.Exports = append(m.Exports, wasm.Export{Name: driver, Kind: wasm.ExternFunc, Index: uint32(len(m.Funcs) - 1)})
	return n
}
