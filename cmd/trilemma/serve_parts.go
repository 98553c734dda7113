package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/cluster"
	"github.com/trilemma-dev/trilemma/executor"
	"github.com/trilemma-dev/trilemma/httpapi"
	"github.com/trilemma-dev/trilemma/internal/jobs"
)

// slots is how many jobs run at a time: 0 stands for a default, a number below for none.
func slots(n int, many bool) int {
	switch {
	case n < 0:
		return 0
	case n > 0:
		return n
	case many:
		return 8 * goruntime.GOMAXPROCS(0) // most of a short job is waiting until its end is durable
	}
	return 1
}

// spreadParts is how many parts of a proof lie in the queue at once: more than there are workers, so that none of them waits.
const spreadParts = 32

// prover makes proofs for a service, or works at their parts for another one. Its keys are those of this home.
func (a *app) prover(e *cluster.Engine, metrics *httpapi.Metrics, tracer trace.Tracer, data string) *jobs.Proofs {
	return &jobs.Proofs{Engine: e, Metrics: metrics, Tracer: tracer, Open: a.provingKeys, Sessions: filepath.Join(data, "proving")}
}

// schemes are the circuits that a service proves with, the default first; none if it makes no proofs.
func schemes(first string, proofs int) []string {
	if proofs < 0 {
		return nil
	}
	out := []string{first}
	for _, name := range proof.Names() {
		if name != first {
			out = append(out, name)
		}
	}
	return out
}

// names are the commands of effects, in order.
func names(effects map[string]executor.Effect) []string {
	return slices.Sorted(maps.Keys(effects))
}

// loopback reports whether only this machine can reach an address.
func loopback(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && t.IP.IsLoopback()
}

// traces sends spans to a URL; without one nothing is recorded. flush sends what is left.
func traces(ctx context.Context, url, version string) (tp trace.TracerProvider, flush func() error, err error) {
	if url == "" {
		return noop.NewTracerProvider(), func() error { return nil }, nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(url))
	if err != nil {
		return nil, nil, usage("--traces: %w", err)
	}
	sdk := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "trilemma"), attribute.String("service.version", version))))
	return sdk, func() error {
		timed, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return sdk.Shutdown(timed)
	}, nil
}

// maxSettings bounds a configuration file.
const maxSettings = 1 << 20

// settings gives the flags of c that were not named on the command line the values of the environment, or of a file.
func (a *app) settings(c *cobra.Command, file string) error {
	prefix := "TRILEMMA_" + strings.ToUpper(c.Name()) + "_"
	if v := a.getenv(prefix + "CONFIG"); file == "" {
		file = v
	}
	values := map[string]any{}
	if file != "" {
		data, err := a.readFile(file, maxSettings)
		if err != nil {
			return err
		}
		if err := toml.Unmarshal(data, &values); err != nil {
			return usage("%s: %w", file, err)
		}
	}
	var failed error
	c.Flags().VisitAll(func(f *pflag.Flag) {
		value, named := values[f.Name]
		delete(values, f.Name)
		if f.Changed || f.Name == "config" || failed != nil {
			return
		}
		if text := a.getenv(prefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))); text != "" {
			failed = set(f, text, "the environment")
			return
		}
		if named {
			failed = set(f, value, file)
		}
	})
	if failed == nil && len(values) > 0 {
		failed = usage("%s: unknown %s", file, strings.Join(slices.Sorted(maps.Keys(values)), ", "))
	}
	return failed
}

// set gives a flag a value; a list is set item by item.
func set(f *pflag.Flag, value any, from string) error {
	items, ok := value.([]any)
	if text, isText := value.(string); isText && f.Value.Type() == "stringArray" {
		for item := range strings.SplitSeq(text, ",") {
			items = append(items, item)
		}
		ok = true
	}
	if !ok {
		items = []any{value}
	}
	for _, item := range items {
		if err := f.Value.Set(fmt.Sprint(item)); err != nil {
			return usage("%s: %s: %w", from, f.Name, err)
		}
	}
	return nil
}
