package link_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/link/linktest"
	"github.com/trilemma-dev/trilemma/wasm"
)

// TestCharges has one function per rule, counted by hand.
func TestCharges(t *testing.T) {
	m := linktest.Wat(t, "testdata/charges.wat", *update)
	want := map[string][]link.Charge{
		"straight":         {{0, 3}},
		"empty":            {},
		"if":               {{0, 2}, {2, 1}, {4, 1}},
		"if_else":          {{0, 2}, {2, 1}, {4, 2}, {7, 1}},
		"both_arms_return": {{0, 2}, {2, 1}, {4, 2}},
		"loop":             {{0, 1}, {2, 5}, {7, 1}},
		"loop_never":       {{0, 3}},
		"loop_in_loop":     {{2, 2}, {4, 2}, {6, 1}},
		"block_never":      {{0, 3}},
		"block":            {{0, 3}, {4, 1}, {6, 1}},
		"dead":             {{0, 1}},
		"dead_loop":        {{0, 1}},
		"after_dead":       {{0, 1}, {4, 1}},
		"table":            {{0, 2}, {5, 1}, {7, 1}},
		"calls":            {{0, 4}},
		"locals":           {{0, 2}},
	}
	got := map[string][]link.Charge{}
	for _, e := range m.Exports {
		got[e.Name] = link.Charges(m, &m.Code[e.Index-m.ImportedFuncs()])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("charges (-want +got):\n%s", diff)
	}
}

// TestChargesPayForWhatRuns checks the law of the metering rule on random programs, executed instruction by instruction:
// whenever a block is charged, everything charged before it has run, and nothing that was not charged.
func TestChargesPayForWhatRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := linktest.Draw(t)
		charges := map[int]int{}
		for _, c := range link.Charges(nil, &wasm.Code{Body: p.Body()}) {
			charges[int(c.Instr)] = int(c.Weight)
		}
		charged, ran := 0, 0
		ended := p.Run(rapid.Uint32().Draw(t, "argument"), 2000, func(i int) {
			if c, ok := charges[i]; ok {
				if charged != ran {
					t.Fatalf("at instruction %d: charged %d, ran %d", i, charged, ran)
				}
				charged += c
			}
			switch p.Code[i].Op {
			case wasm.OpBlock, wasm.OpLoop, wasm.OpElse, wasm.OpEnd:
			default:
				ran++
			}
			if ran > charged {
				t.Fatalf("instruction %d (%v) was not charged", i, p.Code[i].Op)
			}
		})
		if ended && charged != ran {
			t.Fatalf("at the end: charged %d, ran %d", charged, ran)
		}
	})
}

func TestFrameCells(t *testing.T) {
	m := linktest.Wat(t, "testdata/charges.wat", *update)
	want := map[string]uint32{"straight": 16 + 1 + 2, "empty": 16, "table": 16 + 1 + 1, "locals": 16 + 2 + 5 + 1}
	for _, e := range m.Exports {
		if w, ok := want[e.Name]; ok {
			if got := link.FrameCells(m, int(e.Index-m.ImportedFuncs())); got != w {
				t.Errorf("%s: %d cells, want %d", e.Name, got, w)
			}
		}
	}
	huge := &wasm.Module{Types: []wasm.FuncType{{}}, Funcs: []uint32{0}, Code: []wasm.Code{{Locals: []wasm.LocalGroup{{Count: 1 << 31}, {Count: 1 << 31}}}}}
	if got := link.FrameCells(huge, 0); got != 1<<32-1 {
		t.Errorf("a frame beyond 32 bits has %d cells", got)
	}
}
