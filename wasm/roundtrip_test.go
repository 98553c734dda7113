package wasm_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/trilemma-dev/trilemma/wasm"
)

// same compares what Encode keeps: everything but offsets, what validation finds and custom sections other than names.
var same = cmp.Options{
	cmpopts.EquateEmpty(),
	cmpopts.IgnoreFields(wasm.Module{}, "Customs"),
	cmpopts.IgnoreFields(wasm.Import{}, "Offset"),
	cmpopts.IgnoreFields(wasm.ConstExpr{}, "Offset"),
	cmpopts.IgnoreFields(wasm.Code{}, "Offset", "MaxStack", "Carried"),
}

// checkEncoding holds m to the laws of Encode.
func checkEncoding(t testing.TB, m *wasm.Module) {
	t.Helper()
	enc := m.Encode()
	again, err := wasm.Decode(enc)
	if err != nil {
		t.Fatalf("encoded module does not decode: %v", err)
	}
	if d := cmp.Diff(m, again, same); d != "" {
		t.Fatalf("decoding the encoded module gives another one:\n%s", d)
	}
	if !bytes.Equal(again.Encode(), enc) {
		t.Fatal("encoding is not a fixed point")
	}
}

func TestEncodeRealModules(t *testing.T) {
	for name, b := range real(t) {
		m, err := accept(b)
		if err != nil {
			t.Fatal(name, err)
		}
		if len(b) < 40_000 { // cmp is slow
			checkEncoding(t, m)
		}
		again, err := accept(m.Encode())
		if err != nil {
			t.Fatal(name, err)
		}
		for i := range m.Code {
			if a, b := &m.Code[i], &again.Code[i]; a.MaxStack != b.MaxStack || a.Carried != b.Carried {
				t.Errorf("%s: function %d: stack height %d, then %d; %d carried, then %d", name, i, a.MaxStack, b.MaxStack, a.Carried, b.Carried)
			}
		}
	}
}

// Reading what AppendInstr wrote gives the same instruction, and writing what was read gives the same bytes.
func TestInstrRoundTrip(t *testing.T) {
	ops := opcodes()
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed")))
		var want []wasm.Instr
		var b []byte
		for range rapid.IntRange(1, 20).Draw(t, "n") {
			in := randomInstr(r, ops)
			in.Const = rapid.Uint64().Draw(t, "const")
			in.MemOffset = rapid.Uint32().Draw(t, "offset")
			if in.Op == wasm.OpCall {
				in.Index = rapid.Uint32().Draw(t, "index")
			}
			b = wasm.AppendInstr(b, in)
			want = append(want, in)
		}
		rd := wasm.NewReader(b, 100)
		var out []byte
		for _, w := range want {
			at := uint32(100 + len(out))
			got, err := rd.Next()
			if err != nil {
				t.Fatal(err)
			}
			if got.Op != w.Op || got.Offset != at {
				t.Fatalf("%s at %d, want %s at %d", got.Op, got.Offset, w.Op, at)
			}
			start := len(out)
			out = wasm.AppendInstr(out, got)
			if !bytes.Equal(out[start:], wasm.AppendInstr(nil, w)) {
				t.Fatalf("%+v written as %x, read as %+v", w, wasm.AppendInstr(nil, w), got)
			}
		}
		if !bytes.Equal(out, b) || rd.More() {
			t.Fatalf("%x, want %x", out, b)
		}
		if _, err := rd.Next(); err != io.EOF {
			t.Fatalf("after the last instruction: %v, want io.EOF", err)
		}
	})
}

// The fields of an instruction are those that its opcode uses, and no others.
func TestReaderFields(t *testing.T) {
	for _, tt := range []struct {
		bytes string
		want  wasm.Instr
	}{
		{"\x28\x02\x80\x01", wasm.Instr{Op: wasm.OpI32Load, Align: 2, MemOffset: 128}},
		{"\x41\x7f", wasm.Instr{Op: wasm.OpI32Const, Const: 0xffffffff}},
		{"\x42\x7f", wasm.Instr{Op: wasm.OpI64Const, Const: 0xffffffffffffffff}},
		{"\x43\x00\x00\x80\x3f", wasm.Instr{Op: wasm.OpF32Const, Const: 0x3f800000}},
		{"\x44\x00\x00\x00\x00\x00\x00\xf0\x3f", wasm.Instr{Op: wasm.OpF64Const, Const: 0x3ff0000000000000}},
		{"\x02\x40", wasm.Instr{Op: wasm.OpBlock, Block: wasm.BlockEmpty}},
		{"\x03\x7e", wasm.Instr{Op: wasm.OpLoop, Block: wasm.BlockResult(wasm.I64)}},
		{"\x04\x05", wasm.Instr{Op: wasm.OpIf, Block: 5}},
		{"\x0e\x02\x00\x01\x02", wasm.Instr{Op: wasm.OpBrTable, Targets: []uint32{0, 1, 2}}},
		{"\x11\x03\x01", wasm.Instr{Op: wasm.OpCallIndirect, Index: 3, Index2: 1}},
		{"\x1c\x01\x6f", wasm.Instr{Op: wasm.OpSelectT, Types: []wasm.ValueType{wasm.ExternRef}}},
		{"\xd0\x70", wasm.Instr{Op: wasm.OpRefNull, Index: uint32(wasm.FuncRef)}},
		{"\xfc\x08\x02\x00", wasm.Instr{Op: wasm.OpMemoryInit, Index: 2}},
		{"\xfc\x0c\x03\x01", wasm.Instr{Op: wasm.OpTableInit, Index: 3, Index2: 1}},
		{"\xfc\x8a\x00\x00\x00", wasm.Instr{Op: wasm.OpMemoryCopy}},
		{"\x6a", wasm.Instr{Op: wasm.OpI32Add}},
	} {
		r := wasm.NewReader([]byte("\x0e\x01\x07\x07\x28\x01\x01"+tt.bytes), 0)
		for range 2 { // what an instruction leaves must not show in the next
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
		}
		got, err := r.Next()
		if tt.want.Offset = 7; err != nil || !cmp.Equal(got, tt.want) {
			t.Errorf("%x: %v\n%s", tt.bytes, err, cmp.Diff(tt.want, got))
		}
	}
}

// FuzzDecode: no bytes panic, reserve memory out of proportion, or are accepted and then encoded as something else.
func FuzzDecode(f *testing.F) {
	seeds(f)
	for _, b := range messages() {
		if len(b) < 1000 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := wasm.Decode(b)
		if err == nil {
			checkEncoding(t, m)
			err = wasm.Validate(m)
		}
		if err == nil {
			err = wasm.CheckProfile(m)
			again, err := accept(m.Encode())
			if err != nil {
				t.Fatalf("valid, but not when encoded again: %v", err)
			}
			for i := range m.Code {
				if a, b := &m.Code[i], &again.Code[i]; a.MaxStack != b.MaxStack || a.Carried != b.Carried {
					t.Fatalf("stack height %d, then %d; %d carried, then %d", a.MaxStack, b.MaxStack, a.Carried, b.Carried)
				}
			}
		}
		var e *wasm.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%v is not a *wasm.Error", err)
		}
		if e != nil && (int(e.Offset) > len(b) || e.Error() == "" || (e.Kind == wasm.Refused) != (e.Feature != "")) {
			t.Fatalf("%#v", e)
		}
	})
}
