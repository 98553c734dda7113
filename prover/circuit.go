// Package prover guarantees that what it calls a proof verifies (package circuits/parts says what that means), that the parts of a proof
// give away nothing but their number and kinds, and that a proving key that it loads is the one that it wrote. It compiles circuits, makes their
// keys, keeps them, and proves.
//
// The proof system is gnark's Groth16 on BN254.
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

// Circuit is a shape, compiled for a family's challenges.
type Circuit struct {
	shape  Shape
	shared int
	system *cs.R1CS
	digest parts.Digest
}

// quiet makes gnark write no log, which it would do on stdout.
var quiet = sync.OnceFunc(logger.Disable)

// Compile compiles a shape for challenges of these labels and checks that it keeps the rules. The error wraps ErrCircuit if it does not.
func Compile(shape Shape, labels []string) (c *Circuit, err error) {
	quiet()
	defer caught("compile "+shape.Name(), &err)
	d := &definition{
		Shared:  make([]frontend.Variable, len(labels)),
		Given:   make([]frontend.Variable, shape.Given()),
		Columns: make([]frontend.Variable, shape.Columns()),
		shape:   shape,
	}
	// 0: a long sum is one constraint; gnark would cut it.
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, d, frontend.WithCompressThreshold(0))
	if err != nil {
		return nil, fmt.Errorf("compile %s: %w", shape.Name(), err)
	}
	system := compiled.(*cs.R1CS)
	if err := lint(system); err != nil {
		return nil, fmt.Errorf("%s: %w", shape.Name(), err)
	}
	swapSides(system)
	return &Circuit{shape: shape, shared: len(labels), system: system, digest: digestOf(system)}, nil
}

// caught turns a panic of gnark into an error.
func caught(doing string, err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%s: gnark panicked: %v", doing, r)
	}
}

// Name is the shape's name.
func (c *Circuit) Name() string { return c.shape.Name() }

// Constraints is the number of constraints.
func (c *Circuit) Constraints() int { return c.system.GetNbConstraints() }

// Digest is a hash of the compiled circuit and of gnark's version: what keys depend on, but for randomness.
func (c *Circuit) Digest() parts.Digest { return c.digest }

// definition is what gnark compiles: a shape, joined to the other parts by a mask that it sends to the next one and one that it receives from the one
// before, on a bus whose challenge is the value of the part's own commitment.
type definition struct {
	Shared         []frontend.Variable `gnark:",public"`
	Delta          frontend.Variable   `gnark:",public"`
	Given          []frontend.Variable `gnark:",public"`
	Columns        []frontend.Variable
	Sent, Received frontend.Variable

	shape Shape
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
	h := sha256.New()
	fmt.Fprintf(h, "trilemma circuit\ngnark %s\n", gnark.Version)
	internal, secret, public := r.GetNbVariables()
	ints(h, internal, secret, public, r.GetNbConstraints(), len(r.Coefficients))
	for i := range r.Coefficients {
		b := r.Coefficients[i].Bytes()
		h.Write(b[:])
	}
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

func ints(h hash.Hash, ns ...int) {
	b := make([]byte, 0, 8*len(ns))
	for _, n := range ns {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	h.Write(b)
}

// witnessSize is the number of public and secret inputs of the compiled circuit, without the constant one.
func (c *Circuit) witnessSize() int {
	return parts.Publics(c.shared, c.shape.Given()) + c.shape.Columns() + 2
}

// assign returns the circuit's inputs in the order in which definition declares them.
func (c *Circuit) assign(public, columns []fr.Element, sent, received fr.Element) fr.Vector {
	v := make(fr.Vector, 0, c.witnessSize())
	v = append(v, public...)
	v = append(v, columns...)
	return append(v, sent, received)
}
