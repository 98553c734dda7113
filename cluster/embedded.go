package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/trilemma-dev/trilemma/store"
)

// Errors of a data directory; test with errors.Is. All but ErrBusy are [store.ErrUnwritable].
var (
	ErrBusy           = errors.New("in use by another process")
	ErrReadOnly error = &unwritable{"cannot be written to"}
	ErrFull     error = &unwritable{"no space is left"}
	ErrDisk     error = &unwritable{"the engine could not write to its disk, and takes nothing until it is started again"}
)

// unwritable is a reason why nothing can be kept.
type unwritable struct{ why string }

func (e *unwritable) Error() string        { return e.why }
func (e *unwritable) Is(target error) bool { return target == store.ErrUnwritable }

// Names in a data directory.
const (
	versionFile = "VERSION"
	lockFile    = "lock"
	streamsDir  = "jetstream"
)

// startTimeout bounds how long an engine in this process may take to read what it kept.
const startTimeout = 2 * time.Minute

// embedded is an engine in this process.
type embedded struct {
	ns   *server.Server
	lock *os.File
	log  *serverLog
}

// startEmbedded opens a data directory and starts an engine in it. Nothing is changed in a directory of another version.
func startEmbedded(cfg Config) (*embedded, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	lock, err := claim(dir)
	if err != nil {
		return nil, fmt.Errorf("data directory %s: %w", dir, diskError(err))
	}
	opts := &server.Options{ServerName: "trilemma", DontListen: true, NoSigs: true, JetStream: true, SyncAlways: true,
		StoreDir: dir, JetStreamMaxStore: cfg.MaxBytes, JetStreamMaxMemory: maxMemory}
	ns, err := server.NewServer(opts)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the engine: %w", err), lock.Close())
	}
	e := &embedded{ns: ns, lock: lock, log: &serverLog{log: cfg.Log}}
	ns.SetLoggerV2(e.log, false, false, false)
	ns.Start()
	if !ns.ReadyForConnections(startTimeout) || !ns.JetStreamEnabled() {
		err := fmt.Errorf("start the engine in %s: its streams did not come up", dir)
		return nil, errors.Join(err, probe(dir), e.close())
	}
	return e, nil
}

// claim makes the directory, checks its version and takes its lock.
func claim(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, err
	}
	if err := checkVersion(filepath.Join(dir, versionFile)); err != nil {
		return nil, err
	}
	if err := probe(dir); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = lockExclusive(f)
	if err == nil {
		err = writeVersion(dir)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// checkVersion refuses what another version wrote. A file that is not there is a new directory.
func checkVersion(path string) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if v := strings.TrimSpace(string(data)); v != SchemaVersion {
		return fmt.Errorf("%w %.64q, this program knows %q", ErrVersion, v, SchemaVersion)
	}
	return nil
}

// writeVersion notes the version in a directory that has none.
func writeVersion(dir string) error {
	path := filepath.Join(dir, versionFile)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return writeSynced(path, []byte(SchemaVersion+"\n"))
}

// probe finds out whether the directory can be written to, before the engine tries.
func probe(dir string) error {
	path := filepath.Join(dir, ".probe")
	return errors.Join(writeSynced(path, make([]byte, 4096)), os.Remove(path))
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// diskError names what is wrong with a disk.
func diskError(err error) error {
	switch {
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

func (e *embedded) close() error {
	e.ns.Shutdown()
	e.ns.WaitForShutdown()
	return e.lock.Close() // and so the lock
}

// serverLog passes on what the server says. A write error is told to nobody but the log: from then on the stream takes
// nothing, until it is opened again.
type serverLog struct {
	log     *slog.Logger
	trouble atomic.Pointer[error]
}

func (l *serverLog) Errorf(format string, v ...any) {
	msg := fmt.Sprintf(format, v...)
	l.log.Error("nats: " + msg)
	if !strings.Contains(strings.ToLower(msg), "critical write error") {
		return
	}
	err := ErrDisk
	for _, a := range v {
		if e, ok := a.(error); ok {
			err = fmt.Errorf("%w: %w", ErrDisk, diskError(e))
		}
	}
	l.trouble.CompareAndSwap(nil, &err)
}

func (l *serverLog) Noticef(format string, v ...any) {
	l.log.Debug("nats: " + fmt.Sprintf(format, v...))
}
func (l *serverLog) Warnf(format string, v ...any)  { l.log.Warn("nats: " + fmt.Sprintf(format, v...)) }
func (l *serverLog) Fatalf(format string, v ...any) { l.Errorf(format, v...) }
func (l *serverLog) Debugf(string, ...any)          {}
func (l *serverLog) Tracef(string, ...any)          {}
