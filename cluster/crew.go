package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// Member is a worker, as it describes itself: whoever may publish to the engine's subjects can say anything here.
type Member struct {
	Host  string // machine and process
	Since time.Time
	Posts []Post // in the order of the classes
}

// Post is what a worker does for a class.
type Post struct {
	Class string
	Slots int // jobs at once
	Busy  int // jobs now
}

// crewSubject is where workers are asked who they are.
const crewSubject = "trilemma.crew"

// Bounds of a roll call.
const (
	crewTime = 250 * time.Millisecond // who takes longer to answer is not there
	maxCrew  = 1000                   // answers
	maxSaid  = 16 << 10               // bytes of one
)

// errSaid says that a worker says more than it has to say.
var errSaid = fmt.Errorf("more than %d bytes", maxSaid)

// Crew asks the workers who they are, and returns those that answer within a quarter of a second, in the order of their hosts. Nobody keeps a list: a worker that was killed is
// not among them.
func (e *Engine) Crew(ctx context.Context) ([]Member, error) {
	ctx, cancel := context.WithTimeout(ctx, crewTime)
	defer cancel()
	inbox := e.nc.NewInbox()
	answers, err := e.nc.SubscribeSync(inbox)
	if err == nil {
		defer answers.Unsubscribe() // it may have gone with the connection
		err = answers.SetPendingLimits(maxCrew, maxCrew*maxSaid)
	}
	if err == nil {
		err = e.nc.PublishRequest(crewSubject, inbox, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("workers: %w", err)
	}
	var out []Member
	var strange error // the first
	for range maxCrew {
		m, err := answers.NextMsgWithContext(ctx)
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrNoResponders) {
			break
		}
		if errors.Is(err, nats.ErrSlowConsumer) { // what is too much was dropped
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("workers: %w", err)
		}
		var said member
		if err = errSaid; len(m.Data) <= maxSaid {
			err = decode(m.Data, &said, "Member")
		}
		if err == nil {
			out = append(out, said.member())
		}
		strange = cmp.Or(strange, err)
	}
	if strange != nil {
		e.cfg.Log.Warn("engine: a worker that nobody can understand", "error", strange)
	}
	slices.SortFunc(out, func(a, b Member) int {
		return cmp.Or(strings.Compare(a.Host, b.Host), a.Since.Compare(b.Since))
	})
	return out, nil
}

// roll counts what a worker is busy with.
type roll struct {
	since time.Time
	busy  map[string]*atomic.Int64 // by class; the map does not change
}

func newRoll(cfg WorkerConfig, now time.Time) *roll {
	r := &roll{since: now, busy: map[string]*atomic.Int64{}}
	for class := range cfg.Handlers {
		r.busy[class] = &atomic.Int64{}
	}
	return r
}

// answerRoll tells whoever asks who the worker is, until the function that it returns is called.
func (w *worker) answerRoll() (func(), error) {
	sub, err := w.e.nc.Subscribe(crewSubject, func(m *nats.Msg) {
		if m.Reply == "" {
			return // nobody asks
		}
		data, err := encode(w.describe(), "Member")
		if err == nil {
			err = m.Respond(data)
		}
		if err != nil {
			w.e.cfg.Log.Warn("engine: answering a roll call", "error", err)
		}
	})
	if err != nil {
		return nil, err
	}
	return func() { _ = sub.Unsubscribe() }, nil // with the connection the subscription ends too
}

func (w *worker) describe() *member {
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	m := &member{Version: memberVersion, Host: fmt.Sprintf("%s/%d", host, os.Getpid()), Since: w.roll.since.UnixMilli(), Posts: []post{}}
	for class, n := range w.roll.busy {
		m.Posts = append(m.Posts, post{Class: class, Slots: int64(w.cfg.slots(class)), Busy: n.Load()})
	}
	slices.SortFunc(m.Posts, func(a, b post) int { return strings.Compare(a.Class, b.Class) })
	return m
}

func (m *member) member() Member {
	out := Member{Host: line(m.Host), Since: time.UnixMilli(m.Since)}
	for _, p := range m.Posts {
		out.Posts = append(out.Posts, Post{Class: line(p.Class), Slots: int(p.Slots), Busy: int(p.Busy)})
	}
	return out
}
