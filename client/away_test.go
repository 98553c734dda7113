package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/client"
)

const (
	stillRunning = "id: 1\ndata: {\"id\": \"execute-1\", \"state\": \"running\"}\n\n"
	isDone       = "id: 2\ndata: {\"id\": \"execute-1\", \"state\": \"done\"}\n\n"
)

// TestAway has a service that goes away in each way there is while a job is waited for, and one that says that the job is not there.
func TestAway(t *testing.T) {
	says := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body)) // the client's reading is what is tested
		}
	}
	cut := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for name, c := range map[string]struct {
		away   http.HandlerFunc
		waited int32
		err    error
	}{
		"busy":               {says(http.StatusTooManyRequests, `{"code": "limit/rate", "status": 429}`), 1, nil},
		"full":               {says(http.StatusServiceUnavailable, `{"code": "unavailable", "status": 503}`), 1, nil},
		"a proxy's word":     {says(http.StatusBadGateway, "<html>"), 1, nil},
		"cut at the start":   {cut, 1, nil},
		"cut in the middle":  {func(w http.ResponseWriter, r *http.Request) { says(200, stillRunning)(w, r); flush(w); cut(w, r) }, 1, nil},
		"cut within a line":  {func(w http.ResponseWriter, r *http.Request) { says(200, isDone[:20])(w, r); flush(w); cut(w, r) }, 1, nil},
		"ended in the order": {says(200, stillRunning), 0, nil},
		"another's word":     {says(http.StatusNotFound, "<html>"), 0, client.ErrAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked, waited atomic.Int32
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if asked.Add(1) <= 2 {
					c.away(w, r)
					return
				}
				says(200, isDone)(w, r)
			}))
			defer srv.Close()
			cl, err := client.New(client.Config{URL: srv.URL, Waiting: func(err error) {
				waited.Add(1)
				if !client.Away(err) {
					t.Errorf("waited for a service that is not away: %v", err)
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			j, err := cl.Wait(t.Context(), &client.Job{ID: "execute-1", State: "queued"}, nil)
			switch {
			case c.err != nil && (!errors.Is(err, c.err) || client.Away(err)), c.err == nil && (err != nil || j.State != "done" || asked.Load() != 3):
				t.Errorf("asked %d times: %+v, %v", asked.Load(), j, err)
			}
			if waited.Load() < c.waited || c.waited == 0 && waited.Load() != 0 {
				t.Errorf("told %d times that the service is waited for", waited.Load())
			}
		})
	}
}

func flush(w http.ResponseWriter) {
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}

// TestWaitEnds: who waits for a service that never comes stops when the time is over, and who cannot sign any more at once.
func TestWaitEnds(t *testing.T) {
	key, err := capability.GenerateKey("ed25519")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/service" {
			_, _ = fmt.Fprintf(w, `{"did": %q}`, "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp") // likewise
			return
		}
		panic(http.ErrAbortHandler)
	}))
	defer srv.Close()
	for name, c := range map[string]struct {
		cfg client.Config
		err error
	}{
		"no delegation": {client.Config{URL: srv.URL, Key: key}, capability.ErrClaim},
		"nobody there":  {client.Config{URL: srv.URL}, context.DeadlineExceeded},
	} {
		cl, err := client.New(c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if _, err := cl.Wait(ctx, &client.Job{ID: "execute-1", State: "queued"}, nil); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
}
