package cluster

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Stored counts the messages that JetStream ever stored on disk for this engine: each was synced by itself.
func (e *Engine) Stored(ctx context.Context) (n uint64, err error) {
	streams := e.js.ListStreams(ctx)
	for info := range streams.Info() {
		if info.Config.Storage == jetstream.FileStorage {
			n += info.State.LastSeq
		}
	}
	return n, streams.Err()
}

// Bury writes the letter of a job's attempt, as a worker does that is killed before it writes the job's end, or comes with it too late.
func (e *Engine) Bury(ctx context.Context, j Job, attempt int, cause error) error {
	id, err := j.ID()
	if err != nil {
		return err
	}
	return e.bury(ctx, id, &accepted{Job: j.wire(), Attempt: int64(attempt)}, 1, cause)
}

// TellLate tells that a job's attempt runs, as a worker does that does not know yet that it has ended.
func (e *Engine) TellLate(ctx context.Context, id ID, attempt int) {
	e.tellNow(ctx, id, &report{State: string(Running), Attempt: int64(attempt)})
}

// Heckle gives a number of answers to each roll call: those of a worker with so many posts, or noise if there are none.
func (e *Engine) Heckle(posts, answers int) (stop func() error, err error) {
	data := []byte("noise")
	if posts > 0 {
		data, err = encode(&member{Version: memberVersion, Host: "loud", Posts: make([]post, posts)}, "Member")
	}
	if err != nil {
		return nil, err
	}
	sub, err := e.nc.Subscribe(crewSubject, func(m *nats.Msg) {
		for range answers {
			if m.Respond(data) != nil {
				return // the test says what is missing
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return sub.Unsubscribe, nil
}
