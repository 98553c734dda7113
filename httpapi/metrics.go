package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/trilemma-dev/trilemma/internal/wire"
	"github.com/trilemma-dev/trilemma/internal/work"
)

// Metrics counts requests, and what jobs did: tasks, fuel, verdicts.
type Metrics struct {
	registry *prometheus.Registry

	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	watchers  prometheus.Gauge
	submitted *prometheus.CounterVec
	blocks    prometheus.Counter
	bytes     prometheus.Counter

	jobs     *prometheus.CounterVec
	jobTimes *prometheus.HistogramVec
	tasks    *prometheus.CounterVec
	known    prometheus.Counter
	fuel     prometheus.Counter
	steps    prometheus.Counter
	segments prometheus.Counter
	verdicts *prometheus.CounterVec

	caches    *prometheus.CounterVec
	parts     *prometheus.CounterVec
	partTimes *prometheus.HistogramVec
	proofs    *prometheus.CounterVec
}

// NewMetrics registers the service's metrics.
func NewMetrics(r *prometheus.Registry) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "trilemma", Name: name, Help: help}, labels)
		r.MustRegister(c)
		return c
	}
	plain := func(name, help string) prometheus.Counter { return counter(name, help).WithLabelValues() }
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "trilemma", Name: name, Help: help, Buckets: buckets}, labels)
		r.MustRegister(h)
		return h
	}
	m := &Metrics{registry: r,
		requests:  counter("http_requests_total", "Requests, by route, method and status.", "route", "method", "status"),
		durations: histogram("http_request_seconds", "How long requests took.", prometheus.ExponentialBuckets(0.0005, 2, 16), "route"),
		watchers:  prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "trilemma", Name: "http_watchers", Help: "Event streams that are open."}),
		submitted: counter("jobs_submitted_total", "Jobs that were submitted, by kind and by the state that they were in then.", "kind", "state"),
		blocks:    plain("blocks_put_total", "Blocks that were put."),
		bytes:     plain("blocks_put_bytes_total", "Bytes of blocks that were put."),
		jobs:      counter("jobs_total", "Jobs that were worked on here, by kind and end.", "kind", "end"),
		jobTimes:  histogram("job_seconds", "How long jobs were worked on here.", prometheus.ExponentialBuckets(0.001, 2, 20), "kind"),
		tasks:     counter("tasks_total", "Tasks that ended, by outcome or kind of error.", "outcome"),
		known:     plain("tasks_known_total", "Tasks whose result was known already."),
		fuel:      plain("fuel_total", "Wasm instructions that were executed."),
		steps:     plain("steps_total", "Machine instructions of transcripts."),
		segments:  plain("segments_total", "Segments of transcripts."),
		verdicts:  counter("verdicts_total", "Verdicts, by mode and outcome.", "mode", "outcome"),
		caches:    counter("cache_total", "What was looked for among what is remembered here, by what it is and by whether it was there.", "cache", "found"),
		parts:     counter("proof_parts_total", "Parts of proofs that were worked at here, by stage and end.", "stage", "end"),
		partTimes: histogram("proof_part_seconds", "How long parts of proofs were worked at here.", prometheus.ExponentialBuckets(0.01, 2, 14), "stage"),
		proofs:    counter("proofs_total", "Proofs that were made of tasks, by where their keys come from.", "setup"),
	}
	r.MustRegister(m.watchers)
	return m
}

func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}) // without the engine the rest is told
}

func (m *Metrics) request(route, method string, status int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodOptions:
	default:
		method = "other" // or whoever asks could make labels without end
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	m.durations.WithLabelValues(route).Observe(took.Seconds())
}

// cache counts that something was looked for.
func (m *Metrics) cache(name string, found bool) {
	m.caches.WithLabelValues(name, strconv.FormatBool(found)).Inc()
}

// queues tells how deep queues are whenever it is asked.
type queues struct {
	depth *prometheus.Desc
	ask   func(context.Context) ([]wire.Queue, error)
}

// scrapeTime bounds how long metrics wait for the engine.
const scrapeTime = 2 * time.Second

// Describe implements [prometheus.Collector].
func (q *queues) Describe(to chan<- *prometheus.Desc) { to <- q.depth }

// Collect implements [prometheus.Collector]. Queues that cannot be seen now are an error of the scrape.
func (q *queues) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	all, err := q.ask(ctx)
	if err != nil {
		to <- prometheus.NewInvalidMetric(q.depth, err)
		return
	}
	for _, one := range all {
		to <- prometheus.MustNewConstMetric(q.depth, prometheus.GaugeValue, float64(one.Waiting), one.Class, "waiting")
		to <- prometheus.MustNewConstMetric(q.depth, prometheus.GaugeValue, float64(one.Running), one.Class, "running")
	}
}

// watchQueues adds the depth of queues to the metrics.
func (m *Metrics) watchQueues(ask func(context.Context) ([]wire.Queue, error)) error {
	return m.registry.Register(&queues{ask: ask,
		depth: prometheus.NewDesc("trilemma_queue_jobs", "Jobs that have not ended, by class and by whether a worker has them.", []string{"class", "state"}, nil)})
}

// Part counts a part of a proof that was worked at here, at a stage: commit or prove.
func (m *Metrics) Part(stage string, err error, took time.Duration) {
	m.parts.WithLabelValues(stage, end(err)).Inc()
	m.partTimes.WithLabelValues(stage).Observe(took.Seconds())
}

// end is how work ended.
func end(err error) string {
	if err != nil {
		return "failed"
	}
	return "done"
}

// Worked counts what a job of a kind came to: its answer, or why there is none.
func (m *Metrics) Worked(kind string, answer []byte, err error, took time.Duration) {
	m.jobs.WithLabelValues(kind, end(err)).Inc()
	m.jobTimes.WithLabelValues(kind).Observe(took.Seconds())
	if err != nil {
		return
	}
	switch kind {
	case work.KindRun:
		var r wire.Run
		if json.Unmarshal(answer, &r) == nil { // it was made by this program
			m.run(&r)
		}
	case work.KindVerify:
		var r wire.Report
		if json.Unmarshal(answer, &r) == nil {
			for _, v := range r.Verdicts {
				m.verdicts.WithLabelValues(v.Mode, v.Outcome).Inc()
			}
		}
	case work.KindProve:
		var p wire.Proofs
		if json.Unmarshal(answer, &p) == nil {
			for _, one := range p.Tasks {
				m.proofs.WithLabelValues(setupLabel(one.Setup)).Inc()
			}
		}
	case work.KindExec:
		var e wire.Exec
		if json.Unmarshal(answer, &e) == nil {
			m.fuel.Add(float64(e.Fuel))
		}
	}
}

// setupLabel keeps CIDs out of labels.
func setupLabel(setup string) string {
	if setup == "dev" {
		return setup
	}
	return "ceremony"
}

func (m *Metrics) run(r *wire.Run) {
	for _, t := range r.Tasks {
		outcome := t.Outcome
		if t.Error != nil {
			outcome = t.Error.Kind
		}
		m.tasks.WithLabelValues(outcome).Inc()
		if t.Memoised {
			m.known.Inc()
			continue
		}
		if t.Fuel != nil {
			m.fuel.Add(float64(*t.Fuel))
		}
		if t.Steps != nil && t.Segments != nil {
			m.steps.Add(float64(*t.Steps))
			m.segments.Add(float64(*t.Segments))
		}
	}
}
