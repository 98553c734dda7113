package lab

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/trilemma-dev/trilemma/machine"
)

// SpotRow is what one segment of one work costs a verifier, for one length of segments: medians over the segments that were looked at.
type SpotRow struct {
	Guest    string  `json:"guest"`
	Call     string  `json:"call"`
	Steps    uint64  `json:"steps"`         // of the run
	Segment  uint64  `json:"segment_steps"` // of the length of segments; what is looked at are whole ones
	Segments uint64  `json:"segments"`
	Looked   int     `json:"looked_at"`
	Run      float64 `json:"run_ms"`        // the whole run on the machine, with no transcript
	Replay   Spread  `json:"replay_ms"`     // an opening decoded, checked and replayed
	Share    float64 `json:"replay_of_run"` // replay_ms over run_ms: what looking at one segment costs, against running again
	Ratio    float64 `json:"segment_cpu_ratio"`
	Opening  Spread  `json:"opening_bytes"`
	State    Spread  `json:"revealed_state_bytes"`
	Input    Spread  `json:"revealed_input_bytes"`
}

// SpotSummary is what spot-checks and disputes cost. Of the rows it takes those of the profile's length of segments.
type SpotSummary struct {
	Ratio        float64 `json:"segment_cpu_ratio"` // time to replay a segment over time to run as many steps: the geometric mean
	Opening      float64 `json:"opening_bytes_median"`
	Revealed     float64 `json:"revealed_bytes_median"`
	DisputeCPU   float64 `json:"dispute_cpu_seconds"` // of the referee, in the dispute that took most
	DisputeBytes int64   `json:"dispute_bytes"`       // of all messages, in the dispute with most
}

// SpotReport is what [Spot] found.
type SpotReport struct {
	Host     Host         `json:"host"`
	Segment  uint64       `json:"segment_steps"` // the profile's
	Rows     []SpotRow    `json:"rows"`
	Disputes []DisputeRow `json:"disputes"`
	Summary  SpotSummary  `json:"summary"`
}

// lookedAt is how many segments of a run are opened: from the first to the last whole one, evenly.
const lookedAt = 7

// Spot measures spot-checks as functions of the length of segments, and disputes over long runs.
func Spot(ctx context.Context, c Config) (*SpotReport, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	works, err := c.works()
	if err != nil {
		return nil, err
	}
	lengths := []uint64{machine.SegmentSteps / 16, machine.SegmentSteps / 4, machine.SegmentSteps, machine.SegmentSteps * 4}
	if c.Size == Tiny {
		lengths = []uint64{64, machine.SegmentSteps}
	}
	quarrels := quarrels(c.Size)
	done := c.parts(len(works) + len(quarrels))
	clock, name := c.clock()
	r := &SpotReport{Host: thisHost(name), Segment: machine.SegmentSteps}
	var e machine.Engine
	for _, w := range works {
		rows, err := spotRows(ctx, &e, w, clock, c.Turns, lengths)
		if err != nil {
			return nil, fmt.Errorf("lab: %s %s: %w", w.Guest, w.Call, err)
		}
		r.Rows = append(r.Rows, rows...)
		done()
	}
	for _, q := range quarrels {
		row, err := q.settle(ctx, clock)
		if err != nil {
			return nil, fmt.Errorf("lab: dispute over %s: %w", q.shown(), err)
		}
		r.Disputes = append(r.Disputes, *row)
		done()
	}
	r.sum()
	return r, nil
}

func (r *SpotReport) sum() {
	var ratios, openings, revealed []float64
	for _, row := range r.Rows {
		if row.Segment == r.Segment {
			ratios, openings, revealed = append(ratios, row.Ratio), append(openings, row.Opening.Median), append(revealed, row.State.Median+row.Input.Median)
		}
	}
	if len(ratios) > 0 {
		r.Summary.Ratio, r.Summary.Opening, r.Summary.Revealed = geometric(ratios), spreadOf(openings).Median, spreadOf(revealed).Median
	}
	for _, d := range r.Disputes {
		r.Summary.DisputeCPU = max(r.Summary.DisputeCPU, d.RefereeCPU)
		r.Summary.DisputeBytes = max(r.Summary.DisputeBytes, d.Bytes)
	}
}

// spotRows measures one work with every length of segments.
func spotRows(ctx context.Context, e *machine.Engine, w *Work, clock func() time.Duration, n int, lengths []uint64) ([]SpotRow, error) {
	var same agreement
	var steps uint64
	run := func() error {
		m, err := newMachine(e, w.Linked, w.Streams, w.Limits)
		if err != nil {
			return err
		}
		_, err = m.Run(math.MaxUint64)
		steps = m.Steps()
		return same.check(ctx, m.Result(), err)
	}
	if err := run(); err != nil { // lowers
		return nil, err
	}
	var times []float64
	for range n {
		t, err := measure(clock, run)
		if err != nil {
			return nil, err
		}
		times = append(times, t)
	}
	whole := spotRun{steps, spreadOf(times).Median}
	var rows []SpotRow
	for _, length := range lengths {
		row, err := spotRow(ctx, e, w, clock, n, length, whole)
		if err != nil {
			return nil, err
		}
		rows = append(rows, *row)
	}
	return rows, nil
}

// spotRun is a whole run: its steps and milliseconds.
type spotRun struct {
	steps uint64
	ms    float64
}

// spotRow opens segments of one length and replays each n times. A run that has no whole one is looked at as it is.
func spotRow(ctx context.Context, e *machine.Engine, w *Work, clock func() time.Duration, n int, length uint64, whole spotRun) (*SpotRow, error) {
	row := &SpotRow{Guest: w.Guest, Call: w.Call, Steps: whole.steps, Segment: length, Segments: (whole.steps-1)/length + 1, Run: whole.ms}
	numbers := []uint64{0}
	if last := whole.steps / length; last > 0 {
		numbers = nil
		for i := range uint64(lookedAt) {
			numbers = append(numbers, i*(last-1)/(lookedAt-1))
		}
		numbers = slices.Compact(numbers)
	}
	openings, err := e.OpenEvery(ctx, w.Linked, w.Streams, w.Limits, length, numbers)
	if err != nil {
		return nil, err
	}
	row.Looked = len(openings)
	took := min(length, whole.steps)
	var replays, sizes, states, inputs []float64
	for _, o := range openings {
		b, err := o.Block()
		if err != nil {
			return nil, err
		}
		var got machine.Replayed
		var times []float64
		for range n {
			data := bytes.Clone(b.Data)
			t, err := measure(clock, func() error {
				read, err := machine.ReadOpening(data)
				if err != nil {
					return err
				}
				got, err = read.Replay(w.Limits, took)
				return err
			})
			if err != nil {
				return nil, err
			}
			times = append(times, t)
		}
		replays, sizes = append(replays, spreadOf(times).Median), append(sizes, float64(len(b.Data)))
		states, inputs = append(states, float64(got.State)), append(inputs, float64(got.Input))
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	row.Replay, row.Opening, row.State, row.Input = spreadOf(replays), spreadOf(sizes), spreadOf(states), spreadOf(inputs)
	row.Share = row.Replay.Median / whole.ms
	row.Ratio = row.Share / (float64(took) / float64(whole.steps))
	return row, nil
}
