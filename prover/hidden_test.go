package prover

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/circuits/emit"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/guesttest"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// copier passes an input stream of 22 bytes on to an output stream.
func copier(in, out uint64) *machine.Program {
	put := func(d uint16, v uint64) machine.Instr { return machine.Instr{Op: machine.OpConst, D: d, Imm: v, W: 1} }
	code := []machine.Instr{put(1, in), put(2, out)}
	for i, n := range []uint64{8, 8, 6} {
		code = append(code, put(3, uint64(i)), put(4, n), machine.Instr{Op: machine.OpInWord, D: 5, A: 1, B: 3}, machine.Instr{Op: machine.OpOutWord, A: 2, B: 5, T: 4})
	}
	return &machine.Program{Code: append(code, machine.Instr{Op: machine.OpHalt})}
}

// concealed is a run that hides what it reads and writes.
type concealed struct {
	claim *proof.Claim
	cover *circuits.Cover
}

// conceal makes the claim of a run that hides one input and one output stream.
func conceal(p *machine.Program, streams [][]byte, in int, secret hidden.Opening, out int, written []byte, salt hidden.Salt) *concealed {
	h := &proof.Hidden{Inputs: map[int]hidden.Commitment{in: secret.Commitment()}, Outputs: map[int]proof.Sealed{}}
	s := &proof.Secrets{Inputs: map[int]hidden.Opening{in: secret}, Outputs: map[int]hidden.Salt{}}
	if written != nil {
		h.Outputs[out] = proof.Sealed{Commitment: hidden.Commit(written, salt), Most: hidden.Bucket(uint64(len(written)))}
		s.Outputs[out] = salt
	}
	c := &concealed{claimOf(p, link.Result{Outcome: link.Outcome{Kind: link.OK}, Fuel: 256}), &circuits.Cover{Hidden: h, Secrets: s, Fuel: 256}}
	c.claim.Streams, c.claim.Hidden = streams, h
	return c
}

func (c *concealed) run(t *testing.T, r *Runs) *circuits.Run {
	t.Helper()
	run, err := r.Family().Scheme.Chips.FillHidden(c.claim.Program, c.claim.Streams, c.claim.Limits, c.cover)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// prove proves the run, and returns the proof as it is read from its bytes.
func (c *concealed) prove(t *testing.T, r *Runs, seed Seed) *proof.Proof {
	t.Helper()
	p, err := r.Prove(t.Context(), &RunJob{Claim: c.claim, Run: c.run(t, r), Seed: seed, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Block()
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range c.cover.Secrets.Inputs {
		if bytes.Contains(b.Data, o.Stream) || bytes.Contains(b.Data, o.Salt[:]) {
			t.Errorf("input stream %d, or its salt, is in the proof", i)
		}
	}
	q, err := proof.Read(b.Data)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// TestProveHidden: what one task hides of its output is the hidden input of the next one; both are proved, and nothing of it is in the proofs. Whatever is changed about what
// is hidden, in the claim alone or in the proof's words too, is refused.
func TestProveHidden(t *testing.T) {
	r, err := smallKeys()
	if err != nil {
		t.Fatal(err)
	}
	secret := hidden.Opening{Stream: []byte("nobody else knows this"), Salt: hidden.Salt{9, 31: 1}}
	salt := hidden.Salt{8, 31: 2}
	first := conceal(copier(1, 2), [][]byte{[]byte("public"), nil}, 1, secret, 2, secret.Stream, salt)
	between := hidden.Opening{Stream: secret.Stream, Salt: salt}
	second := conceal(copier(0, 1), [][]byte{nil}, 0, between, 1, nil, salt)
	second.claim.Result.Streams[1] = secret.Stream // it is told
	if first.claim.Hidden.Outputs[2].Commitment != second.claim.Hidden.Inputs[0] {
		t.Fatal("the tasks do not share the commitment")
	}
	proofs := map[*concealed]*proof.Proof{}
	for _, c := range []*concealed{first, second} {
		proofs[c] = c.prove(t, r, Seed{1})
		if err := r.Family().Verify(c.claim, proofs[c]); err != nil {
			t.Fatal(err)
		}
	}
	other := secret.Commitment()
	other[31] ^= 1
	for name, c := range map[string]struct {
		change func(h *proof.Hidden, c *proof.Claim)
	}{
		"another input":  {func(h *proof.Hidden, _ *proof.Claim) { h.Inputs[1] = other }},
		"another output": {func(h *proof.Hidden, _ *proof.Claim) { h.Outputs[2] = proof.Sealed{Commitment: other, Most: 32} }},
		"a smaller bound of the output": {func(h *proof.Hidden, _ *proof.Claim) {
			h.Outputs[2] = proof.Sealed{Commitment: h.Outputs[2].Commitment, Most: 22}
		}},
		"the output's commitment as input": {func(h *proof.Hidden, _ *proof.Claim) { h.Inputs[1] = h.Outputs[2].Commitment }},
		"another input stream": {func(h *proof.Hidden, c *proof.Claim) {
			h.Inputs[0] = h.Inputs[1]
			delete(h.Inputs, 1)
			c.Streams = [][]byte{nil, nil}
		}},
		"another bound of the fuel": {func(_ *proof.Hidden, c *proof.Claim) { c.Result.Fuel = 128 }},
		"a public output beside it": {func(_ *proof.Hidden, c *proof.Claim) { c.Result.Streams[1] = []byte("x") }},
	} {
		claim := *first.claim
		claim.Hidden = &proof.Hidden{Inputs: map[int]hidden.Commitment{}, Outputs: map[int]proof.Sealed{}}
		for i, v := range first.claim.Hidden.Inputs {
			claim.Hidden.Inputs[i] = v
		}
		for i, v := range first.claim.Hidden.Outputs {
			claim.Hidden.Outputs[i] = v
		}
		c.change(claim.Hidden, &claim)
		p := *proofs[first]
		if err := r.Family().Verify(&claim, &p); !errors.Is(err, proof.ErrStatement) {
			t.Errorf("%s: %v", name, err)
		}
		ends, err := claim.Ends(uint64(p.Statement.End), claim.Result.Fuel)
		if err != nil {
			t.Fatal(err)
		}
		if p.Statement, err = claim.Statement(ends); err != nil {
			t.Fatal(err)
		}
		if err := r.Family().Verify(&claim, &p); !errors.Is(err, parts.ErrProof) {
			t.Errorf("%s, in the proof too: %v", name, err)
		}
	}
}

// TestForgedHiddenRun: rows of hidden streams that are not what is committed to give no proof, whatever else is made to fit.
func TestForgedHiddenRun(t *testing.T) {
	r, err := smallKeys()
	if err != nil {
		t.Fatal(err)
	}
	forgedHiddenRun(t, r)
}

func forgedHiddenRun(t *testing.T, r *Runs) {
	t.Helper()
	secret := hidden.Opening{Stream: []byte("nobody else knows this"), Salt: hidden.Salt{9, 31: 1}}
	c := conceal(copier(1, 2), [][]byte{[]byte("public"), nil}, 1, secret, 2, secret.Stream, secret.Salt)
	chips := r.Family().Scheme.Chips
	column := func(chip, name string) int { return chips.Chip(chip).Column(name) }
	one := fr.One()
	for name, forge := range map[string]func(f *circuits.Filling){
		"another salt": func(f *circuits.Filling) {
			f.Put("hidden input", circuits.Entry{Column: column("hidden input", "salt")}, one)
		},
		"another word": func(f *circuits.Filling) { f.Rows["hidden input words"][0][column("hidden input words", "word1_0")]++ },
		"another length": func(f *circuits.Filling) {
			f.Rows["hidden input"][0][column("hidden input", "there6")] = 1
		},
		"an output word left out": func(f *circuits.Filling) {
			f.Rows["hidden output words"][0][column("hidden output words", "there0")] = 0
		},
		"a state that nobody left": func(f *circuits.Filling) {
			f.Put("hidden output", circuits.Entry{Column: column("hidden output", "last1")}, one)
		},
		"less fuel than was charged": func(f *circuits.Filling) { f.Rows["statement"][0][column("statement", "slack0")]++ },
	} {
		run := c.run(t, r)
		forge(run.Filling)
		switch _, err := r.Prove(t.Context(), &RunJob{Claim: c.claim, Run: run, Seed: Seed{1}}); {
		case err == nil:
			t.Errorf("%s: there is a proof", name)
		case !errors.Is(err, ErrHands) && !strings.Contains(err.Error(), "prove part"):
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUnlinkable: two proofs of runs with one secret input, under two salts, have nothing in common but what every run has: no published value of one occurs in the other.
func TestUnlinkable(t *testing.T) {
	r, err := smallKeys()
	if err != nil {
		t.Fatal(err)
	}
	stream := []byte("nobody else knows this")
	seen := make(map[string]int)
	for k := range 2 {
		secret := hidden.Opening{Stream: stream, Salt: hidden.Salt{9, 31: byte(k)}}
		c := conceal(copier(1, 2), [][]byte{[]byte("public"), nil}, 1, secret, 2, stream, hidden.Salt{7, 31: byte(k)})
		p := c.prove(t, r, Seed{byte(k)})
		in, out := c.claim.Hidden.Inputs[1], c.claim.Hidden.Outputs[2].Commitment
		values := [][]byte{in[:], out[:]}
		for i := range p.Parts {
			b := p.Parts[i].Bytes()
			values = append(values, b[:fr.Bytes])
			for b = b[fr.Bytes:]; len(b) > 0; b = b[parts.PointSize:] {
				values = append(values, b[:parts.PointSize])
			}
		}
		for _, v := range values {
			if was, ok := seen[string(v)]; ok && was != k {
				t.Errorf("%x is in both", v)
			}
			seen[string(v)] = k
		}
	}
}

// TestHiddenDistinguisher plays who holds the secret input and its salt, and all that is published: it makes the run again, compares sums of deltas over all subsets of parts with what
// these parts of the run leave on the bus, and commitments with those to the run's wires. Without masks that would tell that it is the right input.
func TestHiddenDistinguisher(t *testing.T) {
	r, err := smallKeys()
	if err != nil {
		t.Fatal(err)
	}
	secret := hidden.Opening{Stream: []byte("nobody else knows this"), Salt: hidden.Salt{9, 31: 1}}
	c := conceal(copier(1, 2), [][]byte{[]byte("public"), nil}, 1, secret, 2, secret.Stream, secret.Salt)
	p := c.prove(t, r, Seed{3})
	stated, err := r.Stated(c.claim, c.run(t, r))
	if err != nil {
		t.Fatal(err)
	}
	commitments, deltas := make([]parts.Commitment, len(p.Parts)), make([]fr.Element, len(p.Parts))
	for i := range p.Parts {
		commitments[i], deltas[i] = p.Parts[i].Commitment(), p.Parts[i].Delta
	}
	ch, err := r.Family().Keys.Challenges(stated.Challenged, commitments)
	if err != nil {
		t.Fatal(err)
	}
	cut, err := Cut(r.Family().Scheme, c.run(t, r))
	if err != nil {
		t.Fatal(err)
	}
	if len(cut) != len(p.Parts) || len(cut) > 16 {
		t.Fatalf("%d parts, not %d", len(cut), len(p.Parts))
	}
	sums := make([]fr.Element, len(cut))
	for i := range cut {
		v := make([]fr.Element, cut[i].Shape.Columns())
		if err := cut[i].Columns(v); err != nil {
			t.Fatal(err)
		}
		if sums[i], err = cut[i].Shape.Sum(v, ch); err != nil {
			t.Fatal(err)
		}
		_, pk, err := r.prover.keys[p.Parts[i].Kind].ready()
		if err != nil {
			t.Fatal(err)
		}
		bare, err := pk.CommitmentKeys[0].Commit(append(v, fr.Element{}, fr.Element{}, fr.Element{}))
		if err != nil {
			t.Fatal(err)
		}
		if bare.Bytes() == commitments[i].Point {
			t.Errorf("the commitment of part %d is to the run alone", i)
		}
	}
	if n := matches(deltas, sums); n != 0 {
		t.Errorf("%d sums of deltas tell the input", n)
	}
	if n := matches(sums, sums); n != 1<<len(sums)-2 {
		t.Errorf("the distinguisher finds only %d sums where there are no masks", n)
	}
}

// TestHiddenThreshold: that a hidden value is at least a public one is proved, for values that pass and fail; with parts of the same kinds, as many of each.
func TestHiddenThreshold(t *testing.T) {
	r, err := smallKeys()
	if err != nil {
		t.Fatal(err)
	}
	var shapes []*emit.Shape
	for _, value := range []uint64{99, 100, 1 << 60} {
		p, streams := guesttest.Call(t, "threshold", "at_least", basicnode.NewInt(int64(value)), basicnode.NewInt(100))
		param := len(streams) - 2 // the value; the threshold is the last one
		secret := hidden.Opening{Stream: streams[param], Salt: hidden.Salt{1, 31: byte(value)}}
		if binary.LittleEndian.Uint64(secret.Stream) != value {
			t.Fatalf("the value is written as %x", secret.Stream)
		}
		streams[param] = nil
		c := conceal(p, streams, param, secret, 0, nil, hidden.Salt{})
		run := c.run(t, r)
		c.claim.Result.Streams = run.Result.Streams
		cut, err := Cut(r.Family().Scheme, run)
		if err != nil {
			t.Fatal(err)
		}
		var now []*emit.Shape
		for i := range cut {
			now = append(now, cut[i].Shape)
		}
		if shapes != nil && len(now) != len(shapes) {
			t.Errorf("%d: %d parts, not %d", value, len(now), len(shapes))
		}
		shapes = now
		if value == 100 {
			continue // two are enough
		}
		q := c.prove(t, r, Seed{4})
		if err := r.Family().Verify(c.claim, q); err != nil {
			t.Errorf("%d: %v", value, err)
		}
		at := 0
		for i, s := range c.claim.Result.Streams {
			if len(s) > 0 {
				at = i
			}
		}
		wrong := *c.claim
		wrong.Result.Streams[at] = bytes.Clone(wrong.Result.Streams[at])
		wrong.Result.Streams[at][0] ^= 1
		if err := r.Family().Verify(&wrong, q); !errors.Is(err, proof.ErrStatement) {
			t.Errorf("%d: the other answer: %v", value, err)
		}
	}
}
