package circuits

import (
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/trilemma-dev/trilemma/machine"
)

// TestWideRegisters gives operations of 32 bits registers that are wider, which no valid module can: what a row shows then is still what the machine does.
func TestWideRegisters(t *testing.T) {
	s := New()
	wide := []uint64{1 << 32, 1<<32 + 1, 1<<63 + 5, 0xfedcba9876543210, 1<<64 - 1, 0x1_8000_0000, 3}
	try := func(in machine.Instr, a, b uint64) {
		p := &machine.Program{Code: []machine.Instr{{Op: machine.OpConst, D: 1, Imm: a}, {Op: machine.OpConst, D: 2, Imm: b}, in, {Op: machine.OpHalt}}}
		var st *step
		d := uint64(0)
		r, err := s.fill(p, nil, limits, func(x *execution) *candidate {
			if x.pc == 2 && !x.ended {
				st, d = (&filler{sys: s}).choose(x), x.d
			}
			return nil
		})
		if err != nil || st == nil {
			return
		}
		l := &local{s, r.Contents}
		v := make([]fr.Element, len(st.Columns))
		r.Filling.values(st.Chip, len(r.Filling.Rows[st.Name])-1, v)
		if l.exchange(st.Chip, v) == nil {
			return
		}
		k := s.compiled()[st.Name]
		var wrong []string
		for n := range st.Messages {
			m := &st.Messages[n]
			if to := k.tuple(n, v)[0]; m.Bus == BusRegisters && m.Send {
				want := map[uint64]uint64{slotA: a, slotB: b, slotD: d}[to.Uint64()>>slotBits&3]
				if got := k.messages[n].value[0].at(v); got != fr.NewElement(want) {
					wrong = append(wrong, got.String())
					if to.Uint64()>>slotBits&3 != slotD {
						return // it is not what the register has
					}
				}
			}
		}
		if wrong != nil {
			t.Errorf("%s of %#x and %#x: %s shows %s, not %#x", in.Op, a, b, st.Name, wrong, d)
		}
	}
	for op := machine.OpAdd32; op <= machine.OpWrap; op++ {
		switch op {
		case machine.OpRotl32, machine.OpRotl32I, machine.OpRotr32:
			continue // see docs/circuits.md: they stand on registers being as the machine keeps them
		}
		if !op.Writes() {
			continue
		}
		for _, a := range wide {
			for _, b := range wide {
				try(machine.Instr{Op: op, D: 3, A: 1, B: 2, Imm: b & mask(32)}, a, b)
			}
		}
	}
}
