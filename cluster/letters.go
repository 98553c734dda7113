package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Letter is a job that was given up: tried as often as the worker allows, or refused by its handler for good.
type Letter struct {
	ID      ID
	Job     Job
	Attempt int
	Tries   int // how often it was handed to a worker
	Error   string
	At      time.Time
}

// bury keeps a letter about a job. It comes before the job's end, so that no failed job is without one.
func (e *Engine) bury(ctx context.Context, id ID, a *accepted, tries int64, cause error) error {
	l := letter{Version: letterVersion, Job: a.Job, Attempt: a.Attempt, Tries: tries, Error: line(cause.Error()), At: e.milli()}
	data, err := encode(&l, "Letter")
	if err != nil {
		return err
	}
	if err := e.set(ctx, letterKey+id.token(), data); err != nil {
		return fmt.Errorf("dead letter: %w", e.storageError(err))
	}
	e.writes.Add(1)
	return nil
}

func readLetter(v []byte) (Letter, error) {
	var l letter
	if err := decode(v, &l, "Letter"); err != nil {
		return Letter{}, err
	}
	j := l.Job.job()
	id, err := j.ID()
	return Letter{ID: id, Job: j, Attempt: int(l.Attempt), Tries: int(l.Tries), Error: l.Error, At: moment(l.At)}, err
}

// Letters calls f with every job that was given up and not submitted again, until f returns an error.
func (e *Engine) Letters(ctx context.Context, f func(Letter) error) error {
	list, err := e.kept.ListKeysFiltered(ctx, letterKey+">")
	if err != nil {
		return fmt.Errorf("dead letters: %w", err)
	}
	var keys []string // all at first: a lister that is left alone before its end blocks the connection
	for key := range list.Keys() {
		keys = append(keys, key)
	}
	for _, key := range keys {
		v, err := e.value(ctx, key)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			continue // it was submitted again just now
		}
		if err != nil {
			return fmt.Errorf("dead letters: %w", err)
		}
		l, err := readLetter(v)
		if err != nil {
			return err
		}
		if err := f(l); err != nil {
			return err
		}
	}
	return nil
}

// Requeue submits a job that was given up once more; as with Submit, its letter is removed.
func (e *Engine) Requeue(ctx context.Context, id ID) (Status, error) {
	if _, err := ParseID(string(id)); err != nil {
		return Status{}, err
	}
	v, err := e.value(ctx, letterKey+id.token())
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return Status{}, fmt.Errorf("dead letter of %.80s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Status{}, fmt.Errorf("dead letter: %w", err)
	}
	l, err := readLetter(v)
	if err != nil {
		return Status{}, err
	}
	return e.Submit(ctx, l.Job)
}

// unbury removes the letter of a job that was submitted again.
func (e *Engine) unbury(ctx context.Context, id ID) error {
	if err := e.remove(ctx, letterKey+id.token()); err != nil {
		return fmt.Errorf("dead letter: %w", err)
	}
	e.writes.Add(1)
	return nil
}
