package lab

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/trilemma-dev/trilemma/runtime"
)

// NativeRow compares one work with bare wazero. Times are in milliseconds of the host's clock.
type NativeRow struct {
	Guest   string  `json:"guest"`
	Call    string  `json:"call"`
	Fuel    uint64  `json:"fuel"` // Wasm instructions
	Metered float64 `json:"metered_ms"`
	Bare    float64 `json:"bare_ms"` // the same compiled code without metering
	Ratio   Spread  `json:"ratio"`   // of the two, turn by turn
}

// NativeSummary is what native execution costs, in medians. Times are in milliseconds.
type NativeSummary struct {
	Ratio      float64 `json:"ratio"` // geometric mean of the rows'
	Start      float64 `json:"start_ms"`
	Task       float64 `json:"task_ms"`
	Executions int     `json:"rerun_executions"`
}

// NativeReport is what [Native] found.
type NativeReport struct {
	Host    Host          `json:"host"`
	Rows    []NativeRow   `json:"rows"`
	Start   Start         `json:"start"`
	Tasks   Tasks         `json:"tasks"`
	Summary NativeSummary `json:"summary"`
}

// Native measures native execution: what metering costs each work against bare wazero, how long a module takes to start, and what a
// workflow adds to a task. A work that does not end well is an error.
func Native(ctx context.Context, c Config) (*NativeReport, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.Dir == "" {
		return nil, errors.New("lab: a directory is required")
	}
	works, err := c.works()
	if err != nil {
		return nil, err
	}
	done := c.parts(len(works) + 2)
	clock, name := c.clock()
	r := &NativeReport{Host: thisHost(name)}
	if r.Rows, err = metering(ctx, works, clock, c.Turns, done); err != nil {
		return nil, err
	}
	if r.Start, err = starts(ctx, filepath.Join(c.Dir, "start"), c.Turns); err != nil {
		return nil, err
	}
	done()
	if r.Tasks, err = trivialTasks(ctx, filepath.Join(c.Dir, "tasks"), c.Size); err != nil {
		return nil, err
	}
	done()
	ratios := make([]float64, len(r.Rows))
	for i, row := range r.Rows {
		ratios[i] = row.Ratio.Median
	}
	r.Summary = NativeSummary{Ratio: geometric(ratios), Start: r.Start.Warm.Median, Task: r.Tasks.First.Median, Executions: r.Tasks.Executions}
	return r, nil
}

// metering measures every work on an engine that has compiled it before.
func metering(ctx context.Context, works []*Work, clock func() time.Duration, n int, done func()) (rows []NativeRow, err error) {
	e, err := runtime.New(ctx, runtime.Config{})
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	defer func() { err = errors.Join(err, e.Close(context.WithoutCancel(ctx))) }()
	for _, w := range works {
		row, err := compare(ctx, e, w, clock, n)
		if err != nil {
			return nil, fmt.Errorf("lab: %s %s: %w", w.Guest, w.Call, err)
		}
		rows = append(rows, *row)
		done()
	}
	return rows, nil
}

// compare runs w metered and bare, and checks that both do the same.
func compare(ctx context.Context, e *runtime.Engine, w *Work, clock func() time.Duration, n int) (*NativeRow, error) {
	var same agreement
	metered := func() error {
		r, err := e.Run(ctx, w.Linked, w.Streams, w.Limits)
		return same.check(ctx, r, err)
	}
	bare := func() error {
		r, err := e.Bare(ctx, w.Linked, w.Streams)
		return same.check(ctx, r, err)
	}
	if err := metered(); err != nil { // compiles
		return nil, err
	}
	if err := bare(); err != nil {
		return nil, err
	}
	ms, bs, err := turns(clock, n, metered, bare)
	if err != nil {
		return nil, err
	}
	return &NativeRow{Guest: w.Guest, Call: w.Call, Fuel: same.first.Fuel, Metered: spreadOf(ms).Median, Bare: spreadOf(bs).Median,
		Ratio: spreadOf(quotients(ms, bs))}, nil
}
