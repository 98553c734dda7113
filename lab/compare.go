package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/trilemma-dev/trilemma/machine"
)

// Settings are what a measurement depends on beside the call, the mode and the computer: measurements under other settings are not comparable.
type Settings struct {
	Build   string `json:"build"`            // version of the program
	Turns   int    `json:"turns"`            // how often a stage is measured, at most
	Samples uint64 `json:"samples"`          // segments that a spot-check draws
	Seed    uint64 `json:"seed"`             // of challenges
	Scheme  string `json:"scheme,omitempty"` // circuits of proofs; empty: the standard ones
	Limit   int64  `json:"limit_ms"`         // for one stage: no turn but the first begins after an eighth of it, and what would take longer at once is not measured
}

func (s *Settings) limit() time.Duration { return time.Duration(s.Limit) * time.Millisecond }

func (s *Settings) check() error {
	if s.Turns < 1 || s.Samples < 1 || s.Limit < 1 {
		return fmt.Errorf("lab: turns %d, samples %d and limit %d ms are to be at least 1", s.Turns, s.Samples, s.Limit)
	}
	return nil
}

// CompareConfig says what is compared.
type CompareConfig struct {
	Settings    Settings
	Guests      []string // nil: all of [Guests]
	Modes       []string // nil: all of [Modes]
	Sizes       []uint64 // in Wasm instructions, roughly; nil: [Sizes]
	Constraints []uint64 // of plain circuits; nil: [Constraints]

	// Dir is where evidence lies between stages, and the file of finished measurements: what it holds of the same settings and the same computer is
	// not measured again.
	Dir string

	Clocks Clocks

	// Perform measures one stage; nil: [Perform], in this process, whose memory then says little.
	Perform func(ctx context.Context, t Task) (*Row, error)

	Progress func(done, total int) // as in [Config]
}

// Sizes are the lengths of calls that are compared, in Wasm instructions.
func Sizes() []uint64 { return []uint64{10_000, 100_000, 1_000_000, 10_000_000, 100_000_000} }

// Constraints are the sizes of plain circuits.
func Constraints() []uint64 { return []uint64{1 << 12, 1 << 14, 1 << 16, 1 << 18} }

// Comparison is every mode on the same work.
type Comparison struct {
	Trilemma   string      `json:"trilemma"` // "comparison/1"
	Settings   Settings    `json:"settings"`
	Computer   Computer    `json:"computer"`
	Segment    uint64      `json:"segment_steps"`
	Rows       []Row       `json:"rows"`
	Baselines  []Row       `json:"baselines"`
	Models     []Model     `json:"models"`
	Crossovers []Crossover `json:"crossovers"`
	Summary    Summary     `json:"summary"`
}

// ComparisonVersion is the version of the format of a [Comparison].
const ComparisonVersion = "comparison/1"

// Compare measures every mode on every guest and size, smaller sizes first, and what they are compared with.
func Compare(ctx context.Context, c CompareConfig) (*Comparison, error) {
	if err := c.fill(); err != nil {
		return nil, err
	}
	out := &Comparison{Trilemma: ComparisonVersion, Settings: c.Settings, Computer: thisComputer(), Segment: machine.SegmentSteps}
	l, err := openLog(filepath.Join(c.Dir, logName), logHead{c.Settings, out.Computer})
	if err != nil {
		return nil, err
	}
	err = c.measure(ctx, out, l)
	if err = errors.Join(err, l.close()); err != nil {
		return nil, err
	}
	out.Conclude()
	return out, nil
}

// Check says what is wrong with the configuration.
func (c CompareConfig) Check() error { return c.fill() }

// fill checks the configuration and fills in what is left out.
func (c *CompareConfig) fill() error {
	if err := c.Settings.check(); err != nil {
		return err
	}
	if c.Dir == "" {
		return errors.New("lab: a directory is required")
	}
	for _, f := range []struct {
		what  string
		is    *[]string
		known []string
	}{{"guest", &c.Guests, Guests()}, {"mode", &c.Modes, Modes()}} {
		if *f.is == nil {
			*f.is = f.known
		}
		for _, name := range *f.is {
			if !slices.Contains(f.known, name) {
				return fmt.Errorf("lab: there is no %s %q to compare: there are %v", f.what, name, f.known)
			}
		}
	}
	if c.Sizes == nil {
		c.Sizes = Sizes()
	}
	if c.Constraints == nil {
		c.Constraints = Constraints()
	}
	c.Sizes = slices.Compact(slices.Sorted(slices.Values(c.Sizes)))
	for _, n := range c.Sizes {
		if n < minSize || n > maxSize {
			return fmt.Errorf("lab: a size of %d instructions is not between %d and %d", n, minSize, maxSize)
		}
	}
	if c.Perform == nil {
		c.Perform = func(ctx context.Context, t Task) (*Row, error) { return Perform(ctx, t, c.Clocks) }
	}
	return nil
}

// What a call can be asked to be as long as.
const (
	minSize = 1000
	maxSize = 10_000_000_000
)

func ptr[T any](v T) *T { return &v }

// plan is one row that is to be measured. Those of one line differ in size only, smaller first.
type plan struct {
	mode mode
	line string
	row  Row
	base bool
}

func (c *CompareConfig) plans() (ps []plan) {
	add := func(m mode, base bool, guest string, size uint64) {
		ps = append(ps, plan{m, m.name + " " + guest, Row{Mode: m.name, Guest: guest, Size: size}, base})
	}
	for _, m := range baselines() {
		switch m.name {
		case BaseSignature:
			add(m, true, "", 1)
		case BaseGroth16:
			for _, n := range c.Constraints {
				add(m, true, "", n)
			}
		case BaseKeys:
			if slices.ContainsFunc(c.Modes, Proves) {
				add(m, true, "", 1)
			}
		}
	}
	for _, guest := range c.Guests {
		for _, size := range c.Sizes {
			add(baselines()[0], true, guest, size)
			for _, m := range modes() {
				if slices.Contains(c.Modes, m.name) {
					add(m, false, guest, size)
				}
			}
		}
	}
	return ps
}

// measure measures what the log does not have.
func (c *CompareConfig) measure(ctx context.Context, out *Comparison, l *log) error {
	plans := c.plans()
	before := map[string][2]*Row{} // by line: the rows of the last two sizes
	for i, p := range plans {
		if err := ctx.Err(); err != nil {
			return err
		}
		row, known := l.rows[rowKey(p.row)]
		if !known {
			var err error
			if row, err = c.row(ctx, p, before[p.line]); err != nil {
				return fmt.Errorf("lab: %s, size %d: %w", p.line, p.row.Size, err)
			}
			if row.Skipped == "" {
				if err := l.add(row); err != nil {
					return err
				}
			}
		}
		before[p.line] = [2]*Row{before[p.line][1], row}
		delete(l.rows, rowKey(p.row))
		if p.base {
			out.Baselines = append(out.Baselines, *row)
		} else {
			out.Rows = append(out.Rows, *row)
		}
		if c.Progress != nil {
			c.Progress(i+1, len(plans))
		}
	}
	out.add(l.rows)
	return nil
}

// add adds rows that were measured before and not asked for now, and puts all in order: by guest, size and mode.
func (c *Comparison) add(rows map[string]*Row) {
	for _, r := range rows {
		if slices.ContainsFunc(baselines(), func(m mode) bool { return m.name == r.Mode }) {
			c.Baselines = append(c.Baselines, *r)
		} else {
			c.Rows = append(c.Rows, *r)
		}
	}
	place := func(m string) int { return slices.Index(Modes(), m) }
	for _, rows := range [][]Row{c.Rows, c.Baselines} {
		slices.SortStableFunc(rows, func(a, b Row) int {
			return cmp.Or(slices.Index(Guests(), a.Guest)-slices.Index(Guests(), b.Guest), cmp.Compare(a.Size, b.Size), place(a.Mode)-place(b.Mode), cmp.Compare(a.Mode, b.Mode))
		})
	}
}

// row measures one row, stage by stage, unless the last size says that a stage would take too long.
func (c *CompareConfig) row(ctx context.Context, p plan, before [2]*Row) (*Row, error) {
	row := p.row
	if most := p.mode.most(); row.Size > most {
		row.Skipped = fmt.Sprintf("it is measured on up to %d instructions", most)
		return &row, nil
	}
	if before[1] != nil {
		if row.Skipped = before[1].tooLong(before[0], p.row.Size, c.Settings.limit()); row.Skipped != "" {
			return &row, nil
		}
	}
	dir, err := os.MkdirTemp(c.Dir, "evidence-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) // evidence of a measurement, which nobody looks at
	for _, st := range p.mode.stages {
		got, err := c.stage(ctx, Task{Settings: c.Settings, Stage: st.name, Dir: dir, Keys: filepath.Join(c.Dir, "keys"), Row: row})
		if why, ok := errors.AsType[*Unfit](err); ok {
			row.Skipped = why.Error()
			return &row, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", st.name, err)
		}
		row = *got
	}
	return &row, nil
}

// Unfit says that a mode cannot be had for a call, and why: a fact to report, not a failure.
type Unfit struct{ Reason string }

func (u *Unfit) Error() string { return u.Reason }

// enough is how long a stage has to take for its time to say something of longer runs: what takes less is mostly there in any case.
const enough = time.Second

// tooLong says why a row of another size is not measured: because a stage would take longer than the limit, going by the rows of the sizes before, the
// last of which is r. before is nil if there is one only, which says no more than that the next takes as long at least.
func (r *Row) tooLong(before *Row, size uint64, limit time.Duration) string {
	if r.Skipped != "" {
		return r.Skipped
	}
	stages := func(r *Row) []*Stage { return []*Stage{r.Produce, r.Answer, r.Check} }
	for i, st := range stages(r) {
		if st == nil {
			continue
		}
		guess := st.Wall.Median
		if before != nil {
			slope := (st.Wall.Median - stages(before)[i].Wall.Median) / (float64(r.Size) - float64(before.Size))
			guess += max(0, slope) * (float64(size) - float64(r.Size))
		}
		if guess > limit.Seconds()*1e3 && st.Wall.Median > enough.Seconds()*1e3 {
			return fmt.Sprintf("a stage would take more than %v", limit)
		}
	}
	return ""
}

// patience is how many times the limit a stage may take that nothing was known of. Then it is stopped.
const patience = 4

// stage measures a stage, unless it takes far longer than the limit: then the row says so.
func (c *CompareConfig) stage(ctx context.Context, t Task) (*Row, error) {
	most := patience * c.Settings.limit()
	within, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	row, err := c.Perform(within, t)
	if err != nil && ctx.Err() == nil && within.Err() != nil {
		return nil, &Unfit{fmt.Sprintf("a stage took more than %v", most)}
	}
	return row, err
}
