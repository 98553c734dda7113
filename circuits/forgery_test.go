package circuits

import (
	"errors"
	"slices"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// forgery is an honest run and a way to change it.
type forgery struct {
	name    string
	program *machine.Program
	change  func(f *forged)
}

// forged is a filling that is being changed, and what it is checked against.
type forged struct {
	*testing.T
	sys      *System
	run      *Run
	f        *Filling
	contents Contents
}

// clone is a filling that can be changed.
func (f *Filling) clone() *Filling {
	g := &Filling{Rows: make(map[string][]Row)}
	for name, rows := range f.Rows {
		for _, r := range rows {
			g.Rows[name] = append(g.Rows[name], slices.Clone(r))
		}
	}
	for name, wide := range f.Wide {
		for at, e := range wide {
			g.Put(name, at, e)
		}
	}
	return g
}

// get and put read and write a column; of limbs, the lowest.
func (f *forged) get(chip string, row int, column string) uint64 {
	return f.f.Rows[chip][row][f.sys.Chip(chip).Column(column)]
}

func (f *forged) put(chip string, row int, column string, v uint64) {
	f.Helper()
	at := f.sys.Chip(chip).Column(column)
	if at < 0 || row >= len(f.f.Rows[chip]) {
		f.Fatalf("%s row %d has no %s", chip, row, column)
	}
	f.f.Rows[chip][row][at] = v
}

// less makes a column a negative number.
func (f *forged) less(chip string, row int, column string, v uint64) {
	var x fr.Element
	x.SetUint64(v)
	x.Neg(&x)
	f.f.Put(chip, Entry{row, f.sys.Chip(chip).Column(column)}, x)
}

// add appends a row; drop takes one away.
func (f *forged) add(chip string, r Row) { f.f.Rows[chip] = append(f.f.Rows[chip], r) }

func (f *forged) drop(chip string, row int) Row {
	r := f.f.Rows[chip][row]
	f.f.Rows[chip] = slices.Delete(f.f.Rows[chip], row, row+1)
	return r
}

// fetched makes the program's multiplicities what the rows fetch: a forger is free to.
func (f *forged) fetched() {
	uses := make(map[tuple]uint64)
	for _, c := range f.sys.Chips {
		k := f.sys.compiled()[c.Name]
		v := make([]fr.Element, len(c.Columns))
		for i := range f.f.Rows[c.Name] {
			f.f.values(c, i, v)
			for n := range c.Messages {
				if m := &c.Messages[n]; m.Bus == BusFetch && !m.Send {
					uses[k.tuple(n, v)]++
				}
			}
		}
	}
	for _, kind := range programKinds() {
		f.f.Rows[kind.name] = nil
		for _, given := range f.contents[kind.name].Rows {
			r := append(append(Row{1}, given...), 1)
			if r[len(r)-1] = uses[f.sys.fetched(kind.name, r)]; r[len(r)-1] > 0 {
				f.add(kind.name, r)
			}
		}
	}
}

// fetched is what a row of one of the program's tables sends.
func (s *System) fetched(table string, r Row) tuple {
	v := make([]fr.Element, len(r))
	(&Filling{Rows: map[string][]Row{table: {r}}}).values(s.Chip(table), 0, v)
	return s.compiled()[table].tuple(0, v)
}

func instr(op machine.Op, d, a, b uint16, imm uint64) machine.Instr {
	return machine.Instr{Op: op, D: d, A: a, B: b, Imm: imm}
}

func put(d uint16, v uint64) machine.Instr { return instr(machine.OpConst, d, 0, 0, v) }

// TestForgeries changes honest runs in ways that somebody might profit from. Each is refused.
func TestForgeries(t *testing.T) {
	s := New()
	state := func(code ...machine.Instr) *machine.Program { return withState(t, code...) }
	halt := machine.Instr{Op: machine.OpHalt}
	step := uint64(1) << stepBits
	twice := state(put(1, 5), put(1, 6), instr(machine.OpMove, 2, 1, 0, 0))
	stored := state(put(1, 62), machine.Instr{Op: machine.OpStore32AI, T: 64, Imm: 1}, machine.Instr{Op: machine.OpStore32AI, T: 64, Imm: 2}, machine.Instr{Op: machine.OpLoad32U, D: 2, A: 1, T: 2})
	charged := state(machine.Instr{Op: machine.OpCharge, W: 5}, machine.Instr{Op: machine.OpCharge, W: 7})
	called := state(put(3, 1), machine.Instr{Op: machine.OpCall, D: 1, Imm: 20<<32 | 5, T: 3}, halt, machine.Instr{Op: machine.OpReturn, A: 1, Imm: 20})
	grown := state(put(1, 1), instr(machine.OpMemoryGrow, 2, 1, 0, 0), machine.Instr{Op: machine.OpStore32AI, T: 1<<16 + 8, Imm: 3}, machine.Instr{Op: machine.OpLoad32UA, D: 2, T: 1<<16 + 8})
	branched := state(put(1, 1), machine.Instr{Op: machine.OpBrEq32I, A: 1, Imm: 1, T: 4}, halt, halt)
	for _, g := range []forgery{
		{"nothing is changed", twice, nil},

		{"an older value is read", twice, func(f *forged) {
			f.put("move", 0, "x", 5)
			f.put("move", 0, "since0_0", f.get("move", 0, "since0_0")+4)
			f.put(nameRegister, 1, "last", 5)
		}},
		{"a later value is read", twice, func(f *forged) {
			f.put("move", 0, "x", 9)
			f.put(nameRegister, 1, "last", 9)
			f.less("move", 0, "since0_0", 5)
		}},
		{"a value is read that was never written, at the time of the read", twice, func(f *forged) {
			f.put("move", 0, "x", 9)
			f.put(nameRegister, 1, "last", 9)
			f.less("move", 0, "since0_0", 1) // the row takes up what it puts down
		}},
		{"an access is shifted in time by its index", twice, func(f *forged) {
			f.put("move", 0, "a", 1+1<<slotBits)
			f.put("move", 0, "since0_0", f.get("move", 0, "since0_0")+1)
		}},
		{"a register has two beginnings", twice, func(f *forged) {
			f.add(nameRegister, slices.Clone(f.f.Rows[nameRegister][0]))
		}},
		{"a second chain of the image", twice, func(f *forged) {
			f.add(nameStatement, slices.Clone(f.f.Rows[nameStatement][0]))
		}},
		{"two statements, of which one does not count", twice, func(f *forged) {
			r := slices.Clone(f.f.Rows[nameStatement][0])
			r[On] = 0
			f.add(nameStatement, r)
		}},
		{"two rows send each other's values on one key", twice, func(f *forged) {
			r := f.sys.Chip(nameRefresh)
			for _, v := range []uint64{6, 5} {
				row := make(Row, len(r.Columns))
				row[On], row[1], row[2] = 1, step*2+3<<slotBits+1, v
				f.add(nameRefresh, row)
			}
		}},
		{"a register's refresh changes it", twice, func(f *forged) {
			r := f.sys.Chip(nameRefresh)
			row := make(Row, len(r.Columns))
			row[On], row[1], row[2] = 1, step+3<<slotBits+1, 9
			f.add(nameRefresh, row)
		}},
		{"an older word is loaded", stored, func(f *forged) {
			f.put("load32_u +0", 0, "word0 whole", 1)
			f.put(nameRegister, 1, "last", 1)
			f.put("load32_u +0", 0, "since1_2", f.get("load32_u +0", 0, "since1_2")+1<<(stepBits-16))
			f.put(nameWordInit, 0, "last", 1)
		}},
		{"a word is loaded that is not there", stored, func(f *forged) { // 2^66 words further on, and one tick of the clock before
			f.put("load32_u +0", 0, "word0 whole", 77)
			f.put(nameRegister, 1, "last", 77)
			f.less("load32_u +0", 0, "since1_0", 1)
		}},
		{"an initialised word begins as 0", stored, func(f *forged) {
			r := f.drop(nameWordInit, 0)
			f.add(nameWord, r[:len(r)-1])
		}},
		{"an initialised word is left out", stored, func(f *forged) { f.drop(nameWordInit, 1) }},
		{"a word begins as something", stored, func(f *forged) { f.put(nameWordInit, 0, "first", 3) }},
		{"a word's first time is free", grown, func(f *forged) { f.put(nameGrown, 0, "since", 0) }},
		{"a page grew before it did", grown, func(f *forged) {
			f.put(namePage, 0, "clock0", 1)
			f.put(nameGrown, 0, "since", f.get(nameGrown, 0, "since")+1)
		}},
		{"a word that grew was there from the beginning", grown, func(f *forged) {
			r := f.drop(nameGrown, 0)
			f.add(nameWord, r[:len(f.sys.Chip(nameWord).Columns)])
		}},
		{"a page that did not grow", grown, func(f *forged) {
			r := slices.Clone(f.f.Rows[namePage][0])
			r[f.sys.Chip(namePage).Column("page0")]++
			f.add(namePage, r)
		}},

		{"an instruction of another pc", charged, func(f *forged) { f.put("charge", 1, "pc", 0); f.fetched() }},
		{"an instruction past the end", charged, func(f *forged) { f.put("halt", 0, "pc", 3); f.fetched() }},
		{"a pc beyond all", charged, func(f *forged) { f.put("halt", 0, "pc", 2+1<<pcBits); f.fetched() }},
		{"a pc below zero", charged, func(f *forged) { f.less("charge", 0, "pc", 1); f.fetched() }},
		{"a step is left out", charged, func(f *forged) { f.drop("charge", 1); f.fetched() }},
		{"a step is done twice", charged, func(f *forged) { f.add("charge", slices.Clone(f.f.Rows["charge"][1])); f.fetched() }},
		{"the run stops early", charged, func(f *forged) { f.drop("halt", 0); f.fetched() }},
		{"the run goes on after its end", charged, func(f *forged) {
			f.add("charge", Row{1, f.get("halt", 0, "clock") + step, 0})
			f.fetched()
		}},
		{"a charge is not counted", charged, func(f *forged) {
			rows := f.f.Rows[nameProgram+" charging"]
			rows[0][len(rows[0])-1] = 0
		}},
		{"steps go around beside the run", charged, func(f *forged) {
			f.add("charge", Row{1, 9 * step, 0})
			f.add("charge", Row{1, 10 * step, 1})
			f.fetched()
		}},
		{"a call of itself with a step back in time", called, func(f *forged) {
			r := slices.Clone(f.f.Rows["call"][0])
			f.add("call", r)
			f.less("call", 1, "frame", step)
			f.put("call", 1, "target", 1)
			f.fetched()
		}},
		{"a return to another frame", called, func(f *forged) { f.put("return", 0, "frame0", 4) }},
		{"a return to another place", called, func(f *forged) { f.put("return", 0, "back0", 3) }},
		{"a return whose frame takes from the place", called, func(f *forged) {
			f.put("return", 0, "back0", 2+1<<linkFrame)
			f.put("return", 0, "frame0", 4)
		}},
		{"a call that gives less depth than it takes", called, func(f *forged) { f.put("call", 0, "depth left0", 0xffff) }},
		{"a branch into the middle", branched, func(f *forged) {
			f.put("branch if equal to constant", 0, "to", 3)
			f.put("halt", 0, "pc", 3)
			f.fetched()
		}},
		{"a branch's constant is traded for its target", branched, func(f *forged) {
			f.put("const", 0, "x", 2)
			f.put("branch if equal to constant", 0, "x", 2)
			f.fetched()
		}},
		{"padding that sends", charged, func(f *forged) {
			r := slices.Clone(f.f.Rows["charge"][0])
			r[On] = 2
			f.add("charge", r)
		}},
		{"a row that counts by a half", charged, func(f *forged) {
			var half fr.Element
			half.SetUint64(2).Inverse(&half)
			f.f.Put("charge", Entry{0, On}, half)
		}},
	} {
		t.Run(g.name, func(t *testing.T) {
			r := honest(t, s, g.program, nil)
			f := &forged{t, s, r, r.Filling.clone(), r.Contents}
			if g.change != nil {
				g.change(f)
			}
			s.settle(f.f, f.contents)
			if g.change == nil {
				f.fetched()
			}
			switch err := s.Check(f.f, f.contents); {
			case g.change == nil && err != nil:
				t.Errorf("refused: %v", err)
			case g.change != nil && !errors.Is(err, ErrRefused):
				t.Errorf("accepted: %v", err)
			default:
				t.Log(err)
			}
		})
	}
}

// TestPermutedRows checks that the order of rows means nothing.
func TestPermutedRows(t *testing.T) {
	s := New()
	r := honest(t, s, samples(t)[0], nil)
	f := r.Filling.clone()
	for name := range f.Rows {
		if !s.Chip(name).Columns[On].Given { // those are in the order of what the verifier knows
			slices.Reverse(f.Rows[name])
		}
	}
	if err := s.Check(f, r.Contents); err != nil {
		t.Error(err)
	}
}

// TestAcrossTheEnd runs accesses that end beyond the memory as if the memory were larger: a store across the end that writes its first word, and loads and stores that begin
// there. Nothing but the words' image stands against it.
func TestAcrossTheEnd(t *testing.T) {
	s := New()
	for _, in := range []machine.Instr{
		{Op: machine.OpStore64AI, T: 1<<16 - 4, Imm: 1<<40 + 3}, {Op: machine.OpLoad64A, D: 1, T: 1<<16 - 4}, {Op: machine.OpStore8AI, T: 1 << 16}, {Op: machine.OpLoad8UA, T: 1 << 16},
	} {
		code := []machine.Instr{in}
		small, large := withPages(t, 1, code...), withPages(t, 2, code...)
		r := honest(t, s, large, nil)
		contents := s.Contents(small, r.Statement)
		f := &forged{t, s, r, r.Filling.clone(), contents}
		copy(f.f.Rows[nameStatement][0][1:], contents[nameStatement].Rows[0])
		f.f.Rows[nameCellTable] = nil
		for _, given := range contents[nameCellTable].Rows {
			f.add(nameCellTable, given)
		}
		pages := slices.IndexFunc(f.f.Rows[nameCellInit], func(r Row) bool { return r[1] == cellPages })
		f.put(nameCellInit, pages, "first", 1)
		f.put(nameCellInit, pages, "last", 1)
		last := f.get(nameWord, len(f.f.Rows[nameWord])-1, "address") + 1
		f.less(nameStatement, 0, "room0", last-1<<14)
		f.put(nameStatement, 0, "room1", 0)
		s.settle(f.f, contents)
		if err := s.Check(f.f, contents); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: accepted: %v", &in, err)
		}
	}
}

// TestStatement checks an honest run against what it is not: another end, another fuel, output, input or program.
func TestStatement(t *testing.T) {
	s := New()
	for _, w := range append(limited(t), work{"charges", withState(t, machine.Instr{Op: machine.OpCharge, W: 7}), nil, limits}) {
		r, err := s.Fill(w.program, w.streams, w.limits)
		if err != nil {
			t.Fatal(err)
		}
		for name, st := range map[string]func(st *Statement){
			"another kind of end": func(st *Statement) { st.End ^= 7 },
			"another trap":        func(st *Statement) { st.End ^= 1 << endTrap },
			"another code":        func(st *Statement) { st.End += 1 << endCode },
			"less fuel":           func(st *Statement) { st.Fuel-- },
			"more fuel":           func(st *Statement) { st.Fuel++ },
			"more output":         func(st *Statement) { st.Outputs[0] = append(slices.Clone(st.Outputs[0]), 0) },
		} {
			wrong := r.Statement
			st(&wrong)
			f := &forged{t, s, r, r.Filling.clone(), s.Contents(w.program, wrong)}
			copy(f.f.Rows[nameStatement][0][1:], f.contents[nameStatement].Rows[0])
			f.f.Rows[nameOutput] = nil
			for _, given := range f.contents[nameOutput].Rows {
				f.add(nameOutput, given)
			}
			if err := s.Check(f.f, f.contents); !errors.Is(err, ErrRefused) {
				t.Errorf("%s: %s: accepted: %v", w.name, name, err)
			}
		}
		for _, lim := range []link.Limits{{Fuel: r.Statement.Fuel + 100, Output: w.limits.Output + 100}, {Fuel: r.Statement.Fuel - 1, Output: w.limits.Output}} {
			if o := r.Result.Outcome; o.Kind == link.OutOfFuel && lim.Fuel > r.Statement.Fuel || o.Kind == link.OutputFull && lim.Output > w.limits.Output || lim.Fuel < r.Statement.Fuel {
				if r.Statement.Of(o, r.Result.Fuel, lim) {
					t.Errorf("%s: %+v states %s within %+v", w.name, r.Statement, o, lim)
				}
			}
		}
	}
}
