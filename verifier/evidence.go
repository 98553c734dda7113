package verifier

import (
	"fmt"

	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/spotcheck"
)

// VerifyRuling checks a ruling out of an archive of which it is the root: the referee's signature, and the evidence of every finding. There is a verdict for each;
// one that is valid says that the finding holds, which is against somebody. Of the configuration it uses the clocks and Executor, whose
// signature is then expected: the referee's.
func VerifyRuling(from *receipts.Archive, cfg Config) *Report {
	c := newChecker(nil, cfg)
	start := c.begin()
	b, _ := from.Get(from.Root)
	r, err := spotcheck.OpenRuling(b, from.Get)
	if err == nil && cfg.Executor != "" && r.Referee != cfg.Executor {
		err = fmt.Errorf("the ruling is signed by %s, expected was %s", r.Referee, cfg.Executor)
	}
	rep := &Report{Outcome: Valid}
	size := int64(0)
	for _, data := range from.Blocks {
		size += int64(len(data))
	}
	if err != nil {
		v := c.verdict("", Dispute, start, fmt.Errorf("the ruling: %w", err))
		v.Cost.Bytes = size
		c.add(rep, v)
		return rep
	}
	rep.Signer = r.Referee
	for i, f := range r.Findings {
		v := c.verdict("", Dispute, start, nil)
		v.Cost.Bytes = size
		reason := f.Reason
		if r.Proven[i] != "" {
			reason = r.Proven[i]
		}
		v.Reason = fmt.Sprintf("%s is wrong (%s) in its receipt %s: %s", f.Executor, f.Ground, receipts.CID(f.Receipt), reason)
		switch {
		case r.Proven[i] != "":
			v.Soundness = "exact: the evidence in the file shows it, by signatures, hashes and at most one segment; no trust in the referee"
		case cfg.Executor != "":
			v.Soundness = "trust in the named referee " + r.Referee + ": a finding of this kind has no evidence that stands alone"
		case r.Referee == r.Sides[0].Issuer || r.Referee == r.Sides[1].Issuer:
			v.Outcome, v.Soundness = Undecided, "none: the referee is a side, and a finding of this kind has no evidence that stands alone"
		default:
			v.Outcome, v.Soundness = Undecided, "trust in the referee "+r.Referee+", who was not named (--executor): a finding of this kind has no evidence that stands alone"
		}
		c.add(rep, v)
	}
	return rep
}

// VerifyRefutation checks a refutation, which is evidence against whoever signed the receipt in it: valid says that it is that. Of the
// configuration it uses the clocks and Executor: who is to be refuted.
func VerifyRefutation(data []byte, cfg Config) *Report {
	c := newChecker(nil, cfg)
	start := c.begin()
	rep := &Report{Outcome: Valid}
	var found *spotcheck.Refuted
	r, err := spotcheck.ReadRefutation(data)
	if err == nil {
		found, err = r.Check()
	}
	if err == nil && cfg.Executor != "" && found.Executor != cfg.Executor {
		err = fmt.Errorf("it is about a receipt by %s, expected was one by %s", found.Executor, cfg.Executor)
	}
	if err != nil {
		err = fmt.Errorf("the refutation: %w", err)
	}
	v := c.verdict("", Dispute, start, err)
	v.Cost.Bytes = int64(len(data))
	if err == nil {
		rep.Signer = found.Executor
		v.Reason = fmt.Sprintf("%s is wrong (%s) in its receipt %s: %s", found.Executor, r.Kind, found.Receipt, found.Reason)
		v.Soundness = "exact: the refutation shows it, by signatures, hashes and at most one segment; no trust in whoever made it"
	}
	c.add(rep, v)
	return rep
}
