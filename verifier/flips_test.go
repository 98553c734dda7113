package verifier_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/verifier"
)

// TestAnswersFlipped: an answer with any bit flipped is refused, or leaves the check open: none makes the run valid.
func TestAnswersFlipped(t *testing.T) {
	f, _, _ := setUpRecorded(t)
	ch := seeded(t, f.run.Bundle, "s", 1)
	made, err := verifier.Answer(t.Context(), f.run.Bundle, ch, &machine.Engine{})
	if err != nil {
		t.Fatal(err)
	}
	data := made.Blocks[made.Root]
	for bit := range len(data) * 8 {
		flipped := bytes.Clone(data)
		flipped[bit/8] ^= 1 << (bit % 8)
		a, err := spotcheck.ReadAnswer(flipped)
		if err != nil {
			continue
		}
		r := f.verify(t, f.run.Bundle, verifier.Spot, func(cfg *verifier.Config) {
			cfg.Challenged, cfg.Tasks = &verifier.Challenged{Challenge: ch, Answer: a, Get: made.Get}, []string{"fib"}
		})
		if r.Outcome == verifier.Valid || r.Reason == "" {
			t.Fatalf("bit %d flipped: %s: %s", bit, r.Outcome, r.Reason)
		}
	}
}

// TestOpeningsFlipped: an opening with any bit flipped is refused, with its reason, and convicts nobody.
func TestOpeningsFlipped(t *testing.T) {
	f, tr, roots := setUpRecorded(t)
	l := setUpLiar(t, f)
	b, err := l.honest[0].Block() // the one that shows input too
	if err != nil {
		t.Fatal(err)
	}
	check := func(opening []byte) error {
		_, err := spotcheck.CheckSegment(roots, 0, spotcheck.Segments{Transcript: tr}, opening)
		return err
	}
	if err := check(b.Data); err != nil {
		t.Fatal(err)
	}
	for bit := range len(b.Data) * 8 {
		flipped := bytes.Clone(b.Data)
		flipped[bit/8] ^= 1 << (bit % 8)
		if err := check(flipped); !errors.Is(err, spotcheck.ErrMalformed) || errors.Is(err, spotcheck.ErrWrong) {
			t.Fatalf("bit %d flipped: %v", bit, err)
		}
	}
}
