package httpapi

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/report"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/internal/work"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/store"
)

// maxRequest bounds the JSON of a request for work: inline parameters are a part of it.
const maxRequest = 4 << 20

// ask is a request for work.
type ask[P any] struct {
	Prefer string `header:"Prefer" maxLength:"200" doc:"wait=N: answer when the job has ended, or after N seconds" example:"wait=10"`
	Key    string `header:"Idempotency-Key" maxLength:"200" doc:"the same key with another request is refused; equal requests are one job anyhow"`
	Body   P
}

// accepted is the answer to a request for work: 202, or 200 if the job has ended.
type accepted struct {
	Status     int
	Location   string `header:"Location"`
	Applied    string `header:"Preference-Applied"`
	RetryAfter string `header:"Retry-After"`
	Body       wire.Job
}

// workOperation describes a request for work.
func workOperation(id, path, tag, summary, text string) huma.Operation {
	return huma.Operation{OperationID: id, Method: http.MethodPost, Path: path, Tags: []string{tag}, Summary: summary, Description: text, DefaultStatus: http.StatusAccepted,
		Responses: map[string]*huma.Response{"200": {Description: "The job has ended"}, "202": {Description: "The job is accepted"}}}
}

func (s *Server) workOperations() {
	register(s, workOperation("post-run", "/v1/runs", "runs", "Run a workflow", "Every task's outcome gets a signed receipt. Equal requests are one job."),
		need{command: capability.CommandRun, body: maxRequest}, s.postRun)
	register(s, workOperation("post-execution", "/v1/executions", "runs", "Call a module once, without a receipt", ""),
		need{command: capability.CommandRun, body: maxRequest}, s.postExecution)
	register(s, workOperation("post-verification", "/v1/verifications", "verification", "Check a run, and say what was established",
		"The bundle must be here: it was made here, or its CAR file was imported. The invocation's check is the mode."),
		need{command: capability.CommandChallenge, body: maxRequest}, s.postVerification)
	register(s, workOperation("post-preflight", "/v1/preflights", "runs", "Count what a run does, and say what no proof covers",
		"Tasks run on the machine; nothing is signed or kept, and effects are left out."), need{command: capability.CommandRun, body: maxRequest}, s.postPreflight)
	register(s, huma.Operation{OperationID: "get-run", Method: http.MethodGet, Path: "/v1/runs/{cid}", Tags: []string{"runs"}, Summary: "What a run gave"},
		need{command: capability.CommandGet, public: true}, s.getRun)
	register(s, huma.Operation{OperationID: "get-bundle", Method: http.MethodGet, Path: "/v1/runs/{cid}/bundle", Tags: []string{"runs"},
		Responses: answers("The bundle: all that the run's receipts rest on", typeCAR), Summary: "The evidence of a run, as one CAR file"},
		need{command: capability.CommandGet, public: true}, s.getBundle)
}

// runnable is what a workflow asks for of whoever runs it.
type runnable struct {
	executor string   // that its tasks are addressed to; empty if they are to several
	effects  []string // commands
	use      capability.Use
}

// runnable reads what a workflow asks for.
func (s *Server) runnable(ctx context.Context, c cid.Cid) (*runnable, error) {
	r, ok := s.asked.get(c)
	if s.cfg.Metrics.cache("workflows", ok); ok {
		return r, nil
	}
	w, err := s.workflow(ctx, c.String())
	if err != nil {
		return nil, err
	}
	r = &runnable{use: report.UseOf(w)}
	for i, t := range w.Tasks {
		if i == 0 {
			r.executor = t.Sub
		} else if t.Sub != r.executor {
			r.executor = ""
		}
		if t.Effect() {
			r.effects = append(r.effects, t.Cmd)
		}
	}
	s.asked.put(c, r)
	return r, nil
}

func (s *Server) postRun(ctx context.Context, in *ask[wire.RunRequest]) (*accepted, error) {
	c, err := (&named{in.Body.Workflow}).parse()
	if err != nil {
		return nil, err
	}
	r, err := s.runnable(ctx, c)
	if err != nil {
		return nil, err
	}
	if did := s.cfg.Signer.DID(); r.executor != did {
		return nil, problem(CodeRefused, "the tasks are addressed to %s, this is %s", cmp.Or(r.executor, "several executors"), did)
	}
	for _, e := range r.effects {
		if !slices.Contains(s.cfg.Effects, e) {
			return nil, problem(CodeEffect, "the effect %s is not allowed here", e)
		}
	}
	if err := s.allowed(ctx, r.use); err != nil {
		return nil, err
	}
	return submit(ctx, s, in, work.KindRun, c)
}

// allowed checks what a request asks for against the service's limits and its own invocation.
func (s *Server) allowed(ctx context.Context, u capability.Use) error {
	switch l := s.cfg.Limits; {
	case u.Fuel > l.Fuel:
		return problem(CodeFuel, "it may take %d fuel, %d is allowed here", u.Fuel, l.Fuel).hint("name a fuel for each task")
	case u.Memory > l.Memory:
		return problem(CodeMemory, "it may take %d pages of memory, %d are allowed here", u.Memory, l.Memory)
	}
	return granted(ctx).use(u)
}

func (s *Server) postExecution(ctx context.Context, in *ask[wire.ExecRequest]) (*accepted, error) {
	if err := s.allowed(ctx, work.UseOfCall(&in.Body.Call)); err != nil {
		return nil, err
	}
	if _, err := (&named{in.Body.Module}).parse(); err != nil {
		return nil, err
	}
	c, err := block.Parse(in.Body.Module)
	if err != nil {
		return nil, err
	}
	if _, err := s.cfg.Blocks.Get(ctx, c); err != nil {
		return nil, err
	}
	return submit(ctx, s, in, work.KindExec, c)
}

func (s *Server) postPreflight(ctx context.Context, in *ask[wire.PreflightRequest]) (*accepted, error) {
	if err := work.CheckPreflight(&in.Body); err != nil {
		return nil, err
	}
	name, use := in.Body.Workflow, capability.Use{}
	if in.Body.Call != nil {
		name, use = in.Body.Call.Module, work.UseOfCall(in.Body.Call)
	}
	c, err := (&named{name}).parse()
	if err != nil {
		return nil, err
	}
	if in.Body.Call == nil {
		r, err := s.runnable(ctx, c)
		if err != nil {
			return nil, err
		}
		use = r.use
	} else if _, err := s.cfg.Blocks.Get(ctx, c); err != nil {
		return nil, err
	}
	if err := s.allowed(ctx, use); err != nil {
		return nil, err
	}
	return submit(ctx, s, in, work.KindPreflight, c)
}

func (s *Server) postVerification(ctx context.Context, in *ask[wire.VerifyRequest]) (*accepted, error) {
	if err := work.CheckVerify(&in.Body); err != nil {
		return nil, err
	}
	c, err := s.asksFor(ctx, in.Body.Run, in.Body.Mode, work.Runs(in.Body.Mode) || in.Body.Open)
	if err != nil {
		return nil, err
	}
	return submit(ctx, s, in, work.KindVerify, c)
}

// asksFor finds a run that is asked about in a mode, and checks whether that is allowed. runs says that its tasks are to be run again.
func (s *Server) asksFor(ctx context.Context, run, mode string, runs bool) (cid.Cid, error) {
	c, err := (&named{run}).parse()
	if err != nil {
		return c, err
	}
	if _, err := s.cfg.Blocks.Get(ctx, c); err != nil {
		return c, err
	}
	use := capability.Use{Check: mode, Modules: []string{}}
	if runs {
		b, err := work.Bundle(ctx, s.cfg.Blocks, run)
		if err != nil {
			return c, err
		}
		if w, err := work.Workflow(ctx, bundleBlocks{b}, receipts.CID(b.Record.Workflow).String()); err == nil { // else there is nothing to run
			use = report.UseOf(w)
			use.Check = mode
		}
	}
	return c, s.allowed(ctx, use)
}

// bundleBlocks reads from a bundle.
type bundleBlocks struct{ *receipts.Bundle }

// Put implements [store.Blocks]; a bundle is only read.
func (b bundleBlocks) Put(context.Context, block.Block) error {
	return errors.New("a bundle is only read")
}

// Get implements [store.Blocks].
func (b bundleBlocks) Get(_ context.Context, c cid.Cid) (block.Block, error) {
	blk, ok := b.Bundle.Get(c)
	if !ok {
		return blk, store.ErrNotFound
	}
	return blk, nil
}

// submit hands work to the engine, and waits for it if that is preferred.
func submit[P any](ctx context.Context, s *Server, in *ask[P], kind string, subject cid.Cid) (*accepted, error) {
	request, err := json.Marshal(in.Body)
	if err != nil {
		return nil, err
	}
	wait, asked, err := s.wait(in.Prefer)
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256(append([]byte(kind+"\x00"+subject.KeyString()+"\x00"), request...))
	if err := s.keys.check(granted(ctx).principal, in.Key, id, s.cfg.Now()); err != nil {
		return nil, err
	}
	status, ok := s.done.get(id)
	if s.cfg.Metrics.cache("answers", ok); !ok {
		if status, err = s.cfg.Engine.Submit(ctx, Work{Kind: kind, Subject: subject, Request: request}); err != nil {
			return nil, err
		}
	}
	s.cfg.Metrics.submitted.WithLabelValues(kind, string(status.State)).Inc()
	known := status.State == Done
	if asked && !status.State.Final() {
		if status, err = s.await(ctx, status, wait); err != nil {
			return nil, err
		}
	}
	if status.State == Done {
		s.done.put(id, status)
	}
	out := &accepted{Status: http.StatusAccepted, Location: "/v1/jobs/" + status.ID}
	if status.State.Final() {
		out.Status = http.StatusOK
	} else {
		out.RetryAfter = "1"
	}
	if asked {
		out.Applied = fmt.Sprintf("wait=%d", int(wait.Seconds()))
	}
	if out.Body, err = s.job(ctx, status); err != nil {
		return nil, err
	}
	if r := out.Body.Run; known && r != nil { // by an earlier request for the same
		for label, t := range r.Tasks {
			t.Memoised = true
			r.Tasks[label] = t
		}
	}
	return out, nil
}

func (s *Server) getRun(ctx context.Context, in *named) (*reply[wire.Run], error) {
	b, err := s.bundle(ctx, in)
	if err != nil {
		return nil, err
	}
	out, err := report.Run(b)
	if err != nil {
		return nil, problem(CodeContent, "%v", err)
	}
	return &reply[wire.Run]{*out}, nil
}

// bundle gathers a run's bundle.
func (s *Server) bundle(ctx context.Context, n *named) (*receipts.Bundle, error) {
	if _, err := s.load(ctx, n); err != nil {
		return nil, err
	}
	b, err := work.Bundle(ctx, s.cfg.Blocks, n.CID)
	if errors.Is(err, work.ErrRequest) {
		return nil, problem(CodeContent, "%v", err)
	}
	return b, err
}

func (s *Server) getBundle(ctx context.Context, in *named) (*huma.StreamResponse, error) {
	b, err := s.bundle(ctx, in)
	if err != nil {
		return nil, err
	}
	return s.car(ctx, in.CID, b.Write), nil
}

// car sends a CAR file, whose root is named.
func (s *Server) car(ctx context.Context, root string, write func(io.Writer) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", typeCAR)
		hc.SetHeader("Content-Disposition", `attachment; filename="`+root+`.car"`)
		if err := write(s.slowly(hc)); err != nil {
			s.cut(ctx, err)
		}
	}}
}
