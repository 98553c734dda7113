package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/verifier"
)

type verifyJSON struct {
	Outcome  verifier.Outcome `json:"outcome"`
	Reason   string           `json:"reason"`
	Run      string           `json:"run,omitempty"`
	Signer   string           `json:"signer"`
	Verdicts []verdictJSON    `json:"verdicts"`
}

type verdictJSON struct {
	Task      string           `json:"task"`
	Mode      verifier.Mode    `json:"mode"`
	Outcome   verifier.Outcome `json:"outcome"`
	Reason    string           `json:"reason"`
	Soundness string           `json:"soundness"`
	Cost      costJSON         `json:"cost"`
	Revealed  revealedJSON     `json:"revealed"`
	Sampling  *samplingJSON    `json:"sampling,omitempty"`
}

type samplingJSON struct {
	Segments     uint64      `json:"segments"`
	Samples      uint64      `json:"samples"`
	TaskSegments uint64      `json:"task_segments"`
	TaskSamples  uint64      `json:"task_samples"`
	Single       float64     `json:"single"`
	Curve        []pointJSON `json:"curve"`
	Seed         string      `json:"seed"`
	OpenedInput  int64       `json:"opened_input_bytes"`
	OpenedState  int64       `json:"opened_state_bytes"`
}

type pointJSON struct {
	Bad         uint64  `json:"bad"`
	Probability float64 `json:"probability"`
}

func newSampling(s *verifier.Sampling) *samplingJSON {
	if s == nil {
		return nil
	}
	j := &samplingJSON{Segments: s.Segments, Samples: s.Samples, TaskSegments: s.TaskSegments, TaskSamples: s.TaskSamples, Curve: points(s.Curve), Seed: s.Seed,
		OpenedInput: s.OpenedInput, OpenedState: s.OpenedState}
	if s.Single != nil {
		j.Single, _ = s.Single.Float64()
	}
	return j
}

func points(curve []spotcheck.Point) []pointJSON {
	out := []pointJSON{}
	for _, p := range curve {
		f, _ := p.Probability.Float64()
		out = append(out, pointJSON{p.Bad, f})
	}
	return out
}

type costJSON struct {
	WallSeconds float64 `json:"wall_seconds"`
	CPUSeconds  float64 `json:"cpu_seconds"`
	BytesRead   int64   `json:"bytes_read"`
}

type revealedJSON struct {
	Input  int64 `json:"input_bytes"`
	State  int64 `json:"state_bytes"`
	Output int64 `json:"output_bytes"`
}

// nothing is the report of a check that established nothing.
func nothing(mode verifier.Mode, o verifier.Outcome, reason string, cost verifier.Cost) *verifier.Report {
	return &verifier.Report{Outcome: o, Reason: reason, Verdicts: []verifier.Verdict{{
		Mode: mode, Outcome: o, Reason: reason, Soundness: "none: nothing was established", Cost: cost}}}
}

// printReport prints the verdicts and turns the outcome into the exit status.
func (a *app) printReport(rep *verifier.Report, run string, f verifyFlags) error {
	if a.json {
		out := verifyJSON{Outcome: rep.Outcome, Reason: rep.Reason, Run: run, Signer: rep.Signer, Verdicts: []verdictJSON{}}
		for _, v := range rep.Verdicts {
			out.Verdicts = append(out.Verdicts, verdictJSON{Task: v.Task, Mode: v.Mode, Outcome: v.Outcome, Reason: v.Reason, Soundness: v.Soundness,
				Cost:     costJSON{WallSeconds: v.Cost.Wall.Seconds(), CPUSeconds: v.Cost.CPU.Seconds(), BytesRead: v.Cost.Bytes},
				Revealed: revealedJSON{v.Revealed.Input, v.Revealed.State, v.Revealed.Output}, Sampling: newSampling(v.Sampling)})
		}
		if err := a.printJSON(out); err != nil {
			return err
		}
	} else if err := a.printVerdicts(rep, f); err != nil {
		return err
	}
	switch rep.Outcome {
	case verifier.Valid:
		return nil
	case verifier.Undecided:
		return &status{code: exitUndecided}
	}
	return &status{code: exitFailed}
}

func (a *app) printVerdicts(rep *verifier.Report, f verifyFlags) error {
	rows := [][]string{{"TASK", "MODE", "VERDICT", "WALL", "READ", "REVEALED"}}
	said := make(map[string]bool)
	var notes []string
	whole := slices.ContainsFunc(rep.Verdicts, func(v verifier.Verdict) bool {
		return v.Task == "" && v.Mode == verifier.Spot && v.Outcome == verifier.Valid
	})
	for _, v := range rep.Verdicts {
		task := v.Task
		if task == "" {
			task = "(run)"
		}
		rows = append(rows, []string{task, string(v.Mode), string(v.Outcome), v.Cost.Wall.Round(10 * time.Microsecond).String(),
			fmt.Sprintf("%d B", v.Cost.Bytes), fmt.Sprintf("%d B", v.Revealed.Input+v.Revealed.State+v.Revealed.Output)})
		note := fmt.Sprintf("%s: %s", v.Mode, v.Soundness)
		if v.Mode == verifier.Dispute && v.Outcome == verifier.Valid {
			note = fmt.Sprintf("%s: %s (%s)", v.Mode, v.Reason, v.Soundness)
		}
		if v.Outcome != verifier.Valid {
			note = fmt.Sprintf("%s %s: %s", task, v.Mode, v.Reason)
		}
		if of := whole && v.Mode == verifier.Spot && v.Task != "" && v.Sampling != nil; !of && !said[note] { // the run's note says it
			said[note] = true
			notes = append(notes, note)
		}
	}
	if err := table(a.out, lines(rows)); err != nil {
		return err
	}
	for _, n := range notes {
		if _, err := fmt.Fprintln(a.out, line(n)); err != nil {
			return err
		}
	}
	if rep.Signer != "" {
		word := "not named; pass --executor to expect one"
		if f.executor != "" {
			word = "expected " + f.executor
		}
		if _, err := fmt.Fprintf(a.out, "signer: %s (%s)\n", rep.Signer, word); err != nil {
			return err
		}
	}
	last := a.colour(a.out, map[verifier.Outcome]int{verifier.Valid: green, verifier.Undecided: yellow, verifier.Invalid: red}[rep.Outcome], string(rep.Outcome))
	if rep.Reason != "" {
		last += ": " + line(rep.Reason)
	}
	_, err := fmt.Fprintln(a.out, last)
	return err
}
