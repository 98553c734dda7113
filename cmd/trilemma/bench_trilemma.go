package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/lab"
	"github.com/trilemma-dev/trilemma/lab/report"
)

// compareFlags are those of bench trilemma.
type compareFlags struct {
	guests, sizes, modes, dir string
	turns                     int
	samples, seed             uint64
	limit                     time.Duration
	stage                     bool
}

func (a *app) benchTrilemmaCommand() *cobra.Command {
	f := compareFlags{}
	c := &cobra.Command{
		Use:   "trilemma",
		Short: "Compare all modes on the same work",
		Long: `Compare all modes on the same work: for each sample guest, length of a run and mode, what it costs to produce the evidence, to answer a checker and to
check, in time and memory, how large the evidence is, what it reveals, and how sure the checker is. Beside them: the same calls in wazero alone, one signature, and
Groth16 on circuits that do nothing but multiply. Every stage is measured in a process of its own, which gives its peak memory.

A model is fitted to each mode on each guest. From these follow other lengths, and where one mode begins to cost less than another.

With -o a directory gets the report as a page, Markdown, CSV, JSON (also as client-side proving benchmarks write it) and plots, and a file of finished
measurements: the same command goes on where it was interrupted, and more guests, sizes and modes can be added.`,
		Example: `  trilemma bench trilemma -o lab
  trilemma bench trilemma --guests fib,sha256 --sizes 1e5,1e6 --modes attest,rerun,spot
  trilemma bench trilemma --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if f.stage {
				return a.measureStage(c.Context())
			}
			return a.benchTrilemma(c.Context(), f)
		},
	}
	c.Flags().StringVar(&f.guests, "guests", strings.Join(lab.Guests(), ","), "sample guests")
	c.Flags().StringVar(&f.sizes, "sizes", shortSizes(lab.Sizes()), "lengths of runs, in Wasm instructions, roughly")
	c.Flags().StringVar(&f.modes, "modes", strings.Join(lab.Modes(), ","), "modes; zk-secret is zk with all hidden that goes in and comes out")
	c.Flags().IntVar(&f.turns, "turns", 5, "how often each stage is measured, at most")
	c.Flags().Uint64Var(&f.samples, "samples", defaultSamples, "segments that a spot-check draws")
	c.Flags().Uint64Var(&f.seed, "seed", 1, "seed of the drawings")
	c.Flags().DurationVar(&f.limit, "limit", 2*time.Minute, "how long one stage may take: what would take longer is not measured")
	c.Flags().StringVarP(&f.dir, "output", "o", "", "directory for the report and the finished measurements")
	c.Flags().BoolVar(&f.stage, "stage", false, "measure one stage: how this command calls itself")
	if err := c.Flags().MarkHidden("stage"); err != nil {
		panic(err) // the flag stands one line above
	}
	completeFlag(c, "guests", oneOf(lab.Guests()...))
	completeFlag(c, "modes", oneOf(lab.Modes()...))
	return c
}

// shortSizes writes powers of ten shortly.
func shortSizes(ns []uint64) string {
	var out []string
	for _, n := range ns {
		s := strconv.FormatUint(n, 10)
		if digits := strings.TrimRight(s, "0"); digits == "1" && len(s) > 4 {
			s = fmt.Sprintf("1e%d", len(s)-1)
		}
		out = append(out, s)
	}
	return strings.Join(out, ",")
}

// config reads the flags.
func (f *compareFlags) config() (c lab.CompareConfig, err error) {
	c.Settings = lab.Settings{Build: version(), Turns: f.turns, Samples: f.samples, Seed: f.seed, Limit: f.limit.Milliseconds()}
	c.Guests, c.Modes = strings.Split(f.guests, ","), strings.Split(f.modes, ",")
	for s := range strings.SplitSeq(f.sizes, ",") {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || v < 1 || v > 1e15 || v != float64(uint64(v)) {
			return c, usage("--sizes: %q is not a whole number from 1", s)
		}
		c.Sizes = append(c.Sizes, uint64(v))
	}
	return c, nil
}

func (a *app) benchTrilemma(ctx context.Context, f compareFlags) (err error) {
	c, err := f.config()
	if err != nil {
		return err
	}
	if c.Dir = f.dir; c.Dir == "" {
		if c.Dir, err = a.benchDir(); err != nil {
			return usage("%w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(c.Dir)) }()
	} else if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return usage("%w", err)
	}
	c.Perform = a.elsewhere
	if err := c.Check(); err != nil {
		return usage("%w", err)
	}
	var bar *progress
	c.Progress = func(done, total int) {
		if bar == nil {
			bar = a.progress(total)
		}
		bar.done(done)
	}
	r, err := lab.Compare(ctx, c)
	if bar != nil {
		bar.end()
	}
	if errors.Is(err, lab.ErrOtherSettings) {
		return &status{code: exitUsage, err: err, hint: "name another directory with -o, or remove the file"}
	}
	if err != nil {
		return hostFailure(err)
	}
	if f.dir != "" {
		if err := report.Write(f.dir, r); err != nil {
			return hostFailure(err)
		}
		fmt.Fprintf(a.err, "the report is %s\n", filepath.Join(f.dir, report.Page))
	}
	if a.json {
		return a.printJSON(r)
	}
	_, err = io.WriteString(a.out, report.Short(r))
	return err
}

// stageJSON is what a process that measures one stage prints.
type stageJSON struct {
	Row   *lab.Row `json:"row"`
	Unfit string   `json:"unfit,omitempty"`
}

// maxStage bounds what one process tells another about a stage, in bytes.
const maxStage = 1 << 20

// maxSaid is how much of what such a process says on stderr is told, in bytes.
const maxSaid = 1000

// elsewhere measures a stage in a process of its own.
func (a *app) elsewhere(ctx context.Context, t lab.Task) (*lab.Row, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	in, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	c := exec.CommandContext(ctx, self, "bench", "trilemma", "--stage")
	c.Args[0] = os.Args[0]
	var out, errs bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(in), &out, &errs
	err = c.Run()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		said := errs.String()
		return nil, fmt.Errorf("%w: %s", err, strings.TrimPrefix(strings.Join(strings.Fields(said[:min(len(said), maxSaid)]), " "), "trilemma: "))
	}
	var got stageJSON
	if err := strictJSON(&out, &got); err != nil {
		return nil, err
	}
	if got.Unfit != "" {
		return nil, &lab.Unfit{Reason: got.Unfit}
	}
	if got.Row == nil {
		return nil, errors.New("the process that measures said nothing")
	}
	return got.Row, nil
}

// measureStage is that process.
func (a *app) measureStage(ctx context.Context) error {
	var t lab.Task
	if err := strictJSON(a.in, &t); err != nil {
		return usage("--stage: %w", err)
	}
	row, err := lab.Perform(ctx, t, lab.Clocks{CPU: processCPU, Peak: lab.PeakMemory})
	if why, ok := errors.AsType[*lab.Unfit](err); ok {
		return a.printJSON(stageJSON{Unfit: why.Reason})
	}
	if err != nil {
		return hostFailure(err)
	}
	return a.printJSON(stageJSON{Row: row})
}

// strictJSON decodes one object of known fields.
func strictJSON(r io.Reader, v any) error {
	d := json.NewDecoder(io.LimitReader(r, maxStage))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return errors.New("more than one JSON object")
	}
	return nil
}
