package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"

	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/engine"
	"github.com/trilemma-dev/trilemma/internal/evaluate"
	"github.com/trilemma-dev/trilemma/runtime"
	"github.com/trilemma-dev/trilemma/store"
)

// home is the directory of this program's state: TRILEMMA_HOME, or trilemma under the XDG data directory.
func (a *app) home() (string, error) {
	if dir := a.getenv("TRILEMMA_HOME"); dir != "" {
		return filepath.Abs(dir)
	}
	if dir := a.getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "trilemma"), nil
	}
	if dir := a.getenv("HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, ".local", "share", "trilemma"), nil
	}
	return "", &status{code: exitUsage, err: errors.New("no place for the program's state: HOME is not set"), hint: "set TRILEMMA_HOME to a directory"}
}

func (a *app) keyPath() (string, error) {
	dir, err := a.home()
	return filepath.Join(dir, "key"), err
}

// key is the signing key, made on first use.
func (a *app) key() (*capability.Key, error) {
	path, err := a.keyPath()
	if err != nil {
		return nil, err
	}
	k, created, err := capability.LoadOrCreateKey(path)
	if err != nil {
		return nil, usage("signing key: %w", err)
	}
	if created {
		fmt.Fprintf(a.err, "made a signing key in %s: %s\n", path, k.DID())
	}
	return k, nil
}

func (a *app) store() (*store.Dir, error) {
	dir, err := a.home()
	if err != nil {
		return nil, err
	}
	d, err := store.OpenDir(filepath.Join(dir, "store"))
	if err != nil {
		return nil, usage("%w", err)
	}
	return d, nil
}

// runner is something that runs tasks. The name is that of the engine that it stands for first.
type runner struct {
	evaluate.Runner
	name  string
	close func()
}

// Engines that a flag can name, for help texts and completion.
const (
	engineNative  = "native"
	engineMachine = "machine"
	engineNames   = engineNative + " or " + engineMachine
)

// checkEngine refuses a name that is none of an engine.
func checkEngine(name string) error {
	if name != engineNative && name != engineMachine {
		return usage("unknown engine %q, want %s", name, engineNames)
	}
	return nil
}

// openNative opens the native engine: runtime.New.
type openNative func(context.Context, runtime.Config) (*runtime.Engine, error)

// engine opens the engine of a name. Where there is no native one the machine serves, and says so.
func (a *app) engine(ctx context.Context, name string, open openNative) (*runner, error) {
	onMachine := &runner{Runner: &engine.Machine{}, name: engine.NameMachine, close: func() {}}
	switch name {
	case engineMachine:
		return onMachine, nil
	case engineNative:
	default:
		return nil, checkEngine(name)
	}
	dir, err := a.home()
	if err != nil {
		return nil, err
	}
	e, err := open(ctx, runtime.Config{CacheDir: filepath.Join(dir, "compiled")})
	if errors.Is(err, runtime.ErrUnsupported) {
		fmt.Fprintf(a.err, "note: %v; the machine runs the tasks, which takes longer\n", err)
		return onMachine, nil
	}
	if err != nil {
		return nil, usage("%w", err)
	}
	return &runner{Runner: engine.NewNative(e), name: engine.NameNative, close: func() {
		if err := e.Close(context.WithoutCancel(ctx)); err != nil {
			fmt.Fprintln(a.err, "trilemma: closing the engine:", err)
		}
	}}, nil
}

// version is what the Go tool recorded when it built the program.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
