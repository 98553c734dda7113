package capability_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
)

var encodings = []capability.Encoding{capability.Raw, capability.Base64, capability.Base64URL, capability.RawGzip, capability.Base64Gzip, capability.Base64URLGzip}

func TestContainerRoundTrip(t *testing.T) {
	f := newFamily(t)
	f.give(t, f.service, f.alice, nil)
	f.give(t, f.alice, f.bob, nil)
	again := &capability.Container{}
	for _, token := range f.proofs.All() {
		add(t, again, token)
		add(t, again, token)
	}
	if again.Len() != 2 {
		t.Fatalf("%d tokens", again.Len())
	}
	for _, e := range encodings {
		data, err := f.proofs.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		other, err := again.Encode(e)
		if err != nil || !bytes.Equal(data, other) {
			t.Errorf("%c: the same tokens give other bytes (%v)", e, err)
		}
		c, err := capability.ReadContainer(data)
		if err != nil {
			t.Errorf("%c: %v", e, err)
			continue
		}
		for id, token := range f.proofs.All() {
			if got, ok := c.Proof(id); !ok || !bytes.Equal(got, token) {
				t.Errorf("%c: %s is missing", e, id)
			}
		}
		if text := strings.Contains("BCOP", string(rune(e))); e.Text() != text {
			t.Errorf("%c: text %v", e, e.Text())
		}
		for cut := range len(data) {
			if _, err := capability.ReadContainer(data[:cut]); err == nil {
				t.Fatalf("%c: accepted when cut to %d of %d bytes", e, cut, len(data))
			}
		}
		for _, tail := range []string{"\n", "A", "\x00", "AAAA"} {
			if _, err := capability.ReadContainer(append(bytes.Clone(data), tail...)); !errors.Is(err, capability.ErrToken) {
				t.Errorf("%c: followed by %q: %v", e, tail, err)
			}
		}
	}
}

// inner makes the bytes of a container without any checks.
func inner(t testing.TB, key string, tokens ...datamodel.Node) []byte {
	t.Helper()
	n, err := qp.BuildMap(basicnode.Prototype.Any, 1, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, key, qp.List(int64(len(tokens)), func(la datamodel.ListAssembler) {
			for _, v := range tokens {
				qp.ListEntry(la, qp.Node(v))
			}
		}))
	})
	if err != nil {
		t.Fatal(err)
	}
	data, err := block.Encode(n)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func zipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, err := w.Write(data)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestContainerRefused(t *testing.T) {
	x, y := basicnode.NewBytes([]byte("x")), basicnode.NewBytes([]byte("y"))
	many := make([]datamodel.Node, capability.MaxTokens+1)
	for i := range many {
		many[i] = basicnode.NewBytes([]byte{byte(i), byte(i >> 8)})
	}
	for name, data := range map[string][]byte{
		"empty":          nil,
		"header only":    []byte("@"),
		"other header":   append([]byte("A"), inner(t, "ctn-v1", x)...),
		"other version":  append([]byte("@"), inner(t, "ctn-v2", x)...),
		"twice":          append([]byte("@"), inner(t, "ctn-v1", x, y, x)...),
		"not bytes":      append([]byte("@"), inner(t, "ctn-v1", basicnode.NewString("x"))...),
		"too many":       append([]byte("@"), inner(t, "ctn-v1", many...)...),
		"too long":       append([]byte("@"), inner(t, "ctn-v1", basicnode.NewBytes(make([]byte, capability.MaxContainer)))...),
		"long length":    []byte("@\xa1\x66ctn-v1\x81\x59\x00\x01x"),
		"indefinite":     []byte("@\xa1\x66ctn-v1\x9f\x41x\xff"),
		"list":           []byte("@\x81\x41x"),
		"two members":    append([]byte("M"), append(zipped(t, inner(t, "ctn-v1", x)), zipped(t, nil)...)...),
		"wrapped base64": []byte("B" + base64.StdEncoding.EncodeToString(inner(t, "ctn-v1", x))[:8] + "\n" + base64.StdEncoding.EncodeToString(inner(t, "ctn-v1", x))[8:]),
		"loose bits":     []byte("C" + strings.TrimRight(base64.RawURLEncoding.EncodeToString(inner(t, "ctn-v1", x)), "A") + "B"),
	} {
		if c, err := capability.ReadContainer(data); !errors.Is(err, capability.ErrToken) || c != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := capability.ReadContainer(append([]byte("@"), inner(t, "ctn-v1", y, x)...)); err != nil {
		t.Errorf("unsorted tokens, which others write: %v", err)
	}
}

// TestZipBomb unfolds a gigabyte from a megabyte, or would.
func TestZipBomb(t *testing.T) {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	zeros := make([]byte, 1<<20)
	for range 1024 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, bomb := range [][]byte{append([]byte("M"), buf.Bytes()...), append([]byte("P"), base64.RawURLEncoding.AppendEncode(nil, buf.Bytes())...)} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := capability.ReadContainer(bomb)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, capability.ErrToken) || got > 16*capability.MaxContainer || took > time.Second {
			t.Errorf("%d bytes: %v; %d bytes allocated in %v", len(bomb), err, got, took)
		}
	}
}

func FuzzReadContainer(f *testing.F) {
	c := &capability.Container{}
	for _, s := range []string{"x", "yy"} {
		add(f, c, []byte(s))
	}
	for _, e := range encodings {
		data, err := c.Encode(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := capability.ReadContainer(data)
		if err != nil {
			return
		}
		again, err := c.Encode(capability.Encoding(data[0]))
		if err != nil {
			t.Fatal(err)
		}
		d, err := capability.ReadContainer(again)
		if err != nil || d.Len() != c.Len() {
			t.Fatalf("read again: %v", err)
		}
		for _, what := range (capability.Validator{Now: at(noon)}).Describe(t.Context(), c) {
			if what.Kind != capability.KindUnreadable {
				t.Fatalf("a forged token: %s", what.Says)
			}
		}
	})
}
