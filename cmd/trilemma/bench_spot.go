package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/lab"
)

func (a *app) benchSpotCommand() *cobra.Command {
	var flags benchFlags
	c := &cobra.Command{
		Use:   "spot [MODULE [ARG...]]",
		Short: "Measure spot-checks and disputes, on the sample guests or on a module",
		Long: `Measure spot-checks: what it takes to replay a segment from its opening, how large the opening is and what it reveals, for several lengths of
segments. The ratio is the time to replay a segment over the time to run as many steps: what decoding and hashing cost.

Then disputes: a run of more than 10⁹ steps, and another executor's with one bit of one state changed. What the referee spends, what the sides spend to answer,
and how many bytes are sent.

With a module it is that which runs in the guests' place, as exec would run it.`,
		Example: `  trilemma bench spot
  trilemma bench spot --turns 3 --json
  trilemma bench spot fib.wasm --invoke fib 30`,
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := flags.config(a, lab.Small, args)
			if err != nil {
				return err
			}
			return measured(a, cfg, func(cfg lab.Config) (*lab.SpotReport, error) { return lab.Spot(c.Context(), cfg) }, a.printSpot)
		},
	}
	flags.add(c)
	return c
}

func (a *app) printSpot(r *lab.SpotReport) error {
	rows := [][]string{{"GUEST", "CALL", "STEPS", "SEGMENT", "REPLAY", "OF THE RUN", "RATIO", "OPENING", "QUARTILES", "STATE SHOWN", "INPUT SHOWN"}}
	for _, row := range r.Rows {
		rows = append(rows, []string{row.Guest, row.Call, fmt.Sprint(row.Steps), fmt.Sprint(row.Segment), ms(row.Replay.Median), fmt.Sprintf("%.2f %%", row.Share*100),
			fmt.Sprintf("%.2f", row.Ratio), kib(row.Opening.Median), fmt.Sprintf("%s to %s", kib(row.Opening.Low), kib(row.Opening.High)),
			kib(row.State.Median), kib(row.Input.Median)})
	}
	if err := table(a.out, rows); err != nil {
		return err
	}
	fmt.Fprintln(a.out)
	rows = [][]string{{"DISPUTE", "STEPS", "SEGMENTS", "ROUNDS", "MESSAGES", "BYTES", "REFEREE", "SIDES", "RULING", "CONFIRMED IN"}}
	for _, d := range r.Disputes {
		rows = append(rows, []string{d.Guest + " " + d.Call, fmt.Sprint(d.Steps), fmt.Sprint(d.Segments), fmt.Sprint(d.Rounds), fmt.Sprint(d.Messages), kib(float64(d.Bytes)),
			ms(d.RefereeCPU * 1e3), ms(d.SidesCPU * 1e3), kib(float64(d.RulingBytes)), ms(d.ConfirmedCPU * 1e3)})
	}
	if err := table(a.out, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, `
replaying a segment of %d steps over running as many, geometric mean: %.2f
opening, median of the guests: %s, of which state and input %s
a dispute: %s of the referee's time, %s of messages
%s; in %s time
`, r.Segment, r.Summary.Ratio, kib(r.Summary.Opening), kib(r.Summary.Revealed), ms(r.Summary.DisputeCPU*1e3), kib(float64(r.Summary.DisputeBytes)), where(r.Host), r.Host.Clock)
	return err
}
