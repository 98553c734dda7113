package wasm_test

import (
	"testing"

	"github.com/trilemma-dev/trilemma/wasm"
)

// BenchmarkRead measures the way from bytes to a checked module, over the modules of several toolchains. Bytes are those of
// the function bodies, since custom sections (most of these files) cost nothing.
func BenchmarkRead(b *testing.B) {
	var files [][]byte
	var code []wasm.Code
	size := 0
	for _, data := range real(b) {
		files = append(files, data)
		m, err := wasm.Decode(data)
		if err != nil {
			b.Fatal(err)
		}
		code = append(code, m.Code...)
		for _, c := range m.Code {
			size += len(c.Body)
		}
	}
	b.Run("decode", func(b *testing.B) {
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			for _, data := range files {
				if _, err := wasm.Decode(data); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("decode+validate+profile", func(b *testing.B) {
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			for _, data := range files {
				if err := judge(data); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("reader", func(b *testing.B) {
		b.SetBytes(int64(size))
		n := 0
		for b.Loop() {
			for i := range code {
				for r := wasm.NewReader(code[i].Body, 0); r.More(); n++ {
					if _, err := r.Next(); err != nil {
						b.Fatal(err)
					}
				}
			}
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "Minstr/s")
	})
}
