package proving

import (
	"context"
	"errors"
	"testing"

	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/prover"
)

// elsewhere are hands that no part of a secret run may come to.
type elsewhere struct{}

func (elsewhere) Commit(context.Context, int, *prover.Unit) (parts.Commitment, error) {
	return parts.Commitment{}, errors.New("it left the process")
}

func (elsewhere) Prove(context.Context, int, *prover.Unit, *prover.Asked) (parts.Part, error) {
	return parts.Part{}, errors.New("it left the process")
}

// TestHands: parts go elsewhere as many at once as are spread, and none of a run that hides something.
func TestHands(t *testing.T) {
	p := New(Config{Workers: 2, Hands: elsewhere{}, Spread: 8})
	for _, c := range []struct {
		of      Estimate
		workers int
		away    bool
	}{{Estimate{Parts: 20}, 8, true}, {Estimate{Parts: 3}, 3, true}, {Estimate{Parts: 20, Secret: true}, 2, false}} {
		n, err := p.workers(&c.of)
		if away := p.hands(&c.of) != nil; err != nil || n != c.workers || away != c.away {
			t.Errorf("%+v: %d at once, elsewhere %v: %v", c.of, n, away, err)
		}
	}
	here := New(Config{Workers: 2, Hands: elsewhere{}})
	if here.hands(&Estimate{Secret: true}) == nil {
		t.Error("hands that are here do not get a run that hides something")
	}
}
