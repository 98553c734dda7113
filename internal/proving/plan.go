package proving

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/circuits/emit"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/prover"
	"github.com/trilemma-dev/trilemma/wasm"
)

// ErrUnprovable says that something was executed, or an end was come to, that no proof shows.
var ErrUnprovable = errors.New("no proof can show this run")

// Unprovable is where a run comes to what no proof shows. It wraps [ErrUnprovable].
type Unprovable struct {
	PC     uint32
	Step   uint64 // how many steps came before it first did that
	Op     machine.Op
	Origin link.Origin
	Source machine.Source
	Why    string
}

// Error names operation, function and place.
func (u *Unprovable) Error() string {
	at := ""
	if u.Source.Offset != 0 {
		at = fmt.Sprintf(" at byte %#x", u.Source.Offset)
	}
	name := u.Origin.Name
	if name == "" {
		name = fmt.Sprintf("function %d", u.Origin.Func)
	}
	return fmt.Sprintf("%v: %s in %s (%s)%s: %s", ErrUnprovable, u.Op, name, u.Origin.Kind, at, u.Why)
}

// Unwrap makes it an [ErrUnprovable].
func (u *Unprovable) Unwrap() error { return ErrUnprovable }

// Traced is a run that is ready to be proved.
type Traced struct {
	Run *circuits.Run
	Estimate
	Execute, Trace time.Duration // running it, and writing down how
}

// Estimate is what a proof takes. All but Bytes and Filling are exact.
type Estimate struct {
	Steps, Fuel uint64
	Used        int // constraints that the run's rows take at least: as if those of a chip stood in one block
	Constraints int // of all parts, with rows that are not used
	Parts       int
	Bytes       int64 // of the proof, within some hundred
	Filling     int64 // bytes of memory that the written run takes
	Part        int   // constraints of the largest part
	Circuits    int   // constraints of all circuits that it takes
	PartBytes   int64 // memory that the largest part takes while it is proved
	Keys        int64 // memory that the circuits and their proving keys take
	Secret      bool  // the run hides something
}

// Trace runs a program and writes down how, for a scheme. guest is the module that was linked, for places in it. It takes no more than so many bytes of memory, 0: some gigabytes.
// The error is an [*Unprovable], wraps [ErrMemory], or is the context's or the host's.
func Trace(ctx context.Context, s *proof.Scheme, p *machine.Program, guest *wasm.Module, streams [][]byte, lim link.Limits, memory int64, now func() time.Time) (*Traced, error) {
	return trace(ctx, s, p, guest, streams, lim, memory, now, nil)
}

// trace is Trace for a run that hides what the cover says, of which the public streams are given; nil is nothing. The error can also wrap [circuits.ErrSecrets].
func trace(ctx context.Context, s *proof.Scheme, p *machine.Program, guest *wasm.Module, streams [][]byte, lim link.Limits, memory int64, now func() time.Time, cover *circuits.Cover) (*Traced, error) {
	start := now()
	all, err := cover.Streams(streams)
	if err != nil {
		return nil, err
	}
	m := machine.New(p, all, lim)
	if memory == 0 {
		memory = maxTraced
	}
	for !m.Ended() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := fits(int64(m.Steps())*stepBytes, memory); err != nil {
			return nil, err
		}
		if _, err := m.Run(slice); err != nil {
			return nil, err
		}
	}
	t := &Traced{Execute: now().Sub(start)}
	start = now()
	run, err := s.Chips.FillHidden(p, streams, lim, cover)
	if u, ok := errors.AsType[*circuits.UnprovableError](err); ok {
		return nil, unprovable(p, guest, all, lim, u)
	}
	if err != nil {
		return nil, err
	}
	t.Run = run
	cut, err := prover.Cut(s, run)
	if err != nil {
		return nil, err
	}
	t.estimate(s, run, cut)
	t.Trace = now().Sub(start)
	return t, nil
}

// slice is how many steps are taken between two looks at the context: some milliseconds.
const slice = 1 << 20

func unprovable(p *machine.Program, guest *wasm.Module, streams [][]byte, lim link.Limits, u *circuits.UnprovableError) error {
	out := &Unprovable{PC: u.PC, Op: u.Op, Why: u.Why}
	m := machine.New(p, streams, lim)
	for m.PC() != u.PC && !m.Ended() {
		if _, err := m.Run(1); err != nil {
			return err
		}
	}
	out.Step = m.Steps()
	place := p.Place(u.PC)
	if place.Func < 0 || guest == nil {
		out.Origin = link.Origin{Kind: link.FromStub, Name: "entry"}
		return out
	}
	out.Origin = p.Linked.Origin[place.Func]
	var err error
	out.Source, err = p.Source(u.PC, guest)
	return errors.Join(out, err)
}

func (e *Estimate) estimate(s *proof.Scheme, run *circuits.Run, cut []emit.Part) {
	e.Steps, e.Fuel, e.Parts, e.Secret = run.Steps, run.Result.Fuel, len(cut), run.Statement.Hidden != nil
	e.Bytes = e.Size(parts.Groth16{})
	for _, c := range s.Chips.Chips {
		rows := run.Filling.Rows[c.Name]
		if n := len(rows); n > 0 {
			e.Used += s.System.BlockCost(c.Name, n, n)
		}
		e.Filling += int64(len(rows)) * int64(len(c.Columns)*8+rowOverhead)
	}
	seen := make(map[*emit.Shape]bool)
	for i := range cut {
		n := cut[i].Shape.Constraints()
		if !seen[cut[i].Shape] {
			seen[cut[i].Shape] = true
			e.Circuits += n
		}
		e.Constraints += n
		e.Part = max(e.Part, n)
	}
	e.PartBytes, e.Keys = int64(e.Part)*perPart, int64(e.Circuits)*circuitBytes
}

// Size is how many bytes a proof takes, with a statement that is as long as most are.
func (e *Estimate) Size(backend parts.Backend) int64 {
	return statementBytes + int64(e.Parts*proof.RecordSize(backend))
}

// statementBytes is what a proof is beside its parts, about.
const statementBytes = 430

// rowOverhead is what a row takes beside its numbers: two slices' heads, and what the allocator rounds up.
const rowOverhead = 64
