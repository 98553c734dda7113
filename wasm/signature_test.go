package wasm_test

import (
	"testing"

	"github.com/trilemma-dev/trilemma/wasm"
)

// Signature agrees with Validate: a body that provides the parameters in locals and returns the results is valid, and one
// that returns anything else is not.
func TestSignature(t *testing.T) {
	n := 0
	for _, op := range opcodes() {
		params, want, ok := op.Signature()
		if !ok {
			continue
		}
		n++
		for _, results := range [][]wasm.ValueType{want, append([]wasm.ValueType{wasm.ExternRef}, want...), nil} {
			var body []byte
			for i := range params {
				body = wasm.AppendInstr(body, wasm.Instr{Op: wasm.OpLocalGet, Index: uint32(i)})
			}
			body = append(wasm.AppendInstr(body, wasm.Instr{Op: op}), byte(wasm.OpEnd))
			m := stage(body)
			m.Types[7] = wasm.FuncType{Params: params, Results: results}
			_, err := accept(m.Encode())
			if fits := len(results) == len(want); (err == nil) != fits {
				t.Errorf("%s: %v -> %v: %v", op, params, results, err)
			}
		}
	}
	// nop, constants, loads and stores, numeric, saturating, memory.size and grow, bulk on memory and on tables
	if want := 1 + 4 + 23 + 128 + 8 + 2 + 4 + 4; n != want {
		t.Errorf("%d instructions of fixed type, want %d", n, want)
	}
	for _, op := range []wasm.Opcode{wasm.OpBlock, wasm.OpCall, wasm.OpSelect, wasm.OpLocalGet, wasm.OpTableGet, wasm.OpRefIsNull, 0x06, 0x1ff, 0xfc1f, 0xfc40, 0xffff} {
		if _, _, ok := op.Signature(); ok {
			t.Errorf("%#x has no fixed type", uint16(op))
		}
	}
}

// TestCarried: what is counted is what a branch, a call or a block's border takes along, each time that it is written down.
func TestCarried(t *testing.T) {
	const i, d, end = "\x41\x00", "\x1a", "\x0b"
	const i2 = i + i
	for _, tt := range []struct {
		name, body string
		want       uint32
	}{
		{"nothing", i + d + end, 0},
		{"a block's result", "\x02\x7f" + i + end + d + end, 1},
		{"a block's parameters and results", i2 + "\x02\x08" + end + d + d + end, 4},
		{"both arms", i2 + i + "\x04\x08" + "\x05" + end + d + d + end, 6},
		{"br_if", "\x02\x7f" + i2 + "\x0d\x00" + end + d + end, 2},
		{"br", "\x02\x7f" + i + "\x0c\x00" + end + d + end, 2},
		{"to a loop", i2 + "\x03\x08" + i + "\x0d\x00" + end + d + d + end, 6},
		{"each label of br_table", "\x02\x7f" + i2 + "\x0e\x02\x00\x00\x00" + end + d + end, 4},
		{"a call's parameters and results", i + "\xb7\x10\x00" + d + d + end, 3},
		{"in dead code", "\x00" + "\x10\x00" + "\x00" + end, 3},
	} {
		m := stage([]byte(tt.body))
		m.Types[7].Results = nil
		m.Types = append(m.Types, wasm.FuncType{Params: []wasm.ValueType{wasm.I32, wasm.I32}, Results: []wasm.ValueType{wasm.I32, wasm.I32}})
		m.Globals[1].Init = wasm.ConstExpr{Op: wasm.OpRefNull, Value: uint64(wasm.FuncRef)}
		m, err := accept(m.Encode())
		if err != nil {
			t.Fatal(tt.name, err)
		}
		if got := m.Code[0].Carried; got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestMaxStack(t *testing.T) {
	const i, d, end = "\x41\x00", "\x1a", "\x0b"
	for _, tt := range []struct {
		name, body string
		want       uint32
	}{
		{"empty", end, 0},
		{"one", i + d + end, 1},
		{"three", i + i + i + d + d + d + end, 3},
		{"operands give way to results", i + i + "\x6a" + d + end, 2},
		{"in a block", i + "\x02\x40" + i + i + d + d + end + d + end, 3},
		{"of a block's result", "\x02\x7f" + i + end + d + end, 1},
		{"of a call's results", i + "\xb7\x10\x00" + d + d + end, 2},
		{"in dead code", "\x00" + i + i + i + i + "\x00" + end, 4},
		{"of the condition", i + "\x04\x40" + end + end, 1},
		{"of both arms", i + "\x04\x40" + i + d + "\x05" + i + i + d + d + end + end, 2},
	} {
		m := stage([]byte(tt.body))
		m.Types[7].Results = nil
		m.Globals[1].Init = wasm.ConstExpr{Op: wasm.OpRefNull, Value: uint64(wasm.FuncRef)}
		m, err := accept(m.Encode())
		if err != nil {
			t.Fatal(tt.name, err)
		}
		if got := m.Code[0].MaxStack; got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}
