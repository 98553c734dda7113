package main

import (
	"github.com/schollz/progressbar/v3"

	"github.com/trilemma-dev/trilemma/executor"
)

// progress is a bar on stderr if that is a terminal, and nothing otherwise.
type progress struct{ bar *progressbar.ProgressBar }

func (a *app) progress(total int) *progress {
	if !terminal(a.err) {
		return &progress{}
	}
	return &progress{progressbar.NewOptions(total, progressbar.OptionSetWriter(a.err), progressbar.OptionSetDescription("tasks"),
		progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionEnableColorCodes(false))}
}

// task is told of every task that ended. That the bar cannot be drawn is no reason to stop.
func (p *progress) task(e executor.Event) {
	if p.bar != nil {
		_ = p.bar.Set(e.Done)
	}
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
