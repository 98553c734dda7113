package verifier_test

import (
	"bytes"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	mh "github.com/multiformats/go-multihash"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/receipts"
	"github.com/trilemma-dev/trilemma/verifier"
)

// one is a workflow that is small enough to flip every bit of its bundle.
const one = `{"trilemma": "workflow/1", "tasks": {"a": {"run": {"mod": "m.wasm", "fun": "add", "params": [1, 2]}}}}`

func archive(t testing.TB, b *receipts.Bundle) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := b.Write(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// askings are the ways to ask about a bundle.
func (f *fixture) askings() map[string]func(*verifier.Config) {
	out := make(map[string]func(*verifier.Config))
	for _, mode := range []verifier.Mode{verifier.Attest, verifier.Rerun, verifier.All} {
		for _, executor := range []string{"", f.key.DID()} {
			out[fmt.Sprintf("%s %q", mode, executor)] = func(c *verifier.Config) { c.Mode, c.Executor = mode, executor }
		}
	}
	return out
}

// neverValid checks that no way of asking gives valid.
func (f *fixture) neverValid(t testing.TB, b *receipts.Bundle, what string) {
	t.Helper()
	for how, edit := range f.askings() {
		if r := f.verify(t, b, verifier.All, edit); r.Outcome == verifier.Valid {
			t.Fatalf("%s: valid in %s", what, how)
		}
	}
}

// TestBitFlips flips every bit of a bundle's file.
func TestBitFlips(t *testing.T) {
	f := runOf(t, one)
	file := archive(t, f.run.Bundle)
	for bit := range len(file) * 8 {
		flipped := bytes.Clone(file)
		flipped[bit/8] ^= 1 << (bit % 8)
		b, err := receipts.ReadBundle(bytes.NewReader(flipped), block.CARLimits{})
		if err != nil {
			continue
		}
		f.neverValid(t, b, fmt.Sprintf("bit %d of the file", bit))
	}
}

// TestBitFlipsRelinked flips every bit of every block and puts the changed block in the place of the true one: whatever
// links to it gets the new CID, and so up to the root, so that every hash is right. Receipts are either relinked, which
// breaks their signatures, or left as they are signed.
func TestBitFlipsRelinked(t *testing.T) {
	f := runOf(t, one)
	honest := f.run.Bundle
	signed := map[cid.Cid]bool{f.run.Receipt.CID: true}
	for _, res := range f.run.Results {
		signed[res.Receipt.CID] = true
	}
	flips := 0
	for c, data := range honest.Blocks {
		if c.Equals(honest.Root) {
			continue // what it says is the Record, which is relinked below
		}
		for bit := range len(data) * 8 {
			flipped := bytes.Clone(data)
			flipped[bit/8] ^= 1 << (bit % 8)
			for _, keep := range []map[cid.Cid]bool{nil, signed} {
				b := relink(honest, c, flipped, keep)
				if b.Root.Equals(honest.Root) {
					continue // only receipts link to it: to them it is missing, see TestMissing
				}
				flips++
				what := fmt.Sprintf("bit %d of %s", bit, c)
				if bit%16 == 0 {
					f.neverValid(t, b, what)
				} else if r := f.verify(t, b, verifier.All, nil); r.Outcome == verifier.Valid {
					t.Fatalf("%s: valid", what)
				}
			}
		}
	}
	if flips < 15_000 {
		t.Errorf("only %d flips", flips)
	}
}

// relink returns a bundle in which data stands in the place of block c: every block that links to it, but for those to
// keep, is changed, and so on.
func relink(b *receipts.Bundle, c cid.Cid, data []byte, keep map[cid.Cid]bool) *receipts.Bundle {
	blocks := maps.Clone(b.Blocks)
	delete(blocks, c)
	now := map[cid.Cid]cid.Cid{}
	queue := []struct {
		old  cid.Cid
		data []byte
	}{{c, data}}
	for len(queue) > 0 {
		next := queue[0]
		queue = queue[1:]
		id := rehash(next.old, next.data)
		blocks[id] = next.data
		now[next.old] = id
		for other, data := range blocks {
			if !keep[other] && !other.Equals(id) && bytes.Contains(data, next.old.Bytes()) {
				delete(blocks, other)
				queue = append(queue, struct {
					old  cid.Cid
					data []byte
				}{origin(now, other), bytes.ReplaceAll(data, next.old.Bytes(), id.Bytes())})
			}
		}
	}
	moved := func(c cid.Cid) cid.Cid {
		if id, ok := now[c]; ok {
			return id
		}
		return c
	}
	return &receipts.Bundle{Root: moved(b.Root), Blocks: blocks, Record: receipts.Record{Trilemma: b.Record.Trilemma,
		Workflow: receipts.Link(moved(receipts.CID(b.Record.Workflow))), Receipt: receipts.Link(moved(receipts.CID(b.Record.Receipt)))}}
}

// origin is the CID under which a block stood before anything was changed.
func origin(now map[cid.Cid]cid.Cid, c cid.Cid) cid.Cid {
	for old, id := range now {
		if id.Equals(c) {
			return old
		}
	}
	return c
}

// rehash is the CID of data with the codec and the hash of another.
func rehash(like cid.Cid, data []byte) cid.Cid {
	if like.Prefix().MhType == mh.SHA3_256 {
		return block.SumSHA3(data)
	}
	return block.Sum(like.Prefix().Codec, data)
}

// FuzzTamper: whatever file is valid evidence of its executor, it is the honest run of the workflow. (Only what is no part of
// a claim may differ: the fixture is made anew by each process that fuzzes.)
func FuzzTamper(f *testing.F) {
	fix := runOf(f, one)
	f.Add(archive(f, fix.run.Bundle))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := receipts.ReadBundle(bytes.NewReader(data), block.CARLimits{Blocks: 1000, Bytes: 1 << 22})
		if err != nil {
			return
		}
		cfg := verifier.Config{Mode: verifier.All, Runner: fix.engine, Now: time.Now, Executor: fix.key.DID()}
		r, err := verifier.Verify(t.Context(), b, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if r.Outcome != verifier.Valid {
			return
		}
		if !receipts.CID(b.Record.Workflow).Equals(fix.w.CID) {
			t.Fatalf("a forged workflow: %x", data)
		}
		whole, ok := b.Get(receipts.CID(b.Record.Receipt))
		if !ok {
			t.Fatal("valid without the run's receipt")
		}
		run, err := receipts.Open(whole)
		if err != nil {
			t.Fatal(err)
		}
		for _, res := range fix.run.Results {
			blk, ok := b.Get(receipts.CID(run.Claim.Run.Receipts.Values[res.Task.Label]))
			if !ok {
				t.Fatalf("valid without the receipt of %s", res.Task.Label)
			}
			got, err := receipts.Open(blk)
			if err != nil {
				t.Fatal(err)
			}
			if fix.claim(t, got) != fix.claim(t, res.Receipt) {
				t.Fatalf("a forged receipt of %s: %x", res.Task.Label, data)
			}
		}
	})
}

// claim names what a receipt says, without its meta.
func (f *fixture) claim(t testing.TB, r *receipts.Receipt) string {
	t.Helper()
	b, err := receipts.Issue(f.key, r.Claim, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b.CID.String()
}
