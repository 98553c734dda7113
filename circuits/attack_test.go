package circuits

import (
	"errors"
	"testing"

	"github.com/trilemma-dev/trilemma/machine"
)

// chip returns the use of an operation by the chip of a name.
func (s *System) use(t *testing.T, op machine.Op, name string) *candidate {
	t.Helper()
	for i := range s.byOp[op] {
		if c := &s.byOp[op][i]; c.step.Name == name {
			return c
		}
	}
	t.Fatalf("%s is not shown by %s", op, name)
	return nil
}

// TestPageThatNeverGrew loads from a page beyond the memory, which a row of the table of pages has that is padding.
func TestPageThatNeverGrew(t *testing.T) {
	const page = 5
	s := New()
	p := withState(t, machine.Instr{Op: machine.OpLoad32UA, T: page << 16, D: 4})
	steps := 0
	r, err := s.fill(p, nil, limits, func(x *execution) *candidate {
		if steps++; steps == 1 {
			x.ended, x.end, x.d = false, 0, 0
			return s.use(t, machine.OpLoad32UA, "load32_u +0 absolute")
		}
		x.in, x.pc, x.end = &p.Code[1], 1, endOK
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	f := r.Filling
	words := f.Rows[nameWord]
	word := words[len(words)-1]
	f.Rows[nameWord] = words[:len(words)-1]
	from, to, st := s.Chip(nameWord), s.Chip(nameGrown), s.Chip(nameStatement)
	last := f.Rows[nameWordInit][len(f.Rows[nameWordInit])-1][from.Column("address")] + 1
	g := make(Row, len(to.Columns))
	g[On] = 1
	to.put(g, "address", 1, word[from.Column("address")])
	to.put(g, "gap0", 2, word[from.Column("address")])
	to.put(g, "page0", 1, page)
	copy(g[to.Column("clock0"):], word[from.Column("clock0"):from.Column("clock0")+3])
	f.Rows[nameGrown] = []Row{g}
	st.put(f.Rows[nameStatement][0], "room0", 2, 1<<pageWords-last)
	st.put(f.Rows[nameStatement][0], "grown0", 2, page<<pageWords+1)
	for _, on := range []uint64{0, 1} {
		pages := s.Chip(namePage)
		row := make(Row, len(pages.Columns))
		row[On] = on
		pages.put(row, "page0", 1, page)
		pages.put(row, "uses", 1, 1)
		f.Rows[namePage] = []Row{row}
		s.settle(f, r.Contents)
		if err := s.Check(f, r.Contents); !errors.Is(err, ErrRefused) {
			t.Errorf("a page whose row counts %d times: %v", on, err)
		}
	}
}

// TestMemoryAboveCap shows a run under a greater cap than the statement's, which is less than what the memory begins with.
func TestMemoryAboveCap(t *testing.T) {
	s := New()
	p := withState(t, machine.Instr{Op: machine.OpLoad32UA, T: 64, D: 4})
	r := honest(t, s, p, nil)
	r.Statement.Memory = 0
	r.Contents = s.Contents(p, r.Statement)
	copy(r.Filling.Rows[nameStatement][0][1:], r.Contents[nameStatement].Rows[0])
	for _, row := range r.Filling.Rows[nameMost] {
		row[1] = 0
	}
	if err := s.Check(r.Filling, r.Contents); !errors.Is(err, ErrRefused) {
		t.Errorf("a memory of %d pages under a cap of none: %v", p.InitialPages(), err)
	}
}

// TestPaddedTables looks up rows of zeros, with which tables are padded, by every chip that looks something up: such a row must be one of the table's own, or match nothing
// that a row can ask for.
func TestPaddedTables(t *testing.T) {
	s := New()
	// A number that a row is free to choose could ask for anything, so its table has to tell padding itself.
	for name, forge := range map[string]struct {
		code   []machine.Instr
		change func(f *Filling)
	}{
		"a shift by nothing gives nothing": {
			[]machine.Instr{{Op: machine.OpConst, D: 1, Imm: 77}, {Op: machine.OpConst, D: 2}, {Op: machine.OpShrU64, D: 3, A: 1, B: 2}},
			func(f *Filling) {
				c := s.Chip("shr_u64")
				r := f.Rows[c.Name][0]
				c.put(r, "power", 1, 0)
				for i := range 4 {
					r[c.Column("low0")+i], r[c.Column("high0")+i] = r[c.Column("high0")+i], 0
				}
				r[c.Column("low0")] = 77
			},
		},
	} {
		p := withState(t, forge.code...)
		r := honest(t, s, p, nil)
		f := r.Filling
		forge.change(f)
		for _, row := range f.Rows[nameRegister] {
			if row[1] == 3 {
				row[2] = 0
			}
		}
		s.settle(f, r.Contents)
		for bus := BusPowerLeft32; bus <= BusPowerRight64; bus++ {
			c := s.Chip(s.table(bus))
			f.Rows[c.Name] = append(f.Rows[c.Name], make(Row, len(c.Columns)))
			last := f.Rows[c.Name][len(f.Rows[c.Name])-1]
			if bus == BusPowerRight64 {
				last[len(last)-1] = 1
			}
		}
		if err := s.Check(f, r.Contents); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		} else {
			t.Log(err)
		}
	}
}
