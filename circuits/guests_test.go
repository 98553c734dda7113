package circuits

import (
	"testing"

	"github.com/trilemma-dev/trilemma/internal/guesttest"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// work is a call of a guest, small enough to be checked row by row.
type work struct {
	name    string
	program *machine.Program
	streams [][]byte
	limits  link.Limits
}

// works are the guests' calls that show what they cost.
func works(t testing.TB) (all []work) {
	t.Helper()
	for _, w := range guesttest.Works(t) {
		all = append(all, work{w.Name, w.Program, w.Streams, limits})
	}
	return all
}

// TestGuests checks that honest runs of the guests are accepted with every instruction that they execute.
func TestGuests(t *testing.T) {
	s := New()
	for _, w := range works(t) {
		t.Run(w.name, func(t *testing.T) {
			r := honest(t, s, w.program, w.streams)
			if r.Result.Outcome.Kind != link.OK {
				t.Errorf("ended in %s", r.Result.Outcome)
			}
			t.Logf("%d steps", r.Steps)
		})
	}
}
