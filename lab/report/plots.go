package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"

	"github.com/trilemma-dev/trilemma/lab"
)

// maker draws one plot; what has nothing to show draws none.
type maker func(*lab.Comparison) (*plot.Plot, Plot, error)

// plotsOf are the report's plots, the most telling first.
func plotsOf(c *lab.Comparison) (out []Plot, err error) {
	makers := []maker{triangle,
		quantity(lab.Check, "Time to check", "check.svg"), quantity(lab.Produce, "Time to produce", "produce.svg"), quantity(lab.Evidence, "Size of the evidence", "evidence.svg"),
		checks, payoffs}
	for _, make := range makers {
		p, what, err := make(c)
		if err != nil {
			return nil, fmt.Errorf("report: %s: %w", what.File, err)
		}
		if p == nil {
			continue
		}
		if what.SVG, err = drawn(p, what.Title); err != nil {
			return nil, err
		}
		out = append(out, what)
	}
	return out, nil
}

// Ticks are powers of ten, in units that are too.
func spanTick(ms float64) string { return whole(ms/1e3, "µs ms s ks", -6) }
func timesTick(v float64) string { return "×" + power(v) }
func sizeTick(v float64) string {
	if v < 1 {
		return "none"
	}
	return whole(v, "B kB MB GB TB", 0)
}

// whole writes a power of ten in the largest of some units that are a thousand apart, the first of which is 10^e.
func whole(v float64, units string, e int) string {
	names := strings.Fields(units)
	n := int(math.Round(math.Log10(v))) - e
	i := max(0, min(n/3, len(names)-1))
	return power(math.Pow(10, float64(n-3*i))) + " " + names[i]
}

// nothing is where a logarithmic axis shows 0 bytes.
const nothing = 0.1

// triangle is the trilemma: each mode is a point, of what it costs and of what the checker learns; how sure that is stands beside it.
func triangle(c *lab.Comparison) (*plot.Plot, Plot, error) {
	what := Plot{File: "trilemma.svg", Title: "The trilemma: cost, privacy, and how sure the checker is",
		Text: fmt.Sprintf("Each mode is a point: how many times what the call costs in wazero alone is spent in all, by whoever runs it and one checker (further left is cheaper), and what the "+
			"checker learns of input, state and output (further down is more private). How sure it is stands in the legend. Small points are guests, large ones their means, for runs of about %s instructions.", power(float64(c.Summary.Size)))}
	if len(c.Summary.Points) == 0 {
		return nil, what, nil
	}
	p := axes("all costs over the call alone", "the checker learns", timesTick, sizeTick)
	var xs, ys []float64
	var labels plotter.XYLabels
	for i, pt := range c.Summary.Points {
		s := styleOf(i)
		var small plotter.XYs
		for _, r := range c.Rows {
			if bare := bareOf(c, &r); bare != nil && r.Mode == pt.Mode && r.Size == c.Summary.Size && slices.Contains(c.Summary.Guests, r.Guest) {
				small = append(small, plotter.XY{X: r.Total(1) / bare.Produce.Time(), Y: max(nothing, float64(r.Revealed.Total()))})
			}
		}
		if len(small) > 0 {
			if _, err := points(p, s, 2, small); err != nil {
				return nil, what, err
			}
		}
		at := plotter.XY{X: max(pt.Over, 1e-3), Y: max(nothing, pt.Shown)}
		large, err := points(p, s, 6, plotter.XYs{at})
		if err != nil {
			return nil, what, err
		}
		labels.XYs, labels.Labels = append(labels.XYs, at), append(labels.Labels, named(&pt))
		p.Legend.Add(pt.Mode+": "+sure(pt.Kind, pt.Single), large)
		for _, xy := range append(small, at) {
			xs, ys = append(xs, xy.X), append(ys, xy.Y)
		}
	}
	decades(&p.X, xs)
	decades(&p.Y, append(ys, nothing, 10))
	return p, what, words(p, labels)
}

// words writes labels beside points.
func words(p *plot.Plot, at plotter.XYLabels) error {
	l, err := plotter.NewLabels(at)
	if err != nil {
		return err
	}
	for i := range l.TextStyle {
		l.TextStyle[i].Font.Variant, l.TextStyle[i].Font.Size, l.TextStyle[i].YAlign = sans, 11, text.YCenter
	}
	l.Offset.X = 9
	p.Add(l)
	return nil
}

// bareOf is the call of a row in wazero alone, if that was measured.
func bareOf(c *lab.Comparison, r *lab.Row) *lab.Row {
	for i := range c.Baselines {
		if b := &c.Baselines[i]; b.Mode == lab.BaseWazero && b.Guest == r.Guest && b.Size == r.Size && b.Skipped == "" && b.Produce.Time() > 0 && r.Skipped == "" {
			return b
		}
	}
	return nil
}

// quantity plots what was measured over the length of the run, with the middle of the guests' models as lines.
func quantity(name, label, file string) maker {
	return func(c *lab.Comparison) (*plot.Plot, Plot, error) {
		tick := ticks(spanTick)
		if name == lab.Evidence {
			tick = sizeTick
		}
		what := Plot{File: file, Title: label + ", by the length of the run", Text: "Points are measurements of all guests; lines are the middle of their models, dashed where nothing was measured."}
		p := axes("instructions", strings.ToLower(label), power, tick)
		var xs, ys []float64
		for i, mode := range modesOf(c) {
			s := styleOf(i)
			var xys plotter.XYs
			for _, r := range c.Rows {
				if v := valueOf(&r, name); r.Mode == mode && r.Skipped == "" && r.Fuel > 0 && v > 0 {
					xys = append(xys, plotter.XY{X: float64(r.Fuel), Y: v})
					xs, ys = append(xs, float64(r.Fuel)), append(ys, v)
				}
			}
			if len(xys) == 0 {
				continue
			}
			sc, err := points(p, s, 3, xys)
			if err != nil {
				return nil, what, err
			}
			p.Legend.Add(mode, sc)
		}
		if len(xs) == 0 {
			return nil, what, nil
		}
		decades(&p.X, append(xs, slices.Max(xs)*10))
		for i, mode := range modesOf(c) {
			if err := predicted(p, c, styleOf(i), mode, name, &ys); err != nil {
				return nil, what, err
			}
		}
		decades(&p.Y, ys)
		return p, what, nil
	}
}

func valueOf(r *lab.Row, name string) float64 {
	switch name {
	case lab.Produce:
		return r.Produce.Time()
	case lab.Check:
		return r.Check.Time()
	}
	return float64(r.Evidence)
}

// predicted adds the middle of a mode's models as a line, from one end of the plot to the other, and notes its values.
func predicted(p *plot.Plot, c *lab.Comparison, s style, mode, name string, ys *[]float64) error {
	measured := 0.0
	for _, m := range c.Models {
		if m.Mode == mode && m.Quantity == name {
			measured = max(measured, m.Longest)
		}
	}
	for _, part := range []struct {
		from, to float64
		dashed   bool
	}{{p.X.Min, min(measured, p.X.Max), false}, {max(measured, p.X.Min), p.X.Max, true}} {
		var xys plotter.XYs
		if part.from >= part.to {
			continue
		}
		for i := range 61 {
			x := part.from * math.Pow(part.to/part.from, float64(i)/60)
			if y, ok := middle(c, mode, name, x); ok && y > 0 {
				xys = append(xys, plotter.XY{X: x, Y: y})
				*ys = append(*ys, y)
			}
		}
		if len(xys) < 2 {
			continue
		}
		if _, err := line(p, s, part.dashed, xys); err != nil {
			return err
		}
	}
	return nil
}

// checks shows above which length a check of one mode takes less than of another, far beyond what was measured.
func checks(c *lab.Comparison) (*plot.Plot, Plot, error) {
	what := Plot{File: "crossover.svg", Title: "Above which length does checking beat running again?",
		Text: "The checker's time by the models, the middle of the guests; dashed where nothing was measured. Where a line lies below that of rerun, that mode's check takes less."}
	p := axes("instructions", "to check", power, spanTick)
	p.X.Min, p.X.Max = 1e4, 1e12
	var ys []float64
	for i, mode := range modesOf(c) {
		before := len(ys)
		if err := predicted(p, c, styleOf(i), mode, lab.Check, &ys); err != nil {
			return nil, what, err
		}
		if len(ys) > before {
			key, err := plotter.NewLine(plotter.XYs{{X: 1, Y: 1}, {X: 2, Y: 2}})
			if err != nil {
				return nil, what, err
			}
			key.Color, key.Width = styleOf(i).color, 1.5
			p.Legend.Add(mode, key)
		}
	}
	if len(ys) == 0 {
		return nil, what, nil
	}
	decades(&p.Y, ys)
	return p, what, nil
}

// payoffs shows for how many checkers a mode pays.
func payoffs(c *lab.Comparison) (*plot.Plot, Plot, error) {
	what := Plot{File: "checkers.svg", Title: "When does a mode pay for a verifier who checks N times?",
		Text: "Above a mode's line all costs together are less than with every checker running again; the middle of the guests for which there is such a number, by the models."}
	p := axes("instructions", "checkers", power, power)
	var xs, ys []float64
	for i, mode := range modesOf(c) {
		byLength := map[float64][]float64{}
		for _, x := range c.Crossovers {
			for _, pay := range x.Payoffs {
				if x.Mode == mode && pay.Checkers != nil {
					byLength[pay.Instructions] = append(byLength[pay.Instructions], max(1, *pay.Checkers))
				}
			}
		}
		var xys plotter.XYs
		for l, ns := range byLength {
			slices.Sort(ns)
			xys = append(xys, plotter.XY{X: l, Y: ns[len(ns)/2]})
			xs, ys = append(xs, l), append(ys, ns[len(ns)/2])
		}
		if len(xys) == 0 {
			continue
		}
		slices.SortFunc(xys, func(a, b plotter.XY) int { return int(math.Copysign(1, a.X-b.X)) })
		if _, err := line(p, styleOf(i), false, xys); err != nil {
			return nil, what, err
		}
		sc, err := points(p, styleOf(i), 3, xys)
		if err != nil {
			return nil, what, err
		}
		p.Legend.Add(mode, sc)
	}
	if len(xs) == 0 {
		return nil, what, nil
	}
	decades(&p.X, xs)
	decades(&p.Y, ys)
	return p, what, nil
}
