package cluster

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// tell says what a job came to, to those who listen. It does not wait: what matters is written elsewhere.
func (e *Engine) tell(id ID, r *report) {
	data, err := r.encode()
	if err == nil {
		_, err = e.js.PublishAsync(eventSubject+id.token(), data)
	}
	e.untold(id, err)
}

// tellNow is tell, and waits until it has been heard.
func (e *Engine) tellNow(ctx context.Context, id ID, r *report) {
	data, err := r.encode()
	if err == nil {
		_, err = e.js.Publish(ctx, eventSubject+id.token(), data)
	}
	e.untold(id, err)
}

func (e *Engine) untold(id ID, err error) {
	if err != nil {
		e.cfg.Log.Warn("engine: an event was lost", "job", id, "error", err)
	}
}

func (r *report) encode() ([]byte, error) {
	r.Version = reportVersion
	if r.Log == nil {
		r.Log = []string{}
	}
	return encode(r, "Report")
}

// add completes a status by what was told about the job.
func (r *report) add(s *Status) {
	if int(r.Attempt) != s.Attempt {
		return // of an earlier one
	}
	if !s.State.Final() {
		s.State, s.Started = State(r.State), moment(r.Started)
	}
	s.Progress = Progress{Stage: r.Stage, Done: r.Done, Total: r.Total, Left: time.Duration(r.Left) * time.Millisecond}
	s.Log = r.Log
	if r.Error != nil && s.Error == "" {
		s.Error = *r.Error // why it is tried again
	}
}

// lastReport returns what was told about a job last; nil if nothing is remembered.
func (e *Engine) lastReport(ctx context.Context, id ID) (*report, error) {
	var m *jetstream.RawStreamMsg
	err := e.withEvents(ctx, func(s jetstream.Stream) (err error) {
		m, err = newest(ctx, s, eventSubject+id.token())
		return err
	})
	if m == nil {
		return nil, err
	}
	var r report
	return &r, decode(m.Data, &r, "Report")
}

// live is the status of a job that has not ended.
func (e *Engine) live(ctx context.Context, id ID, a *accepted) (Status, error) {
	s := a.status(id)
	r, err := e.lastReport(ctx, id)
	if err == nil && r != nil && r.Attempt == a.Attempt {
		r.add(&s)
	}
	return s, err
}
