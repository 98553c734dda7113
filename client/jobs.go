package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/wire"
)

// submit asks for work. It waits for up to a few seconds, so that what is short needs no second request.
func (c *Client) submit(ctx context.Context, path, command string, use *capability.Use, body any) (*Job, error) {
	var out Job
	return &out, c.post(ctx, path, command, use, map[string]string{"Prefer": "wait=5"}, body, &out)
}

// post sends an object and decodes the answer into v.
func (c *Client) post(ctx context.Context, path, command string, use *capability.Use, header map[string]string, body, v any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.get(ctx, call{method: http.MethodPost, path: path, command: command, use: use, typ: "application/json", body: data, header: header}, v)
}

// Run asks for a run of a workflow that is at the service. The job may have ended when it returns; otherwise see [Client.Wait].
func (c *Client) Run(ctx context.Context, r RunRequest) (*Job, error) {
	use, err := c.useOf(ctx, r.Workflow)
	if err != nil {
		return nil, err
	}
	return c.submit(ctx, "/v1/runs", capability.CommandRun, use, r)
}

// useOf is what a workflow may use, which an invocation states so that policies can cap it. Without a key nobody asks.
func (c *Client) useOf(ctx context.Context, id string) (*capability.Use, error) {
	if c.cfg.Key == nil {
		return nil, nil
	}
	w, err := c.Workflow(ctx, id)
	if err != nil {
		return nil, err
	}
	return &capability.Use{Fuel: w.Fuel, Memory: w.Memory, Modules: w.Modules, Check: w.Check}, nil
}

// Exec asks for one call of a module that is at the service.
func (c *Client) Exec(ctx context.Context, r ExecRequest) (*Job, error) {
	return c.submit(ctx, "/v1/executions", capability.CommandRun, useOfCall(&r.Call), r)
}

// Preflight asks for the steps of a workflow's tasks, or of one call, to be counted.
func (c *Client) Preflight(ctx context.Context, r PreflightRequest) (*Job, error) {
	var use *capability.Use
	if r.Call != nil {
		use = useOfCall(r.Call)
	} else {
		var err error
		if use, err = c.useOf(ctx, r.Workflow); err != nil {
			return nil, err
		}
	}
	return c.submit(ctx, "/v1/preflights", capability.CommandRun, use, r)
}

// useOfCall is what a call may use.
func useOfCall(r *Call) *capability.Use {
	memory := r.Memory
	if memory == 0 {
		memory = 1024
	}
	return &capability.Use{Fuel: r.Fuel, Memory: memory, Modules: []string{r.Module}}
}

// Verify asks for verdicts about a run whose bundle is at the service.
func (c *Client) Verify(ctx context.Context, r VerifyRequest) (*Job, error) {
	use := c.useOfRun(ctx, r.Run, r.Mode, r.Mode == "rerun" || r.Mode == "all" || r.Mode == "check" || r.Open)
	return c.submit(ctx, "/v1/verifications", capability.CommandChallenge, use, r)
}

// useOfRun is what a check of a run may use; runs says that its tasks are run again.
func (c *Client) useOfRun(ctx context.Context, id, mode string, runs bool) *capability.Use {
	use := &capability.Use{Check: mode, Modules: []string{}}
	if c.cfg.Key == nil || !runs {
		return use
	}
	var run Run
	if err := c.get(ctx, call{method: http.MethodGet, path: "/v1/runs/" + id, command: capability.CommandGet}, &run); err == nil {
		if w, err := c.useOf(ctx, run.Workflow); err == nil { // else there is nothing to run
			use, use.Check = w, mode
		}
	}
	return use
}

// Prove asks for proofs of a run whose bundle is at the service. The answer names the record of the run with the proofs: see [Client.Bundle].
func (c *Client) Prove(ctx context.Context, r ProveRequest) (*Job, error) {
	return c.submit(ctx, "/v1/proofs", capability.CommandProve, c.useOfRun(ctx, r.Run, "zk", true), r)
}

// Proof asks what a proof at the service says of itself.
func (c *Client) Proof(ctx context.Context, id string) (*ProofHead, error) {
	var out ProofHead
	return &out, c.get(ctx, call{method: http.MethodGet, path: "/v1/proofs/" + id, command: capability.CommandGet}, &out)
}

// Job asks where a job stands.
func (c *Client) Job(ctx context.Context, id string) (*Job, error) {
	var out Job
	return &out, c.get(ctx, call{method: http.MethodGet, path: "/v1/jobs/" + url.PathEscape(id), command: capability.CommandJobRead}, &out)
}

// Jobs lists jobs, the newest first; cursor is empty, or what the page before said.
func (c *Client) Jobs(ctx context.Context, cursor string) (*Jobs, error) {
	path := "/v1/jobs"
	if cursor != "" {
		path += "?cursor=" + url.QueryEscape(cursor)
	}
	var out Jobs
	return &out, c.get(ctx, call{method: http.MethodGet, path: path, command: capability.CommandJobRead}, &out)
}

// Keys asks for the manifests of the service's keys.
func (c *Client) Keys(ctx context.Context) (*wire.Keys, error) {
	var out wire.Keys
	return &out, c.get(ctx, call{method: http.MethodGet, path: "/v1/keys", command: capability.CommandGet}, &out)
}

// Queues asks how much waits and is worked at, and who works.
func (c *Client) Queues(ctx context.Context) (*wire.Queues, error) {
	var out wire.Queues
	return &out, c.get(ctx, call{method: http.MethodGet, path: "/v1/queues", command: capability.CommandJobRead}, &out)
}

// Cancel ends a job. What it did until then stays done.
func (c *Client) Cancel(ctx context.Context, id string) (*Job, error) {
	var out Job
	return &out, c.get(ctx, call{method: http.MethodDelete, path: "/v1/jobs/" + url.PathEscape(id), command: capability.CommandJobCancel}, &out)
}

// ErrFailed is the error of a job that has no answer.
var ErrFailed = errors.New("the job failed")

// Wait waits until a job has ended, and calls progress (which may be nil) with what it comes to. A service that is [Away] is waited for, as long as
// ctx holds. A job that failed or was cancelled is [ErrFailed].
func (c *Client) Wait(ctx context.Context, j *Job, progress func(*Job)) (*Job, error) {
	last, told := "", false
	for pause := 100 * time.Millisecond; !j.Final(); pause = min(2*pause, 5*time.Second) {
		err := c.events(ctx, "/v1/jobs/"+url.PathEscape(j.ID)+"/events", capability.CommandJobRead, last, func(id string, data []byte) error {
			next := &Job{}
			if err := json.Unmarshal(data, next); err != nil {
				return fmt.Errorf("%w: %w", ErrAnswer, err)
			}
			if next.ID != j.ID {
				return fmt.Errorf("%w: news of another job than %s", ErrAnswer, j.ID)
			}
			j, last, pause, told = next, id, 100*time.Millisecond, false
			if progress != nil {
				progress(j)
			}
			return nil
		})
		if j.Final() {
			break
		}
		if ctx.Err() != nil {
			return j, ctx.Err()
		}
		if err != nil && !Away(err) {
			return j, err
		}
		if err != nil && !told && c.cfg.Waiting != nil {
			c.cfg.Waiting(err)
			told = true
		}
		select {
		case <-ctx.Done():
			return j, ctx.Err()
		case <-time.After(pause):
		}
	}
	if j.State != "done" {
		return j, fmt.Errorf("%w: %s: %s", ErrFailed, j.State, j.Error)
	}
	return j, nil
}

// Receipts calls f with every entry of the receipt feed above after, and with those to come, until f returns an error (that one), the
// connection is lost or ctx ends.
func (c *Client) Receipts(ctx context.Context, after uint64, f func(Issued) error) error {
	last := ""
	if after > 0 {
		last = strconv.FormatUint(after, 10)
	}
	return c.events(ctx, "/v1/receipts/events", capability.CommandGet, last, func(_ string, data []byte) error {
		var i wire.Issued
		if err := json.Unmarshal(data, &i); err != nil {
			return fmt.Errorf("%w: %w", ErrAnswer, err)
		}
		return f(i)
	})
}

// maxEvent bounds one event, in bytes.
const maxEvent = 64 << 20

// events reads server-sent events, those after last if it is not empty, until the stream ends (nil) or f returns an error.
func (c *Client) events(ctx context.Context, path, command, last string, f func(id string, data []byte) error) error {
	r := call{method: http.MethodGet, path: path, command: command, accept: "text/event-stream"}
	if last != "" {
		r.header = map[string]string{"Last-Event-ID": last}
	}
	resp, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	defer resp.Body.Close() // it is only read
	lines := bufio.NewReaderSize(resp.Body, 64<<10)
	id := ""
	var data []byte
	for {
		line, err := readLine(lines)
		switch {
		case err == io.EOF:
			return nil
		case errors.Is(err, ErrAnswer):
			return err
		case err != nil:
			return fmt.Errorf("%w: %w", ErrLost, err)
		case len(line) == 0:
			if data != nil {
				if err := f(id, data); err != nil {
					return err
				}
			}
			data = nil
			continue
		}
		name, value, _ := strings.Cut(string(line), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "id":
			id = value
		case "data":
			if len(data)+len(value) > maxEvent {
				return fmt.Errorf("%w: an event of more than %d bytes", ErrAnswer, maxEvent)
			}
			if data != nil {
				data = append(data, '\n')
			}
			data = append(data, value...)
		}
	}
}

func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, more, err := r.ReadLine()
		if err != nil {
			return nil, err
		}
		if line = append(line, part...); !more {
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
		if len(line) > maxEvent {
			return nil, fmt.Errorf("%w: an event of more than %d bytes", ErrAnswer, maxEvent)
		}
	}
}
