package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/store"
)

// The gateway serves what is kept here as https://specs.ipfs.tech/http-gateways/trustless-gateway/ says: raw blocks and CAR streams, which
// whoever asked can check. There is no UnixFS, so that an entity is a block and paths lead nowhere.

const (
	typeRawBlock = "application/vnd.ipld.raw"
	formRaw      = "raw"
	formCAR      = "car"
)

// carAsked is a CAR stream as it was asked for.
type carAsked struct {
	scope string // all, entity, block
	dups  bool
}

func (s *Server) gateway(c *gin.Context) {
	s.enter(c, need{command: capability.CommandGet, public: true}, func() {
		if p := s.content(c); p != nil {
			s.report(c.Request.Context(), p)
			p.write(c)
		}
	})
}

// content answers with a block or a CAR stream, or returns what is wrong.
func (s *Server) content(c *gin.Context) *Problem {
	id, err := cid.Decode(c.Param("cid"))
	if err != nil || len(c.Param("cid")) > 256 {
		return problem(CodeMalformed, "%.100q is not a CID", c.Param("cid"))
	}
	query, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return problem(CodeMalformed, "the query cannot be read")
	}
	form, params, p := formOf(c.GetHeader("Accept"), query)
	if p != nil {
		return p
	}
	car, p := carOf(params, query)
	if form == formCAR && p != nil {
		return p
	}
	root, err := s.cfg.Blocks.Get(c.Request.Context(), id)
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, block.ErrUnsupported):
		if strings.Contains(c.GetHeader("Cache-Control"), "only-if-cached") {
			return problem(CodeCondition, "%s is not kept here", id)
		}
		return problem(CodeNotFound, "%s is not kept here", id)
	case err != nil:
		return problemOf(err)
	}
	h := c.Writer.Header()
	h.Set("X-Ipfs-Path", "/ipfs/"+id.String())
	h.Set("X-Ipfs-Roots", id.String())
	h.Set("Cache-Control", immutable)
	h.Set("Vary", "Accept")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.%s"`, id, map[string]string{formRaw: "bin", formCAR: "car"}[form]))
	if form == formRaw {
		return serveRaw(c, root)
	}
	return s.serveCAR(c, root, car)
}

// formOf finds which form is asked for: by the query, else by the Accept header.
func formOf(accept string, query url.Values) (form string, params map[string]string, p *Problem) {
	if f := query.Get("format"); f != "" {
		if f != formRaw && f != formCAR {
			return "", nil, problem(CodeAcceptable, "there is no format %.40q of content here, only raw and car", f)
		}
		for _, r := range ranges(accept) { // its parameters count all the same
			if r.form == f {
				params = r.params
			}
		}
		return f, params, nil
	}
	if accept == "" {
		return "", nil, problem(CodeMalformed, "name a form: Accept: %s or %s", typeRawBlock, typeCAR).hint("or ?format=raw or ?format=car")
	}
	for _, r := range ranges(accept) {
		if r.form != "" {
			return r.form, r.params, nil
		}
	}
	return "", nil, problem(CodeAcceptable, "content is served as %s and %s, not as %.100q", typeRawBlock, typeCAR, accept)
}

// accepted media ranges, the most wanted first.
type mediaRange struct {
	form   string // empty: one that is not served here
	q      float64
	params map[string]string
}

func ranges(accept string) (out []mediaRange) {
	for text := range strings.SplitSeq(accept, ",") {
		t, params, err := mime.ParseMediaType(text)
		if err != nil {
			continue
		}
		r := mediaRange{q: 1, params: params}
		switch t {
		case typeRawBlock:
			r.form = formRaw
		case typeCAR:
			r.form = formCAR
		}
		if q, ok := params["q"]; ok {
			if r.q, err = strconv.ParseFloat(q, 64); err != nil || r.q <= 0 {
				continue
			}
		}
		out = append(out, r)
	}
	slices.SortStableFunc(out, func(a, b mediaRange) int { return cmp.Compare(b.q, a.q) })
	return out
}

// carOf reads what kind of CAR stream is asked for.
func carOf(params map[string]string, query url.Values) (car carAsked, p *Problem) {
	pick := func(param, key string) string {
		if v := query.Get(key); v != "" {
			return v
		}
		return params[param]
	}
	if v := pick("version", "car-version"); v != "" && v != "1" {
		return car, problem(CodeAcceptable, "CAR version %.20q is not served here, only 1", v)
	}
	switch order := pick("order", "car-order"); order {
	case "", "dfs", "unk":
	default:
		return car, problem(CodeAcceptable, "the order %.20q is not served here, only dfs", order)
	}
	switch dups := pick("dups", "car-dups"); dups {
	case "", "n":
	case "y":
		car.dups = true
	default:
		return car, problem(CodeMalformed, "dups is y or n, not %.20q", dups)
	}
	switch car.scope = query.Get("dag-scope"); car.scope {
	case "all", "entity", "block":
	case "":
		car.scope = "all"
	default:
		return car, problem(CodeMalformed, "dag-scope is all, entity or block, not %.20q", car.scope)
	}
	if bytes := query.Get("entity-bytes"); bytes != "" {
		if !isEntityBytes(bytes) {
			return car, problem(CodeMalformed, "entity-bytes is from:to, not %.40q", bytes)
		}
		car.scope = "entity" // of one block: any part of it takes the whole
	}
	return car, nil
}

// isEntityBytes reports whether s is a range of bytes: from:to, where to may be *, and each may count from the end.
func isEntityBytes(s string) bool {
	from, to, ok := strings.Cut(s, ":")
	f, err := strconv.ParseInt(from, 10, 64)
	if !ok || err != nil {
		return false
	}
	if to == "*" {
		return true
	}
	t, err := strconv.ParseInt(to, 10, 64)
	return err == nil && ((f < 0) != (t < 0) || t >= f)
}

// serveRaw answers with one block; ranges and conditions are those of HTTP (RFC 9110).
func serveRaw(c *gin.Context, b block.Block) *Problem {
	h := c.Writer.Header()
	h.Set("Content-Type", typeRawBlock)
	h.Set("ETag", `"`+b.CID.String()+`.raw"`)
	w := &refusing{ResponseWriter: c.Writer}
	http.ServeContent(w, c.Request, "", time.Time{}, bytes.NewReader(b.Data))
	switch w.refused {
	case http.StatusPreconditionFailed:
		return problem(CodeCondition, "the block has another ETag than If-Match wants")
	case http.StatusRequestedRangeNotSatisfiable:
		return problem(CodeRange, "the block has %d bytes", len(b.Data))
	}
	return nil
}

// refusing keeps back an answer that is an error, so that it can be a problem document.
type refusing struct {
	http.ResponseWriter
	refused int
}

// WriteHeader implements [http.ResponseWriter].
func (r *refusing) WriteHeader(status int) {
	if status >= http.StatusBadRequest {
		r.refused = status
		return
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (r *refusing) Write(p []byte) (int, error) {
	if r.refused != 0 {
		return len(p), nil
	}
	return r.ResponseWriter.Write(p)
}

func (s *Server) serveCAR(c *gin.Context, root block.Block, car carAsked) *Problem {
	dups := map[bool]string{true: "y", false: "n"}[car.dups]
	sum := sha256.Sum256([]byte(car.scope + " dfs " + dups))
	tag := `W/"` + root.CID.String() + ".car." + hex.EncodeToString(sum[:8]) + `"`
	h := c.Writer.Header()
	h.Set("Content-Type", typeCAR+"; version=1; order=dfs; dups="+dups)
	h.Set("ETag", tag)
	h.Set("Accept-Ranges", "none")
	if m := c.GetHeader("If-Match"); m != "" && m != "*" { // weak tags never match strongly
		return problem(CodeCondition, "a stream has only a weak ETag, which If-Match does not match")
	}
	for t := range strings.SplitSeq(c.GetHeader("If-None-Match"), ",") {
		if t = strings.TrimSpace(t); t == "*" || strings.TrimPrefix(t, "W/") == strings.TrimPrefix(tag, "W/") {
			h.Del("Content-Type")
			c.Writer.WriteHeader(http.StatusNotModified)
			c.Writer.WriteHeaderNow()
			return nil
		}
	}
	c.Writer.WriteHeader(http.StatusOK)
	if c.Request.Method == http.MethodHead {
		c.Writer.WriteHeaderNow()
		return nil
	}
	w := &slowWriter{c.Writer, http.NewResponseController(c.Writer), s.cfg.Limits.Slow}
	if err := s.writeCAR(c.Request.Context(), w, root, car); err != nil {
		s.cut(c.Request.Context(), err)
	}
	return nil
}

// writeCAR writes a CARv1 stream in the order of a depth-first walk.
func (s *Server) writeCAR(ctx context.Context, w *slowWriter, root block.Block, car carAsked) error {
	if _, err := block.NewCARWriter(w, root.CID); err != nil {
		return err
	}
	seen := make(map[cid.Cid]bool)
	stack := []cid.Cid{root.CID}
	for sent := 0; len(stack) > 0; {
		id := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[id] && !car.dups {
			continue
		}
		seen[id] = true
		b := root
		if sent > 0 {
			var err error
			if b, err = s.cfg.Blocks.Get(ctx, id); err != nil {
				return err
			}
		}
		if sent++; sent > 10*s.cfg.Limits.Blocks { // with duplicates a small graph can be a long stream
			return fmt.Errorf("%w: more than %d blocks", block.ErrTooLarge, sent)
		}
		if err := writeSection(w, b); err != nil {
			return err
		}
		if car.scope != "all" || id.Prefix().Codec != cid.DagCBOR {
			continue
		}
		n, err := block.Decode(b.Data)
		if err != nil {
			return err
		}
		links, err := block.Links(n)
		if err != nil {
			return err
		}
		slices.Reverse(links) // the first is to come off the stack first
		stack = append(stack, links...)
	}
	return nil
}

// writeSection writes one block: its length as a varint, its CID, its bytes.
func writeSection(w *slowWriter, b block.Block) error {
	id := b.CID.Bytes()
	head := append(binary.AppendUvarint(nil, uint64(len(id)+len(b.Data))), id...)
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(b.Data)
	return err
}
