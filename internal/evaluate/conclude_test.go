package evaluate_test

import (
	"testing"

	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/receipts"
)

// TestBranch checks that no value depends on what nobody checks: two failures that say the same give dependents the same.
func TestBranch(t *testing.T) {
	code, trap, message := int64(3), "unreachable", "any text at all"
	for want, f := range map[string]receipts.Failure{
		"exit(3)":           {Kind: "exit", Code: &code},
		"trap(unreachable)": {Kind: "trap", Trap: &trap},
		"refused":           {Kind: evaluate.KindRefused},
	} {
		for _, msg := range []*string{nil, &message} {
			f.Message = msg
			out := receipts.Out{Error: &f}
			for _, branch := range []string{"error", "*"} {
				n, ok := evaluate.Branch(out, branch)
				if !ok {
					t.Fatalf("%s: the branch %s is not taken", want, branch)
				}
				if s, err := n.AsString(); err != nil || s != want {
					t.Errorf("the branch %s gives %q, %v, want %q", branch, s, err, want)
				}
			}
			if _, ok := evaluate.Branch(out, "ok"); ok {
				t.Errorf("%s: the branch ok is taken", want)
			}
		}
	}
	// What effects await is not checked by running it again, and people read it.
	n, ok := evaluate.Branch(receipts.Out{Error: &receipts.Failure{Kind: evaluate.KindEffect, Message: &message}}, "error")
	if !ok {
		t.Fatal("the branch error of an effect is not taken")
	}
	if s, err := n.AsString(); err != nil || s != "effect: "+message {
		t.Errorf("an effect's failure is %q, %v", s, err)
	}
}
