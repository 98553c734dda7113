package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/internal/work"
)

// jobNamed is an input with a job's id in its path.
type jobNamed struct {
	ID string `path:"id" maxLength:"300"`
}

// page is where a list goes on.
type page struct {
	Cursor string `query:"cursor" maxLength:"300" doc:"next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

func (s *Server) jobOperations() {
	register(s, huma.Operation{OperationID: "list-jobs", Method: http.MethodGet, Path: "/v1/jobs", Tags: []string{"jobs"}, Summary: "Jobs, the newest first"},
		need{command: capability.CommandJobRead}, s.listJobs)
	register(s, huma.Operation{OperationID: "list-queues", Method: http.MethodGet, Path: "/v1/queues", Tags: []string{"jobs"}, Summary: "How much waits and is worked at, and who works",
		Description: "Workers are those that answer within a quarter of a second, by their own word."}, need{command: capability.CommandJobRead}, s.listQueues)
	register(s, huma.Operation{OperationID: "get-job", Method: http.MethodGet, Path: "/v1/jobs/{id}", Tags: []string{"jobs"}, Summary: "Where a job stands, and its answer"},
		need{command: capability.CommandJobRead}, s.getJob)
	register(s, huma.Operation{OperationID: "delete-job", Method: http.MethodDelete, Path: "/v1/jobs/{id}", Tags: []string{"jobs"},
		Summary: "Cancel a job", Description: "What it did until then stays done."}, need{command: capability.CommandJobCancel}, s.deleteJob)
	register(s, huma.Operation{OperationID: "watch-job", Method: http.MethodGet, Path: "/v1/jobs/{id}/events", Tags: []string{"jobs"}, Responses: eventAnswers("job", wire.Job{}, s),
		Summary: "What a job comes to", Description: "Server-sent events of the type job, the last one with the answer. Last-Event-ID resumes."},
		need{command: capability.CommandJobRead, watch: true}, s.watchJob)
}

// job puts a status into words, with the answer of a job that is done.
func (s *Server) job(ctx context.Context, st Status) (wire.Job, error) {
	j := wire.Job{ID: st.ID, Kind: st.Kind, State: string(st.State), Subject: st.Subject.String(), Stage: st.Stage, Done: st.Done, Total: st.Total,
		Left: st.Left.Seconds(), Log: append([]string{}, st.Log...), Error: st.Error, Refused: st.Refused, Accepted: moment(st.Accepted), Started: moment(st.Started), Ended: moment(st.Ended)}
	if st.State != Done {
		return j, nil
	}
	b, err := s.cfg.Blocks.Get(ctx, st.Answer)
	if err != nil {
		return j, fmt.Errorf("the answer of job %s: %w", st.ID, errors.Join(errLost, err))
	}
	switch st.Kind {
	case work.KindRun:
		err = json.Unmarshal(b.Data, &j.Run)
	case work.KindExec:
		err = json.Unmarshal(b.Data, &j.Exec)
	case work.KindVerify:
		err = json.Unmarshal(b.Data, &j.Report)
	case work.KindPreflight:
		err = json.Unmarshal(b.Data, &j.Preflight)
	case work.KindProve:
		err = json.Unmarshal(b.Data, &j.Proofs)
	case work.KindAnswer:
		err = json.Unmarshal(b.Data, &j.Answer)
	case work.KindDispute:
		err = json.Unmarshal(b.Data, &j.Dispute)
	}
	return j, err
}

// errLost says that the store lost what it promised to keep.
var errLost = errors.New("lost")

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (s *Server) listJobs(ctx context.Context, in *page) (*reply[wire.Jobs], error) {
	all, next, err := s.cfg.Engine.List(ctx, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := wire.Jobs{Jobs: []wire.Job{}, Next: next}
	for _, st := range all {
		short := st
		if short.State == Done { // the list does not carry answers
			short.State = ""
		}
		j, err := s.job(ctx, short)
		if err != nil {
			return nil, err
		}
		j.State = string(st.State)
		out.Jobs = append(out.Jobs, j)
	}
	return &reply[wire.Jobs]{out}, nil
}

func (s *Server) listQueues(ctx context.Context, _ *struct{}) (*reply[wire.Queues], error) {
	out := wire.Queues{Queues: []wire.Queue{}, Workers: []wire.Worker{}}
	if s.cfg.Queues != nil {
		all, err := s.cfg.Queues(ctx)
		if err != nil {
			return nil, err
		}
		out.Queues = append(out.Queues, all...)
	}
	if s.cfg.Workers != nil {
		all, err := s.cfg.Workers(ctx)
		if err != nil {
			return nil, err
		}
		out.Workers = append(out.Workers, all...)
	}
	return &reply[wire.Queues]{out}, nil
}

func (s *Server) getJob(ctx context.Context, in *jobNamed) (*reply[wire.Job], error) {
	st, err := s.cfg.Engine.Job(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	j, err := s.job(ctx, st)
	return &reply[wire.Job]{j}, err
}

func (s *Server) deleteJob(ctx context.Context, in *jobNamed) (*reply[wire.Job], error) {
	if err := s.cfg.Engine.Cancel(ctx, in.ID); err != nil {
		return nil, err
	}
	return s.getJob(ctx, in)
}

// wait reads how long a request prefers to wait (RFC 7240, "wait"), at most as long as is allowed.
func (s *Server) wait(prefer string) (d time.Duration, asked bool, err error) {
	for p := range strings.SplitSeq(prefer, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if !strings.EqualFold(name, "wait") {
			continue
		}
		n, err := strconv.ParseUint(value, 10, 31)
		if err != nil {
			return 0, false, problem(CodeRequest, "Prefer: wait=%.20q is not a number of seconds", value)
		}
		return min(time.Duration(n)*time.Second, s.cfg.Limits.Wait), true, nil
	}
	return 0, false, nil
}

// errEnough ends a watch.
var errEnough = errors.New("enough")

// await waits until a job has ended, or for a while.
func (s *Server) await(ctx context.Context, st Status, d time.Duration) (Status, error) {
	timed, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	err := s.cfg.News.Watch(timed, st.ID, 0, func(e Event) error {
		st = e.Status
		if st.State.Final() {
			return errEnough
		}
		return nil
	})
	if err == nil || errors.Is(err, errEnough) || timed.Err() != nil && ctx.Err() == nil {
		return st, nil
	}
	return st, err
}

// eventID is where an event stream goes on.
type eventID struct {
	Last string `header:"Last-Event-ID" maxLength:"32" doc:"number of the last event that is known"`
}

func (e *eventID) parse() (uint64, error) {
	if e.Last == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(e.Last, 10, 64)
	if err != nil {
		return 0, problem(CodeRequest, "Last-Event-ID %.40q is not the number of an event", e.Last)
	}
	return n, nil
}

type watchInput struct {
	ID   string `path:"id" maxLength:"300"`
	Last string `header:"Last-Event-ID" maxLength:"32" doc:"number of the last event that is known"`
}

func (s *Server) watchJob(ctx context.Context, in *watchInput) (*huma.StreamResponse, error) {
	after, err := (&eventID{in.Last}).parse()
	if err != nil {
		return nil, err
	}
	if _, err := s.cfg.Engine.Job(ctx, in.ID); err != nil {
		return nil, err
	}
	return s.stream(func(ctx context.Context, send sender) error {
		return s.cfg.News.Watch(ctx, in.ID, after, func(e Event) error {
			j, err := s.job(ctx, e.Status)
			if err != nil {
				return err
			}
			return send("job", e.Seq, j)
		})
	}), nil
}
