// Package secrets keeps what opens commitments: salts and plaintexts, which are for the owner of a run and for nobody else. An opening that this package
// returns is one of the commitment that was asked for.
package secrets

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime/datamodel"

	"github.com/trilemma-dev/trilemma/block"
	"github.com/trilemma-dev/trilemma/internal/hidden"
	"github.com/trilemma-dev/trilemma/receipts"
)

//go:embed schema.ipldsch
var schemaText []byte

var types = block.Schema(schemaText)

// Version is the version of the format.
const Version = "secrets/1"

// ErrSecrets says that a file is no secrets. Errors name commitments, and never what they hide.
var ErrSecrets = errors.New("no file of secrets")

// Set is a set of openings; it is safe for concurrent use. Nothing is ever taken out of it.
type Set struct {
	random io.Reader // owned by mu

	mu       sync.Mutex
	openings map[hidden.Commitment]opening  // owned by mu
	results  map[result][]hidden.Commitment // likewise: those of results
}

type opening struct {
	hidden.Opening
	of *result // nil: of a parameter
}

// result is a stream of a computation's output.
type result struct {
	computation cid.Cid
	stream      int
}

// New makes an empty set, which draws salts from random.
func New(random io.Reader) *Set {
	return &Set{random: random, openings: make(map[hidden.Commitment]opening), results: make(map[result][]hidden.Commitment)}
}

// Opening is what opens a commitment.
func (s *Set) Opening(c hidden.Commitment) (hidden.Opening, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.openings[c]
	return o.Opening, ok
}

// Len is how many openings there are.
func (s *Set) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.openings)
}

// Hide commits to a parameter's stream, under a fresh salt each time: equal parameters are not seen to be equal.
func (s *Set) Hide(stream []byte) (hidden.Commitment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(stream, nil)
}

// Seal commits to an output stream of a computation. The same output of the same computation has the same commitment, also in a set that was read again.
func (s *Set) Seal(computation cid.Cid, stream int, data []byte) (hidden.Commitment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := result{computation, stream}
	for _, c := range s.results[of] {
		if bytes.Equal(s.openings[c].Stream, data) {
			return c, nil
		}
	}
	return s.add(data, &of)
}

func (s *Set) add(stream []byte, of *result) (hidden.Commitment, error) {
	salt, err := hidden.NewSalt(s.random)
	if err != nil {
		return hidden.Commitment{}, err
	}
	return s.put(opening{hidden.Opening{Stream: bytes.Clone(stream), Salt: salt}, of}), nil
}

func (s *Set) put(o opening) hidden.Commitment {
	c := o.Commitment()
	s.openings[c] = o
	if o.of != nil {
		s.results[*o.of] = append(s.results[*o.of], c)
	}
	return c
}

// The types of schema.ipldsch.
type file struct {
	Trilemma string
	Openings []fileOpening
}

type fileOpening struct {
	Commitment []byte
	Salt       []byte
	Stream     datamodel.Link
	Of         *fileResult
}

type fileResult struct {
	Computation datamodel.Link
	Stream      int64
}

// Write writes the set as an archive: CARv1, the list of openings first.
func (s *Set) Write(w io.Writer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := file{Trilemma: Version, Openings: []fileOpening{}}
	blocks := []block.Block{{}}
	for _, c := range slices.SortedFunc(maps.Keys(s.openings), compare) {
		o := s.openings[c]
		b := block.Raw(o.Stream)
		one := fileOpening{Commitment: c[:], Salt: o.Salt[:], Stream: receipts.Link(b.CID)}
		if o.of != nil {
			one.Of = &fileResult{receipts.Link(o.of.computation), int64(o.of.stream)}
		}
		f.Openings = append(f.Openings, one)
		blocks = append(blocks, b)
	}
	var err error
	if blocks[0], err = block.Marshal(&f, types().TypeByName("Secrets")); err != nil {
		return fmt.Errorf("write secrets: %w", err)
	}
	return receipts.NewArchive(blocks...).Write(w)
}

func compare(a, b hidden.Commitment) int { return bytes.Compare(a[:], b[:]) }

// Read reads what [Set.Write] wrote, and checks every opening. The error wraps [ErrSecrets] unless r fails.
func Read(r io.Reader, random io.Reader) (*Set, error) {
	a, err := receipts.ReadArchive(r, block.CARLimits{})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSecrets, err)
	}
	var f file
	if err := block.Unmarshal(a.Blocks[a.Root], &f, types().TypeByName("Secrets")); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSecrets, err)
	}
	if f.Trilemma != Version {
		return nil, fmt.Errorf("%w: unknown version %.64q, this program knows %q", ErrSecrets, f.Trilemma, Version)
	}
	s := New(random)
	var last hidden.Commitment
	streams := make(map[cid.Cid]bool, len(f.Openings))
	for i := range f.Openings {
		o, c, err := f.Openings[i].read(a)
		if err != nil {
			return nil, fmt.Errorf("%w: opening %d: %w", ErrSecrets, i, err)
		}
		if i > 0 && compare(last, c) >= 0 {
			return nil, fmt.Errorf("%w: opening %d: not in the order of the commitments", ErrSecrets, i)
		}
		last = c
		s.put(o)
		streams[receipts.CID(f.Openings[i].Stream)] = true
	}
	if n := len(a.Blocks) - 1 - len(streams); n != 0 {
		return nil, fmt.Errorf("%w: %d blocks that open nothing", ErrSecrets, n)
	}
	return s, nil
}

func (f *fileOpening) read(a *receipts.Archive) (o opening, c hidden.Commitment, err error) {
	if c, err = hidden.ParseCommitment(f.Commitment); err != nil {
		return o, c, err
	}
	if o.Salt, err = hidden.ParseSalt(f.Salt); err != nil {
		return o, c, err
	}
	id := receipts.CID(f.Stream)
	b, ok := a.Get(id)
	if !ok || id.Prefix().Codec != cid.Raw {
		return o, c, errors.New("its stream is missing")
	}
	o.Stream = b.Data
	if f.Of != nil {
		if f.Of.Stream < 0 || f.Of.Stream > maxStream {
			return o, c, fmt.Errorf("an output stream %d", f.Of.Stream)
		}
		o.of = &result{receipts.CID(f.Of.Computation), int(f.Of.Stream)}
	}
	if o.Commitment() != c {
		return o, c, fmt.Errorf("salt and stream do not open the commitment %x", c[:8])
	}
	return o, c, nil
}

// maxStream bounds the number of an output stream.
const maxStream = 255
