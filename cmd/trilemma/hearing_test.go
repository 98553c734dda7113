package main

import (
	"context"
	"os"
	"slices"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/client"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/verifier"
)

// hearCmd plays a dispute at the service URL, message by message: each side answers from its own bundle, but for those that are silent. The end is printed
// as JSON, and the ruling is written to OUT: hear A.car B.car TASK PATIENCE OUT [SILENT...]
func hearCmd(ts *testscript.TestScript, neg bool, args []string) {
	argc(ts, neg, args, 5, "hear A.car B.car TASK SECONDS OUT [SILENT...]")
	ctx := context.Background()
	c, err := client.New(client.Config{URL: ts.Getenv("URL")})
	ts.Check(err)
	var bundles [2]*receipts.Bundle
	for i, name := range args[:2] {
		f, err := os.Open(ts.MkAbs(name))
		ts.Check(err)
		bundles[i], err = receipts.ReadBundle(f, block.CARLimits{})
		ts.Check(err)
		ts.Check(f.Close())
		ts.Check(c.PutBundle(ctx, bundles[i]))
	}
	patience := map[string]float64{"long": 60, "short": 0.5}[args[3]]
	h, err := c.OpenHearing(ctx, client.HearingRequest{A: bundles[0].Root.String(), B: bundles[1].Root.String(), Task: args[2], Arity: 4, Patience: patience})
	ts.Check(err)
	for !h.Done {
		for _, asked := range h.Asks {
			if slices.Contains(args[5:], asked.Side) {
				continue
			}
			ask, err := spotcheck.ReadAsk(asked.Ask)
			ts.Check(err)
			of := bundles[0]
			if asked.Side == "B" {
				of = bundles[1]
			}
			id, err := block.Parse(h.Settlement.Computation)
			ts.Check(err)
			r, err := verifier.Respond(ctx, of, id, ask, &machine.Engine{})
			ts.Check(err)
			b, err := r.Block()
			ts.Check(err)
			_, err = c.Reply(ctx, h.ID, client.HearingReply{Side: asked.Side, Reply: b.Data})
			ts.Check(err)
		}
		h, err = c.Hearing(ctx, h.ID)
		ts.Check(err)
	}
	if _, err := c.Reply(ctx, h.ID, client.HearingReply{Side: "A", Reply: []byte{0}}); err == nil {
		ts.Fatalf("an answer was taken that nobody asked for")
	}
	ruling, err := c.RulingArchive(ctx, h.Settlement.Ruling)
	ts.Check(err)
	out, err := os.Create(ts.MkAbs(args[4]))
	ts.Check(err)
	ts.Check(ruling.Write(out))
	ts.Check(out.Close())
	for _, w := range h.Settlement.Wrong {
		ts.Check(os.WriteFile(ts.MkAbs("wrong-"+w.Side), []byte(w.Ground+": "+w.Reason+"\n"), 0o644))
	}
}
