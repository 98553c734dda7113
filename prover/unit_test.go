package prover

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/trilemma-dev/trilemma/circuits/parts"
)

// distant works at parts from the bytes of their units alone, as a process elsewhere would.
type distant struct {
	t     testing.TB
	hands Hands
	lie   func(part *parts.Part)
}

func (d *distant) Commit(ctx context.Context, i int, u *Unit) (parts.Commitment, error) {
	return d.hands.Commit(ctx, i, must(ReadUnit(u.Bytes())))
}

func (d *distant) Prove(ctx context.Context, i int, u *Unit, a *Asked) (parts.Part, error) {
	part, err := d.hands.Prove(ctx, i, must(ReadUnit(u.Bytes())), must(ReadAsked(a.Bytes())))
	if d.lie != nil && i == 1 {
		d.lie(&part)
	}
	return part, err
}

// TestHands: parts that are worked at elsewhere make a proof, and those that are not what they should be make none.
func TestHands(t *testing.T) {
	p := toyProver(t)
	j := toyJob(8)
	j.Workers = 3
	j.Hands = &distant{t: t, hands: p.Here()}
	ps := toyProof(t, j)
	if err := p.Family().Verify(j.Statement, ps, j.given); err != nil {
		t.Error(err)
	}
	one := fr.One()
	other := toyProof(t, toyJob(9))
	for name, lie := range map[string]func(part *parts.Part){
		"another sum":     func(part *parts.Part) { part.Delta.Add(&part.Delta, &one) },
		"another proof's": func(part *parts.Part) { *part = other[1] },
		"no proof":        func(part *parts.Part) { part.Proof = nil },
	} {
		j := toyJob(8)
		j.Hands = &distant{t: t, hands: p.Here(), lie: lie}
		if _, err := p.Prove(t.Context(), j); !errors.Is(err, ErrHands) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUnitOfAnotherFamily: what the keys are not for is refused.
func TestUnitOfAnotherFamily(t *testing.T) {
	h := toyProver(t).Here()
	for name, u := range map[string]*Unit{
		"a kind that is not there": {Kind: 2, Columns: make([]fr.Element, 4)},
		"a negative kind":          {Kind: -1, Columns: make([]fr.Element, 4)},
		"too few columns":          {Kind: toySend, Columns: make([]fr.Element, 3)},
	} {
		if _, err := h.Commit(t.Context(), 0, u); !errors.Is(err, ErrUnit) {
			t.Errorf("commit to %s: %v", name, err)
		}
		if _, err := h.Prove(t.Context(), 0, u, &Asked{}); !errors.Is(err, ErrUnit) {
			t.Errorf("prove %s: %v", name, err)
		}
	}
}

func someUnit() *Unit {
	u := &Unit{Kind: 1, Columns: make([]fr.Element, 5)}
	for i, v := range []uint64{0, 1, 255, 256, 1<<64 - 1} {
		u.Columns[i].SetUint64(v)
	}
	u.Sent.SetInt64(-1)
	u.Blind.SetUint64(7)
	return u
}

func FuzzReadUnit(f *testing.F) {
	f.Add(someUnit().Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := ReadUnit(data)
		if err != nil {
			if !errors.Is(err, ErrUnit) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(u.Bytes(), data) {
			t.Fatalf("%x was read as %x", data, u.Bytes())
		}
	})
}

func FuzzReadAsked(f *testing.F) {
	u := someUnit()
	f.Add((&Asked{Mask: u.Sent, Public: u.Columns}).Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := ReadAsked(data)
		if err != nil {
			if !errors.Is(err, ErrUnit) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(a.Bytes(), data) {
			t.Fatalf("%x was read as %x", data, a.Bytes())
		}
	})
}

// TestUnitsBounded: every prefix is refused, and a number of columns that is not there allocates nothing.
func TestUnitsBounded(t *testing.T) {
	b := someUnit().Bytes()
	for n := range len(b) {
		if _, err := ReadUnit(b[:n]); !errors.Is(err, ErrUnit) {
			t.Fatalf("the first %d bytes: %v", n, err)
		}
	}
	many := append([]byte(nil), b...)
	copy(many[len(unitVersion)+4:], []byte{0, 0, 0x30, 0})
	if _, err := ReadUnit(many); !errors.Is(err, ErrUnit) {
		t.Errorf("too many columns: %v", err)
	}
	if n := testing.AllocsPerRun(10, func() { _, _ = ReadUnit(many) }); n > 10 {
		t.Errorf("%v allocations", n)
	}
}
