// Package proof guarantees that a proof which it accepts shows what its statement says of the program that the verifier made itself: that it ends
// so, after that much fuel, when run from its initial state. It is sound as far as the keys of the family are: whoever made them
// can prove anything.
package proof

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	ipld "github.com/ipld/go-ipld-prime"
	"github.com/ipld/go-ipld-prime/schema"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/link"
	"github.com/trilemma-dev/trilemma/machine"
)

// Version is the version of the format and of what is hashed into the challenges.
const Version = "proof/1"

// MaxProof bounds a proof, in bytes.
const MaxProof = block.MaxNode

// ErrMalformed says that bytes are not a proof.
var ErrMalformed = errors.New("not a proof")

//go:embed schema.ipldsch
var schemaText []byte

// types parses the schema once. The text is part of the program, so a failure is a programming error.
var types = sync.OnceValue(func() *schema.TypeSystem {
	ts, err := ipld.LoadSchemaBytes(schemaText)
	if err != nil {
		panic(fmt.Sprintf("proof: schema: %v", err))
	}
	return ts
})

// Statement is what a proof shows. Its fields follow schema.ipldsch.
type Statement struct {
	Profile string
	Program []byte // root
	End     int64  // see circuits.Statement
	Fuel    int64
}

// NewStatement is the statement that a run of a program ends so.
func NewStatement(p *machine.Program, st circuits.Statement) (Statement, error) {
	if st.End > math.MaxInt64 || st.Fuel > math.MaxInt64 {
		return Statement{}, fmt.Errorf("no statement can say that a run ends as %d with fuel %d", st.End, st.Fuel)
	}
	root := p.Root()
	return Statement{Profile: link.Profile, Program: root[:], End: int64(st.End), Fuel: int64(st.Fuel)}, nil
}

// Proof is a statement and the parts that show it.
type Proof struct {
	Family    parts.Digest
	Statement Statement
	Parts     []parts.Part
}

// document is a proof as it is written.
type document struct {
	Trilemma  string
	Family    []byte
	Statement Statement
	Parts     []byte
}

// recordSize is the size of a part in a document.
const recordSize = 2 + parts.PartSize

// Block encodes the proof. Anybody can turn it into another proof of the same, so that its CID names these bytes and nothing else.
func (p *Proof) Block() (block.Block, error) {
	d := &document{Trilemma: Version, Family: p.Family[:], Statement: p.Statement}
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
	p := &Proof{Statement: d.Statement}
	switch {
	case d.Trilemma != Version:
		return nil, fmt.Errorf("%w: version %.40q, this program knows %q", ErrMalformed, d.Trilemma, Version)
	case len(d.Family) != len(p.Family):
		return nil, fmt.Errorf("%w: a family's ID of %d bytes", ErrMalformed, len(d.Family))
	case len(d.Statement.Program) != len(machine.Digest{}):
		return nil, fmt.Errorf("%w: a program's root of %d bytes", ErrMalformed, len(d.Statement.Program))
	case d.Statement.End < 0 || d.Statement.Fuel < 0:
		return nil, fmt.Errorf("%w: a negative number", ErrMalformed)
	case len(d.Parts) == 0 || len(d.Parts)%recordSize != 0:
		return nil, fmt.Errorf("%w: %d bytes of parts", ErrMalformed, len(d.Parts))
	}
	p.Family = parts.Digest(d.Family)
	for record := range slices.Chunk(d.Parts, recordSize) {
		part, err := parts.ParsePart(int(binary.LittleEndian.Uint16(record)), record[2:])
		if err != nil {
			return nil, fmt.Errorf("%w: part %d: %w", ErrMalformed, len(p.Parts), err)
		}
		p.Parts = append(p.Parts, part)
	}
	return p, nil
}
