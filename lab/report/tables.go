package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/trilemma-dev/trilemma/lab"
)

// Table is a table with what it says above it.
type Table struct {
	Title string
	Text  string
	Head  []string
	Rows  [][]string
	Long  bool // more than most readers want to see
}

// tablesOf are the report's tables, the most telling first.
func tablesOf(c *lab.Comparison) []Table {
	all := []Table{trilemma(c), measured(c), crossovers(c), predictions(c), references(c), measurements(c), models(c)}
	return slices.DeleteFunc(all, func(t Table) bool { return len(t.Rows) == 0 })
}

func trilemma(c *lab.Comparison) Table {
	t := view("The trilemma", &c.Summary.View)
	t.Text += " To produce happens once; to answer and to check once for each checker. The factor is all three over the call alone in wazero. " +
		"Set-up is what comes before the first time: compiling, lowering, keys."
	if slices.ContainsFunc(c.Summary.Points, func(p lab.Point) bool { return p.Mode == lab.ModeSecret }) {
		t.Text += " zk-secret is a proof of the same call with all hidden that goes in and comes out: of that the checker learns nothing, and the other modes could not check it."
	}
	return t
}

// measured is the trilemma at the largest size at which every mode was measured, if the first table has predictions.
func measured(c *lab.Comparison) Table {
	if c.Summary.Measured == nil {
		return Table{}
	}
	return view("The trilemma of shorter runs, all measured", c.Summary.Measured)
}

func view(title string, v *lab.View) Table {
	t := Table{Title: title, Text: fmt.Sprintf("Runs of about %s instructions; geometric means over %s.", power(float64(v.Size)), strings.Join(v.Guests, ", ")),
		Head: []string{"mode", "how sure", "to produce", "to answer", "to check", "over wazero", "evidence", "the checker learns", "peak memory", "set-up"}}
	for _, p := range v.Points {
		t.Rows = append(t.Rows, []string{named(&p), sure(p.Kind, p.Single), span(p.Produce), maybe(p.Answer), span(p.Check), "×" + digits(p.Over), size(p.Evidence),
			size(p.Shown), size(p.Peak), span(p.Setup)})
	}
	return t
}

// named says whether a point was measured.
func named(p *lab.Point) string {
	if p.Guessed {
		return p.Mode + " (predicted)"
	}
	return p.Mode
}

func crossovers(c *lab.Comparison) Table {
	t := Table{Title: "Where modes cross", Text: "Against running again, by the models, without set-up: from which length of the run on a check takes less; and how many checkers it takes " +
		"until all costs together (to produce, and for each checker to answer and to check) are less. An asterisk: outside of what was measured.",
		Head: []string{"guest", "mode", "a check takes less from", "pays at 10⁶ for", "at 10⁹", "at 10¹²"}}
	for _, x := range c.Crossovers {
		row := []string{x.Guest, x.Mode, "never below 10¹²"}
		if x.Length != nil {
			row[2] = power(*x.Length) + " instructions"
			if *x.Length < 1100 { // where they are looked for from
				row[2] = "any length"
			}
		}
		if x.Extended {
			row[2] += " *"
		}
		for _, at := range []float64{1e6, 1e9, 1e12} {
			if x.Payoffs == nil {
				row = append(row, "–")
			} else {
				row = append(row, pays(x.Payoffs, at))
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// pays says for how many checkers a mode pays at a length.
func pays(ps []lab.Payoff, at float64) string {
	for _, p := range ps {
		if math.Abs(p.Instructions/at-1) < 1e-6 && p.Checkers != nil {
			if *p.Checkers < 1 {
				return "1 checker"
			}
			return digits(math.Ceil(*p.Checkers)) + " checkers"
		}
	}
	return "none"
}

func predictions(c *lab.Comparison) Table {
	t := Table{Title: "Longer runs, predicted", Text: "What the models say of runs of 10⁹ and 10¹⁰ instructions; medians of the guests." + misses(c),
		Head: []string{"mode", "length", "to produce", "to answer", "to check", "evidence", "the checker learns", "peak memory"}}
	for _, mode := range modesOf(c) {
		if _, ok := middle(c, mode, lab.Check, 1); !ok {
			continue
		}
		for _, l := range []float64{1e9, 1e10} {
			row := []string{mode, power(l)}
			for _, q := range []string{lab.Produce, lab.Answer, lab.Check, lab.Evidence, lab.Shown, lab.Peak} {
				v, ok := middle(c, mode, q, l)
				switch {
				case !ok:
					row = append(row, "–")
				case q == lab.Produce || q == lab.Answer || q == lab.Check:
					row = append(row, maybe(v))
				default:
					row = append(row, size(v))
				}
			}
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// misses says how wrong the models are.
func misses(c *lab.Comparison) string {
	var parts []string
	for _, q := range []string{lab.Produce, lab.Answer, lab.Check, lab.Evidence, lab.Shown, lab.Peak} {
		if e, ok := c.Summary.Error[q]; ok {
			parts = append(parts, q+" "+percent(e))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " How far a model is from a measurement that it has not seen, in the middle: " + strings.Join(parts, ", ") + "."
}

// middle is the median of the guests' predictions.
func middle(c *lab.Comparison, mode, quantity string, l float64) (float64, bool) {
	var vs []float64
	for i := range c.Models {
		if m := &c.Models[i]; m.Mode == mode && m.Quantity == quantity {
			vs = append(vs, m.Predict(l))
		}
	}
	if len(vs) == 0 {
		return 0, false
	}
	slices.Sort(vs)
	return (vs[(len(vs)-1)/2] + vs[len(vs)/2]) / 2, true
}

// modesOf are the modes that were measured, in order.
func modesOf(c *lab.Comparison) (names []string) {
	for _, r := range c.Rows {
		if !slices.Contains(names, r.Mode) {
			names = append(names, r.Mode)
		}
	}
	return names
}

func references(c *lab.Comparison) Table {
	t := Table{Title: "What modes are compared with", Text: "One signature; circuits that do nothing but multiply, proved with Groth16 on BN254; and for each call wazero alone, without metering." + overPlain(c),
		Head: []string{"what", "size", "to produce", "to check", "bytes", "keys", "peak memory", "set-up"}}
	for _, r := range c.Baselines {
		if r.Skipped != "" {
			continue
		}
		what, n := r.Mode, grouped(float64(r.Fuel))+" instructions"
		switch {
		case r.Guest != "":
			what += ", " + r.Guest
		case r.Mode == lab.BaseKeys:
			what, n = "keys of proofs", grouped(float64(r.Constraints))+" constraints"
		case r.Constraints > 0:
			n = grouped(float64(r.Constraints)) + " constraints"
		default:
			n = "one receipt"
		}
		t.Rows = append(t.Rows, []string{what, n, stage(r.Produce), stage(r.Check), size(float64(r.Evidence)), size(float64(r.Keys)), size(float64(r.Peak())), span(r.Setup())})
	}
	return t
}

// overPlain says how proofs of runs compare with plain circuits, if there are both.
func overPlain(c *lab.Comparison) string {
	if c.Summary.Plain == 0 {
		return ""
	}
	return " Producing a proof of a run takes " + digits(c.Summary.Plain) + " times what plain circuits of as many constraints take."
}

func measurements(c *lab.Comparison) Table {
	t := Table{Title: "All measurements", Long: true, Text: "Medians of the turns, with quartiles.",
		Head: []string{"guest", "instructions", "mode", "how sure", "to produce", "to answer", "to check", "turns", "evidence", "input shown", "state shown", "output shown", "peak memory", "set-up"}}
	for _, r := range c.Rows {
		if r.Skipped != "" {
			t.Rows = append(t.Rows, []string{r.Guest, "about " + power(float64(r.Size)), r.Mode, "not measured: " + r.Skipped, "", "", "", "", "", "", "", "", "", ""})
			continue
		}
		single := 0.0
		if r.Soundness.Single != nil {
			single = *r.Soundness.Single
		}
		t.Rows = append(t.Rows, []string{r.Guest, grouped(float64(r.Fuel)), r.Mode, sure(r.Soundness.Kind, single), stage(r.Produce), stage(r.Answer), stage(r.Check), turns(&r),
			size(float64(r.Evidence)), size(float64(r.Revealed.Input)), size(float64(r.Revealed.State)), size(float64(r.Revealed.Output)), size(float64(r.Peak())), span(r.Setup())})
	}
	return t
}

// turns are how often a row's stages were measured.
func turns(r *lab.Row) string {
	var out []string
	for _, s := range []*lab.Stage{r.Produce, r.Answer, r.Check} {
		if s != nil {
			out = append(out, fmt.Sprint(s.Turns))
		}
	}
	return strings.Join(out, ", ")
}

func models(c *lab.Comparison) Table {
	t := Table{Title: "The model", Long: true, Text: "Each quantity is a + b·n + c·min(n, reach), where n is the run's length in instructions and reach is how many instructions the segments hold that are " +
		"replayed (those that a spot-check draws, or one in a dispute): least squares of relative errors, no coefficient below 0. The error is how far the model of the other points is from each: the median, and the third quartile.",
		Head: []string{"guest", "mode", "quantity", "unit", "a", "b", "c", "points", "error", "upper quartile"}}
	for _, m := range c.Models {
		e, high := "–", "–"
		if m.Points >= 3 {
			e, high = percent(m.Error.Median), percent(m.Error.High)
		}
		t.Rows = append(t.Rows, []string{m.Guest, m.Mode, m.Quantity, m.Unit, exact(m.Fixed), exact(m.Each), exact(m.Within), fmt.Sprint(m.Points), e, high})
	}
	return t
}

// exact writes a coefficient.
func exact(v float64) string { return fmt.Sprintf("%.3g", v) }
