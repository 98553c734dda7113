package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"strconv"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	"github.com/ipld/go-ipld-prime/node/basicnode"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	forgery "github.com/trilemma-dev/trilemma/internal/forge"
	"github.com/trilemma-dev/trilemma/receipts"
)

// forge makes a bundle with one thing wrong, every hash and signature of which is right: forge KIND KEY FROM TO LABEL.
// KEY is the honest executor's key file. The kinds:
//
//	value     the task's receipt claims another result
//	fuel      the task's receipt claims one fuel more
//	swap      the task's receipt is about the workflow, not about the task
//	key       the task's receipt is signed with another key
//	version   the task's receipt is of a version that does not exist
//	signature the task's receipt has a signature of another text
//	segment   the task's transcript has one bit of the state after its second segment changed
//	longer    the task's transcript goes on after the end
//	record    the bundle's record is of a version that does not exist
//	receipt   no bundle: the task's receipt alone
//	broken    no bundle: the task's receipt alone, with the signature of another text
//
// and those of [conceal].
func forge(ts *testscript.TestScript, neg bool, args []string) {
	argc(ts, neg, args, 5, "forge KIND KEY FROM TO LABEL")
	kind, to, label := args[0], ts.MkAbs(args[3]), args[4]
	key, err := capability.LoadKey(ts.MkAbs(args[1]))
	ts.Check(err)
	b, _, err := parseBundle(bytes.NewReader([]byte(ts.ReadFile(args[2]))), args[2])
	ts.Check(err)
	run, task, err := forgery.Receipts(b, label)
	ts.Check(err)
	taskBlock, _ := b.Get(task.CID)
	var signer capability.Signer = key
	forged := taskBlock
	switch kind {
	case "value":
		var v datamodel.Node = basicnode.NewInt(41)
		task.Claim.Out = receipts.Out{Ok: &v}
	case "fuel":
		ts.Check(forgery.Costlier(b, &task.Claim))
	case "swap":
		task.Claim.Ran = run.Claim.Ran
	case "segment":
		ts.Check(forgery.Flip(b, &task.Claim))
	case "longer":
		ts.Check(forgery.Lengthen(b, &task.Claim))
	case "key":
		signer, err = capability.KeyFromSeed(make([]byte, 32))
		ts.Check(err)
	default:
		conceal(ts, kind, &task.Claim)
	}
	switch kind {
	case "record":
		ts.Check(os.WriteFile(to, newerRecord(ts), 0o644))
		return
	case "receipt":
	case "version":
		forged = newerReceipt(ts, key, taskBlock)
	case "signature", "broken":
		forged = resign(ts, taskBlock)
	default:
		forged, err = receipts.Issue(signer, task.Claim, task.Meta)
		ts.Check(err)
	}
	if kind == "receipt" || kind == "broken" {
		ts.Check(os.WriteFile(to, forged.Data, 0o644))
		return
	}
	made, err := forgery.Replace(b, key, label, forged)
	ts.Check(err)
	var out bytes.Buffer
	ts.Check(made.Write(&out))
	ts.Check(os.WriteFile(to, out.Bytes(), 0o644))
}

// newerReceipt is a receipt with another version, signed as it should be.
func newerReceipt(ts *testscript.TestScript, key *capability.Key, b block.Block) block.Block {
	inv, err := capability.OpenInvocation(b.Data)
	ts.Check(err)
	inv.Args = with(ts, inv.Args, "run", func(run datamodel.Node) datamodel.Node {
		return with(ts, run, "version", func(datamodel.Node) datamodel.Node { return basicnode.NewString("receipt/9") })
	})
	token, err := inv.Seal(key)
	ts.Check(err)
	return block.Block{CID: block.Sum(cid.DagCBOR, token), Data: token}
}

// with is a map with one value replaced.
func with(ts *testscript.TestScript, m datamodel.Node, key string, change func(datamodel.Node) datamodel.Node) datamodel.Node {
	n, err := qp.BuildMap(basicnode.Prototype.Any, m.Length(), func(ma datamodel.MapAssembler) {
		for it := m.MapIterator(); !it.Done(); {
			k, v, err := it.Next()
			ts.Check(err)
			name, err := k.AsString()
			ts.Check(err)
			if name == key {
				v = change(v)
			}
			qp.MapEntry(ma, name, qp.Node(v))
		}
	})
	ts.Check(err)
	return n
}

// resign changes one bit of a token's signature.
func resign(ts *testscript.TestScript, b block.Block) block.Block {
	data := bytes.Clone(b.Data)
	data[10] ^= 1 // the envelope is a list of two, the first being the signature's bytes
	return block.Block{CID: block.Sum(cid.DagCBOR, data), Data: data}
}

// newerRecord is a bundle whose root says that it is a record of a version to come.
func newerRecord(ts *testscript.TestScript) []byte {
	n, err := qp.BuildMap(basicnode.Prototype.Any, 1, func(ma datamodel.MapAssembler) { qp.MapEntry(ma, "trilemma", qp.String("run/9")) })
	ts.Check(err)
	root, err := block.New(n)
	ts.Check(err)
	var out bytes.Buffer
	w, err := block.NewCARWriter(&out, root.CID)
	ts.Check(err)
	ts.Check(w.Put(root))
	return out.Bytes()
}

// claim adds the beginning of a block that claims to have so many bytes: claim FROM TO BYTES.
func claim(ts *testscript.TestScript, neg bool, args []string) {
	argc(ts, neg, args, 3, "claim FROM TO BYTES")
	n, err := strconv.ParseUint(args[2], 10, 64)
	ts.Check(err)
	data := binary.AppendUvarint([]byte(ts.ReadFile(args[0])), n)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o644))
}
