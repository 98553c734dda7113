package httpapi_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/trilemma-dev/trilemma/httpapi"
)

var update = flag.Bool("update", false, "write the OpenAPI document anew")

// TestOpenAPI compares the document that the types give with the one that is committed.
func TestOpenAPI(t *testing.T) {
	s := serve(t, nil)
	got, err := s.api.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	file := filepath.Join("..", "docs", "openapi.json")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the program says: run the test with -update (%v)", file, err)
	}
	if _, served := s.send(get("/openapi.json")); !bytes.Equal(served, got) {
		t.Error("another document is served")
	}
	var doc document
	if err := json.Unmarshal(got, &doc); err != nil || doc.OpenAPI != "3.1.0" {
		t.Errorf("version %q, %v", doc.OpenAPI, err)
	}
}

// TestDocsPage checks that the page has every operation, and asks no other host for anything.
func TestDocsPage(t *testing.T) {
	s := serve(t, nil)
	resp, page := s.send(get("/docs"))
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%d, policy %q", resp.StatusCode, resp.Header.Get("Content-Security-Policy"))
	}
	for _, op := range s.operations() {
		if !bytes.Contains(page, []byte(`id="`+op.ID+`"`)) {
			t.Errorf("%s is not on the page", op.ID)
		}
	}
	if found := regexp.MustCompile(`(?:src|href)="(?:https?:)?//[^"]*|<script|url\(`).Find(page); found != nil {
		t.Errorf("the page has %s", found)
	}
}

// document is what of an OpenAPI document is needed to make requests.
type document struct {
	OpenAPI    string                          `json:"openapi"`
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	ID         string `json:"operationId"`
	Parameters []struct {
		Name, In string
		Schema   schema
	} `json:"parameters"`
	RequestBody *struct {
		Content map[string]struct {
			Schema *schema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`

	method, path string
}

type schema struct {
	Ref        string            `json:"$ref"`
	Type       any               `json:"type"`
	Enum       []any             `json:"enum"`
	Properties map[string]schema `json:"properties"`
	Required   []string          `json:"required"`
	Items      *schema           `json:"items"`
}

func (s *service) document() (d document) {
	s.t.Helper()
	if err := json.Unmarshal(second(s.send(get("/openapi.json"))), &d); err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *service) operations() (out []operation) {
	d := s.document()
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(d.Paths[path])) {
			op := d.Paths[path][method]
			op.method, op.path = strings.ToUpper(method), path
			out = append(out, op)
		}
	}
	return out
}

// maker makes requests of an OpenAPI document: mostly what it describes, with something wrong now and then.
type maker struct {
	*rand.Rand
	doc   document
	names []string // CIDs and ids that exist
}

func (m *maker) odd() bool { return m.IntN(6) == 0 }

func (m *maker) text() string {
	if m.IntN(3) > 0 {
		return m.names[m.IntN(len(m.names))]
	}
	odd := []string{"", "x", "0", "-1", "wait=1", "wait=x", "../..", "\x00", "é\u202e", strings.Repeat("a", 400), "bafy", "null", "18446744073709551616", "did:key:z6Mk", `"`, "%00", "W/\"x\"", "bytes=9-"}
	return odd[m.IntN(len(odd))]
}

// value makes a value of a schema.
func (m *maker) value(s schema, depth int) any {
	if s.Ref != "" {
		s = m.doc.Components.Schemas[s.Ref[strings.LastIndex(s.Ref, "/")+1:]]
	}
	if depth > 6 || m.odd() {
		return []any{nil, 1, -1, 1e300, "x", []any{}, map[string]any{"x": 1}, true}[m.IntN(8)]
	}
	if len(s.Enum) > 0 {
		return s.Enum[m.IntN(len(s.Enum))]
	}
	kind, _ := s.Type.(string)
	if kinds, ok := s.Type.([]any); ok && len(kinds) > 0 {
		kind, _ = kinds[m.IntN(len(kinds))].(string)
	}
	switch kind {
	case "object":
		out := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
			if required := slices.Contains(s.Required, name); required && !m.odd() || !required && m.IntN(3) == 0 {
				out[name] = m.value(s.Properties[name], depth+1)
			}
		}
		if m.odd() {
			out[m.text()] = 1
		}
		return out
	case "array":
		out := []any{}
		for range m.IntN(4) {
			out = append(out, m.value(*s.Items, depth+1))
		}
		return out
	case "integer", "number":
		return []any{0, 1, 5, 1000, 65536, -1, 1 << 40, 0.5}[m.IntN(8)]
	case "boolean":
		return m.IntN(2) == 0
	case "string":
		return m.text()
	}
	return []any{1, "x", []any{3}}[m.IntN(3)]
}

// request makes a request of an operation.
func (m *maker) request(op operation) request {
	r := request{method: op.method, path: op.path, header: http.Header{}}
	query := url.Values{}
	for _, p := range op.Parameters {
		text := fmt.Sprint(m.value(p.Schema, 0))
		switch p.In {
		case "path":
			if m.IntN(2) == 0 {
				text = m.text()
			}
			r.path = strings.ReplaceAll(r.path, "{"+p.Name+"}", url.PathEscape(text))
		case "query":
			if m.IntN(2) == 0 {
				query.Set(p.Name, text)
			}
		case "header":
			if clean := strings.Map(printableASCII, text); m.IntN(2) == 0 && clean != "" {
				r.header.Set(p.Name, clean)
			}
		}
	}
	if m.odd() {
		query.Set(m.text(), m.text())
	}
	if len(query) > 0 {
		r.path += "?" + query.Encode()
	}
	if op.RequestBody == nil {
		return r
	}
	types := slices.Sorted(maps.Keys(op.RequestBody.Content))
	r.header.Set("Content-Type", types[m.IntN(len(types))])
	if s := op.RequestBody.Content[r.header.Get("Content-Type")].Schema; s != nil {
		data, err := json.Marshal(m.value(*s, 0))
		if err != nil {
			data = nil
		}
		r.body = data
	} else {
		r.body = []byte([]string{"", "{}", `{"trilemma": "workflow/1", "tasks": {}}`, "\x00asm\x01\x00\x00\x00", "C", "a: b", "\xa2\x65roots"}[m.IntN(7)])
	}
	if m.odd() {
		r.header.Set("Content-Type", []string{"", "text/plain", ";", "application/x-www-form-urlencoded"}[m.IntN(4)])
	}
	if m.odd() && len(r.body) > 0 {
		r.body = r.body[:m.IntN(len(r.body))]
	}
	return r
}

func printableASCII(r rune) rune {
	if r < ' ' || r > '~' {
		return -1
	}
	return r
}

// TestFuzz sends requests made of the document to every operation: none fails at the service, and every error is a problem with
// its code.
func TestFuzz(t *testing.T) {
	s := serve(t, func(c *httpapi.Config) { c.Limits.Fuel = 50_000_000; c.Limits.Rate = 1e6 })
	w := s.fib(5)
	run := s.run(w)
	m := &maker{Rand: rand.New(rand.NewPCG(7, 457)), doc: s.document(), names: []string{w.Workflow, run.Run, run.Receipt, run.Tasks["f"].Receipt, w.Modules[0], "rerun", "attest", "fib"}}
	rounds := 300
	if testing.Short() {
		rounds = 30
	}
	ended := map[string]map[int]int{}
	for _, op := range s.operations() {
		if strings.HasSuffix(op.path, "/events") { // a stream has no end: see TestEvents
			continue
		}
		ended[op.ID] = map[int]int{}
		for range rounds {
			r := m.request(op)
			if r.header.Get("Prefer") != "" {
				r.header.Set("Prefer", "wait=0")
			}
			ended[op.ID][s.sane(r)]++
		}
	}
	for id, by := range ended {
		if len(by) < 2 && !testing.Short() && !slices.Contains([]string{"get-service", "list-keys", "list-receipts", "post-revocation", "import-car", "post-block"}, id) {
			t.Errorf("%s always answers %v: the requests say nothing", id, by)
		}
	}
}

// sane sends a request and checks that the answer is one, or a problem.
func (s *service) sane(r request) int {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), r.method, s.url+r.path, bytes.NewReader(r.body))
	if err != nil {
		return 0 // no client could send it
	}
	req.Header = r.header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	if resp.StatusCode < 400 {
		return resp.StatusCode
	}
	var p httpapi.Problem
	if err := json.Unmarshal(data, &p); err != nil || resp.StatusCode >= 500 || p.Status != resp.StatusCode || p.Code == "" || p.Request == "" ||
		resp.Header.Get("Content-Type") != "application/problem+json" || !strings.HasSuffix(p.Type, "#"+string(p.Code)) {
		s.t.Errorf("%s %s %v %q: %d %s %s", r.method, r.path, r.header, r.body, resp.StatusCode, resp.Header.Get("Content-Type"), data)
	}
	return resp.StatusCode
}
