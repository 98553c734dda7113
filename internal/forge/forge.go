// Package forge makes bundles with one thing wrong, every hash and signature of which is right, for tests of whoever must find out.
package forge

import (
	"bytes"
	"fmt"

	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/capability"
	"github.com/trilemma-dev/trilemma/machine"
	"github.com/trilemma-dev/trilemma/receipts"
)

// Receipts are the receipt of a bundle's run, and that of one of its tasks.
func Receipts(b *receipts.Bundle, label string) (run, task *receipts.Receipt, err error) {
	data, _ := b.Get(receipts.CID(b.Record.Receipt))
	if run, err = receipts.Open(data); err != nil {
		return nil, nil, err
	}
	data, ok := b.Get(receipts.CID(run.Claim.Run.Receipts.Values[label]))
	if !ok {
		return nil, nil, fmt.Errorf("no task %q", label)
	}
	task, err = receipts.Open(data)
	return run, task, err
}

// Replace gives a task another receipt, and the run one that names it. It changes b.
func Replace(b *receipts.Bundle, key capability.Signer, label string, forged block.Block) (*receipts.Bundle, error) {
	run, _, err := Receipts(b, label)
	if err != nil {
		return nil, err
	}
	run.Claim.Run.Receipts.Values[label] = receipts.Link(forged.CID)
	whole, err := receipts.Issue(key, run.Claim, run.Meta)
	if err != nil {
		return nil, err
	}
	b.Blocks[forged.CID], b.Blocks[whole.CID] = forged.Data, whole.Data
	b.Record.Receipt = receipts.Link(whole.CID)
	return receipts.NewBundle(b.Record, b.Blocks)
}

// Claim is a bundle, as the bytes of one, in which the claim of a task is changed and signed with the key of the executor.
func Claim(bundle []byte, key capability.Signer, label string, change func(*receipts.Bundle, *receipts.Claim) error) ([]byte, error) {
	b, err := receipts.ReadBundle(bytes.NewReader(bundle), block.CARLimits{})
	if err != nil {
		return nil, err
	}
	_, task, err := Receipts(b, label)
	if err != nil {
		return nil, err
	}
	if err := change(b, &task.Claim); err != nil {
		return nil, err
	}
	forged, err := receipts.Issue(key, task.Claim, task.Meta)
	if err != nil {
		return nil, err
	}
	if b, err = Replace(b, key, label, forged); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = b.Write(&out)
	return out.Bytes(), err
}

// Costlier lets a claim say one fuel more.
func Costlier(_ *receipts.Bundle, claim *receipts.Claim) error {
	*claim.Run.Fuel++
	return nil
}

// Flip changes one bit of the state after the second segment of a claim's transcript.
func Flip(b *receipts.Bundle, claim *receipts.Claim) error {
	return retrace(b, claim, func(_ *machine.Transcript, roots []machine.Digest) []machine.Digest {
		roots[2][0] ^= 1
		return roots
	})
}

// Lengthen lets a claim's transcript go on after the end.
func Lengthen(b *receipts.Bundle, claim *receipts.Claim) error {
	return retrace(b, claim, func(t *machine.Transcript, roots []machine.Digest) []machine.Digest {
		t.Steps += machine.SegmentSteps
		claim.Run.Steps = &t.Steps
		return append(roots, roots[len(roots)-1])
	})
}

// retrace gives a claim another transcript, the blocks of which it adds to b.
func retrace(b *receipts.Bundle, claim *receipts.Claim, change func(*machine.Transcript, []machine.Digest) []machine.Digest) error {
	data, _ := b.Get(receipts.CID(*claim.Run.Transcript))
	t, err := machine.ReadTranscript(data.Data)
	if err != nil {
		return err
	}
	roots, err := t.ReadRoots(b.Get)
	if err != nil {
		return err
	}
	roots = change(t, roots)
	var all []byte
	for _, r := range roots {
		all = append(all, r[:]...)
	}
	raw, root := block.Raw(all), machine.RootOfRoots(roots)
	t.Root, t.Roots = root[:], []datamodel.Link{receipts.Link(raw.CID)}
	made, err := t.Block()
	if err != nil {
		return err
	}
	b.Blocks[raw.CID], b.Blocks[made.CID] = raw.Data, made.Data
	l := receipts.Link(made.CID)
	claim.Run.Transcript = &l
	return nil
}
