// Package console is the web interface of a service: static files in the binary, and nothing else. Whatever the page shows it asks the service for over the HTTP
// interface, with no right that another client has not. It asks no other host for anything.
//
// The page's sources lie beside this file; dist holds what they are built to, which the gate builds again and compares. The verifier for browsers is several
// megabytes and is not kept: verifier.sh builds it into built, and a program that was built without it says so on the page.
package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/trilemma-dev/trilemma/examples"
	"github.com/trilemma-dev/trilemma/guests"
)

//go:embed dist
var dist embed.FS

//go:embed all:built
var built embed.FS

// Prefix begins the paths of everything but the page itself, which is at /.
const Prefix = "/console/"

// policy is the page's Content-Security-Policy: scripts and styles of ours alone, no inline ones, requests to the service alone. WebAssembly is for the verifier.
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// file is what a path answers.
type file struct {
	kind   string // media type
	tag    string // ETag, with its quotes
	plain  []byte // nil: only packed is kept
	packed []byte // gzip; nil if that is no shorter
}

// New makes the handler of / and of everything under [Prefix]. It is safe for concurrent use.
func New() (http.Handler, error) {
	files := map[string]*file{}
	add := func(name string, plain, packed []byte) error {
		f, err := newFile(name, plain, packed)
		if err != nil {
			return fmt.Errorf("console: %s: %w", name, err)
		}
		files[Prefix+name] = f
		return nil
	}
	if err := each(dist, "dist", func(name string, data []byte) error { return add(name, data, nil) }); err != nil {
		return nil, err
	}
	if err := each(built, "built", func(name string, data []byte) error {
		if plain, ok := strings.CutSuffix(name, ".gz"); ok {
			return add(plain, nil, data)
		}
		return nil // what git is told about the directory
	}); err != nil {
		return nil, err
	}
	if err := each(examples.Files, ".", func(name string, data []byte) error { return add("samples/examples/"+name, data, nil) }); err != nil {
		return nil, err
	}
	names, err := guests.Names()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		data, err := guests.Module(name)
		if err != nil {
			return nil, err
		}
		if err := add("samples/guests/wasm/"+name+".wasm", data, nil); err != nil {
			return nil, err
		}
	}
	page := files[Prefix+"index.html"]
	if page == nil {
		return nil, errors.New("console: the page is missing")
	}
	files["/"] = page
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(w, r, files[r.URL.Path]) }), nil
}

// each calls f for every file under a directory.
func each(fsys fs.FS, dir string, f func(name string, data []byte) error) error {
	return fs.WalkDir(fsys, dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		return f(strings.TrimPrefix(name, dir+"/"), data)
	})
}

// newFile makes a file of its bytes, or of them packed.
func newFile(name string, plain, packed []byte) (*file, error) {
	f := &file{kind: kindOf(name), plain: plain, packed: packed}
	kept := plain
	if kept == nil {
		kept = packed
	} else {
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err == nil {
			_, err = z.Write(plain)
		}
		if err == nil {
			err = z.Close()
		}
		if err != nil {
			return nil, err
		}
		if b.Len() < len(plain) {
			f.packed = b.Bytes()
		}
	}
	sum := sha256.Sum256(kept)
	f.tag = `"` + hex.EncodeToString(sum[:16]) + `"`
	return f, nil
}

func kindOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".wasm":
		return "application/wasm"
	case ".json":
		return "application/json"
	}
	return "text/plain; charset=utf-8"
}

func serve(w http.ResponseWriter, r *http.Request, f *file) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	if f == nil {
		http.Error(w, "there is no such file", http.StatusNotFound)
		return
	}
	h.Set("Content-Type", f.kind)
	h.Set("ETag", f.tag)
	h.Set("Cache-Control", "no-cache") // kept, and asked about each time
	h.Set("Vary", "Accept-Encoding")
	if r.Header.Get("If-None-Match") == f.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	data := f.plain
	switch {
	case f.packed != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip"):
		data = f.packed
		h.Set("Content-Encoding", "gzip")
	case data == nil:
		z, err := gzip.NewReader(bytes.NewReader(f.packed))
		if err == nil {
			data, err = io.ReadAll(z)
		}
		if err != nil {
			http.Error(w, "the file is damaged", http.StatusInternalServerError)
			return
		}
	}
	h.Set("Content-Length", fmt.Sprint(len(data)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(data) // whoever asked may be gone
	}
}
