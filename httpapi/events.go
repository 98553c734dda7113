package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
)

// Server-sent events (HTML standard, "Server-sent events").

// heartbeat is how often an event stream shows that it lives.
const heartbeat = 15 * time.Second

// sender sends an event; it is safe for concurrent use.
type sender func(event string, id uint64, data any) error

// eventAnswers describes a stream of events of one type.
func eventAnswers(event string, data any, s *Server) map[string]*huma.Response {
	t := reflect.TypeOf(data)
	return map[string]*huma.Response{"200": {Description: "Events of the type " + event + ", whose data is this", Content: map[string]*huma.MediaType{
		"text/event-stream": {Schema: s.api.OpenAPI().Components.Schemas.Schema(t, true, t.Name())}}}}
}

// stream answers with events until f returns or the client is gone.
func (s *Server) stream(f func(context.Context, sender) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "text/event-stream")
		hc.SetHeader("Cache-Control", "no-store")
		hc.SetHeader("X-Accel-Buffering", "no") // proxies that keep answers back
		s.cfg.Metrics.watchers.Inc()
		defer s.cfg.Metrics.watchers.Dec()
		w := s.slowly(hc)
		ctx, cancel := context.WithCancel(hc.Context())
		defer cancel()
		defer context.AfterFunc(s.draining, cancel)()
		var mu sync.Mutex // owns w
		write := func(text []byte) error {
			mu.Lock()
			defer mu.Unlock()
			_, err := w.Write(text)
			if err == nil {
				err = w.control.Flush()
			}
			if err != nil {
				cancel()
			}
			return err
		}
		if err := write([]byte("retry: 2000\n\n")); err != nil {
			return
		}
		var beats sync.WaitGroup
		beats.Go(func() {
			tick := time.NewTicker(heartbeat)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					if write([]byte(":\n\n")) != nil {
						return
					}
				}
			}
		})
		err := f(ctx, func(event string, id uint64, data any) error {
			text, err := json.Marshal(data)
			if err != nil {
				return err
			}
			return write(fmt.Appendf(nil, "id: %d\nevent: %s\ndata: %s\n\n", id, event, text))
		})
		gone := ctx.Err() != nil
		cancel()
		beats.Wait()
		if err != nil && !gone {
			s.cut(hc.Context(), err)
		}
	}}
}

// slowWriter writes to a client that may not keep us waiting for long.
type slowWriter struct {
	w       io.Writer
	control *http.ResponseController
	slow    time.Duration
}

// slowly is the writer of an answer that may be long.
func (s *Server) slowly(hc huma.Context) *slowWriter {
	c := humagin.Unwrap(hc)
	return &slowWriter{c.Writer, http.NewResponseController(c.Writer), s.cfg.Limits.Slow}
}

// Write implements [io.Writer].
func (w *slowWriter) Write(p []byte) (n int, err error) {
	const most = 64 << 10 // so that each deadline is about little
	for len(p) > 0 && err == nil {
		if err = w.control.SetWriteDeadline(time.Now().Add(w.slow)); errors.Is(err, http.ErrNotSupported) {
			err = nil
		}
		if err != nil {
			break
		}
		var k int
		k, err = w.w.Write(p[:min(len(p), most)])
		n, p = n+k, p[k:]
	}
	return n, err
}

// cut ends an answer that cannot be finished so that the client sees that it is not whole.
func (s *Server) cut(ctx context.Context, err error) {
	if ctx.Err() == nil {
		s.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "answer cut off", slog.String("request", requestID(ctx)), slog.Any("error", err))
	}
	panic(http.ErrAbortHandler)
}
