package block_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
)

func ExampleRaw() {
	b := block.Raw([]byte("hello world\n"))
	fmt.Println(b.CID, block.Check(b.CID, b.Data))
	// Output: bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4 <nil>
}

func TestCheck(t *testing.T) {
	good := block.Raw([]byte("x"))
	node, err := block.New(basicnode.NewInt(7))
	if err != nil {
		t.Fatal(err)
	}
	v0, err := cid.Decode("QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		cid  cid.Cid
		data string
		want error
	}{
		{"raw", good.CID, "x", nil},
		{"dag-cbor", node.CID, "\x07", nil},
		{"sha3", block.SumSHA3([]byte("\x07")), "\x07", nil},
		{"other bytes", good.CID, "y", block.ErrMismatch},
		{"shorter", good.CID, "", block.ErrMismatch},
		{"undefined", cid.Undef, "x", block.ErrUnsupported},
		{"version 0", v0, "x", block.ErrUnsupported},
		{"other codec", cid.NewCidV1(cid.DagJSON, good.CID.Hash()), "x", block.ErrUnsupported},
		{"same hash, other codec", cid.NewCidV1(cid.DagCBOR, good.CID.Hash()), "x", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := block.Check(tt.cid, []byte(tt.data)); !errors.Is(err, tt.want) {
				t.Errorf("Check = %v, want %v", err, tt.want)
			}
		})
	}
}

// TestDecodeStrict lists encodings that a lenient decoder accepts: each would give one document a second CID.
func TestDecodeStrict(t *testing.T) {
	tests := []struct {
		name string
		data []byte
		ok   bool
	}{
		{"map, keys sorted", []byte("\xa2\x61a\x01\x61b\x02"), true},
		{"map, keys unsorted", []byte("\xa2\x61b\x02\x61a\x01"), false},
		{"map, shorter key first", []byte("\xa2\x61b\x01\x62aa\x02"), true},
		{"map, longer key first", []byte("\xa2\x62aa\x02\x61b\x01"), false},
		{"map, key twice", []byte("\xa2\x61a\x01\x61a\x02"), false},
		{"integer not minimal", []byte{0x18, 0x01}, false},
		{"float64", []byte{0xfb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0}, true},
		{"float16", []byte{0xf9, 0x3e, 0x00}, false},
		{"float32", []byte{0xfa, 0x3f, 0xc0, 0, 0}, false},
		{"NaN", []byte{0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0}, false},
		{"indefinite list", []byte{0x9f, 0x01, 0xff}, false},
		{"undefined", []byte{0xf7}, false},
		{"unknown tag", []byte{0xc1, 0x01}, false},
		{"trailing bytes", []byte{0x01, 0x01}, false},
		{"empty", nil, false},
		{"claimed length", []byte{0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, false},
		{"claimed string", []byte{0x7b, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, false},
		{"deep", bytes.Repeat([]byte{0x81}, 100_000), false},
		{"not UTF-8", []byte{0x61, 0xff}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, err := block.Decode(tt.data)
			if (err == nil) != tt.ok {
				t.Errorf("Decode = %v, %v; accepted should be %v", n, err, tt.ok)
			}
		})
	}
}

const pairType = `type Pair struct {
	a Int
	b optional &Any
	c [String]
} representation map`

type pair struct {
	A int64
	B *datamodel.Link
	C []string
}

func TestUnmarshal(t *testing.T) {
	ts, err := ipld.LoadSchemaBytes([]byte(pairType))
	if err != nil {
		t.Fatal(err)
	}
	typ := ts.TypeByName("Pair")
	var link datamodel.Link = cidlink.Link{Cid: block.Raw([]byte("x")).CID}
	in := pair{A: 5, B: &link, C: []string{"p", "q"}}
	b, err := block.Marshal(&in, typ)
	if err != nil {
		t.Fatal(err)
	}
	var out pair
	if err := block.Unmarshal(b.Data, &out, typ); err != nil {
		t.Fatal(err)
	}
	if out.A != 5 || out.B == nil || len(out.C) != 2 || out.C[1] != "q" {
		t.Errorf("round trip gave %+v", out)
	}
	bad, err := qp.BuildMap(basicnode.Prototype.Any, -1, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, "a", qp.Int(5))
		qp.MapEntry(ma, "c", qp.List(0, func(datamodel.ListAssembler) {}))
		qp.MapEntry(ma, "d", qp.Int(1))
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range map[string]datamodel.Node{"unknown field": bad, "not a map": basicnode.NewInt(1)} {
		data, err := block.Encode(n)
		if err != nil {
			t.Fatal(err)
		}
		if err := block.Unmarshal(data, &out, typ); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func writeCAR(t testing.TB, root cid.Cid, blocks ...block.Block) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := block.NewCARWriter(&buf, root)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		if err := w.Put(b); err != nil {
			t.Fatal(err)
		}
	}
	return buf.Bytes()
}

func readCAR(data []byte, limits block.CARLimits) (root cid.Cid, blocks []block.Block, err error) {
	r, err := block.NewCARReader(bytes.NewReader(data), limits)
	if err != nil {
		return cid.Undef, nil, err
	}
	for {
		b, err := r.Next()
		if err == io.EOF {
			return r.Root, blocks, nil
		}
		if err != nil {
			return r.Root, blocks, err
		}
		blocks = append(blocks, b)
	}
}

func TestCAR(t *testing.T) {
	a, b := block.Raw([]byte("first")), block.Raw(bytes.Repeat([]byte("second"), 1000))
	data := writeCAR(t, a.CID, a, b, a)
	root, blocks, err := readCAR(data, block.CARLimits{})
	if err != nil || !root.Equals(a.CID) || len(blocks) != 2 || !bytes.Equal(blocks[1].Data, b.Data) {
		t.Fatalf("read back root %s, %d blocks, %v", root, len(blocks), err)
	}
	for n := range len(data) { // a cut between two sections is a shorter archive; every other cut is an error
		_, got, err := readCAR(data[:n], block.CARLimits{})
		if err == nil && len(got) == 2 {
			t.Fatalf("cut at %d was not noticed", n)
		}
	}
	if _, _, err := readCAR(data, block.CARLimits{Blocks: 1}); !errors.Is(err, block.ErrTooLarge) {
		t.Errorf("a block too many: %v", err)
	}
	if _, _, err := readCAR(data, block.CARLimits{Bytes: 100}); !errors.Is(err, block.ErrTooLarge) {
		t.Errorf("bytes too many: %v", err)
	}
	flipped := bytes.Clone(data)
	flipped[len(flipped)-1] ^= 1
	if _, _, err := readCAR(flipped, block.CARLimits{}); !errors.Is(err, block.ErrMismatch) {
		t.Errorf("flipped content: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("\xa2\x61a\x01\x61b\x82\x02\xf6"))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := block.Decode(data)
		if err != nil {
			return
		}
		again, err := block.Encode(n)
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("accepted %x, encodes to %x (%v)", data, again, err)
		}
		if _, err := block.Links(n); err != nil {
			t.Fatalf("Links: %v", err)
		}
	})
}

func FuzzCAR(f *testing.F) {
	a := block.Raw([]byte("a"))
	f.Add(writeCAR(f, a.CID, a))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, blocks, err := readCAR(data, block.CARLimits{Blocks: 100, Bytes: 1 << 20})
		for _, b := range blocks {
			if e := block.Check(b.CID, b.Data); e != nil {
				t.Fatalf("returned a bad block (%v): %v", err, e)
			}
		}
	})
}

// FuzzJSON: what DAG-JSON is read as can be written, and is read as the same again.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`[0.0, -0.0, 1e20, 1e30, -3e0, 3]`, `{"a": [1, -2.5, null, true, "x"]}`, `{"/": {"bytes": "AAE"}}`, `{"/": "bafkreidyxbz3qxoltyui5inckumb4ixk5h2hhoth32whkxw3ttsw2wldga"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := block.DecodeJSON(data)
		if err != nil {
			return
		}
		text, err := block.EncodeJSON(n)
		if err != nil {
			return // such as a number that JSON cannot hold
		}
		again, err := block.DecodeJSON(text)
		if err != nil || !datamodel.DeepEqual(n, again) {
			t.Fatalf("%q was written as %q, which is read as something else: %v", data, text, err)
		}
	})
}
