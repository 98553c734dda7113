package prover

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/consensys/gnark/backend/groth16/bn254/mpcsetup"

	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
)

// TestCeremony: two contributors, and a verifier who gets the same keys; they prove. A step that was changed, left out or made for something else is refused.
func TestCeremony(t *testing.T) {
	var circuits []*Circuit
	size := uint64(0)
	for _, s := range toyShapes {
		c := must(Compile(s, toyLabels))
		circuits = append(circuits, c)
		size = max(size, PowersFor(c.Constraints()))
	}
	alice := must(ContributePowers(size, nil))
	bob := must(ContributePowers(size, alice))
	powers := must(EndPowers(size, []byte("beacon 1"), stepsOf(alice, bob)))

	blocks := map[cid.Cid][]byte{}
	step := func(b []byte) block.Block {
		s := StepBlock(b)
		blocks[s.CID] = b
		return s
	}
	transcript := &Transcript{Trilemma: TranscriptVersion, Size: int64(size), Beacon: []byte("beacon 1"), Steps: Links(step(alice), step(bob))}

	var keys []Keys
	var first [][]byte
	for _, c := range circuits {
		alice := must(Contribute(c, must(powers.Begin(c))))
		bob := must(Contribute(c, alice))
		k := must(powers.End(c, []byte("beacon 2"), stepsOf(alice, bob)))
		if again := must(powers.End(c, []byte("beacon 2"), stepsOf(alice, bob))); !bytes.Equal(again.Key.Bytes(), k.Key.Bytes()) {
			t.Errorf("%s: the verifier gets another key", c.Name())
		}
		if other := must(powers.End(c, []byte("beacon 3"), stepsOf(alice, bob))); bytes.Equal(other.Key.Bytes(), k.Key.Bytes()) {
			t.Errorf("%s: another beacon gives the same key", c.Name())
		}
		d := c.Digest()
		transcript.Circuits = append(transcript.Circuits, CircuitSteps{Circuit: d[:], Beacon: []byte("beacon 2"), Steps: Links(step(alice), step(bob))})
		keys = append(keys, k)
		if first == nil {
			first = [][]byte{alice, bob}
		}
	}
	p := must(New(toyLabels, keys))
	j := toyJob(1)
	ps, err := p.Prove(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	if err := toyProver(t).Family().Verify(j.Statement, ps, j.given); err == nil {
		t.Error("a proof under the ceremony's keys verifies under others")
	}

	b := must(transcript.Block())
	read := must(ReadTranscript(b.Data))
	get := func(c cid.Cid) ([]byte, error) { return blocks[c], nil }
	for i, k := range must(read.Verify(circuits, get)) {
		if !bytes.Equal(k.Key.Bytes(), keys[i].Key.Bytes()) {
			t.Errorf("the transcript leads to another key of %s", k.Circuit.Name())
		}
	}
	blocks[StepBlock(alice).CID] = bob
	if _, err := read.Verify(circuits, get); !errors.Is(err, ErrCeremony) {
		t.Errorf("a step that is not the one named: %v", err)
	}
	if _, err := read.Verify(circuits[:1], get); !errors.Is(err, ErrCeremony) {
		t.Errorf("a circuit left out: %v", err)
	}
	if _, err := ReadTranscript(b.Data[:len(b.Data)-1]); !errors.Is(err, ErrCeremony) {
		t.Errorf("a transcript cut off: %v", err)
	}
	m := must(NewKeystore(t.TempDir()).Save(keys[0], b.CID))
	if m.Dev() || m.Origin() != b.CID.String() {
		t.Errorf("the manifest of the ceremony's key says %q", m.Origin())
	}

	flip := func(b []byte, at int) []byte {
		b = bytes.Clone(b)
		b[at] ^= 1
		return b
	}
	foreign := must(ContributePowers(size, must(ContributePowers(size, nil))))
	for name, steps := range map[string][][]byte{
		"no steps":                {},
		"the first left out":      {bob},
		"in the wrong order":      {bob, alice},
		"one of another ceremony": {alice, foreign},
		"one cut off":             {alice, bob[:len(bob)-1]},
		"one longer":              {alice, append(bytes.Clone(bob), 0)},
		"a point changed":         {alice, flip(bob, len(bob)/2)},
		"a size changed":          {alice, flip(bob, sizeAt(size, bob))},
		"a challenge changed":     {alice, flip(bob, len(bob)-1)},
		"one of another size":     {must(ContributePowers(2*size, nil))},
	} {
		if _, err := EndPowers(size, []byte("beacon 1"), stepsOf(steps...)); !errors.Is(err, ErrCeremony) {
			t.Errorf("powers, %s: %v", name, err)
		}
	}
	for name, steps := range map[string][][]byte{
		"no steps":            {},
		"the first left out":  {first[1]},
		"of another circuit":  {must(Contribute(circuits[1], must(powers.Begin(circuits[1]))))},
		"one cut off":         {first[0], first[1][:100]},
		"a point changed":     {first[0], flip(first[1], len(first[1])/2)},
		"a length changed":    {first[0], flip(first[1], 2+32)},
		"commitments changed": {first[0], flip(first[1], 0)},
	} {
		if _, err := powers.End(circuits[0], []byte("beacon 2"), stepsOf(steps...)); !errors.Is(err, ErrCeremony) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// stepsOf are steps that are there.
func stepsOf(steps ...[]byte) Steps {
	return func(yield func([]byte, error) bool) {
		for _, s := range steps {
			if !yield(s, nil) {
				return
			}
		}
	}
}

// TestBeginEqualsGnark: the second phase begins as it does in gnark, for a circuit of the size of the powers; for a smaller one too, with powers that are cut.
func TestBeginEqualsGnark(t *testing.T) {
	for _, s := range toyShapes {
		c := must(Compile(s, toyLabels))
		size := PowersFor(c.Constraints())
		large := must(EndPowers(4*size, []byte("beacon"), stepsOf(must(ContributePowers(4*size, nil)))))
		ours, err := large.begin(c)
		if err != nil {
			t.Fatal(err)
		}
		theirs := new(mpcsetup.Phase2)
		if want := theirs.Initialize(c.system, ours.commons); !reflect.DeepEqual(*ours.evaluations, want) {
			t.Errorf("%s: other evaluations", c.Name())
		}
		if !bytes.Equal(must(written(ours.step)), must(written(theirs))) {
			t.Errorf("%s: another first step", c.Name())
		}
	}
}

// sizeAt is where the highest byte of the size lies in a step: before N points of G2, 4N−2 of G1 and a challenge of 32 bytes and its length.
func sizeAt(size uint64, step []byte) int {
	n := int(size)
	return len(step) - 33 - 32*(4*n-2) - 64*n - 8
}
