package prover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	"github.com/consensys/gnark-crypto/ecc/bn254/kzg"

	"github.com/trilemma-dev/trilemma/circuits/plonk"
)

// Reference is a reference string for KZG commitments (Kate, Zaverucha, Goldberg, ASIACRYPT 2010) to polynomials over a domain: powers of a secret τ, and the
// domain's Lagrange polynomials at τ. It serves all PLONK circuits of that size. Whoever knows τ can prove anything under keys that are made from it. It is not changed.
type Reference struct {
	size     uint64
	powers   kzg.ProvingKey // three more than the size: polynomials are blinded
	lagrange kzg.ProvingKey
	vk       kzg.VerifyingKey
}

// blinds is how many powers a reference string has beyond the size of its domain.
const blinds = 3

func checkReference(size uint64) error {
	if size < 8 || size > plonk.MaxSize || size&(size-1) != 0 {
		return fmt.Errorf("a reference string for a domain of %d", size)
	}
	return nil
}

// Reference makes a reference string, with a secret that is drawn here and forgotten: for development keys.
func (g *Generator) Reference(ctx context.Context, size uint64) (*Reference, error) {
	if err := checkReference(size); err != nil {
		return nil, err
	}
	var t fr.Element
	for t.IsZero() {
		if err := draw(g.random, &t); err != nil {
			return nil, fmt.Errorf("reference string: %w", err)
		}
	}
	r := &Reference{size: size}
	scalars := make([]fr.Element, size+blinds)
	scalars[0].SetOne()
	for i := range scalars[1:] {
		scalars[i+1].Mul(&scalars[i], &t)
	}
	var err error
	if r.powers.G1, err = g.multiply1(ctx, scalars); err != nil {
		return nil, err
	}
	if r.lagrange.G1, err = g.multiply1(ctx, lagrangeAt(fft.NewDomain(size), int(size), &t)); err != nil {
		return nil, err
	}
	_, _, _, g2 := bn254.Generators()
	r.verifying(g2, *new(bn254.G2Affine).ScalarMultiplication(&g2, t.BigInt(new(big.Int))))
	return r, nil
}

// verifying is what verifiers know: 1 and τ in G2.
func (r *Reference) verifying(one, tau bn254.G2Affine) {
	_, _, r.vk.G1, _ = bn254.Generators()
	r.vk.G2 = [2]bn254.G2Affine{one, tau}
	for i := range r.vk.G2 {
		r.vk.Lines[i] = bn254.PrecomputeLines(r.vk.G2[i])
	}
}

// PlonkKeys makes the keys of a circuit for PLONK from a ceremony's powers. Whoever does it gets the same.
func (p *Powers) PlonkKeys(c *Circuit) (k Keys, err error) {
	n, err := c.Domain()
	if err != nil {
		return k, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.references[n]
	if r == nil {
		if r, err = p.Reference(n); err != nil {
			return k, err
		}
		p.references[n] = r
	}
	return PlonkKeys(c, r)
}

// Reference makes the reference string that a ceremony's powers are, of which there have to be enough: those of size N serve domains below 2N.
func (p *Powers) Reference(size uint64) (r *Reference, err error) {
	defer caught("reference string", &err)
	if err := checkReference(size); err != nil {
		return nil, err
	}
	if got := len(p.commons.G1.Tau); uint64(got) < size+blinds {
		return nil, fmt.Errorf("%w: its %d powers are too few for a domain of %d", ErrCeremony, got, size)
	}
	r = &Reference{size: size}
	r.powers.G1 = p.commons.G1.Tau[: size+blinds : size+blinds]
	r.lagrange.G1 = lagrange(p.commons.G1.Tau[:size])
	r.verifying(p.commons.G2.Tau[0], p.commons.G2.Tau[1])
	return r, nil
}

// write writes the reference string for this machine: the size, two points of G2, and all points of G1 as they are, to be read without being checked.
func (r *Reference) write(w io.Writer) error {
	e := bn254.NewEncoder(w, bn254.RawEncoding())
	for _, v := range []any{r.size, &r.vk.G2[0], &r.vk.G2[1], r.powers.G1, r.lagrange.G1} {
		if err := e.Encode(v); err != nil {
			return err
		}
	}
	return nil
}

func readReference(data []byte) (*Reference, error) {
	r, b := new(Reference), bytes.NewReader(data)
	var g2 [2]bn254.G2Affine
	d := bn254.NewDecoder(b, bn254.NoSubgroupChecks())
	for _, v := range []any{&r.size, &g2[0], &g2[1], &r.powers.G1, &r.lagrange.G1} {
		if err := d.Decode(v); err != nil {
			return nil, err
		}
	}
	if err := checkReference(r.size); err != nil {
		return nil, err
	}
	if b.Len() > 0 || uint64(len(r.powers.G1)) != r.size+blinds || uint64(len(r.lagrange.G1)) != r.size {
		return nil, errors.New("a reference string of other lengths than its size has")
	}
	r.verifying(g2[0], g2[1])
	return r, nil
}
