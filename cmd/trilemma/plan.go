package main

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trilemma-dev/trilemma/internal/report"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/verifier"
)

func (a *app) spotcheckCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "spotcheck",
		Short:   "What a spot-check is worth",
		Example: "  trilemma spotcheck plan --segments 4096 --rate 0.01",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.planCommand())
	return c
}

type planFlags struct {
	segments   uint64
	bad        uint64
	rate       string
	confidence string
	samples    uint64
	gain       string
	stake      string
}

func (a *app) planCommand() *cobra.Command {
	var f planFlags
	c := &cobra.Command{
		Use:   "plan [BUNDLE.car]",
		Short: "How many samples a confidence takes, and what stake makes cheating a losing bet",
		Long: `Say how many segments of a run to draw, or with --samples what drawing so many is worth. The arithmetic is exact: of n segments, b bad ones
are missed by k samples with probability C(n−b,k)/C(n,k). A single bad one is found with probability k/n only.

With --gain it says what stake an executor must stand to lose when caught, so that cheating is a losing bet: (1−p)·gain = p·stake.`,
		Example: `  trilemma spotcheck plan run.car --confidence 0.99 --rate 0.05
  trilemma spotcheck plan --segments 4096 --bad 1 --confidence 0.5
  trilemma spotcheck plan --segments 4096 --samples 40 --bad 41 --gain 100 --stake 500`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeFile("car"),
		RunE:              func(c *cobra.Command, args []string) error { return a.plan(args, f) },
	}
	fl := c.Flags()
	fl.Uint64Var(&f.segments, "segments", 0, "how many segments the run has; instead of a bundle")
	fl.Uint64Var(&f.bad, "bad", 0, "how many of them are bad")
	fl.StringVar(&f.rate, "rate", "", "what part of them is bad, such as 0.01 or 1/100; default: one segment")
	fl.StringVar(&f.confidence, "confidence", "0.95", "the probability with which a bad one is to be found")
	fl.Uint64Var(&f.samples, "samples", 0, "say what so many samples are worth, instead of how many it takes")
	fl.StringVar(&f.gain, "gain", "", "what the executor gains by cheating undetected")
	fl.StringVar(&f.stake, "stake", "", "what it loses when detected: says what it may expect")
	return c
}

type planJSON struct {
	Segments    uint64       `json:"segments"`
	Bad         uint64       `json:"bad"`
	Samples     uint64       `json:"samples"`
	Confidence  string       `json:"confidence,omitempty"`
	Probability float64      `json:"probability"`
	Single      float64      `json:"single"`
	Curve       []wire.Point `json:"curve"`
	Stake       *float64     `json:"stake,omitempty"`
	StakeSingle *float64     `json:"stake_single,omitempty"`
	Expected    *float64     `json:"expected,omitempty"`
}

// plan is a plan with its exact probabilities: to find one of the bad segments, and to find a single one.
type plan struct {
	planJSON
	p, single *big.Rat
}

func (a *app) plan(args []string, f planFlags) error {
	n, err := a.planned(args, f)
	if err != nil {
		return err
	}
	j := plan{planJSON: planJSON{Segments: n, Bad: f.bad, Samples: f.samples}}
	switch {
	case f.rate != "" && f.bad != 0:
		return usage("--bad and --rate say the same: give one")
	case f.rate != "":
		rate, err := rational("rate", f.rate, big.NewRat(1, 1))
		if err != nil {
			return err
		}
		j.Bad = spotcheck.Bad(n, rate)
	case f.bad == 0:
		j.Bad = 1
	}
	if j.Bad > n || j.Samples > n {
		return usage("%d bad segments and %d samples: the run has %d segments", j.Bad, j.Samples, n)
	}
	if j.Samples == 0 {
		confidence, err := rational("confidence", f.confidence, big.NewRat(1, 1))
		if err != nil {
			return err
		}
		j.Confidence = confidence.RatString()
		if j.Samples, err = spotcheck.Samples(n, j.Bad, confidence); err != nil {
			return usage("%w", err)
		}
	}
	if j.p, err = spotcheck.Detection(n, j.Bad, j.Samples); err == nil {
		j.single, err = spotcheck.Detection(n, 1, j.Samples)
	}
	var curve []spotcheck.Point
	if err == nil {
		curve, err = spotcheck.Curve(n, j.Samples)
	}
	if err != nil {
		return usage("%w", err)
	}
	j.Probability, j.Single, j.Curve = float(j.p), float(j.single), report.Points(curve)
	return a.bet(&j, f)
}

// planned is how many segments the plan is about.
func (a *app) planned(args []string, f planFlags) (uint64, error) {
	switch {
	case len(args) == 0 && f.segments == 0:
		return 0, &status{code: exitUsage, err: errors.New("of how many segments?"), hint: "name a bundle, or give --segments"}
	case len(args) == 0:
		return f.segments, nil
	case f.segments != 0:
		return 0, usage("the bundle has its own number of segments: leave --segments out")
	}
	b, _, err := a.readBundle(args[0])
	if err != nil {
		return 0, bad(err)
	}
	n, err := verifier.Segments(b)
	if err == nil && n == 0 {
		err = errors.New("no task of the run has a transcript: run it with --transcript")
	}
	if err != nil {
		return 0, usage("%s: %w", args[0], err)
	}
	return n, nil
}

// bet adds the arithmetic of stakes, and prints the plan.
func (a *app) bet(j *plan, f planFlags) error {
	var gain, stake *big.Rat
	var err error
	if f.gain != "" {
		if gain, err = rational("gain", f.gain, nil); err != nil {
			return err
		}
		if s, ok := spotcheck.Stake(j.p, gain); ok {
			v := float(s)
			j.Stake = &v
		}
		if s, ok := spotcheck.Stake(j.single, gain); ok {
			v := float(s)
			j.StakeSingle = &v
		}
	}
	if f.stake != "" {
		if gain == nil {
			return usage("--stake needs --gain: what is it weighed against?")
		}
		if stake, err = rational("stake", f.stake, nil); err != nil {
			return err
		}
		v := float(spotcheck.Expected(j.p, gain, stake))
		j.Expected = &v
	}
	if a.json {
		return a.printJSON(j.planJSON)
	}
	fmt.Fprintf(a.out, "%d samples of %d segments: if %d are bad, one is found with probability 1−C(%d,%d)/C(%d,%d) = %.6g\n",
		j.Samples, j.Segments, j.Bad, j.Segments-j.Bad, j.Samples, j.Segments, j.Samples, j.Probability)
	fmt.Fprintf(a.out, "a single bad one is found with probability k/n = %d/%d = %.6g only\n", j.Samples, j.Segments, j.Single)
	rows := [][]string{{"BAD", "FOUND"}}
	for _, p := range j.Curve {
		rows = append(rows, []string{fmt.Sprint(p.Bad), fmt.Sprintf("%.6g", p.Probability)})
	}
	if err := table(a.out, rows); err != nil {
		return err
	}
	if j.Stake != nil {
		fmt.Fprintf(a.out, "stake: with p = %.6g, (1−p)·%s = p·stake at %.6g: any more, and cheating is a losing bet\n", j.Probability, f.gain, *j.Stake)
		fmt.Fprintf(a.out, "for a single bad segment, with p = %.6g, it takes more than %.6g\n", j.Single, *j.StakeSingle)
	}
	if j.Expected != nil {
		fmt.Fprintf(a.out, "with a stake of %s the cheat may expect (1−p)·%s − p·%s = %.6g\n", f.stake, f.gain, f.stake, *j.Expected)
	}
	return nil
}

func float(r *big.Rat) float64 {
	f, _ := r.Float64()
	return f
}

// rational reads the number of a flag, which is not negative and at most max, if there is one.
func rational(flag, s string, max *big.Rat) (*big.Rat, error) {
	if len(s) <= 64 && strings.Trim(s, "0123456789./") == "" { // no exponents: a large one would take for ever
		if r, ok := new(big.Rat).SetString(s); ok && r.Sign() >= 0 && (max == nil || r.Cmp(max) <= 0) {
			return r, nil
		}
	}
	return nil, usage("--%s %.80q is not a number of the kind that it takes, such as 0.01 or 1/100", flag, s)
}
