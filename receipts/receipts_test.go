package receipts_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/receipts"
)

func key(t testing.TB, seed byte) *capability.Key {
	t.Helper()
	k, err := capability.KeyFromSeed(bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func okClaim() receipts.Claim {
	task, comp, mod := block.Raw([]byte("task")).CID, block.Raw([]byte("computation")).CID, block.Raw([]byte("module")).CID
	var value datamodel.Node = basicnode.NewInt(6765)
	profile, fuel, module := "tm/1", int64(1234), receipts.Link(mod)
	outputs := []receipts.Region{{Stream: 0, Size: 8}}
	return receipts.Claim{
		Ran: receipts.Link(task),
		Out: receipts.Out{Ok: &value},
		Run: receipts.Run{Computation: receipts.Link(comp), Profile: &profile, Module: &module, Fuel: &fuel, Outputs: &outputs},
	}
}

func ExampleIssue() {
	k, err := capability.KeyFromSeed(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		fmt.Println(err)
		return
	}
	trap := "unreachable"
	claim := okClaim()
	claim.Out = receipts.Out{Error: &receipts.Failure{Kind: "trap", Trap: &trap}}
	b, err := receipts.Issue(k, claim, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := receipts.Open(b)
	fmt.Println(r.Issuer, r.Claim.Out.Error, err)
	// Output: did:key:z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX trap(unreachable) <nil>
}

func TestRoundTrip(t *testing.T) {
	b, err := receipts.Issue(key(t, 1), okClaim(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := receipts.Open(b)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := (*r.Claim.Out.Ok).AsInt(); err != nil || v != 6765 || *r.Claim.Run.Fuel != 1234 || (*r.Claim.Run.Outputs)[0].Size != 8 {
		t.Errorf("round trip: %+v (%v)", r.Claim, err)
	}
	again, err := receipts.Issue(key(t, 1), okClaim(), nil)
	if err != nil || !again.CID.Equals(b.CID) {
		t.Errorf("the same claim by the same key gave %s and %s (%v)", b.CID, again.CID, err)
	}
	for bit := range len(b.Data) * 8 {
		flipped := bytes.Clone(b.Data)
		flipped[bit/8] ^= 1 << (bit % 8)
		if _, err := receipts.Open(block.Block{CID: b.CID, Data: flipped}); err == nil {
			t.Fatalf("bit %d flipped and still accepted", bit)
		}
	}
}

// TestOpenRefuses signs things that are not receipts of this version with a good key.
func TestOpenRefuses(t *testing.T) {
	k := key(t, 1)
	run := func(version string) datamodel.Node {
		n, err := qp.BuildMap(basicnode.Prototype.Any, -1, func(ma datamodel.MapAssembler) {
			qp.MapEntry(ma, "run", qp.Map(-1, func(ma datamodel.MapAssembler) { qp.MapEntry(ma, "version", qp.String(version)) }))
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	exp := int64(99)
	tests := map[string]struct {
		inv  capability.Invocation
		want error
	}{
		"newer version":  {capability.Invocation{Command: receipts.Command, Args: run("receipt/2")}, receipts.ErrVersion},
		"fields missing": {capability.Invocation{Command: receipts.Command, Args: run("receipt/1")}, receipts.ErrReceipt},
		"other command":  {capability.Invocation{Command: "/wasm/run", Args: run("receipt/1")}, receipts.ErrReceipt},
		"expires":        {capability.Invocation{Command: receipts.Command, Args: run("receipt/1"), Expires: &exp}, receipts.ErrReceipt},
		"other subject":  {capability.Invocation{Command: receipts.Command, Args: run("receipt/1"), Subject: key(t, 2).DID()}, receipts.ErrReceipt},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.inv.Issuer = k.DID()
			if tt.inv.Subject == "" {
				tt.inv.Subject = k.DID()
			}
			token, err := tt.inv.Seal(k)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := receipts.Open(block.Block{CID: block.Sum(cid.DagCBOR, token), Data: token}); !errors.Is(err, tt.want) {
				t.Errorf("Open = %v, want %v", err, tt.want)
			}
		})
	}
	if _, err := receipts.Issue(k, receipts.Claim{}, nil); !errors.Is(err, receipts.ErrReceipt) {
		t.Errorf("a claim without a result was signed: %v", err)
	}
}

func bundle(t testing.TB) *receipts.Bundle {
	t.Helper()
	receipt, err := receipts.Issue(key(t, 1), okClaim(), nil)
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[cid.Cid][]byte{receipt.CID: receipt.Data}
	for _, s := range []string{"task", "computation", "module", "workflow", "nobody asked for this"} {
		b := block.Raw([]byte(s))
		blocks[b.CID] = b.Data
	}
	b, err := receipts.NewBundle(receipts.Record{
		Workflow: receipts.Link(block.Raw([]byte("workflow")).CID), Receipt: receipts.Link(receipt.CID)}, blocks)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func car(t testing.TB, root cid.Cid, blocks ...block.Block) []byte {
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

// twoRoots is a CAR header with two roots, as the format allows.
func twoRoots(t testing.TB, roots ...cid.Cid) []byte {
	t.Helper()
	n, err := qp.BuildMap(basicnode.Prototype.Any, 2, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, "roots", qp.List(int64(len(roots)), func(la datamodel.ListAssembler) {
			for _, c := range roots {
				qp.ListEntry(la, qp.Link(receipts.Link(c)))
			}
		}))
		qp.MapEntry(ma, "version", qp.Int(1))
	})
	if err != nil {
		t.Fatal(err)
	}
	data, err := block.Encode(n)
	if err != nil {
		t.Fatal(err)
	}
	return append(binary.AppendUvarint(nil, uint64(len(data))), data...)
}

func TestBundle(t *testing.T) {
	b := bundle(t)
	if len(b.Blocks) != 6 {
		t.Fatalf("%d blocks, want the record, the receipt and its four links", len(b.Blocks))
	}
	var buf bytes.Buffer
	if err := b.Write(&buf); err != nil {
		t.Fatal(err)
	}
	got, err := receipts.ReadBundle(bytes.NewReader(buf.Bytes()), block.CARLimits{})
	if err != nil || !got.Root.Equals(b.Root) || len(got.Blocks) != 6 {
		t.Fatalf("read back: %v", err)
	}

	var all []block.Block
	for c, data := range b.Blocks {
		all = append(all, block.Block{CID: c, Data: data})
	}
	for range 20 {
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		if _, err := receipts.ReadBundle(bytes.NewReader(car(t, b.Root, all...)), block.CARLimits{}); err != nil {
			t.Fatalf("another order of the blocks: %v", err)
		}
	}
	if _, err := receipts.ReadBundle(bytes.NewReader(car(t, b.Root, append(all, block.Raw([]byte("extra")))...)), block.CARLimits{}); !errors.Is(err, receipts.ErrBundle) {
		t.Errorf("a block that nothing links to: %v", err)
	}
	if _, err := receipts.ReadBundle(bytes.NewReader(car(t, block.Raw([]byte("no")).CID, all...)), block.CARLimits{}); !errors.Is(err, receipts.ErrBundle) {
		t.Errorf("a root that is not there: %v", err)
	}
	// The library's writer leaves duplicates out, so the section is copied by hand.
	whole := car(t, b.Root, all...)
	header := len(car(t, b.Root))
	last := len(car(t, b.Root, all[:len(all)-1]...))
	twice := append(bytes.Clone(whole), whole[last:]...)
	if _, err := receipts.ReadBundle(bytes.NewReader(twice), block.CARLimits{}); !errors.Is(err, receipts.ErrBundle) || !strings.Contains(err.Error(), "comes twice") {
		t.Errorf("a block that comes twice: %v", err)
	}
	for _, other := range all {
		if other.CID.Equals(b.Root) {
			continue
		}
		if _, err := receipts.ReadBundle(bytes.NewReader(append(car(t, other.CID), whole[header:]...)), block.CARLimits{}); !errors.Is(err, receipts.ErrBundle) {
			t.Errorf("the block %s as root: %v", other.CID, err)
		}
	}
	if _, err := receipts.ReadBundle(bytes.NewReader(append(twoRoots(t, b.Root, all[0].CID), whole[header:]...)), block.CARLimits{}); err == nil || !strings.Contains(err.Error(), "2 roots") {
		t.Errorf("two roots: %v", err)
	}
	newer, err := qp.BuildMap(basicnode.Prototype.Any, -1, func(ma datamodel.MapAssembler) {
		qp.MapEntry(ma, "trilemma", qp.String("run/2"))
	})
	if err != nil {
		t.Fatal(err)
	}
	root, err := block.New(newer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := receipts.ReadBundle(bytes.NewReader(car(t, root.CID, root)), block.CARLimits{}); !errors.Is(err, receipts.ErrVersion) {
		t.Errorf("a newer record: %v", err)
	}
}

// TestBundleBitFlips flips every bit of a bundle's file: each must be refused, or be a bundle from which blocks are
// missing; the record and all blocks that are left are the true ones.
func TestBundleBitFlips(t *testing.T) {
	b := bundle(t)
	var buf bytes.Buffer
	if err := b.Write(&buf); err != nil {
		t.Fatal(err)
	}
	for bit := range buf.Len() * 8 {
		flipped := bytes.Clone(buf.Bytes())
		flipped[bit/8] ^= 1 << (bit % 8)
		got, err := receipts.ReadBundle(bytes.NewReader(flipped), block.CARLimits{})
		if err == nil {
			t.Fatalf("bit %d flipped and accepted (%d of %d blocks)", bit, len(got.Blocks), len(b.Blocks))
		}
		if strings.Contains(err.Error(), "panic") {
			t.Fatal(err)
		}
	}
}

// FuzzOpen signs whatever comes with a good key: what is taken for a claim says the same when it is issued again.
func FuzzOpen(f *testing.F) {
	k := key(f, 1)
	seed, err := receipts.Issue(k, okClaim(), nil)
	if err != nil {
		f.Fatal(err)
	}
	inv, err := capability.OpenInvocation(seed.Data)
	if err != nil {
		f.Fatal(err)
	}
	args, err := block.Encode(inv.Args)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(args)
	f.Fuzz(func(t *testing.T, data []byte) {
		args, err := block.Decode(data)
		if err != nil {
			return
		}
		inv := capability.Invocation{Issuer: k.DID(), Subject: k.DID(), Command: receipts.Command, Args: args}
		token, err := inv.Seal(k)
		if err != nil {
			return
		}
		r, err := receipts.Open(block.Block{CID: block.Sum(cid.DagCBOR, token), Data: token})
		if err != nil {
			return
		}
		again, err := receipts.Issue(k, r.Claim, r.Meta)
		if err != nil || !bytes.Equal(again.Data, token) {
			t.Fatalf("a receipt that cannot be issued: %x, %v", data, err)
		}
	})
}

func FuzzReadBundle(f *testing.F) {
	var buf bytes.Buffer
	if err := bundle(f).Write(&buf); err != nil {
		f.Fatal(err)
	}
	f.Add(buf.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := receipts.ReadBundle(bytes.NewReader(data), block.CARLimits{Blocks: 1000, Bytes: 1 << 22})
		if err != nil {
			return
		}
		for c, data := range b.Blocks {
			if err := block.Check(c, data); err != nil {
				t.Fatal(err)
			}
		}
	})
}
