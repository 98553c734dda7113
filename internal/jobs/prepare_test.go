package jobs_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
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

// TestPrepareAgain: what stood in the way of keys may go away, and nobody has to start the service again.
func TestPrepareAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full, opened := errors.New("the disk is full"), 0
		p := &jobs.Proofs{Open: func(context.Context, string) (*proving.Keys, error) {
			if opened++; opened < 3 {
				return nil, full
			}
			return &proving.Keys{}, nil
		}}
		ready := p.Prepare(t.Context(), "small")
		for n, want := range []error{full, full, nil, nil} {
			synctest.Wait()
			if err := ready(); !errors.Is(err, want) {
				t.Errorf("after %d minutes: %v, not %v", n, err, want)
			}
			time.Sleep(time.Minute)
		}
		if opened != 3 {
			t.Errorf("the keys are opened %d times", opened)
		}
	})
}
