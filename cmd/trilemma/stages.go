package main

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/trilemma-dev/trilemma/internal/proving"
)

// stages shows how far proofs are: a bar for each stage of each task on stderr if that is a terminal, and nothing otherwise.
type stages struct {
	a     *app
	bar   *progressbar.ProgressBar
	shown string
}

func (a *app) stages() *stages { return &stages{a: a} }

// show shows what is told. It is called by one goroutine at a time.
func (s *stages) show(p proving.Progress) {
	if !terminal(s.a.err) {
		return
	}
	if name := p.Task + ": " + p.Stage; name != s.shown {
		s.end()
		s.shown = name
		s.bar = progressbar.NewOptions(max(p.Total, 1), progressbar.OptionSetWriter(s.a.err), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(false),
			progressbar.OptionClearOnFinish(), progressbar.OptionEnableColorCodes(false))
	}
	text := printable(s.shown)
	if p.Left > 0 {
		text += fmt.Sprintf(", %s left", p.Left.Round(time.Second))
	}
	s.bar.Describe(text)
	_ = s.bar.Set(p.Done) // that it cannot be drawn is no reason to stop
}

func (s *stages) end() {
	if s.bar != nil {
		_ = s.bar.Finish()
		s.bar = nil
	}
}
