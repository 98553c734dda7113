package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	gort "runtime"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// HTTPConfig says what [HTTP] loads. URL, Known and Fresh are required.
type HTTPConfig struct {
	URL   string        // of a service that needs no token
	Known []byte        // body of a request for a run whose result is known
	Fresh func() []byte // body of a request for a run that was never made; called by one goroutine at a time

	Time     time.Duration // of each phase; 0: 10 s
	Workers  int           // connections that send one request after the other; 0: 16
	Watchers int           // event streams that are open while runs are made; 0: 500
	Requests int           // that are sent besides, for runs whose result is known, to see whether memory grows; 0: none

	Progress func(done, total int)

	most uint64 // requests of a phase; 0: as many as there is time for
}

// HTTPRow is what one phase measured. Times are in milliseconds.
type HTTPRow struct {
	Phase     string  `json:"phase"`
	Requests  uint64  `json:"requests"`
	PerSecond float64 `json:"per_second"` // answered with success
	Failed    uint64  `json:"failed"`
	Mean      float64 `json:"mean_ms"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	Worst     float64 `json:"max_ms"`
	Heap      int64   `json:"heap_growth_bytes"` // of the whole process, collected before and after
}

// HTTPSummary is what the service can take.
type HTTPSummary struct {
	Memoised   float64 `json:"memoised_per_second"`
	Uncached   float64 `json:"uncached_per_second"`
	P99        float64 `json:"p99_ms"`            // of uncached runs
	VsBare     float64 `json:"vs_bare_gin"`       // memoised run requests for each request that a bare gin handler answers
	Watchers   int     `json:"watchers"`          // event streams that were open
	Told       int     `json:"watchers_told"`     // of one run, after all the others
	ToldAfter  float64 `json:"watchers_told_ms"`  // until the last one was
	HeapGrowth int64   `json:"heap_growth_bytes"` // over the memoised phase

	Flat       int   `json:"flat_requests,omitempty"`          // that were sent to see whether memory grows
	FlatGrowth int64 `json:"flat_heap_growth_bytes,omitempty"` // over all of them but the first tenth
}

// HTTPReport is what [HTTP] found.
type HTTPReport struct {
	Host    Host        `json:"host"`
	Workers int         `json:"workers"`
	Rows    []HTTPRow   `json:"rows"`
	Summary HTTPSummary `json:"summary"`
}

// HTTP loads a service over loopback, and a bare gin handler that reads and answers as many bytes, from this same process: both sides share
// its cores, so that the ratio says more than the rates.
func HTTP(ctx context.Context, c HTTPConfig) (*HTTPReport, error) {
	if c.Time == 0 {
		c.Time = 10 * time.Second
	}
	if c.Workers == 0 {
		c.Workers = 16
	}
	if c.Watchers == 0 {
		c.Watchers = 500
	}
	r := &HTTPReport{Host: thisHost(ClockWall), Workers: c.Workers}
	answer, err := c.once(ctx, c.Known)
	if err != nil {
		return nil, err
	}
	bare, stop, err := bareGin(answer)
	if err != nil {
		return nil, err
	}
	defer stop()
	done, phases := 0, 4
	if c.Requests > 0 {
		phases += tenths
	}
	phase := func(name, url string, body func() []byte) (HTTPRow, error) {
		row, err := c.attack(ctx, name, url, body)
		if err == nil {
			r.Rows = append(r.Rows, row)
			if done++; c.Progress != nil {
				c.Progress(done, phases)
			}
		}
		return row, err
	}
	known := func() []byte { return c.Known }
	base, err := phase("bare gin", bare, known)
	if err != nil {
		return nil, err
	}
	memoised, err := phase("memoised runs", c.URL+"/v1/runs", known)
	if err != nil {
		return nil, err
	}
	told, late, err := c.watched(ctx, func() error {
		_, err := phase(fmt.Sprintf("memoised runs, %d watchers", c.Watchers), c.URL+"/v1/runs", known)
		return err
	})
	if err != nil {
		return nil, err
	}
	uncached, err := phase("uncached runs", c.URL+"/v1/runs", c.Fresh)
	if err != nil {
		return nil, err
	}
	r.Summary = HTTPSummary{Memoised: memoised.PerSecond, Uncached: uncached.PerSecond, P99: uncached.P99, Watchers: c.Watchers, Told: told, ToldAfter: late, HeapGrowth: memoised.Heap}
	if base.PerSecond > 0 {
		r.Summary.VsBare = memoised.PerSecond / base.PerSecond
	}
	c.Time, c.most = 0, uint64(c.Requests/tenths)
	for i := 0; c.Requests > 0 && i < tenths; i++ {
		row, err := phase(fmt.Sprintf("memoised runs, tenth %d of %d", i+1, c.Requests), c.URL+"/v1/runs", known)
		if err != nil {
			return nil, err
		}
		r.Summary.Flat += int(row.Requests)
		if i > 0 {
			r.Summary.FlatGrowth += row.Heap
		}
	}
	return r, nil
}

// tenths is in how many parts the requests are sent between which memory is looked at.
const tenths = 10

func headers() http.Header {
	return http.Header{"Content-Type": {"application/json"}, "Prefer": {"wait=30"}}
}

// once sends one request, and returns the answer to it.
func (c *HTTPConfig) once(ctx context.Context, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+"/v1/runs", strings.NewReader(string(body)))
	if err != nil {
		return nil, err
	}
	req.Header = headers()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("lab: the service answers %s: %.500s", resp.Status, data)
	}
	return data, nil
}

// bareGin serves a handler that reads a request's body and answers with the given bytes.
func bareGin(answer []byte) (url string, stop func(), err error) {
	gin.SetMode(gin.ReleaseMode) // a global of the library, by which it prints its routes
	g := gin.New()
	g.POST("/", func(ctx *gin.Context) {
		if _, err := io.Copy(io.Discard, ctx.Request.Body); err != nil {
			ctx.Status(http.StatusBadRequest)
			return
		}
		ctx.Data(http.StatusOK, "application/json", answer)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	srv := &http.Server{Handler: g, ReadHeaderTimeout: 10 * time.Second}
	var serving sync.WaitGroup
	serving.Go(func() { _ = srv.Serve(l) }) // it ends with stop
	return "http://" + l.Addr().String() + "/", func() {
		_ = srv.Close() // nothing is on its way
		serving.Wait()
	}, nil
}

// attack sends requests as fast as they are answered, each worker one after the other.
func (c *HTTPConfig) attack(ctx context.Context, name, url string, body func() []byte) (HTTPRow, error) {
	var mu sync.Mutex // owns what body changes
	target := func(t *vegeta.Target) error {
		mu.Lock()
		defer mu.Unlock()
		t.Method, t.URL, t.Header, t.Body = http.MethodPost, url, headers(), body()
		return nil
	}
	before := heap()
	attacker := vegeta.NewAttacker(vegeta.Workers(uint64(c.Workers)), vegeta.MaxWorkers(uint64(c.Workers)), vegeta.KeepAlive(true), vegeta.Timeout(time.Minute))
	var m vegeta.Metrics
	accepted := uint64(0)
	var first error
	for res := range attacker.Attack(target, vegeta.Rate{}, c.Time, name) {
		m.Add(res)
		if res.Code != http.StatusOK {
			accepted++
			if first == nil {
				first = fmt.Errorf("lab: %s: status %d %s: %.300s", name, res.Code, res.Error, res.Body)
			}
		}
		if ctx.Err() != nil || c.most > 0 && m.Requests >= c.most {
			attacker.Stop()
		}
	}
	m.Close()
	if ctx.Err() != nil {
		return HTTPRow{}, ctx.Err()
	}
	if accepted == m.Requests {
		return HTTPRow{}, errors.Join(errors.New("lab: no request was answered with success"), first)
	}
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	whole := (m.Duration + m.Wait).Seconds()
	return HTTPRow{Phase: name, Requests: m.Requests, PerSecond: float64(m.Requests-accepted) / whole, Failed: accepted, Mean: ms(m.Latencies.Mean), P50: ms(m.Latencies.P50),
		P99: ms(m.Latencies.P99), Worst: ms(m.Latencies.Max), Heap: int64(heap()) - int64(before)}, nil
}

// heap is how much is in use after a collection, in bytes.
func heap() uint64 {
	gort.GC()
	var m gort.MemStats
	gort.ReadMemStats(&m)
	return m.HeapAlloc
}

// watched opens event streams on the receipt feed and calls f. Then it makes one run more, and returns how many of the streams told of it, and
// when the last one did, in milliseconds after it was asked for.
func (c *HTTPConfig) watched(ctx context.Context, f func() error) (told int, late float64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{}}
	lines := make(chan string, 4*c.Watchers)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()
	for range c.Watchers {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+"/v1/receipts/events", nil)
		if err != nil {
			return 0, 0, err
		}
		resp, err := client.Do(req)
		if err != nil {
			return 0, 0, err
		}
		if resp.StatusCode != http.StatusOK {
			return 0, 0, errors.Join(fmt.Errorf("lab: a watcher gets %s", resp.Status), resp.Body.Close())
		}
		readers.Go(func() {
			defer func() { _ = resp.Body.Close() }() // it is only read
			for text := bufio.NewScanner(resp.Body); text.Scan(); {
				if !strings.HasPrefix(text.Text(), "data: ") {
					continue
				}
				select {
				case lines <- text.Text():
				case <-ctx.Done():
					return
				}
			}
		})
	}
	for range c.Watchers { // each tells first of the run that is known
		select {
		case <-lines:
		case <-time.After(time.Minute):
			return 0, 0, errors.New("lab: not every watcher is told of what was before")
		}
	}
	if err := f(); err != nil {
		return 0, 0, err
	}
	start := time.Now()
	if _, err := c.once(ctx, c.Fresh()); err != nil {
		return 0, 0, err
	}
	for told < c.Watchers {
		select {
		case <-lines:
			told++
		case <-time.After(10 * time.Second):
			return told, late, nil
		}
		late = float64(time.Since(start)) / float64(time.Millisecond)
	}
	return told, late, nil
}
