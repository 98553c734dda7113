package verifier

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/plonk"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/workflow"
)

// proofOf finds the link to a task's proof.
func (c *checker) proofOf(t *workflow.Task) (cid.Cid, bool) {
	all := c.bundle.Record.Proofs
	if all == nil {
		return cid.Undef, false
	}
	l, ok := all.Values[t.Label]
	if !ok {
		return cid.Undef, false
	}
	return receipts.CID(l), true
}

// zk checks the proof of a task: that the program which its module is lowered to here, run on its input within its limits, ends as its receipt says. Nothing is
// run, and nothing but commitments, sums and points is taken from the proof.
func (c *checker) zk(t *workflow.Task) (out spotted, err error) {
	job, err := c.prepare(t)
	if err != nil {
		return out, err
	}
	if job == nil {
		out.exact = true
		return out, nil
	}
	if err := shown(job, c.receipts[t.Label].Claim); err != nil {
		return out, err
	}
	id, ok := c.proofOf(t)
	if !ok {
		return out, fmt.Errorf("%w: the bundle holds no proof of this task", errMissing)
	}
	b, ok := c.get(id)
	if !ok {
		return out, fmt.Errorf("%w: the proof %s", errMissing, id)
	}
	p, err := proof.Read(b.Data)
	if err != nil {
		return out, fmt.Errorf("the proof %s: %w", id, err)
	}
	out.proof = &Proof{Backend: p.Backend.Name(), Family: p.Family, Setup: p.Setup, Parts: len(p.Parts), Bytes: int64(len(b.Data))}
	f, err := c.family(out.proof)
	if err != nil {
		return out, err
	}
	claim, err := c.claimed(t, job)
	if err != nil {
		return out, err
	}
	if out.revealed, err = compare(c.receipts[t.Label].Claim, job, claim.Result, "what a proof can show"); err != nil {
		return out, err
	}
	if err := f.Verify(claim, p); err != nil {
		return out, fmt.Errorf("the proof %s: %w", id, err)
	}
	out.worth = out.proof.worth(f, claim.Hidden)
	return out, nil
}

// family finds the keys of a proof among those that are trusted.
func (c *checker) family(p *Proof) (*proof.Family, error) {
	var f *proof.Family
	if c.cfg.Family != nil {
		f = c.cfg.Family(p.Family)
	}
	if f == nil {
		return nil, fmt.Errorf("%w: the proof was made under the keys of family %x, which are not pinned here: whoever made them can prove anything, and whoever makes "+
			"a bundle can make keys (--keys names a file of keys that you trust)", errMissing, p.Family[:8])
	}
	p.Pinned, p.Setup = true, f.Origin()
	if f.Dev() && !c.cfg.AllowDev {
		return nil, fmt.Errorf("%w: the proof was made under development keys (family %x): whoever made them can prove anything (--allow-dev-setup accepts them)", errMissing, p.Family[:8])
	}
	return f, nil
}

// streams is so many of them in words.
func streams(n int) string {
	if n == 1 {
		return "1 stream"
	}
	return fmt.Sprintf("%d streams", n)
}

// worth says what a proof establishes that verifies under a family.
func (p *Proof) worth(f *proof.Family, h *proof.Hidden) string {
	what := "on this input within its limits, ends with this outcome, output and fuel"
	if h != nil {
		what = fmt.Sprintf("on this input (hidden behind commitments: %s), within its limits, ends with this outcome and output (hidden likewise: %s), and at most this fuel", streams(len(h.Inputs)), streams(len(h.Outputs)))
	}
	system := map[string]string{plonk.Name: "PLONK with KZG commitments", parts.Groth16{}.Name(): "Groth16"}[p.Backend]
	how := fmt.Sprintf("cryptographic: a proof of %d parts (%s on BN254, challenges from SHA-256) that the module, %s, under the keys of family %x", p.Parts, system, what, p.Family[:8])
	if f.Dev() {
		return how + ", which are development keys: whoever made them can prove anything, so that this rests on trust in them"
	}
	return fmt.Sprintf("%s: sound unless all contributors to the ceremony %s kept what they drew", how, f.Origin())
}

// claimed is a task's run as its receipt has it. Of output the blocks are read; whether the receipt's result follows from it is for [compare] to say.
func (c *checker) claimed(t *workflow.Task, job *evaluate.Job) (*proof.Claim, error) {
	said := c.receipts[t.Label].Claim
	if said.Run.Fuel == nil || *said.Run.Fuel < 0 {
		return nil, fmt.Errorf("its receipt says %s, but nothing keeps it from running", describe(said.Out))
	}
	p, err := c.machine.Program(job.Linked)
	if err != nil {
		return nil, fmt.Errorf("%w: the program could not be made here: %w", errMissing, err)
	}
	if said.Run.Program != nil && machine.Digest(p.Root()) != digestOf(*said.Run.Program) {
		return nil, errors.New("its receipt names another program")
	}
	claim := &proof.Claim{Computation: t.Computation, Program: p, Streams: job.Streams, Limits: job.Limits,
		Result: link.Result{Outcome: outcome(said.Out), Fuel: uint64(*said.Run.Fuel)}}
	if claim.Hidden, err = hides(job, said); err != nil || said.Run.Outputs == nil {
		return claim, err
	}
	return claim, c.outputs(said, &claim.Result)
}

// outputs reads the output that a claim names.
func (c *checker) outputs(said receipts.Claim, res *link.Result) error {
	for _, o := range *said.Run.Outputs {
		if o.Stream < 0 || o.Stream >= int64(len(res.Streams)) {
			return fmt.Errorf("its receipt names an output stream %d", o.Stream)
		}
		if o.Commitment != nil { // what is hidden where is compared with the workflow
			continue
		}
		if o.Cid == nil {
			return fmt.Errorf("its receipt does not name the content of output stream %d", o.Stream)
		}
		b, ok := c.get(receipts.CID(*o.Cid))
		if !ok {
			return fmt.Errorf("%w: output %s", errMissing, receipts.CID(*o.Cid))
		}
		res.Streams[o.Stream] = b.Data
	}
	return nil
}

// digestOf is a digest of a receipt, which may have any size.
func digestOf(b []byte) (d machine.Digest) {
	if len(b) == len(d) {
		copy(d[:], b)
	}
	return d
}

// outcome is how a run ends that a receipt's result follows from.
func outcome(o receipts.Out) link.Outcome {
	if o.Error == nil {
		return link.Outcome{Kind: link.OK}
	}
	out := link.Outcome{Kind: link.OutcomeKind(o.Error.Kind)}
	if o.Error.Code != nil {
		out.Code = uint32(*o.Error.Code)
	}
	if o.Error.Trap != nil {
		out.Trap = link.TrapKind(*o.Error.Trap)
	}
	return out
}

// Claimed is a task of a bundle that ran, as its receipt has it: what there is to prove.
type Claimed struct {
	Task  *workflow.Task
	Job   *evaluate.Job
	Claim *proof.Claim
}

// attested opens a bundle, and returns the tasks of these labels that are no effects, all of whose receipts are attested.
func attested(b *receipts.Bundle, labels []string) (c *checker, tasks []*workflow.Task, err error) {
	c = newChecker(b, Config{Tasks: labels})
	if err := c.open(); err != nil {
		return nil, nil, err
	}
	all, err := c.selected()
	if err != nil {
		return nil, nil, err
	}
	for _, t := range all {
		if t.Effect() {
			continue
		}
		if err := c.broken[t.Label]; err != nil {
			return nil, nil, fmt.Errorf("task %q: %w", t.Label, err)
		}
		tasks = append(tasks, t)
	}
	return c, tasks, nil
}

// Claims returns what there is to prove of a bundle's tasks; no labels are all. Tasks that did not run, effects, and secret tasks that failed are left out. The error is about the request, or about
// a bundle whose receipts cannot be right.
func Claims(b *receipts.Bundle, labels []string) (out []Claimed, err error) {
	c, tasks, err := attested(b, labels)
	if err != nil {
		return nil, err
	}
	for _, t := range tasks {
		job, err := c.prepare(t)
		if err != nil {
			return nil, fmt.Errorf("task %q: %w", t.Label, err)
		}
		if job == nil || shown(job, c.receipts[t.Label].Claim) != nil {
			continue
		}
		claim, err := c.claimed(t, job)
		if err != nil {
			return nil, fmt.Errorf("task %q: %w", t.Label, err)
		}
		if _, err := compare(c.receipts[t.Label].Claim, job, claim.Result, "what a proof can show"); err != nil {
			return nil, fmt.Errorf("task %q: %w", t.Label, err)
		}
		out = append(out, Claimed{t, job, claim})
	}
	return out, nil
}

// AddProofs returns the bundle with proofs of tasks, by label, and the keys that they were made for. Proofs that the bundle has of other tasks stay.
func AddProofs(b *receipts.Bundle, proofs map[string]block.Block, keys block.Block) (*receipts.Bundle, error) {
	record, blocks := b.Record, maps.Clone(b.Blocks)
	all := make(map[string]datamodel.Link)
	if record.Proofs != nil {
		maps.Copy(all, record.Proofs.Values)
	}
	for label, p := range proofs {
		all[label] = receipts.Link(p.CID)
		blocks[p.CID] = p.Data
	}
	record.Proofs = &receipts.Labelled{Keys: slices.Sorted(maps.Keys(all)), Values: all}
	var links []datamodel.Link
	if record.Keys != nil {
		links = slices.Clone(*record.Keys)
	}
	if l := receipts.Link(keys.CID); !slices.Contains(links, l) {
		links = append(links, l)
		blocks[keys.CID] = keys.Data
	}
	record.Keys = &links
	return receipts.NewBundle(record, blocks)
}
