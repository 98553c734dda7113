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
	Fuel  uint64        // charged before it
	Why   string
}

// Error names the operation and the place.
func (e *UnprovableError) Error() string {
	return fmt.Sprintf("circuits: %s at @%d, made for instruction %d of function %d: %s", e.Op, e.PC, e.Place.Instr, e.Place.Func, e.Why)
}

// Run is a run of a program and how the chips show it.
type Run struct {
	Filling   *Filling
	Statement Statement
	Contents  Contents // what the verifier knows of it
	Result    link.Result
	Steps     uint64

	program *machine.Program
}

// Fill runs a program on streams within limits, and fills the chips. It takes some hundred bytes a step. The error is an [UnprovableError],
// or [machine.ErrHost].
func (s *System) Fill(p *machine.Program, streams [][]byte, lim link.Limits) (*Run, error) {
	return s.FillHidden(p, streams, lim, nil)
}

// follow is Fill with a look at each step, or nil. A look that changes something makes a forgery: see the tests. hides is what is hidden; nil is nothing.
func (s *System) follow(p *machine.Program, streams [][]byte, lim link.Limits, look look, hides *Cover) (*Run, error) {
	f := &filler{hides: hides, sys: s, program: p, machine: machine.New(p, streams, lim), filling: &Filling{Rows: make(map[string][]Row)}, spaces: newSpaces(p), uses: make(map[entryKey]uint64), look: look, streams: streams, limit: lim.Fuel, memory: lim.Memory}
	if f.machine.Ended() {
		return nil, fmt.Errorf("circuits: a run that takes no step ends in %s: there is nothing to prove", f.machine.Outcome())
	}
	for step := uint64(1); f.last == nil; step++ {
		if step > MaxSteps {
			return nil, f.unprovable(f.machine.PC(), "the run is too long for one proof")
		}
		if err := f.step(step); err != nil {
			return nil, err
		}
	}
	result := f.machine.Result()
	st := Statement{End: f.last.end, Fuel: result.Fuel, Memory: lim.Memory, Inputs: streams, Outputs: result.Streams}
	if result.Outcome.Kind == link.OutOfFuel {
		st.Fuel = f.charged
	}
	f.fuel = st.Fuel
	if err := hides.cover(&st); err != nil {
		return nil, err
	}
	contents := s.Contents(p, st)
	f.finish(contents)
	return &Run{f.filling, st, contents, result, f.machine.Steps(), p}, nil
}

// filler follows a run.
type filler struct {
	sys     *System
	program *machine.Program
	machine *machine.Machine
	filling *Filling
	spaces  *spaces
	uses    map[entryKey]uint64
	clock   uint64
	charged uint64 // fuel, before the last step
	fuel    uint64 // charged, with it
	hides   *Cover // nil: nothing
	streams [][]byte
	limit   uint64
	memory  uint32     // cap
	grewAt  []uint64   // by page: when it grew
	last    *execution // the step that ended the run
	look    look
}

// look sees each step before it is written down. It may choose the chip; nil leaves that to the step.
type look func(x *execution) *candidate

func (f *filler) unprovable(pc uint32, why string) error {
	return &UnprovableError{pc, f.program.Code[pc].Op, f.program.Place(pc), f.charged, why}
}

// add appends a row that counts, and returns it.
func (f *filler) add(c *Chip) Row {
	r := make(Row, len(c.Columns))
	r[On] = 1
	f.filling.Rows[c.Name] = append(f.filling.Rows[c.Name], r)
	return r
}

// step takes one step.
func (f *filler) step(step uint64) error {
	m := f.machine
	pc, fp := m.PC(), m.FP()
	in := &f.program.Code[pc]
	f.charged = f.limit - m.Fuel()
	if _, err := m.Run(1); err != nil {
		return err
	}
	d := uint32(in.D)
	if in.Op == machine.OpMoveFar {
		d = in.T
	}
	x := &execution{most: uint64(min(f.memory, f.program.MostPages())), program: f.program, tapes: f.streams, streams: uint64(len(f.streams)), in: in, depth: uint64(m.Depth()), pc: pc, fp: fp, d: m.Register(fp + d), next: m.PC(), ended: m.Ended(), spaces: f.spaces}
	if x.ended {
		x.end = endOf(m.Outcome())
		switch m.Outcome().Kind {
		case link.OutOfFuel:
			next := uint64(in.W)
			if f.charged+next <= f.limit { // it is a bulk operation that could not be paid
				f.charged += next
				next = (x.counter(2) + 7) / 8
			}
			x.end |= next << endCode
		case link.OutputFull:
			x.end |= x.reg(opC) << endCode
		}
	}
	st := f.choose(x)
	if x.ended {
		f.last = x
	}
	if st == nil {
		return f.unprovable(pc, "no proof shows this operation")
	}
	f.clock = uint64(fp) + step<<stepBits
	r := f.add(st.Chip)
	r.set(st.clock, f.clock)
	r.set(st.pc, uint64(x.pc))
	st.operandsOf(x, r)
	st.fill(x, r)
	if x.in.Op == machine.OpMemoryGrow && x.d != 1<<32-1 {
		f.grown(x.d, x.reg(opA))
	}
	for _, h := range st.helps {
		f.help(h, x)
	}
	at, fresh := make([]uint64, len(st.accesses)), make([]uint64, len(st.accesses))
	for i, a := range st.accesses { // all by what was there before the step
		at[i] = a.at(x)
		if a.fresh != nil {
			fresh[i] = a.fresh(x)
		}
	}
	for i := range st.accesses {
		f.access(&st.accesses[i], r, step, at[i], fresh[i])
	}
	f.uses[entryKey{x.pc, st.code}]++
	return nil
}

// choose returns the chip for a step, or nil.
func (f *filler) choose(x *execution) *step {
	if f.look != nil {
		if c := f.look(x); c != nil {
			x.use = c.use
			return c.step
		}
	}
	if x.ended && x.end == endFuel|uint64(x.in.W)<<endCode && x.in.W > 0 {
		x.use = f.sys.noFuel.use
		return f.sys.noFuel.step
	}
	for _, c := range f.sys.byOp[x.in.Op] {
		if x.use = c.use; c.use.fits(x.program, x.pc) && (c.use.takes == nil || c.use.takes(x)) {
			return c.step
		}
	}
	return nil
}

// cell returns a cell that is used. A word of a page that grew is as old as its page.
func (f *filler) cell(bus BusID, at uint64) *cell {
	c := f.spaces[bus].use(at)
	if clock, grew := f.since(at); bus == BusMemory && grew && c.last == 0 {
		c.last = clock
	}
	return c
}

// access fills the columns of an access to a cell.
func (f *filler) access(a *access, r Row, step, at, fresh uint64) {
	c := f.cell(a.bus, at)
	now := f.clock + uint64(a.slot)
	if a.bus == BusRegisters {
		now = step<<(stepBits-slotBits) + uint64(a.slot)
		if now-c.last > 1<<16 {
			f.refresh(at, c, now-1)
		}
	}
	r.limbs(a.since, now-c.last-1)
	c.last = now
	if len(a.old.Terms) > 0 {
		r.set(a.old, c.value)
	}
	if a.fresh != nil {
		c.value = fresh
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
