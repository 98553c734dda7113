package prover

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/kzg"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/scs"

	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/plonk"
)

// plonkToyKeys makes keys of the toy for PLONK, from reference strings that from gives.
func plonkToyKeys(from func(size uint64) (*Reference, error)) (*Prover, error) {
	var keys []Keys
	for _, s := range toyShapes {
		c, err := PlanPlonk(s, toyLabels)
		if err != nil {
			return nil, err
		}
		n, err := c.Domain()
		if err != nil {
			return nil, err
		}
		r, err := from(n)
		if err != nil {
			return nil, err
		}
		k, err := PlonkKeys(c, r)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return New(toyLabels, keys)
}

var plonkToy = sync.OnceValues(func() (*Prover, error) {
	g := NewGenerator(rand.Reader)
	return plonkToyKeys(func(size uint64) (*Reference, error) { return g.Reference(context.Background(), size) })
})

func provenIn(t *testing.T, p *Prover, j *Job) []parts.Part {
	t.Helper()
	ps, err := p.Prove(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	return ps
}

// TestPlonkForgedParts: what proves with PLONK is what gnark's verifier accepts, and no forgery of parts is, nor of what is in one: each point and each number.
func TestPlonkForgedParts(t *testing.T) {
	p, j := must(plonkToy()), toyJob(1)
	ps, other := provenIn(t, p, j), provenIn(t, p, toyJob(2))
	all := forgeries(t, p, j, ps, other)
	const point = parts.PointSize
	graft := func(from func() []byte, at int) func([]parts.Part) []parts.Part { // 32 bytes from another proof
		return func(ps []parts.Part) []parts.Part {
			b := ps[0].Proof.Bytes()
			copy(b[at:at+point], from()[at:])
			ps[0].Proof = must(plonk.ParseProof(b))
			return ps
		}
	}
	for i := range plonk.ProofSize / point {
		all["value "+string(rune('a'+i))+" of another part"] = graft(func() []byte { return ps[1].Proof.Bytes() }, i*point)
		all["value "+string(rune('a'+i))+" of another run"] = graft(func() []byte { return other[0].Proof.Bytes() }, i*point)
	}
	refused(t, p, j, ps, all)
	for i := range ps {
		q, err := parts.ParsePart(p.Family().Backend(), ps[i].Kind, ps[i].Bytes())
		if err != nil {
			t.Fatal(err)
		}
		ps[i] = q
	}
	if err := p.Family().Verify(j.Statement, ps, j.given); err != nil {
		t.Errorf("the proof, from bytes: %v", err)
	}
}

// TestPlonkCrafted: points at infinity and numbers that are zero, wherever they stand, do not verify and make nothing panic.
func TestPlonkCrafted(t *testing.T) {
	p, j := must(plonkToy()), toyJob(1)
	ps := provenIn(t, p, j)
	honest := ps[0].Proof.Bytes()
	infinity := make([]byte, parts.PointSize)
	infinity[0] = 0x40
	const points = 10
	for from := range plonk.ProofSize / parts.PointSize {
		for to := from + 1; to <= plonk.ProofSize/parts.PointSize; to++ {
			b := append([]byte{}, honest...)
			for i := from; i < to; i++ {
				clear(b[i*parts.PointSize : (i+1)*parts.PointSize])
				if i < points {
					copy(b[i*parts.PointSize:], infinity)
				}
			}
			q := append([]parts.Part{}, ps...)
			q[0].Proof = must(plonk.ParseProof(b))
			if err := p.Family().Verify(j.Statement, q, j.given); !errors.Is(err, parts.ErrProof) {
				t.Fatalf("values %d to %d are nothing: %v", from, to, err)
			}
		}
	}
}

func TestPlonkWrongWork(t *testing.T) { wrongWork(t, must(plonkToy())) }

// TestPlonkResume: masks are a function of the seed in PLONK too.
func TestPlonkResume(t *testing.T) { resume(t, must(plonkToy())) }

// TestPlonkKeys: keys of another reference string or backend are another family, under which nothing verifies.
func TestPlonkKeys(t *testing.T) {
	p, j := must(plonkToy()), toyJob(1)
	ps := provenIn(t, p, j)
	g := NewGenerator(rand.Reader)
	fresh := must(plonkToyKeys(func(size uint64) (*Reference, error) { return g.Reference(t.Context(), size) }))
	if fresh.Family().ID() == p.Family().ID() {
		t.Error("keys from another reference string have the same ID")
	}
	if err := fresh.Family().Verify(j.Statement, ps, j.given); !errors.Is(err, parts.ErrProof) {
		t.Errorf("the wrong verifying keys: %v", err)
	}
	if err := toyProver(t).Family().Verify(j.Statement, ps, j.given); !errors.Is(err, parts.ErrProof) {
		t.Errorf("keys for Groth16: %v", err)
	}
	if err := p.Family().Verify(j.Statement, toyProof(t, j), j.given); !errors.Is(err, parts.ErrProof) {
		t.Errorf("a Groth16 proof: %v", err)
	}
	mixed := append([]parts.Kind{}, p.Family().Kinds()...)
	mixed[1].Key = toyProver(t).Family().Kinds()[1].Key
	if _, err := parts.NewFamily(toyLabels, mixed); !errors.Is(err, parts.ErrFamily) {
		t.Errorf("a family in two proof systems: %v", err)
	}
}

// TestReferenceOfCeremony: powers of a ceremony are a reference string, and what is proved with it verifies; there have to be enough of them.
func TestReferenceOfCeremony(t *testing.T) {
	const size = 1 << 8
	powers := must(EndPowers(size, []byte("beacon"), stepsOf(must(ContributePowers(size, nil)))))
	p, err := plonkToyKeys(powers.Reference)
	if err != nil {
		t.Fatal(err)
	}
	j := toyJob(1)
	if err := p.Family().Verify(j.Statement, provenIn(t, p, j), j.given); err != nil {
		t.Error(err)
	}
	if _, err := powers.Reference(4 * size); !errors.Is(err, ErrCeremony) {
		t.Errorf("too few powers: %v", err)
	}
	if _, err := powers.Reference(100); err == nil {
		t.Error("a domain of 100 is not refused")
	}
	// The same τ in both forms: a polynomial has one commitment.
	r := must(powers.Reference(size))
	g := newGrid(size)
	values := must(random(size))
	if must(kzg.Commit(values, r.lagrange)) != must(kzg.Commit(g.interpolate(values), r.powers)) {
		t.Error("the Lagrange polynomials are not those of the powers")
	}
}

// TestLintSparse: the rules hold for PLONK's constraints as for Groth16's.
func TestLintSparse(t *testing.T) {
	for _, c := range lintCases {
		_, err := PlanPlonk(ruleShape{c.define}, toyLabels)
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, ErrCircuit) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for _, c := range []struct {
		name, want string
		commit     func(c *looseCircuit) []frontend.Variable
	}{
		{"all secrets", "", func(c *looseCircuit) []frontend.Variable { return []frontend.Variable{c.A, c.B} }},
		{"none", "0 commitments", nil},
		{"not all secrets", "commits to 1 wires instead of its 2", func(c *looseCircuit) []frontend.Variable { return []frontend.Variable{c.A} }},
		{"a public wire", "commits to 3 wires", func(c *looseCircuit) []frontend.Variable { return []frontend.Variable{c.A, c.B, c.Public} }},
		{"a public wire for a secret", "commits to something else", func(c *looseCircuit) []frontend.Variable { return []frontend.Variable{c.A, c.Public} }},
	} {
		r, err := frontend.Compile(ecc.BN254.ScalarField(), scs.NewBuilder, &looseCircuit{commit: c.commit})
		if err != nil {
			t.Fatal(err)
		}
		err = lintSparse(r.(*cs.SparseR1CS))
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, ErrCircuit) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestGrid: what the prover takes polynomials to be.
func TestGrid(t *testing.T) {
	g := newGrid(16)
	values := must(random(16))
	p := g.interpolate(values)
	blind := g.blind(append(make([]fr.Element, 0, 19), p...), must(random(3)))
	x := fr.One()
	for i := range values {
		if at(p, &x) != values[i] || at(blind, &x) != values[i] {
			t.Errorf("another value in row %d", i)
		}
		x.Mul(&x, &g.rows.Generator)
	}
	for i, v := range g.evaluate(blind) {
		if at(blind, &g.x[i]) != v {
			t.Fatalf("another value at %d of the coset", i)
		}
	}
	h := must(random(20)) // h·(X¹⁶ − 1), divided again
	product := make([]fr.Element, 36)
	for i := range h {
		product[i].Sub(&product[i], &h[i])
		product[i+16].Add(&product[i+16], &h[i])
	}
	for i, c := range g.quotient(g.evaluate(product)) {
		if want := append(h, make([]fr.Element, 44)...)[i]; c != want {
			t.Fatalf("another coefficient %d of the quotient", i)
		}
	}
}
