package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// publish appends one message and waits until it is durable. last is the number of the message that must be the subject's
// newest, 0 for none; if it is not, nothing is written and the error is errConflict.
func (e *Engine) publish(ctx context.Context, m *nats.Msg, last uint64) (uint64, error) {
	if err := e.broken(); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	ack, err := e.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(last))
	if conflict(err) {
		return 0, errConflict
	}
	if err != nil {
		return 0, e.storageError(err)
	}
	e.writes.Add(1)
	return ack.Sequence, nil
}

// create, set, replace, value, entry and remove are what the bucket does, each within the time of one request. A number names what is under a key: 0
// that nothing is.
func (e *Engine) create(ctx context.Context, key string, value []byte) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	_, err := e.kept.Create(ctx, key, value)
	return err
}

func (e *Engine) set(ctx context.Context, key string, value []byte) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	_, err := e.kept.Put(ctx, key, value)
	return err
}

// replace sets what has number last still; else it is a conflict.
func (e *Engine) replace(ctx context.Context, key string, value []byte, last uint64) error {
	if last == 0 {
		return e.create(ctx, key, value)
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	_, err := e.kept.Update(ctx, key, value, last)
	return err
}

func (e *Engine) value(ctx context.Context, key string) ([]byte, error) {
	v, _, err := e.entry(ctx, key)
	return v, err
}

func (e *Engine) entry(ctx context.Context, key string) (value []byte, seq uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	v, err := e.kept.Get(ctx, key)
	if err != nil {
		return nil, 0, err
	}
	return v.Value(), v.Revision(), nil
}

func (e *Engine) remove(ctx context.Context, key string, opts ...jetstream.KVDeleteOpt) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return e.kept.Delete(ctx, key, opts...)
}

// newest returns the newest message of a subject; nil if there is none.
func newest(ctx context.Context, s jetstream.Stream, subject string) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	m, err := s.GetLastMsgForSubject(ctx, subject)
	if missing(err) {
		return nil, nil
	}
	return m, err
}

// next returns the first message of a subject from number seq on; nil if there is none yet.
func next(ctx context.Context, s jetstream.Stream, subject string, seq uint64) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	m, err := s.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(subject))
	if missing(err) {
		return nil, nil
	}
	return m, err
}

func missing(err error) bool { return errors.Is(err, jetstream.ErrMsgNotFound) }

var errConflict = errors.New("somebody else was first")

// conflict reports whether a write was refused because something else was there.
func conflict(err error) bool {
	if errors.Is(err, jetstream.ErrKeyExists) {
		return true
	}
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// storageError names what keeps an engine in this process from writing, if that is why a request failed.
func (e *Engine) storageError(err error) error {
	if err == nil || e.server == nil {
		return err
	}
	if t := e.broken(); t != nil {
		return fmt.Errorf("%w (%w)", t, err)
	}
	if perr := probe(e.cfg.Dir); perr != nil {
		return fmt.Errorf("%w (%w)", diskError(perr), err)
	}
	if strings.Contains(err.Error(), "insufficient resources") || strings.Contains(err.Error(), "maximum bytes exceeded") {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// broken is why an engine in this process takes nothing any more, or nil.
func (e *Engine) broken() error {
	if e.server == nil {
		return nil
	}
	if t := e.server.log.trouble.Load(); t != nil {
		return *t
	}
	return nil
}
