package httpapi

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/gin-gonic/gin"
)

// maxInMemory is how much of a body is kept in memory; a larger one lies in a file while it is read.
const maxInMemory = 1 << 20

// minBytesPerSecond is the slowest that a body may come on the whole, after a grace of Limits.Slow.
const minBytesPerSecond = 16 << 10

// body is a request's body, read to its end before anybody looks at it.
type body struct {
	io.Reader
	file   *os.File // nil if it is small
	size   int64
	digest [sha256.Size]byte
}

// emptyDigest is the digest of no bytes.
func emptyDigest() [sha256.Size]byte { return sha256.Sum256(nil) }

// Close implements [io.Closer]; the gate discards bodies itself.
func (b *body) Close() error { return nil }

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	if b.Reader == nil {
		return 0, io.EOF
	}
	return b.Reader.Read(p)
}

// bytes returns the whole body.
func (b *body) bytes() ([]byte, error) {
	data := make([]byte, b.size)
	_, err := io.ReadFull(b, data)
	return data, err
}

// discard closes the file of a large body, which has no name any more.
func (b *body) discard() {
	if b != nil && b.file != nil {
		_ = b.file.Close() // it was only read from
		b.file = nil
	}
}

// readBody reads a body of at most limit bytes, unless it comes too slowly.
func readBody(c *gin.Context, limit int64, cfg *Config) (*body, *Problem) {
	r := c.Request
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return &body{digest: emptyDigest()}, nil
	}
	switch enc := r.Header.Get("Content-Encoding"); {
	case r.ContentLength > limit:
		return nil, tooLarge(limit)
	case enc != "" && enc != "identity":
		return nil, problem(CodeMedia, "the content encoding %.40q is not understood here", enc)
	}
	b := &body{}
	src := &paced{r: io.LimitReader(r.Body, limit+1), control: http.NewResponseController(c.Writer), slow: cfg.Limits.Slow, start: time.Now()}
	hash := sha256.New()
	var head bytes.Buffer
	n, err := io.Copy(io.MultiWriter(&head, hash), io.LimitReader(src, maxInMemory))
	b.size, b.Reader = n, &head
	if err == nil && n == maxInMemory {
		err = b.spill(&head, io.TeeReader(src, hash), cfg.Dir)
	}
	// A deadline that stays would end the connection while the request is worked on.
	if derr := src.control.SetReadDeadline(time.Time{}); err == nil && derr != nil && !errors.Is(derr, http.ErrNotSupported) {
		err = derr
	}
	if err != nil {
		b.discard()
		return nil, bodyProblem(err)
	}
	if b.size > limit {
		b.discard()
		return nil, tooLarge(limit)
	}
	hash.Sum(b.digest[:0])
	return b, nil
}

func tooLarge(limit int64) *Problem {
	if limit == 0 {
		return problem(CodeTooLarge, "no body is wanted here")
	}
	return problem(CodeTooLarge, "the body has more than %d bytes", limit)
}

// errSlow ends a body that comes too slowly.
var errSlow = errors.New("the body came too slowly")

// errHost marks an error that is not the sender's.
var errHost = errors.New("cannot keep a body")

func bodyProblem(err error) *Problem {
	switch {
	case errors.Is(err, errSlow), errors.Is(err, os.ErrDeadlineExceeded):
		return problem(CodeSlow, "the body did not come, or at less than %d bytes a second", minBytesPerSecond)
	case errors.Is(err, errHost):
		return internal(err)
	}
	return problem(CodeMalformed, "the body ended early")
}

// spill keeps head and the rest of r in a file that has no name.
func (b *body) spill(head io.Reader, r io.Reader, dir string) error {
	f, err := os.CreateTemp(dir, "trilemma-body-")
	if err != nil {
		return fmt.Errorf("%w: %w", errHost, err)
	}
	b.file = f
	if err := os.Remove(f.Name()); err != nil {
		return fmt.Errorf("%w: %w", errHost, err)
	}
	w := &hostWriter{f}
	if _, err := io.Copy(w, head); err != nil {
		return err
	}
	n, err := io.Copy(w, r)
	b.size += n
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("%w: %w", errHost, err)
	}
	b.Reader = f
	return nil
}

// hostWriter marks errors of writing, so that they are not taken for the sender's.
type hostWriter struct{ w io.Writer }

func (h *hostWriter) Write(p []byte) (int, error) {
	n, err := h.w.Write(p)
	if err != nil {
		err = fmt.Errorf("%w: %w", errHost, err)
	}
	return n, err
}

// paced reads from a connection that may not pause for long, nor be slow on the whole.
type paced struct {
	r       io.Reader
	control *http.ResponseController
	slow    time.Duration
	start   time.Time
	got     int64
}

func (p *paced) Read(buf []byte) (int, error) {
	if err := p.control.SetReadDeadline(time.Now().Add(p.slow)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	n, err := p.r.Read(buf)
	p.got += int64(n)
	if err == nil && time.Since(p.start) > p.slow+time.Duration(p.got)*time.Second/minBytesPerSecond {
		err = errSlow
	}
	return n, err
}
