package console_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/trilemma-dev/trilemma/console"
	"github.com/trilemma-dev/trilemma/guests"
)

func ExampleNew() {
	h, err := console.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	// Output: 200 text/html; charset=utf-8
}

// ask is a request to a new console, with pairs of header fields.
func ask(t *testing.T, method, path string, header ...string) *http.Response {
	t.Helper()
	h, err := console.New()
	check(t, err)
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) []byte {
	t.Helper()
	data, err := io.ReadAll(r.Body)
	check(t, err)
	return data
}

var reference = regexp.MustCompile(`(?:src|href)="([^"]*)"`)

// TestPage checks that the page has no script or style in it, and that all it refers to is there.
func TestPage(t *testing.T) {
	text := string(body(t, ask(t, http.MethodGet, "/")))
	if regexp.MustCompile(`<style|style=|<script[^>]*>[^<]| on\w+=`).MatchString(text) {
		t.Errorf("something is inline, which the policy forbids:\n%s", text)
	}
	found := reference.FindAllStringSubmatch(text, -1)
	if len(found) < 3 {
		t.Fatalf("only %d references in\n%s", len(found), text)
	}
	for _, m := range found {
		r := ask(t, http.MethodGet, m[1])
		if r.StatusCode != http.StatusOK || !strings.HasPrefix(m[1], console.Prefix) {
			t.Errorf("%s: %s", m[1], r.Status)
		}
	}
}

// TestFiles checks what is answered for files, whichever encoding is asked for.
func TestFiles(t *testing.T) {
	fib, err := guests.Module("fib")
	check(t, err)
	const path = console.Prefix + "samples/guests/wasm/fib.wasm"
	plain := ask(t, http.MethodGet, path)
	if got := body(t, plain); !bytes.Equal(got, fib) || plain.Header.Get("Content-Type") != "application/wasm" || plain.Header.Get("Content-Encoding") != "" {
		t.Errorf("%d bytes, %v", len(got), plain.Header)
	}
	packed := ask(t, http.MethodGet, path, "Accept-Encoding", "gzip, br")
	z, err := gzip.NewReader(packed.Body)
	check(t, err)
	if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, fib) || packed.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("packed: %d bytes, %v, %v", len(got), packed.Header, err)
	}
	if r := ask(t, http.MethodHead, path); r.StatusCode != http.StatusOK || len(body(t, r)) != 0 || r.Header.Get("Content-Length") != fmt.Sprint(len(fib)) {
		t.Errorf("HEAD: %s, %v", r.Status, r.Header)
	}
	if r := ask(t, http.MethodGet, path, "If-None-Match", plain.Header.Get("ETag")); r.StatusCode != http.StatusNotModified || len(body(t, r)) != 0 {
		t.Errorf("known: %s", r.Status)
	}
	for _, no := range []string{console.Prefix, console.Prefix + "../go.mod", console.Prefix + "dist/index.html", console.Prefix + ".gitignore", "/index.html"} {
		if r := ask(t, http.MethodGet, no); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", no, r.Status)
		}
	}
}

// TestPolicy checks that every answer has the policy, an error too.
func TestPolicy(t *testing.T) {
	for _, path := range []string{"/", console.Prefix + "index.js", console.Prefix + "worker.js", console.Prefix + "missing"} {
		h := ask(t, http.MethodGet, path).Header
		policy := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "connect-src 'self'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy+";", want+";") {
				t.Errorf("%s: the policy %q has no %q", path, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe-inline") || strings.Contains(policy, "'unsafe-eval'") || strings.Contains(policy, "http") {
			t.Errorf("%s: the policy is %q", path, policy)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: types may be guessed", path)
		}
	}
}
