package prover

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/trilemma-dev/trilemma/circuits/parts"
)

func TestProve(t *testing.T) {
	j := toyJob(1)
	ps := toyProof(t, j)
	f := toyProver(t).Family()
	if err := f.Verify(j.Statement, ps, j.given); err != nil {
		t.Fatal(err)
	}
	for i := range ps { // through bytes, as a verifier gets them
		p, err := parts.ParsePart(f.Backend(), ps[i].Kind, ps[i].Bytes())
		if err != nil {
			t.Fatal(err)
		}
		ps[i] = p
	}
	if err := f.Verify(j.Statement, ps, j.given); err != nil {
		t.Fatal(err)
	}
	other := toyJob(1)
	other.Work[2].(*toyWork).known[0]++
	if err := f.Verify(j.Statement, ps, other.given); !errors.Is(err, parts.ErrProof) {
		t.Errorf("another public column: %v", err)
	}
}

// TestVerifyAgreesWithGnark: the batch holds for exactly the parts that gnark's verifier accepts one by one.
func TestVerifyAgreesWithGnark(t *testing.T) {
	j := toyJob(1)
	p := toyProver(t)
	ps := toyProof(t, j)
	for _, bad := range []func(q *parts.Points){
		func(q *parts.Points) {},
		func(q *parts.Points) { q.Ar.Neg(&q.Ar) },
		func(q *parts.Points) { q.Ar.Neg(&q.Ar); q.Bs.Neg(&q.Bs) }, // another proof of the same
		func(q *parts.Points) { q.Krs.Double(&q.Krs) },
		func(q *parts.Points) { q.Knowledge.Neg(&q.Knowledge) },
		func(q *parts.Points) { q.Knowledge = bn254.G1Affine{} },
	} {
		forged := append([]parts.Part{}, ps...)
		points := pointsOf(&ps[1])
		bad(&points)
		forged[1].Proof = must(parts.NewProof(points))
		ch := toyChallenges(t, p, j, forged)
		all := true
		for i := range forged {
			all = all && gnarkVerify(t, p, &forged[i], ch, j.Work[i]) == nil
		}
		if err := p.Family().Verify(j.Statement, forged, j.given); (err == nil) != all {
			t.Errorf("gnark accepts all: %v; the batch: %v", all, err)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func toyChallenges(t testing.TB, p *Prover, j *Job, ps []parts.Part) *parts.Challenges {
	t.Helper()
	var cs []parts.Commitment
	for i := range ps {
		cs = append(cs, ps[i].Commitment())
	}
	return must(p.Family().Challenges(j.Statement, cs))
}

// gnarkVerify verifies one part with gnark's own verifier.
func gnarkVerify(t testing.TB, p *Prover, part *parts.Part, ch *parts.Challenges, w Work) error {
	t.Helper()
	return verifyOne(p.keys[part.Kind].Key, part, ch, must(w.Given(ch)))
}

// TestWrongWork: what the circuit does not say is not proved.
func TestWrongWork(t *testing.T) { wrongWork(t, toyProver(t)) }

func wrongWork(t *testing.T, p *Prover) {
	t.Helper()
	one := fr.One()
	for name, forge := range map[string]func(j *Job){
		"a received tuple that nobody sent": func(j *Job) {
			j.Work[2].(*toyWork).redraw = func(v []fr.Element) { v[1].Add(&v[1], &one) }
		},
		"a column that is not the public one": func(j *Job) {
			for _, i := range []int{0, 2} {
				j.Work[i].(*toyWork).redraw = func(v []fr.Element) { v[0].Add(&v[0], &one) }
			}
		},
		"a field traded against another": func(j *Job) { // a + γ·b, with b one less and a one more
			j.Work[2].(*toyWork).redraw = func(v []fr.Element) { v[0].Add(&v[0], &one); v[1].Sub(&v[1], &one) }
		},
	} {
		j := toyJob(3)
		forge(j)
		if _, err := p.Prove(t.Context(), j); err == nil {
			t.Errorf("%s was proved", name)
		}
	}
}

// TestResume: an attempt that was stopped goes on where it was, and a part that does not fit is proved again.
func TestResume(t *testing.T) { resume(t, toyProver(t)) }

func resume(t *testing.T, p *Prover) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	j := toyJob(4)
	have := map[int]parts.Part{}
	j.Done = func(i int, part parts.Part) error { have[i] = part; stop(); return nil }
	if _, err := p.Prove(ctx, j); !errors.Is(err, context.Canceled) || len(have) != 1 {
		t.Fatalf("stopped after %d parts: %v", len(have), err)
	}
	again := toyJob(4)
	again.Have = have
	var made []int
	again.Done = func(i int, part parts.Part) error { made = append(made, i); return nil }
	ps, err := p.Prove(t.Context(), again)
	if err != nil || len(made) != 2 {
		t.Fatalf("taken up again, it proved the parts %v: %v", made, err)
	}
	if first := have[0]; !bytes.Equal(ps[0].Bytes(), first.Bytes()) {
		t.Error("the finished part was proved again")
	}
	made = nil
	other := toyJob(5)
	other.Have, other.Done = have, again.Done
	if _, err := p.Prove(t.Context(), other); err != nil || len(made) != 3 {
		t.Errorf("with another seed, it proved the parts %v: %v", made, err)
	}
}

// TestKeepsTheSameMasksOnlyForTheSameJob: a seed gives the same commitments for the same job, and for any other one nothing that was published before.
func TestKeepsTheSameMasksOnlyForTheSameJob(t *testing.T) {
	first := toyProof(t, toyJob(6))
	for i, part := range toyProof(t, toyJob(6)) {
		if part.Commitment() != first[i].Commitment() || part.Delta != first[i].Delta {
			t.Errorf("part %d has other masks the second time", i)
		}
		if a, b := pointsOf(&part), pointsOf(&first[i]); a.Ar == b.Ar || a.Bs == b.Bs || a.Krs == b.Krs {
			t.Errorf("part %d was proved with the same randomness twice", i)
		}
	}
	for name, change := range map[string]func(j *Job){
		"seed":      func(j *Job) { j.Seed[31]++ },
		"statement": func(j *Job) { j.Statement = append(j.Statement, '.') },
		"order":     func(j *Job) { j.Work[0], j.Work[1] = j.Work[1], j.Work[0] },
		"columns":   func(j *Job) { j.Work[0].(*toyWork).pairs[0][1]++ },
	} {
		j := toyJob(6)
		change(j)
		if shared := published(first, toyProof(t, j)); shared > 0 {
			t.Errorf("with another %s, %d published values are the same", name, shared)
		}
	}
}

// published counts the values of 32 bytes that two proofs have in common, wherever they stand.
func published(a, b []parts.Part) (n int) {
	seen := map[string]bool{}
	each := func(ps []parts.Part, f func(string)) {
		for i := range ps {
			for v := range slices.Chunk(ps[i].Bytes(), 32) {
				f(string(v))
			}
		}
	}
	each(a, func(v string) { seen[v] = true })
	each(b, func(v string) {
		if seen[v] {
			n++
		}
	})
	return n
}
