package emit_test

import (
	"testing"

	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/machine"
)

// hiddenExample is a run that reads a word and the tail of a hidden stream, asks for its length, and writes a hidden stream of a block and a half.
func hiddenExample(t *testing.T, block int) *example {
	t.Helper()
	put := func(d uint16, v uint64) machine.Instr { return machine.Instr{Op: machine.OpConst, D: d, Imm: v, W: 1} }
	code := []machine.Instr{put(1, 1), put(2, 7), {Op: machine.OpInLen, D: 3, A: 1}, {Op: machine.OpInWord, D: 4, A: 1, B: 2}, put(2, 8), {Op: machine.OpInWord, D: 4, A: 1, B: 2},
		put(5, 2), put(6, 8)}
	var out []byte
	for range 9 {
		code = append(code, machine.Instr{Op: machine.OpOutWord, A: 5, B: 2, T: 6})
		out = append(out, 8, 0, 0, 0, 0, 0, 0, 0)
	}
	code = append(code, put(6, 3), machine.Instr{Op: machine.OpOutWord, A: 5, B: 2, T: 6}, machine.Instr{Op: machine.OpHalt})
	out = append(out, 8, 0, 0)
	secret, salt := []byte("a stream that is to stay hidden, to the last word. Does it?"), hidden.Salt{1, 2, 3}
	secret = append(secret, "......"...)
	opening := hidden.Opening{Stream: secret, Salt: salt}
	chips := circuits.New()
	run, err := chips.FillHidden(&machine.Program{Code: code}, [][]byte{[]byte("public"), nil}, limits, &circuits.Cover{
		Hidden: &circuits.Hidden{Inputs: map[int]hidden.Commitment{1: opening.Commitment()},
			Outputs: map[int]circuits.Sealed{2: {Commitment: hidden.Commit(out, salt), Most: 128}}},
		Secrets: &circuits.Secrets{Inputs: map[int]hidden.Opening{1: opening}, Outputs: map[int]hidden.Salt{2: salt}},
		Fuel:    16,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := chips.Check(run.Filling, run.Contents); err != nil {
		t.Fatal(err)
	}
	return exampleOf(t, chips, run, block)
}

// TestHidden: a run that hides streams satisfies the circuits, in blocks and without.
func TestHidden(t *testing.T) {
	for _, block := range []int{1, 3} {
		if err := hiddenExample(t, block).check(t); err != nil {
			t.Errorf("blocks of %d: %v", block, err)
		}
	}
}

// TestForgedHidden: what the reference checker refuses of such a run the circuits refuse.
func TestForgedHidden(t *testing.T) {
	if forged := forgeColumns(t, hiddenExample(t, 1), func(c *circuits.Chip) bool { return c.Permutation != nil }); forged < 80 {
		t.Errorf("only %d forgeries", forged)
	}
}
