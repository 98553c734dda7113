package lab

import (
	"context"
	"errors"
	"fmt"
	gort "runtime"
	"time"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/runtime"
)

// MachineRow compares the machine with wazero's interpreter on one work, and with itself when it keeps a transcript. Speeds are
// in millions of Wasm instructions per second, by the host's clock.
type MachineRow struct {
	Guest       string  `json:"guest"`
	Call        string  `json:"call"`
	Fuel        uint64  `json:"fuel"` // Wasm instructions
	Steps       uint64  `json:"steps"`
	Segments    uint64  `json:"segments"`
	PerInstr    float64 `json:"steps_per_instruction"`
	Machine     float64 `json:"machine_mips"`
	Recording   float64 `json:"recording_mips"`
	Interpreter float64 `json:"interpreter_mips"`
	Speed       Spread  `json:"vs_interpreter"`      // turn by turn
	Overhead    Spread  `json:"transcript_overhead"` // likewise: time with a transcript over time without
	Memory      uint64  `json:"guest_memory_bytes"`  // at the end
	Allocated   uint64  `json:"allocated_bytes"`     // by a run with a transcript, from first to last: at least its peak
}

// MachineSummary is what the machine is worth: geometric means of the rows'.
type MachineSummary struct {
	Speed    float64 `json:"vs_interpreter"`
	Overhead float64 `json:"transcript_overhead"`
	PerInstr float64 `json:"steps_per_instruction"`
}

// MachineReport is what [Machine] found.
type MachineReport struct {
	Host    Host           `json:"host"`
	Page    int            `json:"page_bytes"`
	Segment uint64         `json:"segment_steps"`
	Rows    []MachineRow   `json:"rows"`
	Summary MachineSummary `json:"summary"`
}

// Machine measures the machine against wazero's interpreter, and what a transcript costs.
func Machine(ctx context.Context, c Config) (r *MachineReport, err error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	works, err := c.works()
	if err != nil {
		return nil, err
	}
	other, err := runtime.NewInterpreter(ctx)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	defer func() { err = errors.Join(err, other.Close(context.WithoutCancel(ctx))) }()
	done := c.parts(len(works))
	clock, name := c.clock()
	r = &MachineReport{Host: thisHost(name), Page: machine.PageSize, Segment: machine.SegmentSteps}
	var e machine.Engine
	var speed, overhead, steps []float64
	for _, w := range works {
		row, err := interpret(ctx, &e, other, w, clock, c.Turns)
		if err != nil {
			return nil, fmt.Errorf("lab: %s %s: %w", w.Guest, w.Call, err)
		}
		r.Rows = append(r.Rows, *row)
		speed, overhead, steps = append(speed, row.Speed.Median), append(overhead, row.Overhead.Median), append(steps, row.PerInstr)
		done()
	}
	r.Summary = MachineSummary{Speed: geometric(speed), Overhead: geometric(overhead), PerInstr: geometric(steps)}
	return r, nil
}

// interpret runs w in both interpreters and with a transcript, and checks that all do the same.
func interpret(ctx context.Context, e *machine.Engine, other *runtime.Interpreter, w *Work, clock func() time.Duration, n int) (*MachineRow, error) {
	var same agreement
	plain := func() error {
		r, err := e.Run(ctx, w.Linked, w.Streams, w.Limits)
		return same.check(ctx, r, err)
	}
	var tr *machine.Transcript
	record := func() error {
		r, t, err := e.Record(ctx, w.Linked, w.Streams, w.Limits, func(block.Block) error { return nil })
		tr = t
		return same.check(ctx, r, err)
	}
	bare := func() error {
		r, err := other.Bare(ctx, w.Linked, w.Streams)
		return same.check(ctx, r, err)
	}
	if err := errors.Join(plain(), bare()); err != nil { // lowers and compiles
		return nil, err
	}
	allocated, err := allocations(record)
	if err != nil {
		return nil, err
	}
	ms, is, err := turns(clock, n, plain, bare)
	if err != nil {
		return nil, err
	}
	ps, rs, err := turns(clock, n, plain, record)
	if err != nil {
		return nil, err
	}
	memory, err := finalMemory(e, w)
	if err != nil {
		return nil, err
	}
	fuel, steps := float64(same.first.Fuel), uint64(tr.Steps)
	speed := func(times []float64) float64 { return fuel / spreadOf(times).Median / 1e3 }
	return &MachineRow{Guest: w.Guest, Call: w.Call, Fuel: same.first.Fuel, Steps: steps, Segments: tr.Segments(), PerInstr: float64(steps) / fuel,
		Machine: speed(ms), Recording: speed(rs), Interpreter: speed(is), Speed: spreadOf(quotients(is, ms)), Overhead: spreadOf(quotients(rs, ps)),
		Memory: memory, Allocated: allocated}, nil
}

// allocations returns how many bytes f asks for, whether they are given back or not. Nothing else may run.
func allocations(f func() error) (uint64, error) {
	var before, after gort.MemStats
	gort.ReadMemStats(&before)
	err := f()
	gort.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, err
}

// finalMemory is the size of the guest's memory when it has ended.
func finalMemory(e *machine.Engine, w *Work) (uint64, error) {
	m, err := newMachine(e, w.Linked, w.Streams, w.Limits)
	if err != nil {
		return 0, err
	}
	for !m.Ended() {
		if _, err := m.Run(1 << 20); err != nil {
			return 0, err
		}
	}
	return uint64(len(m.Memory())), nil
}

func newMachine(e *machine.Engine, l *link.Linked, streams [][]byte, lim link.Limits) (*machine.Machine, error) {
	p, err := e.Program(l)
	if err != nil {
		return nil, err
	}
	return machine.New(p, streams, lim), nil
}
