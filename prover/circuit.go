// Package prover guarantees that what it calls a proof verifies (package circuits/parts says what that means), that the parts of a proof
// give away nothing but their number and kinds, and that a proving key that it loads is the one that it wrote. It compiles circuits, makes their
// keys, keeps them, and proves.
//
// The proof system is gnark's Groth16 on BN254; the same circuits can be proved with PLONK, to compare.
package prover

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"sync"

	"github.com/consensys/gnark"
	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
	"github.com/consensys/gnark/logger"

	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/plonk"
)

// ErrCircuit says that a circuit breaks a rule on which the soundness of shared challenges rests.
var ErrCircuit = errors.New("the circuit may not be used")

// Shape is a circuit that takes part in proofs of many parts.
type Shape interface {
	Name() string
	Columns() int
	Given() int

	// Define constrains the columns, which are the wires that the circuit commits to, in the order of [Work.Columns]; the challenges, by
	// the family's labels; and the inputs that the verifier computes. It returns what a part of this shape leaves on the bus: a sum over tuples of
	// columns, at the challenges. It may use no hints, no gadgets that commit, and no wire that columns and public inputs do not determine.
	Define(api frontend.API, columns, shared, given []frontend.Variable) (frontend.Variable, error)
}

// Described is a shape that can say what it is without being compiled: shapes of one digest are the same circuit.
type Described interface {
	Digest() parts.Digest
	Constraints() int
}

// Circuit is a shape for a family's challenges. It is compiled when it is first needed, and safe for concurrent use.
type Circuit struct {
	shape  Shape
	shared int
	plonk  bool // it is for PLONK
	digest parts.Digest

	mu       sync.Mutex
	system   *cs.R1CS       // nil: not compiled, or let go
	sparse   *cs.SparseR1CS // the same, for PLONK
	compiled parts.Digest
}

// quiet makes gnark write no log, which it would do on stdout.
var quiet = sync.OnceFunc(logger.Disable)

// Plan makes a circuit of a shape for challenges of these labels. A shape that is not [Described] is compiled at once. The error wraps ErrCircuit if the
// circuit breaks a rule.
func Plan(shape Shape, labels []string) (*Circuit, error) {
	return plan(&Circuit{shape: shape, shared: len(labels)}, labels)
}

// PlanPlonk is Plan for PLONK.
func PlanPlonk(shape Shape, labels []string) (*Circuit, error) {
	return plan(&Circuit{shape: shape, shared: len(labels), plonk: true}, labels)
}

func plan(c *Circuit, labels []string) (*Circuit, error) {
	if d, ok := c.shape.(Described); ok {
		h := sha256.New()
		of := d.Digest()
		fmt.Fprintf(h, "trilemma shape\ngnark %s\n%x\n%q\n", gnark.Version, of, labels)
		if c.plonk {
			fmt.Fprintln(h, plonk.Name)
		}
		c.digest = parts.Digest(h.Sum(nil))
		return c, nil
	}
	err := c.Ready()
	c.digest = c.compiled
	return c, err
}

// Compile is Plan, and compiles the circuit.
func Compile(shape Shape, labels []string) (*Circuit, error) {
	c, err := Plan(shape, labels)
	if err == nil {
		_, err = c.compile()
	}
	return c, err
}

// compile returns the compiled circuit, which keeps the rules: else the error wraps ErrCircuit.
func (c *Circuit) compile() (system *cs.R1CS, err error) {
	quiet()
	defer caught("compile "+c.Name(), &err)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.system != nil {
		return c.system, nil
	}
	if c.plonk {
		return nil, fmt.Errorf("%w: %s is for PLONK", ErrCircuit, c.Name())
	}
	// 0: a long sum is one constraint; gnark would cut it.
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, c.definition(), frontend.WithCompressThreshold(0))
	if err != nil {
		return nil, fmt.Errorf("compile %s: %w", c.Name(), err)
	}
	system = compiled.(*cs.R1CS)
	if err := lint(system); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name(), err)
	}
	swapSides(system)
	c.system, c.compiled = system, digestOf(system)
	return system, nil
}

// definition is what gnark compiles.
func (c *Circuit) definition() *definition {
	return &definition{
		Shared:  make([]frontend.Variable, c.shared),
		Given:   make([]frontend.Variable, c.shape.Given()),
		Columns: make([]frontend.Variable, c.shape.Columns()),
		shape:   c.shape,
	}
}

// compiledDigest is a hash of the compiled circuit.
func (c *Circuit) compiledDigest() (parts.Digest, error) {
	err := c.Ready()
	return c.compiled, err
}

// Ready compiles the circuit if it is not compiled. The error wraps ErrCircuit if the circuit breaks a rule.
func (c *Circuit) Ready() error {
	if c.plonk {
		_, err := c.compileSparse()
		return err
	}
	_, err := c.compile()
	return err
}

// LetGo frees the memory of the compiled circuit, which is compiled again when it is needed.
func (c *Circuit) LetGo() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.system, c.sparse = nil, nil
}

// caught turns a panic of gnark into an error.
func caught(doing string, err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%s: gnark panicked: %v", doing, r)
	}
}

// Name is the shape's name.
func (c *Circuit) Name() string { return c.shape.Name() }

// Constraints is the number of constraints; of a circuit that is not compiled, as its shape tells it, which is a few too low; for PLONK too high, mostly.
func (c *Circuit) Constraints() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	d, ok := c.shape.(Described)
	switch {
	case c.sparse != nil:
		return c.sparse.GetNbConstraints()
	case c.system != nil || !ok:
		return c.system.GetNbConstraints()
	case c.plonk:
		return d.Constraints() * sparseness
	}
	return d.Constraints()
}

// Digest is a hash of the circuit and of gnark's version: what keys depend on, but for randomness. Keys also tell what they were made for in its
// compiled form, which has to be the same when they are used.
func (c *Circuit) Digest() parts.Digest { return c.digest }

// definition is what gnark compiles: a shape, joined to the other parts by a mask that it sends to the next one and one that it receives from the one
// before, on a bus whose challenge is the value of the part's own commitment.
type definition struct {
	Shared         []frontend.Variable `gnark:",public"`
	Delta          frontend.Variable   `gnark:",public"`
	Given          []frontend.Variable `gnark:",public"`
	Columns        []frontend.Variable
	Sent, Received frontend.Variable

	shape Shape `gnark:"-"` // else gnark goes through all that it points to
}

// Define implements gnark's interface.
func (d *definition) Define(api frontend.API) error {
	committer, ok := api.(frontend.Committer)
	if !ok {
		return errors.New("the builder cannot commit")
	}
	committed := append(append([]frontend.Variable{}, d.Columns...), d.Sent, d.Received)
	x, err := committer.Commit(committed...)
	if err != nil {
		return err
	}
	sum, err := d.shape.Define(api, d.Columns, d.Shared, d.Given)
	if err != nil {
		return err
	}
	sent, received := api.Inverse(api.Sub(x, d.Sent)), api.Inverse(api.Sub(x, d.Received))
	api.AssertIsEqual(api.Add(sum, sent), api.Add(d.Delta, received))
	return nil
}

// digestOf hashes everything of a system that keys and proofs depend on.
func digestOf(r *cs.R1CS) parts.Digest {
	h := newDigest("trilemma circuit", &r.System, r.Coefficients)
	for _, c := range r.CommitmentInfo.(constraint.Groth16Commitments) {
		ints(h, c.CommitmentIndex, len(c.PublicAndCommitmentCommitted), len(c.PrivateCommitted))
		ints(h, c.PublicAndCommitmentCommitted...)
		ints(h, c.PrivateCommitted...)
	}
	it := r.GetR1CIterator()
	for c := it.Next(); c != nil; c = it.Next() {
		for _, l := range []constraint.LinearExpression{c.L, c.R, c.O} {
			ints(h, len(l))
			for _, t := range l {
				ints(h, t.CoeffID(), t.WireID())
			}
		}
	}
	return parts.Digest(h.Sum(nil))
}

// digestOfSparse is digestOf for PLONK.
func digestOfSparse(r *cs.SparseR1CS) parts.Digest {
	h := newDigest("trilemma circuit "+plonk.Name, &r.System, r.Coefficients)
	for _, c := range r.CommitmentInfo.(constraint.PlonkCommitments) {
		ints(h, c.CommitmentIndex, len(c.Committed))
		ints(h, c.Committed...)
	}
	it := r.GetSparseR1CIterator()
	for c := it.Next(); c != nil; c = it.Next() {
		for _, n := range []uint32{c.XA, c.XB, c.XC, c.QL, c.QR, c.QO, c.QM, c.QC, uint32(c.Commitment)} {
			ints(h, int(n))
		}
	}
	return parts.Digest(h.Sum(nil))
}

// newDigest begins the digest of a system.
func newDigest(name string, s *constraint.System, coefficients []fr.Element) hash.Hash {
	h := sha256.New()
	fmt.Fprintf(h, "%s\ngnark %s\n", name, gnark.Version)
	internal, secret, public := s.GetNbVariables()
	ints(h, internal, secret, public, s.GetNbConstraints(), len(coefficients))
	for i := range coefficients {
		b := coefficients[i].Bytes()
		h.Write(b[:])
	}
	return h
}

func ints(h hash.Hash, ns ...int) {
	b := make([]byte, 0, 8*len(ns))
	for _, n := range ns {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	h.Write(b)
}

// assign returns a circuit's inputs in the order in which definition declares them: the public ones, then what it commits to.
func assign(public, committed []fr.Element) fr.Vector {
	return append(append(make(fr.Vector, 0, len(public)+len(committed)), public...), committed...)
}
