package block

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-car/v2"
	"github.com/ipld/go-car/v2/storage"
)

// CARLimits bounds what is read from an archive. Zero values stand for the defaults.
type CARLimits struct {
	Blocks int   // number of blocks; default 1,000,000
	Bytes  int64 // total size of the blocks' contents; default 4 GiB
}

func (l CARLimits) withDefaults() CARLimits {
	if l.Blocks == 0 {
		l.Blocks = 1_000_000
	}
	if l.Bytes == 0 {
		l.Bytes = 4 << 30
	}
	return l
}

const maxCARHeader = 4096

// CARReader reads a CARv1 stream with exactly one root. Every block that Next returns has been hashed again.
type CARReader struct {
	Root cid.Cid

	br    *car.BlockReader
	left  CARLimits
	limit CARLimits
}

// NewCARReader reads the archive's header.
func NewCARReader(r io.Reader, limits CARLimits) (cr *CARReader, err error) {
	defer recoverTo(&err, "car header")
	limits = limits.withDefaults()
	rec := &recorder{r: r, on: true}
	br, err := car.NewBlockReader(rec, car.WithTrustedCAR(true), // Next below checks, with a shorter list of hashes
		car.MaxAllowedHeaderSize(maxCARHeader), car.MaxAllowedSectionSize(MaxBlock+64))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotCAR, err)
	}
	if br.Version != 1 {
		return nil, fmt.Errorf("CAR version %d, want 1", br.Version)
	}
	if len(br.Roots) != 1 {
		return nil, fmt.Errorf("CAR file with %d roots, want 1", len(br.Roots))
	}
	if err := Supported(br.Roots[0]); err != nil {
		return nil, fmt.Errorf("CAR root: %w", err)
	}
	rec.on = false
	var canonical bytes.Buffer
	if _, err := NewCARWriter(&canonical, br.Roots[0]); err != nil {
		return nil, err
	}
	if !bytes.Equal(rec.seen, canonical.Bytes()) { // the library reads any CBOR tag as a link, and more
		return nil, fmt.Errorf("CAR header: %w", ErrNotCanonical)
	}
	return &CARReader{Root: br.Roots[0], br: br, left: limits, limit: limits}, nil
}

// recorder keeps what is read through it while it is on.
type recorder struct {
	r    io.Reader
	on   bool
	seen []byte
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if r.on {
		r.seen = append(r.seen, p[:n]...)
	}
	return n, err
}

// Next returns the next block, or io.EOF after the last one. A file that ends within a block is an error.
func (r *CARReader) Next() (b Block, err error) {
	defer recoverTo(&err, "car section")
	next, err := r.br.Next()
	switch {
	case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return Block{}, io.EOF
	case err != nil:
		return Block{}, fmt.Errorf("CAR section %d: %w", r.limit.Blocks-r.left.Blocks, err)
	}
	data := next.RawData()
	if r.left.Blocks--; r.left.Blocks < 0 {
		return Block{}, fmt.Errorf("CAR file: %w: more than %d blocks", ErrTooLarge, r.limit.Blocks)
	}
	if r.left.Bytes -= int64(len(data)); r.left.Bytes < 0 {
		return Block{}, fmt.Errorf("CAR file: %w: more than %d bytes", ErrTooLarge, r.limit.Bytes)
	}
	if err := Check(next.Cid(), data); err != nil {
		return Block{}, err
	}
	return Block{CID: next.Cid(), Data: data}, nil
}

func recoverTo(err *error, what string) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%s: malformed: %v", what, r)
	}
}

// CARWriter writes a CARv1 stream, each block once.
type CARWriter struct {
	w storage.WritableCar
}

// NewCARWriter writes the header that names root.
func NewCARWriter(w io.Writer, root cid.Cid) (*CARWriter, error) {
	s, err := storage.NewWritable(onlyWriter{w}, []cid.Cid{root}, car.WriteAsCarV1(true), car.UseWholeCIDs(true))
	if err != nil {
		return nil, fmt.Errorf("write CAR header: %w", err)
	}
	return &CARWriter{w: s}, nil
}

// Put appends b unless it was written before.
func (w *CARWriter) Put(b Block) error {
	if err := w.w.Put(context.Background(), string(b.CID.Bytes()), b.Data); err != nil {
		return fmt.Errorf("write CAR section: %w", err)
	}
	return nil
}

// onlyWriter hides a file's Seek and WriteAt, so that the archive is written strictly in order.
type onlyWriter struct{ io.Writer }
