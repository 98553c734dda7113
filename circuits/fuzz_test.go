package circuits

import (
	"encoding/binary"
	"errors"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/trilemma-dev/trilemma/link"
)

// FuzzMutations changes some columns of an honest run of a generated module, in one row or in several, and lets lookups follow: it is refused, or what was changed means the
// same.
func FuzzMutations(f *testing.F) {
	s := New()
	for i := range uint64(20) {
		f.Add(i, []byte{byte(i), 3, 7, 200, byte(9 * i), 1, 77, 13, byte(i), 5, 1, 2, 3, 4})
	}
	f.Fuzz(func(t *testing.T, seed uint64, how []byte) {
		rng := rand.New(rand.NewPCG(seed, 5))
		module := make([]byte, 400)
		for i := range module {
			module[i] = byte(rng.Uint32())
		}
		r := generated(t, s, module, seed, link.Limits{Fuel: 300, Memory: 4, Output: 16})
		if r == nil {
			return
		}
		g := r.Filling.clone()
		l := &local{s, r.Contents}
		same := true
		for ; len(how) >= 4; how = how[min(len(how), 6):] {
			c := s.Chips[int(binary.LittleEndian.Uint16(how))%len(s.Chips)]
			rows := g.Rows[c.Name]
			if c.Table || len(rows) == 0 {
				continue
			}
			row := int(how[2]) % len(rows)
			col := int(how[3]) % len(c.Columns)
			if c.Columns[col].Given {
				continue
			}
			was := r.Filling.Rows[c.Name][row]
			all := changes(was[col], c.Columns[col].Bits)
			rows[row][col] = all[int(how[len(how)-1])%len(all)]
			v, w := make([]fr.Element, len(c.Columns)), make([]fr.Element, len(c.Columns))
			r.Filling.values(c, row, v)
			g.values(c, row, w)
			before, after := l.exchange(c, v), l.exchange(c, w)
			same = same && after != nil && maps.Equal(before, after)
		}
		s.settle(g, r.Contents)
		if err := s.Check(g, r.Contents); err == nil && !same {
			t.Error("accepted")
		} else if err != nil && !errors.Is(err, ErrRefused) {
			t.Error(err)
		}
	})
}

// FuzzSemantics lets one step of a generated module leave another result, which all that follows is consistent with as far as it can: it is refused.
func FuzzSemantics(f *testing.F) {
	s := New()
	for i := range uint64(30) {
		f.Add(i, i*7, uint64(1)<<i)
	}
	f.Fuzz(func(t *testing.T, seed, at, change uint64) {
		rng := rand.New(rand.NewPCG(seed, 6))
		module := make([]byte, 400)
		for i := range module {
			module[i] = byte(rng.Uint32())
		}
		lim := link.Limits{Fuel: 300, Memory: 4, Output: 16}
		r := generated(t, s, module, seed, lim)
		if r == nil || change == 0 {
			return
		}
		changed := false
		step, chip, row := uint64(0), "", 0
		count := make(map[string]int)
		forged, err := s.fill(r.program, r.Statement.Inputs, link.Limits{Fuel: r.Statement.Fuel, Memory: lim.Memory, Output: lim.Output}, func(x *execution) *candidate {
			if step++; step >= at%r.Steps && !changed && x.in.Op.Writes() && !x.ended {
				x.d ^= change
				changed = true
			}
			c := (&filler{sys: s}).choose(x)
			if changed && chip == "" && c != nil {
				chip, row = c.Name, count[c.Name]
			}
			if c != nil {
				count[c.Name]++
			}
			return nil
		})
		if err != nil || !changed {
			return
		}
		refused(t, s, forged, forged.Filling, s.Chip(chip), row, "another result")
	})
}
