package circuits_test

import (
	"testing"

	"github.com/trilemma-dev/trilemma/circuits"
)

// TestLint checks that the chips follow the rules.
func TestLint(t *testing.T) {
	if err := circuits.New().Lint(); err != nil {
		t.Error(err)
	}
}
