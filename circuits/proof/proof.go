// Package proof guarantees that a proof which it accepts shows what its statement says of the program that the verifier made itself: that it ends
// so, after that much fuel, when run from its initial state. It is sound as far as the keys of the family are: whoever made them
// can prove anything.
package proof

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/circuits/parts"
)

// Version is the version of the format and of what is hashed into the challenges.
const Version = "proof/2"

// MaxProof bounds a proof, in bytes.
const MaxProof = block.MaxNode

// ErrMalformed says that bytes are not a proof.
var ErrMalformed = errors.New("not a proof")

//go:embed schema.ipldsch
var schemaText []byte

var types = block.Schema(schemaText)

// Proof is a statement and the parts that show it.
type Proof struct {
	Backend   parts.Backend // nil: the usual one
	Family    parts.Digest
	Setup     string // where the keys come from, as whoever proved says: see [Family.Origin]
	Statement Statement
	Parts     []parts.Part
}

// document is a proof as it is written.
type document struct {
	Trilemma  string
	Backend   *string
	Family    []byte
	Setup     string
	Statement Statement
	Parts     []byte
}

// maxSetup bounds what a proof says of its keys: a CID in text.
const maxSetup = 256

// RecordSize is the size of a part in a document.
func RecordSize(b parts.Backend) int { return 2 + parts.PartSize(b) }

// Block encodes the proof. Anybody can turn it into another proof of the same, so that its CID names these bytes and nothing else.
func (p *Proof) Block() (block.Block, error) {
	d := &document{Trilemma: Version, Backend: backendName(p.Backend), Family: p.Family[:], Setup: p.Setup, Statement: p.Statement}
	for i := range p.Parts {
		d.Parts = binary.LittleEndian.AppendUint16(d.Parts, uint16(p.Parts[i].Kind))
		d.Parts = append(d.Parts, p.Parts[i].Bytes()...)
	}
	return block.Marshal(d, types().TypeByName("Proof"))
}

// Read decodes a proof. It decides about its form only, points included: see [Scheme.Verify]. The error wraps [ErrMalformed].
func Read(data []byte) (*Proof, error) {
	if len(data) > MaxProof {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", ErrMalformed, len(data), MaxProof)
	}
	var d document
	if err := block.Unmarshal(data, &d, types().TypeByName("Proof")); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	backend, err := backendNamed(d.Backend)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	p, recordSize := &Proof{Backend: backend, Setup: d.Setup, Statement: d.Statement}, RecordSize(backend)
	switch {
	case d.Trilemma != Version:
		return nil, fmt.Errorf("%w: version %.40q, this program knows %q", ErrMalformed, d.Trilemma, Version)
	case len(d.Family) != len(p.Family):
		return nil, fmt.Errorf("%w: a family's ID of %d bytes", ErrMalformed, len(d.Family))
	case len(d.Setup) > maxSetup:
		return nil, fmt.Errorf("%w: %d bytes that say where the keys come from", ErrMalformed, len(d.Setup))
	case len(d.Parts) == 0 || len(d.Parts)%recordSize != 0:
		return nil, fmt.Errorf("%w: %d bytes of parts", ErrMalformed, len(d.Parts))
	}
	if err := d.Statement.well(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	p.Family = parts.Digest(d.Family)
	for record := range slices.Chunk(d.Parts, recordSize) {
		part, err := parts.ParsePart(backend, int(binary.LittleEndian.Uint16(record)), record[2:])
		if err != nil {
			return nil, fmt.Errorf("%w: part %d: %w", ErrMalformed, len(p.Parts), err)
		}
		p.Parts = append(p.Parts, part)
	}
	return p, nil
}
