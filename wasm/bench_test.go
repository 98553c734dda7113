package wasm_test

import (
	"os"
	"testing"

	"github.com/trilemma-dev/trilemma/wasm"
)

func BenchmarkGo(b *testing.B) {
	data, err := os.ReadFile("/tmp/gow/go.wasm")
	if err != nil {
		b.Skip(err)
	}
	b.Run("decode", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			wasm.Decode(data)
		}
	})
	b.Run("validate", func(b *testing.B) {
		m, _ := wasm.Decode(data)
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if err := wasm.Validate(m); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("profile", func(b *testing.B) {
		m, _ := wasm.Decode(data)
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if err := wasm.CheckProfile(m); err != nil {
				b.Fatal(err)
			}
		}
	})
}
