package prover

import (
	"bytes"
	"crypto/rand"
	"errors"
	"maps"
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/trilemma-dev/trilemma/circuits/parts"
)

// proveAt proves a job at challenges of the forger's choice.
func proveAt(t *testing.T, p *Prover, j *Job, choose func(honest *parts.Challenges) *parts.Challenges) []parts.Part {
	t.Helper()
	buffer := make([]fr.Element, 64)
	m := must(newMasks(j, p.family, func(w Work) ([]fr.Element, error) { return p.columns(w, buffer) }))
	cs := make([]parts.Commitment, len(j.Work))
	for i, w := range j.Work {
		cs[i] = must(p.Here().Commit(t.Context(), i, must(p.unit(i, w, m, buffer))))
	}
	ch := choose(must(p.family.Challenges(j.Statement, cs)))
	ps := make([]parts.Part, len(j.Work))
	for i, w := range j.Work {
		u := must(p.unit(i, w, m, buffer))
		ps[i] = must(p.Here().Prove(t.Context(), i, u, must(asked(w, u, ch))))
	}
	return ps
}

// forgeries are the ways in which parts could fail to be their proof's, in any backend. other is a proof of another run.
func forgeries(t *testing.T, p *Prover, j *Job, ps, other []parts.Part) map[string]func(ps []parts.Part) []parts.Part {
	frozen := &parts.Challenges{Shared: make([]fr.Element, len(toyLabels))}
	frozen.Mask.SetUint64(11)
	for i := range frozen.Shared {
		frozen.Shared[i].SetUint64(uint64(12 + i))
	}
	one := fr.One()
	return map[string]func(ps []parts.Part) []parts.Part{
		"challenge frozen": func([]parts.Part) []parts.Part {
			return proveAt(t, p, j, func(*parts.Challenges) *parts.Challenges { return frozen })
		},
		"challenge from other commitments": func([]parts.Part) []parts.Part {
			return proveAt(t, p, j, func(*parts.Challenges) *parts.Challenges { return toyChallenges(t, p, j, other) })
		},
		"one challenge replaced": func([]parts.Part) []parts.Part {
			return proveAt(t, p, j, func(ch *parts.Challenges) *parts.Challenges { ch.Shared[1] = ch.Shared[0]; return ch })
		},
		"part dropped":           func(ps []parts.Part) []parts.Part { return ps[1:] },
		"all parts dropped":      func([]parts.Part) []parts.Part { return nil },
		"part duplicated":        func(ps []parts.Part) []parts.Part { return append(ps, ps[0]) },
		"parts reordered":        func(ps []parts.Part) []parts.Part { ps[0], ps[1] = ps[1], ps[0]; return ps },
		"part from another run":  func(ps []parts.Part) []parts.Part { ps[1] = other[1]; return ps },
		"part of another kind":   func(ps []parts.Part) []parts.Part { ps[0].Kind = toyReceive; return ps },
		"kind that is not there": func(ps []parts.Part) []parts.Part { ps[0].Kind = 2; return ps },
		"negative kind":          func(ps []parts.Part) []parts.Part { ps[0].Kind = -1; return ps },
		"part without a proof":   func(ps []parts.Part) []parts.Part { ps[0].Proof = nil; return ps },
		"delta changed":          func(ps []parts.Part) []parts.Part { ps[0].Delta.Add(&ps[0].Delta, &one); return ps },
		"delta moved to another part": func(ps []parts.Part) []parts.Part {
			ps[0].Delta.Add(&ps[0].Delta, &one)
			ps[1].Delta.Sub(&ps[1].Delta, &one)
			return ps
		},
	}
}

// refused checks that no forgery verifies.
func refused(t *testing.T, p *Prover, j *Job, ps []parts.Part, all map[string]func(ps []parts.Part) []parts.Part) {
	t.Helper()
	f := p.Family()
	if err := f.Verify(j.Statement, ps, j.given); err != nil {
		t.Fatalf("the honest proof: %v", err)
	}
	for name, forge := range all {
		forged := forge(append([]parts.Part{}, ps...))
		if err := f.Verify(j.Statement, forged, j.givenFor(forged)); !errors.Is(err, parts.ErrProof) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := f.Verify([]byte("another statement"), ps, j.given); !errors.Is(err, parts.ErrProof) {
		t.Errorf("another statement: %v", err)
	}
	other := toyJob(1)
	other.Work[2].(*toyWork).known[0]++
	if err := f.Verify(j.Statement, ps, other.given); !errors.Is(err, parts.ErrProof) {
		t.Errorf("another public column: %v", err)
	}
}

// pointsOf are a Groth16 proof's points.
func pointsOf(part *parts.Part) parts.Points { return part.Proof.(*parts.Proof).Points() }

// TestForgedParts: every way in which the parts of a proof could fail to be this proof's.
func TestForgedParts(t *testing.T) {
	p, j := toyProver(t), toyJob(1)
	ps, other := toyProof(t, j), toyProof(t, toyJob(2))
	withPoints := func(i int, change func(p *parts.Points)) func([]parts.Part) []parts.Part {
		return func(ps []parts.Part) []parts.Part {
			p := pointsOf(&ps[i])
			change(&p)
			ps[i].Proof = must(parts.NewProof(p))
			return ps
		}
	}
	all := forgeries(t, p, j, ps, other)
	maps.Copy(all, map[string]func(ps []parts.Part) []parts.Part{
		"commitment swapped":        withPoints(0, func(p *parts.Points) { p.Commitment = pointsOf(&ps[1]).Commitment }),
		"commitment of another run": withPoints(0, func(p *parts.Points) { p.Commitment = pointsOf(&other[0]).Commitment }),
		"knowledge of another part": withPoints(0, func(p *parts.Points) { p.Knowledge = pointsOf(&ps[1]).Knowledge }),
		"commitment shifted by a key's": withPoints(0, func(q *parts.Points) {
			q.Commitment.Add(&q.Commitment, &p.Family().Kinds()[0].Key.(*parts.Key).Points().K[1])
		}),
	})
	refused(t, p, j, ps, all)
}

// givenFor is given for parts of any number and kind.
func (j *Job) givenFor(ps []parts.Part) parts.Given {
	return func(i int, ch *parts.Challenges) ([]fr.Element, error) {
		for _, w := range j.Work {
			if w.Kind() == ps[i].Kind {
				return w.Given(ch)
			}
		}
		return nil, errors.New("no such kind")
	}
}

// TestWrongKeys: a proof holds under the family's keys and no others, and a family that somebody else made has another ID.
func TestWrongKeys(t *testing.T) {
	p := toyProver(t)
	j := toyJob(1)
	ps := toyProof(t, j)
	k := p.keys[toySend].Key.(*parts.Key).Points()
	fresh := must(NewGenerator(rand.Reader).keys(t.Context(), toyShapes[0], toyLabels))
	always := k // with γ as δ, whoever knows a proof of one statement has one of any other
	always.Delta = always.Gamma
	neg := k
	neg.Delta.Neg(&k.Gamma)
	known := k // whoever knows σ can commit to what he does not know
	known.GSigmaNeg.Neg(&k.G)
	for name, key := range map[string]parts.KeyPoints{"gamma is delta": always, "gamma is −delta": neg, "σ is one": known} {
		if _, err := parts.NewKey(key); !errors.Is(err, parts.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	kinds := append([]parts.Kind{}, p.family.Kinds()...)
	kinds[0].Key = fresh.Key
	f := must(parts.NewFamily(toyLabels, kinds))
	if f.ID() == p.family.ID() {
		t.Error("a family with another key has the same ID")
	}
	if err := f.Verify(j.Statement, ps, j.given); !errors.Is(err, parts.ErrProof) {
		t.Errorf("the wrong verifying key: %v", err)
	}
	kinds[0], kinds[1] = p.family.Kinds()[1], p.family.Kinds()[0]
	if f := must(parts.NewFamily(toyLabels, kinds)); f.ID() == p.family.ID() {
		t.Error("a family in another order has the same ID")
	}
	if f := must(parts.NewFamily([]string{"gamma", "bus", "point"}, p.family.Kinds())); f.ID() == p.family.ID() {
		t.Error("a family with other labels has the same ID")
	}
}

// TestPlusOrder: a number has one encoding.
func TestPlusOrder(t *testing.T) {
	part := toyProof(t, toyJob(1))[0]
	b := part.Bytes()
	n := new(big.Int).SetBytes(b[:32])
	n.Add(n, fr.Modulus()).FillBytes(b[:32])
	if _, err := parts.ParsePart(parts.Groth16{}, part.Kind, b); !errors.Is(err, parts.ErrProof) {
		t.Errorf("delta plus the order: %v", err)
	}
}

// TestDistinguisher plays who holds two candidate inputs and every published value: it compares sums of deltas over all subsets of parts with
// what these parts leave on the bus for each candidate, and commitments with those to the candidate. Without masks that tells which one it was.
func TestDistinguisher(t *testing.T) {
	p := toyProver(t)
	j, candidate := toyJob(1), toyJob(1)
	ps := toyProof(t, j)
	ch := toyChallenges(t, p, j, ps)
	sums := make([]fr.Element, len(ps))
	for i, w := range candidate.Work {
		sums[i] = must(w.Sum(ch))
	}
	deltas := make([]fr.Element, len(ps))
	for i := range ps {
		deltas[i] = ps[i].Delta
	}
	if n := matches(deltas, sums); n != 0 {
		t.Errorf("%d sums of deltas tell the input", n)
	}
	if n := matches(sums, sums); n != 1<<len(ps)-2 {
		t.Errorf("the distinguisher finds only %d sums where there are no masks", n)
	}
	buffer := make([]fr.Element, 64)
	for i, w := range candidate.Work {
		v := must(p.columns(w, buffer))
		bare := must(p.keys[w.Kind()].Proving.CommitmentKeys[0].Commit(append(v, fr.Element{}, fr.Element{}, fr.Element{})))
		if b := bare.Bytes(); bytes.Equal(b[:], ps[i].Proof.Bytes()[2*parts.PointSize:3*parts.PointSize]) {
			t.Errorf("the commitment of part %d is to the input alone", i)
		}
	}
}

// matches counts the proper subsets over which two lists add up to the same.
func matches(a, b []fr.Element) (n int) {
	for set := 1; set < 1<<len(a)-1; set++ {
		var x, y fr.Element
		for i := range a {
			if set>>i&1 == 1 {
				x.Add(&x, &a[i])
				y.Add(&y, &b[i])
			}
		}
		if x.Equal(&y) {
			n++
		}
	}
	return n
}
