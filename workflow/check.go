package workflow

import (
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"
)

// CheckMode is how a task's receipt is to be checked.
type CheckMode string

// The modes of checking. The first five are those of a verdict; the others combine several executors.
const (
	CheckAttest     CheckMode = "attest"
	CheckRerun      CheckMode = "rerun"
	CheckSpot       CheckMode = "spot"
	CheckDispute    CheckMode = "dispute"
	CheckZK         CheckMode = "zk"
	CheckOptimistic CheckMode = "optimistic"
	CheckConsensus  CheckMode = "consensus"
)

// checkNames maps the accepted words, those of the IPVM drafts included, to modes.
var checkNames = map[string]CheckMode{
	"attest": CheckAttest, "attestation": CheckAttest, "rerun": CheckRerun, "spot": CheckSpot,
	"dispute": CheckDispute, "zk": CheckZK, "zkp": CheckZK,
}

// Check is a task's wish about verification.
type Check struct {
	Mode          CheckMode
	Confirmations uint64   // optimistic
	Referee       string   // optimistic: did:key
	Executors     []string // consensus: did:keys
}

func (r *docReader) check(v *value) Check {
	names := []string{"attest", "attestation", "rerun", "spot", "dispute", "zk", "zkp"}
	if v.kind == kindString {
		mode, ok := checkNames[v.s]
		if !ok {
			r.at(v, "unknown check %q%s", v.s, nearest(v.s, names))
		}
		return Check{Mode: mode}
	}
	if v.kind != kindMap || len(v.keys) != 1 {
		r.at(v, "one of %v, or a map with \"optimistic\" or \"consensus\" is expected", names)
		return Check{}
	}
	item := v.items[0]
	switch v.keys[0] {
	case "optimistic":
		c := Check{Mode: CheckOptimistic}
		if r.fields(item, "confirmations", "referee") {
			c.Confirmations = r.number(item.get("confirmations"), 1, 1000, 1)
			c.Referee = r.text(item.get("referee"))
		}
		return c
	case "consensus":
		c := Check{Mode: CheckConsensus}
		if item.kind != kindList || len(item.items) == 0 || len(item.items) > 1000 {
			r.at(item, "a list of 1 to 1000 did:keys is expected")
		}
		for _, d := range item.items {
			c.Executors = append(c.Executors, r.text(d))
		}
		return c
	}
	r.at(v, "unknown check %q%s", v.keys[0], nearest(v.keys[0], []string{"optimistic", "consensus"}))
	return Check{}
}

// node is the check as it stands in a workflow's block.
func (c Check) node() (datamodel.Node, error) {
	switch c.Mode {
	case CheckOptimistic:
		return qp.BuildMap(basicnode.Prototype.Any, 1, func(ma datamodel.MapAssembler) {
			qp.MapEntry(ma, string(c.Mode), qp.Map(2, func(ma datamodel.MapAssembler) {
				qp.MapEntry(ma, "confirmations", qp.Int(int64(c.Confirmations)))
				qp.MapEntry(ma, "referee", qp.String(c.Referee))
			}))
		})
	case CheckConsensus:
		return qp.BuildMap(basicnode.Prototype.Any, 1, func(ma datamodel.MapAssembler) {
			qp.MapEntry(ma, string(c.Mode), qp.List(int64(len(c.Executors)), func(la datamodel.ListAssembler) {
				for _, d := range c.Executors {
					qp.ListEntry(la, qp.String(d))
				}
			}))
		})
	}
	return basicnode.NewString(string(c.Mode)), nil
}
