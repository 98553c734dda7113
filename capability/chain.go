package capability

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ipfs/go-cid"
)

// Proofs finds sealed tokens. What it returns is hashed again and opened before it is believed.
type Proofs interface {
	Proof(c cid.Cid) (token []byte, ok bool)
}

// Revocations knows who revoked which delegation.
//
// Law: a revocation that was accepted stays. Revokers returns the did:keys on whose behalf the delegation c was revoked;
// none if nobody did. An error means that it is not known, and whoever asked for leave is refused.
type Revocations interface {
	Revokers(ctx context.Context, c cid.Cid) ([]string, error)
}

// Validator decides whether an invocation is allowed. The zero value checks the chain by the machine's clock and nothing
// else; a service sets Executor, Subject and Revocations.
type Validator struct {
	// Now tells the time; nil stands for time.Now.
	Now func() time.Time
	// Skew is how far clocks may be apart: time bounds are widened by it on both sides, in whole seconds.
	Skew time.Duration
	// Executor is the DID that is asked. An invocation for another is refused, so that nobody who was asked can pass the
	// question on as his own. Empty accepts every addressee.
	Executor string
	// Subject is the DID whose resources are at stake: whoever controls it holds all authority. Empty accepts every
	// subject, which proves only that the invoker may act on a subject of his own choice.
	Subject string
	// Revocations is asked about every delegation of a chain; nil stands for no revocations.
	Revocations Revocations
}

// Grant is an invocation that is allowed, and why.
type Grant struct {
	*Invocation
	Chain []*Delegation // root first; empty if the subject itself asks
}

// Validate opens an invocation and every delegation that it names, and checks that the chain allows it: signatures,
// principals from the subject to the issuer, commands, policies, time bounds, revocations. Its work is bounded by
// [MaxProofs] tokens and a fixed number of policy steps. The error tells the first reason to refuse; test it against this
// package's errors.
func (v Validator) Validate(ctx context.Context, token []byte, proofs Proofs) (*Grant, error) {
	inv, err := OpenInvocation(token)
	if err != nil {
		return nil, err
	}
	return v.validate(ctx, inv, opener(proofs))
}

// validate is Validate for an opened invocation.
func (v Validator) validate(ctx context.Context, inv *Invocation, find finder) (*Grant, error) {
	if err := v.addressed(inv); err != nil {
		return nil, err
	}
	if err := v.inTime(nil, inv.Expires); err != nil {
		return nil, fmt.Errorf("invocation: %w", err)
	}
	c, err := v.walk(inv.Subject, inv.Proofs, find)
	if err != nil {
		return nil, err
	}
	if holder := c.holder(); holder != inv.Issuer {
		if len(c.links) == 0 {
			return nil, fmt.Errorf("%w: %s acts on %s without a proof", ErrClaim, inv.Issuer, inv.Subject)
		}
		return nil, fmt.Errorf("%w: the last proof is for %s, the invocation by %s", ErrAudience, holder, inv.Issuer)
	}
	steps := budget{left: maxSteps}
	for i, d := range c.links {
		if !Covers(d.Command, inv.Command) {
			return nil, c.errorf(i, "%w: %s allows not %s", ErrCommand, d.Command, inv.Command)
		}
		if err := d.Policy.match(&steps, inv.Args); err != nil {
			return nil, c.errorf(i, "%w", err)
		}
	}
	if err := c.revoked(ctx, v.Revocations); err != nil {
		return nil, err
	}
	g := &Grant{Invocation: inv}
	for _, l := range c.links {
		g.Chain = append(g.Chain, l.Delegation)
	}
	return g, nil
}

// addressed checks whom an invocation asks, and about what.
func (v Validator) addressed(inv *Invocation) error {
	if v.Subject != "" && inv.Subject != v.Subject {
		return fmt.Errorf("%w: an invocation about %s, where %s is at stake", ErrSubject, inv.Subject, v.Subject)
	}
	to := inv.Audience
	if to == "" {
		to = inv.Subject
	}
	if v.Executor != "" && to != v.Executor {
		return fmt.Errorf("%w: an invocation for %s, not for %s", ErrAudience, to, v.Executor)
	}
	return nil
}

func (v Validator) now() time.Time {
	if v.Now == nil {
		return time.Now()
	}
	return v.Now()
}

// inTime checks bounds, both of which are part of the time in which a token holds.
func (v Validator) inTime(notBefore, expires *int64) error {
	now, skew := v.now().Unix(), int64(v.Skew/time.Second)
	switch {
	case notBefore != nil && now+skew < *notBefore:
		return fmt.Errorf("%w: it begins at %s", ErrTooEarly, moment(*notBefore))
	case expires != nil && now-skew > *expires:
		return fmt.Errorf("%w at %s", ErrExpired, moment(*expires))
	}
	return nil
}

func moment(t int64) string { return time.Unix(t, 0).UTC().Format(time.RFC3339) }

// link is an opened delegation.
type link struct {
	*Delegation
	cids []cid.Cid // see sameContent
}

// finder opens the delegation with a CID.
type finder func(cid.Cid) (link, error)

// opener finds delegations among proofs.
func opener(proofs Proofs) finder {
	return func(id cid.Cid) (link, error) {
		var token []byte
		ok := false
		if proofs != nil {
			token, ok = proofs.Proof(id)
		}
		if !ok || !tokenCID(token).Equals(id) {
			return link{}, ErrUnavailable
		}
		return openLink(token)
	}
}

func openLink(token []byte) (link, error) {
	e, err := open(token)
	if err != nil {
		return link{}, err
	}
	d, err := e.delegation()
	return link{d, e.cids}, err
}

// chain is a walk from the subject along delegations, each by the one before's audience.
type chain struct {
	subject string
	command string // the narrowest so far
	links   []link
}

// holder is who has the authority: the subject, or the last audience.
func (c *chain) holder() string {
	if len(c.links) == 0 {
		return c.subject
	}
	return c.links[len(c.links)-1].Audience
}

func (c *chain) errorf(i int, format string, args ...any) error {
	return fmt.Errorf("proof %d (%s): %w", i+1, c.links[i].cids[0], fmt.Errorf(format, args...))
}

// walk opens the delegations ids, root first, and checks that they are a chain from the subject in which every link holds
// now.
func (v Validator) walk(subject string, ids []cid.Cid, find finder) (*chain, error) {
	if len(ids) > MaxProofs {
		return nil, fmt.Errorf("%w: %d proofs, limit %d", ErrToken, len(ids), MaxProofs)
	}
	c := &chain{subject: subject, command: "/"}
	seen := make(map[cid.Cid]bool, len(ids))
	for i, id := range ids {
		var l link
		var err error
		if seen[id] {
			err = fmt.Errorf("%w: it is named twice", ErrToken)
		} else {
			l, err = find(id)
		}
		if err == nil {
			err = c.extend(l)
		}
		if err == nil {
			err = v.inTime(l.NotBefore, l.Expires)
		}
		if err != nil {
			return nil, fmt.Errorf("proof %d (%s): %w", i+1, id, err)
		}
		seen[id] = true
	}
	return c, nil
}

// extend adds a link. The first must be the subject's own; no link may be about another subject, come from somebody who
// does not hold the authority, or name a command that its issuer was not given. A powerline may name a wide command, since
// it says "whatever I have"; what it lets through is still only what the links before it allow.
func (c *chain) extend(d link) error {
	root := len(c.links) == 0
	switch {
	case root && d.Subject == "":
		return fmt.Errorf("%w: a powerline at the root is about nobody", ErrClaim)
	case d.Subject != "" && d.Subject != c.subject:
		return fmt.Errorf("%w: about %s, not about %s", ErrSubject, d.Subject, c.subject)
	case root && d.Issuer != c.subject:
		return fmt.Errorf("%w: the first proof is by %s, not by the subject %s", ErrClaim, d.Issuer, c.subject)
	case d.Issuer != c.holder():
		return fmt.Errorf("%w: issued by %s, the proof before is for %s", ErrAudience, d.Issuer, c.holder())
	case Covers(c.command, d.Command):
		c.command = d.Command
	case d.Subject == "" && Covers(d.Command, c.command):
	default:
		return fmt.Errorf("%w: %s was given %s and gives on %s", ErrCommand, d.Issuer, c.command, d.Command)
	}
	c.links = append(c.links, d)
	return nil
}

// revoked checks that no issuer of the chain revoked a link of it.
func (c *chain) revoked(ctx context.Context, r Revocations) error {
	if r == nil {
		return nil
	}
	for i := range c.links {
		for _, id := range c.links[i].cids {
			by, err := r.Revokers(ctx, id)
			if err != nil {
				return c.errorf(i, "is it revoked? %w", err)
			}
			for _, d := range c.links {
				if slices.Contains(by, d.Issuer) {
					return c.errorf(i, "%w by %s", ErrRevoked, d.Issuer)
				}
			}
		}
	}
	return nil
}
