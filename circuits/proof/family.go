package proof

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/circuits"
	"github.com/trilemma-dev/trilemma/circuits/emit"
	"github.com/trilemma-dev/trilemma/circuits/parts"
	"github.com/trilemma-dev/trilemma/link"
)

// FamilyVersion is the version of the schema of families that this package writes and reads.
const FamilyVersion = "family/1"

// Dev is the origin of keys whose randomness one machine drew: whoever has it can prove anything.
const Dev = "dev"

// ErrFamily says that bytes are not a family of circuits that this program can verify under.
var ErrFamily = errors.New("not a family of circuits of this program")

// Bounds of a family that is read.
const (
	maxFamily = 1 << 20 // bytes
	maxRows   = 1 << 21 // of all chips in one shape
)

// Family is a scheme with its verifying keys, and where these come from. It is immutable.
type Family struct {
	Scheme   *Scheme
	Keys     *parts.Family
	Ceremony cid.Cid // transcript that the keys' randomness comes from; undefined: one machine drew it
}

// NewFamily joins a scheme to the verifying keys of its shapes, in their order.
func NewFamily(s *Scheme, keys []parts.VerifyingKey, ceremony cid.Cid) (*Family, error) {
	if len(keys) != len(s.Shapes) {
		return nil, fmt.Errorf("%w: %d keys for %d shapes", ErrFamily, len(keys), len(s.Shapes))
	}
	kinds := make([]parts.Kind, len(keys))
	for i, sh := range s.Shapes {
		kinds[i] = parts.Kind{Name: sh.Name(), Given: sh.Given(), Key: keys[i]}
	}
	f, err := parts.NewFamily(s.System.Labels(), kinds)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFamily, err)
	}
	return &Family{s, f, ceremony}, nil
}

// ID names the family: see [parts.Family.ID].
func (f *Family) ID() parts.Digest { return f.Keys.ID() }

// Dev reports whether one machine drew the randomness of the keys.
func (f *Family) Dev() bool { return !f.Ceremony.Defined() }

// Origin is where the randomness came from: [Dev], or the CID of a ceremony's transcript.
func (f *Family) Origin() string {
	if f.Dev() {
		return Dev
	}
	return f.Ceremony.String()
}

// familyDocument is a family as it is written.
type familyDocument struct {
	Trilemma string
	Backend  *string
	Profile  string
	Chips    []byte
	Ceremony *datamodel.Link
	Shapes   []shapeDocument
}

type shapeDocument struct {
	Name      string
	Block     int64
	Rows      []rowsDocument
	Verifying []byte
}

type rowsDocument struct {
	Chip string
	Rows int64
	From *int64
}

// Block encodes the family.
func (f *Family) Block() (block.Block, error) {
	chips := f.Scheme.Chips.Digest()
	d := &familyDocument{Trilemma: FamilyVersion, Backend: backendName(f.Keys.Backend()), Profile: link.Profile, Chips: chips[:]}
	if !f.Dev() {
		var l datamodel.Link = cidlink.Link{Cid: f.Ceremony}
		d.Ceremony = &l
	}
	kinds := f.Keys.Kinds()
	for i, sh := range f.Scheme.Shapes {
		one := shapeDocument{Name: sh.Name(), Block: int64(sh.Block()), Rows: []rowsDocument{}, Verifying: kinds[i].Key.Bytes()}
		for _, c := range f.Scheme.Chips.Chips {
			if n := sh.Rows(c.Name); n > 0 {
				r := rowsDocument{Chip: c.Name, Rows: int64(n)}
				if from := int64(sh.From(c.Name)); from > 0 {
					r.From = &from
				}
				one.Rows = append(one.Rows, r)
			}
		}
		d.Shapes = append(d.Shapes, one)
	}
	return block.Marshal(d, types().TypeByName("Family"))
}

// ReadFamily decodes a family. That it is sound is not decided here: whoever made its keys, or wrote its shapes, can prove anything. The
// error wraps [ErrFamily].
func ReadFamily(data []byte) (*Family, error) {
	if len(data) > maxFamily {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", ErrFamily, len(data), maxFamily)
	}
	var d familyDocument
	if err := block.Unmarshal(data, &d, types().TypeByName("Family")); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFamily, err)
	}
	s := newSystem()
	chips := s.Chips.Digest()
	switch {
	case d.Trilemma != FamilyVersion:
		return nil, fmt.Errorf("%w: version %.40q, this program knows %q", ErrFamily, d.Trilemma, FamilyVersion)
	case d.Profile != link.Profile:
		return nil, fmt.Errorf("%w: profile %.40q, this program has %q", ErrFamily, d.Profile, link.Profile)
	case !bytes.Equal(d.Chips, chips[:]):
		return nil, fmt.Errorf("%w: it was made for other chips than this version has", ErrFamily)
	case len(d.Shapes) == 0 || len(d.Shapes) > parts.MaxKinds:
		return nil, fmt.Errorf("%w: %d shapes", ErrFamily, len(d.Shapes))
	}
	backend, err := backendNamed(d.Backend)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFamily, err)
	}
	var keys []parts.VerifyingKey
	for i := range d.Shapes {
		sh, err := d.Shapes[i].shape(s.System)
		if err != nil {
			return nil, fmt.Errorf("%w: shape %d: %w", ErrFamily, i, err)
		}
		k, err := backend.ParseKey(d.Shapes[i].Verifying)
		if err != nil {
			return nil, fmt.Errorf("%w: shape %d: %w", ErrFamily, i, err)
		}
		s.Shapes, keys = append(s.Shapes, sh), append(keys, k)
	}
	ceremony := cid.Undef
	if d.Ceremony != nil {
		ceremony = (*d.Ceremony).(cidlink.Link).Cid
	}
	f, err := NewFamily(s, keys, ceremony)
	if err != nil {
		return nil, err
	}
	if again, err := f.Block(); err != nil || !bytes.Equal(again.Data, data) {
		return nil, fmt.Errorf("%w: it can be written in another way", ErrFamily)
	}
	return f, nil
}

func (d *shapeDocument) shape(s *emit.System) (*emit.Shape, error) {
	if d.Block < 1 || d.Block > maxRows {
		return nil, fmt.Errorf("blocks of %d rows", d.Block)
	}
	rows, from, total, last := make(map[string]int), make(map[string]int), int64(0), ""
	for i, r := range d.Rows {
		if r.Rows < 1 || r.Rows > maxRows {
			return nil, fmt.Errorf("%d rows of %.40q", r.Rows, r.Chip)
		}
		if _, twice := rows[r.Chip]; twice {
			return nil, fmt.Errorf("%.40q is there twice, the second time behind %.40q", r.Chip, last)
		}
		if total += r.Rows; total > maxRows {
			return nil, fmt.Errorf("more than %d rows with entry %d", maxRows, i)
		}
		rows[r.Chip], last = int(r.Rows), r.Chip
		if r.From != nil {
			if *r.From < 1 || *r.From > maxRows {
				return nil, fmt.Errorf("rows of %.40q from %d on", r.Chip, *r.From)
			}
			from[r.Chip] = int(*r.From)
		}
	}
	return s.Slice(d.Name, int(d.Block), rows, from)
}

// chips are the chips of this program and what they are for circuits: made once, and the same for all.
var chips = sync.OnceValue(func() *Scheme {
	c := circuits.New()
	return &Scheme{Chips: c, System: emit.New(c)}
})

// newSystem is a scheme without shapes.
func newSystem() *Scheme {
	s := *chips()
	return &s
}
