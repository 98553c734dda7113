package lab

import (
	"math"
	"slices"

	"github.com/trilemma-dev/trilemma/verifier"
)

// Crossover says when another mode costs less than running again, going by the models. Times are without set-up.
type Crossover struct {
	Guest    string   `json:"guest"`
	Mode     string   `json:"mode"`
	Length   *float64 `json:"check_instructions"` // from this length of the run on a check takes less; nil: not below 10¹²
	Extended bool     `json:"extrapolated"`       // the length, or the absence of one, lies outside of what was measured
	Payoffs  []Payoff `json:"payoffs"`
}

// Payoff is how many checkers it takes until all costs together (to produce, and for each checker to answer and to check) are less than
// with everybody running again. A dispute has none: it is not had for each checker.
type Payoff struct {
	Instructions float64  `json:"instructions"`
	Checkers     *float64 `json:"checkers"` // nil: however many there are it costs more
}

// Point is a mode in the trilemma: geometric means over the summary's guests at its size.
type Point struct {
	Mode     string  `json:"mode"`
	Guessed  bool    `json:"predicted"` // it was not measured on all of them: the models say so
	Produce  float64 `json:"produce_ms"`
	Answer   float64 `json:"answer_ms"`
	Check    float64 `json:"check_ms"`
	Over     float64 `json:"over_wazero"` // all three over the call alone
	Evidence float64 `json:"evidence_bytes"`
	Shown    float64 `json:"revealed_bytes"` // arithmetic mean: it may be 0
	Peak     float64 `json:"peak_rss_bytes"`
	Setup    float64 `json:"setup_ms"`
	Kind     string  `json:"soundness"`
	Single   float64 `json:"one_bad_segment"` // the mean probability to find one forged segment, of a mode that samples
}

// View is the trilemma at one size.
type View struct {
	Size   uint64   `json:"size"`
	Guests []string `json:"guests"` // that there is every mode of
	Points []Point  `json:"points"`
}

// Summary is what stands out.
type Summary struct {
	View                        // at the largest size at which there is a guest with every mode, measured or predicted
	Measured *View              `json:"measured,omitempty"`             // if something of that is predicted: at the largest size at which all is measured
	Lengths  map[string]float64 `json:"check_below_rerun_instructions"` // by mode: geometric mean of the guests', of those that have one
	Error    map[string]float64 `json:"model_error"`                    // by quantity: median of the models' median errors
	Plain    float64            `json:"zk_over_groth16,omitempty"`      // time to produce over that of plain circuits of as many constraints: geometric mean of the rows
}

// Conclude makes models, crossovers and the summary of the rows. It depends on nothing else.
func (c *Comparison) Conclude() {
	c.Models, c.Crossovers = nil, nil
	for _, line := range c.lines() {
		for _, q := range quantities() {
			if m, ok := c.model(line[0], line[1], q); ok {
				c.Models = append(c.Models, m)
			}
		}
	}
	for _, line := range c.lines() {
		if m := verifier.Mode(line[1]); m != verifier.Rerun && m != verifier.Attest { // the one is what is compared with, the other establishes less
			if x, ok := c.crossover(line[0], line[1]); ok {
				c.Crossovers = append(c.Crossovers, x)
			}
		}
	}
	c.summarise()
}

// lines are the pairs of guest and mode that were measured, in the rows' order.
func (c *Comparison) lines() (ls [][2]string) {
	for _, r := range c.Rows {
		if l := [2]string{r.Guest, r.Mode}; r.Skipped == "" && !slices.Contains(ls, l) {
			ls = append(ls, l)
		}
	}
	return ls
}

// model fits one quantity of one line; there is none if all of it is 0.
func (c *Comparison) model(guest, mode string, q quantity) (Model, bool) {
	m := Model{Guest: guest, Mode: mode, Quantity: q.name, Unit: q.unit}
	var ss []sample
	for _, r := range c.Rows {
		if r.Guest != guest || r.Mode != mode || r.Skipped != "" || r.Fuel == 0 {
			continue
		}
		ss = append(ss, sample{float64(r.Fuel), q.of(&r)})
		if n := c.replayed(mode); n > 0 && r.Steps > 0 {
			m.Reach = float64(n) * float64(r.Fuel) / float64(r.Steps)
		}
	}
	if !slices.ContainsFunc(ss, func(s sample) bool { return s.y > 0 }) {
		return m, false
	}
	m.fit(ss)
	return m, true
}

// replayed is how many steps a checker replays at most, of a run of any length.
func (c *Comparison) replayed(mode string) uint64 {
	switch verifier.Mode(mode) {
	case verifier.Spot:
		return c.Settings.Samples * c.Segment
	case verifier.Dispute:
		return c.Segment
	}
	return 0
}

// Model is what predicts a quantity, if it was measured; one that predicts nothing if it was always 0.
func (c *Comparison) Model(guest, mode, quantity string) *Model {
	for i := range c.Models {
		if m := &c.Models[i]; m.Guest == guest && m.Mode == mode && m.Quantity == quantity {
			return m
		}
	}
	return &Model{}
}

// The lengths of runs that crossovers are looked for in.
const (
	shortest, longest = 1e3, 1e12
	perDecade         = 40
)

func (c *Comparison) crossover(guest, mode string) (x Crossover, ok bool) {
	rerun := string(verifier.Rerun)
	again, check := c.Model(guest, rerun, Check), c.Model(guest, mode, Check)
	if again.Points == 0 || check.Points == 0 {
		return x, false
	}
	x = Crossover{Guest: guest, Mode: mode}
	cheaper := func(l float64) bool { return check.Predict(l) < again.Predict(l) }
	for l := longest; l >= shortest && cheaper(l); l /= math.Pow(10, 1.0/perDecade) {
		x.Length = &l
	}
	measured := min(again.Longest, check.Longest)
	x.Extended = x.Length == nil && measured < longest || x.Length != nil && *x.Length > measured
	for l := 1e4; l <= longest && mode != string(verifier.Dispute); l *= 10 {
		p := Payoff{Instructions: l}
		more := c.Model(guest, mode, Produce).Predict(l) - c.Model(guest, rerun, Produce).Predict(l)
		saved := again.Predict(l) - check.Predict(l) - c.Model(guest, mode, Answer).Predict(l)
		if saved > 0 {
			p.Checkers = ptr(max(0, more/saved))
		}
		x.Payoffs = append(x.Payoffs, p)
	}
	return x, true
}

// of finds the row of a mode, a guest and a size, if it was measured.
func of(rows []Row, mode, guest string, size uint64) *Row {
	for i := range rows {
		if r := &rows[i]; r.Mode == mode && r.Guest == guest && r.Size == size && r.Skipped == "" {
			return r
		}
	}
	return nil
}

func (c *Comparison) summarise() {
	s := Summary{Lengths: map[string]float64{}, Error: map[string]float64{}}
	var modes []string
	var guests []string
	for _, l := range c.lines() {
		if !slices.Contains(modes, l[1]) {
			modes = append(modes, l[1])
		}
		if !slices.Contains(guests, l[0]) {
			guests = append(guests, l[0])
		}
	}
	s.View = c.view(modes, guests, func(m, guest string, size uint64) bool {
		return of(c.Rows, m, guest, size) != nil || c.Model(guest, m, Check).Points >= 2
	})
	if slices.ContainsFunc(s.Points, func(p Point) bool { return p.Guessed }) {
		if v := c.view(modes, guests, func(m, guest string, size uint64) bool { return of(c.Rows, m, guest, size) != nil }); v.Size > 0 {
			s.Measured = &v
		}
	}
	for _, m := range modes {
		var lengths []float64
		for _, x := range c.Crossovers {
			if x.Mode == m && x.Length != nil {
				lengths = append(lengths, *x.Length)
			}
		}
		if len(lengths) > 0 {
			s.Lengths[m] = geometric(lengths)
		}
	}
	for _, q := range quantities() {
		var errs []float64
		for _, m := range c.Models {
			if m.Quantity == q.name && m.Points >= 3 {
				errs = append(errs, m.Error.Median)
			}
		}
		if len(errs) > 0 {
			s.Error[q.name] = spreadOf(errs).Median
		}
	}
	s.Plain = c.overPlain()
	c.Summary = s
}

// view is the trilemma at the largest size at which there is a guest with every mode, as has says.
func (c *Comparison) view(modes, guests []string, has func(mode, guest string, size uint64) bool) View {
	v := View{Guests: []string{}, Points: []Point{}}
	whole := func(guest string, size uint64) bool {
		return of(c.Baselines, BaseWazero, guest, size) != nil && !slices.ContainsFunc(modes, func(m string) bool { return !has(m, guest, size) })
	}
	for _, r := range c.Rows {
		if r.Size > v.Size && whole(r.Guest, r.Size) {
			v.Size = r.Size
		}
	}
	for _, g := range guests {
		if whole(g, v.Size) {
			v.Guests = append(v.Guests, g)
		}
	}
	for _, m := range modes {
		if len(v.Guests) > 0 {
			v.Points = append(v.Points, c.point(m, v.Guests, v.Size))
		}
	}
	return v
}

// overPlain compares proofs of runs, part by part, with plain circuits of as many constraints; 0 if there is none of either.
func (c *Comparison) overPlain() float64 {
	var plain Model
	var ss []sample
	for _, r := range c.Baselines {
		if r.Mode == BaseGroth16 && r.Skipped == "" {
			ss = append(ss, sample{float64(r.Constraints), r.Produce.Time()})
		}
	}
	plain.fit(ss)
	var ratios []float64
	for _, r := range c.Rows {
		if Proves(r.Mode) && r.Parts > 0 && len(ss) > 0 {
			n := float64(r.Parts)
			ratios = append(ratios, r.Produce.Time()/(n*plain.Predict(float64(r.Constraints)/n)))
		}
	}
	if len(ratios) == 0 {
		return 0
	}
	return geometric(ratios)
}

// stand is a row as the models predict it, for a call of which only the bare run was measured. What is not predicted is that of the longest run that was.
func (c *Comparison) stand(mode, guest string, bare *Row) *Row {
	var r Row
	for i := range c.Rows {
		if q := &c.Rows[i]; q.Mode == mode && q.Guest == guest && q.Skipped == "" && q.Fuel >= r.Fuel {
			r = *q
		}
	}
	at := float64(bare.Fuel)
	guess := func(s *Stage, quantity string) *Stage {
		if s == nil {
			return nil
		}
		ms := c.Model(guest, mode, quantity).Predict(at)
		return &Stage{Spent: Spent{Wall: Spread{Median: ms}, CPU: Spread{Median: ms}}, Setup: s.Setup, Peak: int64(c.Model(guest, mode, Peak).Predict(at))}
	}
	r.Produce, r.Answer, r.Check = guess(r.Produce, Produce), guess(r.Answer, Answer), guess(r.Check, Check)
	r.Evidence = int64(c.Model(guest, mode, Evidence).Predict(at))
	r.Revealed = Revealed{State: int64(c.Model(guest, mode, Shown).Predict(at))}
	return &r
}

func (c *Comparison) point(mode string, guests []string, size uint64) Point {
	p := Point{Mode: mode}
	var rows, bares []*Row
	for _, g := range guests {
		bare := of(c.Baselines, BaseWazero, g, size)
		r := of(c.Rows, mode, g, size)
		if r == nil {
			r, p.Guessed = c.stand(mode, g, bare), true
		}
		rows, bares = append(rows, r), append(bares, bare)
	}
	mean := func(value func(r, bare *Row) float64) float64 {
		var vs []float64
		for i := range rows {
			vs = append(vs, max(value(rows[i], bares[i]), 0))
		}
		if slices.Contains(vs, 0) {
			return 0
		}
		return geometric(vs)
	}
	p.Produce = mean(func(r, _ *Row) float64 { return r.Produce.Time() })
	p.Answer = mean(func(r, _ *Row) float64 { return r.Answer.Time() })
	p.Check = mean(func(r, _ *Row) float64 { return r.Check.Time() })
	p.Over = mean(func(r, bare *Row) float64 { return r.Total(1) / bare.Produce.Time() })
	p.Evidence = mean(func(r, _ *Row) float64 { return float64(r.Evidence) })
	p.Peak = mean(func(r, _ *Row) float64 { return float64(r.Peak()) })
	p.Setup = mean(func(r, _ *Row) float64 { return r.Setup() })
	for _, r := range rows {
		p.Shown += float64(r.Revealed.Total()) / float64(len(rows))
		p.Kind = r.Soundness.Kind
		if r.Soundness.Single != nil {
			p.Single += *r.Soundness.Single / float64(len(rows))
		}
	}
	return p
}
