package httpapi_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/httpapi"
)

// sink counts the blocks that it is given, and keeps none.
type sink struct {
	*memory
	blocks atomic.Int64
}

func (s *sink) Put(context.Context, block.Block) error {
	s.blocks.Add(1)
	return nil
}

// peak calls f and returns how much the heap grew meanwhile at most, in bytes.
func peak(f func()) int64 {
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	done, most := make(chan struct{}), make(chan uint64)
	go func() {
		high := uint64(0)
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			high = max(high, now.HeapInuse)
			select {
			case <-tick.C:
			case <-done:
				tick.Stop()
				most <- high
				return
			}
		}
	}()
	f()
	close(done)
	return int64(<-most) - int64(before.HeapInuse)
}

// TestMillionBlocks sends a CAR file of a million small blocks, more than are taken: it ends there, and memory stays what it was.
func TestMillionBlocks(t *testing.T) {
	const blocks, most = 1_000_000, 200_000
	var kept *sink
	s := serve(t, func(c *httpapi.Config) {
		kept = &sink{memory: c.Blocks.(*memory)}
		c.Blocks, c.Limits.Blocks = kept, most
	})
	root := block.Raw([]byte("root"))
	from, to := io.Pipe()
	go func() {
		w := bufio.NewWriterSize(to, 1<<16)
		_, _ = w.Write(car(t, root)) // that the other side stops reading is what is expected
		for i := range blocks {
			b := block.Raw(binary.LittleEndian.AppendUint32(nil, uint32(i)))
			section := append(b.CID.Bytes(), b.Data...)
			if _, err := w.Write(append(binary.AppendUvarint(nil, uint64(len(section))), section...)); err != nil {
				break
			}
		}
		_ = to.CloseWithError(w.Flush())
	}()
	var status int
	var p httpapi.Problem
	grown := peak(func() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/car", from)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/vnd.ipld.car")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		status = resp.StatusCode
		if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
			t.Error(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	})
	if status != http.StatusRequestEntityTooLarge || p.Code != httpapi.CodeTooLarge {
		t.Errorf("%d %s: %s", status, p.Code, p.Detail)
	}
	if n := kept.blocks.Load(); n > most {
		t.Errorf("%d blocks were kept, %d are allowed", n, most)
	}
	if grown > 64<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

// TestZipBombs sends a token and a revocation that would unfold to a gigabyte.
func TestZipBombs(t *testing.T) {
	s := serve(t, nil)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	zeros := make([]byte, 1<<20)
	for range 1 << 10 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	revocation := request{method: http.MethodPost, path: "/v1/revocations", body: append([]byte("M"), packed.Bytes()...)}
	grown := peak(func() {
		s.refused(revocation, httpapi.CodeContent)
		token := "P" + base64.RawURLEncoding.EncodeToString(packed.Bytes()[:90<<10])
		s.refused(get("/v1/jobs").with("Authorization", "Bearer "+token), httpapi.CodeToken)
		s.refused(get("/v1/jobs").with("Authorization", "Bearer P"+strings.Repeat("A", 90<<10)), httpapi.CodeToken)
	})
	if grown > 32<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}
