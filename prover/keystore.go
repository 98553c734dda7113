package prover

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/ipfs/go-cid"

	groth16 "github.com/consensys/gnark/backend/groth16/bn254"

	"github.com/trilemma-dev/trilemma/circuits/parts"
)

// ErrNoKeys says that there are no keys of a circuit.
var ErrNoKeys = errors.New("no keys")

// Keystore is a directory of keys: for each circuit a manifest, named by the circuit's digest, and the proving key that it names. Files appear under
// their names complete or not at all, and several processes may use one directory. What is in it is trusted as far as its checksums: points of
// a proving key are not checked, so that it loads as fast as it is read. Whoever can write to the directory can make proofs fail, and learn what
// they hide.
type Keystore struct {
	dir string

	mu         sync.Mutex
	references map[string]*Reference // that were loaded, by the names of their files
}

// NewKeystore uses a directory, which is made when it is needed.
func NewKeystore(dir string) *Keystore {
	return &Keystore{dir: dir, references: make(map[string]*Reference)}
}

const (
	manifestExt  = ".manifest"
	provingExt   = ".proving"
	referenceExt = ".reference"
)

// Save stores keys of a circuit. ceremony is the transcript that their randomness comes from, undefined if this machine drew it. Keys of the same
// circuit that are there already are replaced.
func (s *Keystore) Save(k Keys, ceremony cid.Cid) (*Manifest, error) {
	if err := k.Circuit.Ready(); err != nil {
		return nil, fmt.Errorf("save keys: %w", err)
	}
	m := newManifest(k.Circuit, k.Key, ceremony)
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, fmt.Errorf("save keys: %w", err)
	}
	err := s.saveProving(k, m)
	if err != nil {
		return nil, fmt.Errorf("save keys: %w", err)
	}
	b, err := m.Block()
	if err != nil {
		return nil, fmt.Errorf("save keys: %w", err)
	}
	old, _ := s.manifest(k.Circuit.digest)
	err = s.write(func(w io.Writer) error {
		_, err := w.Write(b.Data)
		return err
	}, func() string { return hexName(k.Circuit.digest) + manifestExt })
	if err != nil {
		return nil, fmt.Errorf("save keys: %w", err)
	}
	if err := s.drop(old, m); err != nil {
		return nil, fmt.Errorf("save keys: %w", err)
	}
	return m, nil
}

// saveProving writes what proves, and puts it into the manifest.
func (s *Keystore) saveProving(k Keys, m *Manifest) error {
	dump := func(w io.Writer) error { return k.Proving.WriteDump(w) }
	if m.plonk() {
		r, err := k.reference()
		if err != nil {
			return err
		}
		dump = r.write
	}
	h := sha256.New()
	return s.write(func(w io.Writer) error {
		n := &counter{w: io.MultiWriter(w, h)}
		err := dump(n)
		m.Proving.Size, m.Proving.Sha256 = n.n, h.Sum(nil)
		return err
	}, func() string { return m.provingName() })
}

// drop removes a proving key, if there was one, that another one has replaced.
func (s *Keystore) drop(old, m *Manifest) error {
	if old == nil || old.plonk() || old.provingName() == m.provingName() { // other circuits may use a reference string
		return nil
	}
	if err := os.Remove(filepath.Join(s.dir, old.provingName())); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func hexName(d parts.Digest) string { return fmt.Sprintf("%x", d[:16]) }

// provingName is the name of the proving key's file: by circuit and content, so that two processes that make keys do not mix theirs. A reference string's is by
// content alone.
func (m *Manifest) provingName() string {
	if m.plonk() {
		return fmt.Sprintf("%x%s", m.Proving.Sha256[:16], referenceExt)
	}
	return fmt.Sprintf("%x-%x%s", m.Circuit[:16], m.Proving.Sha256[:8], provingExt)
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// write writes a file under another name and gives it its own when it is complete.
func (s *Keystore) write(content func(io.Writer) error, name func() string) (err error) {
	f, err := os.CreateTemp(s.dir, ".new-*")
	if err != nil {
		return err
	}
	defer func() { // after a rename there is nothing left to remove
		if e := os.Remove(f.Name()); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}()
	err = content(f)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(s.dir, name()))
}

func (s *Keystore) manifest(d parts.Digest) (*Manifest, error) {
	return readManifestFile(filepath.Join(s.dir, hexName(d)+manifestExt))
}

func readManifestFile(path string) (*Manifest, error) {
	data, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	m, err := ReadManifest(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return m, nil
}

// readSmall reads a file of at most a manifest's size; of a larger one, a byte more than that.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	return data, errors.Join(err, f.Close())
}

// Load finds the keys of a circuit; the proving key is loaded, and compared with what was saved, when it is first needed. The error wraps ErrNoKeys if
// there are none, and ErrManifest if what is there is not what was saved.
func (s *Keystore) Load(c *Circuit) (k Keys, m *Manifest, err error) {
	m, err = s.manifest(c.digest)
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil, fmt.Errorf("%w of %s", ErrNoKeys, c.Name())
	}
	if err == nil {
		err = m.fits(c)
	}
	if err == nil {
		err = s.there(m)
	}
	if err != nil {
		return k, nil, fmt.Errorf("load keys of %s: %w", c.Name(), err)
	}
	key, err := m.key()
	if err != nil {
		return k, nil, fmt.Errorf("load keys of %s: %w", c.Name(), err)
	}
	if c.plonk {
		return Keys{Circuit: c, Key: key, reference: func() (*Reference, error) { return s.loadReference(c, m) }}, m, nil
	}
	return Keys{Circuit: c, Key: key, load: sync.OnceValues(func() (*groth16.ProvingKey, error) { return s.load(c, m) })}, m, nil
}

// load loads the proving key of a circuit.
func (s *Keystore) load(c *Circuit, m *Manifest) (pk *groth16.ProvingKey, err error) {
	quiet()
	defer caught("load keys of "+c.Name(), &err)
	data, err := s.provingOf(c, m)
	if err != nil {
		return nil, err
	}
	pk = new(groth16.ProvingKey)
	if err := pk.ReadDump(bytes.NewReader(data)); err != nil {
		return nil, fmt.Errorf("load keys of %s: %w: %w", c.Name(), ErrManifest, err)
	}
	return pk, nil
}

// loadReference loads the reference string of a circuit, once for all circuits that share it.
func (s *Keystore) loadReference(c *Circuit, m *Manifest) (r *Reference, err error) {
	defer caught("load keys of "+c.Name(), &err)
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.references[m.provingName()]; r != nil {
		return r, nil
	}
	data, err := s.provingOf(c, m)
	if err != nil {
		return nil, err
	}
	if r, err = readReference(data); err != nil {
		return nil, fmt.Errorf("load keys of %s: %w: %w", c.Name(), ErrManifest, err)
	}
	s.references[m.provingName()] = r
	return r, nil
}

// provingOf reads what proves with a circuit, if the circuit is the one that it was made for.
func (s *Keystore) provingOf(c *Circuit, m *Manifest) ([]byte, error) {
	of, err := c.compiledDigest()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(m.Compiled, of[:]) {
		return nil, fmt.Errorf("load keys of %s: %w: they were made for circuit %x, which is %x now", c.Name(), ErrManifest, m.Compiled[:8], of[:8])
	}
	data, err := s.proving(m)
	if err != nil {
		return nil, fmt.Errorf("load keys of %s: %w", c.Name(), err)
	}
	return data, nil
}

// there checks that a proving key's file is there, with its size.
func (s *Keystore) there(m *Manifest) error {
	st, err := os.Stat(filepath.Join(s.dir, m.provingName()))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: the proving key is missing", ErrNoKeys)
	case err != nil:
		return err
	case st.Size() != m.Proving.Size:
		return fmt.Errorf("%w: the proving key has %d bytes, not %d", ErrManifest, st.Size(), m.Proving.Size)
	}
	return nil
}

// proving reads a proving key's file and checks that it is the one that was written.
func (s *Keystore) proving(m *Manifest) ([]byte, error) {
	if err := s.there(m); err != nil {
		return nil, err
	}
	f, err := os.Open(filepath.Join(s.dir, m.provingName()))
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read from
	data := make([]byte, m.Proving.Size)
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); !bytes.Equal(sum[:], m.Proving.Sha256) {
		return nil, fmt.Errorf("%w: the proving key was changed", ErrManifest)
	}
	return data, nil
}

// List returns the manifests of all keys, by the name of their files.
func (s *Keystore) List() ([]*Manifest, error) {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	var all []*Manifest
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), manifestExt) {
			continue
		}
		m, err := readManifestFile(filepath.Join(s.dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("list keys: %w", err)
		}
		all = append(all, m)
	}
	return all, nil
}
