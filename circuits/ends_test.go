package circuits

import (
	"fmt"
	"testing"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// outcome is what the end of a statement says, if it is the end of any run.
func (st *Statement) outcome() link.Outcome {
	code := uint32(st.End >> endCode)
	switch st.End & mask(endTrap) {
	case endOK:
		return link.Outcome{Kind: link.OK}
	case endExit:
		return link.Outcome{Kind: link.Exit, Code: code}
	case endDepth:
		return link.Outcome{Kind: link.TooDeep}
	case endFuel:
		return link.Outcome{Kind: link.OutOfFuel}
	case endOutput:
		return link.Outcome{Kind: link.OutputFull}
	}
	for _, k := range []link.TrapKind{link.TrapUnreachable, link.TrapDivideByZero, link.TrapOverflow, link.TrapConversion, link.TrapMemory, link.TrapTable, link.TrapSignature, link.TrapTape} {
		if st.End == endOf(link.Outcome{Kind: link.Trap, Trap: k}) {
			return link.Outcome{Kind: link.Trap, Trap: k}
		}
	}
	return link.Outcome{}
}

// states reports whether what is proved is the end o of a run within limits.
func (st *Statement) states(o link.Outcome, lim link.Limits) bool {
	fuel := st.Fuel
	if o.Kind == link.OutOfFuel {
		fuel = lim.Fuel
	}
	return st.Of(o, fuel, lim)
}

// lie is a step that is shown by another chip than the right one.
type lie struct {
	work
	pc    int // of the first step that executes it
	chip  *candidate
	d     uint64 // what is written, if something is
	whole bool   // d is left as the machine has it
}

// tell fills the chips with a lie. If the chip ends the run, the statement says how; if it does not where the machine stops, the run goes on to the next
// instruction, as if that were a halt. ok is false if that leads nowhere.
func (l *lie) tell(s *System) (r *Run, row int, ok bool) {
	defer func() {
		if recover() != nil { // what fills a chip need not know what to do where it shows nothing
			ok = false
		}
	}()
	const before, now, after = 0, 1, 2
	state := before
	r, err := s.fill(l.program, l.streams, l.limits, func(x *execution) *candidate {
		switch {
		case state == before && x.pc == uint32(l.pc):
			state = now
			if !l.chip.step.stops() {
				state, ok = after, x.ended
			}
			x.ended = l.chip.step.stops()
			if !x.ended {
				x.end = 0
			}
			if !l.whole {
				x.d = l.d
			}
			return l.chip
		case state == after && ok: // the machine has stopped
			halt := machine.Instr{Op: machine.OpHalt}
			x.in, x.pc, x.ended, x.end = &halt, uint32(l.pc)+1, true, endOK
		}
		return nil
	})
	if err != nil || state == before {
		return nil, 0, false
	}
	row = len(r.Filling.Rows[l.chip.step.Name]) - 1
	if state == now {
		end := l.chip.step.Messages[len(l.chip.step.Messages)-1]
		for _, m := range l.chip.step.Messages {
			if m.Bus == BusEnd {
				end = m
			}
		}
		r.Statement.End = end.Value[0].of(r.Filling.Rows[l.chip.step.Name][row])
		if r.Statement.End&mask(endTrap) == endFuel && l.chip.use.free {
			r.Statement.Fuel -= uint64(l.program.Code[l.pc].W)
		}
		r.Contents = s.Contents(l.program, r.Statement)
		st := r.Filling.Rows[nameStatement][0]
		copy(st[1:], r.Contents[nameStatement].Rows[0])
	}
	return r, row, true
}

// TestFalseEnds shows steps of all samples by every other chip that has an entry for the instruction, where one of both ends the run: traps, ends for want of
// fuel, depth or output where there is no such, traps that fall through, one kind of end in place of another. What the circuits accept the statement
// must not.
func TestFalseEnds(t *testing.T) {
	s := New()
	var all []work
	for _, p := range append(samples(t), divisions()...) {
		all = append(all, work{"", p, nil, limits})
	}
	tried, kinds := make(map[string]int), 0
	for _, w := range append(all, limited(t)...) {
		path, end := s.path(t, w)
		for pc, honest := range path {
			in := &w.program.Code[pc]
			for i := range s.byOp[in.Op] {
				kinds += s.lies(t, w, pc, end, honest, &s.byOp[in.Op][i], tried)
			}
			if s.noFuel.use.fits(w.program, uint32(pc)) {
				kinds += s.lies(t, w, pc, end, honest, &s.noFuel, tried)
			}
		}
	}
	t.Logf("%d kinds of lies", kinds)
	if kinds < 500 {
		t.Errorf("only %d", kinds)
	}
}

// path is the chips that show the instructions that a run executes, and how it ends.
func (s *System) path(t *testing.T, w work) (all map[int]*step, end uint64) {
	t.Helper()
	all = make(map[int]*step)
	r, err := s.fill(w.program, w.streams, w.limits, func(x *execution) *candidate {
		if _, ok := all[int(x.pc)]; !ok {
			all[int(x.pc)] = (&filler{sys: s}).choose(x)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, r.Statement.End
}

// lies tells all lies of one kind, unless there were enough of the kind, and returns 1 for the first ones.
func (s *System) lies(t *testing.T, w work, pc int, end uint64, honest *step, c *candidate, tried map[string]int) (first int) {
	t.Helper()
	const enough = 6
	in := &w.program.Code[pc]
	kind := fmt.Sprintf("%s shown by %s, not %s", in.Op, c.step.Name, honest.Name)
	if c.step == honest || !c.use.fits(w.program, uint32(pc)) || !c.step.stops() && !honest.stops() || tried[kind] >= enough {
		return 0
	}
	results := []uint64{0, 1, 1 << 31, 1 << 63, 1<<32 - 1}
	if !in.Op.Writes() || c.step.stops() {
		results = nil
	}
	for i := range len(results) + 1 {
		l := lie{work: w, pc: pc, chip: c, whole: i == 0}
		if i > 0 {
			l.d = results[i-1]
		}
		r, row, ok := l.tell(s)
		if !ok {
			return 0
		}
		if o := r.Statement.outcome(); c.step.stops() && (honest.stops() && r.Statement.End == end || !r.Statement.states(o, w.limits)) {
			continue // it is no lie, since more than one reason holds; or the verifier sees it
		}
		refused(t, s, r, r.Filling, c.step.Chip, row, kind)
	}
	tried[kind]++
	if tried[kind] == 1 {
		return 1
	}
	return 0
}

// divisions are programs with one division each, on a grid of edges: zeros, signs, the overflow, results that are 0.
func divisions() (all []*machine.Program) {
	for op := machine.OpDivS32; op <= machine.OpRemU64; op += 2 {
		bits := alternating(machine.OpAdd32)(op)
		least, minus := uint64(1)<<(bits-1), mask(bits)
		edges := []uint64{0, 1, 7, least - 1, least, minus - 6, minus}
		for _, a := range edges {
			for _, b := range edges {
				for form := range machine.Op(2) {
					all = append(all, &machine.Program{Code: []machine.Instr{{Op: machine.OpConst, D: 1, Imm: a}, {Op: machine.OpConst, D: 2, Imm: b},
						{Op: op + form, D: 3, A: 1, B: 2, Imm: b, W: 4}, {Op: machine.OpHalt}}})
				}
			}
		}
	}
	return all
}
