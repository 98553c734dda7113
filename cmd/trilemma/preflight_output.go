package main

import (
	"fmt"

	"github.com/trilemma-dev/trilemma/internal/wire"
)

// printPreflight shows what was counted; to stderr if something else went to stdout.
func (a *app) printPreflight(out *wire.Preflight, elsewhere bool) error {
	v := &view{json: out}
	if !out.Provable {
		v.code = exitFailed
	}
	if out.Kind == "module" {
		v.countedCall(&out.Tasks[0])
	} else {
		v.countedTasks(out)
	}
	if elsewhere {
		to := *a
		to.out = a.err
		return to.show(v)
	}
	return a.show(v)
}

// proofParts is how many parts a proof has, in words.
func proofParts(c *wire.Counted) string {
	if c.Proof == nil {
		return "-"
	}
	return fmt.Sprint(c.Proof.Parts)
}

// provableText is whether something can be proved, in words.
func provableText(c *wire.Counted) string {
	switch {
	case c.Reason != "":
		return c.Reason
	case len(c.UnreachedFloat) > 0:
		return "nothing that was executed stands against it; with other input that may change: there are floats that were not reached"
	}
	return "nothing stands against it, with any input: the program has no floats"
}

func outcomeText(c *wire.Counted) string {
	if c.Error != nil {
		return c.Error.Message
	}
	return c.Outcome
}

const maxHot = 12

// countedCall shows one call.
func (v *view) countedCall(c *wire.Counted) {
	word := "yes: "
	if c.Stopped() {
		word = "no: "
	}
	v.fact("provable", word+provableText(c))
	v.fact("proof", proofText(c.Proof))
	v.fact("outcome", outcomeText(c))
	v.fact("steps", fmt.Sprintf("%d, %.2f for each of %d fuel", c.Steps, c.StepsPerFuel, c.Fuel))
	v.fact("memory", fmt.Sprintf("%d pages of 64 KiB; %d bytes of it touched, in pages of 4 KiB", c.MemoryPages, c.TouchedBytes))
	v.fact("program", fmt.Sprintf("%s: %d instructions", c.Program, c.Instructions))
	v.fact("counted in", fmt.Sprintf("%.3f s", c.Seconds))
	v.mix(c)
}

// mix shows which operations and functions took the steps.
func (v *view) mix(c *wire.Counted) {
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
func (v *view) countedTasks(out *wire.Preflight) {
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
				fmt.Sprintf("%d B", c.TouchedBytes), proofParts(c), fmt.Sprintf("%s %s", c.Functions[0].Name, percent(c.Functions[0].Share))}
		}
		if c.Stopped() {
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

// proofText is what a proof takes, in words.
func proofText(p *wire.Predicted) string {
	if p == nil {
		return "none"
	}
	took := "nothing was proved here yet, so that its time is not known"
	if p.Seconds != nil {
		took = fmt.Sprintf("%.1f s", *p.Seconds)
	}
	return fmt.Sprintf("%d parts of %d constraints together, of which the run takes %d; %d bytes; %d MiB of memory; %s", p.Parts, p.Constraints, p.Used, p.Bytes, p.Memory>>20, took)
}
