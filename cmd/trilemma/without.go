package main

import (
	"maps"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/receipts"
)

// withoutInputs returns a run's bundle without the bytes of what the workflow took from outside: files and content that
// its tasks link to, other than modules, and the input tapes that hold them. Results of tasks stay, also where they are
// the input of others.
func withoutInputs(r *executor.Run) (*receipts.Bundle, error) {
	drop := make(map[cid.Cid]bool)
	keep := make(map[cid.Cid]bool)
	for _, t := range r.Results {
		keep[t.Task.Mod] = true
		links, err := block.Links(t.Task.Params)
		if err != nil {
			return nil, err
		}
		for _, l := range links {
			drop[l] = true
		}
		run := t.Receipt.Claim.Run
		if run.Inputs != nil {
			for _, in := range *run.Inputs {
				if in.Cid != nil {
					drop[receipts.CID(*in.Cid)] = true
				}
			}
		}
		if run.Outputs != nil {
			for _, out := range *run.Outputs {
				if out.Cid != nil {
					keep[receipts.CID(*out.Cid)] = true
				}
			}
		}
		if ok := t.Receipt.Claim.Out.Ok; ok != nil {
			if c, linked := block.Link(*ok); linked {
				keep[c] = true
			}
		}
	}
	blocks := maps.Clone(r.Bundle.Blocks)
	for c := range drop {
		if !keep[c] {
			delete(blocks, c)
		}
	}
	return receipts.NewBundle(r.Bundle.Record, blocks)
}
