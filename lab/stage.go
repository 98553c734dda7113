package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/receipts"
)

// Task is one stage of one row, to be measured in a process of its own. What one stage leaves in Dir the next ones find there.
type Task struct {
	Settings Settings `json:"settings"`
	Stage    string   `json:"stage"`
	Dir      string   `json:"dir"`
	Keys     string   `json:"keys"` // directory of proving keys, which all tasks share
	Row      Row      `json:"row"`  // what is known so far
}

// Clocks tell what a process has used. Either may be nil.
type Clocks struct {
	CPU  func() time.Duration // CPU time
	Peak func() int64         // the most memory that it had at once, in bytes
}

// The stages.
const (
	stageProduce = "produce"
	stageAnswer  = "answer"
	stageCheck   = "check"
)

// stage is a stage of a mode.
type stage struct {
	name string

	// open prepares the stage, and returns what a turn does and, if there is something to do, what comes after the last one.
	open func(ctx context.Context, s *subject) (turn func() error, after func() error, err error)
}

// subject is what a stage is about, and where it says what it found. Its methods are for stages.
type subject struct {
	Task
	clocks Clocks
	call   call
	close  []func() error

	// sides is what a turn spent on others' behalf, which the harness takes off and books as the answer's. A turn adds to it.
	sides struct{ wall, cpu time.Duration }
}

func (s *subject) cpu() time.Duration {
	if s.clocks.CPU == nil {
		return 0
	}
	return s.clocks.CPU()
}

func (s *subject) path(name string) string { return filepath.Join(s.Dir, name) }

// keep writes evidence for a later stage, and returns its size.
func (s *subject) keep(name string, a interface{ Write(w io.Writer) error }) (int64, error) {
	f, err := os.Create(s.path(name))
	if err != nil {
		return 0, err
	}
	err = a.Write(f)
	info, statErr := f.Stat()
	if err = errors.Join(err, statErr, f.Close()); err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// archive reads what an earlier stage kept, with every hash checked.
func (s *subject) archive(name string) (*receipts.Archive, error) {
	f, err := os.Open(s.path(name))
	if err != nil {
		return nil, err
	}
	defer f.Close() // opened for reading only
	return receipts.ReadArchive(f, block.CARLimits{})
}

func (s *subject) bundle(name string) (*receipts.Bundle, error) {
	a, err := s.archive(name)
	if err != nil {
		return nil, err
	}
	return a.Bundle()
}

// Perform measures a stage, and returns the row with what it found.
func Perform(ctx context.Context, t Task, c Clocks) (row *Row, err error) {
	if err := t.Settings.check(); err != nil {
		return nil, err
	}
	st, err := stageOf(t.Row.Mode, t.Stage)
	if err != nil {
		return nil, err
	}
	s := &subject{Task: t, clocks: c}
	if t.Row.Guest != "" {
		if s.call, err = callOf(t.Row.Guest, t.Row.Size); err != nil {
			return nil, err
		}
	}
	defer func() {
		for _, f := range s.close {
			err = errors.Join(err, f())
		}
	}()
	cpu, wall := s.cpu(), time.Now()
	turn, after, err := st.open(ctx, s)
	if err != nil {
		return nil, err
	}
	h := harness{s: s, turn: turn, opened: moment{time.Since(wall).Seconds() * 1e3, (s.cpu() - cpu).Seconds() * 1e3}}
	if err := h.run(ctx); err != nil {
		return nil, err
	}
	if after != nil {
		if err := after(); err != nil {
			return nil, err
		}
	}
	h.book(t.Stage)
	return &s.Row, nil
}

// harness takes turns and the time.
type harness struct {
	s           *subject
	turn        func() error
	opened      moment
	own, others []moment // of each turn: the stage's, and what it spent on others' behalf
	first       moment
}

// moment is milliseconds by both clocks.
type moment struct{ wall, cpu float64 }

// least is how long what is measured lasts: a turn that is shorter is repeated until it does, and divided.
const least = 20 * time.Millisecond

// run takes one turn to get ready and then as many as are asked for and begin within an eighth of the limit. If already the first took that it is all there is.
func (h *harness) run(ctx context.Context) error {
	began := time.Now()
	first, other, err := h.take(1)
	if err != nil {
		return err
	}
	h.first = first
	budget := h.s.Settings.limit() / 8
	if h.s.Settings.Turns == 1 || time.Since(began) > budget {
		h.own, h.others = []moment{first}, []moment{other}
		return nil
	}
	for i := 0; i < h.s.Settings.Turns && (i == 0 || time.Since(began) < budget); i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		own, other, err := h.take(repeats(first.wall))
		if err != nil {
			return err
		}
		h.own, h.others = append(h.own, own), append(h.others, other)
		first.wall = min(first.wall, own.wall)
	}
	return nil
}

// repeats is how often a turn of so many milliseconds fits into the shortest time that is measured.
func repeats(ms float64) int {
	const most = 2000
	return int(min(max(1, float64(least)/float64(time.Millisecond)/max(ms, 1e-3)), most))
}

// take repeats a turn n times, and returns milliseconds for each.
func (h *harness) take(n int) (own, other moment, err error) {
	s := h.s
	s.sides.wall, s.sides.cpu = 0, 0
	cpu, wall := s.cpu(), time.Now()
	for range n {
		if err := h.turn(); err != nil {
			return own, other, err
		}
	}
	spent, used := time.Since(wall), s.cpu()-cpu
	each := func(d time.Duration) float64 { return max(d, 0).Seconds() * 1e3 / float64(n) }
	own = moment{max(each(spent-s.sides.wall), tick.Seconds()*1e3), each(used - s.sides.cpu)}
	return own, moment{each(s.sides.wall), each(s.sides.cpu)}, nil
}

// book writes down what the turns took.
func (h *harness) book(stage string) {
	st := &Stage{Spent: spentOf(h.own), Turns: len(h.own)}
	if st.CPU.Median > 0 {
		st.Setup = h.opened.cpu + max(0, h.first.cpu-st.CPU.Median)
	} else {
		st.Setup = h.opened.wall + max(0, h.first.wall-st.Wall.Median)
	}
	row := &h.s.Row
	switch stage {
	case stageProduce:
		row.Produce = st
	case stageAnswer:
		row.Answer = st
	case stageCheck:
		row.Check = st
	}
	if h.s.clocks.Peak != nil {
		st.Peak = h.s.clocks.Peak()
	}
	if others := spentOf(h.others); others.Wall.Median > 0 {
		row.Answer = &Stage{Spent: others, Turns: len(h.others), Peak: st.Peak}
	}
}

func spentOf(ms []moment) Spent {
	var walls, cpus []float64
	for _, m := range ms {
		walls, cpus = append(walls, m.wall), append(cpus, m.cpu)
	}
	return Spent{Wall: spreadOf(walls), CPU: spreadOf(cpus)}
}

// stageOf finds a stage.
func stageOf(mode, name string) (*stage, error) {
	for _, m := range append(modes(), baselines()...) {
		if m.name != mode {
			continue
		}
		for i := range m.stages {
			if m.stages[i].name == name {
				return &m.stages[i], nil
			}
		}
	}
	return nil, fmt.Errorf("lab: no stage %q of a mode %q", name, mode)
}
