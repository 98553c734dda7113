package verifier_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/guests"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/verifier"
)

// TestAsWished: consensus and optimistic checks over several executors' bundles, with liars among them.
func TestAsWished(t *testing.T) {
	m, err := guests.Module("fib")
	if err != nil {
		t.Fatal(err)
	}
	referee := key(t, 77).DID()
	text := fmt.Sprintf(`{"trilemma": "workflow/1", "tasks": {
		"all": {"run": {"mod": "m.wasm", "fun": "fib", "params": [20]}, "check": {"consensus": [%q, %q]}},
		"some": {"run": {"mod": "m.wasm", "fun": "fib", "params": [21]}, "check": {"optimistic": {"confirmations": 2, "referee": %q}}},
		"any": {"run": {"mod": "m.wasm", "fun": "fib", "params": [22]}, "check": "dispute"},
		"again": {"run": {"mod": "m.wasm", "fun": "fib", "params": [3]}, "check": "rerun"},
		"signed": {"run": {"mod": "m.wasm", "fun": "fib", "params": [4]}, "check": "attestation"},
		"proved": {"run": {"mod": "m.wasm", "fun": "fib", "params": [5]}, "check": "zkp"}}}`, key(t, 5).DID(), key(t, 6).DID(), referee)
	a, b, c := runAs(t, 5, text, m, &machine.Engine{}), runAs(t, 6, text, m, &machine.Engine{}), runAs(t, 7, text, m, &machine.Engine{})
	lie := func(f *fixture, task string) *receipts.Bundle {
		return f.forge(t, task, f.key, func(c *receipts.Claim) { var n datamodel.Node = basicnode.NewInt(7); c.Out = receipts.Out{Ok: &n} })
	}
	ruling := func(x, y *receipts.Bundle, task string) *receipts.Archive {
		return settlementOf(t, settle(t, x, y, nil), task).Ruling
	}
	A, B, C := a.run.Bundle, b.run.Bundle, c.run.Bundle
	for _, tt := range []struct {
		name    string
		bundle  *receipts.Bundle
		others  []*receipts.Bundle
		rulings []*receipts.Archive
		task    string
		mode    verifier.Mode
		want    verifier.Outcome
		says    string
	}{
		{"both named", A, []*receipts.Bundle{B}, nil, "all", verifier.Consensus, verifier.Valid, "not all of the 2 executors"},
		{"one named", A, []*receipts.Bundle{C}, nil, "all", verifier.Consensus, verifier.Undecided, "no receipt by " + b.key.DID()},
		{"alone", A, nil, nil, "all", verifier.Consensus, verifier.Undecided, "no receipt by"},
		{"a named one lies", A, []*receipts.Bundle{lie(b, "all")}, nil, "all", verifier.Consensus, verifier.Undecided, "no receipt by"},
		{"a stranger lies", A, []*receipts.Bundle{B, lie(c, "all")}, nil, "all", verifier.Consensus, verifier.Valid, "1 receipts that say otherwise were found wrong"},
		{"our own lies", lie(a, "all"), []*receipts.Bundle{B}, nil, "all", verifier.Consensus, verifier.Invalid, "its receipt says ok 7"},

		{"two confirm", A, []*receipts.Bundle{B, C}, nil, "some", verifier.Optimistic, verifier.Valid, "a key costs nothing"},
		{"one confirms twice", A, []*receipts.Bundle{B, B}, nil, "some", verifier.Optimistic, verifier.Undecided, "1 of 2 confirmations"},
		{"oneself confirms", A, []*receipts.Bundle{A, B}, nil, "some", verifier.Optimistic, verifier.Undecided, "1 of 2 confirmations"},
		{"one objects, no ruling", A, []*receipts.Bundle{B, C, lie(c, "some")}, nil, "some", verifier.Optimistic, verifier.Undecided, "no ruling by the referee"},
		{"one objects, and is wrong", A, []*receipts.Bundle{B, C, lie(c, "some")}, []*receipts.Archive{ruling(A, lie(c, "some"), "some")}, "some", verifier.Optimistic, verifier.Valid, "found wrong"},
		{"one objects, and is right", lie(a, "some"), []*receipts.Bundle{B, C}, []*receipts.Archive{ruling(lie(a, "some"), B, "some")}, "some", verifier.Optimistic, verifier.Invalid, "the ruling"},
		{"a ruling about another receipt", lie(a, "some"), []*receipts.Bundle{B, C}, []*receipts.Archive{ruling(A, lie(b, "some"), "some")}, "some", verifier.Optimistic, verifier.Undecided, "no ruling by the referee"},

		{"nobody to compare with", A, nil, nil, "any", verifier.Dispute, verifier.Undecided, "no other executor's receipt"},
		{"nobody disputes", A, []*receipts.Bundle{B}, nil, "any", verifier.Dispute, verifier.Valid, "one of the 2 executors"},
		{"a false dispute", A, []*receipts.Bundle{lie(b, "any")}, nil, "any", verifier.Dispute, verifier.Valid, "found wrong"},
		{"a true dispute", lie(a, "any"), []*receipts.Bundle{B}, nil, "any", verifier.Dispute, verifier.Invalid, "in a dispute with"},

		{"rerun", A, nil, nil, "again", verifier.Rerun, verifier.Valid, "exact"},
		{"attest", A, nil, nil, "signed", verifier.Attest, verifier.Valid, "trust in the signer"},
		{"zk", A, nil, nil, "proved", verifier.ZK, verifier.Undecided, "no proof"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := a.verify(t, tt.bundle, verifier.Check, func(c *verifier.Config) {
				c.Others, c.Rulings, c.Tasks, c.Opener = tt.others, tt.rulings, []string{tt.task}, &machine.Engine{}
			})
			v := of(t, r, tt.task, tt.mode)
			if v.Outcome != tt.want || !strings.Contains(v.Soundness+v.Reason, tt.says) {
				t.Errorf("%s: %s%s, want %s with %q", v.Outcome, v.Reason, v.Soundness, tt.want, tt.says)
			}
		})
	}
}
