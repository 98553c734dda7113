// Command trilemma runs workflows of deterministic WebAssembly tasks with signed receipts, and checks receipts in every mode.
// This package is wiring and the command line, nothing else.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	code := run(ctx, os.Args[1:], standard())
	stop()
	os.Exit(code)
}
