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

// bury keeps a letter about a job, unless there is one of a later attempt. It comes before the job's end, so that no failed job is without one: a letter
// whose job came to another end after all is none, see [Engine.stands].
func (e *Engine) bury(ctx context.Context, id ID, a *accepted, tries int64, cause error) error {
	l := letter{Version: letterVersion, Job: a.Job, Attempt: a.Attempt, Tries: tries, Error: line(cause.Error()), At: e.milli()}
	data, err := encode(&l, "Letter")
	if err != nil {
		return err
	}
	return e.reletter(ctx, id, func(last Letter, seq uint64) (bool, error) {
		if int64(last.Attempt) > a.Attempt {
			return false, nil
		}
		return true, e.replace(ctx, letterKey+id.token(), data, seq)
	})
}

// unbury removes the letter of the attempts before one. That one has been submitted, and may be given up by now: its letter stays.
func (e *Engine) unbury(ctx context.Context, id ID, attempt int64) error {
	return e.reletter(ctx, id, func(last Letter, seq uint64) (bool, error) {
		if seq == 0 || int64(last.Attempt) >= attempt {
			return false, nil
		}
		return true, e.remove(ctx, letterKey+id.token(), jetstream.LastRevision(seq))
	})
}

// reletter has a job's letter changed, and again if somebody else came between. change says whether it wrote.
func (e *Engine) reletter(ctx context.Context, id ID, change func(last Letter, seq uint64) (wrote bool, err error)) error {
	for {
		last, seq, err := e.letter(ctx, id)
		if err != nil {
			return err
		}
		wrote, err := change(last, seq)
		if conflict(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("dead letter: %w", e.storageError(err))
		}
		if wrote {
			e.writes.Add(1)
		}
		return nil
	}
}

// letter is the one about a job, and its number; 0 if there is none.
func (e *Engine) letter(ctx context.Context, id ID) (Letter, uint64, error) {
	v, seq, err := e.entry(ctx, letterKey+id.token())
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return Letter{}, 0, nil
	}
	if err != nil {
		return Letter{}, 0, fmt.Errorf("dead letter: %w", err)
	}
	l, err := readLetter(v)
	return l, seq, err
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

// stands reports whether there is a letter, and its attempt is the job's last and failed. It did not if whoever wrote the letter was killed before the job's end, or too
// slow, and somebody else had more luck; or if the job was submitted again just now.
func (e *Engine) stands(ctx context.Context, l Letter) (bool, error) {
	if l.ID == "" {
		return false, nil
	}
	s, err := e.Job(ctx, l.ID)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil && s.State == Failed && s.Attempt == l.Attempt, err
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
		is, err := e.stands(ctx, l)
		if err != nil {
			return fmt.Errorf("dead letters: %w", err)
		}
		if !is {
			continue
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
	l, _, err := e.letter(ctx, id)
	if err != nil {
		return Status{}, err
	}
	is, err := e.stands(ctx, l)
	if err != nil {
		return Status{}, err
	}
	if !is {
		return Status{}, fmt.Errorf("dead letter of %.80s: %w", id, ErrNotFound)
	}
	return e.Submit(ctx, l.Job)
}
