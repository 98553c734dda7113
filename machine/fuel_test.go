package machine_test

import (
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/link/linktest"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/wasm"
)

// stubFuel is what the entry stub takes for one i32 parameter: two constants, in_word, i32.wrap_i64, and the call.
const stubFuel = 5

// params encodes numbers as parameter streams behind the four fixed ones.
func params(words ...uint64) [][]byte {
	s := make([][]byte, link.StreamParam, link.StreamParam+len(words))
	s[link.StreamConfig] = make([]byte, 16)
	for _, w := range words {
		s = append(s, binary.LittleEndian.AppendUint64(nil, w))
	}
	return s
}

// TestFuelIsExact runs random programs on the machine and instruction by instruction: the fuel agrees, and a limit below the
// fuel ends the run.
func TestFuelIsExact(t *testing.T) {
	var e machine.Engine
	rapid.Check(t, func(t *rapid.T) {
		p := linktest.Draw(t)
		arg := rapid.Uint32().Draw(t, "argument")
		ran := uint64(0)
		ended := p.Run(arg, 20000, func(i int) {
			switch p.Code[i].Op {
			case wasm.OpBlock, wasm.OpLoop, wasm.OpElse, wasm.OpEnd:
			default:
				ran++
			}
		})
		m := p.Module()
		if err := wasm.Validate(m); err != nil {
			t.Fatal(err)
		}
		l, err := link.Link(m, link.Entry{Func: "f", Params: []link.Kind{link.I32}})
		if err != nil {
			t.Fatal(err)
		}
		run := func(fuel uint64) link.Result {
			r, err := e.Run(t.Context(), l, params(uint64(arg)), link.Limits{Fuel: fuel, Output: 100})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		if !ended {
			if r := run(20000); r.Outcome.Kind != link.OutOfFuel || r.Fuel != 20000 {
				t.Fatalf("an endless program ended with %+v", r)
			}
			return
		}
		full := run(1 << 40)
		if full.Outcome.Kind != link.OK || full.Fuel != ran+stubFuel {
			t.Fatalf("%+v, want fuel %d", full, ran+stubFuel)
		}
		if r := run(full.Fuel); r.Outcome.Kind != link.OK {
			t.Fatalf("the exact fuel was not enough: %+v", r)
		}
		if r := run(full.Fuel - 1); r.Outcome.Kind != link.OutOfFuel || r.Fuel != full.Fuel-1 {
			t.Fatalf("one less than the fuel was enough: %+v", r)
		}
	})
}
