package receipts

import (
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/hidden"
)

// Receipt is an opened receipt: a claim, and who signed it.
type Receipt struct {
	CID    cid.Cid
	Issuer string // did:key
	Meta   datamodel.Node
	Claim  Claim
}

// Link makes a link of a CID.
func Link(c cid.Cid) datamodel.Link { return cidlink.Link{Cid: c} }

// CID returns a link's CID; links of this package's claims always have one.
func CID(l datamodel.Link) cid.Cid {
	if cl, ok := l.(cidlink.Link); ok {
		return cl.Cid
	}
	return cid.Undef
}

// Sealed is the commitment of a region that is hidden. The error says what else the region tells, or that it is not hidden.
func (r *Region) Sealed() (c hidden.Commitment, err error) {
	switch {
	case r.Commitment == nil:
		return c, fmt.Errorf("%w: no commitment", ErrReceipt)
	case r.Cid != nil || r.Root != nil:
		return c, fmt.Errorf("%w: a commitment beside what it hides", ErrReceipt)
	case r.Size < 0:
		return c, fmt.Errorf("%w: %d bytes", ErrReceipt, r.Size)
	}
	return hidden.ParseCommitment(*r.Commitment)
}

// Links returns the content that a claim's tapes and result are in: not the task, not the module.
func (c *Claim) Links() (links []cid.Cid) {
	for _, rs := range []*[]Region{c.Run.Inputs, c.Run.Outputs} {
		if rs == nil {
			continue
		}
		for _, r := range *rs {
			if r.Cid != nil {
				links = append(links, CID(*r.Cid))
			}
		}
	}
	if c.Out.Ok != nil {
		if l, ok := block.Link(*c.Out.Ok); ok {
			links = append(links, l)
		}
	}
	return links
}

// Issue signs a claim. Meta is for people and machines that compare (engine, platform, times): no part of the claim; it may
// be nil. The same claim, meta and Ed25519 key give the same bytes: a receipt has no nonce and no time of its own.
func Issue(s capability.Signer, c Claim, meta datamodel.Node) (block.Block, error) {
	c.Run.Version = ReceiptVersion
	args, err := c.node()
	if err != nil {
		return block.Block{}, fmt.Errorf("issue receipt: %w", err)
	}
	inv := capability.Invocation{Issuer: s.DID(), Subject: s.DID(), Command: Command, Meta: meta, Args: args}
	token, err := inv.Seal(s)
	if err != nil {
		return block.Block{}, fmt.Errorf("issue receipt: %w", err)
	}
	return block.Block{CID: block.Sum(cid.DagCBOR, token), Data: token}, nil
}

// Open decodes a receipt and checks its signature, its command, its schema and its version.
func Open(b block.Block) (*Receipt, error) {
	inv, err := capability.OpenInvocation(b.Data)
	if err != nil {
		return nil, err
	}
	if inv.Command != Command || inv.Issuer != inv.Subject || inv.Audience != "" {
		return nil, fmt.Errorf("%w: an invocation of %q by %s for %s", ErrReceipt, inv.Command, inv.Issuer, inv.Subject)
	}
	if inv.Expires != nil || len(inv.Proofs) != 0 || len(inv.Nonce) != 0 || inv.Cause != nil {
		return nil, fmt.Errorf("%w: it has an expiry, proofs, a nonce or a cause", ErrReceipt)
	}
	// The version is looked at first, so that a newer receipt is called newer and not malformed.
	if err := checkVersion(inv.Args); err != nil {
		return nil, err
	}
	r := &Receipt{CID: b.CID, Issuer: inv.Issuer, Meta: inv.Meta}
	if r.Claim, err = readClaim(inv.Args); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	return r, nil
}

func checkVersion(args datamodel.Node) error {
	run, err := args.LookupByString("run")
	if err != nil {
		return fmt.Errorf("%w: no run", ErrReceipt)
	}
	v, err := run.LookupByString("version")
	if err != nil {
		return fmt.Errorf("%w: no version", ErrReceipt)
	}
	if s, err := v.AsString(); err != nil || s != ReceiptVersion {
		return fmt.Errorf("receipt: %w %.64q, this program knows %q", ErrVersion, s, ReceiptVersion)
	}
	return nil
}
