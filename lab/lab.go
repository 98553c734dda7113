// Package lab measures every mode on the same work, the sample guests. A ratio is taken inside one process, from runs that take
// turns, so that a busy machine slows both sides alike.
package lab

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/trilemma-dev/trilemma/link"
)

// Config configures a benchmark.
type Config struct {
	Dir   string // an empty directory, for caches and stores; what it lies on is measured too. [Native] requires it
	Size  Size
	Works []*Work // what is measured; nil: those of [Works]
	Turns int     // how often a thing is measured; 0: 15

	// CPU is the CPU time that this process has used. Ratios are taken from it, since time spent waiting for others is not a
	// work's own. If it is nil or 0, they are taken from the wall clock.
	CPU func() time.Duration

	// Progress, if set, is called after each part of the work.
	Progress func(done, total int)
}

func (c *Config) check() error {
	switch {
	case c.Turns < 0:
		return fmt.Errorf("lab: %d turns are too few", c.Turns)
	case c.Turns == 0:
		c.Turns = 15
	}
	return nil
}

// works returns what is measured.
func (c *Config) works() ([]*Work, error) {
	if c.Works != nil {
		return c.Works, nil
	}
	return Works(c.Size)
}

// The clocks that ratios are taken from.
const (
	ClockCPU  = "cpu"
	ClockWall = "wall"
)

// clock returns what ratios are taken from, and its name.
func (c *Config) clock() (func() time.Duration, string) {
	if c.CPU != nil && c.CPU() > 0 {
		return c.CPU, ClockCPU
	}
	return wall(), ClockWall
}

// wall is the time since now.
func wall() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}

// parts returns what to call when a part of the work is done.
func (c *Config) parts(total int) func() {
	done := 0
	return func() {
		done++
		if c.Progress != nil {
			c.Progress(done, total)
		}
	}
}

// Host is where a benchmark ran.
type Host struct {
	Engine string `json:"engine"`
	OS     string `json:"os"`
	Arch   string `json:"arch"`
	Cores  int    `json:"cores"`
	Clock  string `json:"clock"` // of ratios
}

func thisHost(clock string) Host {
	return Host{Engine: "wazero", OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.GOMAXPROCS(0), Clock: clock}
}

// Spread is a median and its quartiles.
type Spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

// spreadOf returns the spread of at least one value.
func spreadOf(values []float64) Spread {
	s := slices.Sorted(slices.Values(values))
	return Spread{Low: quantile(s, 0.25), Median: quantile(s, 0.5), High: quantile(s, 0.75)}
}

// quantile returns the value below which a part p of the sorted values lies, interpolated.
func quantile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	i := int(at)
	if i == len(sorted)-1 {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// geometric is the geometric mean of at least one value above zero.
func geometric(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += math.Log(v)
	}
	return math.Exp(sum / float64(len(values)))
}

// measure returns how many milliseconds of a clock f took.
func measure(clock func() time.Duration, f func() error) (float64, error) {
	start := clock()
	err := f()
	return max(clock()-start, tick).Seconds() * 1e3, err
}

// tick is the finest that a clock tells: what took less is said to have taken this long.
const tick = time.Microsecond

// agreement checks that all runs of one work do the same, whatever ran them.
type agreement struct{ first link.Result }

// check takes what a run returned. ctx ends the benchmark between two runs.
func (a *agreement) check(ctx context.Context, r link.Result, err error) error {
	switch {
	case err != nil:
		return err
	case r.Outcome.Kind != link.OK:
		return fmt.Errorf("it ended in: %s", r.Outcome)
	case a.first.Outcome.Kind == "":
		a.first = r
	case !equalStreams(r, a.first):
		return errors.New("two runs gave different results")
	}
	return ctx.Err()
}

func equalStreams(a, b link.Result) bool {
	for i := range a.Streams {
		if string(a.Streams[i]) != string(b.Streams[i]) {
			return false
		}
	}
	return true
}

// quotients divides measurements turn by turn.
func quotients(as, bs []float64) []float64 {
	q := make([]float64, len(as))
	for i := range as {
		q[i] = as[i] / bs[i]
	}
	return q
}

// turns measures a and b n times each. They take turns, each begins every other time.
func turns(clock func() time.Duration, n int, a, b func() error) (as, bs []float64, err error) {
	as, bs = make([]float64, n), make([]float64, n)
	for i := range n {
		first, second, x, y := a, b, &as[i], &bs[i]
		if i%2 == 1 {
			first, second, x, y = b, a, y, x
		}
		if *x, err = measure(clock, first); err != nil {
			return nil, nil, err
		}
		if *y, err = measure(clock, second); err != nil {
			return nil, nil, err
		}
	}
	return as, bs, nil
}
