package httpapi

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

type requestKey struct{}

// requestID is the id of the request that a context is of; empty if it is of none.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// idPattern is what a client may call its request.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// observe gives a request its id, and counts and logs it when it ends. No header, query or body is ever logged: they may hold
// tokens.
func (s *Server) observe(c *gin.Context) {
	id := c.GetHeader("X-Request-Id")
	if !idPattern.MatchString(id) {
		id = rand.Text()
	}
	c.Header("X-Request-Id", id)
	c.Header("X-Content-Type-Options", "nosniff")
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), requestKey{}, id))
	start := time.Now()
	defer func() { s.observed(c, id, time.Since(start)) }() // an answer that is cut off is one too
	c.Next()
}

func (s *Server) observed(c *gin.Context, id string, took time.Duration) {
	route := c.FullPath()
	if route == "" {
		route = "none"
	}
	status := c.Writer.Status()
	s.cfg.Metrics.request(route, c.Request.Method, status, took)
	level := slog.LevelInfo
	switch {
	case status >= http.StatusInternalServerError:
		level = slog.LevelError
	case route == "/healthz" || route == "/readyz" || route == "/metrics":
		level = slog.LevelDebug
	}
	s.cfg.Log.LogAttrs(c.Request.Context(), level, "request", slog.String("request", id), slog.String("method", c.Request.Method), slog.String("route", route),
		slog.Int("status", status), slog.Duration("took", took), slog.Int("bytes", max(0, c.Writer.Size())), slog.String("address", senderOf(c.ClientIP())))
}

// contain turns a panic into a problem, as long as nothing was sent.
func (s *Server) contain(c *gin.Context) {
	trace.SpanFromContext(c.Request.Context()).SetAttributes(attribute.String("request.id", requestID(c.Request.Context())))
	defer func() {
		r := recover()
		switch {
		case r == nil:
			return
		case r == http.ErrAbortHandler: // an answer that is cut off on purpose
			panic(r)
		}
		p := internal(fmt.Errorf("panic: %v\n%s", r, debug.Stack()))
		s.report(c.Request.Context(), p)
		if !c.Writer.Written() {
			p.write(c)
			return
		}
		panic(http.ErrAbortHandler) // so that nobody takes it for whole
	}()
	c.Next()
}
