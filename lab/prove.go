package lab

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/internal/proving"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/prover"
	"github.com/trilemma-dev/trilemma/verifier"
	"github.com/trilemma-dev/trilemma/workflow"
)

// ProveRow is what proving one work takes. Seconds are of the wall clock.
type ProveRow struct {
	Guest       string  `json:"guest"`
	Call        string  `json:"call"`
	Steps       uint64  `json:"steps"`
	Fuel        uint64  `json:"instructions"`
	Parts       int     `json:"parts"`
	Constraints int     `json:"constraints"`          // of all parts: tables, image and rows that are padding included
	Used        int     `json:"constraints_used"`     // that rows of the run take
	PerStep     float64 `json:"constraints_per_step"` // of all
	UsedPerStep float64 `json:"constraints_used_per_step"`
	PerFuel     float64 `json:"constraints_per_instruction"` // of all
	Execute     float64 `json:"execute_seconds"`
	Trace       float64 `json:"trace_seconds"`
	Commit      float64 `json:"commit_seconds"`
	Prove       float64 `json:"prove_seconds"` // solving included: gnark does both
	PerSecond   float64 `json:"instructions_per_second"`
	Speed       float64 `json:"constraints_per_second"`      // of a clock's second
	UsedSpeed   float64 `json:"constraints_used_per_second"` // likewise
	Bytes       int64   `json:"bytes"`
	Verify      float64 `json:"verify_ms"`
	Singly      float64 `json:"verify_singly_ms"` // with gnark's verifier, part by part
	Peak        int64   `json:"peak_rss_bytes"`   // of the process, while it proved this

	// What was foreseen before it was proved, as preflight has it.
	ExpectedSeconds float64 `json:"predicted_seconds"` // of proving, at the rate of the proof before; 0: this is the first one
	ExpectedBytes   int64   `json:"predicted_bytes"`
	ExpectedPeak    int64   `json:"predicted_peak_rss_bytes"`
}

// ProveSummary is what proofs take.
type ProveSummary struct {
	PerStep  float64 `json:"constraints_per_step"`        // of all works together
	PerFuel  float64 `json:"constraints_per_instruction"` // likewise
	Rate     float64 `json:"instructions_per_second"`     // likewise
	Relative float64 `json:"relative_to_raw"`             // constraints that rows take, a second, against those of a plain circuit of a part's size
	Keygen   float64 `json:"keygen_seconds"`
	Speedup  float64 `json:"keygen_speedup"`   // of one circuit, against gnark
	Load     float64 `json:"key_load_seconds"` // of all manifests and verifying keys; proving keys are read when they are first used
	Verify   float64 `json:"verify_ms_per_part"`
	Batch    float64 `json:"batch_speedup_16"` // against gnark's verifier, part by part, for the proof whose number of parts is nearest to 16
	Peak     int64   `json:"peak_rss_bytes"`
}

// KeyRow is what the keys of one circuit take.
type KeyRow struct {
	Name        string  `json:"name"`
	Constraints int     `json:"constraints"`
	Bytes       int64   `json:"bytes"`
	Generate    float64 `json:"generate_seconds"`
}

// ProveReport is what [Prove] found.
type ProveReport struct {
	Host    Host         `json:"host"`
	Scheme  string       `json:"scheme"`
	Raw     float64      `json:"raw_constraints_per_second"` // of a plain circuit
	Keys    []KeyRow     `json:"keys"`
	Rows    []ProveRow   `json:"rows"`
	Summary ProveSummary `json:"summary"`
}

// proveWorks are runs of about a million instructions.
func proveWorks(size Size) ([]*Work, error) {
	n := func(full, small, tiny int) int { return []int{full, small, tiny}[size] }
	calls := []struct {
		guest, fun, result string
		params             []any
	}{
		{"fib", "fib", "", []any{n(22, 15, 5)}},
		{"sha256", "sha256", "bytes", []any{noise(n(7000, 900, 40))}},
		{"sort", "sort_random", "", []any{n(3000, 300, 10), 1}},
		{"matrix", "matrix_random", "", []any{n(36, 14, 3), 1}},
		{"json", "json_check", "", []any{records(n(150, 18, 1))}},
		{"threshold", "sum_at_least", "", []any{noise(n(320_000, 40_000, 80)), 1}},
	}
	if size == Tiny {
		calls = calls[:1]
	}
	works := make([]*Work, len(calls))
	for i, c := range calls {
		var err error
		if works[i], err = newWork(c.guest, c.fun, c.result, c.params); err != nil {
			return nil, fmt.Errorf("lab: %s: %w", c.guest, err)
		}
	}
	return works, nil
}

// Prove measures proofs, and the keys that they need, which are made anew in the configuration's directory. peak is the most memory that the process has taken since it was last
// asked.
func Prove(ctx context.Context, c Config, scheme string, peak func() int64) (*ProveReport, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	works := c.Works
	if works == nil {
		var err error
		if works, err = proveWorks(c.Size); err != nil {
			return nil, err
		}
	}
	done := c.parts(len(works) + 2)
	clock, name := c.clock()
	b := &proveBench{r: &ProveReport{Host: thisHost(name), Scheme: scheme}, clock: clock, dir: c.Dir, peak: peak}
	if err := b.makeKeys(ctx, scheme); err != nil {
		return nil, fmt.Errorf("lab: keys: %w", err)
	}
	done()
	if err := b.yardsticks(ctx); err != nil {
		return nil, fmt.Errorf("lab: plain circuit: %w", err)
	}
	done()
	for _, w := range works {
		if err := b.row(ctx, w); err != nil {
			return nil, fmt.Errorf("lab: %s %s: %w", w.Guest, w.Call, err)
		}
		done()
	}
	b.sum()
	return b.r, nil
}

type proveBench struct {
	r     *ProveReport
	keys  *proving.Keys
	store *prover.Keystore
	clock func() time.Duration
	dir   string
	peak  func() int64
	used  float64      // seconds of the clock that all proofs took
	rate  proving.Rate // of the proof before
}

func (b *proveBench) makeKeys(ctx context.Context, name string) error {
	s, err := proof.Named(name)
	if err != nil {
		return err
	}
	b.store = prover.NewKeystore(filepath.Join(b.dir, "keys"))
	b.keys, err = proving.Open(ctx, b.store, s, &proving.Making{Random: rand.Reader, Now: time.Now, Made: func(m *prover.Manifest, took time.Duration) {
		b.r.Keys = append(b.r.Keys, KeyRow{m.Name, int(m.Constraints), m.Proving.Size, took.Seconds()})
		b.r.Summary.Keygen += took.Seconds()
	}})
	if err != nil {
		return err
	}
	start := time.Now()
	err = b.reopen(ctx)
	b.r.Summary.Load = time.Since(start).Seconds()
	return err
}

// reopen opens the keys, so that those that were read for the work before take no memory.
func (b *proveBench) reopen(ctx context.Context) (err error) {
	b.keys, err = proving.Open(ctx, b.store, b.keys.Runs.Family().Scheme, nil)
	debug.FreeOSMemory()
	b.peak()
	return err
}

// usualSize is about the size of the circuits that hold most of a long run.
const usualSize = 1 << 14

// yardsticks measures gnark by itself: its prover on a plain circuit of a part's size, and its set-up of a circuit.
func (b *proveBench) yardsticks(ctx context.Context) error {
	most, usual := 0, 0
	for i, k := range b.r.Keys {
		most = max(most, k.Constraints)
		if away(k.Constraints, usualSize) < away(b.r.Keys[usual].Constraints, usualSize) {
			usual = i
		}
	}
	p, err := prover.NewPlain(ctx, rand.Reader, most)
	if err != nil {
		return err
	}
	took, err := measure(b.clock, p.Prove)
	if err != nil {
		return err
	}
	b.r.Raw = float64(p.Constraints()) / (took / 1e3)
	c, g := b.keys.Circuits[usual], prover.NewGenerator(rand.Reader)
	ours := 0.0
	for range 2 { // the first time it makes tables, and the circuit is compiled
		if ours, err = measure(b.clock, func() error { _, err := g.Keys(ctx, c); return err }); err != nil {
			return err
		}
	}
	theirs, err := measure(b.clock, c.GnarkSetup)
	b.r.Summary.Speedup = theirs / ours
	return err
}

// claimed is a work as a task.
func claimed(ctx context.Context, w *Work) (*verifier.Claimed, error) {
	var e machine.Engine
	p, err := e.Program(w.Linked)
	if err != nil {
		return nil, err
	}
	res, err := e.Run(ctx, w.Linked, w.Streams, w.Limits)
	if err != nil {
		return nil, err
	}
	if res.Outcome.Kind != link.OK {
		return nil, fmt.Errorf("it ended in: %s", res.Outcome)
	}
	return &verifier.Claimed{Task: &workflow.Task{Label: w.Guest}, Job: &evaluate.Job{Linked: w.Linked, Streams: w.Streams, Limits: w.Limits},
		Claim: &proof.Claim{Computation: block.Raw([]byte(w.Guest + w.Call)).CID, Program: p, Streams: w.Streams, Limits: w.Limits, Result: res}}, nil
}

func (b *proveBench) row(ctx context.Context, w *Work) error {
	c, err := claimed(ctx, w)
	if err != nil {
		return err
	}
	if err := b.reopen(ctx); err != nil {
		return err
	}
	p := proving.New(proving.Config{Keys: b.keys, Sessions: filepath.Join(b.dir, "proving"), Random: rand.Reader, Now: time.Now})
	var made *proving.Proved
	took, err := measure(b.clock, func() (err error) { made, err = p.Task(ctx, c, nil); return err })
	if err != nil {
		return err
	}
	row := ProveRow{Guest: w.Guest, Call: w.Call, Steps: made.Steps, Fuel: made.Fuel, Parts: made.Parts, Constraints: made.Constraints, Used: made.Used,
		PerStep: float64(made.Constraints) / float64(made.Steps), UsedPerStep: float64(made.Used) / float64(made.Steps), PerFuel: float64(made.Constraints) / float64(made.Fuel),
		Execute: made.Execute.Seconds(), Trace: made.Trace.Seconds(), Commit: made.Commit.Seconds(), Prove: made.Proving.Seconds(),
		PerSecond: float64(made.Fuel) / made.Seconds(), Speed: float64(made.Constraints) / (took / 1e3), UsedSpeed: float64(made.Used) / (took / 1e3),
		Bytes: made.Bytes, Peak: b.peak(),
		ExpectedBytes: made.Size(parts.Groth16{}), ExpectedPeak: made.Needs(made.Workers)}
	row.ExpectedSeconds = (&proving.Traced{Estimate: made.Estimate, Trace: made.Trace}).Seconds(b.rate)
	b.rate = proving.RateOf([]proving.Proved{*made})
	b.used += took / 1e3
	q, err := proof.Read(made.Proof.Data)
	if err != nil {
		return err
	}
	f := b.keys.Runs.Family()
	if row.Verify, err = measure(b.clock, func() error { return f.Verify(c.Claim, q) }); err != nil {
		return err
	}
	if row.Singly, err = measure(b.clock, func() error { return prover.VerifySingly(f, c.Claim, q) }); err != nil {
		return err
	}
	b.r.Rows = append(b.r.Rows, row)
	return nil
}

func (b *proveBench) sum() {
	var all ProveRow
	var seconds, verify float64
	nearest := b.r.Rows[0]
	for _, r := range b.r.Rows {
		all.Steps, all.Fuel, all.Parts, all.Constraints, all.Used = all.Steps+r.Steps, all.Fuel+r.Fuel, all.Parts+r.Parts, all.Constraints+r.Constraints, all.Used+r.Used
		seconds, verify = seconds+r.Trace+r.Commit+r.Prove, verify+r.Verify
		b.r.Summary.Peak = max(b.r.Summary.Peak, r.Peak)
		if away(r.Parts, 16) < away(nearest.Parts, 16) {
			nearest = r
		}
	}
	s := &b.r.Summary
	s.PerStep, s.PerFuel = float64(all.Constraints)/float64(all.Steps), float64(all.Constraints)/float64(all.Fuel)
	s.Rate, s.Verify = float64(all.Fuel)/seconds, verify/float64(all.Parts)
	s.Relative = float64(all.Used) / b.used / b.r.Raw
	s.Batch = nearest.Singly / nearest.Verify
}

// away is how far a number is from another one.
func away(a, b int) int { return max(a-b, b-a) }
