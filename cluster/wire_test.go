package cluster

import (
	"bytes"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/receipts"
)

// samples are one of each thing that is written.
func samples(t testing.TB) map[string]versioned {
	t.Helper()
	b := block.Raw([]byte("block"))
	car, err := pack([]block.Block{b, block.Raw([]byte("another"))})
	if err != nil {
		t.Fatal(err)
	}
	j := Job{Class: ClassExecute, Mode: "run", Subject: b.CID, Params: []byte("params")}.wire()
	why := "no luck"
	return map[string]versioned{
		"Accepted": &accepted{Version: acceptedVersion, Job: j, Attempt: 1, At: 2, Blocks: car},
		"End": &end{Version: endVersion, Job: j, Attempt: 1, State: string(Done), Result: new(receipts.Link(b.CID)), Receipts: links([]cid.Cid{b.CID}),
			Accepted: 1, Started: 2, Ended: 3, Log: []string{"line"}, By: "me", Blocks: car},
		"Report": &report{Version: reportVersion, State: string(Running), Attempt: 1, Stage: "run", Done: 1, Total: 2, Left: 3, Log: []string{"line"}, Error: &why},
		"Letter": &letter{Version: letterVersion, Job: j, Attempt: 1, Tries: 5, Error: why, At: 4},
		"Member": &member{Version: memberVersion, Host: "h/1", Since: 5, Posts: []post{{Class: ClassCheck, Slots: 2, Busy: 1}}},
	}
}

func empty(typ string) versioned {
	return map[string]versioned{"Accepted": &accepted{}, "End": &end{}, "Report": &report{}, "Letter": &letter{}, "Member": &member{}}[typ]
}

// TestRoundTrip writes and reads everything, and refuses what another version wrote, what has more fields and what is cut off.
func TestRoundTrip(t *testing.T) {
	for typ, v := range samples(t) {
		data, err := encode(v, typ)
		if err != nil {
			t.Fatalf("%s: %v", typ, err)
		}
		got := empty(typ)
		if err := decode(data, got, typ); err != nil {
			t.Fatalf("%s: %v", typ, err)
		}
		again, err := encode(got, typ)
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("%s is not what it was: %v", typ, err)
		}
		for n := range len(data) {
			if err := decode(data[:n], empty(typ), typ); err == nil {
				t.Errorf("%s cut off after %d bytes is accepted", typ, n)
			}
		}
		_, version := got.version()
		newer := bytes.Replace(data, []byte(version), bytes.Replace([]byte(version), []byte("/1"), []byte("/2"), 1), 1)
		if err := decode(newer, empty(typ), typ); err == nil {
			t.Errorf("%s of another version is accepted", typ)
		}
	}
}

// FuzzDecode reads anything as anything: what is accepted is what would be written.
func FuzzDecode(f *testing.F) {
	for typ, v := range samples(f) {
		data, err := encode(v, typ)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, typ := range []string{"Accepted", "End", "Report", "Letter", "Member"} {
			v := empty(typ)
			if decode(data, v, typ) != nil {
				continue
			}
			if again, err := encode(v, typ); err != nil || !bytes.Equal(again, data) {
				t.Errorf("%s: accepted, and written as other bytes: %v", typ, err)
			}
		}
	})
}

// FuzzUnpack reads anything as a pack: every block matches its CID.
func FuzzUnpack(f *testing.F) {
	car, err := pack([]block.Block{block.Raw([]byte("one")), block.Raw(nil)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(car)
	f.Fuzz(func(t *testing.T, data []byte) {
		blocks, err := unpack(data)
		if err != nil {
			return
		}
		for _, b := range blocks {
			if err := block.Check(b.CID, b.Data); err != nil {
				t.Error(err)
			}
		}
	})
}

// FuzzPlace reads anything as a cursor and as an identity: what is accepted is written the same.
func FuzzPlace(f *testing.F) {
	for _, s := range []string{"", "q1", "ezz", "execute-bafyreidpp2y6ulfb47lj2xmk444xc5hvjr7wxciqbsv5eqcutngqlspy5a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := parseCursor(s); err == nil && s != "" && p.String() != s {
			t.Errorf("the cursor %q is written as %q", s, p)
		}
		if id, err := ParseID(s); err == nil && string(id) != s {
			t.Errorf("the identity %q is written as %q", s, id)
		}
	})
}
