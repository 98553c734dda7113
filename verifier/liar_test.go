package verifier_test

import (
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/verifier"
)

// liar is an executor that ran the task on another input, and says that it was this one: a consistent transcript with another output, in
// which one segment alone is wrong, the first, since no other one reads the input.
type liar struct {
	bundle         *receipts.Bundle
	openings       []*machine.Opening // of its transcript
	honest, theirs []*machine.Opening // of the honest run, of the run on the other input
	transcript     *machine.Transcript
}

func setUpLiar(t testing.TB, f *fixture) *liar {
	t.Helper()
	task := f.w.Task("fib")
	var cache evaluate.Cache
	job, failure, err := cache.Prepare(task.Call, task.Params, f.run.Bundle.Get)
	if err != nil || failure != nil {
		t.Fatal(err, failure)
	}
	other := workParams(t, 25)
	theirs, failure, err := cache.Prepare(task.Call, other, f.run.Bundle.Get)
	if err != nil || failure != nil {
		t.Fatal(err, failure)
	}
	e := &machine.Engine{}
	l := &liar{}
	res, tr, err := e.Record(t.Context(), theirs.Linked, theirs.Streams, theirs.Limits, func(b block.Block) error {
		f.run.Bundle.Blocks[b.CID] = b.Data
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	in := machine.InputRoot(job.Streams)
	tr.Inputs = in[:]
	all := func(n uint64) (out []uint64) {
		for i := range n {
			out = append(out, i)
		}
		return out
	}
	honest := uint64(machine.Segments(*f.claimOf("fib").Run.Steps))
	if l.honest, err = e.Open(t.Context(), job.Linked, job.Streams, job.Limits, all(honest)); err != nil {
		t.Fatal(err)
	}
	if l.theirs, err = e.Open(t.Context(), theirs.Linked, theirs.Streams, theirs.Limits, all(tr.Segments())); err != nil {
		t.Fatal(err)
	}
	l.openings = append(l.openings, l.honest[0])
	for _, o := range l.theirs[1:] {
		o := *o
		o.Inputs = l.honest[1].Inputs
		l.openings = append(l.openings, &o)
	}
	b, err := tr.Block()
	if err != nil {
		t.Fatal(err)
	}
	f.run.Bundle.Blocks[b.CID] = b.Data
	said, err := evaluate.Conclude(job, res, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range said.Blocks {
		f.run.Bundle.Blocks[b.CID] = b.Data
	}
	l.transcript = tr
	l.bundle = f.forge(t, "fib", f.key, func(c *receipts.Claim) {
		c.Out, c.Run.Fuel, c.Run.Outputs = said.Out, &said.Fuel, &said.Outputs
		c.Run.Transcript, c.Run.Steps = ptr(receipts.Link(b.CID)), &tr.Steps
	})
	return l
}

func workParams(t testing.TB, n int64) datamodel.Node {
	t.Helper()
	nb := basicnode.Prototype.List.NewBuilder()
	la, err := nb.BeginList(1)
	if err == nil {
		err = la.AssembleValue().AssignInt(n)
	}
	if err == nil {
		err = la.Finish()
	}
	if err != nil {
		t.Fatal(err)
	}
	return nb.Build()
}

// answer is the liar's answer: an opening of each segment that was drawn, true but for the one that cannot be.
func (l *liar) answer(t testing.TB, ch *spotcheck.Challenge) *verifier.Challenged {
	t.Helper()
	n := l.transcript.Segments()
	places, err := ch.Draw(receipts.CID(l.bundle.Record.Receipt), []spotcheck.Part{{Task: "fib", Segments: n}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	blocks := make(map[cid.Cid]block.Block)
	var ids []cid.Cid
	for _, p := range places {
		b, err := l.openings[p.Segment].Block()
		if err != nil {
			t.Fatal(err)
		}
		blocks[b.CID] = b
		ids = append(ids, b.CID)
	}
	cb, err := ch.Block()
	if err != nil {
		t.Fatal(err)
	}
	a, err := spotcheck.NewAnswer(cb.CID, places, ids)
	if err != nil {
		t.Fatal(err)
	}
	return &verifier.Challenged{Challenge: ch, Answer: a, Get: func(id cid.Cid) (block.Block, bool) { b, ok := blocks[id]; return b, ok }}
}
