package cluster_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/cluster"
	"github.com/trilemma-dev/trilemma/store"
)

// diskFull fills the disk below an engine until it refuses, and looks at what was acknowledged before, after more room was made.
func diskFull(t *testing.T) row {
	dir := filepath.Join(t.TempDir(), "disk")
	grow := smallDisk(t, dir)
	cfg := cluster.Config{Dir: filepath.Join(dir, "engine"), MaxBytes: 1 << 30}
	e, err := cluster.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.NewChaCha8([32]byte{1})
	var kept []block.Block
	var jobs []cluster.ID
	for i := 0; ; i++ {
		data := make([]byte, 100_000)
		_, _ = random.Read(data) // it has no end
		b := block.Raw(data)
		if err = e.Put(t.Context(), b); err != nil {
			break
		}
		kept = append(kept, b)
		var s cluster.Status
		if s, err = e.Submit(t.Context(), job(i)); err != nil {
			break
		}
		if jobs = append(jobs, s.ID); i > 10_000 {
			t.Fatal("the disk is never full")
		}
	}
	if !errors.Is(err, cluster.ErrFull) {
		t.Errorf("a full disk is told as: %v", err)
	}
	if err := e.Ready(t.Context()); !errors.Is(err, cluster.ErrFull) {
		t.Errorf("with a full disk the engine is ready: %v", err)
	}
	if b, err := e.Get(t.Context(), kept[0].CID); err != nil || block.Check(b.CID, b.Data) != nil {
		t.Errorf("while the disk is full nothing can be read: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	fill(t, filepath.Join(dir, "filler"))
	if e, err := cluster.Open(t.Context(), cfg); err == nil {
		if _, err := e.Submit(t.Context(), job(-1)); err == nil {
			t.Error("a job was accepted on a full disk")
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	} else if !errors.Is(err, cluster.ErrFull) {
		t.Errorf("opened on a full disk: %v", err)
	}
	grow()
	if e, err = cluster.Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	for i, b := range kept {
		if got, err := e.Get(t.Context(), b.CID); err != nil || block.Check(b.CID, got.Data) != nil {
			t.Errorf("block %d of %d: %v", i, len(kept), err)
		}
	}
	stop := work(t, e, faultWorker(echo(e)))
	for _, id := range jobs {
		if last := ended(t, e, id); last.State != cluster.Done {
			t.Errorf("%s ended as %s", id, last.State)
		}
	}
	stop()
	return row{fmt.Sprintf("the disk is full after %d blocks and %d accepted jobs", len(kept), len(jobs)),
		fmt.Sprintf("the next write says “%v”; with more room all %d blocks are there and all %d jobs end", cluster.ErrFull, len(kept), len(jobs))}
}

// fill takes what is left of a disk.
func fill(t testing.TB, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for chunk := 1 << 20; chunk > 0; chunk /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, chunk))
		}
	}
	_ = f.Close() // it cannot be whole
}

// quotaFull reaches the limit that was set for an engine, on a disk with room.
func quotaFull(t *testing.T) row {
	e, err := cluster.Open(t.Context(), cluster.Config{Dir: t.TempDir(), MaxBytes: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	random := rand.NewChaCha8([32]byte{2})
	n := 0
	for ; err == nil && n < 1000; n++ {
		data := make([]byte, 100_000)
		_, _ = random.Read(data) // it has no end
		err = e.Put(t.Context(), block.Raw(data))
	}
	if !errors.Is(err, cluster.ErrFull) || !errors.Is(err, store.ErrUnwritable) {
		t.Errorf("after %d blocks: %v", n, err)
	}
	return row{"the limit of 8 MiB that was set is reached", fmt.Sprintf("after %d blocks of 100 kB a write says “%v”", n-1, cluster.ErrFull)}
}

// readOnly opens an engine on a disk that takes no writes.
func readOnly(t *testing.T) row {
	dir := filepath.Join(t.TempDir(), "disk")
	freeze := frozenDisk(t, dir)
	e, err := cluster.Open(t.Context(), cluster.Config{Dir: filepath.Join(dir, "engine")})
	if err != nil {
		t.Fatal(err)
	}
	id := submit(t, e, job(1)).ID
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	thaw := freeze()
	_, err = cluster.Open(t.Context(), cluster.Config{Dir: filepath.Join(dir, "engine")})
	if !errors.Is(err, cluster.ErrReadOnly) {
		t.Errorf("a disk that takes no writes is told as: %v", err)
	}
	thaw()
	e = open(t, filepath.Join(dir, "engine"))
	stop := work(t, e, faultWorker(echo(e)))
	if last := ended(t, e, id); last.State != cluster.Done {
		t.Errorf("ended as %s", last.State)
	}
	stop()
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	return row{"the data directory is read-only", fmt.Sprintf("it is refused at start: “%v”; writable again, the accepted job ends", cluster.ErrReadOnly)}
}

// newerSchema opens what a later version wrote, in the directory and in the engine.
func newerSchema(t *testing.T) row {
	dir := t.TempDir()
	e := open(t, dir)
	id := submit(t, e, job(1)).ID
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "VERSION")
	if err := os.WriteFile(path, []byte("cluster/2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := cluster.Open(t.Context(), cluster.Config{Dir: dir})
	if !errors.Is(err, cluster.ErrVersion) || !strings.Contains(err.Error(), "cluster/2") {
		t.Errorf("a newer directory: %v", err)
	}
	said := err
	if err := os.WriteFile(path, []byte(cluster.SchemaVersion+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e = open(t, dir)
	if s, err := e.Job(t.Context(), id); err != nil || s.State != cluster.Queued {
		t.Errorf("after it was refused: %+v, %v", s, err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if said == nil {
		return row{}
	}
	newerEngine(t)
	return row{"the data is of a newer version", fmt.Sprintf("it is refused and left as it is: “%v “cluster/2”, this program knows “%s””", cluster.ErrVersion, cluster.SchemaVersion)}
}

// newerEngine joins NATS servers that a later version wrote to.
func newerEngine(t *testing.T) {
	t.Helper()
	port := freePorts(t, 1)[0]
	cfg := cluster.Config{URL: "nats://127.0.0.1:" + port}
	spawn(t, "nats", "NAME=alone", "PORT="+port, "DIR="+t.TempDir()).until(t, "ready")
	if err := join(t, cfg).Close(); err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(cfg.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := js.KeyValue(t.Context(), "trilemma-kept")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kept.PutString(t.Context(), "meta.schema", "cluster/2"); err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.Open(t.Context(), cfg); !errors.Is(err, cluster.ErrVersion) || !strings.Contains(err.Error(), "cluster/2") {
		t.Errorf("newer servers: %v", err)
	}
}

// twoProcesses starts a second service in one directory.
func twoProcesses(t *testing.T) row {
	dir := t.TempDir()
	spawn(t, "service", "DIR="+dir, "FROM=0", "JOBS=0").until(t, "ready")
	_, err := cluster.Open(t.Context(), cluster.Config{Dir: filepath.Join(dir, "engine")})
	if !errors.Is(err, cluster.ErrBusy) {
		t.Errorf("a directory that another process has: %v", err)
	}
	return row{"a second process opens the data directory", fmt.Sprintf("it is refused: “%v”", cluster.ErrBusy)}
}

// manyQueued queues many jobs, restarts, and does them all.
func manyQueued(t *testing.T) row {
	n := 500
	if *full {
		n = 10_000
	}
	dir := t.TempDir()
	e := open(t, dir)
	start := time.Now()
	parallel(t, n, func(i int) error {
		_, err := e.Submit(t.Context(), job(i))
		return err
	})
	submitted := time.Since(start)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	start = time.Now()
	e = open(t, dir)
	opened := time.Since(start)
	start = time.Now()
	stop := work(t, e, cluster.WorkerConfig{Handlers: map[string]cluster.Handler{"execute": echo(e)}, Slots: map[string]int{"execute": 8}})
	if got := len(feedWithin(t, e, 0, n, 10*time.Minute)); got != n {
		t.Errorf("%d entries in the feed", got)
	}
	done := time.Since(start)
	var mem runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&mem)
	start = time.Now()
	if got := countState(t, e, cluster.Done); got != n {
		t.Errorf("%d jobs are listed as done", got)
	}
	listed := time.Since(start)
	stop()
	start = time.Now()
	e = reopen(t, e, dir)
	return row{fmt.Sprintf("%d jobs are queued, the service restarts", n),
		fmt.Sprintf("queued at %.0f/s, opened again in %.2f s, all done at %.0f/s, listed in %.1f s; heap %d MiB; opened with all ends in %.2f s", float64(n)/submitted.Seconds(),
			opened.Seconds(), float64(n)/done.Seconds(), listed.Seconds(), mem.HeapAlloc>>20, time.Since(start).Seconds())}
}
