package prover

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/trilemma-dev/trilemma/circuits/parts"
)

// Session is a proof in the making, kept in a directory of its own (mode 0700), so that it goes on where it was after its process died: the masks'
// seed, and the parts that are finished. With the seed a hidden input can be guessed, so that the directory is removed when the proof is sealed:
// see [Session.Seal]. It is used by one goroutine at a time. Two processes with one session do the same work twice, and nothing worse.
type Session struct {
	Seed Seed
	Have map[int]parts.Part // finished before

	dir     string
	backend parts.Backend
	parts   *os.File
}

// Names in a session's directory, and the size of the code under the seed that shows that a record was written by us.
const (
	seedName  = "seed"
	partsName = "parts"
	codeSize  = 16
)

// recordSize is the size of a record: a part's index and kind, the part, and the code.
func (s *Session) recordSize() int { return 4 + 2 + parts.PartSize(s.backend) + codeSize }

// OpenSession takes up the session in a directory, or begins one with a seed from random, for a proof in this backend. What a crash left of a record is dropped.
func OpenSession(dir string, backend parts.Backend, random io.Reader) (*Session, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	s := &Session{dir: dir, backend: backend, Have: make(map[int]parts.Part)}
	if err := s.seed(random); err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, partsName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	s.parts = f
	if err := s.read(); err != nil {
		return nil, errors.Join(fmt.Errorf("session: %w", err), f.Close())
	}
	return s, nil
}

// seed reads the seed, or makes one, which is there whole or not at all.
func (s *Session) seed(random io.Reader) error {
	name := filepath.Join(s.dir, seedName)
	data, err := os.ReadFile(name)
	if err == nil && len(data) == len(s.Seed) {
		copy(s.Seed[:], data)
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := io.ReadFull(random, s.Seed[:]); err != nil {
		return err
	}
	f, err := os.CreateTemp(s.dir, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(s.Seed[:])
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// read reads the finished parts, up to the first record that is not whole.
func (s *Session) read() error {
	partSize := s.recordSize()
	record := make([]byte, partSize)
	for n := int64(0); ; n++ {
		_, err := io.ReadFull(s.parts, record)
		if err == nil && hmac.Equal(s.code(record[:partSize-codeSize]), record[partSize-codeSize:]) {
			p, err := parts.ParsePart(s.backend, int(binary.LittleEndian.Uint16(record[4:])), record[6:partSize-codeSize])
			if err != nil {
				return err
			}
			s.Have[int(binary.LittleEndian.Uint32(record))] = p
			continue
		}
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return err
		}
		if err := s.parts.Truncate(n * int64(partSize)); err != nil {
			return err
		}
		_, err = s.parts.Seek(n*int64(partSize), io.SeekStart)
		return err
	}
}

func (s *Session) code(record []byte) []byte {
	h := hmac.New(sha256.New, s.Seed[:])
	h.Write([]byte("trilemma/session/1"))
	h.Write(record)
	return h.Sum(nil)[:codeSize]
}

// Keep keeps a finished part: when it returns the part survives a crash.
func (s *Session) Keep(i int, p parts.Part) error {
	record := binary.LittleEndian.AppendUint32(nil, uint32(i))
	record = binary.LittleEndian.AppendUint16(record, uint16(p.Kind))
	record = append(record, p.Bytes()...)
	record = append(record, s.code(record)...)
	if _, err := s.parts.Write(record); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	if err := s.parts.Sync(); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	return nil
}

// Close keeps the session for later.
func (s *Session) Close() error { return s.parts.Close() }

// Seal ends the session: nothing of it is left.
func (s *Session) Seal() error {
	if err := s.parts.Close(); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	return nil
}
