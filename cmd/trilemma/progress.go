package main

import (
	"github.com/schollz/progressbar/v3"
)

// progress is a bar on stderr if that is a terminal, and nothing otherwise.
type progress struct{ bar *progressbar.ProgressBar }

func (a *app) progress(total int) *progress { return a.progressOf("tasks", total) }

func (a *app) progressOf(what string, total int) *progress {
	if !terminal(a.err) || total == 0 {
		return &progress{}
	}
	p := &progress{progressbar.NewOptions(total, progressbar.OptionSetWriter(a.err), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionEnableColorCodes(false))}
	p.done(0)
	return p
}

// done shows how many are done. That the bar cannot be drawn is no reason to stop.
func (p *progress) done(n int) {
	switch {
	case p.bar == nil:
	case n == 0:
		_ = p.bar.RenderBlank()
	default:
		_ = p.bar.Set(n)
	}
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
