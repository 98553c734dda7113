package httpapi_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/httpapi"
	"github.com/trilemma-dev/trilemma/internal/preflight"
	"github.com/trilemma-dev/trilemma/internal/wire"
)

// TestPreflight counts a call and a workflow; nothing is kept of either.
func TestPreflight(t *testing.T) {
	s := serve(t, nil)
	scheme, err := proof.Named(proof.Standard)
	if err != nil {
		t.Fatal(err)
	}
	s.engine.worker.Predictor = &preflight.Predictor{Scheme: scheme}
	w := s.fib(9)
	for kind, body := range map[string]string{
		"module":   fmt.Sprintf(`{"call": {"module": %q, "invoke": "fib", "params": [9], "fuel": 100000}}`, w.Modules[0]),
		"workflow": fmt.Sprintf(`{"workflow": %q}`, w.Workflow),
	} {
		j := call[wire.Job](s, post("/v1/preflights", body).with("Prefer", "wait=50"), http.StatusOK)
		p := j.Preflight
		if p == nil || p.Kind != kind || len(p.Tasks) != 1 || p.Tasks[0].Steps == 0 || !p.Tasks[0].Ran || p.Tasks[0].Outcome != "ok" {
			t.Errorf("%s: %+v, %s", kind, p, j.Error)
		}
	}
	if feed := call[wire.Receipts](s, get("/v1/receipts"), http.StatusOK); len(feed.Entries) > 0 {
		t.Errorf("there are receipts: %+v", feed)
	}
	s.refused(post("/v1/preflights", `{}`), httpapi.CodeRefused)
	s.refused(post("/v1/preflights", fmt.Sprintf(`{"workflow": %q, "call": {"module": %q, "fuel": 1}}`, w.Workflow, w.Modules[0])), httpapi.CodeRefused)
}
