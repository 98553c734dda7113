package wasm_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/trilemma-dev/trilemma/wasm"
)

// one is a module of one function, "blur", with these instructions.
func one(t wasm.FuncType, body ...wasm.Instr) *wasm.Module {
	var b []byte
	for _, in := range body {
		b = wasm.AppendInstr(b, in)
	}
	return raw(t, append(b, byte(wasm.OpEnd)))
}

func raw(t wasm.FuncType, body []byte) *wasm.Module {
	return &wasm.Module{
		Types: []wasm.FuncType{t}, Funcs: []uint32{0}, Code: []wasm.Code{{Body: body}},
		FuncNames: map[uint32]string{0: "blur"},
	}
}

// with changes m before it is encoded.
func with(m *wasm.Module, change func(*wasm.Module)) []byte {
	change(m)
	return m.Encode()
}

func file(sections string) []byte { return []byte("\x00asm\x01\x00\x00\x00" + sections) }

func repeat(n int, ins ...wasm.Instr) []wasm.Instr { return slices.Repeat(ins, n) }

func op(o wasm.Opcode, index ...uint32) wasm.Instr {
	in := wasm.Instr{Op: o, Block: wasm.BlockEmpty}
	if len(index) > 0 {
		in.Index = index[0]
	}
	if len(index) > 1 {
		in.Index2 = index[1]
	}
	return in
}

// messages are modules that are refused, by what is wrong with them.
func messages() map[string][]byte {
	type ts = []wasm.ValueType
	none := wasm.FuncType{}
	memory := func(m *wasm.Module) { m.Memories = []wasm.Limits{{Min: 1}} }
	body := func(code string) []byte { return raw(none, []byte(code+"\x0b")).Encode() }
	long := func(l wasm.Limits) func(*wasm.Module) {
		return func(m *wasm.Module) { m.Tables = []wasm.TableType{{Elem: wasm.FuncRef, Limits: l}} }
	}
	imports := func(k wasm.ExternKind) []byte {
		return (&wasm.Module{Imports: []wasm.Import{{Module: "env", Name: "it", Kind: k, Table: wasm.TableType{Elem: wasm.FuncRef},
			Global: wasm.GlobalType{Type: wasm.I32}}}}).Encode()
	}
	unreachableCalls := func(m *wasm.Module) { // each call leaves a thousand values
		m.Types = append(m.Types, wasm.FuncType{Results: slices.Repeat(ts{wasm.I64}, 1000)})
		m.Imports = []wasm.Import{{Module: "env", Name: "f", Kind: wasm.ExternFunc, Func: 1}}
	}
	return map[string][]byte{
		"file/empty":        {},
		"file/elf":          []byte("\x7fELF\x02\x01\x01\x00"),
		"file/text":         []byte("  (module (func))"),
		"file/header":       []byte("\x00asm\x01"),
		"file/version":      []byte("\x00asm\x02\x00\x00\x00"),
		"file/truncated":    stage([]byte{0x0b}).Encode()[:150],
		"file/section id":   file("\x0e\x00"),
		"file/order":        file("\x03\x01\x00\x01\x01\x00"),
		"file/leftover":     file("\x01\x02\x00\x00"),
		"file/count":        file("\x01\x05\xff\xff\xff\xff\x0f"),
		"file/no code":      file("\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00"),
		"file/name":         file("\x07\x06\x01\x02\xc3\x28\x00\x00"),
		"file/data count":   file("\x0c\x01\x01"),
		"file/long integer": file("\x01\x06\x80\x80\x80\x80\x80\x00"),
		"file/type":         file("\x01\x05\x01\x60\x01\x55\x00"),

		"feature/component":         []byte("\x00asm\x0d\x00\x01\x00"),
		"feature/simd":              body("\x41\x00\xfd\x00\x04\x00\x1a"),
		"feature/simd add":          body("\xfd\x6e"),
		"feature/relaxed simd":      body("\xfd\x80\x02"),
		"feature/simd type":         file("\x01\x05\x01\x60\x00\x01\x7b"),
		"feature/simd local":        withNames(file("\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x06\x01\x04\x01\x01\x7b\x0b")),
		"feature/threads":           body("\x41\x00\xfe\x10\x02\x00\x1a"),
		"feature/threads cmpxchg":   body("\xfe\x4a\x00\x00"),
		"feature/shared memory":     file("\x05\x04\x01\x03\x01\x01"),
		"feature/memory64":          file("\x05\x03\x01\x04\x01"),
		"feature/exceptions":        body("\x08\x00"),
		"feature/try_table":         body("\x1f\x40\x00\x0b"),
		"feature/tags":              file("\x0d\x03\x01\x00\x00"),
		"feature/tail call":         body("\x12\x00"),
		"feature/call_ref":          body("\x14\x00"),
		"feature/typed reference":   file("\x01\x06\x01\x60\x00\x01\x63\x00"),
		"feature/gc":                body("\xfb\x01\x00"),
		"feature/struct type":       file("\x01\x03\x01\x5f\x00"),
		"feature/two memories":      file("\x05\x05\x02\x00\x01\x00\x01"),
		"feature/memory index":      with(raw(none, []byte("\x3f\x01\x1a\x0b")), memory),
		"feature/load from another": with(raw(none, []byte("\x41\x00\x28\x42\x01\x00\x1a\x0b")), memory),
		"feature/extended const":    file("\x06\x09\x01\x7f\x00\x41\x01\x41\x02\x6a\x0b"),
		"feature/table initializer": file("\x04\x08\x01\x40\x00\x70\x00\x01\xd0\x70\x0b"),
		"feature/unknown opcode":    body("\x27"),
		"feature/unknown 0xfc":      body("\xfc\x12"),

		"profile/imported memory": imports(wasm.ExternMemory),
		"profile/imported table":  imports(wasm.ExternTable),
		"profile/imported global": imports(wasm.ExternGlobal),
		"profile/pages":           with(one(none), func(m *wasm.Module) { m.Memories = []wasm.Limits{{Min: wasm.MaxPages + 1}} }),
		"profile/table cells":     with(one(none), long(wasm.Limits{Min: wasm.MaxTableCells + 1})),
		"profile/table.grow":      with(one(none, wasm.Instr{Op: wasm.OpRefNull, Index: uint32(wasm.FuncRef)}, op(wasm.OpI32Const), op(wasm.OpTableGrow), op(wasm.OpDrop)), long(wasm.Limits{})),
		"profile/body":            raw(none, append(bytes.Repeat([]byte{1}, wasm.MaxBody), 0x0b)).Encode(),
		"profile/all locals": with(one(none), func(m *wasm.Module) {
			m.Code[0].Locals = []wasm.LocalGroup{{Count: wasm.MaxLocals, Type: wasm.I64}}
			n := wasm.MaxAllLocals/wasm.MaxLocals + 1
			m.Code, m.Funcs = slices.Repeat(m.Code, n), slices.Repeat(m.Funcs, n)
		}),
		"profile/carried": carrying(wasm.MaxCarried/wasm.MaxTypeArity + 1).Encode(),
		"profile/all carried": with(carrying(wasm.MaxCarried/wasm.MaxTypeArity-1), func(m *wasm.Module) {
			n := wasm.MaxAllCarried/wasm.MaxCarried + 1
			m.Code, m.Funcs = slices.Repeat(m.Code, n), slices.Repeat(m.Funcs, n)
		}),
		"limits/arity": one(wasm.FuncType{Params: slices.Repeat(ts{wasm.I32}, 1001)}).Encode(),
		"limits/locals": with(one(none), func(m *wasm.Module) {
			m.Code[0].Locals = []wasm.LocalGroup{{Count: wasm.MaxLocals + 1, Type: wasm.I64}}
		}),
		"limits/blocks": raw(none, bytes.Repeat([]byte{2, 0x40}, wasm.MaxBlocks+1)).Encode(),
		"limits/br_table": one(none, op(wasm.OpI32Const), wasm.Instr{Op: wasm.OpBrTable,
			Targets: make([]uint32, wasm.MaxBrTable+2)}).Encode(),
		"limits/operands":    with(one(none, repeat(66, op(wasm.OpCall, 0))...), unreachableCalls),
		"limits/tables":      with(one(none), func(m *wasm.Module) { m.Tables = slices.Repeat([]wasm.TableType{{Elem: wasm.FuncRef}}, 101) }),
		"limits/module size": make([]byte, wasm.MaxModule+1),

		"invalid/type mismatch":    one(none, op(wasm.OpI64Const), op(wasm.OpI32Eqz), op(wasm.OpDrop)).Encode(),
		"invalid/empty stack":      one(none, op(wasm.OpDrop)).Encode(),
		"invalid/left over":        one(none, op(wasm.OpI32Const), op(wasm.OpI64Const)).Encode(),
		"invalid/result":           one(wasm.FuncType{Results: ts{wasm.F32, wasm.F64}}, op(wasm.OpI32Const)).Encode(),
		"invalid/local":            one(wasm.FuncType{Params: ts{wasm.I32}}, op(wasm.OpLocalGet, 1), op(wasm.OpDrop)).Encode(),
		"invalid/label":            one(none, op(wasm.OpBr, 7)).Encode(),
		"invalid/function":         one(none, op(wasm.OpCall, 9)).Encode(),
		"invalid/memory":           one(none, op(wasm.OpI32Const), op(wasm.OpI32Load), op(wasm.OpDrop)).Encode(),
		"invalid/alignment":        with(one(none, op(wasm.OpI32Const), wasm.Instr{Op: wasm.OpI32Load, Align: 3}, op(wasm.OpDrop)), memory),
		"invalid/else":             one(none, op(wasm.OpElse)).Encode(),
		"invalid/after end":        one(none, op(wasm.OpEnd)).Encode(),
		"invalid/no end":           one(none, op(wasm.OpBlock)).Encode(),
		"invalid/undeclared":       one(none, op(wasm.OpRefFunc), op(wasm.OpDrop)).Encode(),
		"invalid/select of refs":   one(none, wasm.Instr{Op: wasm.OpRefNull, Index: 0x70}, wasm.Instr{Op: wasm.OpRefNull, Index: 0x70}, op(wasm.OpI32Const), op(wasm.OpSelect), op(wasm.OpDrop)).Encode(),
		"invalid/data count":       with(one(none, op(wasm.OpDataDrop)), memory),
		"invalid/duplicate export": with(one(none), func(m *wasm.Module) { m.Exports = []wasm.Export{{Name: "a"}, {Name: "a"}} }),
		"invalid/export":           with(one(none), func(m *wasm.Module) { m.Exports = []wasm.Export{{Name: "a", Kind: wasm.ExternMemory}} }),
		"invalid/start":            with(one(wasm.FuncType{Params: ts{wasm.I32}}), func(m *wasm.Module) { m.Start = new(uint32) }),
		"invalid/memory limits":    with(one(none), func(m *wasm.Module) { m.Memories = []wasm.Limits{{Min: 65537}} }),
		"invalid/table limits":     with(one(none), long(wasm.Limits{Min: 2, Max: 1, HasMax: true})),
		"invalid/function type":    with(one(none), func(m *wasm.Module) { m.Funcs[0] = 3 }),
		"invalid/immutable": with(one(none, op(wasm.OpI32Const), op(wasm.OpGlobalSet)), func(m *wasm.Module) {
			m.Globals = []wasm.Global{{Type: wasm.GlobalType{Type: wasm.I32}, Init: wasm.Word32(1)}}
		}),
		"invalid/initializer": with(one(none), func(m *wasm.Module) {
			m.Globals = []wasm.Global{{Type: wasm.GlobalType{Type: wasm.I64}, Init: wasm.Word32(1)}}
		}),
		"invalid/not constant":      file("\x06\x05\x01\x7f\x00\x01\x0b"),
		"invalid/two constants":     file("\x06\x08\x01\x7f\x00\x41\x01\x41\x02\x0b"),
		"invalid/br_table arity":    one(wasm.FuncType{Results: ts{wasm.I32}}, op(wasm.OpBlock), op(wasm.OpI32Const), wasm.Instr{Op: wasm.OpBrTable, Targets: []uint32{1, 0}}, op(wasm.OpEnd), op(wasm.OpI32Const)).Encode(),
		"invalid/long type list":    one(wasm.FuncType{Params: slices.Repeat(ts{wasm.I32}, 30)}, op(wasm.OpCall)).Encode(),
		"invalid/second of a table": with(one(none, op(wasm.OpI32Const), op(wasm.OpCallIndirect, 0, 1)), long(wasm.Limits{})),
	}
}

// withNames appends a name section that calls function 0 "blur".
func withNames(b []byte) []byte {
	return append(b, "\x00\x0e\x04name\x01\x07\x01\x00\x04blur"...)
}

// judge gives the first verdict that refuses b.
func judge(b []byte) error {
	m, err := accept(b)
	if err != nil {
		return err
	}
	return wasm.CheckProfile(m)
}

func TestMessages(t *testing.T) {
	cases := messages()
	names := make([]string, 0, len(cases))
	for name := range cases {
		names = append(names, name)
	}
	slices.Sort(names)
	var out strings.Builder
	for _, name := range names {
		err := judge(cases[name])
		var e *wasm.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: not refused: %v", name, err)
			continue
		}
		if strings.HasPrefix(name, "feature/") && !strings.Contains(name, "unknown") && (e.Kind != wasm.Refused || e.Feature == "") {
			t.Errorf("%s: feature not named: %v", name, err)
		}
		fmt.Fprintf(&out, "%-26s %-22s %v\n", name, e.Feature, err)
	}
	golden(t, "testdata/messages.golden", out.String())
}

// A module within every cap is not refused.
func TestCheckProfileAllows(t *testing.T) {
	m := stage([]byte{byte(wasm.OpI32Const), 0, byte(wasm.OpEnd)})
	m.Imports = slices.DeleteFunc(m.Imports, func(i wasm.Import) bool { return i.Kind != wasm.ExternFunc })
	m.Globals[2].Init = wasm.Word64(1)
	m.Memories[0] = wasm.Limits{Min: wasm.MaxPages, Max: 65536, HasMax: true}
	m.Tables[0].Limits.Min = wasm.MaxTableCells - 1
	m.Code[0].Locals = []wasm.LocalGroup{{Count: wasm.MaxLocals, Type: wasm.F64}}
	if err := judge(m.Encode()); err != nil {
		t.Error(err)
	}
}

// carrying is a module whose one function carries a thousand values n times and once more.
func carrying(n int) *wasm.Module {
	return raw(wasm.FuncType{Results: slices.Repeat([]wasm.ValueType{wasm.I64}, wasm.MaxTypeArity)}, append(bytes.Repeat([]byte("\x00\x10\x00"), n), 0, 0x0b))
}
