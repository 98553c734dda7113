package httpapi_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/httpapi"
	"github.com/trilemma-dev/trilemma/receipts"
)

func head(path string) request { return request{method: http.MethodHead, path: path} }

func (r request) with(kv ...string) request {
	r.header = r.header.Clone()
	if r.header == nil {
		r.header = http.Header{}
	}
	for i := 0; i < len(kv); i += 2 {
		r.header.Set(kv[i], kv[i+1])
	}
	return r
}

// sections reads the blocks of a CAR stream in their order, duplicates included.
func sections(t *testing.T, data []byte) (root cid.Cid, ids []string) {
	t.Helper()
	r, err := block.NewCARReader(bytes.NewReader(data), block.CARLimits{})
	if err != nil {
		t.Fatal(err)
	}
	for {
		b, err := r.Next()
		if err == io.EOF {
			return r.Root, ids
		}
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, b.CID.String())
	}
}

// TestGatewayRaw asks for one block in every way.
func TestGatewayRaw(t *testing.T) {
	s := serve(t, nil)
	id := s.module("fib")
	path := "/ipfs/" + id
	resp, data := s.send(get(path + "?format=raw"))
	b := block.Raw(data)
	if resp.StatusCode != 200 || b.CID.String() != id {
		t.Fatalf("%d, %d bytes", resp.StatusCode, len(data))
	}
	for k, want := range map[string]string{"Content-Type": "application/vnd.ipld.raw", "Etag": `"` + id + `.raw"`, "X-Content-Type-Options": "nosniff",
		"Cache-Control": "public, max-age=29030400, immutable", "Content-Disposition": `attachment; filename="` + id + `.bin"`} {
		if got := resp.Header.Get(k); got != want {
			t.Errorf("%s: %q, want %q", k, got, want)
		}
	}
	if _, again := s.send(get(path).with("Accept", "text/html, application/vnd.ipld.raw;q=0.5")); !bytes.Equal(again, data) {
		t.Error("by Accept there are other bytes")
	}
	if resp, none := s.send(head(path + "?format=raw")); resp.StatusCode != 200 || len(none) > 0 || resp.ContentLength != int64(len(data)) {
		t.Errorf("HEAD: %d, %d bytes of %d", resp.StatusCode, len(none), resp.ContentLength)
	}
	if resp, part := s.send(get(path+"?format=raw").with("Range", "bytes=2-5")); resp.StatusCode != 206 || !bytes.Equal(part, data[2:6]) {
		t.Errorf("Range: %d, %x", resp.StatusCode, part)
	}
	if resp, none := s.send(get(path+"?format=raw").with("If-None-Match", `"`+id+`.raw"`)); resp.StatusCode != 304 || len(none) > 0 {
		t.Errorf("If-None-Match: %d", resp.StatusCode)
	}
	absent := "/ipfs/" + block.Raw([]byte("absent")).CID.String() + "?format=raw"
	s.refused(get(path+"?format=raw").with("Range", "bytes=100000-"), httpapi.CodeRange)
	s.refused(get(path+"?format=raw").with("If-Match", `"other"`), httpapi.CodeCondition)
	s.refused(get(path), httpapi.CodeMalformed)
	s.refused(get(path).with("Accept", "text/html"), httpapi.CodeAcceptable)
	s.refused(get(path+"?format=tar"), httpapi.CodeAcceptable)
	s.refused(get("/ipfs/nonsense?format=raw"), httpapi.CodeMalformed)
	s.refused(get(absent), httpapi.CodeNotFound)
	s.refused(get(absent).with("Cache-Control", "only-if-cached"), httpapi.CodeCondition)
	s.refused(get("/ipfs/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKhSgy?format=raw"), httpapi.CodeNotFound)
	s.refused(get(path+"/path?format=raw"), httpapi.CodeNoRoute)
	s.refused(request{method: http.MethodPost, path: path}, httpapi.CodeMethod)
}

// TestGatewayCAR fetches a run's whole graph, which is its bundle, and parts of it.
func TestGatewayCAR(t *testing.T) {
	s := serve(t, nil)
	run := s.run(s.fib(7))
	path := "/ipfs/" + run.Run
	resp, data := s.send(get(path).with("Accept", "application/vnd.ipld.car; version=1; order=dfs; dups=n"))
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || got != "application/vnd.ipld.car; version=1; order=dfs; dups=n" {
		t.Errorf("%d %s", resp.StatusCode, got)
	}
	b, err := receipts.ReadBundle(bytes.NewReader(data), block.CARLimits{})
	if err != nil || b.Root.String() != run.Run {
		t.Fatalf("the graph is not the bundle: %v", err)
	}
	root, whole := sections(t, data)
	if root.String() != run.Run || whole[0] != run.Run || len(whole) != len(b.Blocks) {
		t.Errorf("%d sections of %d blocks, from %s", len(whole), len(b.Blocks), whole[0])
	}
	_, twice := s.send(get(path + "?format=car&car-dups=y"))
	if _, ids := sections(t, twice); len(ids) <= len(whole) {
		t.Errorf("with duplicates there are %d sections, without %d", len(ids), len(whole))
	}
	for _, query := range []string{"&dag-scope=block", "&dag-scope=entity", "&entity-bytes=0:*", "&entity-bytes=-5:-1"} {
		if _, ids := sections(t, second(s.send(get(path+"?format=car"+query)))); len(ids) != 1 || ids[0] != run.Run {
			t.Errorf("%s: %v", query, ids)
		}
	}
	tag := resp.Header.Get("ETag")
	if other, _ := s.send(get(path + "?format=car&dag-scope=block")); other.Header.Get("ETag") == tag || !strings.HasPrefix(tag, `W/"`+run.Run+".car.") {
		t.Errorf("ETags %s and %s", tag, other.Header.Get("ETag"))
	}
	if resp, none := s.send(get(path+"?format=car").with("If-None-Match", tag)); resp.StatusCode != 304 || len(none) > 0 {
		t.Errorf("If-None-Match: %d", resp.StatusCode)
	}
	if resp, none := s.send(head(path + "?format=car")); resp.StatusCode != 200 || len(none) > 0 || resp.Header.Get("ETag") != tag {
		t.Errorf("HEAD: %d", resp.StatusCode)
	}
	for _, bad := range []string{"dag-scope=some", "entity-bytes=1", "entity-bytes=5:1", "car-dups=maybe"} {
		s.refused(get(path+"?format=car&"+bad), httpapi.CodeMalformed)
	}
	for _, bad := range []string{"car-version=2", "car-order=bfs"} {
		s.refused(get(path+"?format=car&"+bad), httpapi.CodeAcceptable)
	}
	s.refused(get(path+"?format=car").with("If-Match", tag), httpapi.CodeCondition)
}

func second(_ *http.Response, data []byte) []byte { return data }

// TestGatewayCut asks for a graph of which a block is missing: the stream must not look whole.
func TestGatewayCut(t *testing.T) {
	s := serve(t, nil)
	run := s.run(s.fib(7))
	b, err := receipts.ReadBundle(bytes.NewReader(second(s.send(get("/v1/runs/"+run.Run+"/bundle")))), block.CARLimits{})
	if err != nil {
		t.Fatal(err)
	}
	other := serve(t, nil)
	delete(b.Blocks, receipts.CID(b.Record.Workflow))
	for id, data := range b.Blocks {
		other.put(block.Block{CID: id, Data: data})
	}
	resp, err := http.Get(other.url + "/ipfs/" + run.Run + "?format=car")
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close() // it is only read
	}
	if err == nil {
		t.Error("the stream ended as if it were whole")
	}
}

func (s *service) put(b block.Block) {
	s.t.Helper()
	resp, data := s.send(request{method: http.MethodPut, path: "/v1/blocks/" + b.CID.String(), body: b.Data})
	if resp.StatusCode != http.StatusCreated {
		s.t.Fatalf("put: %d %s", resp.StatusCode, data)
	}
}
