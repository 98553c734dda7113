package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
)

// maxRevokers bounds the principals that revoke one delegation. No chain has more issuers.
const maxRevokers = capability.MaxProofs

// Revocations keeps accepted revocations for ever, in records that several processes may share. It implements
// [capability.Revocations].
//
// Law: after Keep returned nil, Revokers names the revoker, in every process from then on, as surely as the records are
// durable. The n-th record of a delegation is the sealed revocation of the n-th revoker; nothing is ever replaced.
type Revocations struct {
	Records Records
}

func revocationKey(c cid.Cid, n int) string { return fmt.Sprintf("revoked/%s/%d", c, n) }

// Keep records a revocation that [capability.Validator.Revocation] accepted. To keep it twice is to keep it once.
func (r *Revocations) Keep(ctx context.Context, rev *capability.Revocation) error {
	by, err := r.Revokers(ctx, rev.Delegation)
	if err != nil {
		return err
	}
	for n := len(by); n < maxRevokers && !slices.Contains(by, rev.Revoker); n++ {
		created, err := r.Records.Create(ctx, revocationKey(rev.Delegation, n), rev.Token)
		if err != nil {
			return fmt.Errorf("keep revocation: %w", err)
		}
		if created {
			return nil
		}
		if by, err = r.Revokers(ctx, rev.Delegation); err != nil { // another process was first
			return err
		}
	}
	if !slices.Contains(by, rev.Revoker) {
		return fmt.Errorf("keep revocation: %s is revoked by %d principals already", rev.Delegation, len(by))
	}
	return nil
}

// Revokers implements [capability.Revocations]. A record that cannot be read is an error and not an absent revocation.
func (r *Revocations) Revokers(ctx context.Context, c cid.Cid) ([]string, error) {
	if err := block.Supported(c); err != nil {
		return nil, err
	}
	var by []string
	for n := range maxRevokers {
		token, err := r.Records.Load(ctx, revocationKey(c, n))
		if errors.Is(err, ErrNotFound) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read revocation: %w", err)
		}
		inv, err := capability.OpenInvocation(token)
		if err != nil {
			return nil, fmt.Errorf("read revocation %d of %s: %w", n, c, err)
		}
		by = append(by, inv.Subject)
	}
	return by, nil
}
