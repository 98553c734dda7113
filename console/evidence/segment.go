package evidence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/spotcheck"
	"github.com/trilemma-dev/trilemma/verifier"
)

// Segment is what the replay of one segment showed.
type Segment struct {
	Task     string        `json:"task"`
	Segment  uint64        `json:"segment"`
	Segments uint64        `json:"segments"` // of the task
	Outcome  string        `json:"outcome"`  // valid or invalid
	Reason   string        `json:"reason,omitempty"`
	Opening  int           `json:"opening_bytes"`
	Revealed wire.Revealed `json:"revealed"`
	Run      float64       `json:"run_seconds"`    // that making the opening took, by running the task up to the segment
	Replay   float64       `json:"replay_seconds"` // that checking it took: all that a verifier pays whom the executor gives the opening
}

// Segment opens one segment of a task's transcript by running the task up to there, and replays it from the opening alone. That a segment is valid says that
// from the state which the transcript has before it, its steps lead to the state after it, on this input: nothing of the other segments.
func (f *File) Segment(ctx context.Context, task string, n uint64) (*Segment, error) {
	if f.bundle == nil || f.Run == nil {
		return nil, errors.New("the file has no transcript")
	}
	said, ok := f.Run.Tasks[task]
	if !ok || said.Transcript == "" {
		return nil, fmt.Errorf("the task %q has no transcript", task)
	}
	data, err := f.Block(said.Transcript)
	if err != nil {
		return nil, err
	}
	t, err := machine.ReadTranscript(data)
	if err != nil {
		return nil, err
	}
	roots, err := t.ReadRoots(f.bundle.Get)
	if err != nil {
		return nil, err
	}
	out := &Segment{Task: task, Segment: n, Segments: t.Segments(), Outcome: string(verifier.Valid)}
	if n >= out.Segments {
		return nil, fmt.Errorf("the task %q has %d segments", task, out.Segments)
	}
	claims, err := verifier.Claims(f.bundle, []string{task})
	if err != nil {
		return nil, err
	}
	if len(claims) != 1 {
		return nil, fmt.Errorf("the task %q did not run", task)
	}
	start := time.Now()
	job := claims[0].Job
	opened, err := (&machine.Engine{}).Open(ctx, job.Linked, job.Streams, job.Limits, []uint64{n})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil { // the module's run is shorter than the transcript
		out.Outcome, out.Reason = string(verifier.Invalid), err.Error()
		return out, nil
	}
	opening, err := opened[0].Block()
	if err != nil {
		return nil, err
	}
	out.Run, out.Opening = time.Since(start).Seconds(), len(opening.Data)
	start = time.Now()
	got, err := spotcheck.CheckSegment(roots, n, spotcheck.Segments{Transcript: t}, opening.Data)
	out.Replay = time.Since(start).Seconds()
	out.Revealed = wire.Revealed{Input: got.Input, State: got.State}
	if err != nil {
		out.Outcome, out.Reason = string(verifier.Invalid), err.Error()
	}
	return out, nil
}
