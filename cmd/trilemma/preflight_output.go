package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/trilemma-dev/trilemma/internal/proving"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine/tally"
)

type preflightJSON struct {
	Kind     string        `json:"kind"`     // module or workflow
	Provable bool          `json:"provable"` // nothing that was executed stands against a proof
	Scheme   []string      `json:"scheme"`   // shapes of the circuits that predictions are for
	Tasks    []countedJSON `json:"tasks"`    // in the order in which they can run
	Effects  []string      `json:"effects"`
}

type countedJSON struct {
	Label    string         `json:"label,omitempty"` // of a workflow's task
	Outcome  string         `json:"outcome"`
	Error    *wire.Failure  `json:"error,omitempty"`
	Ran      bool           `json:"ran"`
	Provable *bool          `json:"provable,omitempty"` // absent, as there is nothing to prove, if it did not run
	Obstacle *placeJSON     `json:"obstacle,omitempty"` // the first step that stands against a proof
	Reason   string         `json:"reason,omitempty"`
	Proof    *predictedJSON `json:"proof,omitempty"` // what a proof takes, if one can show the run
	programJSON
	Steps          uint64       `json:"steps"`
	Fuel           uint64       `json:"fuel"`
	StepsPerFuel   float64      `json:"steps_per_fuel"`
	Seconds        float64      `json:"seconds"`       // that counting took
	MemoryPages    uint32       `json:"memory_pages"`  // at the end
	TouchedBytes   uint64       `json:"touched_bytes"` // of memory, in pages of 4 KiB that were read or written
	Classes        []classJSON  `json:"classes"`
	Functions      []hotJSON    `json:"functions"`         // that took steps, the most first
	UnreachedFloat []floatsJSON `json:"unexecuted_floats"` // functions with floats none of which was executed
}

// predictedJSON is what a proof takes.
type predictedJSON struct {
	Parts       int      `json:"parts"`
	Constraints int      `json:"constraints"`       // of all parts
	Used        int      `json:"constraints_used"`  // that rows of the run take
	Bytes       int64    `json:"bytes"`             // of the proof, without its statement
	Memory      int64    `json:"memory_bytes"`      // with a part at a time
	Seconds     *float64 `json:"seconds,omitempty"` // absent if nothing was proved here yet
}

func (p *predictor) of(t *proving.Traced) *predictedJSON {
	out := &predictedJSON{Parts: t.Parts, Constraints: t.Constraints, Used: t.Used, Bytes: t.Bytes, Memory: t.Needs(proving.KeyBytes(p.scheme), 1)}
	if s := t.Seconds(p.rate); s > 0 {
		out.Seconds = &s
	}
	return out
}

func (p *predictedJSON) text() string {
	if p == nil {
		return "none"
	}
	took := "nothing was proved here yet, so that its time is not known"
	if p.Seconds != nil {
		took = fmt.Sprintf("%.1f s", *p.Seconds)
	}
	return fmt.Sprintf("%d parts of %d constraints together, of which the run takes %d; %d bytes; %d MiB of memory; %s", p.Parts, p.Constraints, p.Used, p.Bytes, p.Memory>>20, took)
}

// placeJSON is where an instruction stands.
type placeJSON struct {
	Function *uint32 `json:"function,omitempty"` // index in the module
	Name     string  `json:"function_name"`
	Offset   *uint32 `json:"offset,omitempty"` // in the module's file
	Wasm     string  `json:"wasm"`
	PC       uint32  `json:"pc"`
	Step     uint64  `json:"step"` // how many steps came before
}

type classJSON struct {
	Class string  `json:"class"`
	Steps uint64  `json:"steps"`
	Share float64 `json:"share"`
}

type hotJSON struct {
	Origin       string  `json:"origin"`
	Function     *uint32 `json:"function,omitempty"`
	Name         string  `json:"name"`
	Steps        uint64  `json:"steps"`
	Share        float64 `json:"share"`
	Instructions uint64  `json:"instructions"` // of Wasm
}

type floatsJSON struct {
	Function *uint32 `json:"function,omitempty"`
	Name     string  `json:"name"`
	Floats   int     `json:"floats"`
}

// guestIndex is a function's index in the guest's file, if it is the guest's.
func guestIndex(o link.Origin) *uint32 {
	if o.Kind != link.FromGuest {
		return nil
	}
	return &o.Func
}

func share(n, of uint64) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// countedOf puts a tally into words.
func countedOf(c *counted, pre *predictor) (countedJSON, error) {
	out := countedJSON{Label: c.label, Outcome: c.outcome, Error: c.failure, Classes: []classJSON{}, Functions: []hotJSON{}, UnreachedFloat: []floatsJSON{}}
	t := c.tally
	if t == nil {
		out.Reason = "it did not run: there is nothing to prove"
		return out, nil
	}
	out.Ran, out.programJSON = true, headOf(t.Program)
	out.Steps, out.Fuel, out.StepsPerFuel, out.Seconds = t.Steps, t.Result.Fuel, share(t.Steps, t.Result.Fuel), c.seconds
	out.MemoryPages, out.TouchedBytes = t.Pages, t.Touched
	for _, class := range t.Classes() {
		out.Classes = append(out.Classes, classJSON{class.Class.String(), class.Steps, share(class.Steps, t.Steps)})
	}
	stands, err := t.Obstacle(c.guest)
	if err != nil {
		return out, err
	}
	provable := stands == nil
	out.Provable = &provable
	if stands != nil {
		out.Obstacle = &placeJSON{Function: guestIndex(stands.Origin), Name: tally.Name(stands.Origin), Wasm: stands.Source.Text, PC: stands.PC, Step: stands.Step}
		at := ""
		if stands.Source.Offset != 0 {
			out.Obstacle.Offset = &stands.Source.Offset
			at = fmt.Sprintf(" at byte %#x", stands.Source.Offset)
		}
		out.Reason = fmt.Sprintf("it computes with floating-point numbers, which no proof covers: %s in %s%s, after %d steps", stands.Op, out.Obstacle.Name, at, stands.Step)
	}
	switch u, ok := errors.AsType[*proving.Unprovable](c.refused); {
	case c.run != nil:
		out.Proof = pre.of(c.run)
	case c.refused != nil && stands == nil:
		no := false
		out.Provable, out.Reason = &no, c.refused.Error()
		if ok {
			out.Obstacle = &placeJSON{Function: guestIndex(u.Origin), Name: tally.Name(u.Origin), Wasm: u.Source.Text, PC: u.PC, Step: u.Step}
			if u.Source.Offset != 0 {
				out.Obstacle.Offset = &u.Source.Offset
			}
		}
	}
	out.functions(t)
	return out, nil
}

// functions lists where the steps went, and what floats were not reached.
func (out *countedJSON) functions(t *tally.Tally) {
	for _, f := range t.Functions() {
		if f.Steps > 0 {
			out.Functions = append(out.Functions, hotJSON{Origin: f.Origin.Kind.String(), Function: guestIndex(f.Origin), Name: tally.Name(f.Origin),
				Steps: f.Steps, Share: share(f.Steps, t.Steps), Instructions: f.Instructions})
		}
		if f.Floats > 0 && !f.Floated {
			out.UnreachedFloat = append(out.UnreachedFloat, floatsJSON{Function: guestIndex(f.Origin), Name: tally.Name(f.Origin), Floats: f.Floats})
		}
	}
	slices.SortStableFunc(out.Functions, func(a, b hotJSON) int { return cmp.Compare(b.Steps, a.Steps) })
}

// printPreflight shows what was counted; to stderr if something else went to stdout.
func (a *app) printPreflight(out preflightJSON, all []counted, pre *predictor, elsewhere bool) error {
	out.Provable, out.Tasks = true, make([]countedJSON, 0, len(all))
	for _, sh := range pre.scheme.Shapes {
		out.Scheme = append(out.Scheme, sh.Name())
	}
	for i := range all {
		one, err := countedOf(&all[i], pre)
		if err != nil {
			return err
		}
		out.Provable = out.Provable && !one.stopped()
		out.Tasks = append(out.Tasks, one)
	}
	v := &view{json: out}
	if !out.Provable {
		v.code = exitFailed
	}
	if out.Kind == "module" {
		v.countedCall(&out.Tasks[0])
	} else {
		v.countedTasks(&out)
	}
	if elsewhere {
		to := *a
		to.out = a.err
		return to.show(v)
	}
	return a.show(v)
}

// parts is how many parts a proof has, in words.
func (c *countedJSON) parts() string {
	if c.Proof == nil {
		return "-"
	}
	return fmt.Sprint(c.Proof.Parts)
}

// stopped reports whether something stands against a proof.
func (c *countedJSON) stopped() bool { return c.Provable != nil && !*c.Provable }

// provableText is whether something can be proved, in words.
func (c *countedJSON) provableText() string {
	switch {
	case c.Reason != "":
		return c.Reason
	case len(c.UnreachedFloat) > 0:
		return "nothing that was executed stands against it; with other input that may change: there are floats that were not reached"
	}
	return "nothing stands against it, with any input: the program has no floats"
}

func (c *countedJSON) outcomeText() string {
	if c.Error != nil {
		return c.Error.Message
	}
	return c.Outcome
}

const maxHot = 12

// countedCall shows one call.
func (v *view) countedCall(c *countedJSON) {
	word := "yes: "
	if c.stopped() {
		word = "no: "
	}
	v.fact("provable", word+c.provableText())
	v.fact("proof", c.Proof.text())
	v.fact("outcome", c.outcomeText())
	v.fact("steps", fmt.Sprintf("%d, %.2f for each of %d fuel", c.Steps, c.StepsPerFuel, c.Fuel))
	v.fact("memory", fmt.Sprintf("%d pages of 64 KiB; %d bytes of it touched, in pages of 4 KiB", c.MemoryPages, c.TouchedBytes))
	v.fact("program", fmt.Sprintf("%s: %d instructions", c.Program, c.Instructions))
	v.fact("counted in", fmt.Sprintf("%.3f s", c.Seconds))
	v.mix(c)
}

// mix shows which operations and functions took the steps.
func (v *view) mix(c *countedJSON) {
	rows := [][]string{{"  CLASS", "STEPS", "SHARE"}}
	for _, class := range c.Classes {
		rows = append(rows, []string{"  " + class.Class, fmt.Sprint(class.Steps), percent(class.Share)})
	}
	v.parts = append(v.parts, part{"operations", rows})
	rows = [][]string{{"  FUNCTION", "OF", "STEPS", "SHARE", "INSTRUCTIONS"}}
	for i, f := range c.Functions {
		if i == maxHot && len(c.Functions) > maxHot {
			rows = append(rows, []string{fmt.Sprintf("  and %d more", len(c.Functions)-maxHot)})
			break
		}
		rows = append(rows, []string{"  " + f.Name, f.Origin, fmt.Sprint(f.Steps), percent(f.Share), fmt.Sprint(f.Instructions)})
	}
	v.parts = append(v.parts, part{"functions, without what they call", rows})
	if len(c.UnreachedFloat) == 0 {
		return
	}
	rows = nil
	for i, f := range c.UnreachedFloat {
		if i == maxHot && len(c.UnreachedFloat) > maxHot {
			rows = append(rows, []string{fmt.Sprintf("  and %d more", len(c.UnreachedFloat)-maxHot)})
			break
		}
		rows = append(rows, []string{"  " + f.Name, fmt.Sprintf("%d instructions", f.Floats)})
	}
	v.parts = append(v.parts, part{"floats that were not reached", rows})
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// countedTasks shows the tasks of a workflow.
func (v *view) countedTasks(out *preflightJSON) {
	rows := [][]string{{"  TASK", "OUTCOME", "PROVABLE", "STEPS", "FUEL", "STEPS/FUEL", "TOUCHED", "PARTS", "HOTTEST FUNCTION"}}
	var notes [][]string
	steps := uint64(0)
	for i := range out.Tasks {
		c := &out.Tasks[i]
		outcome := c.Outcome
		if c.Error != nil {
			outcome = c.Error.Kind
			notes = append(notes, []string{"  " + c.Label + ": " + c.Error.Message})
		}
		row := []string{"  " + c.Label, outcome, "-", "", "", "", "", "", ""}
		if c.Ran {
			row = []string{"  " + c.Label, outcome, "yes", fmt.Sprint(c.Steps), fmt.Sprint(c.Fuel), fmt.Sprintf("%.2f", c.StepsPerFuel),
				fmt.Sprintf("%d B", c.TouchedBytes), c.parts(), fmt.Sprintf("%s %s", c.Functions[0].Name, percent(c.Functions[0].Share))}
		}
		if c.stopped() {
			row[2] = "no"
		}
		if c.Reason != "" {
			notes = append(notes, []string{"  " + c.Label + ": " + c.Reason})
		}
		steps += c.Steps
		rows = append(rows, row)
	}
	word := "yes: nothing that was executed stands against it"
	if !out.Provable {
		word = "no"
	}
	v.fact("provable", word)
	v.fact("steps", fmt.Sprint(steps))
	if n := len(out.Effects); n > 0 {
		v.fact("effects", fmt.Sprintf("%d, left out: a proof never covers them", n))
	}
	v.parts = append(v.parts, part{"tasks", rows})
	if len(notes) > 0 {
		v.parts = append(v.parts, part{"notes", notes})
	}
}
