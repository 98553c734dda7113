package spotcheck

import (
	"fmt"
	"slices"

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
	Receipt  datamodel.Link
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
	CID         cid.Cid
	Referee     string // did:key
	Computation cid.Cid
	Sides       [2]*receipts.Receipt
	Findings    []Finding
	Proven      []string // by finding: what its evidence shows; if empty it rests on the word of the referee
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

// OpenRuling reads a ruling and checks its signature, the receipts that it is about, and the evidence that it links to. get finds their blocks. A finding
// whose evidence does not show it makes the whole ruling invalid; one without evidence (a side that was silent, or answered badly) is
// the referee's word.
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
	out := &Ruled{CID: b.CID, Referee: receipt.Issuer, Computation: receipts.CID(receipt.Claim.Run.Computation), Findings: r.Findings}
	id := cidOf(r.Dispute)
	d, ok := get(id)
	if !ok || !receipts.CID(receipt.Claim.Ran).Equals(id) {
		return nil, fmt.Errorf("%w: the dispute that it is about is missing, or another", ErrMalformed)
	}
	if err := out.readSides(d.Data, get); err != nil {
		return nil, err
	}
	if len(r.Findings) == 0 {
		return nil, fmt.Errorf("%w: it finds nobody wrong", ErrMalformed)
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

// readSides reads the two receipts that a dispute is about, which must contradict each other.
func (r *Ruled) readSides(dispute []byte, get func(cid.Cid) (block.Block, bool)) error {
	a, b, err := ReadDispute(dispute)
	if err != nil {
		return err
	}
	for i, id := range []cid.Cid{a, b} {
		data, ok := get(id)
		if !ok {
			return fmt.Errorf("%w: the receipt %s that it is about is missing", ErrMalformed, id)
		}
		if r.Sides[i], err = receipts.Open(data); err != nil {
			return fmt.Errorf("receipt %s: %w", id, err)
		}
		if !receipts.CID(r.Sides[i].Claim.Run.Computation).Equals(r.Computation) {
			return fmt.Errorf("%w: the receipt %s is about another computation", ErrMalformed, id)
		}
	}
	if Differ(r.Sides[A].Claim, r.Sides[B].Claim) == "" {
		return fmt.Errorf("%w: the receipts that it is about do not contradict each other", ErrMalformed)
	}
	return nil
}

// check checks a finding: that it is about a side, and its evidence if it has some. It returns what that shows.
func (f *Finding) check(r *Ruled, get func(cid.Cid) (block.Block, bool)) (string, error) {
	id := cidOf(f.Receipt)
	about := func(s *receipts.Receipt) bool { return s.CID.Equals(id) && s.Issuer == f.Executor }
	if !slices.ContainsFunc(r.Sides[:], about) {
		return "", fmt.Errorf("%w: %s signed no receipt %s that is in dispute", ErrMalformed, f.Executor, id)
	}
	if f.Evidence == nil {
		return "", nil
	}
	b, ok := get(cidOf(*f.Evidence))
	if !ok {
		return "", fmt.Errorf("%w: its evidence is missing", ErrMalformed)
	}
	e, err := ReadRefutation(b.Data)
	if err != nil {
		return "", err
	}
	got, err := e.Check()
	switch {
	case err != nil:
		return "", err
	case !got.Receipt.Equals(id):
		return "", fmt.Errorf("%w: its evidence is about the receipt %s", ErrMalformed, got.Receipt)
	case e.Kind != f.Ground || f.Segment != nil && (e.Segment == nil || *f.Segment != *e.Segment):
		return "", fmt.Errorf("%w: its evidence shows another thing: %s", ErrMalformed, got.Reason)
	}
	return got.Reason, nil
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
	case GroundLength:
		i := int64(f.Segment)
		r.Segment, r.Before, r.Content = &i, f.Before, &f.Content
	case GroundOpposite:
		r.Transcript, r.Other, r.Task = nil, &f.Other, &f.Task
	case GroundOutput:
		r.Stream, r.Content = &f.Stream, &f.Content
	case GroundClaim:
	default:
		return nil, false
	}
	if _, err := r.Check(); err != nil { // such as an end that only whoever has the module or the input can see to be wrong
		return nil, false
	}
	return r, true
}
