// Package client talks to the service's HTTP interface. What it fetches by CID is hashed again before anybody sees it, so that the
// service is trusted with nothing that its answers' CIDs do not show.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/wire"
)

// The objects of the interface: docs/api.md explains them.
type (
	Service       = wire.Service
	Job           = wire.Job
	Jobs          = wire.Jobs
	Run           = wire.Run
	RunRequest    = wire.RunRequest
	Report        = wire.Report
	VerifyRequest = wire.VerifyRequest
	Exec          = wire.Exec
	ExecRequest   = wire.ExecRequest
	Call          = wire.Call

	Proofs       = wire.Proofs
	Proved       = wire.Proved
	ProveRequest = wire.ProveRequest
	ProofHead    = wire.ProofHead

	Challenge        = wire.Challenge
	ChallengeRequest = wire.ChallengeRequest
	AnswerRequest    = wire.AnswerRequest
	Dispute          = wire.Dispute
	DisputeRequest   = wire.DisputeRequest
	Hearing          = wire.Hearing
	HearingRequest   = wire.HearingRequest
	HearingReply     = wire.HearingReply

	Preflight        = wire.Preflight
	PreflightRequest = wire.PreflightRequest
	Workflow         = wire.Workflow
	Receipt          = wire.Receipt
	Issued           = wire.Issued
)

// Config is how to reach a service. URL is required.
type Config struct {
	URL string // of the service, such as http://127.0.0.1:7457

	// Key signs an invocation for every request; nil sends no token, which only a service in development mode accepts.
	Key capability.Signer
	// Proofs are the delegations that lead from the service to Key; nil if Key is the service's own.
	Proofs *capability.Container

	HTTP *http.Client     // nil: a client of its own, without a limit on time
	Now  func() time.Time // nil: time.Now

	// Waiting is told, with the reason, when the service of a job that is waited for is away; nil: nobody is.
	Waiting func(error)
}

// Client talks to one service; it is safe for concurrent use.
type Client struct {
	cfg  Config
	base *url.URL

	mu      sync.Mutex
	service *Service // owned by mu; nil until asked for
}

// New makes a client. Nothing is sent yet.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(strings.TrimSuffix(cfg.URL, "/"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, fmt.Errorf("client: %.200q is not an http or https URL without credentials", cfg.URL)
	}
	if cfg.HTTP == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = 64
		t.ResponseHeaderTimeout = 2 * time.Minute
		cfg.HTTP = &http.Client{Transport: t}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Client{cfg: cfg, base: u}, nil
}

// Problem is an error that the service answered (RFC 9457).
type Problem struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	Status  int    `json:"status"`
	Code    string `json:"code"` // stable: what programs look at
	Detail  string `json:"detail"`
	Hint    string `json:"hint"`
	Request string `json:"request"`
	Errors  []struct {
		Message string `json:"message"`
		In      string `json:"in"`
		Line    int    `json:"line"`
		Column  int    `json:"column"`
	} `json:"errors"`
}

// Error says what is wrong, with every mistake that the service named.
func (p *Problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	for _, e := range p.Errors {
		text += "\n  "
		if e.Line > 0 {
			text += fmt.Sprintf("%d:%d: ", e.Line, e.Column)
		}
		if e.In != "" {
			text += e.In + ": "
		}
		text += e.Message
	}
	return fmt.Sprintf("the service says %s: %s", p.Code, text)
}

// ErrAnswer says that what came is no answer of such a service.
var ErrAnswer = errors.New("not an answer of the service")

// Bounds of answers, in bytes.
const (
	maxAnswer  = 64 << 20
	maxProblem = 1 << 20
)

// call is a request.
type call struct {
	method, path string // path with the query
	command      string // of the invocation
	use          *capability.Use
	typ          string // of the body
	body         []byte
	header       map[string]string
	accept       string
}

// send sends a request and returns the answer if it is not a problem. The body must be closed.
func (c *Client) send(ctx context.Context, r call) (*http.Response, error) {
	for again := 0; ; again++ {
		resp, err := c.once(ctx, r)
		if p, ok := errors.AsType[*Problem](err); !ok || p.Code != codeReplay || c.cfg.Key == nil || again == resigned {
			return resp, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(resignedIn):
		}
	}
}

func (c *Client) once(ctx context.Context, r call) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, c.base.String()+r.path, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	if len(r.body) > 0 {
		req.Header.Set("Content-Type", r.typ)
	}
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	if r.accept != "" {
		req.Header.Set("Accept", r.accept)
	}
	if c.cfg.Key != nil && r.command != "" {
		token, err := c.token(ctx, r, req.URL.RequestURI())
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.cfg.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	data, err := readAll(resp, maxProblem)
	if err != nil {
		return nil, err
	}
	p := &Problem{}
	if json.Unmarshal(data, p) == nil && p.Code != "" {
		return nil, p
	}
	if proxied(resp.StatusCode) {
		return nil, fmt.Errorf("%w: status %s", ErrLost, resp.Status)
	}
	return nil, fmt.Errorf("%w: status %s", ErrAnswer, resp.Status)
}

// readAll reads the body of an answer, of at most limit bytes, and closes it.
func readAll(resp *http.Response, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLost, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrAnswer, limit)
	}
	return data, nil
}

// get sends a request and decodes the answer into v.
func (c *Client) get(ctx context.Context, r call, v any) error {
	resp, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	data, err := readAll(resp, maxAnswer)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return nil
}

// Service asks who the service is. The answer is remembered.
func (c *Client) Service(ctx context.Context) (*Service, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.service == nil {
		var s Service
		if err := c.get(ctx, call{method: http.MethodGet, path: "/v1/service"}, &s); err != nil {
			return nil, err
		}
		if err := capability.ParseDID(s.DID); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
		}
		c.service = &s
	}
	return c.service, nil
}
