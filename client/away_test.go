package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
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

// says answers with a status and a body.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // the client's reading is what is tested
	}
}

const isReplay = `{"code": "token/replay", "status": 401}`

// TestAway has a service that goes away twice, in each way there is, while a job is waited for, and answers that are its last word.
func TestAway(t *testing.T) {
	cut := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for name, c := range map[string]struct {
		answer      http.HandlerFunc
		waits, ends bool
	}{
		"busy":              {says(http.StatusTooManyRequests, `{"code": "limit/rate", "status": 429}`), true, false},
		"full":              {says(http.StatusServiceUnavailable, `{"code": "unavailable", "status": 503}`), true, false},
		"just begun":        {says(http.StatusUnauthorized, isReplay), true, false},
		"a proxy's word":    {says(http.StatusBadGateway, "<html>"), true, false},
		"cut at the start":  {cut, true, false},
		"cut in the middle": {func(w http.ResponseWriter, r *http.Request) { says(200, stillRunning)(w, r); flush(w); cut(w, r) }, true, false},
		"cut within a line": {func(w http.ResponseWriter, r *http.Request) { says(200, isDone[:20])(w, r); flush(w); cut(w, r) }, true, false},
		"ended in order":    {says(200, stillRunning), false, false},
		"no such job":       {says(http.StatusNotFound, `{"code": "job/missing", "status": 404}`), false, true},
		"not allowed":       {says(http.StatusUnauthorized, `{"code": "token/expired", "status": 401}`), false, true},
		"another's word":    {says(http.StatusNotFound, "<html>"), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked, waited atomic.Int32
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if asked.Add(1) <= 2 {
					c.answer(w, r)
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
			case c.ends && (err == nil || client.Away(err) || asked.Load() != 1), !c.ends && (err != nil || j.State != "done" || asked.Load() != 3):
				t.Errorf("asked %d times: %+v, %v", asked.Load(), j, err)
			}
			if (waited.Load() > 0) != c.waits {
				t.Errorf("told %d times that the service is waited for", waited.Load())
			}
		})
	}
}

// TestSignedAgain: what a service refuses because it could be a replay is signed anew, a few times; without a key there is nothing to sign.
func TestSignedAgain(t *testing.T) {
	key, err := capability.GenerateKey("ed25519")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		refused, asked int
		key            capability.Signer
	}{"at first": {2, 3, key}, "for ever": {1000, 4, key}, "no key": {1000, 1, nil}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			asked, tokens := 0, map[string]bool{}
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/v1/service" {
					says(200, fmt.Sprintf(`{"did": %q}`, key.DID()))(w, r)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				asked++
				tokens[r.Header.Get("Authorization")] = true
				if asked <= c.refused {
					says(http.StatusUnauthorized, isReplay)(w, r)
					return
				}
				says(200, `{"id": "execute-1", "state": "done"}`)(w, r)
			}))
			defer srv.Close()
			cl, err := client.New(client.Config{URL: srv.URL, Key: c.key})
			if err != nil {
				t.Fatal(err)
			}
			_, err = cl.Job(t.Context(), "execute-1")
			if (err == nil) != (c.asked > c.refused) || asked != c.asked || len(tokens) != c.asked {
				t.Errorf("asked %d times with %d tokens: %v", asked, len(tokens), err)
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
			says(200, `{"did": "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"}`)(w, r)
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
