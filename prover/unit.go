package prover

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/backend"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	"github.com/consensys/gnark/constraint/solver"

	"github.com/trilemma-dev/trilemma/circuits/parts"
)

// Unit is a part as whoever works at it needs it: its own wires and masks, and nothing of other parts. Who has it can tell what its part of the run did, so
// that the unit of a run that hides something is secret.
type Unit struct {
	Kind                  int // of the family
	Columns               []fr.Element
	Sent, Received, Blind fr.Element
}

// committed is what the part's circuit commits to.
func (u *Unit) committed() []fr.Element { return append(u.Columns, u.Sent, u.Received) }

// Asked is what a part is proved under, once all parts are committed to.
type Asked struct {
	Mask   fr.Element   // the value of every part's commitment
	Public []fr.Element // the part's public inputs, in order
}

// Hands work at units, several at once, in this process (see [Prover.Here]) or elsewhere. i is the part's place, which is for naming it. The unit is theirs until
// they return.
//
// Law: the answers depend on the family, the unit and what is asked alone. They are not believed: the proof is verified as a whole.
type Hands interface {
	Commit(ctx context.Context, i int, u *Unit) (parts.Commitment, error)
	Prove(ctx context.Context, i int, u *Unit, a *Asked) (parts.Part, error)
}

// here works at units in this process.
type here struct{ p *Prover }

// Here works at units in this process.
func (p *Prover) Here() Hands { return here{p} }

// Commit implements [Hands]: it computes what a part commits to, as gnark will.
func (h here) Commit(_ context.Context, _ int, u *Unit) (c parts.Commitment, err error) {
	defer caught("commit", &err)
	k, err := h.p.keysOf(u)
	if err != nil {
		return c, err
	}
	if k.Circuit.plonk {
		return k.commitPlonk(u)
	}
	_, pk, err := k.ready()
	if err != nil {
		return c, err
	}
	point, err := pk.CommitmentKeys[0].Commit(append(u.committed(), u.Blind))
	if err != nil {
		return c, err
	}
	return parts.Commitment{Kind: u.Kind, Point: point.Bytes()}, nil
}

// Prove implements [Hands].
func (h here) Prove(_ context.Context, _ int, u *Unit, a *Asked) (part parts.Part, err error) {
	defer caught("prove", &err)
	k, err := h.p.keysOf(u)
	if err != nil {
		return part, err
	}
	if len(a.Public) != parts.Publics(k.Circuit.shared, k.Circuit.shape.Given()) {
		return part, fmt.Errorf("%d public inputs", len(a.Public))
	}
	part = parts.Part{Kind: u.Kind, Delta: a.Public[k.Circuit.shared]}
	if k.Circuit.plonk {
		part.Proof, err = k.provePlonk(u, a)
		return part, err
	}
	system, pk, err := k.ready()
	if err != nil {
		return part, err
	}
	proof, err := groth16.Prove(system, pk, &inputs{vector: assign(a.Public, u.committed())},
		backend.WithProverHashToFieldFunction(parts.FixedHash(a.Mask)),
		backend.WithSolverOptions(solver.OverrideHint(maskHintID(), func(_ *big.Int, _, out []*big.Int) error {
			u.Blind.BigInt(out[0])
			return nil
		})))
	if err != nil {
		return part, err
	}
	part.Proof, err = newProof(proof)
	return part, err
}

// keysOf finds the keys of a unit that fits them.
func (p *Prover) keysOf(u *Unit) (*Keys, error) {
	if u.Kind < 0 || u.Kind >= len(p.keys) {
		return nil, fmt.Errorf("%w: of kind %d of %d", ErrUnit, u.Kind, len(p.keys))
	}
	k := &p.keys[u.Kind]
	if n := k.Circuit.shape.Columns(); len(u.Columns) != n {
		return nil, fmt.Errorf("%w: %d columns, %s has %d", ErrUnit, len(u.Columns), k.Circuit.Name(), n)
	}
	return k, nil
}

// ErrUnit says that bytes are not a unit, or that it is not one of the family.
var ErrUnit = errors.New("not a unit of the proof")

// unitVersion begins the bytes of a unit.
const unitVersion = "trilemma/unit/1\n"

// maxUnit bounds a unit, in columns: the largest circuit has fewer.
const maxUnit = 1 << 22

// wide is the length of an element that is no number of 64 bits.
const wide = fr.Bytes

// Bytes encodes the unit: the version, the kind and the number of columns (each 4 bytes, the lowest first), the columns and the masks. An element is a byte that tells
// how many bytes follow, and those: of a number of 64 bits as few as it takes, the lowest first, else all 32, the highest first.
func (u *Unit) Bytes() []byte {
	b := append([]byte(nil), unitVersion...)
	b = binary.LittleEndian.AppendUint32(b, uint32(u.Kind))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(u.Columns)))
	for i := range u.Columns {
		b = appendElement(b, &u.Columns[i])
	}
	for _, e := range []*fr.Element{&u.Sent, &u.Received, &u.Blind} {
		b = appendElement(b, e)
	}
	return b
}

func appendElement(b []byte, e *fr.Element) []byte {
	if !e.IsUint64() {
		all := e.Bytes()
		return append(append(b, wide), all[:]...)
	}
	at := len(b)
	b = append(b, 0)
	for v := e.Uint64(); v > 0; v >>= 8 {
		b = append(b, byte(v))
		b[at]++
	}
	return b
}

// ReadUnit decodes a unit; what it accepts is what [Unit.Bytes] writes. The error wraps [ErrUnit].
func ReadUnit(data []byte) (*Unit, error) {
	r := elements{data: data}
	if string(r.take(len(unitVersion))) != unitVersion {
		return nil, fmt.Errorf("%w: another version", ErrUnit)
	}
	head := r.take(8)
	if head == nil {
		return nil, fmt.Errorf("%w: %d bytes", ErrUnit, len(data))
	}
	kind, n := binary.LittleEndian.Uint32(head), binary.LittleEndian.Uint32(head[4:])
	if kind > parts.MaxKinds || n > maxUnit || int(n) > len(r.data) { // an element has a byte at least
		return nil, fmt.Errorf("%w: %d columns of kind %d in %d bytes", ErrUnit, n, kind, len(data))
	}
	u := &Unit{Kind: int(kind), Columns: make([]fr.Element, n, n+3)}
	for i := range u.Columns {
		r.element(&u.Columns[i])
	}
	for _, e := range []*fr.Element{&u.Sent, &u.Received, &u.Blind} {
		r.element(e)
	}
	if r.bad || len(r.data) > 0 {
		return nil, fmt.Errorf("%w: damaged elements", ErrUnit)
	}
	return u, nil
}

// Bytes encodes what is asked, element by element as in [Unit.Bytes].
func (a *Asked) Bytes() []byte {
	b := appendElement(nil, &a.Mask)
	for i := range a.Public {
		b = appendElement(b, &a.Public[i])
	}
	return b
}

// ReadAsked decodes what is asked; what it accepts is what [Asked.Bytes] writes. The error wraps [ErrUnit].
func ReadAsked(data []byte) (*Asked, error) {
	r, a := elements{data: data}, &Asked{}
	r.element(&a.Mask)
	for len(r.data) > 0 && !r.bad {
		var e fr.Element
		r.element(&e)
		a.Public = append(a.Public, e)
	}
	if r.bad {
		return nil, fmt.Errorf("%w: damaged challenges", ErrUnit)
	}
	return a, nil
}

// elements reads elements one by one. Once something is bad all that follows is.
type elements struct {
	data []byte
	bad  bool
}

// take returns the next n bytes, nil if there are fewer.
func (r *elements) take(n int) []byte {
	if r.bad || len(r.data) < n {
		r.bad = true
		return nil
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

func (r *elements) element(e *fr.Element) {
	head := r.take(1)
	if head == nil {
		return
	}
	b := r.take(int(head[0]))
	switch n := len(b); {
	case r.bad:
	case n == wide:
		if err := e.SetBytesCanonical(b); err != nil || e.IsUint64() {
			r.bad = true
		}
	case n > 8, n > 0 && b[n-1] == 0:
		r.bad = true
	default:
		v := uint64(0)
		for i, c := range b {
			v |= uint64(c) << (8 * i)
		}
		e.SetUint64(v)
	}
}
