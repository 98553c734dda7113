package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/workflow"
)

// bundleJSON is a bundle as inspect shows it. Signatures have been checked, results have not.
type bundleJSON struct {
	Kind     string           `json:"kind"` // bundle
	Run      string           `json:"run"`
	Bytes    int64            `json:"bytes"`
	Workflow string           `json:"workflow"`
	Receipt  string           `json:"receipt"`
	Signer   string           `json:"signer"`
	Outcome  string           `json:"outcome"`
	Error    *wire.Failure    `json:"error,omitempty"`
	Tasks    []bundleTaskJSON `json:"tasks"`
	Blocks   []blocksJSON     `json:"blocks"`
	Missing  []string         `json:"missing"` // content that was left out
}

type bundleTaskJSON struct {
	Label   string `json:"label"`
	Task    string `json:"task"`
	Receipt string `json:"receipt"`
	callShape
	Outcome string          `json:"outcome"` // ok, error, or unreadable
	Error   *wire.Failure   `json:"error,omitempty"`
	Out     json.RawMessage `json:"out,omitempty"`
	Fuel    *int64          `json:"fuel,omitempty"`
	Problem string          `json:"problem,omitempty"` // what is wrong with its receipt
}

type blocksJSON struct {
	Kind  string `json:"kind"`
	Count int    `json:"count"`
	Bytes int64  `json:"bytes"`
}

func inspectBundle(b *receipts.Bundle, size int64) (*view, error) {
	w, err := workflow.Read(receipts.CID(b.Record.Workflow), b.Get)
	if errors.Is(err, workflow.ErrMissing) {
		return nil, &status{code: exitUndecided, err: err}
	}
	if err != nil {
		return nil, &status{code: exitFailed, err: err}
	}
	id := receipts.CID(b.Record.Receipt)
	rb, ok := b.Get(id)
	if !ok {
		return nil, &status{code: exitUndecided, err: fmt.Errorf("the run's receipt %s is not in the bundle", id)}
	}
	run, err := receipts.Open(rb)
	if err != nil {
		return nil, &status{code: exitFailed, err: fmt.Errorf("the run's receipt: %w", err)}
	}
	out := bundleJSON{Kind: "bundle", Run: b.Root.String(), Bytes: size, Workflow: w.CID.String(), Receipt: id.String(), Signer: run.Issuer, Missing: []string{}}
	out.Outcome, out.Error = wire.OutcomeOf(run.Claim.Out)
	v := &view{}
	v.fact("kind", "bundle")
	v.fact("run", out.Run)
	v.fact("size", fmt.Sprintf("%d bytes", size))
	v.fact("workflow", out.Workflow)
	v.fact("receipt", out.Receipt)
	v.fact("signer", out.Signer+" (the signature verifies; results are not checked here, see verify)")
	if out.Error != nil {
		v.fact("outcome", "error: "+out.Error.Message)
	} else {
		v.fact("outcome", out.Outcome)
	}
	s := newSorter(b, w)
	rows := [][]string{{"  TASK", "CALLS", "AWAITS", "OUTCOME", "FUEL", "RECEIPT"}}
	var problems [][]string
	for _, t := range w.Tasks {
		j, receipt, err := bundleTask(b, t, run)
		if err != nil {
			return nil, err
		}
		if err := s.task(t, receipt); err != nil {
			return nil, err
		}
		if j.Problem != "" {
			problems = append(problems, []string{"  " + j.Label + ": " + j.Problem})
			v.code = exitFailed
		}
		outcome := j.Outcome
		if j.Error != nil {
			outcome = j.Error.Kind
		}
		rows = append(rows, []string{"  " + j.Label, j.calls(), j.awaits(), outcome, count(j.Fuel), j.Receipt})
		out.Tasks = append(out.Tasks, j)
	}
	v.parts = append(v.parts, part{"tasks", rows})
	if len(problems) > 0 {
		v.parts = append(v.parts, part{"receipts that cannot be trusted", problems})
	}
	out.Blocks, out.Missing = s.sorted()
	rows = [][]string{{"  KIND", "BLOCKS", "BYTES"}}
	for _, k := range out.Blocks {
		rows = append(rows, []string{"  " + k.Kind, fmt.Sprint(k.Count), fmt.Sprint(k.Bytes)})
	}
	v.parts = append(v.parts, part{"blocks", rows})
	if len(out.Missing) > 0 {
		rows = nil
		for _, c := range out.Missing {
			rows = append(rows, []string{"  " + c})
		}
		v.parts = append(v.parts, part{"left out of the bundle", rows})
	}
	v.json = out
	return v, nil
}

// bundleTask opens a task's receipt. One that cannot be opened, or is somebody else's, is a problem and no error.
func bundleTask(b *receipts.Bundle, t *workflow.Task, run *receipts.Receipt) (j bundleTaskJSON, r *receipts.Receipt, err error) {
	j = bundleTaskJSON{Label: t.Label, Task: t.CID.String(), Outcome: "unreadable"}
	if j.callShape, err = shapeOf(t); err != nil {
		return j, nil, err
	}
	if run.Claim.Run.Receipts == nil || run.Claim.Run.Receipts.Values[t.Label] == nil {
		j.Problem = "the run's receipt names none for it"
		return j, nil, nil
	}
	id := receipts.CID(run.Claim.Run.Receipts.Values[t.Label])
	j.Receipt = id.String()
	rb, ok := b.Get(id)
	if !ok {
		j.Problem = "it is not in the bundle"
		return j, nil, nil
	}
	r, err = receipts.Open(rb)
	if err != nil {
		j.Problem = err.Error()
		return j, nil, nil
	}
	claim, err := claimOf(r.Claim)
	if err != nil {
		return j, r, err
	}
	j.Outcome, j.Error, j.Out, j.Fuel = claim.Outcome, claim.Error, claim.Out, claim.Fuel
	switch {
	case r.Issuer != run.Issuer:
		j.Problem = "it is signed by " + r.Issuer
	case claim.Ran != j.Task:
		j.Problem = "it is about another task, " + claim.Ran
	}
	return j, r, nil
}

// sorter tells what the blocks of a bundle are for.
type sorter struct {
	bundle       *receipts.Bundle
	computations map[cid.Cid]bool
	kinds        map[cid.Cid]string
	missing      map[cid.Cid]bool
}

// blockKinds is the order in which kinds are shown.
var blockKinds = []string{"run record", "workflow", "task", "receipt", "module", "input", "output", "other"}

func newSorter(b *receipts.Bundle, w *workflow.Workflow) *sorter {
	s := &sorter{bundle: b, computations: make(map[cid.Cid]bool), kinds: make(map[cid.Cid]string), missing: make(map[cid.Cid]bool)}
	for _, t := range w.Tasks {
		s.computations[t.Computation] = true
	}
	s.put(b.Root, "run record")
	s.put(w.CID, "workflow")
	s.put(receipts.CID(b.Record.Receipt), "receipt")
	return s
}

func (s *sorter) put(c cid.Cid, kind string) {
	if _, ok := s.bundle.Blocks[c]; !ok {
		s.missing[c] = true
		return
	}
	if s.kinds[c] == "" {
		s.kinds[c] = kind
	}
}

// task sorts what belongs to a task; its receipt is nil if it cannot be used.
func (s *sorter) task(t *workflow.Task, r *receipts.Receipt) error {
	s.put(t.CID, "task")
	if t.Mod.Defined() {
		s.put(t.Mod, "module")
	}
	links, err := block.Links(t.Params)
	if err != nil {
		return err
	}
	for _, c := range links {
		if !s.computations[c] { // that is what an await links to, and no content
			s.put(c, "input")
		}
	}
	if r == nil {
		return nil
	}
	s.put(r.CID, "receipt")
	if in := r.Claim.Run.Inputs; in != nil {
		for _, region := range *in {
			if region.Cid != nil {
				s.put(receipts.CID(*region.Cid), "input")
			}
		}
	}
	for _, c := range r.Claim.Links() { // those of inputs are known already
		s.put(c, "output")
	}
	return nil
}

// sorted counts the blocks of every kind, and lists what is missing.
func (s *sorter) sorted() (kinds []blocksJSON, missing []string) {
	counts := make(map[string]*blocksJSON, len(blockKinds))
	for c, data := range s.bundle.Blocks {
		kind := s.kinds[c]
		if kind == "" {
			kind = "other"
		}
		if counts[kind] == nil {
			counts[kind] = &blocksJSON{Kind: kind}
		}
		counts[kind].Count++
		counts[kind].Bytes += int64(len(data))
	}
	for _, kind := range blockKinds {
		if k := counts[kind]; k != nil {
			kinds = append(kinds, *k)
		}
	}
	missing = []string{}
	for c := range s.missing {
		missing = append(missing, c.String())
	}
	slices.Sort(missing)
	return kinds, missing
}
