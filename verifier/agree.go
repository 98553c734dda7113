package verifier

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/workflow"
)

// asWished is the mode in which a workflow wants a task to be checked.
func asWished(t *workflow.Task) Mode {
	switch t.Check.Mode {
	case workflow.CheckConsensus:
		return Consensus
	case workflow.CheckOptimistic:
		return Optimistic
	case workflow.CheckDispute:
		return Dispute
	}
	return Mode(t.Check.Mode)
}

// peers are the other bundles that a run is compared with, and the rulings that count.
type peers struct {
	checkers []*checker
	rulings  []*spotcheck.Ruled
}

// openPeers opens what the configuration brings beside the bundle. What cannot be used is an error: it was asked for.
func openPeers(cfg Config) (*peers, error) {
	p := &peers{}
	for i, b := range cfg.Others {
		c := newChecker(b, Config{Now: cfg.Now, CPU: cfg.CPU})
		if err := c.open(); err != nil {
			return nil, fmt.Errorf("other bundle %d: %w", i+1, err)
		}
		p.checkers = append(p.checkers, c)
	}
	for i, a := range cfg.Rulings {
		b, _ := a.Get(a.Root)
		r, err := spotcheck.OpenRuling(b, a.Get)
		if err != nil {
			return nil, fmt.Errorf("ruling %d: %w", i+1, err)
		}
		p.rulings = append(p.rulings, r)
	}
	return p, nil
}

// statement is what another executor signed of a computation.
type statement struct {
	bundle  *receipts.Bundle
	receipt *receipts.Receipt
}

// of returns the other bundles' receipts of a task's computation.
func (p *peers) of(t *workflow.Task) (out []statement) {
	for _, c := range p.checkers {
		for _, u := range c.w.Tasks {
			if u.Computation.Equals(t.Computation) && c.broken[u.Label] == nil {
				out = append(out, statement{c.bundle, c.receipts[u.Label]})
				break
			}
		}
	}
	return out
}

// found says whether a ruling finds a receipt wrong: one that the referee signed, or whose evidence shows it whoever signed.
func (p *peers) found(r *receipts.Receipt, referee string) (string, bool) {
	for _, ruling := range p.rulings {
		for i, f := range ruling.Findings {
			if receipts.CID(f.Receipt).Equals(r.CID) && (ruling.Proven[i] != "" || referee != "" && ruling.Referee == referee) {
				return fmt.Sprintf("the ruling %s: %s", ruling.CID, f.Reason), true
			}
		}
	}
	return "", false
}

// agree compares a task's receipt with those of other executors, as consensus, optimistic and dispute ask. It returns what that is worth.
func (c *checker) agree(ctx context.Context, t *workflow.Task, mode Mode) (string, error) {
	own := c.receipts[t.Label]
	if t.Secret && own.Claim.Run.Fuel != nil {
		return "", unseen("comparing receipts")
	}
	with := map[string]bool{own.Issuer: true}
	all := c.peers.of(t)
	dismissed := 0
	var open error
	for _, s := range all {
		if spotcheck.Differ(own.Claim, s.receipt.Claim) == "" {
			with[s.receipt.Issuer] = true
			continue
		}
		switch theirs, err := c.contradiction(ctx, t, own, s); {
		case err != nil && !Missing(err):
			return "", err
		case err != nil:
			open = errors.Join(open, err)
		case theirs:
			dismissed++
		}
	}
	if open != nil {
		return "", open
	}
	also := ""
	if dismissed > 0 {
		also = fmt.Sprintf("; %d receipts that say otherwise were found wrong", dismissed)
	}
	switch mode {
	case Consensus:
		for _, did := range t.Check.Executors {
			if !with[did] {
				return "", fmt.Errorf("%w: no receipt by %s, whom the workflow names, agrees", errMissing, did)
			}
		}
		return fmt.Sprintf("trust that not all of the %d executors whom the workflow names are wrong together: each signed this result%s", len(t.Check.Executors), also), nil
	case Optimistic:
		delete(with, own.Issuer)
		if n := uint64(len(with)); n < t.Check.Confirmations {
			return "", fmt.Errorf("%w: %d of %d confirmations by other executors", errMissing, n, t.Check.Confirmations)
		}
		return fmt.Sprintf("trust that one of these would have objected: %s, who signed the same; a key costs nothing, and these were named by nobody%s",
			strings.Join(slices.Sorted(maps.Keys(with)), ", "), also), nil
	}
	if len(all) == 0 {
		return "", fmt.Errorf("%w: no other executor's receipt to compare with (--with)", errMissing)
	}
	return fmt.Sprintf("trust that one of the %d executors whose receipts were compared is honest%s", len(with), also), nil
}

// contradiction says whether it is the other one who is wrong, where two receipts contradict each other. An error is what is wrong with our own, or says that it
// is not known.
func (c *checker) contradiction(ctx context.Context, t *workflow.Task, own *receipts.Receipt, s statement) (theirs bool, err error) {
	referee := t.Check.Referee
	if why, ok := c.peers.found(own, referee); ok {
		return false, errors.New(why)
	}
	if _, ok := c.peers.found(s.receipt, referee); ok {
		return true, nil
	}
	unsettled := func(why string) error {
		return fmt.Errorf("%w: %s signed another receipt, and it is not known who is wrong: %s", errMissing, s.receipt.Issuer, why)
	}
	if referee != "" {
		return false, unsettled("there is no ruling by the referee " + referee)
	}
	found, err := Settle(ctx, c.bundle, s.bundle, SettleConfig{Tasks: []string{t.Label}, Opener: c.cfg.Opener, Now: c.cfg.Now, CPU: c.cfg.CPU})
	if err != nil {
		return false, unsettled(err.Error())
	}
	for _, f := range found {
		for _, p := range f.Wrong {
			if p.Side == spotcheck.A {
				return false, fmt.Errorf("in a dispute with %s: %s", s.receipt.Issuer, p.Reason)
			}
			theirs = true
		}
		if f.Reason != "" {
			return false, unsettled(f.Reason)
		}
	}
	return theirs, nil
}
