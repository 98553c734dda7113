package prover

import (
	"context"
	"crypto/rand"
	mrand "math/rand/v2"
	"sync"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/frontend"

	"github.com/trilemma-dev/trilemma/circuits/parts"
)

// The toy's bus carries pairs (a, b) as a + γ·b. Its two circuits hold some pairs each; one sends them, the other one receives them and binds its
// first column to numbers that the verifier knows.

var toyLabels = []string{"bus", "gamma", "point"}

type toyShape struct {
	name   string
	pairs  int
	public bool // receives, and binds
}

func (s toyShape) Name() string { return s.name }
func (s toyShape) Columns() int { return 2 * s.pairs }

func (s toyShape) Given() int {
	if s.public {
		return 1
	}
	return 0
}

func (s toyShape) Define(api frontend.API, columns, shared, given []frontend.Variable) (frontend.Variable, error) {
	var terms []frontend.Variable
	for i := range s.pairs {
		tuple := api.Add(columns[2*i], api.Mul(shared[1], columns[2*i+1]))
		terms = append(terms, api.Inverse(api.Sub(shared[0], tuple)))
	}
	sum := api.Add(0, terms[0], terms[1:]...)
	if !s.public {
		return sum, nil
	}
	var at frontend.Variable = 0
	for i := range s.pairs {
		at = api.Add(api.Mul(at, shared[2]), columns[2*i])
	}
	api.AssertIsEqual(at, given[0])
	return api.Neg(sum), nil
}

// toyWork is a part of the toy. known is what the verifier knows of its first column.
type toyWork struct {
	kind   int
	shape  toyShape
	pairs  [][2]uint64
	known  []uint64
	redraw func([]fr.Element) // changes the columns after they were filled, for forgeries
}

func (w *toyWork) Kind() int { return w.kind }

func (w *toyWork) Columns(v []fr.Element) error {
	for i, p := range w.pairs {
		v[2*i].SetUint64(p[0])
		v[2*i+1].SetUint64(p[1])
	}
	if w.redraw != nil {
		w.redraw(v)
	}
	return nil
}

func (w *toyWork) Given(ch *parts.Challenges) ([]fr.Element, error) {
	if !w.shape.public {
		return nil, nil
	}
	var at fr.Element
	for i := range w.shape.pairs {
		at.Mul(&at, &ch.Shared[2])
		var e fr.Element
		if i < len(w.known) {
			e.SetUint64(w.known[i])
		}
		at.Add(&at, &e)
	}
	return []fr.Element{at}, nil
}

func (w *toyWork) Sum(ch *parts.Challenges) (sum fr.Element, err error) {
	v := make([]fr.Element, w.shape.Columns())
	if err := w.Columns(v); err != nil {
		return sum, err
	}
	for i := 0; i < len(v); i += 2 {
		var t fr.Element
		t.Mul(&ch.Shared[1], &v[i+1])
		t.Add(&t, &v[i])
		t.Sub(&ch.Shared[0], &t)
		sum.Add(&sum, t.Inverse(&t))
	}
	if w.shape.public {
		sum.Neg(&sum)
	}
	return sum, nil
}

const toySend, toyReceive = 0, 1

var toyShapes = []toyShape{{"send", 4, false}, {"receive", 8, true}}

// toyKeys are made once: every test may use them, since nothing changes them.
var toyKeys = sync.OnceValues(func() (*Prover, error) {
	g := NewGenerator(rand.Reader)
	var keys []Keys
	for _, s := range toyShapes {
		k, err := g.keys(context.Background(), s, toyLabels)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return New(toyLabels, keys)
})

func (g *Generator) keys(ctx context.Context, s Shape, labels []string) (k Keys, err error) {
	if k.Circuit, err = Compile(s, labels); err != nil {
		return k, err
	}
	return g.Keys(ctx, k.Circuit)
}

func toyProver(t testing.TB) *Prover {
	t.Helper()
	p, err := toyKeys()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// toyJob is an honest job: two parts that send, one that receives.
func toyJob(seed byte) *Job {
	r := mrand.New(mrand.NewPCG(7, 7))
	var pairs [][2]uint64
	var firsts []uint64
	for range 8 {
		p := [2]uint64{r.Uint64() >> 32, r.Uint64()}
		pairs, firsts = append(pairs, p), append(firsts, p[0])
	}
	return &Job{
		Statement: []byte("the toy's statement"),
		Seed:      Seed{seed},
		Work: []Work{
			&toyWork{kind: toySend, shape: toyShapes[0], pairs: pairs[:4]},
			&toyWork{kind: toySend, shape: toyShapes[0], pairs: pairs[4:]},
			&toyWork{kind: toyReceive, shape: toyShapes[1], pairs: pairs, known: firsts},
		},
	}
}

// given is the verifier's view of a job.
func (j *Job) given(i int, ch *parts.Challenges) ([]fr.Element, error) { return j.Work[i].Given(ch) }

func toyProof(t testing.TB, j *Job) []parts.Part {
	t.Helper()
	ps, err := toyProver(t).Prove(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	return ps
}
