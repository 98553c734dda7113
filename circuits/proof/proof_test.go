package proof_test

import (
	"bytes"
	"errors"
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/ipfs/go-cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// formed is a proof that is well formed and proves nothing.
func formed(t testing.TB) *proof.Proof {
	t.Helper()
	_, _, g1, g2 := bn254.Generators()
	times := func(n int64) (p bn254.G1Affine) { return *p.ScalarMultiplication(&g1, big.NewInt(n)) }
	points, err := parts.NewProof(parts.Points{Ar: times(2), Krs: times(3), Bs: g2, Commitment: times(4), Knowledge: times(5)})
	if err != nil {
		t.Fatal(err)
	}
	p := &machine.Program{Code: []machine.Instr{{Op: machine.OpHalt}}}
	ends, err := claim(p).Ends(1, 2)
	if err != nil {
		t.Fatal(err)
	}
	st, err := claim(p).Statement(ends)
	if err != nil {
		t.Fatal(err)
	}
	return &proof.Proof{Statement: st, Parts: []parts.Part{{Kind: 0, Proof: points}, {Kind: 3, Proof: points}}}
}

func encode(t testing.TB, p *proof.Proof) block.Block {
	t.Helper()
	b, err := p.Block()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRead(t *testing.T) {
	b := encode(t, formed(t))
	p, err := proof.Read(b.Data)
	if err != nil {
		t.Fatal(err)
	}
	if again := encode(t, p); !bytes.Equal(again.Data, b.Data) {
		t.Error("the proof became another one")
	}
	if len(p.Parts) != 2 || p.Parts[1].Kind != 3 || p.Statement.Used != 2 {
		t.Errorf("read %+v", p)
	}
	for n := range len(b.Data) {
		if _, err := proof.Read(b.Data[:n]); !errors.Is(err, proof.ErrMalformed) {
			t.Fatalf("the first %d bytes: %v", n, err)
		}
	}
	if _, err := proof.Read(make([]byte, proof.MaxProof+1)); !errors.Is(err, proof.ErrMalformed) {
		t.Errorf("too many bytes: %v", err)
	}
}

// TestMalformed: what is well encoded and cannot be a proof.
func TestMalformed(t *testing.T) {
	for name, forge := range map[string]func(p *proof.Proof){
		"no parts":        func(p *proof.Proof) { p.Parts = nil },
		"a short root":    func(p *proof.Proof) { p.Statement.Program = p.Statement.Program[1:] },
		"a negative end":  func(p *proof.Proof) { p.Statement.End = -1 },
		"a negative fuel": func(p *proof.Proof) { p.Statement.Fuel = -1 },
	} {
		p := formed(t)
		forge(p)
		if _, err := proof.Read(encode(t, p).Data); !errors.Is(err, proof.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b := encode(t, formed(t)).Data
	if _, err := proof.Read(bytes.Replace(b, []byte(proof.Version), []byte("proof/0"), 1)); !errors.Is(err, proof.ErrMalformed) {
		t.Errorf("another version: %v", err)
	}
}

func TestNoStatement(t *testing.T) {
	p := &machine.Program{Code: []machine.Instr{{Op: machine.OpHalt}}}
	for name, change := range map[string]func(c *proof.Claim){
		"fuel that is no number of 63 bits": func(c *proof.Claim) { c.Result.Fuel = 1 << 63 },
		"a limit that is none":              func(c *proof.Claim) { c.Limits.Fuel = 1 << 63 },
		"no computation":                    func(c *proof.Claim) { c.Computation = cid.Undef },
	} {
		c := claim(p)
		change(c)
		if _, err := c.Statement(&circuits.Statement{End: 1, Fuel: c.Result.Fuel}); !errors.Is(err, proof.ErrNoStatement) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEnds: the end and the fuel that a proof states have to be those of the claim.
func TestEnds(t *testing.T) {
	p := &machine.Program{Code: []machine.Instr{{Op: machine.OpHalt}}}
	for name, c := range map[string]struct {
		end, fuel uint64
		change    func(c *proof.Claim)
	}{
		"another end":               {2 | 3<<16, 2, func(*proof.Claim) {}},
		"less fuel":                 {1, 1, func(*proof.Claim) {}},
		"more fuel than is allowed": {1, 2, func(c *proof.Claim) { c.Limits.Fuel = 1 }},
		"an end that no chip shows": {1, 2, func(c *proof.Claim) { c.Result.Outcome.Kind = "other" }},
		"too much output":           {1, 2, func(c *proof.Claim) { c.Result.Streams[0] = []byte("a result") }},
	} {
		of := claim(p)
		c.change(of)
		if _, err := of.Ends(c.end, c.fuel); !errors.Is(err, proof.ErrStatement) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// claim is that a program ends well after two units of fuel.
func claim(p *machine.Program) *proof.Claim {
	return &proof.Claim{Computation: block.Raw([]byte("computation")).CID, Program: p, Limits: link.Limits{Fuel: 100},
		Result: link.Result{Outcome: link.Outcome{Kind: link.OK}, Fuel: 2}}
}

// FuzzRead: whatever the bytes, they are refused or are the one encoding of a proof.
func FuzzRead(f *testing.F) {
	f.Add(encode(f, formed(f)).Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := proof.Read(data)
		if err != nil {
			if !errors.Is(err, proof.ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if b := encode(t, p); !bytes.Equal(b.Data, data) {
			t.Fatalf("%x was read as %x", data, b.Data)
		}
	})
}
