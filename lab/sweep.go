package lab

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/trilemma-dev/trilemma/machine"
)

// Cut is what one choice of the profile's page size and segment length costs on all works.
type Cut struct {
	Page     int     `json:"page_bytes"`
	Segment  uint64  `json:"segment_steps"`
	Overhead float64 `json:"transcript_overhead"` // time with roots over time without: the geometric mean
	Worst    float64 `json:"worst_overhead"`      // the work that pays most
	Opening  float64 `json:"opening_bytes"`       // of a work's median segment: the median work
	Largest  float64 `json:"largest_bytes"`       // likewise: the work with the most
	Replay   float64 `json:"replay_ms"`           // of a work's median segment, state roots not included: the median work
}

// SweepReport is what [Sweep] found. Cuts has every page size with every segment length.
type SweepReport struct {
	Host Host  `json:"host"`
	Cuts []Cut `json:"cuts"`
}

// What is tried.
const (
	mostPage                  = 1 << 14 // from the profile's up: what is touched is noted by its pages
	leastSegment, mostSegment = 1 << 14, 1 << 20
)

// Sweep measures choices of page size and segment length. An opening is counted as the pages of the state that a segment touches
// with the hashes that lead to the state's root, without the program's and the input's pages.
func Sweep(ctx context.Context, c Config) (*SweepReport, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	works, err := c.works()
	if err != nil {
		return nil, err
	}
	clock, name := c.clock()
	r := &SweepReport{Host: thisHost(name)}
	for page := machine.PageSize; page <= mostPage; page *= 2 {
		for segment := uint64(leastSegment); segment <= mostSegment; segment *= 2 {
			r.Cuts = append(r.Cuts, Cut{Page: page, Segment: segment})
		}
	}
	done := c.parts(len(r.Cuts))
	var e machine.Engine
	for i := range r.Cuts {
		if err := r.Cuts[i].measure(ctx, &e, works, clock, c.Turns); err != nil {
			return nil, fmt.Errorf("lab: pages of %d bytes, segments of %d steps: %w", r.Cuts[i].Page, r.Cuts[i].Segment, err)
		}
		done()
	}
	return r, nil
}

// measure runs all works n times each.
func (c *Cut) measure(ctx context.Context, e *machine.Engine, works []*Work, clock func() time.Duration, n int) error {
	var overheads, openings, replays []float64
	for _, w := range works {
		var t cutting
		var ratios []float64
		for range n {
			var err error
			if t, err = cut(ctx, e, w, clock, c.Page, c.Segment); err != nil {
				return fmt.Errorf("%s %s: %w", w.Guest, w.Call, err)
			}
			ratios = append(ratios, 1+t.roots/t.running)
		}
		overheads = append(overheads, spreadOf(ratios).Median)
		openings = append(openings, spreadOf(t.openings).Median)
		replays = append(replays, spreadOf(t.replays).Median)
	}
	c.Overhead, c.Worst = geometric(overheads), slices.Max(overheads)
	c.Opening, c.Largest = spreadOf(openings).Median, slices.Max(openings)
	c.Replay = spreadOf(replays).Median
	return nil
}

// cutting is how one run went: milliseconds in all, and of each segment the bytes of its opening and milliseconds.
type cutting struct {
	running, roots    float64
	openings, replays []float64
}

// cut runs w in segments, with a root after each.
func cut(ctx context.Context, e *machine.Engine, w *Work, clock func() time.Duration, page int, segment uint64) (t cutting, err error) {
	m, err := newMachine(e, w.Linked, w.Streams, w.Limits)
	if err != nil {
		return t, err
	}
	c, err := machine.Paged(m, page)
	if err != nil {
		return t, err
	}
	root := func() error { c.Root(); return nil }
	if t.roots, err = measure(clock, root); err != nil {
		return t, err
	}
	for !m.Ended() {
		ran, err := measure(clock, func() error { _, err := m.Run(segment); return err })
		if err != nil {
			return t, err
		}
		pages, hashes := c.Touched()
		t.openings, t.replays = append(t.openings, float64(pages*page+hashes*len(machine.Digest{}))), append(t.replays, ran)
		rooted, err := measure(clock, root)
		if err != nil {
			return t, err
		}
		t.running, t.roots = t.running+ran, t.roots+rooted
		if err := ctx.Err(); err != nil {
			return t, err
		}
	}
	return t, nil
}
