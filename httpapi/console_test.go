package httpapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/trilemma-dev/trilemma/httpapi"
)

// TestConsole checks which paths are the console's, that it needs no token, and that a service may have none.
func TestConsole(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "page of "+r.URL.Path) })
	with := serve(t, func(c *httpapi.Config) { c.Console, c.Open = page, false })
	without := serve(t, nil)
	for _, c := range []struct {
		s            *service
		method, path string
		status       int
		says         string
	}{
		{with, http.MethodGet, "/", http.StatusOK, "page of /"},
		{with, http.MethodGet, "/console/a/b.js", http.StatusOK, "page of /console/a/b.js"},
		{with, http.MethodHead, "/", http.StatusOK, ""},
		{with, http.MethodPost, "/", http.StatusMethodNotAllowed, string(httpapi.CodeMethod)},
		{with, http.MethodGet, "/consoles", http.StatusNotFound, string(httpapi.CodeNoRoute)},
		{with, http.MethodGet, "/v1/jobs", http.StatusUnauthorized, string(httpapi.CodeNoToken)},
		{without, http.MethodGet, "/", http.StatusNotFound, string(httpapi.CodeNoRoute)},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, c.s.url+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(res.Body)
		_ = res.Body.Close() // it was read to its end
		if err != nil || res.StatusCode != c.status || !strings.Contains(string(data), c.says) {
			t.Errorf("%s %s: %s, %.200s, %v; want %d with %q", c.method, c.path, res.Status, data, err, c.status, c.says)
		}
	}
}
