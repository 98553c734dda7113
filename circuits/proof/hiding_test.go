package proof_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/circuits/proof"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// hiding is a claim that hides two input streams and an output stream.
func hiding() *proof.Claim {
	c := claim(&machine.Program{Code: []machine.Instr{{Op: machine.OpHalt}}})
	c.Streams, c.Limits.Output = [][]byte{[]byte("public"), nil, nil}, 100
	c.Hidden = &proof.Hidden{Inputs: map[int]hidden.Commitment{2: {31: 2}, 1: {31: 1}}, Outputs: map[int]proof.Sealed{0: {Commitment: hidden.Commitment{31: 3}, Most: 64}}}
	return c
}

func stated(t *testing.T, c *proof.Claim) *proof.Proof {
	t.Helper()
	p := formed(t)
	ends, err := c.Ends(1, c.Result.Fuel)
	if err != nil {
		t.Fatal(err)
	}
	if p.Statement, err = c.Statement(ends); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestReadHidden: what is hidden comes back as it was written, in the order of streams; what cannot be is refused.
func TestReadHidden(t *testing.T) {
	b := encode(t, stated(t, hiding()))
	p, err := proof.Read(b.Data)
	if err != nil {
		t.Fatal(err)
	}
	if again := encode(t, p); !bytes.Equal(again.Data, b.Data) {
		t.Error("the proof became another one")
	}
	h := p.Statement.Hidden
	if h == nil || len(h.Inputs) != 2 || h.Inputs[0].Stream != 1 || h.Inputs[1].Stream != 2 || len(h.Outputs) != 1 || h.Outputs[0].Most != 64 {
		t.Errorf("read %+v", h)
	}
	big := bytes.Repeat([]byte{0xff}, 32)
	for name, forge := range map[string]func(h *proof.Hides){
		"a commitment that is no element":        func(h *proof.Hides) { h.Inputs[0].Commitment = big },
		"a short commitment":                     func(h *proof.Hides) { h.Outputs[0].Commitment = big[:31] },
		"an output's that is no element":         func(h *proof.Hides) { h.Outputs[0].Commitment = big },
		"a stream twice":                         func(h *proof.Hides) { h.Inputs[1].Stream = 1 },
		"streams in another order":               func(h *proof.Hides) { h.Inputs[0], h.Inputs[1] = h.Inputs[1], h.Inputs[0] },
		"a stream below 0":                       func(h *proof.Hides) { h.Outputs[0].Stream = -1 },
		"an output of less than nothing":         func(h *proof.Hides) { h.Outputs[0].Most = -1 },
		"an input stream of which the number is": func(h *proof.Hides) { h.Inputs[0].Stream = -1 },
	} {
		p := stated(t, hiding())
		forge(p.Statement.Hidden)
		if _, err := proof.Read(encode(t, p).Data); !errors.Is(err, proof.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHiddenStatement: what cannot be stated of a run that hides something is refused with its reason.
func TestHiddenStatement(t *testing.T) {
	for want, change := range map[string]func(c *proof.Claim){
		"known as bounds, and an end by " + string(link.OutOfFuel):  func(c *proof.Claim) { c.Result.Outcome = link.Outcome{Kind: link.OutOfFuel} },
		"known as bounds, and an end by " + string(link.OutputFull): func(c *proof.Claim) { c.Result.Outcome = link.Outcome{Kind: link.OutputFull} },
		"input stream 1 is hidden and public":                       func(c *proof.Claim) { c.Streams[1] = []byte("x") },
		"output stream 0 is hidden and public":                      func(c *proof.Claim) { c.Result.Streams[0] = []byte("x") },
		"input stream 7 of 3 is hidden":                             func(c *proof.Claim) { c.Hidden.Inputs[7] = hidden.Commitment{} },
		"hidden input stream 1: a commitment is":                    func(c *proof.Claim) { c.Hidden.Inputs[1] = hidden.Commitment{0xff} },
		"hidden output stream 0: a commitment is":                   func(c *proof.Claim) { c.Hidden.Outputs[0] = proof.Sealed{Commitment: hidden.Commitment{0xff}} },
		"hidden output stream 0 has up to 4294967296 bytes":         func(c *proof.Claim) { c.Hidden.Outputs[0] = proof.Sealed{Most: 1 << 32} },
	} {
		c := hiding()
		change(c)
		if _, err := c.Ends(1, c.Result.Fuel); !errors.Is(err, proof.ErrNoStatement) || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
	c := hiding()
	c.Limits.Output = 63
	if _, err := c.Ends(1, c.Result.Fuel); !errors.Is(err, proof.ErrStatement) {
		t.Errorf("hidden output beyond the cap: %v", err)
	}
}

// TestHiddenChallenges: the challenges depend on what is hidden, and on what the verifier knows of it.
func TestHiddenChallenges(t *testing.T) {
	s, err := proof.Named(proof.Small)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]string)
	for name, change := range map[string]func(c *proof.Claim){
		"as it is":       func(*proof.Claim) {},
		"nothing hidden": func(c *proof.Claim) { c.Hidden = nil },
		"another input":  func(c *proof.Claim) { c.Hidden.Inputs[1] = hidden.Commitment{31: 9} },
		"another stream": func(c *proof.Claim) {
			c.Hidden.Inputs[0] = c.Hidden.Inputs[1]
			delete(c.Hidden.Inputs, 1)
			c.Streams[0] = nil
		},
		"another output": func(c *proof.Claim) {
			c.Hidden.Outputs[0] = proof.Sealed{Commitment: hidden.Commitment{31: 9}, Most: 64}
		},
		"another bound": func(c *proof.Claim) {
			c.Hidden.Outputs[0] = proof.Sealed{Commitment: hidden.Commitment{31: 3}, Most: 63}
		},
		"less that is hidden": func(c *proof.Claim) { delete(c.Hidden.Inputs, 2) },
	} {
		c := hiding()
		change(c)
		ends, err := c.Ends(1, c.Result.Fuel)
		if err != nil {
			t.Fatal(err)
		}
		st, err := c.Statement(ends)
		if err != nil {
			t.Fatal(err)
		}
		for what, contents := range map[string]circuits.Contents{"in words": nil, "in both": s.Chips.Contents(c.Program, *ends)} {
			b, err := s.Challenged(st, contents)
			if err != nil {
				t.Fatal(err)
			}
			if was, ok := seen[string(b)]; ok {
				t.Errorf("%s, %s: the same challenges as %s", name, what, was)
			}
			seen[string(b)] = name
		}
	}
}
