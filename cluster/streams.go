package cluster

import (
	"context"
	"errors"
	"fmt"
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
		MaxMsgsPerSubject: 1}); err != nil { // jobs that have ended are removed many at once: see sweep
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

// found finds something, or makes it. absent is the error of what is not there, present that of what somebody else made just now.
func found[T any](absent, present error, find, fresh func() (T, error)) (T, error) {
	v, err := find()
	if errors.Is(err, absent) {
		if v, err = fresh(); errors.Is(err, present) {
			v, err = find()
		}
	}
	return v, err
}

func (e *Engine) stream(ctx context.Context, cfg jetstream.StreamConfig) (jetstream.Stream, error) {
	cfg.Replicas = e.cfg.Replicas
	s, err := found(jetstream.ErrStreamNotFound, jetstream.ErrStreamNameAlreadyInUse,
		func() (jetstream.Stream, error) { return e.js.Stream(ctx, cfg.Name) },
		func() (jetstream.Stream, error) { return e.js.CreateStream(ctx, cfg) })
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", cfg.Name, err)
	}
	return s, nil
}

func (e *Engine) openKept(ctx context.Context) (err error) {
	find := func() (jetstream.KeyValue, error) { return e.js.KeyValue(ctx, keptBucket) }
	e.kept, err = found(jetstream.ErrBucketNotFound, jetstream.ErrBucketExists, find, func() (jetstream.KeyValue, error) {
		return e.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: keptBucket, Replicas: e.cfg.Replicas})
	})
	if err == nil {
		var changed bool
		if changed, err = e.noDirect(ctx, "KV_"+keptBucket); changed {
			e.kept, err = find()
		}
	}
	if err != nil {
		return fmt.Errorf("bucket %s: %w", keptBucket, err)
	}
	return nil
}

func (e *Engine) openContent(ctx context.Context) (err error) {
	find := func() (jetstream.ObjectStore, error) { return e.js.ObjectStore(ctx, contentBucket) }
	e.content, err = found(jetstream.ErrBucketNotFound, jetstream.ErrBucketExists, find, func() (jetstream.ObjectStore, error) {
		return e.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: contentBucket, Replicas: e.cfg.Replicas})
	})
	if err == nil {
		var changed bool
		if changed, err = e.noDirect(ctx, "OBJ_"+contentBucket); changed {
			e.content, err = find()
		}
	}
	if err != nil {
		return fmt.Errorf("bucket %s: %w", contentBucket, err)
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
