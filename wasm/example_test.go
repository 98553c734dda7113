package wasm_test

import (
	"fmt"

	"github.com/trilemma-dev/trilemma/wasm"
)

// A module passes three checks, each with its own verdict: it decodes, it validates, and the profile allows it.
func Example() {
	file := []byte("\x00asm\x01\x00\x00\x00" +
		"\x01\x07\x01\x60\x02\x7f\x7f\x01\x7f" + // type 0: [i32 i32] -> [i32]
		"\x03\x02\x01\x00" + // function 0 has type 0
		"\x07\x07\x01\x03add\x00\x00" + // and is exported as "add"
		"\x0a\x09\x01\x07\x00\x20\x00\x20\x01\x6a\x0b")
	m, err := wasm.Decode(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := wasm.Validate(m); err != nil {
		fmt.Println(err)
		return
	}
	if err := wasm.CheckProfile(m); err != nil {
		fmt.Println(err)
		return
	}
	add := m.Export("add")
	t, _ := m.TypeOfFunc(add.Index)
	fmt.Println(add.Kind, t, "stack", m.Code[0].MaxStack)
	for r := wasm.NewReader(m.Code[0].Body, m.Code[0].Offset); r.More(); {
		in, err := r.Next()
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%#x %s\n", in.Offset, in.Op)
	}
	// Output:
	// function [i32 i32] -> [i32] stack 2
	// 0x23 local.get
	// 0x25 local.get
	// 0x27 i32.add
	// 0x28 end
}

// A refusal names the feature, the function and the byte.
func ExampleError() {
	_, err := wasm.Decode([]byte("\x00asm\x01\x00\x00\x00\x05\x04\x01\x03\x01\x01"))
	fmt.Println(err)
	// Output: module uses threads (shared memory) at byte 0xb; profile tm/1 does not allow it
}
