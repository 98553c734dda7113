package circuits

import (
	"fmt"

	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// UnprovableError says that a run came to something that no chip shows.
type UnprovableError struct {
	PC    uint32
	Op    machine.Op
	Place machine.Place // what the instruction was made for
	Why   string
}

// Error names the operation and the place.
func (e *UnprovableError) Error() string {
	return fmt.Sprintf("circuits: %s at @%d, made for instruction %d of function %d: %s", e.Op, e.PC, e.Place.Instr, e.Place.Func, e.Why)
}

// Run is a run of a program and how the chips show it.
type Run struct {
	Filling  *Filling
	Contents Contents // what the verifier knows of it
	Result   link.Result
	Steps    uint64
}

// Fill runs a program on streams within limits, and fills the chips. It takes some hundred bytes a step. The error is an [UnprovableError],
// or [machine.ErrHost].
func (s *System) Fill(p *machine.Program, streams [][]byte, lim link.Limits) (*Run, error) {
	f := &filler{sys: s, program: p, machine: machine.New(p, streams, lim), filling: &Filling{Rows: make(map[string][]row)}, spaces: newSpaces(p)}
	f.entries, f.index = s.entries(p)
	f.uses = make([]uint64, len(f.entries))
	for step := uint64(1); !f.machine.Ended(); step++ {
		if step > MaxSteps {
			return nil, f.unprovable(f.machine.PC(), "the run is too long for one proof")
		}
		if err := f.step(step); err != nil {
			return nil, err
		}
	}
	result := f.machine.Result()
	end, ok := endOf(result.Outcome)
	if !ok {
		return nil, f.unprovable(f.machine.PC(), "no proof shows the end "+result.Outcome.String())
	}
	contents := s.Contents(p, Statement{End: end, Fuel: result.Fuel})
	f.finish(contents)
	return &Run{f.filling, contents, result, f.machine.Steps()}, nil
}

// filler follows a run.
type filler struct {
	sys     *System
	program *machine.Program
	machine *machine.Machine
	filling *Filling
	spaces  [numBuses]*space
	entries [][]uint64
	index   map[entryKey]int
	uses    []uint64
	clock   uint64
}

func (f *filler) unprovable(pc uint32, why string) error {
	return &UnprovableError{pc, f.program.Code[pc].Op, f.program.Place(pc), why}
}

// add appends a row that counts, and returns it.
func (f *filler) add(c *Chip) row {
	r := make(row, len(c.Columns))
	r[On] = 1
	f.filling.Rows[c.Name] = append(f.filling.Rows[c.Name], r)
	return r
}

// step takes one step.
func (f *filler) step(step uint64) error {
	m := f.machine
	pc, fp := m.PC(), m.FP()
	in := &f.program.Code[pc]
	x := &execution{in: in, pc: pc, fp: fp, a: m.Register(fp + uint32(in.A)), b: m.Register(fp + uint32(in.B)), c: m.Register(fp + uint32(uint16(in.T))),
		word: f.spaces[BusMemory].word}
	x.from = x.a
	if in.Op == machine.OpMoveFar {
		x.from = m.Register(fp + uint32(in.Imm))
	}
	if _, err := m.Run(1); err != nil {
		return err
	}
	x.d, x.next, x.ended = m.Register(fp+uint32(in.D)), m.PC(), m.Ended()
	if x.ended {
		x.end, _ = endOf(m.Outcome())
	}
	st := f.sys.choose(x)
	if st == nil || !st.format.fits(in) {
		return f.unprovable(pc, "no proof shows this operation")
	}
	f.clock = uint64(fp) + step<<stepBits
	r := f.add(st.Chip)
	r.set(st.clock, f.clock)
	r.set(st.pc, uint64(pc))
	st.fill(x, r)
	for i := range st.accesses {
		f.access(&st.accesses[i], x, r, step)
	}
	f.uses[f.index[entryKey{pc, st.format.code}]]++
	return nil
}

// choose returns the chip for a step, or nil.
func (s *System) choose(x *execution) *step {
	for _, st := range s.byOp[x.in.Op] {
		if st.takes(x) {
			return st
		}
	}
	return nil
}

// access fills the columns of an access to a cell.
func (f *filler) access(a *access, x *execution, r row, step uint64) {
	at := a.index(x)
	c := f.spaces[a.bus].use(at)
	now := f.clock + uint64(a.slot)
	if a.bus == BusRegisters {
		now = step<<(stepBits-slotBits) + uint64(a.slot)
		if now-c.last > 1<<16 {
			f.refresh(at, c, now-1)
		}
	}
	r.limbs(a.since, now-c.last-1)
	c.last = now
	if a.fresh != nil {
		old := c.value
		if len(a.old.Terms) > 0 {
			r.set(a.old, old)
		}
		c.value = a.fresh(x, old)
	}
}

// refresh makes a register younger.
func (f *filler) refresh(at uint64, c *cell, now uint64) {
	chip := f.sys.Chip(nameRefresh)
	r := f.add(chip)
	r[1], r[2] = at+c.last<<slotBits, c.value
	since := now - c.last - 1
	r[3], r[4] = since&0xffff, since>>16
	c.last = now
}
