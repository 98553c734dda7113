package lab

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"time"

	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/proving"
	"github.com/trilemma-dev/trilemma/prover"
)

// BackendRow is what proving one work in one proof system takes. Seconds are of the wall clock, but where the report's clock is named.
type BackendRow struct {
	Backend     string  `json:"backend"`
	Guest       string  `json:"guest"`
	Call        string  `json:"call"`
	Steps       uint64  `json:"steps"`
	Fuel        uint64  `json:"instructions"`
	Parts       int     `json:"parts"`
	Constraints int     `json:"constraints"` // of all parts, as Groth16 has them
	Keygen      float64 `json:"keygen_seconds"`
	KeyBytes    int64   `json:"key_bytes"` // that prove, reference strings included
	Prove       float64 `json:"prove_seconds"`
	Clock       float64 `json:"prove_clock_seconds"` // of the report's clock
	Bytes       int64   `json:"bytes"`
	Verify      float64 `json:"verify_clock_ms"` // of the report's clock
	Peak        int64   `json:"peak_rss_bytes"`  // of the process so far
}

// BackendSummary is what PLONK takes, as a multiple of what Groth16 does, of all works together.
type BackendSummary struct {
	Keygen float64 `json:"keygen_ratio"`
	Key    float64 `json:"key_ratio"`
	Prove  float64 `json:"prove_ratio"` // of the report's clock
	Bytes  float64 `json:"bytes_ratio"`
	Verify float64 `json:"verify_ratio"`
	Peak   float64 `json:"peak_ratio"`
}

// BackendReport is what [Backends] found.
type BackendReport struct {
	Host    Host           `json:"host"`
	Scheme  string         `json:"scheme"`
	Rows    []BackendRow   `json:"rows"`
	Summary BackendSummary `json:"summary"`
}

// Backends measures the same runs in every proof system, the usual one first, with keys of the same circuits, which are made anew in the configuration's directory. peak is the
// memory that the process has taken.
func Backends(ctx context.Context, c Config, scheme string, peak func() int64) (*BackendReport, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	works := c.Works
	if works == nil {
		all, err := proveWorks(Tiny)
		if err != nil {
			return nil, err
		}
		works = all
	}
	s, err := proof.Named(scheme)
	if err != nil {
		return nil, err
	}
	done := c.parts(len(proof.Backends()) * (len(works) + 1))
	clock, name := c.clock()
	r := &BackendReport{Host: thisHost(name), Scheme: scheme}
	for _, b := range proof.Backends() {
		one := backendBench{dir: filepath.Join(c.Dir, b.Name()), clock: clock, peak: peak, row: BackendRow{Backend: b.Name()}}
		if err := one.makeKeys(ctx, s, b); err != nil {
			return nil, fmt.Errorf("lab: keys in %s: %w", b.Name(), err)
		}
		done()
		for _, w := range works {
			row, err := one.prove(ctx, w)
			if err != nil {
				return nil, fmt.Errorf("lab: %s %s in %s: %w", w.Guest, w.Call, b.Name(), err)
			}
			r.Rows = append(r.Rows, *row)
			done()
		}
	}
	r.sum(len(works))
	return r, nil
}

type backendBench struct {
	dir   string
	clock func() time.Duration
	peak  func() int64
	keys  *proving.Keys
	row   BackendRow // what all works have in common
}

func (b *backendBench) makeKeys(ctx context.Context, s *proof.Scheme, backend parts.Backend) (err error) {
	files := make(map[string]int64) // circuits of a size share a reference string
	b.keys, err = proving.OpenIn(ctx, prover.NewKeystore(filepath.Join(b.dir, "keys")), s, backend, &proving.Making{Random: rand.Reader, Now: time.Now,
		Made: func(m *prover.Manifest, took time.Duration) {
			files[string(m.Proving.Sha256)] = m.Proving.Size
			b.row.Keygen += took.Seconds()
		}})
	for _, n := range files {
		b.row.KeyBytes += n
	}
	return err
}

func (b *backendBench) prove(ctx context.Context, w *Work) (*BackendRow, error) {
	c, err := claimed(ctx, w)
	if err != nil {
		return nil, err
	}
	p := proving.New(proving.Config{Keys: b.keys, Sessions: filepath.Join(b.dir, "proving"), Random: rand.Reader, Now: time.Now})
	var made *proving.Proved
	took, err := measure(b.clock, func() (err error) { made, err = p.Task(ctx, c, nil); return err })
	if err != nil {
		return nil, err
	}
	row := b.row
	row.Guest, row.Call, row.Steps, row.Fuel = w.Guest, w.Call, made.Steps, made.Fuel
	row.Parts, row.Constraints, row.Bytes = made.Parts, made.Constraints, made.Bytes
	row.Prove, row.Clock, row.Peak = made.Seconds(), took/1e3, b.peak()
	q, err := proof.Read(made.Proof.Data)
	if err != nil {
		return nil, err
	}
	row.Verify, err = measure(b.clock, func() error { return b.keys.Runs.Family().Verify(c.Claim, q) })
	return &row, err
}

// sum compares the second proof system with the first, which have so many rows each.
func (r *BackendReport) sum(works int) {
	var all [2]BackendRow
	for i := range all {
		a := &all[i]
		for _, row := range r.Rows[i*works : (i+1)*works] {
			a.Keygen, a.KeyBytes, a.Peak = row.Keygen, row.KeyBytes, max(a.Peak, row.Peak)
			a.Clock, a.Bytes, a.Verify = a.Clock+row.Clock, a.Bytes+row.Bytes, a.Verify+row.Verify
		}
	}
	of := func(a, b int64) float64 { return float64(b) / float64(a) }
	r.Summary = BackendSummary{Keygen: all[1].Keygen / all[0].Keygen, Key: of(all[0].KeyBytes, all[1].KeyBytes), Prove: all[1].Clock / all[0].Clock,
		Bytes: of(all[0].Bytes, all[1].Bytes), Verify: all[1].Verify / all[0].Verify, Peak: of(all[0].Peak, all[1].Peak)}
}
