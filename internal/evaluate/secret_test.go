package evaluate

import (
	"bytes"
	"errors"
	"math/bits"
	"strings"
	"testing"

	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/node/basicnode"
	"pgregory.net/rapid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/receipts"
)

func secretJob(results ...link.Kind) *Job {
	return &Job{Linked: &link.Linked{Entry: link.Entry{Func: "f", Params: []link.Kind{link.Bytes, link.I32}, Results: results}}, Streams: make([][]byte, link.StreamParam+2),
		Limits: link.Limits{Fuel: 1000, Output: 1000}, Secret: &Secret{Inputs: map[int]hidden.Value{}}}
}

func commit(_ int, data []byte) (hidden.Commitment, error) {
	return hidden.Commit(data, hidden.Salt{31: 9}), nil
}

// TestBounds is the law of what receipts say of hidden sizes: each bound holds and is a power of two unless the cap leaves no room, and all keep within the cap.
func TestBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := secretJob(link.Bytes)
		var r link.Result
		r.Outcome.Kind = link.OK
		total := uint64(0)
		for i := range r.Streams {
			r.Streams[i] = make([]byte, rapid.IntRange(0, 300).Draw(t, "size"))
			total += uint64(len(r.Streams[i]))
		}
		j.Limits.Output = total + rapid.Uint64Range(0, 1000).Draw(t, "room")
		j.Secret.Declassify = rapid.Bool().Draw(t, "declassified")
		streams := j.hiddenOutputs(true)
		sum, public := uint64(0), total
		for _, i := range streams {
			public -= uint64(len(r.Streams[i]))
		}
		short := false
		for n, most := range j.bounds(r, streams) {
			size := uint64(len(r.Streams[streams[n]]))
			if most < size || most > hidden.Bucket(size) {
				t.Fatalf("%d bytes are bounded by %d", size, most)
			}
			short = short || bits.OnesCount64(most) != 1
			sum += most
		}
		if sum+public > j.Limits.Output || short && sum+public != j.Limits.Output {
			t.Fatalf("bounds of %d with %d public bytes, the cap is %d", sum, public, j.Limits.Output)
		}
	})
}

// TestConcludeSecret: whatever is in the streams, a conclusion holds none of what is hidden.
func TestConcludeSecret(t *testing.T) {
	const secret = "hunter2 hunter2"
	for _, declassify := range []bool{false, true} {
		for _, kind := range []link.OutcomeKind{link.OK, link.Exit, link.Trap, link.OutOfFuel} {
			j := secretJob(link.Bytes)
			j.Secret.Declassify = declassify
			j.Secret.Inputs[link.StreamParam] = hidden.Value{Kind: hidden.Bytes, Commitment: hidden.Commit([]byte(secret), hidden.Salt{})}
			j.Streams[link.StreamParam], j.Streams[link.StreamParam+1] = []byte(secret), []byte("public")
			r := link.Result{Outcome: link.Outcome{Kind: kind, Code: 7, Trap: link.TrapTape}, Fuel: 700}
			r.Streams = [link.OutStreams][]byte{[]byte("result"), []byte(secret), []byte(secret)}
			c, err := Conclude(j, r, j.Seal(r, commit))
			if err != nil {
				t.Fatal(err)
			}
			shown := 0
			for _, b := range c.Blocks {
				if bytes.Contains(b.Data, []byte("hunter2")) {
					t.Errorf("%v, %s: the secret is in a block", declassify, kind)
				}
				if string(b.Data) == "result" {
					shown++
				}
			}
			if want := map[bool]int{true: 1}[declassify && kind == link.OK]; shown != want {
				t.Errorf("%v, %s: the result is in %d blocks", declassify, kind, shown)
			}
			if c.Fuel != 1000 || len(c.Inputs) != 2 || c.Inputs[0].Cid != nil || c.Inputs[1].Cid == nil || len(c.Outputs) != link.OutStreams {
				t.Errorf("%v, %s: %+v", declassify, kind, c)
			}
			if f := c.Out.Error; kind != link.OK && (f == nil || f.Kind != string(kind) || f.Code != nil || f.Trap != nil || f.Message != nil) {
				t.Errorf("%v, %s: %+v", declassify, kind, c.Out)
			}
			// Whoever checks comes to the same from what the receipt says, and from nothing else.
			bare := *j
			bare.Streams = [][]byte{nil, nil, nil, nil, nil, []byte("public")}
			said := link.Result{Outcome: r.Outcome, Fuel: uint64(c.Fuel)}
			if declassify && kind == link.OK {
				said.Streams[link.OutResult] = r.Streams[link.OutResult]
			}
			again, err := Conclude(&bare, said, Stated(&c.Outputs))
			if err != nil || !SameOut(again.Out, c.Out) || again.Fuel != c.Fuel || len(again.Outputs) != len(c.Outputs) {
				t.Errorf("%v, %s: it comes to %+v, %v", declassify, kind, again, err)
			}
		}
	}
	if _, err := Conclude(secretJob(), link.Result{}, nil); err == nil {
		t.Error("nobody seals, and there is a conclusion")
	}
}

// TestStated: a receipt that does not commit to what is hidden is refused for its reason.
func TestStated(t *testing.T) {
	c := hidden.Commit(nil, hidden.Salt{})
	b, no, l := c[:], []byte("short"), receipts.Link(block.Raw(nil).CID)
	for want, regions := range map[string]*[]receipts.Region{
		"no commitment to output stream 1":    nil,
		"output stream 1, which is hidden":    {{Stream: 0, Commitment: &b}},
		"no commitment":                       {{Stream: 1, Cid: &l}},
		"a commitment beside what it hides":   {{Stream: 1, Cid: &l, Commitment: &b}},
		"a commitment is not a field element": {{Stream: 1, Commitment: &no}},
		"-1 bytes":                            {{Stream: 1, Size: -1, Commitment: &b}},
	} {
		if _, err := Stated(regions)([]int{1}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if got, err := Stated(&[]receipts.Region{{Stream: 1, Size: 4, Commitment: &b}})([]int{1}); err != nil || len(got) != 1 || got[0].Size != 4 {
		t.Errorf("%v, %v", got, err)
	}
}

// TestOpen: hidden results are read as what they are.
func TestOpen(t *testing.T) {
	for kind, c := range map[string]struct {
		stream []byte
		want   datamodel.Node
	}{
		"bytes":  {[]byte{1, 2}, basicnode.NewBytes([]byte{1, 2})},
		"string": {[]byte("é"), basicnode.NewString("é")},
		"i32":    {[]byte{255, 255, 255, 255, 0, 0, 0, 0}, basicnode.NewInt(-1)},
		"i64":    {[]byte{255, 255, 255, 255, 0, 0, 0, 0}, basicnode.NewInt(1<<32 - 1)},
		"f64":    {[]byte{0, 0, 0, 0, 0, 0, 0xf8, 0x3f}, basicnode.NewFloat(1.5)},
		"null":   {nil, datamodel.Null},
	} {
		if got, err := Open(kind, c.stream); err != nil || !datamodel.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, %v", kind, got, err)
		}
	}
	if got, err := Open("string", []byte{255}); err != nil || got.Kind() != datamodel.Kind_Bytes {
		t.Errorf("a string that is no text: %v, %v", got, err)
	}
	for kind, stream := range map[string][]byte{"i64": {1}, "i32,i32": make([]byte, 8), "list": nil, "": nil} {
		if v, err := Open(kind, stream); !errors.Is(err, ErrOpen) {
			t.Errorf("%q of %x: %v, %v", kind, stream, v, err)
		}
	}
}
