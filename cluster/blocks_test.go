package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/cluster"
	"github.com/trilemma-dev/trilemma/store"
)

func randomBlock(seed byte, size int) block.Block {
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(data) // it has no end
	return block.Raw(data)
}

// TestBlocks keeps blocks of all sizes, by themselves and within a job, over a restart.
func TestBlocks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "engine")
	e := open(t, dir)
	var all []block.Block
	for i, size := range []int{0, 1, 36, 4096, 64 << 10, 64<<10 + 1, 300_000, 512 << 10, 512<<10 + 1, 3 << 20} {
		all = append(all, randomBlock(byte(i), size))
	}
	for _, b := range all {
		if err := e.Put(t.Context(), b); err != nil {
			t.Fatalf("%d bytes: %v", len(b.Data), err)
		}
	}
	written := e.Writes()
	for _, b := range all {
		if err := e.Put(t.Context(), b); err != nil || e.Writes() != written {
			t.Fatalf("%d bytes once more: %v, %d writes", len(b.Data), err, e.Writes()-written)
		}
	}
	// Within a job: more small blocks than one message holds.
	var within []block.Block
	for i := range 40 {
		within = append(within, randomBlock(byte(100+i), 50_000))
	}
	within = append(within, randomBlock(99, 2<<20))
	work(t, e, cluster.WorkerConfig{Handlers: map[string]cluster.Handler{"execute": func(ctx context.Context, w *cluster.Work) (cluster.Outcome, error) {
		for _, b := range within {
			if err := e.Put(ctx, b); err != nil {
				return cluster.Outcome{}, err
			}
			if got, err := e.Get(ctx, b.CID); err != nil || !bytes.Equal(got.Data, b.Data) {
				return cluster.Outcome{}, fmt.Errorf("a block that was put just now: %w", err)
			}
		}
		return cluster.Outcome{Result: within[0].CID}, nil
	}}})
	if last := ended(t, e, submit(t, e, job(1), all[3], randomBlock(98, 100)).ID); last.State != cluster.Done {
		t.Fatalf("ended: %+v", last)
	}
	all = append(append(all, within...), randomBlock(98, 100))
	for range 2 {
		for _, b := range all {
			if got, err := e.Get(t.Context(), b.CID); err != nil || !bytes.Equal(got.Data, b.Data) {
				t.Errorf("%d bytes: %d, %v", len(b.Data), len(got.Data), err)
			}
		}
		if _, err := e.Get(t.Context(), block.Raw([]byte("nobody put this")).CID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a block that is not there: %v", err)
		}
		e = reopen(t, e, dir)
	}
	wrong := block.Block{CID: block.Raw([]byte("one")).CID, Data: []byte("another")}
	if err := e.Put(t.Context(), wrong); !errors.Is(err, block.ErrMismatch) {
		t.Errorf("a block that is not its CID's: %v", err)
	}
}

// reopen lets go of an engine and opens it again. Workers must have ended, or do not mind.
func reopen(t testing.TB, e *cluster.Engine, dir string) *cluster.Engine {
	t.Helper()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, dir)
}

// TestRecords holds the engine to what store.Records promises.
func TestRecords(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "engine")
	e := open(t, dir)
	ctx := t.Context()
	if _, err := e.Load(ctx, "effect/a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a record that is not there: %v", err)
	}
	var made atomic.Int32
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			created, err := e.Create(ctx, "effect/a", fmt.Append(nil, i))
			if err != nil {
				t.Error(err)
			}
			if created {
				made.Add(1)
			}
		})
	}
	all.Wait()
	if made.Load() != 1 {
		t.Errorf("made %d times", made.Load())
	}
	if err := e.Set(ctx, "effect/a", []byte("done")); err != nil {
		t.Fatal(err)
	}
	e = reopen(t, e, dir)
	if v, err := e.Load(ctx, "effect/a"); err != nil || string(v) != "done" {
		t.Errorf("after a restart: %q, %v", v, err)
	}
	if created, err := e.Create(ctx, "effect/a", nil); err != nil || created {
		t.Errorf("made again after a restart: %v, %v", created, err)
	}
	if err := e.Set(ctx, "large", make([]byte, 1<<20)); !errors.Is(err, block.ErrTooLarge) {
		t.Errorf("a record of 1 MiB: %v", err)
	}
	for _, key := range []string{"", "a b", "a/*", ">"} {
		if _, err := e.Create(ctx, key, nil); err == nil {
			t.Errorf("the key %q was accepted", key)
		}
	}
}

// TestRecordAfterBlocks has a handler record something about a block that it put, and be killed then: the block is there.
func TestRecordAfterBlocks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "engine")
	e := open(t, dir)
	b := block.Raw([]byte("the receipt of an effect"))
	reached := make(chan struct{})
	stop := work(t, e, cluster.WorkerConfig{Handlers: map[string]cluster.Handler{"execute": func(ctx context.Context, w *cluster.Work) (cluster.Outcome, error) {
		if err := errors.Join(e.Put(ctx, b), e.Set(ctx, "effect/a", b.CID.Bytes())); err != nil {
			t.Error(err)
		}
		close(reached)
		<-ctx.Done()
		return cluster.Outcome{}, ctx.Err()
	}}})
	submit(t, e, job(1))
	<-reached
	stop()
	e = reopen(t, e, dir)
	if got, err := e.Get(t.Context(), b.CID); err != nil || !bytes.Equal(got.Data, b.Data) {
		t.Errorf("the block that the record is about: %v", err)
	}
	if s, err := e.Job(t.Context(), mustID(t, job(1))); err != nil || s.State.Final() {
		t.Errorf("the job is %+v, %v", s, err)
	}
}

// TestServes keeps two executors apart.
func TestServes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "engine")
	e := open(t, dir)
	for range 2 {
		if err := e.Serves(t.Context(), "did:key:one"); err != nil {
			t.Error(err)
		}
		if err := e.Serves(t.Context(), "did:key:two"); !errors.Is(err, cluster.ErrOtherExecutor) {
			t.Errorf("a second executor: %v", err)
		}
		e = reopen(t, e, dir)
	}
}
