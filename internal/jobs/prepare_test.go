package jobs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/trilemma-dev/trilemma/internal/jobs"
	"github.com/trilemma-dev/trilemma/internal/proving"
)

// TestPrepare: nobody is told that keys are there before they are, or if they cannot be had.
func TestPrepare(t *testing.T) {
	for _, want := range []error{nil, errors.New("the disk is full")} {
		opening, release := make(chan string), make(chan struct{})
		p := &jobs.Proofs{Open: func(_ context.Context, scheme string) (*proving.Keys, error) {
			opening <- scheme
			<-release
			return &proving.Keys{}, want
		}}
		ready := p.Prepare(t.Context(), "small")
		if scheme := <-opening; scheme != "small" {
			t.Errorf("the keys of %q are opened", scheme)
		}
		if err := ready(); !errors.Is(err, jobs.ErrPreparing) {
			t.Errorf("while they are opened: %v", err)
		}
		close(release)
		var got error
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if got = ready(); !errors.Is(got, jobs.ErrPreparing) {
				break
			}
		}
		if !errors.Is(got, want) {
			t.Errorf("afterwards: %v, not %v", got, want)
		}
	}
}
