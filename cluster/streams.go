package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Names of the streams and buckets, and how their subjects begin. The two tokens that follow are a job's class and CID.
const (
	jobsStream    = "trilemma-jobs"
	endsStream    = "trilemma-ends"
	eventsStream  = "trilemma-events"
	keptBucket    = "trilemma-kept"
	contentBucket = "trilemma-content"

	jobSubject   = "trilemma.job."
	endSubject   = "trilemma.end."
	packSubject  = "trilemma.pack." // in the stream of the ends
	eventSubject = "trilemma.event."

	// Keys of the bucket. There is one bucket for all of them, since each is a group of its own that must agree where there
	// are several copies.
	schemaKey   = "meta.schema"
	executorKey = "meta.executor"
	recordKey   = "record." // before the record's key
	letterKey   = "letter." // before a job's class and CID
	blockKey    = "block."  // before the CID
)

// Bounds of what is kept in memory.
const (
	maxMemory     = 256 << 20 // of an engine in this process, in bytes
	maxEventBytes = 128 << 20
	maxEventAge   = time.Hour
	maxEventsPer  = 64 // of one job
)

// open finds the streams, and makes those that are not there.
func (e *Engine) open(ctx context.Context) error {
	if err := e.openKept(ctx); err != nil {
		return err
	}
	if err := e.checkSchema(ctx); err != nil {
		return err
	}
	var err error
	direct := e.cfg.Replicas == 1 // a copy that is behind must not answer for the stream
	if e.jobs, err = e.stream(ctx, jetstream.StreamConfig{Name: jobsStream, Subjects: []string{jobSubject + "*.*"}, AllowDirect: direct,
		Retention: jetstream.WorkQueuePolicy, MaxMsgsPerSubject: 1}); err != nil {
		return err
	}
	if e.ends, err = e.stream(ctx, jetstream.StreamConfig{Name: endsStream, Subjects: []string{endSubject + "*.*", packSubject + "*"}, AllowDirect: direct,
		MaxMsgsPerSubject: 1}); err != nil {
		return err
	}
	if err := e.openEvents(ctx); err != nil {
		return err
	}
	return e.openContent(ctx)
}

// openEvents finds or makes the stream of events. It lies in memory: it is gone when the only server that had it was started again.
func (e *Engine) openEvents(ctx context.Context) error {
	s, err := e.stream(ctx, jetstream.StreamConfig{Name: eventsStream, Subjects: []string{eventSubject + "*.*"}, AllowDirect: e.cfg.Replicas == 1,
		Storage: jetstream.MemoryStorage, MaxMsgsPerSubject: maxEventsPer, MaxBytes: maxEventBytes, MaxAge: maxEventAge,
		// A stream that was lost goes on where no earlier one can have been.
		FirstSeq: uint64(e.cfg.Now().UnixMicro())})
	if err == nil {
		e.events.Store(&s)
	}
	return err
}

// withEvents calls f with the stream of events, once more if it had to be made anew.
func (e *Engine) withEvents(ctx context.Context, f func(jetstream.Stream) error) error {
	err := f(*e.events.Load())
	if !errors.Is(err, jetstream.ErrStreamNotFound) && !errors.Is(err, nats.ErrNoResponders) {
		return err
	}
	if again := e.openEvents(ctx); again != nil {
		return err
	}
	return f(*e.events.Load())
}

func (e *Engine) openContent(ctx context.Context) (err error) {
	e.content, err = e.js.ObjectStore(ctx, contentBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		e.content, err = e.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: contentBucket, Replicas: e.cfg.Replicas})
		if errors.Is(err, jetstream.ErrBucketExists) {
			e.content, err = e.js.ObjectStore(ctx, contentBucket)
		}
	}
	if err == nil {
		var changed bool
		if changed, err = e.noDirect(ctx, "OBJ_"+contentBucket); changed {
			e.content, err = e.js.ObjectStore(ctx, contentBucket)
		}
	}
	if err != nil {
		return fmt.Errorf("bucket %s: %w", contentBucket, err)
	}
	return nil
}

func (e *Engine) stream(ctx context.Context, cfg jetstream.StreamConfig) (jetstream.Stream, error) {
	cfg.Replicas = e.cfg.Replicas
	s, err := e.js.Stream(ctx, cfg.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = e.js.CreateStream(ctx, cfg)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // somebody else made it just now
			s, err = e.js.Stream(ctx, cfg.Name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", cfg.Name, err)
	}
	return s, nil
}

func (e *Engine) openKept(ctx context.Context) (err error) {
	e.kept, err = e.js.KeyValue(ctx, keptBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		e.kept, err = e.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: keptBucket, Replicas: e.cfg.Replicas})
		if errors.Is(err, jetstream.ErrBucketExists) {
			e.kept, err = e.js.KeyValue(ctx, keptBucket)
		}
	}
	if err == nil {
		var changed bool
		if changed, err = e.noDirect(ctx, "KV_"+keptBucket); changed {
			e.kept, err = e.js.KeyValue(ctx, keptBucket)
		}
	}
	if err != nil {
		return fmt.Errorf("bucket %s: %w", keptBucket, err)
	}
	return nil
}

// noDirect has a bucket answer by the leader of its stream alone where there are several copies: one that is behind could
// deny what was written before. It reports whether that is new.
func (e *Engine) noDirect(ctx context.Context, stream string) (changed bool, err error) {
	s, err := e.js.Stream(ctx, stream)
	if err != nil {
		return false, err
	}
	cfg := s.CachedInfo().Config
	if cfg.Replicas == 1 || !cfg.AllowDirect {
		return false, nil
	}
	cfg.AllowDirect = false
	_, err = e.js.UpdateStream(ctx, cfg)
	return err == nil, err
}

// checkSchema refuses an engine that another version wrote to.
func (e *Engine) checkSchema(ctx context.Context) error {
	err := e.create(ctx, schemaKey, []byte(SchemaVersion))
	if err == nil || !errors.Is(err, jetstream.ErrKeyExists) {
		return err
	}
	v, err := e.value(ctx, schemaKey)
	if err != nil {
		return err
	}
	if string(v) != SchemaVersion {
		return fmt.Errorf("%w %.64q, this program knows %q", ErrVersion, v, SchemaVersion)
	}
	return nil
}

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

// create, set, value and remove are what the bucket does, each within the time of one request.
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

func (e *Engine) value(ctx context.Context, key string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	v, err := e.kept.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	return v.Value(), nil
}

func (e *Engine) remove(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return e.kept.Delete(ctx, key)
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
