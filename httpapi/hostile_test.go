package httpapi_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/httpapi"
	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/store"
)

func put(path string, body []byte) request {
	return request{method: http.MethodPut, path: path, body: body}
}

func car(t *testing.T, blocks ...block.Block) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := block.NewCARWriter(&out, blocks[0].CID)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		if err := w.Put(b); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// full is a keeper that has no room.
type full struct{ *memory }

func (full) Put(context.Context, block.Block) error {
	return fmt.Errorf("a secret path: %w", store.ErrUnwritable)
}

// TestFull has a service that can keep nothing more: it says so, and what to do, wherever it would keep something.
func TestFull(t *testing.T) {
	s := serve(t, func(c *httpapi.Config) { c.Blocks = full{c.Blocks.(*memory)} })
	one := block.Raw([]byte("one"))
	for _, r := range []request{
		put("/v1/blocks/"+one.CID.String(), one.Data),
		{method: http.MethodPost, path: "/v1/car", body: car(t, one)},
	} {
		resp, data := s.send(r)
		p := s.refused(r, httpapi.CodeUnavailable)
		if p.Hint == "" || resp.Header.Get("Retry-After") == "" || strings.Contains(string(data), "secret") {
			t.Errorf("%s: %s", r.path, data)
		}
	}
}

// TestBadContent puts bytes that are not what they are said to be.
func TestBadContent(t *testing.T) {
	s := serve(t, func(c *httpapi.Config) { c.Limits.Body, c.Limits.Blocks = 1<<20, 3 })
	one := block.Raw([]byte("one"))
	s.refused(put("/v1/blocks/"+one.CID.String(), []byte("two")), httpapi.CodeMismatch)
	s.refused(put("/v1/blocks/nonsense", []byte("one")), httpapi.CodeRequest)
	s.refused(put("/v1/blocks/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKhSgy", []byte("one")), httpapi.CodeRequest)
	s.refused(put("/v1/modules/"+one.CID.String(), one.Data), httpapi.CodeContent)
	s.refused(get("/v1/blocks/"+one.CID.String()), httpapi.CodeNotFound)
	loose := block.Block{CID: block.Sum(0x71, []byte{0x18, 0x01}), Data: []byte{0x18, 0x01}} // 1 in two bytes
	s.refused(put("/v1/blocks/"+loose.CID.String(), loose.Data), httpapi.CodeContent)

	bad := car(t, one)
	bad[len(bad)-1] ^= 1
	importing := func(data []byte) request { return request{method: http.MethodPost, path: "/v1/car", body: data} }
	s.refused(importing(bad), httpapi.CodeMismatch)
	s.refused(importing([]byte("no archive")), httpapi.CodeContent)
	s.refused(importing(nil), httpapi.CodeContent)
	s.refused(importing(car(t, one, block.Raw([]byte("2")), block.Raw([]byte("3")), block.Raw([]byte("4")))), httpapi.CodeTooLarge)
	s.refused(importing(make([]byte, 1<<20+1)), httpapi.CodeTooLarge)
	if got := call[wire.Imported](s, importing(car(t, one, block.Raw([]byte("2")))), http.StatusCreated); got.Blocks != 2 || got.Root != one.CID.String() {
		t.Errorf("imported %+v", got)
	}
	p := s.refused(post("/v1/workflows", `{"trilemma": "workflow/1", "tasks": {"a": {"runn": {}}}}`), httpapi.CodeContent)
	if len(p.Errors) == 0 || p.Errors[0].Line != 1 || p.Errors[0].Column == 0 || p.Errors[0].In == "" {
		t.Errorf("mistakes %+v", p.Errors)
	}
	s.refused(post("/v1/workflows", "{}").with("Content-Type", "text/html"), httpapi.CodeMedia)
	s.refused(post("/v1/workflows", "{}").with("Content-Encoding", "gzip"), httpapi.CodeMedia)
	s.refused(post("/v1/workflows", fmt.Sprintf(`{"trilemma": "workflow/1", "tasks": {"a": {"run": {"mod": %q, "fun": "f"}}}}`, one.CID)), httpapi.CodeContent)
	s.refused(get("/v1/workflows/"+one.CID.String()), httpapi.CodeContent)
	s.refused(get("/v1/receipts/"+one.CID.String()), httpapi.CodeContent)
	s.refused(get("/v1/transcripts/"+one.CID.String()), httpapi.CodeContent)
	s.refused(get("/v1/runs/"+one.CID.String()), httpapi.CodeContent)
	s.refused(get("/v1/jobs/none"), httpapi.CodeNoJob)
	s.refused(get("/v1/jobs/none/events"), httpapi.CodeNoJob)
	s.refused(request{method: http.MethodDelete, path: "/v1/jobs/none"}, httpapi.CodeNoJob)
	s.refused(get("/v1/jobs?cursor=nonsense"), httpapi.CodeRequest)
	s.refused(get("/v1/nothing"), httpapi.CodeNoRoute)
	s.refused(request{method: http.MethodPatch, path: "/v1/jobs"}, httpapi.CodeMethod)
}

// TestLargeBody puts a block that lies in a file while it is read.
func TestLargeBody(t *testing.T) {
	s := serve(t, nil)
	b := block.Raw(bytes.Repeat([]byte("0123456789abcdef"), 300_000))
	if got := call[wire.Stored](s, put("/v1/blocks/"+b.CID.String(), b.Data), http.StatusCreated); got.Bytes != int64(len(b.Data)) {
		t.Errorf("%+v", got)
	}
	if _, data := s.send(get("/v1/blocks/" + b.CID.String())); !bytes.Equal(data, b.Data) {
		t.Errorf("%d bytes came back of %d", len(data), len(b.Data))
	}
}

// TestLimits asks for more than is allowed.
func TestLimits(t *testing.T) {
	s := serve(t, func(c *httpapi.Config) { c.Limits.Fuel, c.Limits.Memory = 2_000_000, 100 })
	s.refused(post("/v1/executions", fmt.Sprintf(`{"module": %q, "invoke": "fib", "params": [1], "fuel": 3000000, "memory": 1}`, s.module("fib"))), httpapi.CodeFuel)
	s.refused(post("/v1/executions", fmt.Sprintf(`{"module": %q, "invoke": "fib", "params": [1], "fuel": 3, "memory": 101}`, s.module("fib"))), httpapi.CodeMemory)
	effect := call[wire.Workflow](s, post("/v1/workflows", `{"trilemma": "workflow/1", "tasks": {"tell": {"effect": {"cmd": "/http/post", "args": {"url": "http://127.0.0.1:1/", "body": "x"}}}}}`), http.StatusCreated)
	s.refused(post("/v1/runs", fmt.Sprintf(`{"workflow": %q}`, effect.Workflow)), httpapi.CodeEffect)
}

// TestRate sends more than is allowed of one address.
func TestRate(t *testing.T) {
	s := serve(t, func(c *httpapi.Config) { c.Limits.Rate = 5 })
	refused := 0
	for range 30 {
		if resp, _ := s.send(get("/v1/jobs")); resp.StatusCode == http.StatusTooManyRequests {
			refused++
			if resp.Header.Get("Retry-After") == "" {
				t.Error("429 without Retry-After")
			}
		}
	}
	if refused < 15 {
		t.Errorf("of 30 requests %d were refused", refused)
	}
	if resp, _ := s.send(get("/healthz")); resp.StatusCode != http.StatusOK {
		t.Errorf("a probe got %d", resp.StatusCode)
	}
}

// raw opens a connection and sends a beginning of a request.
func (s *service) raw(text string) net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// TestSlowBody sends a body that never ends: the request is refused, and others go on meanwhile.
func TestSlowBody(t *testing.T) {
	s := serve(t, func(c *httpapi.Config) { c.Limits.Slow = 200 * time.Millisecond })
	c := s.raw("PUT /v1/blocks/" + block.Raw(nil).CID.String() + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc")
	call[wire.Jobs](s, get("/v1/jobs"), http.StatusOK)
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var p httpapi.Problem
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil || p.Code != httpapi.CodeSlow || resp.StatusCode != http.StatusRequestTimeout {
		t.Errorf("%d %+v %v", resp.StatusCode, p, err)
	}
}

// TestDripping sends a body byte by byte, each soon enough: on the whole it is too slow.
func TestDripping(t *testing.T) {
	s := serve(t, func(c *httpapi.Config) { c.Limits.Slow = 150 * time.Millisecond })
	c := s.raw("PUT /v1/blocks/" + block.Raw(nil).CID.String() + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
	go func() {
		for {
			if _, err := c.Write([]byte("x")); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || !strings.Contains(line, "408") {
		t.Errorf("%q %v", line, err)
	}
}

// TestHalfOpen reads nothing of a long answer: the service lets go of it.
func TestHalfOpen(t *testing.T) {
	s := serve(t, func(c *httpapi.Config) { c.Limits.Slow, c.Limits.Concurrency = 200*time.Millisecond, 1 })
	b := block.Raw(bytes.Repeat([]byte{7}, 32<<20))
	s.put(b)
	c := s.raw("GET /ipfs/" + b.CID.String() + "?format=car HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if err := c.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	s.refused(get("/v1/jobs"), httpapi.CodeConcurrency) // it takes the one place
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if resp, _ := s.send(get("/v1/jobs")); resp.StatusCode == http.StatusOK {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the place is never free again")
		}
	}
}

// TestIdempotencyKey uses a key twice.
func TestIdempotencyKey(t *testing.T) {
	s := serve(t, nil)
	w, v := s.fib(3), s.fib(4)
	ask := func(w wire.Workflow) request {
		return post("/v1/runs", fmt.Sprintf(`{"workflow": %q}`, w.Workflow)).with("Idempotency-Key", "k", "Prefer", "wait=20")
	}
	first := call[wire.Job](s, ask(w), http.StatusOK)
	if again := call[wire.Job](s, ask(w), http.StatusOK); again.ID != first.ID || !again.Run.Tasks["f"].Memoised {
		t.Errorf("again %+v", again)
	}
	s.refused(ask(v), httpapi.CodeKey)
}

// events reads a stream's events until one that is the last.
func (s *service) events(path, after string, last func(event string, data []byte) bool) (ids []string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		s.t.Fatalf("%d %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	event := ""
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			ids = append(ids, value)
		case "event":
			event = value
		case "data":
			if last(event, []byte(value)) {
				return ids
			}
		}
	}
	s.t.Fatal("the stream ended")
	return nil
}

// TestEvents watches a job and the feed, and resumes.
func TestEvents(t *testing.T) {
	s := serve(t, nil)
	w := s.fib(12)
	j := call[wire.Job](s, post("/v1/runs", fmt.Sprintf(`{"workflow": %q}`, w.Workflow)), http.StatusAccepted)
	var end wire.Job
	ids := s.events("/v1/jobs/"+j.ID+"/events", "", func(event string, data []byte) bool {
		if err := json.Unmarshal(data, &end); err != nil || event != "job" {
			t.Fatal(event, err)
		}
		return end.Final()
	})
	if end.Run == nil || string(end.Run.Tasks["f"].Out) != "144" {
		t.Errorf("the last event is %+v", end)
	}
	if again := s.events("/v1/jobs/"+j.ID+"/events", ids[len(ids)-1], func(string, []byte) bool { return true }); len(again) != 1 {
		t.Errorf("resumed at the end there are %d events", len(again))
	}
	s.run(s.fib(5))
	s.run(s.fib(6))
	seen := s.events("/v1/receipts/events", "1", func(_ string, data []byte) bool {
		var i wire.Issued
		if err := json.Unmarshal(data, &i); err != nil {
			t.Fatal(err)
		}
		return i.Number == 3
	})
	if strings.Join(seen, " ") != "2 3" {
		t.Errorf("the feed after 1 is %v", seen)
	}
	s.refused(get("/v1/receipts/events").with("Last-Event-ID", "x"), httpapi.CodeRequest)
}

// TestDrain ends event streams and readiness, not requests.
func TestDrain(t *testing.T) {
	s := serve(t, nil)
	if resp, _ := s.send(get("/readyz")); resp.StatusCode != http.StatusOK {
		t.Errorf("ready: %d", resp.StatusCode)
	}
	resp, err := http.Get(s.url + "/v1/receipts/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	s.api.Drain()
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Errorf("the stream ended with %v", err)
	}
	s.refused(get("/readyz"), httpapi.CodeUnavailable)
	call[wire.Jobs](s, get("/v1/jobs"), http.StatusOK)
}

// TestCancel ends a job that never would.
func TestCancel(t *testing.T) {
	s := serve(t, nil)
	w := call[wire.Workflow](s, post("/v1/workflows", fmt.Sprintf(`{"trilemma": "workflow/1", "tasks": {"f": {"fuel": 900000000000, "run": {"mod": %q, "fun": "fib", "params": [60]}}}}`,
		s.module("fib"))), http.StatusCreated)
	j := call[wire.Job](s, post("/v1/runs", fmt.Sprintf(`{"workflow": %q}`, w.Workflow)).with("Prefer", "wait=1"), http.StatusAccepted)
	if j.Final() {
		t.Fatalf("it has ended: %+v", j)
	}
	del := request{method: http.MethodDelete, path: "/v1/jobs/" + j.ID}
	if got := call[wire.Job](s, del, http.StatusOK); got.State != "cancelled" {
		t.Errorf("%+v", got)
	}
	s.refused(del, httpapi.CodeEnded)
}

// TestMetrics looks for quantities of the domain.
func TestMetrics(t *testing.T) {
	s := serve(t, nil)
	s.run(s.fib(5))
	_, data := s.send(get("/metrics"))
	for _, want := range []string{`trilemma_http_requests_total{method="POST",route="/v1/runs",status="200"} 1`, `trilemma_jobs_submitted_total{kind="run",state="queued"} 1`} {
		if !strings.Contains(string(data), want) {
			t.Errorf("no %s in\n%s", want, data)
		}
	}
}
