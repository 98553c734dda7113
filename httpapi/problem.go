package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/internal/work"
	"github.com/trilemma-dev/trilemma/store"
	"github.com/trilemma-dev/trilemma/workflow"
)

// Code names what went wrong; codes are stable, and each has one status.
type Code string

// The codes.
const (
	CodeRequest     Code = "request/invalid"      // 422: fields that are missing or wrong
	CodeMalformed   Code = "request/malformed"    // 400: it cannot be read at all
	CodeMedia       Code = "request/media"        // 415
	CodeAcceptable  Code = "request/acceptable"   // 406
	CodeSlow        Code = "request/slow"         // 408: the body came too slowly
	CodeNoRoute     Code = "request/route"        // 404: there is no such path
	CodeMethod      Code = "request/method"       // 405
	CodeForeign     Code = "request/foreign"      // 403: a web page of another site asks
	CodeNotFound    Code = "content/missing"      // 404
	CodeMismatch    Code = "content/mismatch"     // 422: bytes that are not what their CID says
	CodeContent     Code = "content/invalid"      // 422: bytes that are no such thing
	CodeCondition   Code = "content/condition"    // 412: If-Match does not hold
	CodeRange       Code = "content/range"        // 416
	CodeTooLarge    Code = "limit/body"           // 413
	CodeFuel        Code = "limit/fuel"           // 403
	CodeMemory      Code = "limit/memory"         // 403
	CodeRate        Code = "limit/rate"           // 429
	CodeConcurrency Code = "limit/concurrency"    // 429
	CodeNoToken     Code = "token/missing"        // 401
	CodeToken       Code = "token/invalid"        // 401: malformed, forged, for somebody else
	CodeExpired     Code = "token/expired"        // 401: or not valid yet
	CodeRevoked     Code = "token/revoked"        // 401
	CodeReplay      Code = "token/replay"         // 401
	CodeBinding     Code = "token/binding"        // 401: it is for another request
	CodeDenied      Code = "capability/denied"    // 403: nothing proves that authority
	CodeCommand     Code = "capability/command"   // 403
	CodePolicy      Code = "capability/policy"    // 403
	CodeNoJob       Code = "job/missing"          // 404
	CodeEnded       Code = "job/ended"            // 409
	CodeKey         Code = "idempotency/mismatch" // 422: the key was used for another request
	CodeRefused     Code = "work/refused"         // 422: what would fail again
	CodeEffect      Code = "work/effect"          // 403: an effect that is not allowed here
	CodeInternal    Code = "internal"             // 500
	CodeUnavailable Code = "unavailable"          // 503
)

// Codes are all codes, in the order of the table in docs/api.md.
func Codes() []Code {
	return []Code{CodeRequest, CodeMalformed, CodeMedia, CodeAcceptable, CodeSlow, CodeNoRoute, CodeMethod, CodeForeign, CodeNotFound, CodeMismatch, CodeContent, CodeCondition, CodeRange, CodeTooLarge, CodeFuel, CodeMemory, CodeRate, CodeConcurrency, CodeNoToken, CodeToken, CodeExpired, CodeRevoked, CodeReplay, CodeBinding, CodeDenied, CodeCommand, CodePolicy, CodeNoJob, CodeEnded, CodeKey, CodeRefused, CodeEffect, CodeInternal, CodeUnavailable}
}

// status is the one table from codes to statuses and titles.
func (c Code) status() (int, string) {
	switch c {
	case CodeMalformed:
		return http.StatusBadRequest, "The request cannot be read"
	case CodeMedia:
		return http.StatusUnsupportedMediaType, "The body has a type that is not understood here"
	case CodeAcceptable:
		return http.StatusNotAcceptable, "There is no such form of it"
	case CodeSlow:
		return http.StatusRequestTimeout, "The body came too slowly"
	case CodeNoRoute:
		return http.StatusNotFound, "There is no such path"
	case CodeMethod:
		return http.StatusMethodNotAllowed, "The path does not know that method"
	case CodeForeign:
		return http.StatusForbidden, "A page of another site asks"
	case CodeNotFound:
		return http.StatusNotFound, "The content is not here"
	case CodeNoJob:
		return http.StatusNotFound, "There is no such job"
	case CodeCondition:
		return http.StatusPreconditionFailed, "A condition does not hold"
	case CodeRange:
		return http.StatusRequestedRangeNotSatisfiable, "The range is not satisfiable"
	case CodeTooLarge:
		return http.StatusRequestEntityTooLarge, "The body is too large"
	case CodeFuel, CodeMemory:
		return http.StatusForbidden, "It asks for more than this service allows"
	case CodeRate, CodeConcurrency:
		return http.StatusTooManyRequests, "Too many requests"
	case CodeNoToken, CodeToken, CodeExpired, CodeRevoked, CodeReplay, CodeBinding:
		return http.StatusUnauthorized, "The token is not accepted"
	case CodeDenied, CodeCommand, CodePolicy, CodeEffect:
		return http.StatusForbidden, "Not allowed"
	case CodeEnded:
		return http.StatusConflict, "The job has ended"
	case CodeInternal:
		return http.StatusInternalServerError, "Something went wrong here"
	case CodeUnavailable:
		return http.StatusServiceUnavailable, "The service cannot take this now"
	}
	return http.StatusUnprocessableEntity, "The request cannot be carried out"
}

// problemBase begins the type of every problem: with the code it is the anchor where docs/api.md explains it.
const problemBase = "https://github.com/trilemma-dev/trilemma/blob/main/docs/api.md#"

// Mistake is one of several, and where it is.
type Mistake struct {
	Message string `json:"message"`
	In      string `json:"in,omitempty" doc:"field of the request, or path within the document"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
}

// Problem is every error's body (RFC 9457).
type Problem struct {
	Type    string    `json:"type" doc:"a URI that explains the code"`
	Title   string    `json:"title"`
	Status  int       `json:"status"`
	Code    Code      `json:"code" doc:"stable: what programs look at"`
	Detail  string    `json:"detail,omitempty" doc:"for people"`
	Hint    string    `json:"hint,omitempty" doc:"what to do about it"`
	Request string    `json:"request,omitempty" doc:"the request's id, as in the service's log"`
	Errors  []Mistake `json:"errors,omitempty"`

	cause   error
	headers http.Header
}

func problem(c Code, format string, args ...any) *Problem {
	p := &Problem{Code: c, Type: problemBase + string(c), Detail: fmt.Sprintf(format, args...)}
	p.Status, p.Title = c.status()
	return p
}

// Error implements error.
func (p *Problem) Error() string { return string(p.Code) + ": " + p.Detail }

// Unwrap returns what the problem came from; that is for the log alone.
func (p *Problem) Unwrap() error { return p.cause }

// GetStatus implements [huma.StatusError].
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders implements [huma.HeadersError].
func (p *Problem) GetHeaders() http.Header { return p.headers }

// ContentType implements [huma.ContentTypeFilter].
func (p *Problem) ContentType(string) string { return "application/problem+json" }

func (p *Problem) hint(format string, args ...any) *Problem {
	p.Hint = fmt.Sprintf(format, args...)
	return p
}

func (p *Problem) header(key, value string) *Problem {
	if p.headers == nil {
		p.headers = http.Header{}
	}
	p.headers.Set(key, value)
	return p
}

// later is a refusal that is over after a while.
func later(c Code, after time.Duration, format string, args ...any) *Problem {
	return problem(c, format, args...).header("Retry-After", strconv.Itoa(max(1, int((after+time.Second-1)/time.Second))))
}

// internal hides an error that is the host's: the log has it.
func internal(err error) *Problem {
	p := problem(CodeInternal, "the service failed; its log says why, under the request's id")
	p.cause = err
	return p
}

// problemOf turns an error of the packages below into a problem.
func problemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if es, ok := errors.AsType[workflow.Errors](err); ok {
		p := problem(CodeContent, "the workflow has %d mistakes", len(es))
		for _, e := range es {
			p.Errors = append(p.Errors, Mistake{Message: e.Msg, In: e.Path, Line: e.Line, Column: e.Col})
		}
		return p
	}
	for _, known := range []struct {
		err  error
		code Code
	}{
		{ErrNoJob, CodeNoJob}, {ErrEnded, CodeEnded}, {ErrCursor, CodeRequest},
		{block.ErrMismatch, CodeMismatch}, {block.ErrTooLarge, CodeTooLarge},
		{capability.ErrExpired, CodeExpired}, {capability.ErrTooEarly, CodeExpired}, {capability.ErrRevoked, CodeRevoked},
		{capability.ErrReplay, CodeReplay}, {capability.ErrBinding, CodeBinding},
		{capability.ErrClaim, CodeDenied}, {capability.ErrCommand, CodeCommand}, {capability.ErrPolicy, CodePolicy},
		{capability.ErrToken, CodeToken}, {capability.ErrSignature, CodeToken}, {capability.ErrDID, CodeToken}, {capability.ErrUnavailable, CodeToken},
		{capability.ErrAudience, CodeToken}, {capability.ErrSubject, CodeToken},
		{work.ErrRequest, CodeRefused}, {store.ErrNotFound, CodeNotFound}, {block.ErrUnsupported, CodeRequest},
	} {
		if errors.Is(err, known.err) {
			p := problem(known.code, "%v", err)
			p.cause = err
			if p.Status == http.StatusUnauthorized {
				p.header("WWW-Authenticate", "Bearer")
			}
			return p
		}
	}
	if errors.Is(err, store.ErrUnwritable) {
		p := later(CodeUnavailable, time.Minute, "the service can keep nothing more: its disk is full, or cannot be written to").hint("whoever runs it makes room, or raises --storage-limit; what is there can still be read")
		p.cause = err
		return p
	}
	return internal(err)
}

// transform turns what huma says of a request into a problem, and completes ours.
func transform(ctx huma.Context, status string, v any) (any, error) {
	id := requestID(ctx.Context())
	switch e := v.(type) {
	case *Problem:
		e.Request = id
	case *huma.ErrorModel:
		p := fromHuma(e)
		p.Request = id
		return p, nil
	}
	return v, nil
}

func fromHuma(e *huma.ErrorModel) *Problem {
	code := CodeRequest
	switch e.Status {
	case http.StatusBadRequest:
		code = CodeMalformed
	case http.StatusRequestTimeout:
		code = CodeSlow
	case http.StatusNotAcceptable:
		code = CodeAcceptable
	case http.StatusRequestEntityTooLarge:
		code = CodeTooLarge
	case http.StatusUnsupportedMediaType:
		code = CodeMedia
	case http.StatusInternalServerError:
		code = CodeInternal
	}
	p := problem(code, "%s", e.Detail)
	p.Status = e.Status // it is sent already
	for _, d := range e.Errors {
		if d != nil {
			p.Errors = append(p.Errors, Mistake{Message: d.Message, In: d.Location})
		}
	}
	return p
}

// write answers a request with a problem, where huma does not.
func (p *Problem) write(c *gin.Context) {
	p.Request = requestID(c.Request.Context())
	for k, v := range p.headers {
		c.Writer.Header()[k] = v
	}
	c.Writer.Header().Set("Content-Type", p.ContentType(""))
	c.Writer.Header().Del("Content-Length")
	c.Writer.WriteHeader(p.Status)
	data, err := json.Marshal(p)
	if err != nil { // it has only text and numbers
		data = []byte("{}")
	}
	if c.Request.Method != http.MethodHead {
		_, _ = c.Writer.Write(append(data, '\n')) // whoever asked may be gone
	}
	c.Abort()
}
