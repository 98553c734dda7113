package spotcheck

import (
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"
	"github.com/ipld/go-ipld-prime/node/bindnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/receipts"
)

// Finding says that an executor is wrong. Its fields follow schema.ipldsch.
type Finding struct {
	Executor string
	Ground   string
	Reason   string
	Segment  *int64
	Evidence *datamodel.Link
}

// Ruling is what a referee found. Its fields follow schema.ipldsch.
type Ruling struct {
	Trilemma string
	Dispute  datamodel.Link
	Findings []Finding
}

// Ruled is a ruling that was opened: who signed it, and what can be checked by anybody.
type Ruled struct {
	CID      cid.Cid
	Referee  string // did:key
	A, B     cid.Cid
	Findings []Finding
	Proven   []bool // by finding: its evidence shows it; if not it rests on the word of the referee
}

// IssueRuling signs a ruling: a receipt whose task is the dispute and whose result is the ruling.
func IssueRuling(s capability.Signer, dispute, computation cid.Cid, findings []Finding) (block.Block, error) {
	if findings == nil {
		findings = []Finding{}
	}
	r := &Ruling{Trilemma: RulingVersion, Dispute: linkTo(dispute), Findings: findings}
	nb := basicnode.Prototype.Any.NewBuilder()
	if err := datamodel.Copy(bindnode.Wrap(r, types().TypeByName("Ruling")).Representation(), nb); err != nil {
		return block.Block{}, err
	}
	n := nb.Build()
	return receipts.Issue(s, receipts.Claim{Ran: linkTo(dispute), Out: receipts.Out{Ok: &n}, Run: receipts.Run{Computation: linkTo(computation)}}, nil)
}

// OpenRuling reads a ruling and checks its signature and the evidence that it links to, whose blocks get finds. A finding whose evidence does not show
// it makes the whole ruling invalid; one without evidence (a side that was silent, or answered badly) is the referee's word.
func OpenRuling(b block.Block, get func(cid.Cid) (block.Block, bool)) (*Ruled, error) {
	receipt, err := receipts.Open(b)
	if err != nil {
		return nil, err
	}
	if receipt.Claim.Out.Ok == nil {
		return nil, fmt.Errorf("%w: a receipt that is no ruling", ErrMalformed)
	}
	data, err := block.Encode(*receipt.Claim.Out.Ok)
	if err != nil {
		return nil, err
	}
	r, err := read(data, maxMessage, "Ruling", RulingVersion, func(r *Ruling) string { return r.Trilemma })
	if err != nil {
		return nil, err
	}
	id := cidOf(r.Dispute)
	d, ok := get(id)
	if !ok || !receipts.CID(receipt.Claim.Ran).Equals(id) {
		return nil, fmt.Errorf("%w: the dispute that it is about is missing, or another", ErrMalformed)
	}
	out := &Ruled{CID: b.CID, Referee: receipt.Issuer, Findings: r.Findings}
	if out.A, out.B, err = ReadDispute(d.Data); err != nil {
		return nil, err
	}
	for i, f := range r.Findings {
		proven, err := f.check(out, get)
		if err != nil {
			return nil, fmt.Errorf("finding %d: %w", i, err)
		}
		out.Proven = append(out.Proven, proven)
	}
	return out, nil
}

// check checks the evidence of a finding.
func (f *Finding) check(r *Ruled, get func(cid.Cid) (block.Block, bool)) (bool, error) {
	if f.Evidence == nil {
		return false, nil
	}
	b, ok := get(cidOf(*f.Evidence))
	if !ok {
		return false, errors.New("its evidence is missing")
	}
	e, err := ReadRefutation(b.Data)
	if err != nil {
		return false, err
	}
	got, err := e.Check()
	switch {
	case err != nil:
		return false, err
	case got.Executor != f.Executor:
		return false, fmt.Errorf("its evidence is against %s, not %s", got.Executor, f.Executor)
	case !got.Receipt.Equals(r.A) && !got.Receipt.Equals(r.B):
		return false, fmt.Errorf("its evidence is about the receipt %s, which is not in dispute", got.Receipt)
	case e.Kind != f.Ground || e.Kind == GroundSegment && (f.Segment == nil || *f.Segment != *e.Segment):
		return false, fmt.Errorf("its evidence shows another thing: %s", got.Reason)
	}
	return true, nil
}

// Refute makes the evidence of a fault, as far as a fault has one. receipt is the side's, transcript what it names.
func (f *Fault) Refute(receipt, transcript []byte) (*Refutation, bool) {
	r := &Refutation{Trilemma: RefutationVersion, Kind: f.Ground, Receipt: receipt, Transcript: &transcript}
	switch f.Ground {
	case GroundSegment:
		i := int64(f.Segment)
		r.Segment, r.Before, r.After, r.Opening = &i, f.Before, f.After, &f.Opening
	case GroundEnd:
		r.Before, r.After = f.Before, f.After
	case GroundClaim:
	default:
		return nil, false
	}
	if _, err := r.Check(); err != nil { // such as an end that only whoever has the module or the input can see to be wrong
		return nil, false
	}
	return r, true
}
